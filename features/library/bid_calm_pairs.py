"""Pairs of firms that meet in calm tenders again and again (MON-BID-CV, summed up by year)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl
from scipy import special

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import BIDS_IN, MARKET_IN
from features.library.bid_screens import IMHOF, TABLES
from features.operators import Lazy, pair_key, year_end
from features.parameters.screens import screen_limit
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-CV", "pair_calm"
_INPUTS = (*BIDS_IN, *MARKET_IN)
LOW_CV, LEAST_TENDERS = screen_limit("bid_cv_share_low"), 5
"""Engineering starting point for a calm tender, to be calibrated; least tenders of a pair."""

_PAIR_YEAR = ["subject_key", "year"]


@base(name=_BASE, grain="pair_y", tables=TABLES)
def pair_calm(t: Tables) -> Lazy:
    """Per pair with three or more common tenders in a year: how many of them were calm.

    A tender counts where `bid_cv` is defined: a competitive procedure, one currency, three valid
    bids. `expected` is the share of calm tenders among the others of the same markets and year,
    weighted by the pair's tenders in each.
    """
    lots = _judged_lots(t)
    met = collect(_meetings(t)).join(lots, on="subject_key", how="inner")
    cell = ["market", "year"]
    every = lots.group_by(cell).agg(pl.len().alias("all_n"), pl.col("calm").sum().alias("all_k"))
    mine = met.group_by("pair", *cell).agg(pl.len().alias("n"), pl.col("calm").sum().alias("k"))
    others = pl.col("all_n") - pl.col("n")
    rate = (pl.col("all_k") - pl.col("k")) / others
    found = (
        mine.join(every, on=cell, how="inner")
        .sort("pair", *cell)
        .with_columns(
            pl.when(others > 0).then(rate * pl.col("n")).otherwise(0.0).alias("weighted"),
            pl.when(others > 0).then(pl.col("n")).otherwise(0).alias("matched"),
        )
        .group_by("pair", "year", maintain_order=True)
        .agg(pl.col("n", "k", "weighted", "matched").sum())
        .with_columns(
            pl.when(pl.col("matched") > 0)
            .then(pl.col("weighted") / pl.col("matched"))
            .clip(0, 1)
            .alias("expected")
        )
    )
    tail = special.bdtrc(
        found["k"].to_numpy().astype(float) - 1,
        found["n"].to_numpy().astype(np.int64),
        found["expected"].fill_null(float("nan")).to_numpy(),
    )
    found = found.with_columns(tail=pl.Series(np.where(found["k"] == 0, 1.0, tail)).fill_nan(None))
    named = pair_key(nw.col("a"), nw.col("b")).alias("subject_key")
    pairs = collect(t.view("cobid_edges").select(named, "year"))
    rows = pairs.join(found.rename({"pair": "subject_key"}), on=_PAIR_YEAR, how="left")
    return nw.from_native(rows.lazy()).with_columns(
        nw.col("n").fill_null(0),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
    )


def _judged_lots(t: Tables) -> pl.DataFrame:
    """Competitive lots with a coefficient of variation: `market`, `year`, `calm` (0 or 1)."""
    amount = nw.col("amount")
    spread = (
        t.view("valid_bids")
        .group_by("subject_key")
        .agg(
            nw.len().alias("bids"),
            amount.mean().alias("mean"),
            amount.std(ddof=1).alias("sd"),
            amount.min().alias("low"),
            amount.max().alias("high"),
            nw.col("currency").n_unique().alias("currencies"),
        )
        .filter((nw.col("bids") >= 3) & (nw.col("currencies") == 1))
    )
    calm = (nw.col("low") == nw.col("high")) | (nw.col("sd") / nw.col("mean") <= LOW_CV)
    terms = (
        t.view("lot_terms").filter(nw.col("competitive")).select("subject_key", "market", "year")
    )
    return collect(
        spread.join(terms, on="subject_key", how="inner").select(
            "subject_key", "market", "year", calm.cast(nw.Int64).alias("calm")
        )
    )


def _meetings(t: Tables) -> Lazy:
    """Lots in which both firms of a pair took part, against each other: `pair`, `subject_key`."""
    rows = t.view("lot_firms").select("subject_key", "year", "firm", "party")
    one = rows.rename({"firm": "a", "party": "party_a"})
    two = rows.rename({"firm": "b", "party": "party_b"}).drop("year")
    return (
        one.join(t.view("cobid_edges").select("year", "a", "b"), on=["year", "a"], how="inner")
        .join(two, on=["subject_key", "b"], how="inner")
        .filter(nw.col("party_a") != nw.col("party_b"))
        .select(pair_key(nw.col("a"), nw.col("b")).alias("pair"), "subject_key")
        .unique()
    )


_FEW = (nw.col("n") < LEAST_TENDERS, Reason.TOO_FEW)


@feature(
    name="bid_cv_share_low", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=LEAST_TENDERS, n="n", source=IMHOF,
    title={"en": "common tenders with bids close together", "zh": "共同投标中报价集中项目占比"},
)  # fmt: skip
def bid_cv_share_low() -> Measure:
    """Share of the pair's common tenders of the year with `bid_cv` of at most 0.06.

    Five tenders at least. The line is an engineering starting point: calibrate it per market.
    """
    return measure(nw.col("k") / nw.col("n"), _FEW)


@feature(
    name="bid_cv_low_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=LEAST_TENDERS, n="n", source="catalogue 3.B, MON-BID-CV R2",
    title={"en": "chance of meeting so often in calm tenders", "zh": "如此频繁出现报价集中的概率"},
)  # fmt: skip
def bid_cv_low_p() -> Measure:
    """Exact binomial P(X >= calm tenders | common tenders, rate of calm tenders elsewhere).

    The rate is that of the other tenders of the same markets and year, weighted by the pair's
    tenders in each; without another tender there is no rate.
    """
    return measure(nw.col("tail"), _FEW, (nw.col("expected").is_null(), Reason.ZERO_DENOMINATOR))
