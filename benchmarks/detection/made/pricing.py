"""Honest price paths: shelf prices that follow costs, and petrol prices that run in cycles.

Sellers change prices on days of their own; part of what moves them is a cost they share. Some are
odd and honest: a shop that reprices on Mondays, one that changes its price once a quarter.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import World
from benchmarks.detection.schemes.pricing import breaks, paths, stickiness
from detector.inference import Floats

Random = np.random.Generator
SELLERS, DAYS, FIRST_DAY = 5, 273, date(2026, 1, 1)
SHELVES, PUMPS = 28, 20
GOODS, WEEKS, FIRST_WEEK = 44, 182, date(2023, 4, 3)
LINES, SHORT, SHORT_FROM = 120, 104, date(2024, 10, 7)
SLOW, MONDAYS = 0.06, 0.1
"""Honest oddities: shares of sellers with a price a quarter, and of those who reprice Mondays."""


def listings(price: Floats, first: date, step: int, kind: str) -> pl.DataFrame:
    """Rows of `listing_prices` from products by sellers by times; NaN is no offer."""
    goods, sellers, times = price.shape
    days = pl.Series([first + timedelta(days=step * t) for t in range(times)])
    skus = [f"{kind}-{g + 1:03d}" for g in range(goods)]
    named = pl.DataFrame(
        {
            "sku_id": np.repeat(skus, sellers * times),
            "seller_id": np.repeat([f"{s}-s{k + 1}" for s in skus for k in range(sellers)], times),
            "ts": pl.concat([days] * (goods * sellers)).cast(pl.Datetime("us", "UTC")),
            "net_price": np.round(price.reshape(-1), 2),
        }
    )
    named = named.filter(pl.col("net_price").is_not_nan())
    return named.with_columns(
        platform_id=pl.lit("mall"), channel=pl.lit("web"), currency=pl.lit("EUR")
    )


def _stepped(rng: Random, target: Floats, often: Floats, monday: np.ndarray) -> Floats:
    """Prices that move to their target at chances of their own, by sellers (and goods)."""
    luck = rng.random(target.shape)
    moves = luck < often[..., None]
    weekdays = np.arange(target.shape[-1]) % 7 == 4  # 2026 began on a Thursday
    moves = np.where(monday[..., None], weekdays, moves)
    moves[..., 0] = True
    last = np.maximum.accumulate(np.where(moves, np.arange(target.shape[-1]), 0), axis=-1)
    return np.asarray(np.take_along_axis(target, last, axis=-1))


def shelf_days(rng: Random) -> Floats:
    """Daily shelf prices: a shared cost, own markups, own noise, changes on one day in five."""
    shape = (SHELVES, SELLERS, DAYS)
    base = rng.lognormal(3.4, 0.6, (SHELVES, 1, 1))
    cost = np.cumsum(rng.normal(0, 0.004, (SHELVES, 1, DAYS)), axis=-1)
    markup = rng.normal(0.3, 0.05, (SHELVES, SELLERS, 1))
    target = base * np.exp(cost + markup + rng.normal(0, 0.015, shape))
    often = rng.uniform(0.12, 0.3, shape[:2])
    return _stepped(rng, target, often, rng.random(shape[:2]) < MONDAYS)


def pump_days(rng: Random) -> Floats:
    """Daily prices that jump every ten days or so and are cut in small steps in between."""
    shape = (PUMPS, SELLERS, DAYS)
    jumps = rng.random(shape) < rng.uniform(0.07, 0.12, shape[:2])[..., None]
    size = np.where(jumps, rng.uniform(0.06, 0.1, shape), 0.0)
    cuts = (rng.random(shape) < 0.7) & ~jumps
    drop = np.where(cuts, rng.uniform(0.005, 0.015, shape), 0.0)
    path = np.zeros(shape[:2])
    level = np.empty(shape)
    for day in range(DAYS):
        # Nobody cuts below cost; margins of a tenth are won back by the jumps.
        path = np.clip(path + size[..., day] - drop[..., day], 0.0, 0.16)
        level[..., day] = path
    return 1.5 * np.exp(level) * 10


def daily(seed: int) -> dict[str, pl.DataFrame]:
    """Nine months of daily prices of shelves and pumps."""
    rng = np.random.default_rng([seed, 1])
    rows = [
        listings(shelf_days(rng), FIRST_DAY, 1, "shelf"),
        listings(pump_days(rng), FIRST_DAY, 1, "fuel"),
    ]
    return {"listing_prices": pl.concat(rows)}


def _with_costs(seed: int, goods: int, weeks: int, first: date) -> dict[str, pl.DataFrame]:
    """Weekly prices that follow monthly costs, and those costs as each seller filed them."""
    rng = np.random.default_rng([seed, 2, goods])
    days = [first + timedelta(days=7 * w) for w in range(weeks)]
    months = sorted({day.strftime("%Y-%m") for day in days})
    at = np.array([months.index(day.strftime("%Y-%m")) for day in days])
    shared = np.cumsum(rng.normal(0.002, 0.025, (goods, 1, len(months))), axis=-1)
    own = rng.normal(0, 0.01, (goods, SELLERS, len(months)))
    cost = rng.lognormal(3.0, 0.6, (goods, 1, 1)) * np.exp(shared + own)
    markup = rng.normal(1.35, 0.08, (goods, SELLERS, 1))
    target = cost[..., at] * markup * np.exp(rng.normal(0, 0.012, (goods, SELLERS, weeks)))
    often = rng.uniform(0.2, 0.5, (goods, SELLERS))
    slow = rng.random((goods, SELLERS)) < SLOW
    often = np.where(slow, 1 / 13, often)
    price = _stepped(rng, target, often, np.zeros((goods, SELLERS), dtype=bool))
    rows = listings(price, first, 7, "shelf")
    skus = [f"shelf-{g + 1:03d}" for g in range(goods)]
    number = goods * SELLERS
    costs = pl.DataFrame(
        {
            "firm_id": np.repeat([f"{s}-s{k + 1}" for s in skus for k in range(SELLERS)],
                                 len(months)),
            "product_id": np.repeat(skus, SELLERS * len(months)),
            "month": months * number,
            "unit_cost": np.round(cost.reshape(-1), 4),
            "currency": ["EUR"] * (number * len(months)),
        }
    )  # fmt: skip
    return {"listing_prices": rows, "costs": costs}


def long_shelves(seed: int) -> dict[str, pl.DataFrame]:
    """Three and a half years of weekly prices and monthly costs."""
    return _with_costs(seed, GOODS, WEEKS, FIRST_WEEK)


def many_shelves(seed: int) -> dict[str, pl.DataFrame]:
    """Two years of weekly prices and monthly costs, of more goods."""
    return _with_costs(seed, LINES, SHORT, SHORT_FROM)


FILED = ("listing_prices", "costs")
WORLDS = (
    World("made daily prices", daily, paths(10), drawn=True, order=FILED[:1]),
    World("made shelf prices", long_shelves, stickiness(10), drawn=True, order=FILED),
    World("made price levels", many_shelves, breaks(10), drawn=True, order=FILED),
)
