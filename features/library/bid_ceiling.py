"""Bids that hug the ceiling the buyer set (MON-BID-RESERVE)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import (
    BIDS_IN,
    MARKET_IN,
    OUTCOMES,
    WINS_IN,
    not_competitive,
    of_categories,
    one_currency,
)
from features.library.bid_screens import TABLES
from features.operators import Lazy
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-RESERVE", "category_ceiling"
_SOURCE = "catalogue 3.B; Chassang, Kawai, Nakabayashi and Ortner 2022 (bids over the reserve)"
_RESERVE = (*BIDS_IN, "tenders.reserve_price")
_INPUTS = (*_RESERVE, *WINS_IN, "tenders.award_value", *MARKET_IN)
HUG_PPM, LEAK_PPM = 970_000, 995_000
"""From which part of the reserve (in millionths, inclusive) a bid hugs it, a winner touches it."""

KNOWN_DAYS, ENTRANT_LOTS, SIDE_LOTS, BEFORE_DAYS = 365, 3, 5, 365
"""An entrant is new to a market known for a year and bids on three of its lots in its first year;
five decided lots are needed on either side of its first day, at most a year before it."""


@feature(
    name="bid_win_ratio", typology=_TYPOLOGY, base=OUTCOMES, inputs=_INPUTS, unit="ratio",
    direction="high", n="n_opened", source=_SOURCE, peer_adjusted=True,
    title={"en": "winning bid over the ceiling", "zh": "中标价占最高限价比"},
)  # fmt: skip
def bid_win_ratio() -> Measure:
    """Winning bid over the reserve price; the value of the award where the bid is not known."""
    return measure(nw.col("win") / nw.col("reserve"), not_competitive(), one_currency())


@base(name=_BASE, grain="category_y", tables=TABLES, attributes=("market",))
def category_ceiling(t: Tables) -> Lazy:
    """Per market and year: bids and winners against the reserve, and what an entrant changed."""
    lots = collect(_lots(t)).sort("subject_key")
    bids = collect(t.view("opened_bids").select("subject_key", "amount"))
    part = (pl.col("amount") / pl.col("reserve") * 1_000_000 + 0.5).floor()
    hugging = (
        bids.join(lots, on="subject_key")
        .group_by("market", "year")
        .agg(n_priced=pl.len(), n_hug=(part >= HUG_PPM).sum())
    )
    won = lots.filter(pl.col("ratio").is_not_null()).sort("market", "day", "subject_key")
    ratio = pl.col("ratio")
    touching = ((ratio * 1_000_000 + 0.5).floor() >= LEAK_PPM) & (ratio <= 1)
    winners = won.group_by("market", "year", maintain_order=True).agg(
        n_won=pl.len(), win_mean=ratio.mean(), win_sd=ratio.std(ddof=1), n_touch=touching.sum()
    )
    entry = _entrants(collect(t.view("lot_firms")), collect(t.view("category_years")))
    cell = ["market", "year"]
    found = hugging.join(winners, on=cell, how="full", coalesce=True).join(
        _around(won, entry), on=cell, how="full", coalesce=True
    )
    return of_categories(t, nw.from_native(found.lazy())).with_columns(
        nw.col(c).fill_null(0) for c in ("n_priced", "n_won", "n_before", "n_after")
    )


def _lots(t: Tables) -> Lazy:
    """Competitive lots with a reserve and bids of its currency, and the winner's part of it."""
    win = nw.coalesce(nw.col("win_bid"), nw.col("award_value"))
    return (
        t.view("lot_terms")
        .filter(nw.col("competitive") & ~nw.col("reserve").is_null())
        .select("subject_key", "market", "year", "day", "reserve", "award_value")
        .join(t.view("lot_results"), on="subject_key", how="inner")
        .filter(nw.col("n_currencies") == 1)
        .with_columns((win / nw.col("reserve")).alias("ratio"))
        .select("subject_key", "market", "year", "day", "reserve", "ratio")
    )


