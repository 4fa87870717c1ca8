"""Life on platforms: users, merchants, fees, visibility, rankings, access, reasons given."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import Caution, TableContract, exceeds

ACCESS = ("ok", "throttled", "denied")


class Users(dy.Schema):
    """One row per account of a person on a platform."""

    user_hash = c.person("Person, under the same keyed hash as buyers", required=True)
    platform_id = c.ident("Platform")
    joined_on = c.day("Day the account was opened")
    tenure_band = c.text("Band of the account's age")
    member_tier = c.text("Member tier")
    device_class = c.text("Class of device")
    age_band = c.text("Band of the person's age")
    region = c.text("Region")
    source = c.source()


class Merchants(dy.Schema):
    """One row per merchant account; `merchant_gid` joins one merchant's accounts."""

    merchant_id = c.ident("Merchant account (the seller of a listing)", required=True)
    merchant_gid = c.ident("Merchant across platforms; the account itself where empty")
    platform_id = c.ident("Platform")
    firm_id = c.ident("Firm behind the account")
    is_own = c.flag("The platform's own retail arm")
    is_rival = c.flag("Competes with another service of the platform")
    group_id = c.ident("Economic group")
    category = c.text("Category")
    size_class = c.text("Size class")
    joined_on = c.day("Day the account was opened")
    source = c.source()


class MerchantPresence(dy.Schema):
    """Whether and how much a merchant sells on a platform in a month."""

    merchant_gid = c.ident("Merchant across platforms", required=True)
    platform_id = c.ident("Platform", required=True)
    month = c.period("Month, such as 2024-03")
    active = c.flag("Whether it sold or could sell")
    gmv = c.money("Value of goods sold")
    currency = c.currency()
    sku_count = c.whole("Products on offer", "products")
    left_on = c.day("Day it left the platform")
    exclusive = c.flag("Under an exclusive term with this platform")
    source = c.source()


class MerchantEvents(dy.Schema):
    """What happened between a merchant and a platform, as triggers of a comparison."""

    merchant_id = c.ident("Merchant", required=True)
    platform_id = c.ident("Platform")
    event = c.text(
        "For example joined_rival, left_rival, complaint, refused_promo, cheaper_elsewhere, "
        "promo_enrolled, delisted, supply_stopped",
        required=True,
    )
    date = c.day("Day", required=True)
    sku_id = c.ident("Product concerned")
    promo_id = c.ident("Promotion concerned")
    automatic = c.flag("Happened without an action of the merchant")
    source = c.source()


class Fees(dy.Schema):
    """What a platform charged a merchant in a month, by type of fee."""

    platform_id = c.ident("Platform", required=True)
    merchant_id = c.ident("Merchant", required=True)
    month = c.period("Month, such as 2024-03")
    fee_type = c.text("Type of fee", required=True)
    category = c.text("Category the fee is for")
    amount = c.figure("Fees, refunds netted", "money")
    gmv = c.money("Value of goods sold in the month")
    currency = c.currency()
    tariff_version = c.text("Version of the tariff")
    in_tariff = c.flag("Whether the published tariff has this type")
    announced_on = c.day("Day the tariff version was announced")
    effective_on = c.day("Day the tariff version took effect")
    source = c.source()


class RankingSamples(dy.Schema):
    """One row per place of a sampled result list."""

    platform_id = c.ident("Platform", required=True)
    query = c.text("Query", required=True)
    ts = c.instant("Time of the sample", required=True)
    rank = c.whole("Place, 1 is the top", "place", minimum=1, required=True)
    persona = c.text("Test profile")
    item_id = c.ident("Item")
    seller_id = c.ident("Seller")
    is_own = c.flag("Offered by the platform itself or its group")
    is_ad = c.flag("Paid placement")
    in_box = c.flag("Shown as the default offer or answer")
    relevance = c.figure("Relevance to the query", "score")
    price = c.money("Price")
    currency = c.currency()
    rating = c.quantity("Mean rating", "stars")
    n_reviews = c.whole("Reviews", "reviews")
    delivery_days = c.quantity("Time of delivery", "days")
    source = c.source()


class Visibility(dy.Schema):
    """How often a merchant was seen on a platform on a day."""

    platform_id = c.ident("Platform", required=True)
    merchant_id = c.ident("Merchant", required=True)
    date = c.day("Day", required=True)
    impressions = c.whole("Times shown", "impressions")
    clicks = c.whole("Clicks", "clicks")
    conversions = c.whole("Orders", "orders")
    source = c.source()


