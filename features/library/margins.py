"""Prices far above benchmarks, and margins too thin for a rival (MON-EXCESSIVE, MON-SQUEEZE)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.costs import SERIES, monthly_offers, with_costs
from features.library.months import filed_month, month_number, run_length, worst_row
from features.operators import Lazy, month_end
from features.parameters.screens import screen_limit
from features.tables import Tables
from features.vocabulary import Reason

_EXCESSIVE, _SQUEEZE = "MON-EXCESSIVE", "MON-SQUEEZE"
_PRICES = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.shipping")
_EXC_INPUTS = (*_PRICES, "costs.unit_cost", "costs.atc", "costs.avc")
_SQZ_INPUTS = (
    *_PRICES,
    "costs.retail_price",
    "costs.wholesale_price",
    "costs.downstream_cost",
    "costs.lraic",
)
_UNITED = "United Brands 27/76; SPC interpretation 2024 art. 36"
_TELIA = "TeliaSonera C-52/09; SPC interpretation 2024 art. 41"
LEAST, FAR = 3, screen_limit("exc_months")
"""Benchmarks for a ratio; the ratio that counts towards `exc_months`."""


def _unit_cost() -> nw.Expr:
    return nw.coalesce(nw.col("unit_cost"), nw.col("atc"), nw.col("avc"))


@base(
    name="excess_prices",
    grain="product_m",
    tables=("listing_prices",),
    attributes=("exc_seller", "exc_platform", "exc_currency", "exc_price"),
)
def excess_prices(t: Tables) -> Lazy:
    """One row per product and month: the dearest offer, of a firm that filed costs if any did.

    Benchmarks are the comparable prices filed for the product and month (`price_benchmarks`);
    where none are, its other offers of that month: other firms, platforms and channels, not
    adjusted for purchasing power or quality. Always in the currency of the price.
    """
    offers = monthly_offers(t)
    nothing = nw.lit(None, dtype=nw.Float64)
    rows = offers.with_columns(nothing.alias("cost"), nothing.alias("competitive_return"))
    if t.missing(("costs",)) is None:
        rows = with_costs(t, offers, "month").with_columns(_unit_cost().alias("cost"))
    rows = rows.select(*SERIES, "month", "price", "offers", "cost", "competitive_return")
    judged = worst_row(
        rows,
        ("sku_id", "month"),
        (~nw.col("cost").is_null()).cast(nw.Int64),
        nw.col("price"),
        *(nw.col(c) for c in SERIES[1:]),
    )
    judged = judged.join(_benchmarks(t, judged, rows), on=["sku_id", "month"], how="left")
    judged = _growth(judged, rows).with_columns(
        (nw.col("price") / nw.col("middle")).alias("ratio"),
        month_number(nw.col("month")).alias("number"),
    )
    far = nw.when(nw.col("benchmarks") >= LEAST).then(nw.col("ratio") >= FAR)
    judged = run_length(judged, SERIES, "number", far, "months_far")
    return judged.with_columns(
        nw.col("sku_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
        nw.col("seller_id").alias("exc_seller"),
        nw.col("platform_id").alias("exc_platform"),
        nw.col("currency").alias("exc_currency"),
        nw.col("price").alias("exc_price"),
    )


def _benchmarks(t: Tables, judged: Lazy, rows: Lazy) -> Lazy:
    """Count, median and extremes of the benchmark prices, and the usual margin of other firms."""
    on = ["sku_id", "month", "currency"]
    mine = judged.select(*on, *(nw.col(c).alias(f"my_{c}") for c in SERIES[1:4]))
    own = (
        (nw.col("seller_id") == nw.col("my_seller_id"))
        & (nw.col("platform_id") == nw.col("my_platform_id"))
        & (nw.col("channel") == nw.col("my_channel"))
    )
    margin = (nw.col("price") - nw.col("cost")) / nw.col("price")
    others = mine.join(rows, on=on, how="inner").filter(~own)
    margins = (
        others.filter(nw.col("seller_id") != nw.col("my_seller_id"))
        .with_columns(margin.alias("_margin"))
        .group_by("sku_id", "month")
        .agg(
            nw.col("_margin").count().alias("margins"),
            nw.col("_margin").median().alias("usual_margin"),
        )
    )
    prices = others.select("sku_id", "month", nw.col("price").alias("compared"))
    if t.missing(("price_benchmarks",)) is None:
        filed = _filed(t, mine)
        covered = filed.select("sku_id", "month").unique()
        prices = nw.concat([filed, prices.join(covered, on=["sku_id", "month"], how="anti")])
    compared = nw.col("compared")
    summed = prices.group_by("sku_id", "month").agg(
        nw.len().alias("benchmarks"),
        compared.median().alias("middle"),
        compared.min().alias("cheapest"),
        compared.max().alias("dearest"),
    )
    return summed.join(margins, on=["sku_id", "month"], how="full", suffix="_m").with_columns(
        nw.coalesce(nw.col("sku_id"), nw.col("sku_id_m")).alias("sku_id"),
        nw.coalesce(nw.col("month"), nw.col("month_m")).alias("month"),
    )


def _filed(t: Tables, mine: Lazy) -> Lazy:
    """Comparable prices filed for judged products: `sku_id`, `month`, `compared`."""
    filed = t["price_benchmarks"].select(
        nw.col("product_id").alias("sku_id"),
        filed_month("month").alias("month"),
        nw.col("currency").alias("filed_currency"),
        nw.col("price").alias("compared"),
    )
    currency = nw.col("filed_currency")
    fits = currency.is_null() | (nw.col("currency") == "") | (currency == nw.col("currency"))
    return (
        mine.join(filed, on=["sku_id", "month"], how="inner")
        .filter(fits & ~nw.col("compared").is_null())
        .select("sku_id", "month", "compared")
    )


def _growth(judged: Lazy, rows: Lazy) -> Lazy:
    """Add price and cost of the same offer twelve months earlier."""
    later = nw.col("month").dt.offset_by("12mo").cast(nw.Date).alias("month")
    past = rows.select(
        *SERIES, later, nw.col("price").alias("past_price"), nw.col("cost").alias("past_cost")
    )
    return judged.join(past, on=[*SERIES, "month"], how="left")


def _too_few() -> tuple[nw.Expr, Reason]:
    return nw.col("benchmarks").fill_null(0) < LEAST, Reason.TOO_FEW


@feature(
    name="exc_benchmark_ratio", typology=_EXCESSIVE, base="excess_prices", inputs=_PRICES,
    unit="ratio", direction="high", min_n=3, n="benchmarks", source=_UNITED,
    title={"en": "price against benchmarks", "zh": "价格与基准价之比"},
)  # fmt: skip
def exc_benchmark_ratio() -> Measure:
    """Price over the median of the benchmark prices; null with fewer than three (read the interval
    `exc_ratio_low` to `exc_ratio_high` then)."""
    return measure(nw.col("ratio"), _too_few())


@feature(
    name="exc_ratio_low", typology=_EXCESSIVE, base="excess_prices", inputs=_PRICES,
    unit="ratio", direction="high", n="benchmarks", source="catalogue 3.D",
    title={"en": "price against the dearest benchmark", "zh": "价格与最高基准价之比"},
)  # fmt: skip
def exc_ratio_low() -> Measure:
    """Price over the highest benchmark: what the ratio is at least."""
    none = nw.col("benchmarks").fill_null(0) < 1
    return measure(nw.col("price") / nw.col("dearest"), (none, Reason.TOO_FEW))


@feature(
    name="exc_ratio_high", typology=_EXCESSIVE, base="excess_prices", inputs=_PRICES,
    unit="ratio", direction="none", n="benchmarks", source="catalogue 3.D",
    title={"en": "price against the cheapest benchmark", "zh": "价格与最低基准价之比"},
)  # fmt: skip
def exc_ratio_high() -> Measure:
    """Price over the lowest benchmark: what the ratio is at most."""
    none = nw.col("benchmarks").fill_null(0) < 1
    return measure(nw.col("price") / nw.col("cheapest"), (none, Reason.TOO_FEW))


@feature(
    name="exc_price_cost_growth_gap", typology=_EXCESSIVE, base="excess_prices",
    inputs=_EXC_INPUTS, unit="ratio", direction="high", n="offers",
    source="SPC interpretation 2024 art. 36(6)",
    title={"en": "price growth beyond cost growth", "zh": "价格涨幅超出成本涨幅"},
)  # fmt: skip
def exc_price_cost_growth_gap() -> Measure:
    """Growth of the price less growth of unit cost, both over twelve months."""
    growth = nw.col("price") / nw.col("past_price") - nw.col("cost") / nw.col("past_cost")
    return measure(
        growth,
        (nw.col("cost").is_null() | nw.col("past_cost").is_null(), Reason.MISSING_INPUT),
        (nw.col("past_price").is_null(), Reason.MISSING_INPUT),
        (nw.col("past_cost") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="exc_margin_excess", typology=_EXCESSIVE, base="excess_prices", inputs=_EXC_INPUTS,
    unit="ratio", direction="high", n="offers", source=_UNITED,
    title={"en": "margin beyond other firms'", "zh": "超出同业的利润率"},
)  # fmt: skip
def exc_margin_excess() -> Measure:
    """(price - unit cost) / price, less the competitive return on sales filed with the costs.

    Where none is filed, the median margin of at least three other firms on the product stands
    for it.
    """
    margin = (nw.col("price") - nw.col("cost")) / nw.col("price")
    filed = nw.col("competitive_return")
    return measure(
        margin - nw.coalesce(filed, nw.col("usual_margin")),
        (nw.col("cost").is_null(), Reason.MISSING_INPUT),
        (filed.is_null() & (nw.col("margins").fill_null(0) < LEAST), Reason.TOO_FEW),
    )


@feature(
    name="exc_months", typology=_EXCESSIVE, base="excess_prices", inputs=_PRICES,
    unit="months", direction="high", min_n=3, n="benchmarks", source="AKKA/LAA C-177/16",
    title={"en": "months in a row far above benchmarks", "zh": "连续远高于基准月数"},
)  # fmt: skip
def exc_months() -> Measure:
    """Consecutive months up to this one with a price at least 1.5 times its benchmarks' median.

    A month with too few benchmarks neither counts nor ends the run.
    """
    return measure(nw.col("months_far"), _too_few())


@base(
    name="squeezed_margins",
    grain="product_m",
    tables=("costs",),
    attributes=("sqz_firm",),
)
def squeezed_margins(t: Tables) -> Lazy:
    """One row per product and month: the integrated firm with the thinnest retail margin.

    Wholesale price and downstream cost are those the firm filed for that month; the retail price
    is filed too, or else the lowest of its own offers. Bundles are not taken apart.
    """
    key = ("sku_id", "seller_id", "month")
    downstream = nw.coalesce(nw.col("downstream_cost"), nw.col("lraic"))
    rows = (
        t.view("filed_costs")
        .filter(~nw.col("wholesale_price").is_null())
        .rename({"cost_month": "month", "cost_currency": "currency"})
        .select(*key, "currency", "wholesale_price", "retail_price", downstream.alias("downstream"))
    )
    if t.missing(("listing_prices",)) is None:
        offers = monthly_offers(t).select(*key, "price", nw.col("currency").alias("_in"))
        fits = nw.col("_in").is_null() | (nw.col("currency") == "")
        fits = fits | (nw.col("_in") == "") | (nw.col("_in") == nw.col("currency"))
        rows = (
            rows.join(offers, on=list(key), how="left")
            .with_columns(nw.when(fits).then(nw.col("price")).alias("price"))
            .group_by(*key, "currency", "wholesale_price", "retail_price", "downstream")
            .agg(nw.col("price").min(), nw.col("price").count().alias("offers"))
        )
    else:
        rows = rows.with_columns(
            nw.lit(None, dtype=nw.Float64).alias("price"), nw.lit(0).alias("offers")
        )
    price = nw.coalesce(nw.col("retail_price"), nw.col("price"))
    rows = rows.with_columns(price.alias("price"), month_number(nw.col("month")).alias("number"))
    left = nw.col("price") - nw.col("wholesale_price") - nw.col("downstream")
    rows = worst_row(rows.with_columns(left.alias("left")), key, -left, nw.col("currency"))
    firm = ("sku_id", "seller_id")
    rows = run_length(rows, firm, "number", nw.col("left") < 0, "months_negative")
    rows = worst_row(rows, ("sku_id", "month"), -nw.col("left"), nw.col("seller_id"))
    return rows.with_columns(
        nw.col("sku_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
        nw.col("seller_id").alias("sqz_firm"),
    )


def _downstream() -> tuple[nw.Expr, Reason]:
    return nw.col("downstream").is_null() | nw.col("price").is_null(), Reason.MISSING_INPUT


@feature(
    name="sqz_margin", typology=_SQUEEZE, base="squeezed_margins", inputs=_SQZ_INPUTS,
    unit="money", direction="low", min_n=0, n="offers", source=_TELIA,
    title={"en": "margin left downstream", "zh": "下游剩余利润"},
)  # fmt: skip
def sqz_margin() -> Measure:
    """Retail price less wholesale price less the firm's own downstream cost, per unit.

    Downstream cost as filed, else long-run incremental cost: would an equally efficient rival
    that buys at the wholesale price cover its costs?
    """
    return measure(nw.col("left"), _downstream())


@feature(
    name="sqz_ratio", typology=_SQUEEZE, base="squeezed_margins", inputs=_SQZ_INPUTS,
    unit="ratio", direction="low", min_n=0, n="offers", source=_TELIA, peer_adjusted=True,
    title={"en": "share of the price left downstream", "zh": "下游利润占零售价比"},
)  # fmt: skip
def sqz_ratio() -> Measure:
    """`sqz_margin` over the retail price."""
    return measure(
        nw.col("left") / nw.col("price"),
        _downstream(),
        (nw.col("price") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="sqz_months", typology=_SQUEEZE, base="squeezed_margins", inputs=_SQZ_INPUTS,
    unit="months", direction="high", min_n=0, n="offers", source="catalogue 3.D",
    title={"en": "months in a row with a negative margin", "zh": "连续负利润月数"},
)  # fmt: skip
def sqz_months() -> Measure:
    """Consecutive months up to this one with a margin below zero."""
    return measure(nw.col("months_negative"), _downstream())
