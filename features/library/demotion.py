"""Visibility cut after a conflict, and rivals demoted more often (MON-DEMOTION)."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, view
from features.library.months import week_start, worst_row
from features.library.rates import risk_ratio, risk_ratio_low
from features.library.visibility import (
    LEAST_DAYS,
    TRIGGERS,
    WINDOW,
    change_checks,
    undisturbed,
    windows,
    with_controls,
)
from features.operators import Lazy, civil_day, day_number, month_end, month_start
from features.parameters.screens import screen_limit
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY = "MON-DEMOTION"
_INPUTS = ("visibility.impressions", "visibility.date", "merchant_events.event",
           "merchant_events.date")  # fmt: skip
_SOR = ("statements_of_reasons.decision_visibility", "statements_of_reasons.merchant_gid",
        "statements_of_reasons.application_date")  # fmt: skip
_SOURCE = "DSA art. 17; DMA art. 5(6)"
DROP, SEEN = screen_limit("dem_unreasoned_share"), 100
"""A fall to at most this share is a drop; impressions before it that make one measurable."""

_LAST = f"{WINDOW - 1}d"


def event_changes(t: Tables, events: Sequence[str]) -> Lazy:
    """Windows around a merchant's triggers with the difference in differences, and `ends` on."""
    chosen = t.view("trigger_events").filter(nw.col("event").is_in(list(events)))
    found = windows(t, chosen)
    first = chosen.group_by("platform_id", "merchant_id", "date").agg(nw.col("event").min())
    treated = first.join(found, on=["platform_id", "merchant_id", "date"], how="left")
    filled = ("pre", "post", "pre_days", "post_days")
    treated = treated.with_columns(nw.col(c).fill_null(0) for c in filled)
    ends = nw.col("date").dt.offset_by(_LAST).cast(nw.Date)
    return with_controls(treated, undisturbed(t, found)).with_columns(
        ends.alias("ends"),
        nw.min_horizontal("pre_days", "post_days").alias("days"),
        (ends > nw.lit(t.context.as_of)).alias("open"),
    )


@base(
    name="demoted_merchants",
    grain="merchant_w",
    tables=("visibility", "merchant_events"),
    attributes=("dem_platform", "dem_trigger", "dem_date"),
)
def demoted_merchants(t: Tables) -> Lazy:
    """One row per merchant and week in which four weeks since a trigger are over: the lowest."""
    rows = event_changes(t, TRIGGERS).with_columns(week_start(nw.col("ends")).alias("period_start"))
    rows = worst_row(rows, ("merchant_id", "period_start"), nw.col("days"), -nw.col("did"),
                     nw.col("platform_id"), day_number(nw.col("date")))  # fmt: skip
    return rows.with_columns(
        nw.col("merchant_id").alias("subject_key"),
        nw.col("period_start").dt.offset_by("6d").cast(nw.Date).alias("period_end"),
        nw.col("platform_id").alias("dem_platform"),
        nw.col("event").alias("dem_trigger"),
        nw.col("date").alias("dem_date"),
    )


@feature(
    name="dem_visibility_did", typology=_TYPOLOGY, base="demoted_merchants", inputs=_INPUTS,
    unit="ln ratio", direction="low", min_n=14, n="days", source=_SOURCE, uses_as_of=True,
    title={"en": "visibility after a conflict against others", "zh": "冲突后曝光相对变化"},
)  # fmt: skip
def dem_visibility_did() -> Measure:
    """ln(after / before) of a merchant's impressions less that of merchants without a trigger.

    28 days on either side of joining a rival, complaining or refusing a promotion, 14 of them
    filed at least; counts of zero are read as one half.
    """
    return measure(nw.col("did"), *change_checks())


@feature(
    name="dem_placebo_p", typology=_TYPOLOGY, base="demoted_merchants", inputs=_INPUTS,
    unit="probability", direction="low", min_n=20, n="controls", source="catalogue 3.D",
    uses_as_of=True,
    title={"en": "chance of such a fall without a conflict", "zh": "无冲突商户出现同等下降的概率"},
)  # fmt: skip
def dem_placebo_p() -> Measure:
    """Share of merchants without a trigger whose visibility fell as much at the same date.

    The merchant itself is counted on both sides, so it is never zero.
    """
    return measure(nw.col("placebo_p"), *change_checks())


@view("reasoned_statements")
def reasoned_statements(t: Tables) -> Lazy:
    """Statements with a merchant: `platform_id`, `merchant_gid`, `day`, `month`, `demoted`."""
    day = civil_day("application_date", "created_at", "recorded_at", fallback=t.context.as_of)
    words = nw.coalesce(nw.col("decision_visibility"), nw.lit(""))
    return (
        t["statements_of_reasons"]
        .filter(~nw.col("merchant_gid").is_null() & ~nw.col("platform_id").is_null())
        .select(
            "platform_id",
            "merchant_gid",
            day.alias("day"),
            month_start(day).alias("month"),
            words.str.contains("DEMOTED", literal=True).cast(nw.Int64).alias("demoted"),
        )
    )


