"""What a consent framework no longer allows its vendors, from which day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from features.parameters.figures import Figure

COOKIE_LIMIT = Figure(
    "cookie_limit", 395, "days", "CNIL guidelines of 2020: 13 months (G)", verified=False,
    valid_from=date(2020, 10, 1), threshold_class="GUIDE",
)  # fmt: skip
FIGURES: tuple[Figure, ...] = (COOKIE_LIMIT,)
COOKIE_LIMIT_DAYS = COOKIE_LIMIT.value


@dataclass(frozen=True, slots=True)
class BarredInterest:
    """Purposes that may not rest on legitimate interest from a day on.

    Attributes:
        framework: as filed; empty for every framework.
        ended_on: first day on which the basis is no longer allowed.
        verified: False where section 9 of the catalogue lists no source seen.
    """

    framework: str
    purposes: tuple[int, ...]
    ended_on: date
    source: str
    verified: bool = False


BARRED_INTERESTS: tuple[BarredInterest, ...] = (
    BarredInterest("iab-tcf-2", (3, 4, 5, 6), date(2023, 11, 20), "IAB Europe, TCF v2.2 (G)"),
)
