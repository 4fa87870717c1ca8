"""Own brands that follow merchants' best sellers (MON-DATA-USE)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.costs import monthly_offers
from features.library.rates import risk_ratio, risk_ratio_low
from features.operators import Lazy, day_number, month_start, year_end, year_start
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-DATA-USE", "copied_hits"
_INPUTS = ("products.hit_on", "products.launched_on", "products.copies_sku_id",
           "products.is_own", "products.category")  # fmt: skip
_MATCHED = (*_INPUTS, "products.control_for_sku_id")
_SOURCE = "DMA art. 6(2); Zhu and Liu 2018"
FOLLOW = 180
"""Days after a hit in which an own-brand launch counts as following it."""


@base(name=_BASE, grain="category_y", tables=("products",), attributes=("category",))
def copied_hits(t: Tables) -> Lazy:
    """One row per category and year in which the time to follow a hit ran out.

    A hit is a third party's product with a day it became a best seller; its controls are the
    products filed as matched to it. Hits whose time is not over are not counted yet.
    """
    products = t["products"]
    third = ~nw.col("is_own").fill_null(value=False)
    kind = nw.coalesce(nw.col("category"), nw.lit("uncategorised")).alias("category")
    over = nw.col("hit_on").dt.offset_by(f"{FOLLOW}d").cast(nw.Date)
    hits = (
        products.filter(third & ~nw.col("hit_on").is_null())
        .select(kind, "sku_id", "hit_on", over.alias("over"))
        .filter(nw.col("over") <= nw.lit(t.context.as_of))
    )
    matched = products.filter(third & nw.col("hit_on").is_null()).select(
        nw.col("sku_id").alias("control"), nw.col("control_for_sku_id").alias("sku_id")
    )
    controls = hits.join(matched, on="sku_id", how="inner").select(
        "category", nw.col("control").alias("sku_id"), "hit_on", "over"
    )
    found = [_followed(t, hits, "hits", "copied"), _followed(t, controls, "controls", "copied_c")]
    cell = ["category", "period_start"]
    rows = found[0].join(found[1].select(*cell, "controls", "copied_c"), on=cell, how="left")
    return rows.with_columns(
        nw.col("category").alias("subject_key"),
        year_end(nw.col("period_start")).alias("period_end"),
    )


def _followed(t: Tables, rows: Lazy, counted: str, copied: str) -> Lazy:
    """Per category and year: products, how many an own brand followed, and how closely."""
    own = t["products"].filter(nw.col("is_own").fill_null(value=False)).select(
        nw.col("copies_sku_id").alias("sku_id"), nw.col("sku_id").alias("copy"),
        nw.col("launched_on"), nw.col("copy_similarity").alias("similarity"),
    )  # fmt: skip
    lead = day_number(nw.col("launched_on")) - day_number(nw.col("hit_on"))
    copies = (
        rows.join(own, on="sku_id", how="inner")
        .with_columns(lead.alias("lead"))
        .filter((nw.col("lead") >= 0) & (nw.col("lead") <= FOLLOW))
    )
    first = copies.filter(nw.col("lead") == nw.col("lead").min().over("sku_id"))
    first = first.filter(nw.col("copy") == nw.col("copy").min().over("sku_id"))
    first = _with_prices(t, first).select("sku_id", "lead", "similarity", "undercut")
    year = year_start(nw.col("over")).alias("period_start")
    return (
        rows.join(first, on="sku_id", how="left")
        .with_columns(year)
        .group_by("category", "period_start")
        .agg(
            nw.len().alias(counted),
            nw.col("lead").count().alias(copied),
            nw.col("lead").median().alias("lead"),
            nw.col("similarity").median().alias("similarity"),
            nw.col("undercut").median().alias("undercut"),
            nw.col("undercut").count().alias("priced"),
        )
    )


def _with_prices(t: Tables, copies: Lazy) -> Lazy:
    """Add how far the copy's first month is cheaper than the original in that month."""
    if t.missing(("listing_prices",)) is not None:
        return copies.with_columns(nw.lit(None, dtype=nw.Float64).alias("undercut"))
    prices = (
        monthly_offers(t)
        .group_by("sku_id", "month", "currency")
        .agg(nw.col("price").min())
    )  # fmt: skip
    month = month_start(nw.col("launched_on")).alias("month")
    theirs = prices.rename({"sku_id": "copy", "price": "copy_price"})
    pairs = (
        copies.select("sku_id", "copy", month)
        .join(prices, on=["sku_id", "month"], how="inner")
        .join(theirs, on=["copy", "month", "currency"], how="inner")
        .with_columns((1 - nw.col("copy_price") / nw.col("price")).alias("undercut"))
        .group_by("sku_id")
        .agg(nw.col("undercut").max())
    )
    return copies.join(pairs, on="sku_id", how="left")


def _uncopied() -> tuple[nw.Expr, Reason]:
    return nw.col("copied") < 1, Reason.TOO_FEW


@feature(
    name="copy_lead_days", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="days",
    direction="low", min_n=50, n="hits", source=_SOURCE, uses_as_of=True,
    title={"en": "from a hit to the own brand's launch", "zh": "热销至自营上新天数"},
)  # fmt: skip
def copy_lead_days() -> Measure:
    """Median days from a third party's hit to the first own-brand launch that resembles it.

    Launches within 180 days of the hit.
    """
    return measure(nw.col("lead"), _uncopied())


_RATE = ("copied", "hits", "copied_c", "controls")


def _unmatched() -> tuple[nw.Expr, Reason]:
    return nw.col("controls").fill_null(0) < 1, Reason.MISSING_INPUT


@feature(
    name="copy_rate_rr", typology=_TYPOLOGY, base=_BASE, inputs=_MATCHED, unit="ratio",
    direction="high", min_n=50, n="hits", source=_SOURCE, uses_as_of=True,
    title={"en": "hits copied against products like them", "zh": "热销品被仿制率比"},
)  # fmt: skip
def copy_rate_rr() -> Measure:
    """Share of hits followed by an own-brand copy over that of their matched controls.

    One half is added to every cell where one is empty.
    """
    return measure(risk_ratio(*_RATE), _unmatched())


@feature(
    name="copy_rate_rr_low", typology=_TYPOLOGY, base=_BASE, inputs=_MATCHED, unit="ratio",
    direction="high", min_n=50, n="hits", source="Katz et al. 1978", uses_as_of=True,
    title={"en": "lower bound of hits copied", "zh": "热销品被仿制率比下限"},
)  # fmt: skip
def copy_rate_rr_low() -> Measure:
    """Lower end of the 95 % interval of `copy_rate_rr`."""
    return measure(risk_ratio_low(*_RATE), _unmatched())


@feature(
    name="copy_similarity", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "products.copy_similarity"), unit="0-1", direction="high", min_n=50,
    n="hits", source="catalogue 3.D", uses_as_of=True,
    title={"en": "likeness of copies", "zh": "仿制品相似度"},
)  # fmt: skip
def copy_similarity() -> Measure:
    """Median of the filed similarity of the copies to the hits they follow."""
    return measure(nw.col("similarity"), _uncopied())


@feature(
    name="copy_undercut", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "listing_prices.net_price"), unit="ratio", direction="high", min_n=50,
    n="priced", source="catalogue 3.D", uses_as_of=True,
    title={"en": "copies cheaper than the hit", "zh": "仿制品低价幅度"},
)  # fmt: skip
def copy_undercut() -> Measure:
    """Median of 1 - copy's price / hit's price in the month of the copy's launch, lowest offers."""
    return measure(nw.col("undercut"), _uncopied())
