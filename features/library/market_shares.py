"""Shares of economic groups in markets, held as exact fractions.

Legal thresholds (one half, two thirds, three quarters, one tenth) are compared on whole numbers:
a share is `num / den` with `den` = 10^12 where a share was filed, and the market's sum where it
follows from values. Floating point would decide cases that sit exactly on a line.
"""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.contracts.structure import METRICS
from features.library.groups import with_group
from features.operators import Lazy, month_end, nearest_whole, quarter_end, year_end
from features.tables import Tables

SHARE_SCALE = 10**12
CELL = ("market_id", "period_start", "period_end")
_LARGEST = 9e17


@view("market_shares")
def market_shares(t: Tables) -> Lazy:
    """One row per market, period and economic group, by the first metric filed.

    Columns: `market_id`, `period_start`, `period_end`, `period_kind`, `metric`, `firm`, `num`,
    `den`, `pct` (share in per cent), `known` (false where neither all shares nor all values were
    filed), `basis` (``share`` or ``value``).
    """
    rows = _fractions(one_metric(periods(t["market_positions"])))
    rows = with_group(t, rows, "firm_id", "firm")
    summed = rows.group_by(*CELL, "period_kind", "metric", "basis", "firm").agg(
        nw.col("num").sum(), nw.col("den").max()
    )
    known = nw.col("basis") != "none"
    pct = nw.col("num").cast(nw.Float64) * 100 / nw.col("den")
    shares = summed.with_columns(known.alias("known"), nw.when(known).then(pct).alias("pct"))
    return shares.sort(*CELL, "firm")


def periods(positions: Lazy) -> Lazy:
    """Read the filed period (`2024`, `2024-Q1`, `2024-03`, a date) as its first and last day."""
    filed, length = nw.col("period"), nw.col("period").str.len_chars()
    kind = (
        nw.when(length == 4).then(nw.lit("y"))
        .when(filed.str.contains("Q")).then(nw.lit("q"))
        .when(length == 7).then(nw.lit("m"))
        .otherwise(nw.lit("d"))
    )  # fmt: skip
    quarter_month = filed.str.slice(6, 1).replace_strict(
        ["1", "2", "3", "4"], ["01", "04", "07", "10"], default=None, return_dtype=nw.String
    )
    year = filed.str.slice(0, 4)
    first = (
        nw.when(nw.col("period_kind") == "y").then(nw.concat_str([year, nw.lit("-01-01")]))
        .when(nw.col("period_kind") == "q")
        .then(nw.concat_str([year, nw.lit("-"), quarter_month, nw.lit("-01")]))
        .when(nw.col("period_kind") == "m").then(nw.concat_str([filed, nw.lit("-01")]))
        .otherwise(filed)
    ).str.to_date("%Y-%m-%d")  # fmt: skip
    start = nw.col("period_start")
    last = (
        nw.when(nw.col("period_kind") == "y").then(year_end(start))
        .when(nw.col("period_kind") == "q").then(quarter_end(start))
        .when(nw.col("period_kind") == "m").then(month_end(start))
        .otherwise(start)
    )  # fmt: skip
    return (
        positions.select("market_id", "firm_id", "period", "metric", "value", "share")
        .with_columns(kind.alias("period_kind"))
        .with_columns(first.alias("period_start"))
        .with_columns(last.alias("period_end"))
    )


def one_metric(rows: Lazy) -> Lazy:
    """Keep one period and one metric where several start on a day: the shortest, the first.

    The shortest is known first, so a year filed later does not replace its own first quarter.
    """
    order = nw.col("metric").replace_strict(
        list(METRICS), [f"{i}" for i in range(len(METRICS))], default="9", return_dtype=nw.String
    )
    named = nw.concat_str([order, nw.coalesce(nw.col("metric"), nw.lit(""))])
    shortest = nw.col("period_end") == nw.col("period_end").min().over("market_id", "period_start")
    first = nw.col("_metric") == nw.col("_metric").min().over("market_id", "period_start")
    return rows.filter(shortest).with_columns(named.alias("_metric")).filter(first)


def _fractions(rows: Lazy) -> Lazy:
    """Whole-number shares; from values only where a market has a share missing."""
    gaps = rows.with_columns(
        nw.col("share").is_null().cast(nw.Int64).sum().over(*CELL).alias("_no_share"),
        nw.col("value").is_null().cast(nw.Int64).sum().over(*CELL).alias("_no_value"),
        nw.col("value").sum().over(*CELL).alias("_total"),
    )
    by_value = (nw.col("_no_value") == 0) & (nw.col("_total") > 0)
    basis = (
        nw.when(nw.col("_no_share") == 0).then(nw.lit("share"))
        .when(by_value).then(nw.lit("value"))
        .otherwise(nw.lit("none"))
    )  # fmt: skip
    scale = (
        nw.when(nw.col("_total") < 1e6).then(nw.lit(10**9))
        .when(nw.col("_total") < 1e12).then(nw.lit(10**4))
        .otherwise(nw.lit(1))
    )  # fmt: skip
    value = nw.col("value").clip(upper_bound=_LARGEST)
    whole = value.floor()
    units = whole.cast(nw.Int64) * scale + nearest_whole((value - whole) * scale)
    filed = nearest_whole(nw.col("share") * SHARE_SCALE)
    scaled = gaps.with_columns(basis.alias("basis")).with_columns(
        nw.when(nw.col("basis") == "share").then(filed)
        .when(nw.col("basis") == "value").then(units).alias("num")
    )  # fmt: skip
    den = (
        nw.when(nw.col("basis") == "share")
        .then(nw.lit(SHARE_SCALE))
        .otherwise(nw.col("num").sum().over(*CELL))
    )
    return scaled.with_columns(den.alias("den"))
