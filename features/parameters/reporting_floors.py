"""From how many persons on a breach must be reported: the floor makes its own digits frequent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ReportingFloor:
    """One floor.

    Attributes:
        jurisdiction: as filed in ``breach_notifications.jurisdiction``.
        floor: smallest number of persons in the published list.
        verified: False where section 9 of the catalogue lists no source seen.
    """

    jurisdiction: str
    floor: int
    source: str
    valid_from: date
    verified: bool = False


REPORTING_FLOORS: tuple[ReportingFloor, ...] = (
    ReportingFloor("US-HIPAA", 500, "45 CFR 164.408(b) (G)", date(2009, 9, 23)),
    ReportingFloor("US-WA", 500, "Revised Code of Washington 19.255.010(7) (G)", date(2015, 7, 24)),
    ReportingFloor("US-CA", 500, "California Civil Code 1798.82(f) (G)", date(2012, 1, 1)),
)
