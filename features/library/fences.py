"""Tukey's fences: what lies far outside the middle half of its peers.

Quartiles are the median-unbiased ones (Hyndman and Fan 1996, type 8), so that among five peers one
odd value does not hide itself by moving its own quartile.
"""

from __future__ import annotations

import polars as pl

LEAST = 5
"""Peers below which there is no middle half to speak of."""
REACH = 1.5


def quartile(column: str, share: float) -> pl.Expr:
    """The quantile of a column within a group, nulls left out; null of an empty group."""
    values = pl.col(column).drop_nulls().sort()
    n = values.len()
    place = ((n + 1 / 3) * share + 1 / 3).clip(1, n)
    low = place.floor()
    below = values.get((low - 1).cast(pl.Int64), null_on_oob=True)
    above = values.get(pl.min_horizontal(low, n - 1).cast(pl.Int64), null_on_oob=True)
    return below + (place - low) * (above - below)


def fenced(column: str) -> list[pl.Expr]:
    """Aggregates of a group: `q1`, `q3` and `peers`, how many have a value."""
    return [
        quartile(column, 0.25).alias("q1"),
        quartile(column, 0.75).alias("q3"),
        pl.col(column).count().cast(pl.Int64).alias("peers"),
    ]


def far_below(value: pl.Expr) -> pl.Expr:
    """Whether a value is at or below Q1 - 1.5 IQR; the quartile itself never is."""
    q1, q3 = pl.col("q1"), pl.col("q3")
    return (value <= q1 - REACH * (q3 - q1)) & (value < q1)


def far_above(value: pl.Expr) -> pl.Expr:
    """Whether a value is at or above Q3 + 1.5 IQR; the quartile itself never is."""
    q1, q3 = pl.col("q1"), pl.col("q3")
    return (value >= q3 + REACH * (q3 - q1)) & (value > q3)
