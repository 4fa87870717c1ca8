"""Awards cut to stay below a limit (TRX-SPLIT)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.count_tails import with_binomial_p
from features.library.groups import with_group
from features.operators import Lazy, year_end, year_start
from features.parameters.procurement_limits import EU_MEMBERS, PROCUREMENT_LIMITS
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-SPLIT", "buyer_awards"
_INPUTS = ("tenders.award_value", "tenders.buyer_id", "tenders.winner_id", "tenders.awarded_at",
           "limits.value")  # fmt: skip
_SOURCE = "McCrary 2008; catalogue 4"
_CELL = ["buyer_id", "period_start"]
LEAST = 20
NEAR = 0.1
SAME_SUPPLIER_DAYS = 30
_ROUND = (1.0, 2.0, 3.0, 4.0, 5.0)


def _awards(t: Tables) -> pl.DataFrame:
    """Awarded values by buyer and day, to whose group; lots are awards of their own."""
    day = nw.coalesce(
        *(nw.col(c).cast(nw.Date) for c in ("awarded_at", "deadline_at", "published_at")),
        nw.col("recorded_at").cast(nw.Date),
    )
    filed = with_group(t, t["tenders"], "winner_id", "supplier_group")
    rows = collect(
        filed.filter(~nw.col("buyer_id").is_null())
        .select("tender_id", "lot_id", "buyer_id", "supplier_group", "award_value", "currency",
                "jurisdiction", "kind", day.alias("day"))
        .with_columns(year_start(nw.col("day")).alias("period_start"))
    )  # fmt: skip
    return rows.sort("buyer_id", "day", "tender_id", "lot_id").with_row_index("award")


def _limits(t: Tables) -> pl.DataFrame:
    """Filed limits and those of the parameter table: who, what, how much, from when to when."""
    schema = {
        "of": pl.String, "what": pl.String, "own": pl.String, "limit": pl.Float64,
        "money": pl.String, "from": pl.Date, "to": pl.Date, "origin": pl.String,
    }  # fmt: skip
    known = pl.DataFrame(
        [
            (p.jurisdiction, p.kind or None, None, p.value, p.currency, p.valid_from, p.valid_to,
             "statute, not verified")
            for p in PROCUREMENT_LIMITS
        ],
        schema=schema, orient="row",
    )  # fmt: skip
    filed = t.get("limits")
    if filed is None:
        return known
    rows = collect(
        filed.select(
            nw.col("jurisdiction").alias("of"), nw.col("kind").alias("what"),
            nw.col("buyer_id").alias("own"), nw.col("value").alias("limit"),
            nw.col("currency").alias("money"), "from", "to", nw.lit("filed limit").alias("origin"),
        )
    )  # fmt: skip
    return pl.concat([rows.select(list(schema)).cast(schema), known])  # type: ignore[arg-type]


def _under_limits(awards: pl.DataFrame, limits: pl.DataFrame) -> pl.DataFrame:
    """Each award with every limit that was in force for it; a word not filed fits any."""
    about = ["buyer_id", "jurisdiction", "kind", "currency", "day"]
    area = pl.col("jurisdiction").replace_strict(
        EU_MEMBERS, ["EU"] * len(EU_MEMBERS), default=pl.col("jurisdiction")
    )
    unplaced = area.is_null() & pl.col("own").is_null() & pl.col("currency").is_not_null()
    own = pl.col("own") == pl.col("buyer_id")
    fits = (
        ((area == pl.col("of")) | own | unplaced)
        & own.fill_null(value=True)
        & (pl.col("kind") == pl.col("what")).fill_null(value=True)
        & (pl.col("currency") == pl.col("money")).fill_null(value=True)
        & (pl.col("from") <= pl.col("day")).fill_null(value=True)
        & (pl.col("to") >= pl.col("day")).fill_null(value=True)
    )
    places = awards.lazy().select(about).unique()
    found = places.join(limits.lazy(), how="cross").filter(fits).collect()
    # A filed limit goes before the parameter table.
    filed = pl.col("origin") == "filed limit"
    chosen = found.filter(filed | ~filed.any().over(about)).sort("limit", "what", nulls_last=True)
    chosen = chosen.unique([*about, "limit"], keep="first", maintain_order=True)
    valued = awards.filter(pl.col("award_value") > 0)
    return valued.join(
        chosen.select(*about, "limit", "origin"), on=about, how="inner", nulls_equal=True
    )


def _round_numbers(awards: pl.DataFrame) -> pl.DataFrame:
    """Awards without any limit known, beside the round numbers just above or below them."""
    valued = awards.filter(pl.col("award_value") > 0)
    size = pl.lit(10.0).pow((pl.col("award_value") * (1 + NEAR)).log10().floor() - 1)
    steps = [m * z for z in (1.0, 10.0, 100.0) for m in _ROUND]
    rows = valued.with_columns(limit=pl.concat_list(size * s for s in steps)).explode("limit")
    near = (pl.col("award_value") / pl.col("limit")).is_between(1 - NEAR, 1 + NEAR, closed="left")
    return rows.filter(near).with_columns(origin=pl.lit("round number"))


def _bunching(near: pl.DataFrame) -> pl.DataFrame:
    """The limit with the least likely count just below it, per buyer and year.

    The probability is multiplied by the number of limits tried (Bonferroni).
    """
    ratio = pl.col("award_value") / pl.col("limit")
    below = ratio.is_between(1 - NEAR, 1, closed="left")
    above = ratio.is_between(1, 1 + NEAR, closed="left")
    counts = (
        near.filter(below | above)
        .group_by(*_CELL, "limit", "origin")
        .agg(below=below.sum().cast(pl.Int64), above=above.sum().cast(pl.Int64))
        .with_columns(near=pl.col("below") + pl.col("above"), _half=pl.lit(0.5))
    )
    tried = pl.col("near") >= LEAST
    judged = with_binomial_p(counts, "below", "near", "_half", "_p").with_columns(
        bunch_p=pl.when(tried).then(
            pl.min_horizontal(pl.col("_p") * tried.sum().over(_CELL), pl.lit(1.0))
        )
    )
    return judged.sort(
        [*_CELL, "bunch_p", "near", "limit"], descending=[False, False, False, True, False],
        nulls_last=True,
    ).unique(_CELL, keep="first", maintain_order=True)  # fmt: skip


def _same_supplier(under: pl.DataFrame) -> pl.DataFrame:
    """Largest sum, over the limit, of 30 days' awards to one group that are each below it."""
    rows = under.filter(
        (pl.col("award_value") < pl.col("limit")) & pl.col("supplier_group").is_not_null()
    ).sort("buyer_id", "supplier_group", "limit", "day")
    sums = rows.rolling(
        "day", period=f"{SAME_SUPPLIER_DAYS}d", closed="right",
        group_by=["buyer_id", "supplier_group", "limit"],
    ).agg(_sum=pl.col("award_value").sum(), _count=pl.len())  # fmt: skip
    return (
        sums.with_columns(
            period_start=pl.col("day").dt.truncate("1y"),
            _ratio=pl.when(pl.col("_count") > 1).then(pl.col("_sum") / pl.col("limit")),
        )
        .group_by(_CELL)
        .agg(supplier=pl.col("_ratio").max(), supplied=pl.col("_count").max().cast(pl.Int64))
    )


