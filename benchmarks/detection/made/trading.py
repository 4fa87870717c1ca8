"""Honest trade with buyers: orders of shops, sales in imposed promotions, reviews of items.

Some honest subjects are a little odd: a livestream peak, group orders to one office, stock
cleared below cost, an item that goes viral, a reminder to write reviews.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl

from benchmarks.detection.made.platforms import numbered
from benchmarks.detection.schemes import trading
from benchmarks.detection.schemes.planting import World

START = datetime(2026, 4, 6, tzinfo=UTC)


def instants(rng: np.random.Generator, day: np.ndarray) -> pl.Series:
    """A moment of each day, counted from the first."""
    micros = ((day + rng.uniform(0.3, 0.98, day.size)) * 86_400_000_000).astype(np.int64)
    first = int(START.timestamp() * 1_000_000)
    return pl.Series("ts", micros + first).cast(pl.Datetime("us", "UTC"))


def orders(seed: int) -> dict[str, pl.DataFrame]:
    """Shops with two to thirty orders a day, busier at weekends.

    Three in a hundred shops have a livestream that triples the orders of a day; as many deliver
    once a fortnight to an office whose staff order together.
    """
    rng = np.random.default_rng(seed)
    count, days = 90, 84
    usual = np.clip(np.exp(rng.normal(2.1, 0.6, count)), 2, 30)
    mean = usual[:, None] * np.where(np.arange(days) % 7 >= 5, 1.3, 0.9)
    mean = mean * rng.gamma(12, 1 / 12, (count, days))
    mean[rng.random(count) < 0.03, 60] *= 3
    number = rng.poisson(mean)
    shop, day = (i.ravel() for i in np.indices((count, days)))
    shop, day = np.repeat(shop, number.ravel()), np.repeat(day, number.ravel())
    person = rng.integers(0, 40_000, shop.size)
    office = (shop % 30 == 4) & (day % 14 == 2) & (rng.random(shop.size) < 0.7)
    weight = rng.choice([300.0, 600.0, 1200.0], count)[shop]
    price = np.exp(rng.normal(4, 0.6, count))[shop]
    return {
        "transactions": pl.DataFrame({
            "tx_id": numbered("BT", shop.size), "ts": instants(rng, day),
            "platform_id": np.full(shop.size, "BP-1"), "seller_id": numbered("BS", count)[shop],
            "sku_id": numbered("BK", count)[shop], "buyer_hash": numbered("buyer", 40_000)[person],
            "device_hash": numbered("device", 40_000)[person],
            "address_hash": np.where(office, np.array([f"office-{s}" for s in range(count)])[shop],
                                     numbered("home", 40_000)[person]),
            "payer_account_hash": numbered("payer", 40_000)[person],
            "net": (price * np.exp(rng.normal(0, 0.4, shop.size))).round(2),
            "parcel_weight_g": (weight * rng.uniform(0.9, 1.3, shop.size)).round(),
        }).with_columns(currency=pl.lit("CNY"))
    }  # fmt: skip


def imposed(seed: int) -> dict[str, pl.DataFrame]:
    """Sales in imposed promotions a tenth to a quarter below a price with a fair margin.

    One merchant in twenty clears stock below its cost for a month.
    """
    rng = np.random.default_rng(seed)
    count, span, each = 200, 6, 25
    cost = np.exp(rng.normal(4, 0.6, count))
    price = cost * rng.uniform(1.35, 1.8, count)
    merchant, month, _ = (i.ravel() for i in np.indices((count, span, each)))
    cut = rng.uniform(0.1, 0.25, merchant.size)
    clears = (merchant % 20 == 9) & (month == merchant // 20 % span)
    net = np.where(clears & (rng.random(cut.size) < 0.5), 0.9 * cost[merchant],
                   price[merchant] * (1 - cut))  # fmt: skip
    units = rng.integers(1, 4, merchant.size).astype(np.float64)
    days = [datetime(2026, 3 + m, d, 12, tzinfo=UTC)
            for m, d in zip(month, rng.integers(1, 29, month.size), strict=True)]  # fmt: skip
    costs = pl.DataFrame({
        "firm_id": numbered("DM", count), "product_id": numbered("DK", count),
        "month": np.full(count, "2026-03"), "unit_cost": cost.round(2),
    }).with_columns(currency=pl.lit("CNY"))  # fmt: skip
    sales = pl.DataFrame({
        "tx_id": numbered("DT", merchant.size), "ts": pl.Series(days),
        "seller_id": numbered("DM", count)[merchant], "sku_id": numbered("DK", count)[merchant],
        "qty": units, "net": (net * units).round(2),
        "promo_mandated": np.ones(merchant.size, dtype=bool),
    }).with_columns(currency=pl.lit("CNY"))  # fmt: skip
    return {"transactions": sales, "costs": costs}


def reviews(seed: int) -> dict[str, pl.DataFrame]:
    """Items with a review every other day to four a day; a sixth are five stars from newcomers.

    Three in a hundred items go viral for two days; as many remind buyers every fourth week.
    """
    rng = np.random.default_rng(seed)
    count, days = 150, 112
    mean = np.repeat(np.clip(np.exp(rng.normal(0.3, 0.6, count)), 0.5, 4)[:, None], days, axis=1)
    mean = mean * rng.gamma(10, 0.1, (count, days))
    mean[np.arange(count) % 33 == 7, 70:72] *= 6
    mean[(np.arange(count) % 33 == 20)[:, None] & (np.arange(days) % 28 == 27)] *= 4
    number = rng.poisson(mean)
    item, day = (i.ravel() for i in np.indices((count, days)))
    item, day = np.repeat(item, number.ravel()), np.repeat(day, number.ravel())
    size = item.size
    rating = rng.choice([1.0, 2, 3, 4, 5], size, p=[0.08, 0.05, 0.1, 0.22, 0.55])
    newcomer = rng.random(size) < 0.3
    return {
        "reviews": pl.DataFrame({
            "review_id": numbered("RV", size), "item_id": numbered("RI", count)[item],
            "platform_id": np.full(size, "RP-1"), "ts": instants(rng, day), "rating": rating,
            "reviewer_hash": [f"{'new' if n else 'old'}-{k}" for n, k in zip(
                newcomer, np.where(newcomer, np.arange(size), rng.integers(0, 4000, size)),
                strict=True)],
            "verified": rng.random(size) < 0.8,
            "reviewer_total": np.where(newcomer, 1, rng.geometric(0.1, size) + 1),
            "text_simhash": [h.tobytes().hex() for h in rng.integers(0, 2**63, size)],
        })
    }  # fmt: skip


WORLDS: tuple[World, ...] = (
    World("shop orders", orders, trading.brushing(12), True, ("transactions",)),
    World("imposed promotions", imposed, trading.losses(12), True, ("transactions", "costs")),
    World("item reviews", reviews, trading.bursts(15), True, ("reviews",)),
)  # fmt: skip
