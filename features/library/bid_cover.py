"""Bidders that take part but never mean to win (MON-BID-COVER)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl
from scipy import special

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import BIDS_IN, MARKET_IN, WINS_IN, in_order
from features.library.bid_screens import TABLES
from features.operators import Lazy, pair_key, year_end
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _FIRM, _PAIR = "MON-BID-COVER", "firm_cover", "pair_cover"
_SOURCE = "catalogue 3.B; Open Contracting Partnership, Red Flags 2024 (R025)"
_WINS = (*WINS_IN, *MARKET_IN)
LEAST_BIDS, LEAST_MEETINGS, LEAST_LOWEST = 10, 4, 3
_FIRM_YEAR = ["firm", "year"]


@base(name=_FIRM, grain="firm_y", tables=TABLES, attributes=("firm_id",))
def firm_cover(t: Tables) -> Lazy:
    """Per firm (economic group where known) and year: bids, wins, rivals' wins, withdrawals."""
    chances = collect(_chances(t)).with_columns(pl.col("peer_rate").clip(0, 1))
    tail = special.bdtr(
        chances["won"].to_numpy().astype(float),
        chances["bids"].to_numpy().astype(np.int64),
        chances["peer_rate"].fill_null(float("nan")).to_numpy(),
    )
    chances = chances.with_columns(binomial=pl.Series(tail, dtype=pl.Float64).fill_nan(None))
    calmest = (
        collect(_meetings(t))
        .group_by(pl.col("loser").alias("firm"), "year")
        .agg(pl.col("cv").min())
    )
    found = chances.join(collect(_withdrawals(t)), on=_FIRM_YEAR, how="full", coalesce=True).join(
        calmest, on=_FIRM_YEAR, how="left"
    )
    return nw.from_native(found.lazy()).with_columns(
        nw.col("firm").alias("subject_key"),
        nw.col("firm").alias("firm_id"),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
        nw.col("bids").fill_null(0),
        nw.col("lowest").fill_null(0),
    )


def _chances(t: Tables) -> Lazy:
    """Bids and wins of each firm in decided lots, and the rate its rivals win at in its markets."""
    lots = (
        t.view("lot_firms")
        .filter(nw.col("decided") == 1)
        .group_by("subject_key", "firm", "market", "year")
        .agg(nw.col("wins").max())
    )
    sums = (nw.len().alias("n"), nw.col("wins").sum().alias("w"))
    mine = lots.group_by("firm", "market", "year").agg(*sums)
    every = lots.group_by("market", "year").agg(
        nw.len().alias("all_n"), nw.col("wins").sum().alias("all_w")
    )
    others = nw.col("all_n").cast(nw.Int64) - nw.col("n").cast(nw.Int64)
    rate = (nw.col("all_w") - nw.col("w")) / nw.col("others")
    matched = nw.col("others") > 0
    weighted = (
        mine.join(every, on=["market", "year"], how="inner")
        .with_columns(others.alias("others"))
        .sort("firm", "year", "market")
        .with_columns(
            nw.when(matched).then(rate * nw.col("n")).alias("_weighted"),
            nw.when(matched).then(nw.col("n")).otherwise(0).alias("_matched"),
        )
    )
    totals = (pl.col("n").sum().alias("bids"), pl.col("w").sum().alias("won"))
    parts = (pl.col("_weighted").sum(), pl.col("_matched").sum())
    return (
        in_order(weighted, _FIRM_YEAR, *totals, *parts)
        .with_columns(
            nw.when(nw.col("_matched") > 0)
            .then(nw.col("_weighted") / nw.col("_matched"))
            .alias("peer_rate")
        )
        .drop("_weighted", "_matched")
    )


def _meetings(t: Tables) -> Lazy:
    """How steadily a loser bids over the same winner: `loser`, `winner`, `year`, `met`, `cv`."""
    rows = t.view("lot_firms")
    winners = rows.filter(nw.col("wins") == 1).select(
        "subject_key",
        nw.col("firm").alias("winner"),
        nw.col("amount").alias("win"),
        nw.col("currency").alias("money"),
    )
    losers = rows.filter((nw.col("wins") == 0) & (nw.col("decided") == 1))
    rows = (
        losers.join(winners, on="subject_key", how="inner")
        .filter((nw.col("currency") == nw.col("money")) & (nw.col("firm") != nw.col("winner")))
        .with_columns((nw.col("amount") / nw.col("win")).alias("over"))
        .filter(~nw.col("over").is_null())
        .rename({"firm": "loser"})
        .sort("loser", "winner", "year", "subject_key", "over")
    )
    over = pl.col("over")
    sums = (pl.len().alias("met"), over.mean().alias("_mean"), over.std(ddof=1).alias("_sd"))
    return (
        in_order(rows, ["loser", "winner", "year"], *sums)
        .filter(nw.col("met") >= LEAST_MEETINGS)
        .with_columns((nw.col("_sd") / nw.col("_mean")).alias("cv"))
        .drop("_mean", "_sd")
    )


