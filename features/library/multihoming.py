"""Merchants that stop selling elsewhere (MON-EXCLUSIVITY)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, view
from features.library.months import (
    filed_month,
    month_number,
    run_length,
    week_start,
    worst_row,
)
from features.library.visibility import WINDOW, change_checks, windows, with_controls
from features.operators import Lazy, day_number, month_end, month_start
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-EXCLUSIVITY", "multihoming"
_INPUTS = ("merchant_presence.active", "merchant_presence.platform_id",
           "merchant_presence.month")  # fmt: skip
_LEFT = (*_INPUTS, "merchant_presence.left_on", "market_events.date", "market_events.kind")
_PENALTY = (*_INPUTS, "market_events.date", "visibility.impressions")
_SOURCE = "SAMR decisions Alibaba and Meituan 2021"
BACK, LEAST, LEAST_EXITS, NEAR, YEAR = 3, 50, 20, 7, 12
"""Months a change may take; merchants a side; exits; days that make them simultaneous."""

CAMPAIGNS = ("campaign", "rule_change")


@view("present_merchants")
def present_merchants(t: Tables) -> Lazy:
    """Active merchants by platform and month, and whether on another platform too.

    Columns: `platform_id`, `month`, `number`, `merchant_gid`, `gmv`, `exclusive`, `multi`.
    """
    rows = (
        t["merchant_presence"]
        .filter(nw.col("active").fill_null(value=True))
        .select("platform_id", filed_month("month").alias("month"), "merchant_gid", "gmv",
                nw.col("exclusive").fill_null(value=False).alias("exclusive"),
                (~nw.col("exclusive").is_null()).alias("told"))
        .group_by("platform_id", "month", "merchant_gid")
        .agg(nw.col("gmv").max(), nw.col("exclusive").max(), nw.col("told").max())
    )  # fmt: skip
    return rows.with_columns(
        (nw.len().over("month", "merchant_gid") > 1).alias("multi"),
        month_number(nw.col("month")).alias("number"),
    ).sort("platform_id", "month", "merchant_gid")


@view("campaign_days")
def campaign_days(t: Tables) -> Lazy:
    """Dated campaigns and changes of rules of a platform: `platform_id`, `date`."""
    return (
        t["market_events"]
        .filter(nw.col("kind").str.to_lowercase().is_in(list(CAMPAIGNS)))
        .filter(~nw.col("platform_id").is_null() & ~nw.col("date").is_null())
        .select("platform_id", "date")
        .unique()
    )


@base(
    name=_BASE,
    grain="platform_m",
    tables=("merchant_presence",),
    attributes=("platform_id",),
    under="platform_id",
)
def multihoming(t: Tables) -> Lazy:
    """One row per platform and month with active merchants."""
    merchants = t.view("present_merchants")
    rows = merchants.group_by("platform_id", "month", "number").agg(
        nw.len().alias("active"), nw.col("multi").cast(nw.Int64).sum().alias("multi")
    )
    rows = _with_past(rows)
    rows = rows.join(_coverage(merchants), on=["platform_id", "month"], how="left")
    rows = rows.join(_exits(t, merchants), on=["platform_id", "month"], how="left")
    return rows.with_columns(
        nw.col("platform_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
        nw.min_horizontal("active", "past_active").alias("smaller"),
    )


def _with_past(rows: Lazy) -> Lazy:
    """Add the filed month furthest back among the three before."""
    past = rows.select(
        "platform_id",
        nw.col("number").alias("_at"),
        nw.col("active").alias("past_active"),
        nw.col("multi").alias("past_multi"),
    )
    age = nw.col("number") - nw.col("_at")
    found = (
        rows.select("platform_id", "number")
        .join(past, on="platform_id", how="inner")
        .filter((age >= 1) & (age <= BACK))
    )
    furthest = nw.col("_at") == nw.col("_at").min().over("platform_id", "number")
    return rows.join(found.filter(furthest), on=["platform_id", "number"], how="left")


def _coverage(merchants: Lazy) -> Lazy:
    """Value under exclusive terms, weighted by how long they have run, and all value."""
    bound = run_length(merchants, ("platform_id", "merchant_gid"), "number",
                       nw.col("exclusive"), "months_bound")  # fmt: skip
    part = nw.col("months_bound").clip(upper_bound=YEAR) / YEAR
    return (
        bound.with_columns((nw.col("gmv") * part).alias("_bound"))
        .sort("platform_id", "month", "merchant_gid")
        .group_by("platform_id", "month")
        .agg(
            nw.col("_bound").sum().alias("bound_gmv"),
            nw.col("gmv").sum().alias("gmv"),
            nw.col("told").cast(nw.Int64).sum().alias("told"),
        )
    )


def _exits(t: Tables, merchants: Lazy) -> Lazy:
    """Exits of a platform's merchants from rivals in a month, and how many fell together."""
    gone = t["merchant_presence"].filter(~nw.col("left_on").is_null())
    left = gone.select("merchant_gid", nw.col("platform_id").alias("rival"), "left_on").unique()
    month = month_start(nw.col("left_on")).alias("month")
    mine = merchants.select("platform_id", "month", "merchant_gid")
    exits = (
        left.with_columns(month)
        .join(mine, on=["merchant_gid", "month"], how="inner")
        .filter(nw.col("rival") != nw.col("platform_id"))
        .with_columns(day_number(nw.col("left_on")).alias("day"))
    )
    cell = ("platform_id", "month")
    days = exits.group_by(*cell, "day").agg(nw.len().alias("exits"))
    starts = days.select(*cell, nw.col("day").alias("_from"))
    if t.missing(("market_events",)) is None:
        dates = t.view("campaign_days").select(
            "platform_id", day_number(nw.col("date")).alias("_d")
        )
        near = days.select(*cell).unique().join(dates, on="platform_id", how="inner")
        # Seven days before and after a campaign are one window of fifteen days.
        around = near.select(
            *cell, (nw.col("_d") - NEAR).alias("_from"), nw.lit(2 * NEAR).alias("_l")
        )
        starts = nw.concat([starts.with_columns(nw.lit(NEAR).alias("_l")), around])
    else:
        starts = starts.with_columns(nw.lit(NEAR).alias("_l"))
    ahead = nw.col("day") - nw.col("_from")
    together = (
        starts.unique()
        .join(days, on=list(cell), how="inner")
        .filter((ahead >= 0) & (ahead <= nw.col("_l")))
        .group_by(*cell, "_from", "_l")
        .agg(nw.col("exits").sum())
        .group_by(*cell)
        .agg(nw.col("exits").max().alias("together"))
    )
    return days.group_by(*cell).agg(nw.col("exits").sum()).join(together, on=list(cell), how="left")


