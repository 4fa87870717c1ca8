"""Red flags of a bidder's or a buyer's year: rare wins, many disqualifications, wide supply.

Each follows an indicator of the Open Contracting Partnership's Red Flags, whose number its source
names: far from the middle half of its peers of the same year.
"""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import WINS_IN
from features.library.bid_screens import TABLES
from features.library.fences import LEAST, far_above, far_below, fenced
from features.operators import Lazy, year_end
from features.tables import Tables, collect
from features.vocabulary import Reason

_COVER, _SINGLE = "MON-BID-COVER", "MON-BID-SINGLE"
_FIRM, _SUPPLY, _BUYER = "firm_flags", "firm_supply", "buyer_flags"
_SOURCE = "Open Contracting Partnership, Red Flags 2024"
_STATES = ("bids.status", "bids.bidder_id", "bids.consortium_id", "tenders.method",
           "tenders.awarded_at")  # fmt: skip
LEAST_BIDS = 2
DIGITS = 2
"""Leading characters of a classification that name its division (CPV, UNSPSC)."""


def _stances(t: Tables) -> pl.DataFrame:
    """Every bidder of every competitive lot with a bid that was not withdrawn.

    Columns: `subject_key`, `firm`, `unit`, `year`, `buyer_id`, `valid`, `out` (disqualified and no
    other bid valid), `won`, `decided` (the lot's winner is among its bidders).
    """
    terms = t.view("lot_terms").filter(nw.col("competitive"))
    entries = collect(
        t.view("bid_entries")
        .filter(nw.col("status") != "withdrawn")
        .join(
            terms.select("subject_key", "year", "buyer_id"),
            on="subject_key", how="inner",
        )
    )  # fmt: skip
    unit = pl.coalesce("party", pl.format("#{}", pl.int_range(pl.len())))
    valid = pl.col("status") == "valid"
    rows = (
        entries.with_columns(unit=unit)
        .group_by("subject_key", "firm", "unit", "year", "buyer_id")
        .agg(valid=valid.any(), won=(valid & (pl.col("wins") == 1)).any())
    )
    return rows.with_columns(
        out=~pl.col("valid"), decided=pl.col("won").any().over("subject_key")
    )  # fmt: skip


def _of_year(t: Tables, rows: pl.DataFrame, subject: str) -> Lazy:
    return t.lifted(rows).with_columns(
        nw.col(subject).alias("subject_key"),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
    )


def _outliers(rows: pl.DataFrame, value: str, name: str, above: bool) -> pl.DataFrame:
    """Add `name` (0 or 1, null without a value) and `name_peers`, judged among the year's rows."""
    fences = rows.group_by("year").agg(*fenced(value))
    flag = far_above(pl.col(value)) if above else far_below(pl.col(value))
    return (
        rows.join(fences, on="year", how="left")
        .with_columns(flag.cast(pl.Int64).alias(name))
        .drop("q1", "q3")
        .rename({"peers": f"{name}_peers"})
    )


@base(name=_FIRM, grain="firm_y", tables=TABLES, attributes=("firm_id",))
def firm_flags(t: Tables) -> Lazy:
    """Per firm (economic group where known) and year: bids, wins and disqualifications."""
    rows = _stances(t).drop_nulls("firm").group_by("subject_key", "firm", "year").agg(
        pl.col("valid", "won", "decided").any(), out=~pl.col("valid").any()
    )  # fmt: skip
    judged = pl.col("valid") & pl.col("decided")
    firms = rows.group_by("firm", "year").agg(
        submitted=pl.len().cast(pl.Int64),
        out=pl.col("out").sum().cast(pl.Int64),
        tried=judged.sum().cast(pl.Int64),
        won=pl.col("won").sum().cast(pl.Int64),
    )
    tried = pl.when(pl.col("tried") > 0).then(pl.col("tried"))
    often = pl.when(pl.col("submitted") >= LEAST_BIDS).then(pl.col("submitted"))
    firms = firms.with_columns(
        wins=pl.col("won") / tried, bids=tried, rate=pl.col("out") / often, firm_id="firm"
    )
    busy = firms.group_by("year").agg(*fenced("bids")).select("year", busy="q3")
    firms = _outliers(firms, "wins", "rare", above=False).join(busy, on="year", how="left")
    frequent = pl.col("bids") >= pl.col("busy")
    firms = firms.with_columns(rare=pl.col("rare") * frequent.cast(pl.Int64))
    return _of_year(t, _outliers(firms, "rate", "many", above=True), "firm")


@base(name=_SUPPLY, grain="firm_y", tables=("tenders",), attributes=("firm_id",))
def firm_supply(t: Tables) -> Lazy:
    """Per firm (economic group where known) and year: divisions of what it was awarded."""
    filed = t["tenders"].select(
        "tender_id", nw.coalesce(nw.col("lot_id"), nw.lit("")).alias("lot"), "item_classes"
    )
    lots = t.view("lots").select("subject_key", "tender_id", "lot", "category")
    terms = t.view("lot_terms").filter(~nw.col("winner").is_null())
    rows = collect(
        terms.select("subject_key", nw.col("winner").alias("firm"), "year")
        .join(lots, on="subject_key", how="inner")
        .join(filed, on=["tender_id", "lot"], how="left")
    )
    listed = pl.col("item_classes").str.json_decode(pl.List(pl.String))
    classes = pl.when(pl.col("item_classes").is_null()).then(pl.concat_list("category"))
    won = (
        rows.with_columns(division=classes.otherwise(listed))
        .explode("division", empty_as_null=True, keep_nulls=True)
        .with_columns(pl.col("division").str.slice(0, DIGITS))
        .drop_nulls("division")
    )
    firms = won.group_by("firm", "year").agg(
        variety=pl.col("division").n_unique().cast(pl.Int64),
        awards=pl.col("subject_key").n_unique().cast(pl.Int64),
    )
    firms = firms.with_columns(firm_id="firm")
    return _of_year(t, _outliers(firms, "variety", "wide", above=True), "firm")


