"""Screens on all three- and four-bid subsets of a tender (MON-BID-SUBGROUP).

Outsiders hide a ring that does not hold every bidder; some subset still shows it. The smallest
value falls with the number of bids, so compare only tenders with the same number of bids.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from itertools import combinations
from math import comb

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_screens import ATTRIBUTES, INPUTS, TABLES, Check, checks, with_lots
from features.operators import Lazy, skew_g1
from features.tables import Tables, collect
from features.vocabulary import Direction, Reason

_TYPOLOGY, _BASE = "MON-BID-SUBGROUP", "bid_subgroups"
_SOURCE = "Wallimann, Imhof and Huber 2022"
LARGEST, SAMPLED, SEED = 25, 2_000, 20220101
"""Above `LARGEST` bids, `SAMPLED` subsets drawn with a fixed seed stand for all."""

BATCH = 2_000_000
"""Subsets looked up at a time, so that many tenders do not need much memory."""

_PLACES = 100_000
SCREENS: dict[str, tuple[str, str, Direction]] = {
    "cv": ("relative spread", "变异系数", "low"),
    "spread": ("highest over lowest", "最高最低差距", "low"),
    "rd": ("lead in spreads of the losing bids", "领先幅度与离散之比", "high"),
    "skew": ("skewness", "偏度", "low"),
    "diffp": ("lead of the lowest", "最低报价领先幅度", "high"),
}
SUMMARIES = {"min": "最小值", "median": "中位数", "mean": "均值", "max": "最大值"}


@cache
def _subsets(n: int, k: int) -> list[tuple[int, ...]]:
    """Places of every k-subset of n sorted bids, or a fixed sample of them."""
    if n <= LARGEST:
        return list(combinations(range(1, n + 1), k))
    # Depends on (n, k) alone, so a tender's value does not change with its neighbours.
    draw = random.Random(SEED + 1_000 * n + k)  # noqa: S311
    wanted = min(SAMPLED, comb(n, k))
    seen: set[tuple[int, ...]] = set()
    while len(seen) < wanted:
        seen.add(tuple(sorted(draw.sample(range(1, n + 1), k))))
    return sorted(seen)


def _plan(sizes: list[int], k: int) -> Lazy:
    """One row per number of bids and subset: its `number` and places `p1` < ... < `pk`."""
    rows = [
        (n, number, *places)
        for n in sizes
        if n >= k
        for number, places in enumerate(_subsets(n, k))
    ]
    schema = dict.fromkeys(("n_bids", "number", *(f"p{i}" for i in range(1, k + 1))), pl.Int64)
    return nw.from_native(pl.LazyFrame(rows, schema=schema, orient="row"))


@base(
    name=_BASE, grain="tender", tables=TABLES, attributes=ATTRIBUTES,
    peers=("market", "n_band", "method"),
)  # fmt: skip
def bid_subgroups(t: Tables) -> Lazy:
    """One row per tender and lot, with every screen summarised over its subsets."""
    tender = "subject_key"
    bids = t.view("valid_bids")
    n = nw.col("amount").count().over(tender)
    ranked = bids.with_columns(
        nw.col("amount").rank("ordinal").over(tender).cast(nw.Int64).alias("place"),
        n.cast(nw.Int64).alias("n_bids"),
        (nw.col(tender).rank("dense").cast(nw.Int64) * _PLACES).alias("slot"),
    )
    whole = ranked.group_by(tender).agg(
        nw.col("n_bids").max(),
        nw.col("slot").max(),
        nw.col("currency").n_unique().alias("n_currencies"),
    )
    amounts = ranked.select((nw.col("slot") + nw.col("place")).alias("slot"), "amount")
    sizes = collect(whole.group_by("n_bids").agg(nw.len().alias("tenders"))).sort("n_bids").rows()
    for k in (3, 4):
        plan = t.lifted(_plan([n for n, _ in sizes], k))
        rows = sum(count * len(_subsets(n, k)) for n, count in sizes if n >= k)
        batches = 1 + rows // BATCH
        turn = nw.col("slot") // _PLACES % batches
        parts = [
            collect(_summaries(whole.filter(turn == i), amounts, plan, k)) for i in range(batches)
        ]
        whole = whole.join(t.lifted(pl.concat(parts)), on=tender, how="left")
    return with_lots(t, whole)


def _summaries(tenders: Lazy, amounts: Lazy, plan: Lazy, k: int) -> Lazy:
    """Look every subset's bids up and reduce its screens to four numbers a tender."""
    rows = tenders.select("subject_key", "n_bids", "slot").join(plan, on="n_bids", how="inner")
    for i in range(1, k + 1):
        rows = rows.with_columns((nw.col("slot") + nw.col(f"p{i}")).alias("at")).join(
            amounts.rename({"slot": "at", "amount": f"b{i}"}), on="at", how="left"
        )
    # A fixed order, so that means add up to the last digit whoever is computed alongside.
    rows = _screens(rows.sort("slot", "number"), k)
    reducers: dict[str, Callable[[nw.Expr], nw.Expr]] = {
        "min": nw.Expr.min, "median": nw.Expr.median, "mean": nw.Expr.mean, "max": nw.Expr.max,
    }  # fmt: skip
    return rows.group_by("subject_key").agg(
        nw.len().alias(f"subsets{k}"),
        *(
            reduce(nw.col(screen)).alias(f"{screen}_{name}{k}")
            for screen in SCREENS
            for name, reduce in reducers.items()
        ),
    )