@base(
    name="demoted_rivals",
    grain="platform_m",
    tables=("statements_of_reasons", "merchants"),
    attributes=("platform_id",),
    under="platform_id",
)
def demoted_rivals(t: Tables) -> Lazy:
    """One row per platform and month with statements about known merchants."""
    rivals = t.view("merchant_names").group_by("merchant_gid").agg(nw.col("is_rival").max())
    rows = t.view("reasoned_statements").join(rivals, on="merchant_gid", how="inner")
    rival, demoted = nw.col("is_rival").cast(nw.Int64), nw.col("demoted")
    return (
        rows.with_columns(
            rival.alias("_r"), (1 - rival).alias("_o"), (rival * demoted).alias("_rd"),
            ((1 - rival) * demoted).alias("_od"),
        )
        .group_by("platform_id", "month")
        .agg(
            nw.col("_rd").sum().alias("demoted_rivals"), nw.col("_r").sum().alias("about_rivals"),
            nw.col("_od").sum().alias("demoted_others"), nw.col("_o").sum().alias("about_others"),
        )
        .with_columns(
            nw.col("platform_id").alias("subject_key"),
            nw.col("month").alias("period_start"),
            month_end(nw.col("month")).alias("period_end"),
            (nw.col("about_rivals") + nw.col("about_others")).alias("statements"),
        )
    )  # fmt: skip


_RATES = ("demoted_rivals", "about_rivals", "demoted_others", "about_others")


def _one_sided() -> tuple[nw.Expr, Reason]:
    return (nw.col("about_rivals") < 1) | (nw.col("about_others") < 1), Reason.TOO_FEW


@feature(
    name="dem_rival_sor_rr", typology=_TYPOLOGY, base="demoted_rivals",
    inputs=(*_SOR, "merchants.is_rival"), unit="ratio", direction="high", min_n=100,
    n="statements", source=_SOURCE,
    title={"en": "demotions of rivals against others", "zh": "竞争商户降权率比"},
)  # fmt: skip
def dem_rival_sor_rr() -> Measure:
    """Share of statements about rivals that demote content, over the same share for others.

    One half is added to every cell where one is empty.
    """
    return measure(risk_ratio(*_RATES), _one_sided())


@feature(
    name="dem_rival_sor_rr_low", typology=_TYPOLOGY, base="demoted_rivals",
    inputs=(*_SOR, "merchants.is_rival"), unit="ratio", direction="high", min_n=100,
    n="statements", source="Katz et al. 1978",
    title={"en": "lower bound of demotions of rivals", "zh": "竞争商户降权率比下限"},
)  # fmt: skip
def dem_rival_sor_rr_low() -> Measure:
    """Lower end of the 95 % interval of `dem_rival_sor_rr`."""
    return measure(risk_ratio_low(*_RATES), _one_sided())


@base(
    name="unreasoned_drops",
    grain="platform_m",
    tables=("visibility", "statements_of_reasons", "merchants"),
    attributes=("platform_id",),
)
def unreasoned_drops(t: Tables) -> Lazy:
    """One row per platform and month: merchants seen half as often as in the four weeks before."""
    month = month_start(nw.col("date")).alias("date")
    months = t["visibility"].select("platform_id", month).unique()
    change = nw.col("post") / nw.col("pre")
    drops = windows(t, months).filter(
        (nw.col("pre") >= SEEN) & (nw.col("pre_days") >= LEAST_DAYS)
        & (nw.col("post_days") >= LEAST_DAYS) & (change <= DROP)
    )  # fmt: skip
    names = t.view("merchant_names").select("merchant_id", "merchant_gid")
    drops = drops.join(names, on="merchant_id", how="left").with_columns(
        nw.coalesce(nw.col("merchant_gid"), nw.col("merchant_id")).alias("merchant_gid")
    )
    key = ["platform_id", "merchant_gid"]
    gap = day_number(nw.col("day")) - day_number(nw.col("date"))
    reasoned = (
        drops.select(*key, "date")
        .join(t.view("reasoned_statements").select(*key, "day"), on=key, how="inner")
        .filter((gap >= -WINDOW) & (gap < WINDOW))
        .select(*key, "date")
        .unique()
        .with_columns(nw.lit(1).alias("_reasoned"))
    )
    rows = drops.join(reasoned, on=[*key, "date"], how="left").group_by("platform_id", "date").agg(
        nw.len().alias("drops"), nw.col("_reasoned").count().alias("reasoned")
    )  # fmt: skip
    return rows.with_columns(
        nw.col("platform_id").alias("subject_key"),
        nw.col("date").alias("period_start"),
        month_end(nw.col("date")).alias("period_end"),
    )


@feature(
    name="dem_unreasoned_share", typology=_TYPOLOGY, base="unreasoned_drops",
    inputs=("visibility.impressions", *_SOR), unit="0-1", direction="high", min_n=20, n="drops",
    source="DSA art. 17", peer_adjusted=True,
    title={"en": "visibility drops without a reason given", "zh": "无理由说明的曝光骤降占比"},
)  # fmt: skip
def dem_unreasoned_share() -> Measure:
    """Share of merchants whose impressions fell by half or more without a statement of reasons.

    The first 28 days of a month against the 28 before; merchants seen 100 times before at least.
    """
    return measure(
        1.0 - nw.col("reasoned") / nw.col("drops"), (nw.col("drops") < 1, Reason.TOO_FEW)
    )
