"""Dated thresholds of competition law, each with class, source and a mark of verification.

Rows that are not verified are kept for the record but inactive: what needs one is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import narwhals as nw

MILLION, BILLION = 1_000_000.0, 1_000_000_000.0


@dataclass(frozen=True, slots=True)
class Limit:
    """One dated threshold.

    Attributes:
        rule: the legal test it belongs to.
        parameter: which figure of the test.
        comparator: how a figure meets it; ``>`` is strict.
        unit: currency code, ``share``, or what is counted.
        verified: seen in a source during the work on the catalogue; others are inactive.
        valid_from: first day of the event it applies to; None where no earlier rule is recorded.
        valid_to: last day.
    """

    jurisdiction: str
    rule: str
    parameter: str
    value: float
    comparator: Literal[">", ">=", "<"]
    unit: str
    source: str
    verified: bool = True
    threshold_class: Literal["LEGAL", "GUIDE"] = "LEGAL"
    valid_from: date | None = None
    valid_to: date | None = None


def _limits(
    jurisdiction: str, rule: str, comparator: Literal[">", ">=", "<"], unit: str, source: str,
    values: dict[str, float], *, verified: bool = True, valid_from: date | None = None,
    valid_to: date | None = None,
) -> tuple[Limit, ...]:  # fmt: skip
    return tuple(
        Limit(jurisdiction, rule, name, value, comparator, unit, source, verified,
              valid_from=valid_from, valid_to=valid_to)
        for name, value in values.items()
    )  # fmt: skip


_CN_2024 = "State Council Order 773 (2024), art. 3"
_CN_2008 = "State Council Order 529 (2008, as amended 2018), art. 3"
_HSR, _HSR_2025 = "HSR Act 15 USC 18a, notice for 2026", "HSR Act 15 USC 18a, notice for 2025"
_EU = "Regulation (EC) 139/2004, art. 1"
_DMA = "Regulation (EU) 2022/1925, art. 3(2)"
_SAMR = "SAMR, Provisions on Prohibiting Monopoly Agreements, as amended 2025"

LIMITS: tuple[Limit, ...] = (
    *_limits("CN", "merger", ">", "CNY", _CN_2024,
             {"world": 12 * BILLION, "domestic": 4 * BILLION, "each": 0.8 * BILLION},
             valid_from=date(2024, 1, 22)),
    *_limits("CN", "merger", ">", "CNY", _CN_2008,
             {"world": 10 * BILLION, "domestic": 2 * BILLION, "each": 0.4 * BILLION},
             verified=False, valid_from=date(2008, 8, 3), valid_to=date(2024, 1, 21)),
    *_limits("US", "hsr", ">", "USD", _HSR,
             {"value_small": 133.9 * MILLION, "value_large": 535.5 * MILLION},
             valid_from=date(2026, 2, 17)),
    *_limits("US", "hsr", ">=", "USD", _HSR,
             {"size_small": 26.8 * MILLION, "size_large": 267.8 * MILLION},
             valid_from=date(2026, 2, 17)),
    *_limits("US", "hsr", ">", "USD", _HSR_2025, {"value_small": 126.4 * MILLION},
             valid_from=date(2025, 2, 21), valid_to=date(2026, 2, 16)),
    *_limits("US", "hsr", ">", "USD", _HSR_2025, {"value_large": 505.8 * MILLION},
             verified=False, valid_from=date(2025, 2, 21), valid_to=date(2026, 2, 16)),
    *_limits("US", "hsr", ">=", "USD", _HSR_2025,
             {"size_small": 25.3 * MILLION, "size_large": 252.9 * MILLION},
             verified=False, valid_from=date(2025, 2, 21), valid_to=date(2026, 2, 16)),
    *_limits("EU", "merger", ">", "EUR", _EU, {"world": 5 * BILLION, "each": 250 * MILLION},
             verified=False, valid_from=date(2004, 5, 1)),
    *_limits("EU", "merger_alternative", ">", "EUR", _EU,
             {"world": 2.5 * BILLION, "each": 100 * MILLION, "three_states": 100 * MILLION,
              "each_in_three_states": 25 * MILLION},
             verified=False, valid_from=date(2004, 5, 1)),
    *_limits("EU", "gatekeeper", ">=", "EUR", _DMA,
             {"turnover": 7.5 * BILLION, "market_cap": 75 * BILLION},
             valid_from=date(2023, 5, 2)),
    *_limits("EU", "gatekeeper", ">=", "count", _DMA,
             {"member_states": 3, "active_users": 45 * MILLION, "business_users": 10_000},
             valid_from=date(2023, 5, 2)),
    *_limits("US", "interlock", ">", "USD", "Clayton Act s. 8, 15 USC 19, notice for 2026",
             {"capital": 54_402_000, "sales": 5_440_200}, valid_from=date(2026, 1, 1)),
    *_limits("CN", "rpm_safe_harbour", "<", "share", _SAMR, {"share": 0.05},
             valid_from=date(2026, 2, 1)),
    *_limits("CN", "rpm_safe_harbour", "<", "CNY", _SAMR, {"turnover": 100 * MILLION},
             valid_from=date(2026, 2, 1)),
    *_limits("CN", "vertical_safe_harbour", "<", "share", _SAMR, {"share": 0.15},
             valid_from=date(2026, 2, 1)),
)  # fmt: skip
"""Every threshold known; at most one of a parameter applies on a day."""


def limit_on(jurisdiction: str, rule: str, parameter: str, day: nw.Expr) -> nw.Expr:
    """The verified threshold in force on the day of the event; null where there is none."""
    found: nw.Expr = nw.lit(None, dtype=nw.Float64)
    for row in LIMITS:
        if (row.jurisdiction, row.rule, row.parameter) != (jurisdiction, rule, parameter):
            continue
        if not row.verified:
            continue
        holds = day >= nw.lit(row.valid_from or date.min)
        if row.valid_to is not None:
            holds = holds & (day <= nw.lit(row.valid_to))
        found = nw.when(holds).then(nw.lit(float(row.value))).otherwise(found)
    return found
