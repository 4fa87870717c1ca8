"""By when a personal data breach must be notified, by jurisdiction and date of awareness.

Hour limits run from the instant of awareness. Day limits count whole days of the authority's
civil calendar. A jurisdiction or time without a row has no limit known here: nothing is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from features.parameters.figures import Figure

Level = Literal["general", "relatively_major", "major", "particularly_major"]

LEVELS_SOURCE = "CAC, Measures on National Cybersecurity Incident Reporting, 2025, annex"

LEVEL_LINES: tuple[Figure, ...] = tuple(
    Figure(level, persons, "persons", LEVELS_SOURCE, verified=True, valid_from=date(2025, 11, 1))
    for level, persons in (
        ("particularly_major", 100_000_000),
        ("major", 10_000_000),
        ("relatively_major", 1_000_000),
    )
)
"""Levels of the CAC classification by persons affected (inclusive), highest first."""

LEVELS: tuple[tuple[str, int], ...] = tuple((line.name, line.value) for line in LEVEL_LINES)


@dataclass(frozen=True, slots=True)
class Deadline:
    """One dated limit.

    Attributes:
        jurisdiction: code as filed in ``breach_notifications.jurisdiction``.
        limit: how many units of time; lateness is strictly more.
        notice: whose notice the limit is about.
        time_zone: the authority's civil calendar.
        ciio: only operators of critical infrastructure (True), only others (False), or all.
        least_level: only incidents of at least this level.
        verified: seen in a source during the work on the catalogue (its section 9).
        valid_from: first day of awareness it applies to; None where no earlier rule is recorded.
        valid_to: last day of awareness it applies to.
    """

    jurisdiction: str
    limit: int
    unit: Literal["hour", "day"]
    notice: Literal["authority", "individuals"]
    time_zone: str
    source: str
    verified: bool
    threshold_class: Literal["LEGAL"] = "LEGAL"
    ciio: bool | None = None
    least_level: Level = "general"
    valid_from: date | None = None
    valid_to: date | None = None


_GDPR_ZONES = {
    "EU": "Europe/Brussels", "AT": "Europe/Vienna", "BE": "Europe/Brussels",
    "BG": "Europe/Sofia", "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn", "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GR": "Europe/Athens",
    "HR": "Europe/Zagreb", "HU": "Europe/Budapest", "IE": "Europe/Dublin",
    "IS": "Atlantic/Reykjavik", "IT": "Europe/Rome", "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga",
    "MT": "Europe/Malta", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest",
    "SE": "Europe/Stockholm", "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava",
}  # fmt: skip

_GDPR = tuple(
    Deadline(code, 72, "hour", "authority", zone, "GDPR art. 33(1)", verified=True,
             valid_from=date(2018, 5, 25))
    for code, zone in _GDPR_ZONES.items()
)  # fmt: skip
_CAC = "CAC, Measures on National Cybersecurity Incident Reporting, 2025"
_CHINA = tuple(
    Deadline(
        "CN", hours, "hour", "authority", "Asia/Shanghai", _CAC, verified=True, ciio=ciio,
        least_level="relatively_major", valid_from=date(2025, 11, 1),
    )
    for ciio, hours in ((True, 1), (False, 4))
)  # fmt: skip
_WA = "Revised Code of Washington 19.255.010"

BREACH_DEADLINES: tuple[Deadline, ...] = (
    *_GDPR,
    Deadline("GB", 72, "hour", "authority", "Europe/London", "UK GDPR art. 33(1)",
             verified=False, valid_from=date(2018, 5, 25)),
    *_CHINA,
    Deadline("US-WA", 45, "day", "authority", "America/Los_Angeles", f"{_WA} (2015)",
             verified=False, valid_to=date(2020, 2, 29)),
    Deadline("US-WA", 30, "day", "authority", "America/Los_Angeles", f"{_WA} (2019 c 241)",
             verified=False, valid_from=date(2020, 3, 1)),
    Deadline("US-CA", 30, "day", "individuals", "America/Los_Angeles",
             "California SB 446, Civil Code 1798.82", verified=True,
             valid_from=date(2026, 1, 1)),
    Deadline("US-HIPAA", 60, "day", "authority", "America/New_York", "45 CFR 164.408",
             verified=False, valid_from=date(2009, 9, 23)),
)  # fmt: skip
"""Every limit known; at most one applies to an incident."""
