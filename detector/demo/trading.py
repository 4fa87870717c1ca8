"""Two years of orders: consumers, trade between firms, honest reciprocity and wash trading.

Every part returns a `Batch` of parallel arrays; they are joined, sorted by time and numbered at
the end. A firm that buys is filed under its own firm id as the buyer, so that the keyed hash of
the buyer and that of the seller agree at ingest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.circles import Circle, make_circles
from detector.demo.firms import Firms
from detector.demo.goods import ASSORTMENT, Goods
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.timeline import (
    DAYS,
    START,
    Bools,
    Floats,
    Ints,
    cents,
    instants,
    numbered,
    only_where,
    stream,
    take,
)

_TRADE_SHARE = 0.03
"""Share of orders placed by firms, not consumers."""

_MAKERS = 0.2
"""Share of sellers that make what they sell and buy nothing on the platforms."""

_ASTRAY = 0.2
"""Share of supply relations that run against the chain."""

_FESTIVALS = ((11, 11, 3.0), (6, 18, 2.2), (12, 12, 1.8), (1, 20, 1.5))
"""Month, day and demand multiple of the sales festivals."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Orders, not yet numbered. `buyer` counts consumers first, then firms."""

    day: Floats
    seller: Ints
    buyer: Ints
    sku: Ints
    platform: Ints
    qty: Ints
    gross: Floats
    discount: Floats


def make_transactions(
    seed: int, size: Size, firms: Firms, goods: Goods, labels: Labels
) -> pl.DataFrame:
    """The `transactions` table: exactly ``size.transactions`` orders in order of time."""
    circles = make_circles(seed, size, firms, goods)
    planted = _circle_orders(circles, goods, size)
    between_firms = round(size.transactions * _TRADE_SHARE)
    trade = _trade_orders(seed, size, between_firms, goods, circles)
    rest = size.transactions - between_firms - planted.day.size
    batch = _join([_consumer_orders(seed, size, rest, goods), trade, planted])
    _label(circles, firms, labels)
    return _table(seed, size, firms, goods, batch)


def _consumer_orders(seed: int, size: Size, count: int, goods: Goods) -> Batch:
    rng = stream(seed, "orders")
    popularity = 1.0 / np.arange(1, goods.sellers.size + 1) ** 0.9
    row = _weighted(rng, rng.permutation(popularity), count)
    buyer = np.minimum((size.consumers * rng.random(count) ** 1.6), size.consumers - 1)
    return _orders(rng, goods, row, buyer.astype(np.int64), _demand_days(rng, count), 1)


def _trade_orders(
    seed: int, size: Size, count: int, goods: Goods, circles: tuple[Circle, ...]
) -> Batch:
    """Purchases of firms from suppliers one or more steps up their supply chain.

    Supply chains seldom turn back on themselves (`_ASTRAY`): such circles are honest, lopsided
    and of any size. Firms of a planted or reciprocal circle buy elsewhere from makers only.
    """
    rng = stream(seed, "trade")
    sellers = goods.sellers.size
    makers = max(1, int(sellers * _MAKERS))
    step = rng.permutation(sellers)
    row_of_step = np.argsort(step)
    buyer = rng.integers(0, sellers, 3 * sellers)
    buyer = buyer[step[buyer] >= makers]
    supplier_step = (step[buyer] * rng.random(buyer.size)).astype(np.int64)
    astray = rng.random(buyer.size) < _ASTRAY
    supplier_step[astray] = rng.integers(makers, sellers, int(astray.sum()))
    bound = np.isin(buyer, np.concatenate([c.rows for c in circles]))
    supplier_step[bound] = rng.integers(0, makers, int(bound.sum()))
    in_circle = np.isin(row_of_step[supplier_step], np.concatenate([c.rows for c in circles]))
    keep = ~(bound & in_circle)
    buyer, supplier = buyer[keep], row_of_step[supplier_step[keep]]
    relation = _weighted(rng, rng.pareto(1.5, buyer.size) + 0.2, count)
    buyers = size.consumers + goods.sellers[buyer[relation]]
    return _orders(rng, goods, supplier[relation], buyers, _working_days(rng, count), 12)


def _orders(
    rng: np.random.Generator, goods: Goods, row: Ints, buyer: Ints, day: Floats, bulk: int
) -> Batch:
    """Orders from seller rows: good, platform, quantity, price and promotion are drawn."""
    count = row.size
    slot = np.minimum(rng.geometric(0.4, count) - 1, ASSORTMENT - 1)
    sku = goods.assortment[row, slot]
    platform = goods.home[row, (rng.random(count) < 0.3).astype(np.int64)]
    seller_level = np.exp(goods.level[row])
    drift = 1.0 + 0.04 * day / DAYS
    qty = rng.geometric(0.6, count) * (1 if bulk == 1 else rng.integers(2, 2 * bulk, count))
    gross = cents(goods.price[sku] * seller_level * drift * qty)
    promoted = rng.random(count) < 0.28
    discount = cents(gross * np.where(promoted, rng.uniform(0.03, 0.3, count), 0.0))
    return Batch(day, goods.sellers[row], buyer, sku, platform, qty, gross, discount)


