"""Weekly listing prices: honest ones in all their variety, and cartels that hold prices still.

A cartel raises the price and quiets it: when the one studied by Abrantes-Metz, Froeb, Geweke and
Taylor (2006) collapsed, the mean fell by 16 per cent and the standard deviation rose by more than
200 per cent. Honest prices are noisy, or follow costs, or stay the same for good reasons
(regulated tariffs, posted yearly prices), and then they are neither raised nor newly quiet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.firms import Firms
from detector.demo.goods import Goods
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.timeline import WEEKS, Bools, Floats, Ints, dates, instants, stream, take

_SELLERS = (5, 8)
_REGULATED = 0.08


@dataclass(frozen=True, slots=True)
class Line:
    """One product line: its good, its sellers (firms), their platforms and weekly prices.

    Attributes:
        price: sellers by weeks, before promotions.
        cartel: weeks in which the sellers agree; empty for honest lines.
    """

    sku: int
    sellers: Ints
    platform: int
    price: Floats
    cartel: range
    regulated: bool


def make_listing_prices(
    seed: int, size: Size, firms: Firms, goods: Goods, labels: Labels
) -> pl.DataFrame:
    """The `listing_prices` table: one row a week for each seller of each product line."""
    rng = stream(seed, "prices")
    alone = firms.independent()[goods.sellers]
    cartels = set(rng.choice(size.listings, size.price_cartels, replace=False).tolist())
    skus = rng.choice(np.unique(goods.assortment), size.listings, replace=False)
    # A few large marketplaces carry the lines, so that every line has honest neighbours.
    shops = np.unique(goods.home)[: max(2, size.platforms // 6)]
    lines = []
    for number in range(size.listings):
        pool = goods.sellers[alone & (goods.assortment == skus[number]).any(axis=1)]
        trade = firms.sector[goods.sellers[(goods.assortment == skus[number]).any(axis=1)][0]]
        others = goods.sellers[alone & (firms.sector[goods.sellers] == trade)]
        wanted = int(rng.integers(*_SELLERS))
        sellers = _some(rng, pool, others, wanted)
        platform = int(rng.choice(shops))
        line = _line(rng, goods, int(skus[number]), sellers, platform, number in cartels)
        lines.append(line)
        _label(line, firms, goods, labels, f"price-cartel-{number + 1}")
    return pl.concat([_listings(rng, line, firms, goods) for line in lines]).sort(
        "ts", "sku_id", "seller_id"
    )


def _some(rng: np.random.Generator, pool: Ints, others: Ints, wanted: int) -> Ints:
    """Sellers of the good itself first, then others of the trade that list it too."""
    rest = rng.permutation(np.setdiff1d(others, pool))
    return np.concatenate([rng.permutation(pool), rest])[:wanted]


def _line(
    rng: np.random.Generator,
    goods: Goods,
    sku: int,
    sellers: Ints,
    platform: int,
    cartel: bool,
) -> Line:
    list_price = goods.price[sku] * 1.1
    regulated = not cartel and rng.random() < _REGULATED
    if regulated:
        price = _tariff(rng, sellers.size) * list_price
        return Line(sku, sellers, platform, np.round(price, 2), range(0), True)
    price = _competitive(rng, sellers.size) * list_price
    weeks = range(0)
    if cartel:
        start = int(rng.integers(32, 46))
        weeks = range(start, min(WEEKS, start + int(rng.integers(44, 66))))
        price[:, weeks.start : weeks.stop] = _agreed(rng, price, weeks)
    return Line(sku, sellers, platform, np.round(price, 2), weeks, False)


def _competitive(rng: np.random.Generator, sellers: int) -> Floats:
    """Relative prices: a common cost that wanders, own noise, and prices that move at times."""
    noise = np.exp(rng.normal(np.log(0.035), 0.45))
    cost = np.cumsum(rng.normal(0.0, 0.012, WEEKS))
    shock = np.zeros(WEEKS)
    shock[int(rng.integers(10, WEEKS - 10)) :] = rng.normal(0.0, 0.05)
    wanted = cost + shock + rng.normal(0.0, noise, (sellers, WEEKS))
    moves = rng.random((sellers, WEEKS)) < rng.uniform(0.3, 1.0, (sellers, 1))
    return np.exp(rng.normal(0.0, 0.05, (sellers, 1)) + _held(wanted, moves))


def _tariff(rng: np.random.Generator, sellers: int) -> Floats:
    """Regulated or yearly posted prices: the same for months, one small step a year."""
    step = np.zeros(WEEKS)
    for week in rng.integers(5, WEEKS, 2):
        step[week:] += rng.normal(0.0, 0.015)
    wobble = rng.normal(0.0, 0.002, (sellers, WEEKS)) * (rng.random((sellers, WEEKS)) < 0.1)
    return np.exp(rng.normal(0.0, 0.02, (sellers, 1)) + step + wobble)


def _agreed(rng: np.random.Generator, price: Floats, weeks: range) -> Floats:
    """Agreed prices: above the earlier mean, with a fraction of the earlier variation."""
    before = price[:, : weeks.start]
    overcharge = rng.uniform(0.10, 0.25)
    calm = rng.uniform(0.10, 0.33)
    deviation = before.std(axis=1, ddof=1, keepdims=True)
    level = before.mean(axis=1, keepdims=True) * (1.0 + overcharge)
    wanted = level + calm * deviation * rng.normal(0.0, 1.0, (price.shape[0], len(weeks)))
    moves = rng.random(wanted.shape) < rng.uniform(0.1, 0.5)
    return _held(wanted, moves)


def _held(wanted: Floats, moves: Bools) -> Floats:
    """Each seller's last chosen value: what was wanted in the last week it moved."""
    week = np.where(moves, np.arange(wanted.shape[1]), 0)
    last = np.maximum.accumulate(week, axis=1)
    return np.take_along_axis(wanted, last, axis=1)


