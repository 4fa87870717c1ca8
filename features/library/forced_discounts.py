"""Merchants pressed to sell below cost (MON-FORCED-DISCOUNT)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.costs import with_costs
from features.library.demotion import event_changes
from features.library.months import worst_row
from features.library.visibility import change_checks
from features.operators import Lazy, day_number, month_end, month_start
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY = "MON-FORCED-DISCOUNT"
_SALES = ("transactions.net", "transactions.gross", "transactions.discount", "transactions.qty",
          "transactions.promo_mandated", "costs.unit_cost")  # fmt: skip
_EVENTS = ("merchant_events.event", "merchant_events.automatic", "merchant_events.date")
_SOURCE = "AUCL 2025 art. 14"
_EQUAL = 1 - 1e-9


@base(
    name="mandated_sales",
    grain="merchant_m",
    tables=("transactions", "costs"),
    attributes=("mandated_units",),
)
def mandated_sales(t: Tables) -> Lazy:
    """One row per merchant and month with sales inside promotions the platform imposed."""
    paid = nw.coalesce(nw.col("net"), nw.col("gross") - nw.col("discount").fill_null(0.0))
    units = nw.col("qty").fill_null(1.0)
    mandated = nw.col("promo_mandated") & ~nw.col("seller_id").is_null()
    sales = t["transactions"].filter(mandated).select(
        "seller_id",
        nw.coalesce(nw.col("sku_id"), nw.lit("")).alias("sku_id"),
        nw.coalesce(nw.col("currency"), nw.lit("")).alias("currency"),
        month_start(nw.col("ts").cast(nw.Date)).alias("month"),
        units.alias("units"),
        (paid / units).alias("price"),
    )  # fmt: skip
    rows = with_costs(t, sales, "month")
    cost = nw.coalesce(nw.col("unit_cost"), nw.col("aac"), nw.col("avc"))
    known = ~cost.is_null() & ~nw.col("price").is_null()
    below = known & (nw.col("price") < cost * _EQUAL)
    nothing = nw.lit(0.0)
    return (
        rows.with_columns(
            nw.when(known).then(nw.col("units")).otherwise(nothing).alias("_known"),
            nw.when(below).then(nw.col("units")).otherwise(nothing).alias("_below"),
        )
        .sort("seller_id", "month", "sku_id", "units")
        .group_by("seller_id", "month")
        .agg(
            nw.col("units").sum().alias("mandated_units"),
            nw.col("_known").sum().alias("known_units"),
            nw.col("_below").sum().alias("below_units"),
        )
        .with_columns(
            nw.col("seller_id").alias("subject_key"),
            nw.col("month").alias("period_start"),
            month_end(nw.col("month")).alias("period_end"),
            nw.col("known_units").floor().cast(nw.Int64).alias("counted"),
        )
    )


@feature(
    name="forced_below_cost_share", typology=_TYPOLOGY, base="mandated_sales", inputs=_SALES,
    unit="0-1", direction="high", min_n=30, n="counted", source=_SOURCE,
    title={"en": "mandated units sold below cost", "zh": "强制促销中低于成本销量占比"},
)  # fmt: skip
def forced_below_cost_share() -> Measure:
    """Units sold below unit cost over all units, inside promotions the platform imposed.

    Units without a filed cost are left out of both.
    """
    return measure(
        nw.col("below_units") / nw.col("known_units"),
        (nw.col("known_units") <= 0, Reason.MISSING_INPUT),
    )


@base(
    name="automatic_acts",
    grain="merchant_m",
    tables=("merchant_events",),
    attributes=("enrolments",),
)
def automatic_acts(t: Tables) -> Lazy:
    """One row per merchant and month with promotions entered or prices changed."""
    word = nw.col("event").str.to_lowercase()
    enrolled, repriced = word == "promo_enrolled", word == "price_changed"
    told = ~nw.col("automatic").is_null()
    by_itself = nw.col("automatic").fill_null(value=False)
    flags = {
        "enrolments": enrolled & told, "auto_enrolments": enrolled & by_itself,
        "changes": repriced & told, "auto_changes": repriced & by_itself,
    }  # fmt: skip
    return (
        t["merchant_events"]
        .filter(~nw.col("date").is_null() & (enrolled | repriced))
        .with_columns(
            month_start(nw.col("date")).alias("month"),
            *(flag.cast(nw.Int64).alias(name) for name, flag in flags.items()),
        )
        .group_by("merchant_id", "month")
        .agg(*(nw.col(name).sum() for name in flags))
        .with_columns(
            nw.col("merchant_id").alias("subject_key"),
            nw.col("month").alias("period_start"),
            month_end(nw.col("month")).alias("period_end"),
        )
    )


@feature(
    name="auto_enrol_rate", typology=_TYPOLOGY, base="automatic_acts", inputs=_EVENTS, unit="0-1",
    direction="high", min_n=5, n="enrolments", source=_SOURCE,
    title={"en": "promotions entered without an action", "zh": "未经操作自动报名促销占比"},
)  # fmt: skip
def auto_enrol_rate() -> Measure:
    """Share of the month's enrolments (`promo_enrolled`) that happened without an action."""
    return measure(
        nw.col("auto_enrolments") / nw.col("enrolments"),
        (nw.col("enrolments") < 1, Reason.TOO_FEW),
    )


