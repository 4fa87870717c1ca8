"""Trade with buyers that is not what it seems: fake orders, forced losses, bought reviews."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables
from benchmarks.detection.schemes.platforms import picked, single

FAKE, FAKE_DAYS = 2.0, 3
"""Fake orders for each real one at full strength, and days on which they are placed."""
TEAM, EMPTY_G = 8, 12.0
"""Accounts that share a device and an address; weight of an empty parcel."""
BELOW, LOSS = 2 / 3, 0.9
"""Share of imposed units below cost (catalogue: 100 of 150), and their price over cost."""
BOUGHT, BOUGHT_DAYS = 6.0, 2
"""Bought reviews for each usual one (catalogue: fourteen where two are usual), on two days."""
NEW, TEXTS = 0.65, 4
"""Share of bought reviews by persons without another (catalogue: 13 of 20); texts they share."""


def brushed(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Adds fake orders to three days of `count` shops.

    Seven in ten come from accounts that share a device and an address; six in ten are empty
    parcels.
    """
    rows = tables["transactions"]
    chosen = picked(rng, rows["seller_id"], count)
    days = rows["ts"].dt.date().unique().sort()
    parts = [rows]
    for shop in chosen:
        begin = int(rng.integers(42, days.len() - FAKE_DAYS))
        mine = rows.filter(pl.col("seller_id") == shop)
        usual = mine.height / days.len()
        for day in days[begin : begin + FAKE_DAYS]:
            size = int(rng.poisson(FAKE * usual * strength))
            like = mine.filter(pl.col("ts").dt.date() == day).head(1)
            like = mine.head(1) if like.is_empty() else like
            parts.append(_fakes(rng, like, f"{shop}-{day}", size))
    return Planted({**tables, "transactions": pl.concat(parts)}, single(chosen))


def _fakes(rng: Random, like: pl.DataFrame, tag: str, size: int) -> pl.DataFrame:
    """So many fake orders after one real order of the shop and day."""
    teams = pl.Series(np.arange(size) // TEAM)
    shared = pl.Series(rng.random(size) < 0.7, dtype=pl.Boolean)
    empty = pl.Series(rng.random(size) < 0.6, dtype=pl.Boolean)
    own = pl.Series([f"{tag}-{i}" for i in range(size)], dtype=pl.String)
    team = pl.Series([f"{tag}-team-{t}" for t in teams], dtype=pl.String)
    mark = pl.when(shared).then(team).otherwise(own)
    weight = pl.col("parcel_weight_g")
    return like.sample(size, with_replacement=True, seed=1).with_columns(
        tx_id=pl.lit("fake-") + own, buyer_hash=pl.lit("brusher-") + own, device_hash=mark,
        address_hash=mark, payer_account_hash=pl.lit("payer-") + own,
        parcel_weight_g=pl.when(empty).then(EMPTY_G).otherwise(weight),
    )  # fmt: skip


def below_cost(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Sets imposed sales of `count` merchants a tenth below their cost, for three months."""
    rows = tables["transactions"]
    chosen = picked(rng, rows["seller_id"], count)
    costs = dict(tables["costs"].select("firm_id", "unit_cost").rows())
    luck = pl.Series(rng.random(rows.height))
    late = pl.col("ts").dt.month() >= pl.col("ts").dt.month().max() - 2
    mine = pl.col("seller_id").is_in(chosen) & late & (luck < BELOW * strength)
    cost = pl.col("seller_id").replace_strict(costs, return_dtype=pl.Float64)
    price = pl.min_horizontal(pl.col("net"), (LOSS * cost * pl.col("qty")).round(2))
    changed = rows.with_columns(net=pl.when(mine).then(price).otherwise("net"))
    return Planted({**tables, "transactions": changed}, single(chosen))


def bought(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Adds bought five-star reviews to two days of `count` items.

    Two thirds come from accounts with no other review; their texts vary four drafts by a word.
    """
    rows = tables["reviews"]
    chosen = picked(rng, rows["item_id"], count)
    days = rows["ts"].dt.date().unique().sort()
    parts = [rows]
    for item in chosen:
        begin = int(rng.integers(42, days.len() - BOUGHT_DAYS))
        mine = rows.filter(pl.col("item_id") == item)
        usual = mine.height / days.len()
        drafts = rng.integers(0, 2**63, TEXTS)
        for day in days[begin : begin + BOUGHT_DAYS]:
            size = int(rng.poisson(BOUGHT * usual * strength))
            texts = drafts[rng.integers(0, TEXTS, size)] ^ (1 << rng.integers(0, 63, size))
            new = pl.Series(rng.random(size) < NEW, dtype=pl.Boolean)
            own = pl.Series([f"bought-{item}-{day}-{i}" for i in range(size)], dtype=pl.String)
            total = pl.Series(rng.geometric(0.1, size) + 1)
            parts.append(
                mine.head(1).sample(size, with_replacement=True, seed=1).with_columns(
                    review_id=own, reviewer_hash=own, rating=pl.lit(5.0),
                    ts=pl.lit(day).cast(pl.Datetime("us", "UTC")) + pl.duration(hours=15),
                    reviewer_total=pl.when(new).then(1).otherwise(total).cast(pl.Int64),
                    text_simhash=pl.Series([t.tobytes().hex() for t in texts], dtype=pl.String),
                )
            )  # fmt: skip
    return Planted({**tables, "reviews": pl.concat(parts)}, single(chosen))


def brushing(count: int) -> tuple[Scheme, ...]:
    """Fake orders."""
    return (
        Scheme("brushing", ("TRX-BRUSH",),
               "fake orders for each real one on three days, two at 1",
               ("transactions", ("seller_id",)), partial(brushed, count=count)),
    )  # fmt: skip


def losses(count: int) -> tuple[Scheme, ...]:
    """Imposed promotions below cost."""
    return (
        Scheme("forced below cost", ("MON-FORCED-DISCOUNT",),
               "share of imposed sales a tenth below cost for three months, two thirds at 1",
               ("transactions", ("seller_id",)), partial(below_cost, count=count)),
    )  # fmt: skip


def bursts(count: int) -> tuple[Scheme, ...]:
    """Bought reviews."""
    return (
        Scheme("bought reviews", ("TRX-REVIEW-BURST",),
               "bought reviews for each usual one on two days, six at 1",
               ("reviews", ("item_id",)), partial(bought, count=count)),
    )  # fmt: skip