class StatementsOfReasons(dy.Schema):
    """One row per statement of reasons for a restriction."""

    sor_uuid = c.ident("Statement", required=True)
    platform_id = c.ident("Platform")
    merchant_gid = c.ident("Merchant concerned")
    decision_visibility = c.listing("Restrictions of visibility")
    decision_monetary = c.text("Restriction of payments")
    decision_provision = c.text("Restriction of the service")
    decision_account = c.text("Restriction of the account")
    decision_ground = c.text("Ground: illegal content or terms of service")
    category = c.text("Category of the violation")
    content_type = c.listing("Types of content")
    source_type = c.text("What led to the decision")
    territorial_scope = c.listing("Countries the restriction is for")
    automated_detection = c.flag("Found by automated means")
    automated_decision = c.text("Whether the decision was automated, as filed")
    content_date = c.day("Day the content was put online")
    application_date = c.day("Day the restriction began")
    end_date = c.day("Day the restriction ends")
    created_at = c.instant("When the statement was filed")
    source = c.source()


class ApiAccess(dy.Schema):
    """One row per call of a platform's interface."""

    call_id = c.ident("Call; the whole key by itself where it is filled")
    platform_id = c.ident("Platform", required=True)
    requester_id = c.ident("Who called", required=True)
    ts = c.instant("Time of the call", required=True)
    is_rival = c.flag("Whether the caller competes with the platform")
    endpoint = c.text("Endpoint or kind of link")
    outcome = c.word("What became of the call", ACCESS)
    reason = c.text("Reason stated, for example rate_limit, security")
    latency_ms = c.quantity("Time to the answer", "milliseconds")
    source = c.source()


class Subscriptions(dy.Schema):
    """Subscriptions of a platform in a month."""

    platform_id = c.ident("Platform", required=True)
    month = c.period("Month, such as 2024-03")
    plan_id = c.ident("Plan, where figures are filed by plan")
    starts = c.whole("New subscriptions", "subscriptions")
    renewals = c.whole("Renewals", "subscriptions")
    renewal_notices = c.whole("Renewals preceded by a notice", "subscriptions")
    renewals_unused = c.whole("Renewals without any use in 90 days", "subscriptions")
    cancels = c.whole("Cancellations", "subscriptions")
    refund_requests = c.whole("Requests for refund", "requests")
    steps_subscribe = c.whole("Steps to subscribe", "steps")
    steps_cancel = c.whole("Steps to cancel", "steps")
    source = c.source()

    unused_above_renewals = c.at_most("renewals_unused", "renewals")


USERS = TableContract("users", "Users", Users, ("user_hash", "platform_id"), ("joined_on",))
MERCHANTS = TableContract("merchants", "Merchants", Merchants, ("merchant_id",), ("joined_on",))
MERCHANT_PRESENCE = TableContract(
    "merchant_presence",
    "Presence of merchants",
    MerchantPresence,
    ("merchant_gid", "platform_id", "month"),
    ("month",),
)
MERCHANT_EVENTS = TableContract(
    "merchant_events",
    "Events between merchants and platforms",
    MerchantEvents,
    ("merchant_id", "platform_id", "event", "date", "sku_id", "promo_id"),
    ("date",),
)
FEES = TableContract(
    "fees",
    "Platform fees",
    Fees,
    ("platform_id", "merchant_id", "month", "fee_type", "category"),
    ("month",),
    cautions=(
        Caution(
            "announced_after_effect",
            pl.col("announced_on") > pl.col("effective_on"),
            "announced after they took effect; kept as filed, it may be the finding itself",
        ),
    ),
)
RANKING_SAMPLES = TableContract(
    "ranking_samples",
    "Ranking samples",
    RankingSamples,
    ("platform_id", "query", "ts", "rank", "persona"),
    ("ts",),
)
VISIBILITY = TableContract(
    "visibility",
    "Visibility of merchants",
    Visibility,
    ("platform_id", "merchant_id", "date"),
    ("date",),
    cautions=(
        Caution(
            "clicks_above_impressions",
            pl.col("clicks") > pl.col("impressions"),
            "more clicks than impressions; possible when clicks come later, kept as filed",
        ),
    ),
)
STATEMENTS_OF_REASONS = TableContract(
    "statements_of_reasons",
    "Statements of reasons",
    StatementsOfReasons,
    ("sor_uuid",),
    ("application_date", "created_at"),
)
API_ACCESS = TableContract(
    "api_access",
    "Access to interfaces",
    ApiAccess,
    ("platform_id", "requester_id", "ts", "endpoint"),
    ("ts",),
    own_key="call_id",
)
SUBSCRIPTIONS = TableContract(
    "subscriptions",
    "Subscriptions",
    Subscriptions,
    ("platform_id", "month", "plan_id"),
    ("month",),
    checks={"unused_above_renewals": exceeds("renewals_unused", "renewals")},
    cautions=(
        Caution(
            "notices_above_renewals",
            pl.col("renewal_notices") > pl.col("renewals"),
            "more notices than renewals; possible when persons cancel upon the notice",
        ),
    ),
)
TABLES = (
    USERS,
    MERCHANTS,
    MERCHANT_PRESENCE,
    MERCHANT_EVENTS,
    FEES,
    RANKING_SAMPLES,
    VISIBILITY,
    STATEMENTS_OF_REASONS,
    API_ACCESS,
    SUBSCRIPTIONS,
)
