"""How close the losing bids came to the winning one (MON-BID-MISSING)."""

from __future__ import annotations

import narwhals as nw
import polars as pl
from scipy import special

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import (
    BIDS_IN,
    MARKET_IN,
    OUTCOMES,
    not_competitive,
    of_categories,
    one_currency,
)
from features.library.bid_screens import TABLES
from features.operators import Lazy, nearest_whole
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-MISSING", "category_margins"
_SOURCE = "Chassang, Kawai, Nakabayashi and Ortner 2022"
_INPUTS = (*BIDS_IN, "tenders.reserve_price", *MARKET_IN)
EPSILON_PPB = 5_000_000
"""Half-width of the centre: 0.005 of the reserve, in parts per thousand million.

Margins are compared as whole parts, so that a gap of exactly 0.5 % is not moved by binary
fractions.
"""
LEAST_EXPECTED = 20


@feature(
    name="bid_margin", typology=_TYPOLOGY, base=OUTCOMES, inputs=_INPUTS, unit="ratio",
    direction="none", min_n=2, n="n_opened", source=_SOURCE,
    title={"en": "gap of the two lowest bids over the reserve", "zh": "最低两家报价差占限价比"},
)  # fmt: skip
def bid_margin() -> Measure:
    """Second-lowest minus lowest opened bid, over the reserve price (the lowest bid without one).

    The margin of the lowest bidder, turned positive. Bids disqualified after the opening count:
    they were rivals when the price was made.
    """
    scale = nw.coalesce(nw.col("reserve"), nw.col("low"))
    few = (nw.col("n_opened") < 2, Reason.TOO_FEW)
    return measure(
        (nw.col("second") - nw.col("low")) / scale, not_competitive(), one_currency(), few
    )


@base(name=_BASE, grain="category_y", tables=TABLES, attributes=("market",))
def category_margins(t: Tables) -> Lazy:
    """Per market and year: bids whose margin falls in the centre, in either flank, on a tie."""
    lots = (
        t.view("lot_terms")
        .filter(nw.col("competitive"))
        .select("subject_key", "market", "year", "reserve")
        .join(t.view("lot_results"), on="subject_key", how="inner")
        .filter((nw.col("n_opened") >= 2) & (nw.col("n_currencies") == 1))
    )
    counts = (
        _marks(t.view("opened_bids").select("subject_key", "amount"), lots)
        .group_by("market", "year")
        .agg(
            *(nw.col(c).sum() for c in ("center", "left", "right", "tied")),
            nw.len().alias("n_margins"),
        )
    )
    rows = collect(of_categories(t, counts)).with_columns(
        pl.col("center", "left", "right", "tied", "n_margins").fill_null(0)
    )
    rows = rows.with_columns(expected=(pl.col("left") + pl.col("right")) / 2)
    tail = special.pdtr(rows["center"].to_numpy(), rows["expected"].to_numpy())
    return nw.from_native(rows.with_columns(poisson=pl.Series(tail, dtype=pl.Float64)).lazy())


def _marks(bids: Lazy, lots: Lazy) -> Lazy:
    """Each bid of these lots with the place of its margin as four 0-1 columns."""
    amount, low = nw.col("amount"), nw.col("low")
    alone = (amount == low) & (nw.col("n_low") == 1)
    rival = nw.when(alone).then(nw.col("second")).otherwise(low)
    scale = nw.coalesce(nw.col("reserve"), low)
    part = nw.col("part")
    near, far = EPSILON_PPB, 3 * EPSILON_PPB
    return (
        bids.join(lots, on="subject_key", how="inner")
        .with_columns(nearest_whole((amount - rival) / scale * 1e9).alias("part"))
        .with_columns(
            ((part != 0) & (part > -near) & (part < near)).cast(nw.Int64).alias("center"),
            ((part >= -far) & (part < -near)).cast(nw.Int64).alias("left"),
            ((part >= near) & (part < far)).cast(nw.Int64).alias("right"),
            (part == 0).cast(nw.Int64).alias("tied"),
        )
    )


def _few() -> tuple[nw.Expr, Reason]:
    return nw.col("expected") < LEAST_EXPECTED, Reason.TOO_FEW


@feature(
    name="bid_missing_ratio", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="low", min_n=LEAST_EXPECTED, n="expected", source=_SOURCE,
    title={"en": "close bids against those further off", "zh": "紧邻报价与较远报价之比"},
)  # fmt: skip
def bid_missing_ratio() -> Measure:
    """Margins nearer than 0.005 over the mean number of margins in the flanks 0.005 to 0.015.

    A bid's margin is its distance to the lowest rival bid, over the reserve (the lowest bid without
    one). Exact ties are counted apart (`bid_missing_tied`). Competition gives about 1; 1.5 or more
    suggests that the winner knew. At least 20 margins must be expected in the centre.
    """
    return measure(nw.col("center") / nw.col("expected"), _few())


@feature(
    name="bid_missing_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=LEAST_EXPECTED, n="expected", source=_SOURCE,
    title={"en": "chance of so few close bids", "zh": "紧邻报价如此之少的概率"},
)  # fmt: skip
def bid_missing_p() -> Measure:
    """Exact Poisson lower tail P(X <= margins in the centre), mean as in the flanks."""
    return measure(nw.col("poisson"), _few())


@feature(
    name="bid_missing_tied", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=LEAST_EXPECTED, n="n_margins", source=_SOURCE,
    title={"en": "bids tied with the lowest", "zh": "与最低报价完全相同的占比"},
)  # fmt: skip
def bid_missing_tied() -> Measure:
    """Share of bids at exactly the lowest rival's price (margin 0)."""
    few = (nw.col("n_margins") < LEAST_EXPECTED, Reason.TOO_FEW)
    return measure(nw.col("tied") / nw.col("n_margins"), few)