def _rates() -> tuple[nw.Expr, nw.Expr]:
    return nw.col("multi") / nw.col("active"), nw.col("past_multi") / nw.col("past_active")


def _sides() -> tuple[tuple[nw.Expr, Reason], ...]:
    return (
        (nw.col("past_active").is_null(), Reason.MISSING_INPUT),
        (nw.col("smaller") < LEAST, Reason.TOO_FEW),
    )


@feature(
    name="mh_rate", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="low", min_n=50, n="active", source=_SOURCE, peer_adjusted=True,
    title={"en": "merchants that also sell elsewhere", "zh": "多平台经营商户占比"},
)  # fmt: skip
def mh_rate() -> Measure:
    """Share of the platform's active merchants that are active on another platform that month.

    As good as `merchant_gid`: an account not joined to its merchant looks like a single home.
    """
    return measure(_rates()[0], (nw.col("active") < LEAST, Reason.TOO_FEW))


@feature(
    name="mh_rate_change", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="low", min_n=50, n="smaller", source=_SOURCE,
    title={"en": "change of merchants that sell elsewhere", "zh": "多平台经营占比变化"},
)  # fmt: skip
def mh_rate_change() -> Measure:
    """`mh_rate` less that of three months before, or of the furthest filed month since then."""
    now, past = _rates()
    return measure(now - past, *_sides())


@feature(
    name="mh_change_z", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="z",
    direction="low", min_n=50, n="smaller", source="pooled two-proportion z",
    title={"en": "change of merchants that sell elsewhere, in z", "zh": "多平台经营占比变化z值"},
)  # fmt: skip
def mh_change_z() -> Measure:
    """Difference of the two rates over its pooled standard error.

    Merchants are taken as independent; one economic group with many shops makes z too large.
    """
    now, past = _rates()
    n, m = nw.col("active"), nw.col("past_active")
    pooled = (nw.col("multi") + nw.col("past_multi")) / (n + m)
    error = (pooled * (1 - pooled) * (1.0 / n + 1.0 / m)).sqrt()
    return measure((now - past) / error, *_sides(), (error <= 0, Reason.CONSTANT))