@base(name=_BUYER, grain="buyer_y", tables=TABLES, attributes=("buyer_id",))
def buyer_flags(t: Tables) -> Lazy:
    """Per buyer and year: bidders, and those it disqualified."""
    rows = _stances(t).drop_nulls("buyer_id").group_by("buyer_id", "year").agg(
        submitted=pl.len().cast(pl.Int64), out=pl.col("out").sum().cast(pl.Int64)
    )  # fmt: skip
    rows = rows.with_columns(rate=pl.col("out") / pl.col("submitted"))
    return _of_year(t, _outliers(rows, "rate", "many", above=True), "buyer_id")


def _few(peers: str) -> tuple[nw.Expr, Reason]:
    return nw.col(peers) < LEAST, Reason.TOO_FEW


@feature(
    name="cover_rare_wins", typology=_COVER, base=_FIRM, inputs=("bids.status", *WINS_IN),
    unit="flag", direction="high", min_n=LEAST_BIDS, n="tried", source=f"{_SOURCE} (R025)",
    kind="bool", title={"en": "bids often, wins unusually rarely", "zh": "投标多而中标异常少"},
)  # fmt: skip
def cover_rare_wins() -> Measure:
    """Whether a frequent bidder's wins over bids are at or below Q1 - 1.5 IQR of the year's firms.

    Frequent: bids at or above the third quartile. Lots whose winner is not among the bidders are
    left out; at least five firms.
    """
    none = (nw.col("wins").is_null(), Reason.MISSING_INPUT)
    return measure(nw.col("rare"), none, _few("rare_peers"))


@feature(
    name="cover_disqualified_rate", typology=_COVER, base=_FIRM, inputs=_STATES, unit="0-1",
    direction="high", min_n=LEAST_BIDS, n="submitted", source=f"{_SOURCE} (R038)",
    title={"en": "bids disqualified", "zh": "投标被否决占比"},
)  # fmt: skip
def cover_disqualified_rate() -> Measure:
    """Lots in which the firm was disqualified over lots it bid in, withdrawn bids left out."""
    few = (nw.col("submitted") < LEAST_BIDS, Reason.TOO_FEW)
    return measure(nw.col("out") / nw.col("submitted"), few)


@feature(
    name="cover_disqualified_often", typology=_COVER, base=_FIRM, inputs=_STATES, unit="flag",
    direction="high", min_n=LEAST_BIDS, n="submitted", source=f"{_SOURCE} (R038)", kind="bool",
    title={"en": "disqualified unusually often", "zh": "被否决异常频繁"},
)  # fmt: skip
def cover_disqualified_often() -> Measure:
    """Whether `cover_disqualified_rate` is at or above Q3 + 1.5 IQR of the year's firms (five)."""
    few = (nw.col("submitted") < LEAST_BIDS, Reason.TOO_FEW)
    return measure(nw.col("many"), few, _few("many_peers"))


@feature(
    name="supply_variety", typology=_COVER, base=_SUPPLY,
    inputs=("tenders.item_classes", "tenders.category", "tenders.winner_id", "firms.group_id"),
    unit="divisions", direction="none", n="awards", source=f"{_SOURCE} (R048)",
    title={"en": "divisions of goods supplied", "zh": "中标品类门类数"},
)  # fmt: skip
def supply_variety() -> Measure:
    """Distinct first two digits of the classifications of all the firm was awarded in the year."""
    return measure(nw.col("variety"))


@feature(
    name="supply_variety_wide", typology=_COVER, base=_SUPPLY,
    inputs=("tenders.item_classes", "tenders.category", "tenders.winner_id", "firms.group_id"),
    unit="flag", direction="none", n="awards", source=f"{_SOURCE} (R048)", kind="bool",
    title={"en": "supplies an unusual variety", "zh": "供应门类异常繁杂"},
)  # fmt: skip
def supply_variety_wide() -> Measure:
    """Whether `supply_variety` is at or above Q3 + 1.5 IQR of the year's winners (five).

    Context: a sign of an unsuitable supplier, not of an agreement.
    """
    return measure(nw.col("wide"), _few("wide_peers"))


@feature(
    name="buyer_disqualified_rate", typology=_SINGLE, base=_BUYER, inputs=_STATES, unit="0-1",
    direction="high", min_n=LEAST_BIDS, n="submitted", source=f"{_SOURCE} (R038)",
    title={"en": "bidders the buyer disqualified", "zh": "采购人否决投标占比"},
)  # fmt: skip
def buyer_disqualified_rate() -> Measure:
    """Bidders disqualified over bidders, lot by lot, withdrawn bids left out."""
    return measure(nw.col("rate"))


@feature(
    name="buyer_disqualified_often", typology=_SINGLE, base=_BUYER, inputs=_STATES, unit="flag",
    direction="high", min_n=LEAST_BIDS, n="submitted", source=f"{_SOURCE} (R038)", kind="bool",
    title={"en": "buyer disqualifies unusually often", "zh": "采购人否决投标异常频繁"},
)  # fmt: skip
def buyer_disqualified_often() -> Measure:
    """Whether `buyer_disqualified_rate` is at or above Q3 + 1.5 IQR of the year's buyers (five)."""
    return measure(nw.col("many"), _few("many_peers"))
