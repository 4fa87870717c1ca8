"""How many days a buyer may take to pay a smaller supplier, by jurisdiction and date.

A jurisdiction or time without a row has no statutory limit known here; `DEFAULT_DAYS` then
measures the same thing without being a legal limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from features.parameters.figures import Figure

DEFAULT = Figure(
    "default_days", 60, "days", "catalogue 4, TRX-LATEPAY: engineering default", verified=False,
    valid_from=date(2013, 3, 16), threshold_class="ENG",
)  # fmt: skip
FIGURES: tuple[Figure, ...] = (DEFAULT,)
DEFAULT_DAYS = DEFAULT.value
"""Used where no limit is known."""


@dataclass(frozen=True, slots=True)
class PaymentLimit:
    """One dated limit.

    Attributes:
        jurisdiction: country of the buyer.
        days: days from delivery (from the invoice where delivery is not filed).
        verified: False where section 9 of the catalogue lists no source seen; rules that rest on
            such a row ship inactive.
        valid_from: first day of an invoice it applies to.
    """

    jurisdiction: str
    days: int
    source: str
    valid_from: date
    valid_to: date | None = None
    verified: bool = False


_EU = ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "EU", "FI", "FR", "GR", "HR", "HU",
       "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK")  # fmt: skip

PAYMENT_LIMITS: tuple[PaymentLimit, ...] = (
    PaymentLimit("CN", 60, "State Council Order 802 (2025) (G)", date(2025, 6, 1)),
    *(PaymentLimit(c, 60, "Directive 2011/7/EU art. 3(5) (G)", date(2013, 3, 16)) for c in _EU),
)
"""At most one row applies to a jurisdiction and day."""
