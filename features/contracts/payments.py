"""Reviews, invoices and flows of funds."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import Caution, TableContract


class Reviews(dy.Schema):
    """One row per review."""

    review_id = c.ident("Review", required=True)
    platform_id = c.ident("Platform")
    item_id = c.ident("Item reviewed")
    seller_id = c.ident("Seller")
    reviewer_hash = c.person("Reviewer, under the same keyed hash as buyers")
    ts = c.instant("Time of the review")
    rating = c.quantity("Rating", "stars")
    verified = c.flag("Whether a purchase is known")
    reviewer_total = c.whole("Reviews this person has written in all", "reviews")
    text_simhash = c.text("Similarity hash of the text, 64 bits", unit="hex")
    suppressed = c.flag("Whether the platform hid or deleted it")
    source = c.source()


class Invoices(dy.Schema):
    """One row per invoice line between firms."""

    invoice_id = c.ident("Invoice", required=True)
    line_id = c.ident("Line, where an invoice has several")
    seller_id = c.ident("Selling firm")
    buyer_id = c.ident("Buying firm")
    market_id = c.ident("Market")
    item_code = c.ident("Item")
    qty = c.quantity("Quantity", "pieces", above_zero=True)
    unit_price = c.money("Price of one piece before tax, after discounts")
    discount = c.money("Functional discount contained in the price, per piece")
    amount = c.money("Amount of the line; quantity times price where empty")
    currency = c.currency()
    volume_band = c.text("Band of the buyer's volume")
    region = c.text("Region of delivery")
    delivered = c.day("Day of delivery")
    issued = c.day("Day of the invoice")
    due = c.day("Day it is due")
    paid = c.day("Day it was paid, empty while it is not")
    terms_days = c.whole("Agreed term of payment", "days")
    disputed = c.flag("Whether the goods are disputed")
    related_disclosed = c.flag("Whether the parties disclosed that they are related")
    source = c.source()


class FundFlows(dy.Schema):
    """One row per transfer of funds between accounts of organisations."""

    flow_id = c.ident("Transfer", required=True)
    from_id = c.ident("Who paid", required=True)
    to_id = c.ident("Who received", required=True)
    ts = c.instant("Time of the transfer", required=True)
    amount = c.money("Amount", above_zero=True)
    currency = c.currency()
    purpose = c.text("Purpose as stated, one word of a list, never free text")
    item_class = c.text("Class of goods it pays for")
    source = c.source()


REVIEWS = TableContract("reviews", "Reviews", Reviews, ("review_id",), ("ts",))
INVOICES = TableContract(
    "invoices",
    "Invoices",
    Invoices,
    ("invoice_id", "line_id"),
    ("issued", "delivered"),
    cautions=(
        Caution(
            "due_before_issued",
            pl.col("due") < pl.col("issued"),
            "due before the invoice was issued; kept as filed",
        ),
        Caution(
            "paid_before_issued",
            pl.col("paid") < pl.col("issued"),
            "paid before the invoice was issued; possible for a prepayment, kept as filed",
        ),
    ),
)
FUND_FLOWS = TableContract("fund_flows", "Flows of funds", FundFlows, ("flow_id",), ("ts",))
TABLES = (REVIEWS, INVOICES, FUND_FLOWS)
