"""Bursts of doubtful reviews (TRX-REVIEW-BURST)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.count_tails import with_burst_p
from features.operators import Lazy
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-REVIEW-BURST", "item_days"
_CELL = ("item_id", "day")
_SOURCE = "Fei et al. 2013; Mukherjee et al. 2012; catalogue 4"
WINDOW, LEAST = 56, 7
"""Days of own past used, and the days (the launch week) before an item can be judged."""
TWIN_DAYS, TWIN_BITS = 30, 3
CIRCLE_DAYS, CIRCLE_LEAST = 90, 5
_BANDS = 4


@view("item_reviews")
def item_reviews(t: Tables) -> Lazy:
    """One row per review of a known item with its day; texts are known by their hash only."""
    return (
        t["reviews"]
        .filter(~nw.col("item_id").is_null() & ~nw.col("ts").is_null())
        .select(
            "review_id", "item_id", "seller_id", "platform_id", "reviewer_hash", "rating",
            "verified", "reviewer_total", "text_simhash", "suppressed",
            nw.col("ts").cast(nw.Date).alias("day"),
        )
    )  # fmt: skip


def _sum(condition: nw.Expr, name: str) -> nw.Expr:
    return condition.fill_null(value=False).cast(nw.Int64).alias(name)


def _counts(reviews: Lazy) -> Lazy:
    """Counts of each kind of review by item and day."""
    known = ~nw.col("reviewer_total").is_null() & ~nw.col("rating").is_null()
    rated = ~nw.col("rating").is_null()
    low = nw.col("rating") <= 2
    return (
        reviews.with_columns(
            _sum(known, "profiled"),
            _sum((nw.col("reviewer_total") <= 1) & (nw.col("rating") >= 5), "singletons"),
            _sum(~nw.col("verified").is_null(), "checked"),
            _sum(~nw.col("verified"), "unverified"),
            _sum(low & ~nw.col("suppressed").is_null(), "negatives"),
            _sum(low & nw.col("suppressed"), "hidden_negatives"),
            _sum(~low & ~nw.col("suppressed").is_null(), "others"),
            _sum(~low & nw.col("suppressed"), "hidden_others"),
            *(
                _sum(rated & (nw.col("rating") >= s - 0.5) & (nw.col("rating") < s + 0.5), f"s{s}")
                for s in range(1, 6)
            ),
        )
        .group_by(*_CELL)
        .agg(
            nw.len().alias("reviews"),
            nw.col("seller_id").min(),
            nw.col("platform_id").min(),
            *(
                nw.col(c).sum()
                for c in (
                    "profiled", "singletons", "checked", "unverified", "negatives",
                    "hidden_negatives", "others", "hidden_others",
                    *(f"s{s}" for s in range(1, 6)),
                )
            ),
        )
    )  # fmt: skip


def _own_past(days: pl.DataFrame) -> pl.DataFrame:
    """Add mean and variance of reviews a day over up to `WINDOW` days before; a silent day is 0."""
    rows = days.with_columns(pl.col("reviews").cast(pl.Int64)).sort(*_CELL)
    past = (
        rows.with_columns(_square=pl.col("reviews") ** 2)
        .rolling("day", period=f"{WINDOW}d", closed="left", group_by="item_id")
        .agg(_sum=pl.col("reviews").sum(), _squares=pl.col("_square").sum())
    )
    since = (pl.col("day") - pl.col("day").min().over("item_id")).dt.total_days()
    length = pl.min_horizontal(since, pl.lit(WINDOW))
    return (
        rows.join(past, on=list(_CELL), how="left")
        .with_columns(past_days=length)
        .with_columns(usual=pl.when(length >= LEAST).then(pl.col("_sum") / length))
        .with_columns(
            spread=(pl.col("_squares") - pl.col("past_days") * pl.col("usual") ** 2)
            / (pl.col("past_days") - 1)
        )
    )


def _twins(reviews: pl.DataFrame) -> pl.DataFrame:
    """Per item and day: reviews with a text hash, and those with a near twin not later than it.

    Two 64-bit hashes that differ in at most three bits agree in one of four 16-bit bands.
    """
    hashed = (
        reviews.filter(pl.col("text_simhash").is_not_null())
        .select(*_CELL, _hash=pl.col("text_simhash").str.strip_prefix("0x"))
        .with_columns(pl.col("_hash").str.to_integer(base=16, dtype=pl.UInt64, strict=False))
        .filter(pl.col("_hash").is_not_null())
        .group_by(*_CELL, "_hash")
        .agg(_same=pl.len())
    )
    bands = [
        hashed.with_columns(_band=pl.lit(k), _part=(pl.col("_hash") // 2 ** (16 * k)) % 65_536)
        for k in range(_BANDS)
    ]
    banded = pl.concat(bands).drop("_same")
    earlier = banded.rename({"day": "_day", "_hash": "_other"})
    recent = pl.col("_day").is_between(pl.col("day") - pl.duration(days=TWIN_DAYS), pl.col("day"))
    apart = (pl.col("_hash") != pl.col("_other")) | (pl.col("_day") != pl.col("day"))
    near = pl.col("_hash").xor(pl.col("_other")).bitwise_count_ones() <= TWIN_BITS
    twins = (
        banded.join(earlier, on=["item_id", "_band", "_part"], how="inner")
        .filter(recent & apart & near)
        .select(*_CELL, "_hash")
        .unique()
        .with_columns(_twin=True)
    )
    dup = (pl.col("_same") > 1) | pl.col("_twin").is_not_null()
    return (
        hashed.join(twins, on=[*_CELL, "_hash"], how="left")
        .group_by(*_CELL)
        .agg(
            pl.col("_same").sum().cast(pl.Int64).alias("texts"),
            pl.when(dup).then(pl.col("_same")).otherwise(0).sum().cast(pl.Int64).alias("copied"),
        )
    )


def _circles(reviews: Lazy) -> Lazy:
    """Density of the graph between a day's reviewers and the other items two of them reviewed.

    Looked at over 90 days up to the day: edges over (reviewers x items); none shared is 0.
    """
    acts = (
        reviews.filter(~nw.col("reviewer_hash").is_null())
        .select("item_id", "day", "reviewer_hash")
        .unique()
    )
    people = acts.group_by(*_CELL).agg(nw.len().alias("people"))
    enough = people.filter(nw.col("people") >= CIRCLE_LEAST)
    other = acts.select(
        "reviewer_hash", nw.col("item_id").alias("_item"), nw.col("day").alias("_on")
    )
    first = nw.col("day").dt.offset_by(f"-{CIRCLE_DAYS}d").cast(nw.Date)
    edges = (
        acts.join(enough, on=list(_CELL), how="semi")
        .join(other, on="reviewer_hash", how="inner")
        .filter(nw.col("_item") != nw.col("item_id"))
        .filter((nw.col("_on") <= nw.col("day")) & (nw.col("_on") >= first))
        .select(*_CELL, "_item", "reviewer_hash")
        .unique()
    )
    shared = edges.group_by(*_CELL, "_item").agg(nw.len().alias("_common"))
    shared = shared.filter(nw.col("_common") >= 2)
    sums = shared.group_by(*_CELL).agg(
        nw.len().alias("circle_items"), nw.col("_common").sum().alias("circle_edges")
    )
    return people.join(sums, on=list(_CELL), how="left")


@base(
    name=_BASE,
    grain="item_d",
    tables=("reviews",),
    attributes=("seller_id", "platform_id", "reviews"),
    peers=("platform_id", "size_decile"),
    size="reviews",
)
def item_days(t: Tables) -> Lazy:
    """One row per item and day with reviews."""
    reviews = t.view("item_reviews")
    days = collect(_counts(reviews).join(_circles(reviews), on=list(_CELL), how="left"))
    days = days.join(_twins(collect(reviews)), on=list(_CELL), how="left")
    judged = with_burst_p(_own_past(days), "reviews", "usual", "spread", "burst_p")
    return nw.from_native(judged.lazy()).with_columns(
        nw.col("item_id").alias("subject_key"),
        nw.col("day").alias("period_start"),
        nw.col("day").alias("period_end"),
        nw.sum_horizontal(*(f"s{s}" for s in range(1, 6))).alias("rated"),
    )


@feature(
    name="rev_burst_p", typology=_TYPOLOGY, base=_BASE, inputs=("reviews.item_id", "reviews.ts"),
    unit="probability", direction="low", min_n=7, n="past_days", source=_SOURCE,
    title={"en": "chance of that many reviews", "zh": "评价激增的概率"},
)  # fmt: skip
def rev_burst_p() -> Measure:
    """Chance of at least as many reviews as that day, by the item's own days before.

    Poisson upper tail with the mean of up to 56 days before, silent days included; negative
    binomial where their variance is above 1.5 times the mean. The first week is not judged.
    """
    return measure(
        nw.col("burst_p"),
        (nw.col("past_days") < LEAST, Reason.TOO_FEW),
        (nw.col("usual") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="rev_singleton_5star_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("reviews.reviewer_total", "reviews.rating"), unit="0-1", direction="high", min_n=5,
    n="profiled", source=_SOURCE,
    title={"en": "five stars from one-time reviewers", "zh": "一次性账号五星评价占比"},
)  # fmt: skip
def rev_singleton_5star_share() -> Measure:
    """Five-star reviews by persons who wrote no other, over the day's reviews."""
    n = nw.col("profiled")
    return measure(nw.col("singletons") / n, (n < 1, Reason.MISSING_INPUT))


