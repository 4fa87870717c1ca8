"""Different prices to equal trading partners (MON-B2B-DISCRIM)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.groups import with_group
from features.library.months import worst_row
from features.library.regressions import largest_outlying_residual
from features.operators import Lazy, civil_day, days_between, quarter_end, quarter_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-B2B-DISCRIM", "partner_prices"
_INPUTS = ("invoices.unit_price", "invoices.discount", "invoices.qty", "invoices.seller_id",
           "invoices.buyer_id", "invoices.item_code", "invoices.issued",
           "invoices.volume_band", "firms.group_id")  # fmt: skip
_SOURCE = "Robinson-Patman 2(a); AML art. 22(1)(6)"
OFFER = ("item_code", "seller_id", "currency", "period_start")


def buyer_prices(t: Tables) -> Lazy:
    """One row per item, seller, currency, quarter and buyer; buyers of one group are one.

    Columns: `net` (mean price weighted by quantity, functional discounts added back), `units`,
    `band` (as filed, else the decade of the quarter's units), `region`, `terms` (days to pay),
    `affiliate` (buyer and seller belong to one economic group; affiliates stay apart).
    """
    blank, units = nw.lit(""), nw.col("qty").fill_null(1.0)
    price = nw.col("unit_price") + nw.col("discount").fill_null(0.0)
    days = days_between(nw.col("issued"), nw.col("due")).cast(nw.Float64)
    day = civil_day("issued", "delivered", "recorded_at", fallback=t.context.as_of)
    named = ("item_code", "seller_id", "buyer_id", "unit_price")
    lines = t["invoices"].filter(*(~nw.col(c).is_null() for c in named)).select(
        "item_code", "seller_id", "buyer_id",
        *(nw.coalesce(nw.col(c), blank).alias(c) for c in ("currency", "region", "volume_band")),
        quarter_start(day).alias("period_start"),
        units.alias("units"), (price * units).alias("paid"), price.alias("price"),
        nw.coalesce(nw.col("terms_days").cast(nw.Float64), days).alias("terms"),
    )  # fmt: skip
    lines = with_group(t, with_group(t, lines, "seller_id", "_seller"), "buyer_id", "_buyer")
    inside = nw.col("_seller") == nw.col("_buyer")
    buyer = nw.when(inside).then(nw.col("buyer_id")).otherwise(nw.col("_buyer"))
    lines = lines.with_columns(inside.alias("affiliate"), buyer.alias("buyer_id"))
    order = (*OFFER, "buyer_id", "price", "units")
    rows = (
        lines.sort(*order)
        .group_by(*OFFER, "buyer_id", "affiliate")
        .agg(
            nw.col("paid").sum(),
            nw.col("units").sum(),
            nw.col("price").min().alias("_low"),
            nw.col("price").max().alias("_top"),
            nw.col("region").max(),
            nw.col("volume_band").max().alias("band"),
            nw.col("terms").mean(),
        )
    )
    even = nw.col("_low") == nw.col("_top")
    net = nw.when(even).then(nw.col("_low")).otherwise(nw.col("paid") / nw.col("units"))
    decade = nw.col("units").log(10).floor().cast(nw.Int64).cast(nw.String)
    band = nw.when(nw.col("band") == "").then(decade).otherwise(nw.col("band"))
    return rows.with_columns(net.alias("net"), band.alias("band")).filter(nw.col("net") > 0)


@base(
    name=_BASE,
    grain="product_q",
    tables=("invoices",),
    attributes=("b2b_seller", "b2b_currency", "b2b_band"),
    peers=("b2b_currency", "b2b_band"),
)
def partner_prices(t: Tables) -> Lazy:
    """One row per item and quarter: the seller and volume band with the widest price gap."""
    buyers = buyer_prices(t)
    net = nw.col("net")
    bands = (
        buyers.filter(~nw.col("affiliate"))
        .group_by(*OFFER, "band")
        .agg(nw.len().alias("buyers"), net.max().alias("dearest"), net.min().alias("cheapest"))
    )
    gap = nw.when(nw.col("buyers") > 1).then(nw.col("dearest") / nw.col("cheapest") - 1)
    cell = ("item_code", "period_start")
    names = [nw.col(c) for c in ("seller_id", "currency", "band")]
    rows = worst_row(bands.with_columns(gap.alias("gap")), cell, nw.col("gap"), nw.col("buyers"),
                     *names)  # fmt: skip
    others = nw.when(~nw.col("affiliate")).then(net)
    related = nw.when(nw.col("affiliate")).then(net)
    sides = (
        buyers.with_columns(others.alias("_others"), related.alias("_related"))
        .group_by(*OFFER)
        .agg(
            nw.col("_others").median().alias("others"),
            nw.col("_related").median().alias("related"),
            nw.col("_related").count().alias("n_related"),
            nw.len().alias("all_buyers"),
        )
    )
    residuals = t.lifted(_residuals(collect(buyers)))
    rows = rows.join(sides, on=list(OFFER), how="left").join(residuals, on=list(OFFER), how="left")
    rows = _with_rivals(t, rows, buyers.filter(~nw.col("affiliate")))
    return rows.with_columns(
        nw.col("item_code").alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
        nw.col("seller_id").alias("b2b_seller"),
        nw.col("currency").alias("b2b_currency"),
        nw.col("band").alias("b2b_band"),
    )


def _with_rivals(t: Tables, rows: Lazy, buyers: Lazy) -> Lazy:
    """Add `placed` and `rivals`: buyers of the band with a filed position in some market in the
    year or the year before, and those of them in one market with another such buyer."""
    if t.missing(("market_positions",)) is not None:
        nothing = (nw.lit(0, dtype=nw.Int64).alias(c) for c in ("placed", "rivals"))
        return rows.with_columns(*nothing)
    filed = t["market_positions"].select(
        "firm_id", "market_id", nw.col("period").str.slice(0, 4).cast(nw.Int64).alias("_year")
    )
    held = with_group(t, filed, "firm_id", "_holder").select("_holder", "market_id", "_year")
    band = (*OFFER, "band")
    now = nw.col("period_start").dt.year().cast(nw.Int64)
    met = (
        buyers.select(*band, "buyer_id")
        .join(held.unique(), left_on="buyer_id", right_on="_holder", how="inner")
        .filter((nw.col("_year") == now) | (nw.col("_year") == now - 1))
        .select(*band, "buyer_id", "market_id")
        .unique()
    )
    together = nw.len().over(*band, "market_id") > 1
    counts = met.with_columns(nw.when(together).then(nw.col("buyer_id")).alias("_rival"))
    counts = counts.group_by(*band, "buyer_id").agg(nw.col("_rival").max())
    counts = counts.group_by(*band).agg(
        nw.len().cast(nw.Int64).alias("placed"),
        nw.col("_rival").count().cast(nw.Int64).alias("rivals"),
    )
    return rows.join(counts, on=list(band), how="left").with_columns(
        nw.col("placed").fill_null(0), nw.col("rivals").fill_null(0)
    )


def _residuals(buyers: pl.DataFrame) -> pl.DataFrame:
    """Largest studentised residual of ln price on volume, region and terms, per offer."""
    found = []
    rows = buyers.filter(~pl.col("affiliate")).sort(*OFFER, "buyer_id")
    for key, part in rows.group_by(list(OFFER), maintain_order=True):
        columns = [np.log(part["units"].to_numpy())]
        if part["terms"].null_count() == 0:
            columns.append(part["terms"].to_numpy().astype(np.float64))
        words = part.select("region").to_dummies().to_numpy().astype(np.float64)
        controls = np.column_stack([*columns, words])
        outlying = largest_outlying_residual(np.log(part["net"].to_numpy()), controls)
        found.append((*key, outlying, part.height))
    schema = {c: buyers.schema[c] for c in OFFER} | {"outlying": pl.Float64, "fitted": pl.Int64}
    return pl.DataFrame(found, schema=schema, orient="row")


@feature(
    name="b2b_price_gap", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=4, n="buyers", source=_SOURCE,
    title={"en": "price gap between equal buyers", "zh": "同等采购方价差"},
)  # fmt: skip
def b2b_price_gap() -> Measure:
    """Highest over lowest net price less 1, among a seller's buyers in one volume band.

    Prices are means of the quarter weighted by quantity, functional discounts added back.
    Affiliates of the seller are left out. Computed from two buyers on; weak below four.
    """
    return measure(nw.col("gap"), (nw.col("buyers") < 2, Reason.TOO_FEW))


@feature(
    name="b2b_rank_resid", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "invoices.region", "invoices.terms_days", "invoices.due"), unit="z",
    direction="high", min_n=8, n="fitted", source="catalogue 3.D",
    title={"en": "price not explained by volume, region or terms", "zh": "无法解释的价格残差"},
)  # fmt: skip
def b2b_rank_resid() -> Measure:
    """Largest absolute studentised residual of ln price on ln volume, days to pay and region.

    Least squares over the seller's buyers of the quarter, each residual scaled without its own
    buyer; at least three degrees of freedom.
    """
    return measure(nw.col("outlying"), (nw.col("outlying").is_null(), Reason.TOO_FEW))


@feature(
    name="affiliate_gap", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="ratio", direction="high", min_n=4, n="all_buyers", source="catalogue 3.D",
    title={"en": "others pay more than affiliates", "zh": "非关联方价格高出比例"},
)  # fmt: skip
def affiliate_gap() -> Measure:
    """Median net price of unrelated buyers over that of the seller's own group, less 1."""
    return measure(
        nw.col("others") / nw.col("related") - 1,
        (nw.col("n_related").fill_null(0) < 1, Reason.NOT_APPLICABLE),
    )


@feature(
    name="b2b_rivals", typology=_TYPOLOGY, base=_BASE,
    inputs=("invoices.buyer_id", "market_positions.firm_id", "market_positions.market_id",
            "firms.group_id"),
    unit="buyers", direction="none", min_n=2, n="placed", source="MEO C-525/16; catalogue 3.D",
    title={"en": "buyers that compete with one another", "zh": "相互竞争的采购方数"},
)  # fmt: skip
def b2b_rivals() -> Measure:
    """Buyers of the band with a filed position in a market in which another of them has one too.

    Positions of the year of the quarter and of the year before count; with fewer than two buyers
    whose positions are filed nothing is known.
    """
    return measure(nw.col("rivals"), (nw.col("placed") < 2, Reason.MISSING_INPUT))
