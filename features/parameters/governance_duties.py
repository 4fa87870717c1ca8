"""How often operators must audit and report, and from what size on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from features.parameters.figures import Figure


@dataclass(frozen=True, slots=True)
class AuditCycle:
    """A dated duty to audit.

    Attributes:
        above: persons processed above which (strictly) it applies.
        months: length of the cycle.
        valid_from: the first cycle of an operator never audited begins here.
    """

    jurisdiction: str
    above: int
    months: int
    valid_from: date
    source: str
    verified: bool


AUDIT_CYCLES: tuple[AuditCycle, ...] = (
    AuditCycle("CN", 10_000_000, 24, date(2025, 5, 1),
               "CAC Measures on Compliance Audits, 2025, art. 4", verified=True),
    AuditCycle("EU", 45_000_000, 12, date(2024, 2, 17), "DSA art. 37", verified=False),
)  # fmt: skip
"""Duties by jurisdiction; an operator that names none is judged by the first."""

OFFICER = Figure(
    "officer_from_persons", 1_000_000, "persons", "PIPL art. 52; number of the CAC, 2025 (G)",
    verified=False, valid_from=date(2021, 11, 1),
)  # fmt: skip
REPORT = Figure(
    "report_from_persons", 10_000_000, "persons", "Network Data Regulations arts 28, 33",
    verified=True, valid_from=date(2025, 1, 1),
)  # fmt: skip
REPORT_CYCLE = Figure(
    "report_months", 12, "months", "Network Data Regulations art. 33",
    verified=True, valid_from=date(2025, 1, 1),
)  # fmt: skip
ADULTHOOD = Figure(
    "adult_from_age", 18, "years", "DSA art. 28(2): minors; their age by national law (G)",
    verified=False, valid_from=date(2024, 2, 17),
)  # fmt: skip
FIGURES: tuple[Figure, ...] = (OFFICER, REPORT, REPORT_CYCLE, ADULTHOOD)

OFFICER_FROM_PERSONS = OFFICER.value
"""Persons from which a protection officer is registered."""

REPORT_FROM_PERSONS = REPORT.value
"""Persons from which important-data duties hold."""

REPORT_MONTHS = REPORT_CYCLE.value


@dataclass(frozen=True, slots=True)
class AgeLine:
    """Age below which a guardian decides in a jurisdiction."""

    jurisdiction: str
    age: int
    source: str
    verified: bool
    valid_from: date


AGE_ROWS: tuple[AgeLine, ...] = (
    AgeLine("CN", 14, "PIPL art. 31", verified=True, valid_from=date(2021, 11, 1)),
    AgeLine("US", 13, "COPPA, 16 CFR 312", verified=True, valid_from=date(2000, 4, 21)),
    AgeLine("US-CA", 13, "COPPA, 16 CFR 312", verified=True, valid_from=date(2000, 4, 21)),
    AgeLine("EU", 16, "GDPR art. 8, unless a state lowers it (G)", verified=False,
            valid_from=date(2018, 5, 25)),
    AgeLine("GB", 13, "Data Protection Act 2018, s. 9 (G)", verified=False,
            valid_from=date(2018, 5, 25)),
)  # fmt: skip

AGE_LINES: dict[str, int] = {line.jurisdiction: line.age for line in AGE_ROWS}
"""By jurisdiction; one without a line takes that of `DEFAULT_LINE`."""

DEFAULT_LINE = 14
ADULT = ADULTHOOD.value
"""Age below which the bans on profiled advertising protect."""
