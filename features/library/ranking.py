"""Whether a platform ranks its own offers higher (MON-SELFPREF)."""

from __future__ import annotations

from itertools import pairwise

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.catalogue import Measure, base, feature, measure, view
from features.library.regressions import Numbers, Slope, slope
from features.operators import Lazy, month_end, month_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-SELFPREF", "ranked_platforms"
CONTROLS = ("relevance", "price", "rating", "n_reviews", "delivery_days")
_PLACES = ("ranking_samples.rank", "ranking_samples.is_own", "ranking_samples.is_ad",
           "ranking_samples.query")  # fmt: skip
_INPUTS = (*_PLACES, *(f"ranking_samples.{c}" for c in CONTROLS))
_SOURCE = "Google Shopping C-48/22 P; DMA art. 6(5)"
FILLED, CALIPER = 0.9, 0.25
"""A control filed for fewer places is left out; largest distance of a match, in mean sd."""

Key = tuple[object, ...]


@view("ranked_places")
def ranked_places(t: Tables) -> Lazy:
    """Sampled places with a known owner: platform, month, query, ts, rank, own, ad, controls."""
    return (
        t["ranking_samples"]
        .filter(~nw.col("is_own").is_null())
        .select(
            "platform_id",
            month_start(nw.col("ts").cast(nw.Date)).alias("month"),
            "query",
            "ts",
            nw.coalesce(nw.col("persona"), nw.lit("")).alias("persona"),
            "rank",
            nw.col("is_own").cast(nw.Float64).alias("own"),
            nw.col("is_ad").fill_null(value=False).alias("ad"),
            nw.col("in_box").fill_null(value=False).alias("box"),
            *(nw.col(c).cast(nw.Float64) for c in CONTROLS),
        )
        .sort("platform_id", "month", "query", "ts", "persona", "rank")
    )


