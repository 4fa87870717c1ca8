"""Posted offers and the costs filed for them: what the cost-price screens share."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.library.months import filed_month, month_number, week_start
from features.operators import Lazy, month_start
from features.tables import Tables

SERIES = ("sku_id", "seller_id", "platform_id", "channel", "currency")
"""Prices of different sellers, platforms, channels or currencies are never pooled."""

COSTS = ("avc", "aac", "atc", "lraic", "unit_cost", "wholesale_price", "downstream_cost",
         "retail_price", "competitive_return")  # fmt: skip
COST_LIFE = 12
"""A filed cost stands until the next filing, for at most so many months."""


@view("posted_offers")
def posted_offers(t: Tables) -> Lazy:
    """Offers in stock, free ones too: series, `day`, `week`, `month`, `price`, `clearance`.

    Weeks begin on Monday. The price holds mandatory shipping. A clearance is an offer whose
    `promo_id` says so.
    """
    net = nw.coalesce(nw.col("net_price"), nw.col("list_price"))
    promo = nw.coalesce(nw.col("promo_id"), nw.lit("")).str.to_lowercase()
    day = nw.col("ts").cast(nw.Date)
    return (
        t["listing_prices"]
        .filter(nw.col("in_stock").fill_null(value=True) & (net >= 0))
        .select(
            "sku_id",
            "seller_id",
            *(nw.coalesce(nw.col(c), nw.lit("")).alias(c) for c in SERIES[2:]),
            day.alias("day"),
            week_start(day).alias("week"),
            month_start(day).alias("month"),
            (net + nw.col("shipping").fill_null(0.0)).alias("price"),
            (promo.str.contains("clearance") | promo.str.contains("清仓")).alias("clearance"),
        )
        .sort(*SERIES, "day", "price")
    )


def monthly_offers(t: Tables) -> Lazy:
    """Mean offered price above zero per series and month: series, `month`, `price`, `offers`."""
    offers = t.view("posted_offers").filter(nw.col("price") > 0)
    return mean_price(offers, "month").sort(*SERIES, "month")


def mean_price(offers: Lazy, period: str) -> Lazy:
    """Mean price and number of offers per series and period; equal prices give exactly that."""
    price = nw.col("price")
    found = offers.group_by(*SERIES, period).agg(
        price.mean(), nw.len().alias("offers"), price.min().alias("_low"), price.max().alias("_top")
    )
    exact = nw.when(nw.col("_low") == nw.col("_top")).then(nw.col("_low")).otherwise(price)
    return found.with_columns(exact.alias("price")).drop("_low", "_top")


@view("filed_costs")
def filed_costs(t: Tables) -> Lazy:
    """Unit costs by `seller_id`, `sku_id`, `cost_month`, `cost_currency`; lowest if filed twice."""
    return (
        t["costs"]
        .select(
            nw.col("firm_id").alias("seller_id"),
            nw.col("product_id").alias("sku_id"),
            filed_month("month").alias("cost_month"),
            nw.coalesce(nw.col("currency"), nw.lit("")).alias("cost_currency"),
            *COSTS,
        )
        .group_by("seller_id", "sku_id", "cost_month", "cost_currency")
        .agg(*(nw.col(c).min() for c in COSTS))
    )


def with_costs(t: Tables, rows: Lazy, month: str) -> Lazy:
    """Add the latest costs filed for the month or up to `COST_LIFE` months before it.

    Costs without a currency fit any price; otherwise currencies must agree.
    """
    keys = ["sku_id", "seller_id", "currency", month]
    fits = (nw.col("cost_currency") == "") | (nw.col("cost_currency") == nw.col("currency"))
    age = month_number(nw.col(month)) - month_number(nw.col("cost_month"))
    known = (
        rows.select(*keys)
        .unique()
        .join(t.view("filed_costs"), on=["sku_id", "seller_id"], how="inner")
        .filter(fits & (age >= 0) & (age <= COST_LIFE))
    )
    latest = nw.col("cost_month") == nw.col("cost_month").max().over(*keys)
    named = nw.col("cost_currency") == nw.col("cost_currency").max().over(*keys)
    return rows.join(known.filter(latest).filter(named), on=keys, how="left")