def _withdrawals(t: Tables) -> Lazy:
    """Lots where a firm's bid was the lowest filed, and those where that bid did not stay."""
    lots = t.view("lot_terms").filter(nw.col("competitive")).select("subject_key", "year")
    filed = (nw.col("amount") > 0) & ~nw.col("firm").is_null()
    stays = (nw.col("status") == "valid").cast(nw.Int64)
    return (
        t.view("bid_entries")
        .filter(nw.col("amount") > 0)
        .filter(nw.col("amount") == nw.col("amount").min().over("subject_key"))
        .filter(filed)
        .with_columns(stays.alias("stays"))
        .group_by("subject_key", "firm")
        .agg(nw.col("stays").max())
        .join(lots, on="subject_key", how="inner")
        .group_by("firm", "year")
        .agg(nw.len().alias("lowest"), nw.col("stays").sum().alias("_stayed"))
        .with_columns((nw.col("lowest").cast(nw.Int64) - nw.col("_stayed")).alias("pulled"))
        .drop("_stayed")
    )


@base(name=_PAIR, grain="pair_y", tables=TABLES, attributes=("loser", "winner"))
def pair_cover(t: Tables) -> Lazy:
    """Per pair with three or more common tenders in a year: how steadily one lost to the other."""
    rows = _meetings(t).with_columns(
        pair_key(nw.col("loser"), nw.col("winner")).alias("subject_key")
    )
    best = collect(rows).sort("subject_key", "year", "cv", "loser")
    steadier = best.unique(["subject_key", "year"], keep="first", maintain_order=True)
    # Four meetings are four common tenders: no pair is lost by starting from those that met.
    met = t.view("cobid_edges").select(
        pair_key(nw.col("a"), nw.col("b")).alias("subject_key"), "year", "common"
    )
    return met.join(t.lifted(steadier), on=["subject_key", "year"], how="left").with_columns(
        nw.col("met").fill_null(0),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
    )


@feature(
    name="cover_never_win_p", typology=_TYPOLOGY, base=_FIRM, inputs=_WINS, unit="probability",
    direction="low", min_n=LEAST_BIDS, n="bids", source=_SOURCE,
    title={"en": "chance of winning so rarely", "zh": "中标如此之少的概率"},
)  # fmt: skip
def cover_never_win_p() -> Measure:
    """Exact binomial P(X <= wins | bids, rate), rate = wins over bids of all other firms.

    The rivals' rate is that of the firm's markets and year, weighted by its bids there. Lots whose
    winner is not known are left out; at least ten bids.
    """
    few = (nw.col("bids") < LEAST_BIDS, Reason.TOO_FEW)
    return measure(
        nw.col("binomial"), few, (nw.col("peer_rate").is_null(), Reason.ZERO_DENOMINATOR)
    )


@feature(
    name="cover_win_rate", typology=_TYPOLOGY, base=_FIRM, inputs=_WINS, unit="0-1",
    direction="low", min_n=LEAST_BIDS, n="bids", source=_SOURCE,
    title={"en": "wins over bids", "zh": "中标率"},
)  # fmt: skip
def cover_win_rate() -> Measure:
    """Wins over bids in lots whose winner is known; at least ten bids."""
    few = (nw.col("bids") < LEAST_BIDS, Reason.TOO_FEW)
    return measure(nw.col("won") / nw.col("bids"), few)


@feature(
    name="cover_withdraw_rate", typology=_TYPOLOGY, base=_FIRM, inputs=BIDS_IN, unit="0-1",
    direction="high", min_n=LEAST_LOWEST, n="lowest", source="catalogue 3.B",
    title={"en": "lowest bids that did not stay", "zh": "最低报价被撤回或否决占比"},
)  # fmt: skip
def cover_withdraw_rate() -> Measure:
    """Share of the firm's lowest filed bids that were withdrawn or disqualified.

    Why a bid was disqualified is not filed. At least three lots with the lowest bid.
    """
    few = (nw.col("lowest") < LEAST_LOWEST, Reason.TOO_FEW)
    return measure(nw.col("pulled") / nw.col("lowest"), few)


@feature(
    name="cover_ratio_cv_min", typology=_TYPOLOGY, base=_FIRM, inputs=(*BIDS_IN, *WINS_IN),
    unit="ratio", direction="low", min_n=LEAST_MEETINGS, n="bids", source="catalogue 3.B",
    title={"en": "steadiest distance to one winner", "zh": "对同一中标人报价比最稳定值"},
)  # fmt: skip
def cover_ratio_cv_min() -> Measure:
    """Lowest `cover_ratio_cv` of the firm as the loser, over the winners it met four times."""
    return measure(nw.col("cv"), (nw.col("cv").is_null(), Reason.TOO_FEW))


@feature(
    name="cover_ratio_cv", typology=_TYPOLOGY, base=_PAIR, inputs=(*BIDS_IN, *WINS_IN),
    unit="ratio", direction="low", min_n=LEAST_MEETINGS, n="met", source="catalogue 3.B",
    title={"en": "steadiness of the distance to the winner", "zh": "报价与中标价之比的变异系数"},
)  # fmt: skip
def cover_ratio_cv() -> Measure:
    """Standard deviation over mean of losing bid / winning bid, over tenders one won and one lost.

    Of the two directions the steadier; a direction needs four tenders.
    """
    return measure(nw.col("cv"), (nw.col("cv").is_null(), Reason.TOO_FEW))
