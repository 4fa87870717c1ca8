"""Tenders with one bidder where several are expected (MON-BID-SINGLE)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.intervals import Z95
from features.library.bid_market import in_order, not_competitive
from features.library.bid_screens import ATTRIBUTES, with_lots
from features.operators import Lazy, year_end
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE, _LOTS = "MON-BID-SINGLE", "buyer_participation", "lot_participation"
_SOURCE = "catalogue 3.B; Wilson 1927"
_FLAGS = "Open Contracting Partnership, Red Flags 2024 (R003, R018)"
_COUNTED = ("bids.status", "bids.bidder_id", "bids.consortium_id", "firms.group_id",
            "tenders.method", "tenders.n_tenderers")  # fmt: skip
_INPUTS = (*_COUNTED, "tenders.buyer_id", "tenders.category", "tenders.awarded_at")
LEAST_TENDERS, LEAST_HISTORY = 15, 5
"""Normal quantile of a two-sided 95 % interval."""


@base(
    name=_LOTS, grain="tender", tables=("tenders",), attributes=ATTRIBUTES,
    peers=("market", "n_band"),
)  # fmt: skip
def lot_participation(t: Tables) -> Lazy:
    """One row per tender and lot: bidders filed or stated, and the time they had."""
    priced = t.view("valid_bids").group_by("subject_key").agg(nw.len().alias("n_bids"))
    rows = (
        t.view("lot_terms")
        .select("subject_key", "competitive", "submission_days")
        .join(priced, on="subject_key", how="left")
        .join(t.view("lot_bidders"), on="subject_key", how="left")
    )
    return with_lots(t, rows).with_columns(nw.col("n_bidders").fill_null(0))


_NONE = (nw.col("n_bidders") == 0, Reason.MISSING_INPUT)


@feature(
    name="bid_count", typology=_TYPOLOGY, base=_LOTS, inputs=_COUNTED, unit="bidders",
    direction="low", n="n_bidders", source=_FLAGS, peer_adjusted=True,
    title={"en": "bidders", "zh": "投标人数"},
)  # fmt: skip
def bid_count() -> Measure:
    """Valid bids, priced or not, one per economic bidder; else the bidders the buyer stated.

    Neither on file: unknown, not none.
    """
    return measure(nw.col("n_bidders"), not_competitive(), _NONE)


@feature(
    name="single_bid", typology=_TYPOLOGY, base=_LOTS, inputs=_COUNTED, unit="flag",
    direction="high", n="n_bidders", source=_FLAGS, kind="bool", peer_adjusted=True,
    title={"en": "only one bidder", "zh": "仅一家投标"},
)  # fmt: skip
def single_bid() -> Measure:
    """Whether a competitive procedure drew exactly one bidder, counted as in `bid_count`.

    A limited procedure invites whom it likes and is none.
    """
    limited = (nw.col("method") == "limited", Reason.NOT_APPLICABLE)
    return measure(nw.col("n_bidders") == 1, not_competitive(), limited, _NONE)


@feature(
    name="submission_days", typology=_TYPOLOGY, base=_LOTS,
    inputs=("tenders.published_at", "tenders.deadline_at"), unit="days", direction="low",
    n="n_bidders", source=_FLAGS, peer_adjusted=True,
    title={"en": "time to prepare a bid", "zh": "投标准备期"},
)  # fmt: skip
def submission_days() -> Measure:
    """Days from the call to the deadline."""
    return measure(nw.col("submission_days"), not_competitive())


@base(name=_BASE, grain="buyer_y", tables=("tenders",), attributes=("buyer_id", "n_tenders"))
def buyer_participation(t: Tables) -> Lazy:
    """Per buyer and year: lots with known bidders, those with one, and what others see."""
    counts = t.view("lot_bidders").select("subject_key", nw.col("n_bidders").alias("n_bids"))
    lots = (
        t.view("lot_terms")
        .filter(nw.col("competitive") & ~nw.col("buyer_id").is_null())
        .join(counts, on="subject_key", how="inner")
        .with_columns((nw.col("n_bids") == 1).cast(nw.Int64).alias("single"))
    )
    sums = (
        nw.len().alias("n"),
        nw.col("single").sum().alias("k"),
        nw.col("n_bids").cast(nw.Int64).sum().alias("bids"),
    )
    own = lots.group_by("buyer_id", "year").agg(*sums).rename({"n": "n_tenders"})
    rows = own.join(_history(own), on=["buyer_id", "year"], how="left").join(
        t.lifted(_expected(lots, sums)), on=["buyer_id", "year"], how="left"
    )
    return rows.with_columns(
        nw.col("buyer_id").alias("subject_key"),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
        nw.col("past_n").fill_null(0),
        nw.col("others_n").fill_null(0),
    )


def _history(own: Lazy) -> Lazy:
    """Lots and bids of the same buyer in all earlier years."""
    past = own.select(
        "buyer_id", nw.col("year").alias("_year"), nw.col("n_tenders").alias("_n"),
        nw.col("bids").alias("_bids"),
    )  # fmt: skip
    return (
        own.select("buyer_id", "year")
        .join(past, on="buyer_id", how="inner")
        .filter(nw.col("_year") < nw.col("year"))
        .group_by("buyer_id", "year")
        .agg(nw.col("_n").sum().alias("past_n"), nw.col("_bids").sum().alias("past_bids"))
    )


def _expected(lots: Lazy, sums: tuple[nw.Expr, ...]) -> Lazy:
    """The rate of single bids other buyers have for the same mix of markets."""
    mine = lots.group_by("buyer_id", "market", "year").agg(*sums)
    every = lots.group_by("market", "year").agg(
        nw.len().alias("all_n"), nw.col("single").sum().alias("all_k")
    )
    others = nw.col("all_n").cast(nw.Int64) - nw.col("n").cast(nw.Int64)
    rate = (nw.col("all_k") - nw.col("k")) / nw.col("others")
    rows = (
        mine.join(every, on=["market", "year"], how="inner")
        .with_columns(others.alias("others"))
        .filter(nw.col("others") > 0)
        .sort("buyer_id", "year", "market")
        .with_columns((rate * nw.col("n")).alias("_weighted"))
    )
    totals = (pl.col("n").sum().alias("_matched"), pl.col("others").sum().alias("others_n"))
    return (
        in_order(rows, ["buyer_id", "year"], pl.col("_weighted").sum(), *totals)
        .with_columns((nw.col("_weighted") / nw.col("_matched")).alias("peer_rate"))
        .drop("_weighted", "_matched")
    )


def _few() -> tuple[nw.Expr, Reason]:
    return nw.col("n_tenders") < LEAST_TENDERS, Reason.TOO_FEW


@feature(
    name="single_bid_rate_lcb", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=LEAST_TENDERS, n="n_tenders", source=_SOURCE,
    title={"en": "share of single-bid tenders, at least", "zh": "单一投标率下限"},
)  # fmt: skip
def single_bid_rate_lcb() -> Measure:
    """Lower bound of the two-sided 95 % Wilson interval for the share of single-bid tenders.

    (p + z^2/2n - z sqrt(p(1 - p)/n + z^2/4n^2)) / (1 + z^2/n) over competitive lots with bids on
    file; at least 15.
    """
    n, square = nw.col("n_tenders"), Z95 * Z95
    p = nw.col("k") / n
    root = (p * (1 - p) / n + square / (4 * n * n)).sqrt()
    return measure((p + square / (2 * n) - Z95 * root) / (1 + square / n), _few())


@feature(
    name="single_bid_peer_rate", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="none", min_n=LEAST_TENDERS, n="others_n", source=_SOURCE,
    title={"en": "share of single-bid tenders at other buyers", "zh": "其他采购人单一投标率"},
)  # fmt: skip
def single_bid_peer_rate() -> Measure:
    """Share of single-bid tenders of all other buyers, weighted by the buyer's mix of markets."""
    few = (nw.col("others_n") < LEAST_TENDERS, Reason.TOO_FEW)
    return measure(nw.col("peer_rate"), few)


@feature(
    name="bidder_drop", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=LEAST_HISTORY, n="n_tenders", source="catalogue 3.B",
    title={"en": "fall in bidders per tender", "zh": "投标人数降幅"},
)  # fmt: skip
def bidder_drop() -> Measure:
    """1 - mean bidders per tender this year over the buyer's mean in all earlier years.

    Five tenders at least on both sides; negative where more firms bid than before.
    """
    now = nw.col("bids") / nw.col("n_tenders")
    before = nw.col("past_bids") / nw.col("past_n")
    few = (nw.col("n_tenders") < LEAST_HISTORY) | (nw.col("past_n") < LEAST_HISTORY)
    return measure(1 - now / before, (few, Reason.TOO_FEW))
