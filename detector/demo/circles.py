"""Goods that move in circles: wash trading, and the honest trade that looks like it.

Wash traders keep their positions level: Victor and Weintraud (2021) find loops of few accounts
that repeat and whose members end each window within about one per cent of where they started.
Honest reciprocity (a caterer and its printer) is lopsided, and firms of one group that settle
between themselves do so once or twice a month and leave a balance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.demo.firms import Firms
from detector.demo.goods import Goods
from detector.demo.size import Size
from detector.demo.timeline import MONTHS, Floats, Ints, iso_month, month_start_day, stream

_RECIPROCAL_PER_LOOP = 3
_SETTLERS_PER_LOOP = 0.5


@dataclass(frozen=True, slots=True)
class Circle:
    """The orders of one circle: `members` are firms, `rows` their places among the sellers."""

    wash: bool
    note: str
    members: Ints
    rows: Ints
    sku: int
    platform: int
    day: Floats
    seller: Ints
    buyer: Ints
    amount: Floats


def make_circles(seed: int, size: Size, firms: Firms, goods: Goods) -> tuple[Circle, ...]:
    """Wash loops of 3 to 5 sellers, honest reciprocal partners, and settlements inside groups."""
    rng = stream(seed, "circles")
    alone = rng.permutation(np.flatnonzero(firms.independent()[goods.sellers]))
    circles: list[Circle] = []
    used = 0
    for _ in range(size.wash_loops):
        members = alone[used : used + int(rng.integers(3, 6))]
        used += members.size
        circles.append(_wash_loop(rng, goods, members))
    for _ in range(size.wash_loops * _RECIPROCAL_PER_LOOP):
        partners = alone[used : used + (3 if rng.random() < 0.25 else 2)]
        used += partners.size
        circles.append(_reciprocal(rng, goods, partners))
    mates = _group_mates(rng, firms, goods)[: int(size.wash_loops * _SETTLERS_PER_LOOP)]
    return (*circles, *(_settlement(rng, goods, members) for members in mates))


def _wash_loop(rng: np.random.Generator, goods: Goods, rows: Ints) -> Circle:
    """Value passes from member to member and comes back, several times a month.

    Most loops turn both ways, so that each member buys from both of its neighbours.
    """
    months = _active_months(rng, int(rng.integers(4, 10)))
    rounds = rng.integers(2, 14, months.size)
    start = np.repeat([month_start_day(m) for m in months], rounds) + rng.uniform(
        0.0, 25.0, int(rounds.sum())
    )
    sku = int(goods.assortment[rows[0], 0])
    stake = goods.price[sku] * rng.uniform(40.0, 400.0)
    imbalance = rng.uniform(0.001, 0.01)
    shape = (start.size, rows.size)
    lag = np.cumsum(rng.uniform(0.02, 0.6, shape), axis=1)
    amount = stake * np.exp(rng.normal(0, 0.15, (start.size, 1)) + rng.normal(0, imbalance, shape))
    note = f"{iso_month(int(months[0]))} to {iso_month(int(months[-1]))}, {rows.size} sellers"
    back = (rng.random((start.size, 1)) < 0.5) & (rng.random() < 0.75)
    this, following = goods.sellers[rows], goods.sellers[np.roll(rows, -1)]
    seller, buyer = np.where(back, following, this), np.where(back, this, following)
    return _circle(goods, rows, sku, True, note, start[:, None] + lag, seller, buyer, amount)


def _reciprocal(rng: np.random.Generator, goods: Goods, rows: Ints) -> Circle:
    """Two or three firms that buy from each other what each needs, each in its own rhythm."""
    counts = rng.poisson(rng.uniform(0.5, 4.0, rows.size) * MONTHS)
    sells = np.repeat(np.arange(rows.size), counts)
    buys = (sells + rng.integers(1, rows.size, sells.size)) % rows.size
    day = rng.uniform(0.0, month_start_day(MONTHS), sells.size)
    sku = int(goods.assortment[rows[0], 0])
    typical = goods.price[sku] * rng.uniform(5.0, 80.0, rows.size)
    amount = typical[sells] * np.exp(rng.normal(0.0, 0.6, sells.size))
    seller, buyer = goods.sellers[rows[sells]], goods.sellers[rows[buys]]
    return _circle(goods, rows, sku, False, "honest reciprocal trade", day, seller, buyer, amount)


def _settlement(rng: np.random.Generator, goods: Goods, rows: Ints) -> Circle:
    """Firms of one group square accounts once or twice in a month, leaving a balance."""
    months = _active_months(rng, int(rng.integers(6, 14)))
    start = np.array([month_start_day(m) for m in months]) + rng.uniform(20.0, 26.0, months.size)
    sku = int(goods.assortment[rows[0], 0])
    stake = goods.price[sku] * rng.uniform(50.0, 200.0)
    shape = (start.size, rows.size)
    amount = stake * np.exp(rng.normal(0.0, 0.12, shape))
    day = start[:, None] + np.cumsum(rng.uniform(0.02, 0.4, shape), axis=1)
    seller = np.broadcast_to(goods.sellers[rows], shape)
    buyer = np.broadcast_to(goods.sellers[np.roll(rows, -1)], shape)
    note = "settlement inside one economic group"
    return _circle(goods, rows, sku, False, note, day, seller, buyer, amount)


def _circle(
    goods: Goods,
    rows: Ints,
    sku: int,
    wash: bool,
    note: str,
    day: Floats,
    seller: Ints,
    buyer: Ints,
    amount: Floats,
) -> Circle:
    platform = int(goods.home[rows[0], 0])
    members = goods.sellers[rows]
    return Circle(
        wash, note, members, rows, sku, platform,
        day.ravel(), seller.ravel(), buyer.ravel(), amount.ravel(),
    )  # fmt: skip


def _active_months(rng: np.random.Generator, count: int) -> Ints:
    first = int(rng.integers(0, MONTHS - count + 1))
    return np.arange(first, first + count)


def _group_mates(rng: np.random.Generator, firms: Firms, goods: Goods) -> list[Ints]:
    """Rows of sellers that share an economic group, two to four at a time."""
    group = firms.group[goods.sellers]
    order = np.argsort(group, kind="stable")
    sets = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    several = [s[:4] for s in sets if s.size >= 2]
    return [several[i] for i in rng.permutation(len(several))]
