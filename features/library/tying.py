"""Products that can only be bought together, and add-ons ticked beforehand (MON-TYING)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.months import worst_row
from features.operators import Lazy, month_end, month_start, with_code
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-TYING", "tied_pairs"
_INPUTS = ("transactions.order_id", "transactions.tx_id", "transactions.sku_id",
           "transactions.seller_id", "transactions.ts")  # fmt: skip
_SOURCE = "Jefferson Parish 466 US 2; SPC interpretation 2024 art. 40"
LEAST, TOGETHER = 100, 0.05
"""Orders in a denominator; share of A's orders from which a pair is looked at."""

SHOP = ("platform_id", "seller_id", "month")


def _lines(t: Tables) -> Lazy:
    """Rows of known shops and products with their order, and a short code for it."""
    rows = (
        t["transactions"]
        .filter(~nw.col("sku_id").is_null() & ~nw.col("seller_id").is_null())
        .select(
            nw.coalesce(nw.col("platform_id"), nw.lit("")).alias("platform_id"),
            "seller_id",
            month_start(nw.col("ts").cast(nw.Date)).alias("month"),
            nw.coalesce(nw.col("order_id"), nw.col("tx_id")).alias("order"),
            "sku_id",
            nw.col("addon_preselected").cast(nw.Int64).alias("ticked"),
        )
    )
    return with_code(rows, "order", "_code")


@view("repeated_orders")
def repeated_orders(t: Tables) -> Lazy:
    """Codes of orders with several rows: most orders are of one product and make no pair."""
    counts = _lines(t).group_by("_code").agg(nw.len().alias("_rows"))
    return counts.filter(nw.col("_rows") > 1).select("_code")


@view("ordered_items")
def ordered_items(t: Tables) -> Lazy:
    """Orders with several rows, one row per shop, month, order and product.

    `ticked`: 1 or 0 where it is known.
    """
    rows = _lines(t).join(t.view("repeated_orders"), on="_code", how="semi")
    return rows.group_by(*SHOP, "order", "sku_id").agg(nw.col("ticked").max())


@view("shop_products")
def shop_products(t: Tables) -> Lazy:
    """Orders by shop, month and product, in shops with an order of several rows.

    Columns: `orders`, and of these `alone` (orders of one row).
    """
    items = t.view("ordered_items")
    alone = (
        _lines(t)
        .join(t.view("repeated_orders"), on="_code", how="anti")
        .join(items.select(*SHOP).unique(), on=list(SHOP), how="semi")
        .select(*SHOP, "sku_id", nw.lit(1).alias("alone"))
    )
    both = nw.concat([alone, items.select(*SHOP, "sku_id", nw.lit(0).alias("alone"))])
    return both.group_by(*SHOP, "sku_id").agg(nw.len().alias("orders"), nw.col("alone").sum())


@base(
    name=_BASE,
    grain="product_pair_m",
    tables=("transactions",),
    attributes=("tie_platform", "tie_seller"),
    under="tie_platform",
    peers=("tie_platform",),
)
def tied_pairs(t: Tables) -> Lazy:
    """One row per ordered pair (main product / added product) of one seller and month.

    Only main products with 100 orders, and pairs bought together in 5 % of them or with a ticked
    box. The shop that sold most pairs stands for the month.
    """
    items = t.view("ordered_items")
    products = t.view("shop_products")
    counts = products.select(*SHOP, "sku_id", "orders")
    several = items.select(*SHOP, "order").unique().group_by(*SHOP).agg(nw.len().alias("several"))
    alone = products.group_by(*SHOP).agg(nw.col("alone").sum())
    shops = several.join(alone, on=list(SHOP), how="left").select(
        *SHOP, (nw.col("several") + nw.col("alone")).alias("all_orders")
    )
    big = counts.filter(nw.col("orders") >= LEAST).rename({"sku_id": "sku_a", "orders": "a_total"})
    mains = items.select(*SHOP, "order", nw.col("sku_id").alias("sku_a")).join(
        big, on=[*SHOP, "sku_a"], how="inner"
    )
    added = items.rename({"sku_id": "sku_b"})
    pairs = (
        mains.join(added, on=[*SHOP, "order"], how="inner")
        .filter(nw.col("sku_a") != nw.col("sku_b"))
        .group_by(*SHOP, "sku_a", "sku_b", "a_total")
        .agg(
            nw.len().alias("ab"),
            nw.col("ticked").count().alias("addons"),
            nw.col("ticked").sum().alias("ticked"),
        )
        .filter((nw.col("ab") >= TOGETHER * nw.col("a_total")) | (nw.col("ticked") > 0))
    )
    seconds = counts.rename({"sku_id": "sku_b", "orders": "b_total"})
    rows = pairs.join(seconds, on=[*SHOP, "sku_b"], how="left").join(
        shops, on=list(SHOP), how="left"
    )
    rows = rows.with_columns(
        (nw.col("all_orders") - nw.col("a_total")).alias("not_a"),
        (nw.col("b_total") - nw.col("ab")).alias("b_not_a"),
    )
    rows = _with_steps(t, _with_offers(t, rows))
    cell = ("sku_a", "sku_b", "month")
    rows = worst_row(rows, cell, nw.col("ab"), nw.col("platform_id"), nw.col("seller_id"))
    return rows.with_columns(
        nw.concat_str([nw.col("sku_a"), nw.lit("/"), nw.col("sku_b")]).alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
        nw.col("platform_id").alias("tie_platform"),
        nw.col("seller_id").alias("tie_seller"),
        nw.min_horizontal("a_total", "not_a").alias("smaller"),
    )