def _circle_orders(circles: tuple[Circle, ...], goods: Goods, size: Size) -> Batch:
    seller = np.concatenate([c.seller for c in circles])
    buyer = np.concatenate([c.buyer for c in circles]) + size.consumers
    gross = np.concatenate([c.amount for c in circles])
    sku = np.concatenate([np.full(c.seller.size, c.sku) for c in circles])
    platform = np.concatenate([np.full(c.seller.size, c.platform) for c in circles])
    return Batch(
        day=np.concatenate([c.day for c in circles]),
        seller=seller,
        buyer=buyer,
        sku=sku,
        platform=platform,
        qty=np.maximum(1, np.round(gross / goods.price[sku])).astype(np.int64),
        gross=cents(gross),
        discount=np.zeros(gross.size),
    )


def _join(batches: list[Batch]) -> Batch:
    return Batch(*(np.concatenate([getattr(b, name) for b in batches]) for name in Batch.__slots__))


def _table(seed: int, size: Size, firms: Firms, goods: Goods, batch: Batch) -> pl.DataFrame:
    rng = stream(seed, "order table")
    order = np.argsort(batch.day, kind="stable")
    count = order.size
    day, sku = batch.day[order], batch.sku[order]
    net = np.round(batch.gross - batch.discount, 2)[order]
    back: Bools = (rng.random(count) < 0.035) & (batch.buyer[order] < size.consumers)
    back_day = day + rng.uniform(1.0, 20.0, count)
    back &= back_day < DAYS
    partial = np.where(rng.random(count) < 0.25, rng.uniform(0.2, 0.9, count), 1.0)
    return pl.DataFrame(
        {
            "tx_id": numbered("TX-", count, 7),
            "ts": instants(day),
            "platform_id": take(firms.ids, batch.platform[order]),
            "buyer_hash": take(_buyer_names(rng, size, firms), batch.buyer[order]),
            "seller_id": take(firms.ids, batch.seller[order]),
            "sku_id": take(goods.ids, sku),
            "qty": batch.qty[order],
            "gross": batch.gross[order],
            "discount": batch.discount[order],
            "net": net,
            "currency": take(("CNY",), np.zeros(count, dtype=np.int64)),
            "refund_at": instants(np.where(back, back_day, np.nan)),
            "refund_amount": only_where(pl.Series(np.round(net * partial, 2)), back),
            "parcel_weight_g": (goods.weight_g[sku] * batch.qty[order]).astype(np.float64),
        }
    )


def _buyer_names(rng: np.random.Generator, size: Size, firms: Firms) -> pl.Series:
    """Account numbers of the consumers, followed by the firm ids."""
    numbers = np.unique(rng.integers(10_000_000, 100_000_000, size.consumers + 4_000))
    accounts = rng.permutation(numbers)[: size.consumers]
    names = pl.select(pl.lit("acct-") + pl.Series(accounts).cast(pl.String)).to_series()
    return pl.concat([names, firms.ids])


def _demand_days(rng: np.random.Generator, count: int) -> Floats:
    """Days with weekends, festivals and growth; evenings busier than mornings."""
    ordinal = np.arange(DAYS)
    calendar = pl.select(
        day=pl.date_range(START, pl.lit(START) + pl.duration(days=DAYS - 1), "1d")
    )["day"]
    weight = 1.0 + 0.25 * (calendar.dt.weekday().to_numpy() >= 6) + 0.3 * ordinal / DAYS
    month, date_of_month = calendar.dt.month().to_numpy(), calendar.dt.day().to_numpy()
    for at_month, at_day, multiple in _FESTIVALS:
        near = (month == at_month) & (np.abs(date_of_month - at_day) <= 1)
        weight[near] *= multiple
    hour = np.clip(rng.normal(0.66, 0.17, count) % 1.0, 0.0, 0.9999)
    return _weighted(rng, weight, count) + hour


def _working_days(rng: np.random.Generator, count: int) -> Floats:
    """Any day, in office hours."""
    return rng.integers(0, DAYS, count) + rng.uniform(0.33, 0.75, count)


def _weighted(rng: np.random.Generator, weight: Floats, count: int) -> Ints:
    """Rows drawn in proportion to a weight, by the inverse of its cumulative sum."""
    ends = np.cumsum(weight)
    drawn = np.searchsorted(ends, rng.random(count) * ends[-1], side="right")
    return np.asarray(drawn, dtype=np.int64)


def _label(circles: tuple[Circle, ...], firms: Firms, labels: Labels) -> None:
    for number, circle in enumerate(circles):
        key = "|".join(sorted(firms.ids.gather(circle.members)))
        if circle.wash:
            labels.planted("cluster", [key], ("TRX-WASH-SCC",), f"wash-{number + 1}", circle.note)
        else:
            labels.honest("cluster", [key], ("TRX-WASH-SCC",), circle.note)
