"""Trade on platforms: transactions and listed prices."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import RowCheck, TableContract


class Transactions(dy.Schema):
    """One row per order."""

    tx_id = c.ident("Order", required=True)
    ts = c.instant("Time of the order", required=True)
    platform_id = c.ident("Platform")
    buyer_hash = c.person("Buyer")
    seller_id = c.ident("Seller")
    seller_hash = c.person(
        "The seller under the same keyed hash as buyers, so that a seller who buys is recognised",
        derived_from="seller_id",
    )
    sku_id = c.ident("Product")
    qty = c.quantity("Quantity", "pieces", above_zero=True)
    gross = c.money("Price before discount, all pieces")
    discount = c.money("Discount")
    net = c.money("Price paid, all pieces")
    currency = c.currency()
    refund_at = c.instant("Refund")
    refund_amount = c.money("Amount refunded")
    device_hash = c.person("Device the order came from")
    address_hash = c.person("Address of delivery")
    payer_account_hash = c.person("Account that paid")
    parcel_weight_g = c.quantity("Weight of the parcel", "g")
    order_id = c.ident("Basket: rows with the same one were ordered together")
    promo_id = c.ident("Promotion")
    promo_mandated = c.flag("Whether the platform imposed the promotion")
    addon_preselected = c.flag("Whether this item was added by a box ticked beforehand")
    item_weight_g = c.quantity("Weight the item must have", "g")
    confirmed_at = c.instant("Receipt confirmed by the buyer")
    carrier_min_h = c.quantity("Shortest time the carrier needs", "hours")
    refund_offplatform = c.flag("Whether it was refunded outside the platform")
    source = c.source()

    @dy.rule()
    def refunded_before_ordered(cls) -> pl.Expr:  # noqa: N805
        """No refund before the order."""
        return pl.col("refund_at") >= pl.col("ts").dt.truncate("1d")


class ListingPrices(dy.Schema):
    """One row per observed price of a listing."""

    platform_id = c.ident("Platform")
    sku_id = c.ident("Product", required=True)
    seller_id = c.ident("Seller", required=True)
    channel = c.text("Sales channel")
    ts = c.instant("Time of the observation", required=True)
    list_price = c.money("Price shown before discounts")
    net_price = c.money("Price to pay, 0 where it is free; price paths leave free offers out")
    shipping = c.money("Shipping")
    promo_id = c.ident("Promotion")
    in_stock = c.flag("Whether it could be bought")
    currency = c.currency()
    source = c.source()

    @dy.rule()
    def price_of_listing(cls) -> pl.Expr:  # noqa: N805
        """An observation has a price, or says it was out of stock."""
        priced = pl.col("net_price").is_not_null() | pl.col("list_price").is_not_null()
        return priced | ~pl.col("in_stock").fill_null(True)


TRANSACTIONS = TableContract(
    "transactions",
    "Transactions",
    Transactions,
    ("tx_id",),
    ("ts",),
    checks={
        "refunded_before_ordered": RowCheck(
            ("refund_at", "ts"),
            "`refund_at` is before `ts`; an order cannot be refunded before it was placed",
        )
    },
)
LISTING_PRICES = TableContract(
    "listing_prices",
    "Listed prices",
    ListingPrices,
    ("platform_id", "sku_id", "seller_id", "channel", "ts"),
    ("ts",),
    checks={
        "price_of_listing": RowCheck(
            ("net_price", "list_price"),
            "`net_price` and `list_price` are both empty; at least one is needed, "
            "or `in_stock` must be false",
        )
    },
)