@feature(
    name="rev_text_dup", typology=_TYPOLOGY, base=_BASE, inputs=("reviews.text_simhash",),
    unit="0-1", direction="high", min_n=5, n="texts", source=_SOURCE,
    title={"en": "reviews that repeat a text", "zh": "评价文本雷同占比"},
)  # fmt: skip
def rev_text_dup() -> Measure:
    """Share of the day's texts whose hash is within three bits of another of the last 30 days."""
    return measure(
        nw.col("copied") / nw.col("texts"), (nw.col("texts").is_null(), Reason.MISSING_INPUT)
    )


@feature(
    name="rev_rating_entropy", typology=_TYPOLOGY, base=_BASE, inputs=("reviews.rating",),
    unit="bit", direction="low", min_n=5, n="rated", source=_SOURCE, peer_adjusted=True,
    title={"en": "variety of ratings", "zh": "评分熵"},
)  # fmt: skip
def rev_rating_entropy() -> Measure:
    """Shannon entropy of the day's ratings over five stars; 0 when all are alike."""
    total: nw.Expr = nw.lit(0.0)
    for s in range(1, 6):
        p = nw.col(f"s{s}") / nw.col("rated")
        total = total - nw.when(nw.col(f"s{s}") > 0).then(p * p.log(2)).otherwise(nw.lit(0.0))
    return measure(
        total, (nw.col("rated") < 1, Reason.MISSING_INPUT), (nw.col("rated") < 2, Reason.TOO_FEW)
    )


