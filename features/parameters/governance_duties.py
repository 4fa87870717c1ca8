"""How often operators must audit and report, and from what size on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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

OFFICER_FROM_PERSONS = 1_000_000
"""Persons from which a protection officer is registered (PIPL art. 52; number not verified)."""

REPORT_FROM_PERSONS = 10_000_000
"""Persons from which important-data duties hold (Network Data Regulations arts 28, 33)."""

REPORT_MONTHS = 12

AGE_LINES: dict[str, int] = {"CN": 14, "US": 13, "US-CA": 13, "EU": 16, "GB": 13}
"""Age below which a guardian decides: PIPL art. 31; COPPA; GDPR art. 8 (16 unless a state lowers
it). A jurisdiction without a line takes that of `DEFAULT_LINE`."""

DEFAULT_LINE = 14
ADULT = 18
"""Age below which the bans on profiled advertising protect (DSA art. 28(2))."""
