"""Markets and market shares: young and old, scattered and dominated.

Shares come from market structures, not from legal limits: one leader far ahead, two or three
firms side by side with a small rest, a leader among several, or a dozen firms alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.firms import Firms
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.timeline import (
    QUARTER_ENDS,
    QUARTERS,
    START,
    Bools,
    Floats,
    Ints,
    dates,
    stream,
    take,
)

PRODUCTS: tuple[tuple[str, str, str], ...] = (
    ("online-retail", "online retail platforms", "active_users"),
    ("food-delivery", "restaurant delivery platforms", "turnover"),
    ("ride-hailing", "ride hailing platforms", "turnover"),
    ("short-video", "short video platforms", "time_spent"),
    ("travel-booking", "travel booking platforms", "turnover"),
    ("mobile-payment", "mobile payment services", "active_users"),
    ("app-distribution", "app stores", "active_users"),
    ("parcel-lockers", "parcel locker networks", "units"),
    ("second-hand", "second-hand platforms", "active_users"),
    ("ticketing", "event ticket platforms", "units"),
)
GOODS: tuple[tuple[str, str], ...] = (
    ("cement", "ready-mixed cement"), ("cables", "power cables"), ("appliances", "kettles"),
    ("heating_fuel", "heating fuel"), ("toys", "board games"), ("cosmetics", "hand creams"),
    ("sports", "table tennis goods"), ("food", "noodles"),
)  # fmt: skip

MULTI_HOMING = {"mobile-payment": 1.14}
"""Markets whose users use several platforms, so that shares of users sum to more than one."""

PLATFORM_SHARE = 0.55
"""Share of the markets in which platforms compete; the others are markets of ordinary goods."""

_CONCENTRATED = ("single", "pair", "trio")
_STRUCTURES = (
    "single", "pair", "moderate", "trio", "single", "moderate",
    "scattered", "moderate", "single", "scattered",
)  # fmt: skip
_GOODS_STRUCTURES = ("trio", "scattered", "scattered", "moderate", "scattered", "single",
                     "scattered", "moderate")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Market:
    """One market: its firms in order of size and their shares, firms by quarters."""

    id: str
    product: str
    geography: str
    metric: str
    structure: str
    firms: Ints
    share: Floats
    total: Floats

    @property
    def planted(self) -> bool:
        """True where the structure was drawn as a concentrated one."""
        return self.structure in _CONCENTRATED

    @property
    def leaders(self) -> Ints:
        """The firms the structure puts far ahead of the others."""
        ahead = {"single": 1, "pair": 2, "trio": 3}.get(self.structure, 0)
        return self.firms[:ahead]


def make_markets(seed: int, size: Size, firms: Firms) -> tuple[Market, ...]:
    """Markets of platforms and of goods, with quarterly shares over two years."""
    rng = stream(seed, "markets")
    of_platforms = min(len(PRODUCTS), max(1, round(size.markets * PLATFORM_SHARE)))
    platforms = rng.permutation(firms.of_kind("platform"))
    markets = []
    for number in range(size.markets):
        if number < of_platforms:
            code, product, metric = PRODUCTS[number]
            structure, pool = _STRUCTURES[number], np.roll(platforms, -4 * number)
        else:
            place = number - of_platforms
            sector, product = GOODS[place % len(GOODS)]
            code = product.replace(" ", "-")
            metric, structure = "turnover", _GOODS_STRUCTURES[place % len(GOODS)]
            pool = _makers(rng, firms, sector)
        start = _structure(rng, structure)
        members = pool[: start.size]
        markets.append(
            Market(
                id=f"M-{code}",
                product=product,
                geography="national",
                metric=metric,
                structure=structure,
                firms=members,
                share=_drift(rng, start),
                total=_market_size(rng, metric),
            )
        )
    return tuple(markets)


def _makers(rng: np.random.Generator, firms: Firms, sector: str) -> Ints:
    """Independent firms of a trade in any order, then others that may sell its goods as well."""
    ordinary = firms.independent() & ~np.isin(
        np.arange(firms.sector.size), firms.of_kind("platform")
    )
    trade = firms.in_sector(sector)
    own = trade[ordinary[trade]]
    others = np.setdiff1d(np.flatnonzero(ordinary), own)
    return np.concatenate([rng.permutation(own), rng.permutation(others)])


def _structure(rng: np.random.Generator, structure: str) -> Floats:
    """Shares in falling order; they sum to one less a fringe of unnamed firms."""
    if structure == "scattered":
        shares = rng.dirichlet(np.full(int(rng.integers(11, 16)), 25.0))
        fringe = rng.uniform(0.0, 0.1)
    else:
        ahead = {
            "single": rng.uniform(0.56, 0.80, 1),
            "pair": rng.uniform(0.36, 0.44, 2),
            "trio": rng.uniform(0.27, 0.31, 3),
            "moderate": rng.uniform(0.17, 0.23, 2),
        }[structure]
        others = rng.dirichlet(np.full(int(rng.integers(5, 8)), 8.0)) * (1.0 - ahead.sum())
        shares = np.concatenate([ahead, others])
        fringe = rng.uniform(0.0, 0.04)
    return np.asarray(np.sort(shares)[::-1] * (1.0 - fringe))


def _drift(rng: np.random.Generator, start: Floats) -> Floats:
    """Shares by quarter: a slow random walk that keeps their sum."""
    steps = rng.normal(0.0, 0.025, (start.size, len(QUARTERS)))
    steps[:, 0] = 0.0
    moved = start[:, None] * np.exp(np.cumsum(steps, axis=1))
    return np.asarray(moved / moved.sum(axis=0) * start.sum())


def _market_size(rng: np.random.Generator, metric: str) -> Floats:
    base = {"turnover": 9.2, "active_users": 8.1, "time_spent": 9.6, "units": 7.2}[metric]
    growth = np.cumsum(rng.normal(0.02, 0.02, len(QUARTERS)))
    return np.asarray(10.0 ** rng.normal(base, 0.3) * np.exp(growth))


def market_tables(
    seed: int, firms: Firms, markets: tuple[Market, ...], labels: Labels
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The `markets` and `market_positions` tables."""
    rng = stream(seed, "market tables")
    register = pl.DataFrame(
        {
            "market_id": [m.id for m in markets],
            "version": ["2024"] * len(markets),
            "product": [m.product for m in markets],
            "geography": [m.geography for m in markets],
            "method": ["annual market definition"] * len(markets),
            "valid_from": pl.Series([START] * len(markets), dtype=pl.Date),
            "valid_to": pl.Series([None] * len(markets), dtype=pl.Date),
        }
    )
    positions = pl.concat([_positions(rng, firms, m) for m in markets])
    for market in markets:
        _label(market, firms, labels)
    return register, positions