@feature(
    name="auto_pricing_tool_rate", typology=_TYPOLOGY, base="automatic_acts", inputs=_EVENTS,
    unit="0-1", direction="high", min_n=5, n="changes", source=_SOURCE,
    title={"en": "prices changed without an action", "zh": "自动调价占比"},
)  # fmt: skip
def auto_pricing_tool_rate() -> Measure:
    """Share of the month's price changes (`price_changed`) made by a tool without an action."""
    return measure(
        nw.col("auto_changes") / nw.col("changes"), (nw.col("changes") < 1, Reason.TOO_FEW)
    )


@base(
    name="refused_promotions",
    grain="merchant_m",
    tables=("visibility", "merchant_events"),
    attributes=("refusal_platform", "refusal_date"),
)
def refused_promotions(t: Tables) -> Lazy:
    """One row per merchant and month in which four weeks since a refusal are over: the lowest."""
    rows = event_changes(t, ("refused_promo",)).with_columns(
        month_start(nw.col("ends")).alias("period_start")
    )
    rows = worst_row(rows, ("merchant_id", "period_start"), nw.col("days"), -nw.col("did"),
                     nw.col("platform_id"), day_number(nw.col("date")))  # fmt: skip
    return rows.with_columns(
        nw.col("merchant_id").alias("subject_key"),
        month_end(nw.col("period_start")).alias("period_end"),
        nw.col("platform_id").alias("refusal_platform"),
        nw.col("date").alias("refusal_date"),
    )


_REFUSED = ("visibility.impressions", "merchant_events.event", "merchant_events.date")


@feature(
    name="promo_optout_penalty_did", typology=_TYPOLOGY, base="refused_promotions",
    inputs=_REFUSED, unit="ln ratio", direction="low", min_n=14, n="days", source=_SOURCE,
    uses_as_of=True,
    title={"en": "visibility after refusing a promotion", "zh": "拒绝促销后的曝光相对变化"},
)  # fmt: skip
def promo_optout_penalty_did() -> Measure:
    """ln(after / before) of impressions around a refusal less that of undisturbed merchants.

    28 days on either side, 14 of them filed at least.
    """
    return measure(nw.col("did"), *change_checks())


@feature(
    name="promo_optout_penalty_p", typology=_TYPOLOGY, base="refused_promotions",
    inputs=_REFUSED, unit="probability", direction="low", min_n=20, n="controls",
    source="catalogue 3.D", uses_as_of=True,
    title={"en": "chance of such a fall without a refusal", "zh": "未拒绝商户出现同等下降的概率"},
)  # fmt: skip
def promo_optout_penalty_p() -> Measure:
    """Share of undisturbed merchants whose visibility fell as much; itself counted."""
    return measure(nw.col("placebo_p"), *change_checks())