@base(
    name=_BASE,
    grain="platform_m",
    tables=("ranking_samples",),
    attributes=("platform_id",),
    under="platform_id",
)
def ranked_platforms(t: Tables) -> Lazy:
    """One row per platform and month: regression, matching and shares over its samples."""
    places = collect(t.view("ranked_places"))
    key = ["platform_id", "month"]
    organic = places.filter(~pl.col("ad"))
    fitted = [(*name, *_tests(part)) for name, part in organic.group_by(key, maintain_order=True)]
    numbers = ("own_coef", "own_p", "plain_coef", "matched_gap", "match_rate")
    counts = ("fitted", "own_items", "queries")
    schema = (
        {"platform_id": pl.String, "month": pl.Date}
        | dict.fromkeys(numbers, pl.Float64)
        | dict.fromkeys(counts, pl.Int64)
    )
    rows = pl.DataFrame(fitted, schema=schema, orient="row")
    ads = [
        (*name, found.value if (found := _own_slope(part, CONTROLS)[0]) else None, part.height)
        for name, part in places.filter(pl.col("ad")).group_by(key, maintain_order=True)
    ]
    paid = pl.DataFrame(
        ads,
        schema={"platform_id": pl.String, "month": pl.Date, "ad_coef": pl.Float64,
                "ad_places": pl.Int64},
        orient="row",
    )  # fmt: skip
    whole = places.select(key).unique()
    rows = whole.join(rows, on=key, how="left").join(paid, on=key, how="left")
    rows = rows.join(_shares(places, organic), on=key, how="left")
    return nw.from_native(rows.lazy()).with_columns(
        nw.col("platform_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
    )


def _shares(places: pl.DataFrame, organic: pl.DataFrame) -> pl.DataFrame:
    """Own shares of the pool, of the first 3 and 10 places, and of the default offer."""
    key = ["platform_id", "month"]
    own = pl.col("own")
    tops = organic.group_by(key).agg(
        own.mean().alias("pool"),
        pl.len().alias("places"),
        *(own.filter(pl.col("rank") <= k).mean().alias(f"top{k}") for k in (3, 10)),
        *((pl.col("rank") <= k).sum().alias(f"places{k}") for k in (3, 10)),
    )
    boxes = places.group_by(key).agg(
        own.filter(pl.col("box")).mean().alias("box_share"), pl.col("box").sum().alias("boxes")
    )
    return boxes.join(tops, on=key, how="left")


def _usable(places: pl.DataFrame, controls: tuple[str, ...]) -> tuple[pl.DataFrame, list[str]]:
    """Controls filed for nearly all places, and the places that have all of those."""
    kept = [c for c in controls if places[c].null_count() <= (1 - FILLED) * places.height]
    return places.drop_nulls(kept) if kept else places, kept


def _own_slope(places: pl.DataFrame, controls: tuple[str, ...]) -> tuple[Slope | None, int]:
    """Coefficient of own in ln(rank), query fixed effects; and the places used."""
    rows, kept = _usable(places, controls)
    if rows.height < 3:
        return None, rows.height
    query = rows["query"].rank("dense").to_numpy().astype(np.int64) - 1
    y = np.log(rows["rank"].to_numpy().astype(np.float64))
    x = rows.select(kept).to_numpy() if kept else np.empty((rows.height, 0))
    return slope(y, rows["own"].to_numpy(), x, query), rows.height


def _tests(places: pl.DataFrame) -> tuple[float | int | None, ...]:
    """Coefficient, p, coefficient without relevance, matched gap and rate; counts."""
    full, n = _own_slope(places, CONTROLS)
    plain, _ = _own_slope(places, CONTROLS[1:])
    gap, rate, owns = _matched(*_usable(places, CONTROLS))
    return (
        full.value if full else None,
        full.p if full else None,
        plain.value if plain else None,
        gap,
        rate,
        n,
        owns,
        places["query"].n_unique(),
    )


def _matched(rows: pl.DataFrame, kept: list[str]) -> tuple[float | None, float | None, int]:
    """Mean rank difference of own items and the nearest third-party item of their list."""
    owns = int(rows["own"].sum())
    if not owns or not kept:
        return None, None, owns
    x = rows.select(kept).to_numpy()
    spread = x.std(axis=0, ddof=1)
    scaled = x[:, spread > 0] / spread[spread > 0]
    rank, own = rows["rank"].to_numpy().astype(np.float64), rows["own"].to_numpy() > 0
    lists = rows.select(pl.struct("query", "ts", "persona").rank("dense")).to_series().to_numpy()
    edges = np.flatnonzero(np.r_[True, lists[1:] != lists[:-1], True])
    gaps: list[float] = []
    for start, stop in pairwise(edges.tolist()):
        gaps += _list_gaps(scaled[start:stop], rank[start:stop], own[start:stop])
    return (float(np.mean(gaps)) if gaps else None), len(gaps) / owns, owns


def _list_gaps(x: Numbers, rank: Numbers, own: NDArray[np.bool_]) -> list[float]:
    """Rank gaps of one list; equally near matches count by their mean rank."""
    if not own.any() or own.all():
        return []
    far = np.sqrt(((x[own][:, None, :] - x[~own][None, :, :]) ** 2).mean(axis=2))
    if not x.shape[1]:
        far = np.zeros((int(own.sum()), int((~own).sum())))
    nearest = far.min(axis=1)
    ties = far <= nearest[:, None] + 1e-12
    matched = (ties * rank[~own]).sum(axis=1) / ties.sum(axis=1)
    return [float(g) for g in (rank[own] - matched)[nearest <= CALIPER]]


def _no_slope(column: str) -> tuple[tuple[nw.Expr, Reason], ...]:
    few = nw.col("fitted").is_null() | (nw.col("fitted") < 3)
    return ((few, Reason.TOO_FEW), (nw.col(column).is_null(), Reason.CONSTANT))


@feature(
    name="sp_own_coef", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ln rank",
    direction="low", min_n=200, n="fitted", source=_SOURCE,
    title={"en": "effect of being the platform's own on rank", "zh": "自营身份对排名的影响"},
)  # fmt: skip
def sp_own_coef() -> Measure:
    """Coefficient of the own dummy in least squares of ln(rank); negative favours own items.

    Controls: relevance, price, rating, reviews and delivery time as far as filed for nine places
    in ten, and a fixed effect for each query. Paid places are left out. Null where being own does
    not vary beside the controls.
    """
    return measure(nw.col("own_coef"), *_no_slope("own_coef"))


@feature(
    name="sp_own_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=200, n="fitted", source="Liang and Zeger 1986; catalogue 3.D",
    title={"en": "chance of such an effect on rank", "zh": "自营影响的偶然概率"},
)  # fmt: skip
def sp_own_p() -> Measure:
    """Two-sided p of `sp_own_coef`, standard errors clustered by query; ten queries at least."""
    few = nw.col("queries").is_null() | (nw.col("queries") < 10)
    return measure(nw.col("own_p"), (few, Reason.TOO_FEW), *_no_slope("own_p"))


@feature(
    name="sp_own_coef_no_relevance", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="ln rank", direction="low", min_n=200, n="fitted", source="catalogue 3.D",
    title={"en": "effect on rank, relevance left out", "zh": "不计相关度的自营影响"},
)  # fmt: skip
def sp_own_coef_no_relevance() -> Measure:
    """`sp_own_coef` without the relevance score, which the platform may have bent itself."""
    return measure(nw.col("plain_coef"), *_no_slope("plain_coef"))


@feature(
    name="sp_ad_own_coef", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ln rank",
    direction="low", min_n=200, n="ad_places", source="catalogue 3.D",
    title={"en": "effect on rank among paid places", "zh": "广告位中的自营影响"},
)  # fmt: skip
def sp_ad_own_coef() -> Measure:
    """`sp_own_coef` over paid places alone."""
    few = nw.col("ad_places").is_null() | (nw.col("ad_places") < 3)
    return measure(
        nw.col("ad_coef"), (few, Reason.TOO_FEW), (nw.col("ad_coef").is_null(), Reason.CONSTANT)
    )


@feature(
    name="sp_matched_gap", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ranks",
    direction="low", min_n=30, n="own_items", source=_SOURCE,
    title={"en": "rank of own items against like items", "zh": "自营与同类商品的排名差"},
)  # fmt: skip
def sp_matched_gap() -> Measure:
    """Mean rank of own items less that of the nearest third-party item of the same list.

    Nearest by the controls in units of their standard deviation, at most a quarter away (root
    mean square); read `sp_match_rate` beside it. Negative favours own items.
    """
    return measure(
        nw.col("matched_gap"),
        (nw.col("own_items").is_null() | (nw.col("own_items") < 1), Reason.TOO_FEW),
        (nw.col("matched_gap").is_null(), Reason.NOT_APPLICABLE),
    )


@feature(
    name="sp_match_rate", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="none", n="own_items", source="catalogue 3.D",
    title={"en": "own items with a match", "zh": "自营商品匹配率"},
)  # fmt: skip
def sp_match_rate() -> Measure:
    """Share of own items for which `sp_matched_gap` found a like third-party item."""
    few = nw.col("own_items").is_null() | (nw.col("own_items") < 1)
    return measure(nw.col("match_rate"), (few, Reason.TOO_FEW))


@feature(
    name="sp_top_share_gap", typology=_TYPOLOGY, base=_BASE, inputs=_PLACES, unit="share",
    direction="high", min_n=30, n="places3", source=_SOURCE,
    title={"en": "own share of the first three places", "zh": "前三位自营占比超出"},
)  # fmt: skip
def sp_top_share_gap() -> Measure:
    """Own share of the first three unpaid places less own share of all sampled unpaid places."""
    few = nw.col("places3").is_null() | (nw.col("places3") < 1)
    return measure(nw.col("top3") - nw.col("pool"), (few, Reason.TOO_FEW))


@feature(
    name="sp_top10_share_gap", typology=_TYPOLOGY, base=_BASE, inputs=_PLACES, unit="share",
    direction="high", min_n=30, n="places10", source=_SOURCE,
    title={"en": "own share of the first ten places", "zh": "前十位自营占比超出"},
)  # fmt: skip
def sp_top10_share_gap() -> Measure:
    """Own share of the first ten unpaid places less own share of all sampled unpaid places."""
    few = nw.col("places10").is_null() | (nw.col("places10") < 1)
    return measure(nw.col("top10") - nw.col("pool"), (few, Reason.TOO_FEW))


@feature(
    name="sp_box_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("ranking_samples.in_box", "ranking_samples.is_own"), unit="0-1",
    direction="high", min_n=30, n="boxes", source="catalogue 3.D", peer_adjusted=True,
    title={"en": "own share of default offers", "zh": "默认推荐位自营占比"},
)  # fmt: skip
def sp_box_share() -> Measure:
    """Share of default offers or answers that are the platform's own."""
    return measure(nw.col("box_share"), (nw.col("boxes") < 1, Reason.TOO_FEW))