@feature(
    name="rev_reviewer_bipartite_density", typology=_TYPOLOGY, base=_BASE,
    inputs=("reviews.reviewer_hash", "reviews.item_id"), unit="0-1", direction="high", min_n=5,
    n="people", source=_SOURCE,
    title={"en": "reviewers who review the same things", "zh": "评价者共评密度"},
)  # fmt: skip
def rev_reviewer_bipartite_density() -> Measure:
    """How far the day's reviewers had reviewed the same other items in 90 days.

    Edges over reviewers times items, over items that at least two of them reviewed; 0 when there
    is none. Five reviewers are needed.
    """
    cells = nw.col("people") * nw.col("circle_items")
    density = (
        nw.when(nw.col("circle_items").is_null())
        .then(nw.lit(0.0))
        .otherwise(nw.col("circle_edges") / cells)
    )
    return measure(
        density,
        (nw.col("people").is_null(), Reason.MISSING_INPUT),
        (nw.col("people") < CIRCLE_LEAST, Reason.TOO_FEW),
    )


@feature(
    name="rev_unverified_share", typology=_TYPOLOGY, base=_BASE, inputs=("reviews.verified",),
    unit="0-1", direction="high", min_n=5, n="checked", source=_SOURCE, peer_adjusted=True,
    title={"en": "reviews without a known purchase", "zh": "未验证购买评价占比"},
)  # fmt: skip
def rev_unverified_share() -> Measure:
    """Reviews not tied to a purchase, over reviews of which that is known."""
    n = nw.col("checked")
    return measure(nw.col("unverified") / n, (n < 1, Reason.MISSING_INPUT))


@feature(
    name="rev_negative_suppressed", typology=_TYPOLOGY, base=_BASE,
    inputs=("reviews.rating", "reviews.suppressed"), unit="difference of shares",
    direction="high", min_n=5, n="negatives", source="catalogue 4; E-Commerce Law art. 39",
    title={"en": "bad reviews hidden more often", "zh": "差评被隐藏程度"},
)  # fmt: skip
def rev_negative_suppressed() -> Measure:
    """Hidden share of reviews with at most two stars, less the hidden share of all others."""
    bad, good = nw.col("negatives"), nw.col("others")
    return measure(
        nw.col("hidden_negatives") / bad - nw.col("hidden_others") / good,
        ((bad < 1) & (good < 1), Reason.MISSING_INPUT),
        ((bad < 1) | (good < 1), Reason.TOO_FEW),
    )
