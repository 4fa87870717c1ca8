"""How merchants' visibility moved around a date, against merchants nothing happened to."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.operators import Lazy, day_number
from features.tables import Tables
from features.vocabulary import Reason

WINDOW, LEAST_DAYS = 28, 14
"""Days compared on either side of a date; filed days needed on each."""

TRIGGERS = ("joined_rival", "complaint", "refused_promo")
"""Acts a platform might punish; a merchant with one near a date is no control for it."""

_CELL = ("platform_id", "date")


@view("merchant_names")
def merchant_names(t: Tables) -> Lazy:
    """One row per account: `merchant_id`, `merchant_gid`, `group`, `is_rival`."""
    known = nw.coalesce(nw.col("merchant_gid"), nw.col("merchant_id"))
    return (
        t["merchants"]
        .with_columns(
            known.alias("merchant_gid"), nw.col("is_rival").fill_null(value=False).alias("rival")
        )
        .group_by("merchant_id")
        .agg(nw.col("merchant_gid").max(), nw.col("group_id").max().alias("group"),
             nw.col("rival").max().alias("is_rival"))
    )  # fmt: skip


@view("trigger_events")
def trigger_events(t: Tables) -> Lazy:
    """Filed triggers: `platform_id`, `merchant_id`, `event`, `date`, `at` (day number)."""
    word = nw.col("event").str.to_lowercase()
    return (
        t["merchant_events"]
        .filter(~nw.col("date").is_null() & ~nw.col("platform_id").is_null())
        .select("platform_id", "merchant_id", word.alias("event"), "date")
        .filter(nw.col("event").is_in(list(TRIGGERS)))
        .unique()
        .with_columns(day_number(nw.col("date")).alias("at"))
    )


def windows(t: Tables, dates: Lazy) -> Lazy:
    """Impressions of every merchant of a platform before and after dates.

    Args:
        dates: distinct `platform_id` and `date`.

    Returns:
        `platform_id`, `date`, `merchant_id`, `pre`, `post`, `pre_days`, `post_days`. The day
        itself is the first after.
    """
    seen = nw.col("impressions")
    days = t["visibility"].filter(~seen.is_null()).select(
        "platform_id", "merchant_id", day_number(nw.col("date")).alias("day"), "impressions"
    )  # fmt: skip
    dated = dates.select(*_CELL).unique().with_columns(day_number(nw.col("date")).alias("at"))
    ahead = nw.col("day") - nw.col("at")
    near = dated.join(days, on="platform_id", how="inner").filter(
        (ahead >= -WINDOW) & (ahead < WINDOW)
    )
    before, after = nw.when(ahead < 0).then(seen), nw.when(ahead >= 0).then(seen)
    return (
        near.with_columns(before.alias("_pre"), after.alias("_post"))
        .group_by(*_CELL, "merchant_id")
        .agg(
            nw.col("_pre").sum().alias("pre"),
            nw.col("_post").sum().alias("post"),
            nw.col("_pre").count().alias("pre_days"),
            nw.col("_post").count().alias("post_days"),
        )
    )


def log_change(pre: str, post: str) -> nw.Expr:
    """ln(post / pre); a count of zero is read as one half."""

    def held(column: str) -> nw.Expr:
        some = nw.col(column).cast(nw.Float64)
        return nw.when(some > 0).then(some).otherwise(nw.lit(0.5))

    return (held(post) / held(pre)).log()


def with_controls(treated: Lazy, controls: Lazy) -> Lazy:
    """Add to treated windows how controls of the same platform and date moved.

    Adds `change`, `usual` (log change of the controls' sums), `did`, `controls`, and `placebo_p`:
    how often a control's own change is at least as low, itself counted.
    """
    enough = (nw.col("pre_days") >= LEAST_DAYS) & (nw.col("post_days") >= LEAST_DAYS)
    usable = controls.filter(enough)
    pooled = usable.group_by(*_CELL).agg(
        nw.col("pre").sum().alias("_pre"),
        nw.col("post").sum().alias("_post"),
        nw.len().alias("controls"),
    )
    change = log_change("pre", "post").alias("change")
    mine = treated.with_columns(change)
    both = nw.concat([
        usable.select(*_CELL, "merchant_id", change, nw.lit(1).alias("is_control")),
        mine.select(*_CELL, "merchant_id", "change", nw.lit(0).alias("is_control")),
    ]).with_columns((-nw.col("is_control")).alias("_last"))  # fmt: skip
    lower = nw.col("is_control").cum_sum().over(*_CELL, order_by=["change", "_last", "merchant_id"])
    ranked = (
        both.with_columns(lower.alias("lower"))
        .filter(nw.col("is_control") == 0)
        .select(*_CELL, "merchant_id", "lower")
    )
    rows = mine.join(pooled, on=list(_CELL), how="left").join(
        ranked, on=[*_CELL, "merchant_id"], how="left"
    )
    return rows.with_columns(
        (nw.col("change") - log_change("_pre", "_post")).alias("did"),
        ((nw.col("lower") + 1) / (nw.col("controls") + 1)).alias("placebo_p"),
    )


def undisturbed(t: Tables, found: Lazy) -> Lazy:
    """Windows of merchants without any trigger within the window around the date."""
    events = t.view("trigger_events").select("platform_id", "merchant_id", nw.col("at"))
    keyed = found.select(*_CELL, "merchant_id").with_columns(
        day_number(nw.col("date")).alias("_at")
    )
    gap = nw.col("at") - nw.col("_at")
    disturbed = (
        keyed.join(events, on=["platform_id", "merchant_id"], how="inner")
        .filter((gap >= -WINDOW) & (gap < WINDOW))
        .select(*_CELL, "merchant_id")
        .unique()
    )
    return found.join(disturbed, on=[*_CELL, "merchant_id"], how="anti")


def change_checks() -> tuple[tuple[nw.Expr, Reason], ...]:
    """When a difference in differences says nothing."""
    return (
        (nw.col("open"), Reason.CENSORED),
        (nw.col("days") < LEAST_DAYS, Reason.TOO_FEW),
        (nw.col("controls").fill_null(0) < 1, Reason.MISSING_INPUT),
    )