def _screens(rows: Lazy, k: int) -> Lazy:
    """The five screens of one subset with bids b1 <= ... <= bk; null where undefined."""
    bids = [nw.col(f"b{i}") for i in range(1, k + 1)]
    first, last = bids[0], bids[-1]
    mean = nw.sum_horizontal(*bids) / k
    loser_mean = nw.sum_horizontal(*bids[1:]) / (k - 1)
    losers = nw.sum_horizontal(*((b - loser_mean) * (b - loser_mean) for b in bids[1:]))
    rows = rows.with_columns(mean.alias("mean"), (losers / (k - 2)).sqrt().alias("loser_sd"))
    moves = [(b - nw.col("mean")) / nw.col("mean") for b in bids]
    rows = rows.with_columns(
        nw.sum_horizontal(*(m * m for m in moves)).alias("m2"),
        nw.sum_horizontal(*(m * m * m for m in moves)).alias("m3"),
    )
    cv = (nw.col("m2") / (k - 1)).sqrt()
    lead = bids[1] - first
    skew = skew_g1(nw.lit(float(k)), nw.col("m2"), nw.col("m3"))
    return rows.select(
        "subject_key",
        nw.when(last > first).then(cv).otherwise(0.0).alias("cv"),
        ((last - first) / first).alias("spread"),
        nw.when(last > bids[1]).then(lead / nw.col("loser_sd")).alias("rd"),
        nw.when(last > first).then(skew).alias("skew"),
        (lead / first).alias("diffp"),
    )


def _gate(k: int) -> tuple[Check, ...]:
    return checks(k)


@feature(
    name="bid_subgroup_count3", typology=_TYPOLOGY, base=_BASE, inputs=INPUTS, unit="subsets",
    direction="none", min_n=3, n="n_bids", source=_SOURCE,
    title={"en": "subsets of three bids", "zh": "三家报价组合数"},
)  # fmt: skip
def bid_subgroup_count3() -> Measure:
    """Number of three-bid subsets: n (n - 1) (n - 2) / 6, also where only a sample was screened."""
    n = nw.col("n_bids")
    return measure(n * (n - 1) * (n - 2) / 6, *_gate(3))


def _register(screen: str, summary: str, k: int) -> None:
    """One feature of the family: a screen, a summary and a subset size."""
    english, chinese, direction = SCREENS[screen]
    extreme = {"low": "min", "high": "max"}.get(direction)
    column = f"{screen}_{summary}{k}"

    def formula() -> Measure:
        undefined = (nw.col(column).is_null(), Reason.CONSTANT)
        return measure(nw.col(column), *_gate(k), undefined)

    feature(
        name=f"bid_{column}", typology=_TYPOLOGY, base=_BASE, inputs=INPUTS,
        unit="G1" if screen == "skew" else "ratio",
        direction=direction if summary in (extreme, "median") else "none",
        min_n=k, n="n_bids", source=_SOURCE, peer_adjusted=True,
        title={"en": f"{english}, {summary} over {k}-bid subsets",
               "zh": f"{k}家报价组合的{chinese}{SUMMARIES[summary]}"},
        doc=f"{summary.capitalize()} of `bid_{screen}` over all subsets of {k} bids of the tender "
        f"({SAMPLED:,} drawn with a fixed seed above {LARGEST} bids). Subsets where the screen is "
        "undefined are left out.",
    )(formula)  # fmt: skip


for _screen in SCREENS:
    for _summary in SUMMARIES:
        for _k in (3, 4):
            _register(_screen, _summary, _k)