def _with_offers(t: Tables, rows: Lazy) -> Lazy:
    """Add days on which the shop's offers were seen, and on which either product was on its own."""
    if t.missing(("listing_prices",)) is not None:
        return rows.with_columns(nw.lit(0).alias("seen_days"), nw.lit(0).alias("own_days"))
    offers = t.view("posted_offers").select(*SHOP, "sku_id", "day").unique()
    seen = offers.select(*SHOP, "day").unique().group_by(*SHOP).agg(nw.len().alias("seen_days"))
    keys = [*SHOP, "sku_a", "sku_b"]
    sides = [
        rows.select(*keys).join(
            offers.rename({"sku_id": side}), on=[*SHOP, side], how="inner"
        ).select(*keys, "day")
        for side in ("sku_a", "sku_b")
    ]  # fmt: skip
    alone = nw.concat(sides).unique().group_by(*keys).agg(nw.len().alias("own_days"))
    return rows.join(seen, on=list(SHOP), how="left").join(alone, on=keys, how="left")


def _with_steps(t: Tables, rows: Lazy) -> Lazy:
    """Add the steps to decline the added product, as filed with a tying clause."""
    if t.missing(("contract_terms",)) is not None:
        return rows.with_columns(nw.lit(None, dtype=nw.Float64).alias("steps"))
    text = pl.col("parameters")
    clauses = (
        collect(t["contract_terms"].filter(nw.col("type") == "tying"))
        .with_columns(
            sku_b=text.str.json_path_match("$.tied_product"),
            steps=text.str.json_path_match("$.optout_steps").cast(pl.Float64, strict=False),
        )
        .drop_nulls(["product_id", "sku_b", "steps"])
        .select("from", "to", "sku_b", "steps", sku_a="product_id")
    )
    month = nw.col("month")
    keys = ["sku_a", "sku_b", "month"]
    begun = nw.col("from").is_null() | (nw.col("from") <= month_end(month))
    lasting = nw.col("to").is_null() | (nw.col("to") >= month)
    found = (
        rows.select(*keys)
        .unique()
        .join(t.lifted(clauses), on=["sku_a", "sku_b"], how="inner")
        .filter(begun & lasting)
        .group_by(*keys)
        .agg(nw.col("steps").max())
    )
    return rows.join(found, on=keys, how="left")


@feature(
    name="tie_attach_rate", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=100, n="a_total", source=_SOURCE,
    title={"en": "orders of A that hold B", "zh": "搭售附着率"},
)  # fmt: skip
def tie_attach_rate() -> Measure:
    """P(B|A): share of the shop's orders of A that also hold B."""
    return measure(nw.col("ab") / nw.col("a_total"))


@feature(
    name="tie_lift", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=100, n="smaller", source=_SOURCE,
    title={"en": "B with A against B without A", "zh": "搭售提升度"},
)  # fmt: skip
def tie_lift() -> Measure:
    """P(B|A) over P(B|not A) among the shop's orders; 100 orders with and without A.

    Null where B is never bought without A.
    """
    rate = nw.col("ab") / nw.col("a_total")
    return measure(
        rate / (nw.col("b_not_a") / nw.col("not_a")),
        (nw.col("smaller") < LEAST, Reason.TOO_FEW),
        (nw.col("b_not_a") < 1, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="tie_standalone_avail", typology=_TYPOLOGY, base=_BASE,
    inputs=("listing_prices.in_stock", "listing_prices.sku_id", "listing_prices.ts"), unit="0-1",
    direction="low", min_n=7, n="seen_days", source=_SOURCE,
    title={"en": "time either product is on offer alone", "zh": "单独销售可得时间占比"},
)  # fmt: skip
def tie_standalone_avail() -> Measure:
    """Share of days with offers of the shop on which A or B had an offer of its own in stock."""
    return measure(
        nw.col("own_days").fill_null(0) / nw.col("seen_days"),
        (nw.col("seen_days").fill_null(0) < 1, Reason.MISSING_INPUT),
    )


@feature(
    name="tie_default_on_rate", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "transactions.addon_preselected"), unit="0-1", direction="high",
    min_n=100, n="addons", source="E-Commerce Law art. 19",
    title={"en": "add-ons ticked beforehand", "zh": "默认勾选占比"},
)  # fmt: skip
def tie_default_on_rate() -> Measure:
    """Orders of A in which B was added by a box ticked beforehand, over orders with B as add-on.

    Orders that do not say how B came in are left out; 100 at least.
    """
    return measure(
        nw.col("ticked") / nw.col("addons"),
        (nw.col("addons") < 1, Reason.MISSING_INPUT),
        (nw.col("addons") < LEAST, Reason.TOO_FEW),
    )


@feature(
    name="tie_optout_steps", typology=_TYPOLOGY, base=_BASE,
    inputs=("contract_terms.parameters", "contract_terms.product_id"), unit="steps",
    direction="high", n="a_total", source="E-Commerce Law art. 19; DMA art. 5(8)",
    title={"en": "steps to decline the added product", "zh": "取消搭售所需步骤"},
)  # fmt: skip
def tie_optout_steps() -> Measure:
    """Steps to buy A without B, as filed with the tying clause.

    Read from `parameters` of the clause: `tied_product` and `optout_steps`.
    """
    return measure(nw.col("steps"))
