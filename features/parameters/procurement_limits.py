"""Values from which a purchase needs the stricter procedure, by jurisdiction, kind and date.

Used beside the filed table `limits`, which comes first. None is verified (catalogue, section 9):
rules that rest on them ship inactive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ProcurementLimit:
    """One dated limit: values at or above `value` need the stricter procedure.

    Attributes:
        kind: goods, works or services; empty for all.
    """

    jurisdiction: str
    kind: str
    value: float
    currency: str
    source: str
    valid_from: date
    valid_to: date | None = None
    verified: bool = False


EU_MEMBERS = ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
              "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI",
              "SK")  # fmt: skip
"""Their tenders are under the limits of jurisdiction EU."""

_EU = "Directive 2014/24/EU art. 4, amounts of the Commission for the two years (G)"
_CN = "NDRC Order 16 of 2018 (G)"
_US = "FAR 2.101 (G)"


def _eu(year: int, goods: float, local: float, works: float) -> tuple[ProcurementLimit, ...]:
    span = (date(year, 1, 1), date(year + 1, 12, 31))
    amounts = [(k, v) for k in ("goods", "services") for v in (goods, local)] + [("works", works)]
    return tuple(ProcurementLimit("EU", k, v, "EUR", _EU, *span) for k, v in amounts)


PROCUREMENT_LIMITS: tuple[ProcurementLimit, ...] = (
    *_eu(2022, 140_000, 215_000, 5_382_000),
    *_eu(2024, 143_000, 221_000, 5_538_000),
    *_eu(2026, 140_000, 216_000, 5_404_000),
    ProcurementLimit("CN", "works", 4_000_000, "CNY", _CN, date(2018, 6, 1)),
    ProcurementLimit("CN", "goods", 2_000_000, "CNY", _CN, date(2018, 6, 1)),
    ProcurementLimit("CN", "services", 1_000_000, "CNY", _CN, date(2018, 6, 1)),
    ProcurementLimit("US", "", 10_000, "USD", _US, date(2018, 8, 31), date(2025, 9, 30)),
    ProcurementLimit("US", "", 15_000, "USD", _US, date(2025, 10, 1)),
    ProcurementLimit("US", "", 250_000, "USD", _US, date(2018, 8, 31), date(2025, 9, 30)),
    ProcurementLimit("US", "", 350_000, "USD", _US, date(2025, 10, 1)),
)