def _entrants(firms: pl.DataFrame, years: pl.DataFrame) -> pl.DataFrame:
    """First day of the first entrant of each market and year: `market`, `year`, `entry`."""
    began = firms.group_by("market").agg(began=pl.col("day").min())
    first = pl.col("day").min().over("market", "firm")
    known = pl.col("entry") >= pl.col("began") + pl.duration(days=KNOWN_DAYS)
    return (
        firms.with_columns(entry=first)
        .filter(pl.col("entry").dt.truncate("1y") == pl.col("year"))
        .group_by("market", "year", "firm")
        .agg(pl.col("entry").min(), lots=pl.col("subject_key").n_unique())
        .join(began, on="market")
        .filter(known & (pl.col("lots") >= ENTRANT_LOTS))
        .group_by("market", "year")
        .agg(pl.col("entry").min())
        .join(years.select("market", "year"), on=["market", "year"], how="inner")
    )


def _around(won: pl.DataFrame, entry: pl.DataFrame) -> pl.DataFrame:
    """Mean winning part of the reserve before and after the entry."""
    after = (pl.col("day") >= pl.col("entry")) & (pl.col("lot_year") == pl.col("year"))
    before = (pl.col("day") < pl.col("entry")) & (
        pl.col("day") >= pl.col("entry") - pl.duration(days=BEFORE_DAYS)
    )
    rows = won.rename({"year": "lot_year"}).join(entry, on="market")
    return (
        rows.sort("market", "year", "day", "subject_key")
        .group_by("market", "year", maintain_order=True)
        .agg(
            n_before=before.sum(),
            n_after=after.sum(),
            mean_before=pl.col("ratio").filter(before).mean(),
            mean_after=pl.col("ratio").filter(after).mean(),
        )
    )


@feature(
    name="ceil_hug_share", typology=_TYPOLOGY, base=_BASE, inputs=(*_RESERVE, *MARKET_IN),
    unit="0-1", direction="high", min_n=10, n="n_priced", source=_SOURCE,
    title={"en": "bids close under the ceiling", "zh": "紧贴最高限价的报价占比"},
)  # fmt: skip
def ceil_hug_share() -> Measure:
    """Share of all opened bids at 0.97 of the reserve price or above."""
    n = nw.col("n_priced")
    return measure(nw.col("n_hug") / n, (n == 0, Reason.MISSING_INPUT), (n < 10, Reason.TOO_FEW))


def _winners(least: int) -> tuple[tuple[nw.Expr, Reason], ...]:
    n = nw.col("n_won")
    return (n == 0, Reason.MISSING_INPUT), (n < least, Reason.TOO_FEW)


@feature(
    name="win_ratio_mean", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=5, n="n_won", source=_SOURCE,
    title={"en": "mean winning bid over the ceiling", "zh": "中标价占限价比均值"},
)  # fmt: skip
def win_ratio_mean() -> Measure:
    """Mean of `bid_win_ratio` over the decided lots of the market and year."""
    return measure(nw.col("win_mean"), *_winners(5))


@feature(
    name="win_ratio_sd", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="low", min_n=5, n="n_won", source=_SOURCE,
    title={"en": "spread of winning bids over the ceiling", "zh": "中标价占限价比标准差"},
)  # fmt: skip
def win_ratio_sd() -> Measure:
    """Standard deviation (ddof 1) of `bid_win_ratio` in the market and year."""
    return measure(nw.col("win_sd"), *_winners(5))


@feature(
    name="win_touch_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=5, n="n_won", source=_SOURCE,
    title={"en": "winners just under the ceiling", "zh": "中标价距限价不足0.5%的占比"},
)  # fmt: skip
def win_touch_share() -> Measure:
    """Share of decided lots whose winner bid 0.995 to 1 times the reserve price.

    Where the reserve was not published, winners that often stand there may have known it.
    """
    return measure(nw.col("n_touch") / nw.col("n_won"), *_winners(5))


@feature(
    name="win_ratio_drop", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=SIDE_LOTS, n="n_after", source=_SOURCE,
    title={"en": "fall of winning bids after an entry", "zh": "新进入者出现后中标价降幅"},
)  # fmt: skip
def win_ratio_drop() -> Measure:
    """Mean `bid_win_ratio` in the year before the year's first entrant, minus the mean since.

    An entrant never bid in the market before, though it is known for at least 365 days, and bids
    on three or more of its lots that year. Five decided lots are needed on either side.
    """
    none = (nw.col("mean_before").is_null() & nw.col("mean_after").is_null(), Reason.NOT_APPLICABLE)
    few = (nw.col("n_before") < SIDE_LOTS) | (nw.col("n_after") < SIDE_LOTS)
    value = nw.col("mean_before") - nw.col("mean_after")
    return measure(value, *_winners(1), none, (few, Reason.TOO_FEW))
