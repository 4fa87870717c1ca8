"""Prices and terms one firm sets alone: probes, costs, benchmarks, contracts, pricing tools."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import Caution, TableContract, earlier, exceeds

TERMS = ("parity", "rpm", "exclusive", "rebate", "tying", "promo_mandate")
BENCHMARKS = ("region", "period", "firm", "channel")


class Products(dy.Schema):
    """One row per product: its market, its maker, and what it may be a copy of."""

    sku_id = c.ident("Product", required=True)
    product_id = c.ident("Product line across sellers and versions")
    market_id = c.ident("Market")
    category = c.text("Category")
    brand = c.text("Brand")
    supplier_id = c.ident("Maker or supplier firm")
    seller_id = c.ident("Seller that offers it first")
    platform_id = c.ident("Platform")
    is_own = c.flag("Own brand of the platform")
    launched_on = c.day("Launch")
    hit_on = c.day("Day it became a best seller; empty when it never did")
    copies_sku_id = c.ident("Product this own-brand product resembles")
    copy_similarity = c.share("Similarity to that product")
    control_for_sku_id = c.ident("Best seller for which this product is the matched control")
    weight_g = c.quantity("Weight", "g")
    source = c.source()


class PriceProbes(dy.Schema):
    """One row per test purchase: who asked, in which cell, which price was shown."""

    platform_id = c.ident("Platform")
    sku_id = c.ident("Product", required=True)
    seller_id = c.ident("Seller")
    bucket = c.text(
        "Cell: probes of one product in one bucket are comparable (10 minutes, same conditions)",
        required=True,
    )
    probe_id = c.ident("Probe", required=True)
    ts = c.instant("Time of the probe")
    persona = c.text("Test profile: new, loyal, or another word")
    member_tier = c.text("Member tier of the profile")
    device = c.text("Device of the profile")
    region = c.text("Region of the profile")
    payment = c.text("Means of payment of the profile")
    shown_price = c.money("Price shown, all mandatory charges included", above_zero=True)
    coupon = c.money("Published coupon contained in the price")
    new_user_offer = c.money("Documented first-order promotion contained in the price")
    currency = c.currency()
    declared_conditions = c.text("Conditions declared with the price")
    in_stock = c.flag("Whether it could be bought")
    source = c.source()


class Costs(dy.Schema):
    """Costs of a firm's product in a month, per unit; every measure in the row's currency."""

    firm_id = c.ident("Firm", required=True)
    product_id = c.ident("Product (sku or product line)", required=True)
    month = c.period("Month, such as 2024-03")
    market_id = c.ident("Market")
    avc = c.money("Average variable cost")
    aac = c.money("Average avoidable cost")
    atc = c.money("Average total cost")
    lraic = c.money("Long-run average incremental cost")
    unit_cost = c.money("Cost of one unit as booked")
    wholesale_price = c.money("Wholesale price charged to rivals downstream")
    downstream_cost = c.money("Own downstream cost")
    retail_price = c.money("Own retail price")
    competitive_return = c.figure("Return on sales under competition", "ratio")
    allocation_method = c.text("How common costs were allocated")
    currency = c.currency()
    source = c.source()

    avc_above_atc = c.at_most("avc", "atc")


class PriceBenchmarks(dy.Schema):
    """Comparable prices of a product: other regions, periods, firms or channels."""

    product_id = c.ident("Product (sku or product line)", required=True)
    month = c.period("Month, such as 2024-03")
    kind = c.word("What is compared", BENCHMARKS)
    benchmark = c.text("Which region, period, firm or channel", required=True)
    price = c.money("Comparable price, adjusted for quality and purchasing power", above_zero=True)
    currency = c.currency()
    source = c.source()


class CostIndexes(dy.Schema):
    """Input prices, exchange rates and other drivers that explain prices innocently."""

    index_id = c.ident("Index", required=True)
    date = c.day("Day", required=True)
    market_id = c.ident("Market it matters for; empty: all")
    sku_id = c.ident("Product it matters for; empty: all of the market")
    value = c.figure("Value of the index", "index points or price")
    source = c.source()


class ContractTerms(dy.Schema):
    """Clauses that restrict or reward: one row per contract and clause."""

    contract_id = c.ident("Contract", required=True)
    type = c.word("Kind of clause", TERMS)
    firm_id = c.ident("Firm or platform that imposes the clause")
    counterparty_id = c.ident("Merchant, retailer or customer bound by it")
    market_id = c.ident("Market")
    product_id = c.ident("Product")
    parameters = c.fields("Further terms by name")
    list_price = c.money("Price before the rebate, or the prescribed price", above_zero=True)
    rebate_rate = c.share("Retroactive rebate as a share of the price")
    threshold = c.quantity("Purchases from which the rebate holds", "units or money")
    purchases = c.quantity("Purchases in the term", "units or money")
    contestable_share = c.share("Share of demand a rival could win")
    coverage_share = c.share("Share of the market's sales under the clause")
    currency = c.currency()
    from_ = c.day("First day", alias="from")
    to = c.day("Last day, empty while it lasts")
    source = c.source()

    to_before_from = c.at_most("from", "to")


class PricingVendors(dy.Schema):
    """Which firm sets prices with whose tool, from when to when."""

    firm_id = c.ident("Firm", required=True)
    market_id = c.ident("Market", required=True)
    vendor = c.ident("Vendor of the pricing tool", required=True)
    from_ = c.day("First day", alias="from")
    to = c.day("Last day, empty while it lasts")
    uses_rival_data = c.flag("Whether the tool uses rivals' non-public data, as declared")
    recommendations = c.whole("Prices the tool recommended", "prices")
    adopted_unchanged = c.whole("Of these, adopted without a change", "prices")
    source = c.source()

    to_before_from = c.at_most("from", "to")
    adopted_above_recommended = c.at_most("adopted_unchanged", "recommendations")


class MarketEvents(dy.Schema):
    """Dated triggers: association meetings, campaigns, tariff changes, entries, exits."""

    event_id = c.ident("Event", required=True)
    kind = c.text("Kind of event, for example meeting, campaign, rule_change, entry, exit")
    date = c.day("Day", required=True)
    market_id = c.ident("Market")
    platform_id = c.ident("Platform")
    firm_id = c.ident("Firm")
    sku_id = c.ident("Product")
    source = c.source()


PRODUCTS = TableContract(
    "products",
    "Products",
    Products,
    ("sku_id",),
    ("launched_on",),
    cautions=(
        Caution(
            "hit_before_launch",
            pl.col("hit_on") < pl.col("launched_on"),
            "a hit before the launch; possible for a product relaunched, kept as filed",
        ),
    ),
)
PRICE_PROBES = TableContract(
    "price_probes", "Price probes", PriceProbes, ("sku_id", "bucket", "probe_id"), ("ts",)
)
COSTS = TableContract(
    "costs",
    "Costs",
    Costs,
    ("firm_id", "product_id", "month"),
    ("month",),
    checks={"avc_above_atc": exceeds("avc", "atc")},
)
PRICE_BENCHMARKS = TableContract(
    "price_benchmarks",
    "Comparable prices",
    PriceBenchmarks,
    ("product_id", "month", "kind", "benchmark"),
    ("month",),
)
COST_INDEXES = TableContract(
    "cost_indexes",
    "Cost indexes",
    CostIndexes,
    ("index_id", "date", "market_id", "sku_id"),
    ("date",),
)
CONTRACT_TERMS = TableContract(
    "contract_terms",
    "Contract terms",
    ContractTerms,
    ("contract_id", "type", "product_id"),
    ("from",),
    checks={"to_before_from": earlier("to", "from", "a clause cannot end before it began")},
)
PRICING_VENDORS = TableContract(
    "pricing_vendors",
    "Pricing tools",
    PricingVendors,
    ("firm_id", "market_id", "vendor", "from"),
    ("from",),
    checks={
        "to_before_from": earlier("to", "from", "use of a tool cannot end before it began"),
        "adopted_above_recommended": exceeds("adopted_unchanged", "recommendations"),
    },
)
MARKET_EVENTS = TableContract(
    "market_events", "Market events", MarketEvents, ("event_id",), ("date",)
)
TABLES = (
    PRODUCTS,
    PRICE_PROBES,
    COSTS,
    PRICE_BENCHMARKS,
    COST_INDEXES,
    CONTRACT_TERMS,
    PRICING_VENDORS,
    MARKET_EVENTS,
)
