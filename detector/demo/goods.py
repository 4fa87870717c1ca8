"""The goods sold in the simulated market, and who sells them where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.firms import Firms
from detector.demo.size import Size
from detector.demo.timeline import Floats, Ints, cents, numbered, stream

ASSORTMENT = 6
"""Goods each seller offers; some sellers list the same good twice, which does no harm."""

_PRICE_LEVEL = {
    "electronics": 5.6, "apparel": 4.6, "food": 3.4, "home_goods": 4.4, "general_trade": 4.0,
    "cosmetics": 4.5, "toys": 4.0, "sports": 4.8, "appliances": 6.1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goods:
    """Goods (rows of `ids`), the sellers, what each seller offers and on which platforms.

    Attributes:
        assortment: rows of goods, sellers by `ASSORTMENT`; all of the seller's own trade.
        level: log price level of each seller against the list, the same for the whole period.
        home: rows of firms, sellers by 2: the platforms the seller trades on.
    """

    ids: pl.Series
    price: Floats
    weight_g: Ints
    sellers: Ints
    assortment: Ints
    level: Floats
    home: Ints


def make_goods(seed: int, size: Size, firms: Firms) -> Goods:
    """Draw goods by trade and give every retail firm an assortment and one or two platforms."""
    rng = stream(seed, "goods")
    trades = list(_PRICE_LEVEL)
    trade = np.sort(rng.integers(0, len(trades), size.goods))
    trade[: len(trades)] = np.arange(len(trades))
    trade.sort()
    level = np.array(list(_PRICE_LEVEL.values()))[trade]
    sellers = firms.of_kind("retail")
    assortment = np.empty((sellers.size, ASSORTMENT), dtype=np.int64)
    for number, name in enumerate(trades):
        rows = np.isin(sellers, firms.in_sector(name))
        offered = np.flatnonzero(trade == number)
        assortment[rows] = rng.choice(offered, (int(rows.sum()), ASSORTMENT))
    places = firms.of_kind("platform")
    return Goods(
        ids=numbered("SKU-", size.goods, 5),
        price=cents(np.exp(rng.normal(level, 0.6))),
        weight_g=np.exp(rng.normal(6.2, 1.0, size.goods)).astype(np.int64) + 20,
        sellers=sellers,
        assortment=assortment,
        level=rng.normal(0.0, 0.08, sellers.size),
        home=rng.choice(places, (sellers.size, 2)),
    )
