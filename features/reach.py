"""How far the cells of a base look: what makes a run after one new month cost one month.

A base that declares no reach is computed from the whole history whenever one of its tables
changed, which is always right. A declared reach is a promise, kept by
``tests/features/test_feature_windows.py``: computed from the months it names alone, a cell is the
same as computed from everything, and rows outside of them never move it.

Months are whole numbers, 12 a year, so that neighbours differ by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from features.catalogue import Base

Months = frozenset[int]
Unit = Literal["m", "q", "y"]
_LENGTH: dict[Unit, int] = {"m": 1, "q": 3, "y": 12}
_END = 12 * 2200
"""Later than any filing."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which rows a cell depends on, by the month they happened in (see `features.places`).

    Attributes:
        unit: the calendar unit a cell lies in, by the first day of its period; weeks and days
            count to the month of that day.
        back: months before the unit whose rows it reads; None for all of the past.
        ahead: months after it (a week that begins in a month may end in the next).
        clock: depends on the day of the judgement.
        firms: reads the register of firms only for the group of the firms its rows name, directly
            or as accounts of merchants.
        seats: reads the register for the jurisdiction of the firms its rows name.
    """

    unit: Unit = "m"
    back: int | None = 0
    ahead: int = 0
    clock: bool = False
    firms: bool = False
    seats: bool = False

    def affected(self, touched: Iterable[int]) -> Months:
        """Months whose cells may depend on rows of the touched months."""
        if self.back is None:
            first = min(touched, default=_END) - self.ahead
            return whole_units(range(first, _END), self.unit)
        steps = range(-self.ahead, self.back + 1)
        return whole_units({m + d for m in touched for d in steps}, self.unit)

    def needed(self, cells: Iterable[int]) -> Months | None:
        """Months whose rows the cells of these months depend on; None for all."""
        if self.back is None:
            return None
        steps = range(-self.back, self.ahead + 1)
        return frozenset(m + d for m in whole_units(cells, self.unit) for d in steps)


def whole_units(months: Iterable[int], unit: Unit) -> Months:
    """All months of the calendar units the months lie in."""
    length = _LENGTH[unit]
    return frozenset(length * (m // length) + i for m in months for i in range(length))


def month_of(day: date) -> int:
    """Number of the month a day lies in."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    """First day of a month."""
    return date(month // 12, month % 12 + 1, 1)


def runs(months: Collection[int]) -> list[tuple[int, int]]:
    """The months as few first and last months of unbroken runs, ascending."""
    found: list[tuple[int, int]] = []
    for month in sorted(months):
        if found and month == found[-1][1] + 1:
            found[-1] = (found[-1][0], month)
        else:
            found.append((month, month))
    return found


_TENDER = Reach(firms=True)
_TENDER_YEAR = Reach("y", firms=True)
_POSITIONS = Reach(back=12, firms=True)
_SEATED = Reach(seats=True)

REACHES: dict[str, Reach] = {
    "bid_screens": _TENDER,
    "bid_subgroups": _TENDER,
    "lot_outcomes": _TENDER,
    "lot_participation": _TENDER,
    "lot_flags": _TENDER,
    # A lead is held against those of its market in twelve months.
    "lot_leads": Reach(back=11, firms=True),
    "firm_flags": _TENDER_YEAR,
    "firm_supply": _TENDER_YEAR,
    "buyer_flags": _TENDER_YEAR,
    "pair_calm": _TENDER_YEAR,
    "incidents": Reach(clock=True),
    "filed_numbers": Reach("y", back=None),
    # What merchants were shown before they were cheaper elsewhere reaches a month back.
    "parity": Reach(back=1, seats=True),
    "app_collection": Reach(),
    "app_types": Reach(),
    "app_necessity": _SEATED,
    "app_preconsent": _SEATED,
    "app_purposes": _SEATED,
    "app_sensitive": _SEATED,
    "app_sharing": _SEATED,
    "bid_traces": _TENDER,
    "market_firms": _POSITIONS,
    "market_dominance": _POSITIONS,
    "market_structure": _POSITIONS,
    # The currency of a week is that most used in its quarter.
    "price_weeks": Reach("q", back=6, ahead=1, firms=True),
    "price_records": Reach("q", back=None, ahead=1, firms=True),
    "price_series": Reach("q", back=15),
    "price_markets": Reach("q", firms=True),
    "price_rigidity": Reach("q"),
    "price_pairs": Reach("q", firms=True),
    "wash_clusters": Reach(firms=True),
    "tied_pairs": _SEATED,
    "category_allocation": _TENDER_YEAR,
    "category_digits": _TENDER_YEAR,
    "category_margins": _TENDER_YEAR,
    "firm_cover": _TENDER_YEAR,
    "pair_cover": _TENDER_YEAR,
    "cobid_pair": _TENDER_YEAR,
    "cobid_group": _TENDER_YEAR,
    "platform_subscriptions": _SEATED,
    "platform_optout": _SEATED,
    "service_links": _SEATED,
}
"""By base. Why each is true is seen from its views; the test shows it."""

ROLL_UPS: dict[tuple[str, str], Reach] = {
    ("tender", "firm_y"): _TENDER_YEAR,
    ("tender", "pair_y"): _TENDER_YEAR,
    ("tender", "group_y"): _TENDER_YEAR,
    ("app_data_type", "app_v"): Reach(),
    ("market_firm_y", "market_y"): _POSITIONS,
}
"""The same for memberships, by child and parent grain: the unit is that of the parent."""


def reach_of(base: Base) -> Reach | None:
    """The declared reach of a base; None when its cells may depend on the whole history."""
    return REACHES.get(base.name)