def _listings(rng: np.random.Generator, line: Line, firms: Firms, goods: Goods) -> pl.DataFrame:
    sellers = line.sellers.size
    week = np.tile(np.arange(WEEKS), sellers)
    row = np.repeat(line.sellers, WEEKS)
    held = np.isin(week, np.array(line.cartel, dtype=np.int64))
    promoted = (rng.random(week.size) < (0.0 if line.regulated else 0.05)) & ~held
    listed = line.price.ravel()
    cut = np.where(promoted, rng.uniform(0.05, 0.2, week.size), 0.0)
    promo = take(("", "coupon", "member day"), promoted * rng.integers(1, 3, week.size))
    return pl.DataFrame(
        {
            "platform_id": take(firms.ids, np.full(week.size, line.platform)),
            "sku_id": take(goods.ids, np.full(week.size, line.sku)),
            "seller_id": take(firms.ids, row),
            "channel": take(("online",), np.zeros(week.size, dtype=np.int64)),
            "ts": instants(week.astype(np.float64) * 7.0 + 3.25),
            "list_price": listed,
            "net_price": np.round(listed * (1.0 - cut), 2),
            "shipping": np.where(goods.weight_g[line.sku] > 2_000, 6.0, 0.0) * np.ones(week.size),
            "promo_id": promo.replace("", None),
            "in_stock": rng.random(week.size) > 0.02,
            "currency": take(("CNY",), np.zeros(week.size, dtype=np.int64)),
        }
    )


def _label(line: Line, firms: Firms, goods: Goods, labels: Labels, scheme: str) -> None:
    sku = goods.ids[line.sku]
    keys = [f"{sku}/{seller}" for seller in firms.ids.gather(line.sellers)]
    if len(line.cartel):
        first, last = dates(np.array([line.cartel.start, line.cartel.stop - 1]) * 7.0)
        note = f"prices agreed from {first} to {last}"
        labels.planted("sku_seller", keys, ("MON-PRICE-VARIANCE",), scheme, note)
    else:
        note = "regulated or posted price" if line.regulated else ""
        labels.honest("sku_seller", keys, ("MON-PRICE-VARIANCE",), note)
