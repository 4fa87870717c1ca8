"""Prices of a day: what the screens on price paths share."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.library.groups import with_group
from features.operators import Lazy
from features.tables import Tables

SERIES = ("sku_id", "seller_id", "platform_id", "channel", "currency")
STEP = 1e-9
"""Prices closer than this part of themselves are the same price."""


@view("price_days")
def price_days(t: Tables) -> Lazy:
    """One price per series and day, the lowest shown: series columns, `period_start`, `day`."""
    days = t.view("net_prices").group_by(*SERIES, "period_start", "day")
    return days.agg(nw.col("price").min(), nw.len().alias("seen")).sort(*SERIES, "day")


@view("main_price_days")
def main_price_days(t: Tables) -> Lazy:
    """The price days of the series with most observations per product, seller and quarter.

    Prices of different platforms, channels or currencies are never pooled.
    """
    days = t.view("price_days")
    cell = ("sku_id", "seller_id", "period_start")
    named = nw.concat_str(
        [nw.col(c) for c in ("platform_id", "channel", "currency")], separator="|"
    )
    sizes = days.group_by(*SERIES, "period_start").agg(nw.col("seen").sum())
    main = (
        sizes.filter(nw.col("seen") == nw.col("seen").max().over(*cell))
        .with_columns(named.alias("_named"))
        .filter(nw.col("_named") == nw.col("_named").min().over(*cell))
    )
    return days.join(
        main.select(*SERIES, "period_start"), on=[*SERIES, "period_start"], how="semi"
    ).sort(*SERIES, "day")


@view("firm_price_days")
def firm_price_days(t: Tables) -> Lazy:
    """The lowest price of an economic group for a product on a day, over platforms and channels.

    Sellers of one group are no competitors of each other. In no order: who needs one sorts.
    """
    grouped = with_group(t, t.view("price_days"), "seller_id", "firm")
    cell = ("sku_id", "currency", "period_start", "firm", "day")
    return grouped.group_by(*cell).agg(nw.col("price").min())


@view("market_price_days")
def market_price_days(t: Tables) -> Lazy:
    """The middle of the groups' prices for a product on a day, in the quarter's main currency.

    Columns: `sku_id`, `currency`, `period_start`, `day`, `price`, `firms`.
    """
    rows = t.view("firm_price_days")
    quarter = ("sku_id", "period_start")
    sizes = rows.group_by(*quarter, "currency").agg(nw.len().alias("_size"))
    main = sizes.filter(nw.col("_size") == nw.col("_size").max().over(*quarter)).filter(
        nw.col("currency") == nw.col("currency").min().over(*quarter)
    )
    cell = ("sku_id", "currency", "period_start", "day")
    return (
        rows.join(main, on=[*quarter, "currency"], how="semi")
        .group_by(*cell)
        .agg(nw.col("price").median(), nw.len().alias("firms"))
        .sort(*cell)
    )


def changed(price: nw.Expr, previous: nw.Expr) -> nw.Expr:
    """Whether a price differs from the one before; null where there is none before."""
    return (price - previous).abs() > STEP * previous.abs()