def _positions(rng: np.random.Generator, firms: Firms, market: Market) -> pl.DataFrame:
    count, quarters = market.share.shape
    value = np.round(market.share * market.total)
    homes = MULTI_HOMING.get(market.id.removeprefix("M-"), 1.0)
    quarter = np.tile(np.arange(quarters), count)
    filed = dates(np.array(QUARTER_ENDS)[quarter] + rng.uniform(12.0, 31.0, quarter.size))
    return pl.DataFrame(
        {
            "market_id": [market.id] * quarter.size,
            "firm_id": take(firms.ids, np.repeat(market.firms, quarters)),
            "period": take(QUARTERS, quarter),
            "metric": [market.metric] * quarter.size,
            "value": value.ravel(),
            "share": np.round(market.share.ravel() * homes, 6),
            "source": ["operator filing"] * quarter.size,
            "filed_on": filed,
        }
    )


def presence(markets: tuple[Market, ...], firm: int) -> Bools:
    """In which of the markets a firm has a share."""
    return np.array([firm in m.firms for m in markets])


def _label(market: Market, firms: Firms, labels: Labels) -> None:
    names = firms.ids.gather(market.firms)
    keys = [f"{market.id}/{name}" for name in names]
    if market.planted:
        scheme = f"{market.structure}-{market.id}"
        ahead = keys[: market.leaders.size]
        labels.planted("market", [market.id], ("MON-STR-HHI",), scheme, market.structure)
        labels.planted("market_firm", ahead, ("MON-DOMINANCE-CN",), scheme, market.structure)
    else:
        labels.honest("market_firm", keys, ("MON-DOMINANCE-CN",), market.structure)
        if market.structure == "scattered":
            labels.honest("market", [market.id], ("MON-STR-HHI",), market.structure)
