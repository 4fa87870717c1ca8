"""Wash trading: a few sellers pass the same value round and round."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

MONTHS = 5
HONEST_SCATTER, WASH_SCATTER = 0.6, 0.005
HONEST_ROUNDS, WASH_ROUNDS = 1.0, 8.0


def loops(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Adds `count` circles of three to five sellers that trade for five months.

    At strength 0 they trade like honest partners: about once a month, amounts scattered by 0.6 on
    the scale of logarithms. At 1: eight rounds a month, level within half a per cent.
    """
    rows = tables["transactions"]
    buyers = rows["buyer_hash"].unique()
    sellers = rows["seller_id"].unique().sort()
    calm = sellers.filter(~sellers.is_in(buyers.implode()))
    free = calm.gather(rng.permutation(calm.len()))
    days = rows.select((pl.col("ts").max() - pl.col("ts").min()).dt.total_days()).item()
    ends = np.cumsum(rng.integers(3, 6, count))
    starts = rng.uniform(0, days - 31 * MONTHS, count)
    parts, cases = [], []
    for number, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
        members = free[int(begin) : int(end)]
        if members.len() < 3:
            break
        parts.append(_loop(rng, rows, members, strength, float(starts[number]), number))
        cases.append(frozenset(members))
    every = pl.concat([rows, *parts], how="diagonal_relaxed").sort("ts")
    return Planted({**tables, "transactions": every}, tuple(cases))


def _loop(
    rng: Random, rows: pl.DataFrame, members: pl.Series, strength: float, start: float, number: int
) -> pl.DataFrame:
    rounds = int(rng.poisson(MONTHS * HONEST_ROUNDS ** (1 - strength) * WASH_ROUNDS**strength)) + 1
    size = members.len()
    scatter = HONEST_SCATTER ** (1 - strength) * WASH_SCATTER**strength
    common = np.exp(rng.normal(0.0, 0.15, (rounds, 1)))
    template = rows.filter(pl.col("seller_id") == members[0]).head(1)
    amount = (common * np.exp(rng.normal(0.0, scatter, (rounds, size)))).ravel()
    gross = np.round(float(template["gross"].item()) * 100 * amount, 2)
    day = rng.uniform(0, 30.4 * MONTHS, (rounds, 1)) + rng.uniform(0.02, 1.5, (rounds, size))
    steps = np.tile(np.arange(size), rounds)
    micros = ((start + day.ravel()) * 86_400_000_000).astype(np.int64)
    return pl.concat([template] * gross.size).with_columns(
        tx_id=pl.Series([f"WASH-{number}-{i}" for i in range(gross.size)]),
        ts=rows["ts"].min() + pl.Series(micros).cast(pl.Duration("us")),
        seller_id=members.gather(steps),
        buyer_hash=members.gather((steps + 1) % size),
        gross=pl.Series(gross),
        discount=pl.lit(0.0),
        net=pl.Series(gross),
        refund_at=pl.lit(None, dtype=rows.schema["refund_at"]),
        refund_amount=pl.lit(None, dtype=rows.schema["refund_amount"]),
    )


def schemes(count: int) -> tuple[Scheme, ...]:
    """Wash trading."""
    return (
        Scheme(
            "wash loop",
            ("TRX-WASH-SCC",),
            "from honest reciprocal trade (one round a month, scatter 0.6) to eight level rounds",
            ("transactions", ("seller_id",)),
            partial(loops, count=count),
            least=1.0,
        ),
    )