@feature(
    name="mh_exit_sync", typology=_TYPOLOGY, base=_BASE, inputs=_LEFT, unit="0-1",
    direction="high", min_n=20, n="exits", source="catalogue 3.D",
    title={"en": "exits from rivals at the same time", "zh": "同步退出竞争平台占比"},
)  # fmt: skip
def mh_exit_sync() -> Measure:
    """Largest share of the month's exits from rival platforms that fell together.

    Together: within seven days of each other, or of a campaign or change of rules of the platform.
    """
    few = nw.col("exits").fill_null(0) < LEAST_EXITS
    return measure(nw.col("together") / nw.col("exits"), (few, Reason.TOO_FEW))


@feature(
    name="excl_coverage", typology=_TYPOLOGY, base=_BASE,
    inputs=("merchant_presence.exclusive", "merchant_presence.gmv"), unit="0-1",
    direction="high", min_n=50, n="active", source="VBER art. 5; catalogue 3.D",
    title={"en": "sales under lasting exclusivity", "zh": "长期独家销售额占比"},
)  # fmt: skip
def excl_coverage() -> Measure:
    """Share of the platform's sales by exclusive merchants, each weighted by its duration.

    A merchant counts with its months of exclusivity in a row over twelve, at most 1. Null where
    no merchant's filing says whether it is exclusive.
    """
    return measure(
        nw.col("bound_gmv") / nw.col("gmv"),
        (nw.col("told") < 1, Reason.MISSING_INPUT),
        (nw.col("gmv") <= 0, Reason.ZERO_DENOMINATOR),
    )


@base(
    name="stayers",
    grain="merchant_w",
    tables=("merchant_presence", "visibility", "market_events", "merchants"),
    attributes=("mh_platform", "mh_date"),
)
def stayers(t: Tables) -> Lazy:
    """One row per merchant that stayed on several platforms through a campaign: the lowest.

    Judged in the week in which four weeks since the campaign are over.
    """
    found = windows(t, t.view("campaign_days")).join(
        t.view("merchant_names").select("merchant_id", "merchant_gid"),
        on="merchant_id",
        how="inner",
    )
    ends = nw.col("date").dt.offset_by(f"{WINDOW - 1}d").cast(nw.Date)
    dated = found.with_columns(
        ends.alias("ends"),
        month_start(nw.col("date").dt.offset_by("-1d").cast(nw.Date)).alias("_before"),
        month_start(ends).alias("_after"),
    )
    homes = t.view("present_merchants").select("platform_id", "merchant_gid", "month", "multi")
    key = ["platform_id", "merchant_gid"]
    dated = dated.join(
        homes.rename({"month": "_before", "multi": "was"}), on=[*key, "_before"], how="inner"
    ).join(homes.rename({"month": "_after", "multi": "still"}), on=[*key, "_after"], how="inner")
    multi = dated.filter(nw.col("was"))
    rows = with_controls(multi.filter(nw.col("still")), multi.filter(~nw.col("still")))
    rows = rows.with_columns(
        week_start(nw.col("ends")).alias("period_start"),
        nw.min_horizontal("pre_days", "post_days").alias("days"),
        (nw.col("ends") > nw.lit(t.context.as_of)).alias("open"),
    )
    rows = worst_row(rows, ("merchant_id", "period_start"), nw.col("days"), -nw.col("did"),
                     nw.col("platform_id"), day_number(nw.col("date")))  # fmt: skip
    return rows.with_columns(
        nw.col("merchant_id").alias("subject_key"),
        nw.col("period_start").dt.offset_by("6d").cast(nw.Date).alias("period_end"),
        nw.col("platform_id").alias("mh_platform"),
        nw.col("date").alias("mh_date"),
    )


@feature(
    name="mh_penalty_did", typology=_TYPOLOGY, base="stayers", inputs=_PENALTY,
    unit="ln ratio", direction="low", min_n=14, n="days", source=_SOURCE, uses_as_of=True,
    title={"en": "visibility of those who stayed on both", "zh": "坚持多平台商户的曝光变化"},
)  # fmt: skip
def mh_penalty_did() -> Measure:
    """ln(after / before) of impressions less that of merchants that left the other platforms.

    28 days on either side of a campaign or change of rules of the platform. Both sides sold on
    several platforms before it. Assumes that they would have moved alike.
    """
    return measure(nw.col("did"), *change_checks())


@feature(
    name="mh_penalty_p", typology=_TYPOLOGY, base="stayers", inputs=_PENALTY,
    unit="probability", direction="low", min_n=20, n="controls", source="catalogue 3.D",
    uses_as_of=True,
    title={"en": "chance of such a fall among those who left", "zh": "退出商户出现同等下降的概率"},
)  # fmt: skip
def mh_penalty_p() -> Measure:
    """Share of the merchants that left whose visibility fell as much; itself counted."""
    return measure(nw.col("placebo_p"), *change_checks())