@base(
    name=_BASE,
    grain="buyer_y",
    tables=("tenders",),
    attributes=("buyer_id", "split_limit", "limit_origin"),
)
def buyer_awards(t: Tables) -> Lazy:
    """One row per buyer and year of the award, with the limit its awards bunch below most.

    Where no limit at all is known for an award, round numbers are tried in its place.
    """
    awards = _awards(t)
    under = _under_limits(awards, _limits(t))
    free = awards.join(under.select("award").unique(), on="award", how="anti")
    columns = [*_CELL, "award_value", "limit", "origin"]
    near = pl.concat([under.select(columns), _round_numbers(free).select(columns)])
    rows = (
        awards.group_by(_CELL)
        .agg(awards=pl.col("award_value").count().cast(pl.Int64))
        .join(_bunching(near), on=_CELL, how="left")
        .join(_same_supplier(under), on=_CELL, how="left")
        .rename({"limit": "split_limit", "origin": "limit_origin"})
        .with_columns(pl.col("near").fill_null(0))
    )
    return nw.from_native(rows.lazy()).with_columns(
        nw.col("buyer_id").alias("subject_key"),
        year_end(nw.col("period_start")).alias("period_end"),
    )


_SCARCE = ((nw.col("awards") < 1, Reason.MISSING_INPUT), (nw.col("near") < LEAST, Reason.TOO_FEW))


@feature(
    name="split_bunch_ratio", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=20, n="near", source=_SOURCE,
    title={"en": "awards just below over just above a limit", "zh": "限额下方与上方数量比"},
)  # fmt: skip
def split_bunch_ratio() -> Measure:
    """Awards in [0.9 T, T) over awards in [T, 1.1 T), for the limit T bunched below most."""
    return measure(
        nw.col("below") / nw.col("above"), *_SCARCE,
        (nw.col("above") <= 0, Reason.ZERO_DENOMINATOR),
    )  # fmt: skip


@feature(
    name="split_bunch_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=20, n="near", source=_SOURCE,
    title={"en": "chance of that many just below", "zh": "限额下方聚集的概率"},
)  # fmt: skip
def split_bunch_p() -> Measure:
    """Exact chance of at least as many of the awards near T just below it, at one half each.

    One half is approximate. Where several limits hold 20 awards near them, the smallest chance
    times their number. Limits come from the table `limits`, else from the statutes (not verified),
    else from round numbers.
    """
    return measure(nw.col("bunch_p"), *_SCARCE)


@feature(
    name="split_same_supplier_30d", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "firms.group_id"), unit="ratio", direction="high", min_n=2, n="supplied",
    source="catalogue 4",
    title={"en": "30 days with one supplier, over the limit", "zh": "同一供应商三十日累计与限额比"},
)  # fmt: skip
def split_same_supplier_30d() -> Measure:
    """Largest sum of awards to one supplier within 30 days, each below the limit, over the limit.

    1 or more: together they cross it. Suppliers of one economic group are one. At least two
    awards.
    """
    return measure(
        nw.col("supplier"),
        (nw.col("awards") < 1, Reason.MISSING_INPUT),
        (nw.col("supplied").is_null(), Reason.NOT_APPLICABLE),
        (nw.col("supplier").is_null(), Reason.TOO_FEW),
    )
