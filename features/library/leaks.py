"""Leaks seen outside that were never notified (PRIV-BREACH-UNDERREPORT)."""

from __future__ import annotations

from datetime import timedelta

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy, days_between, year_end, year_start
from features.parameters.screens import screen_limit
from features.periods import with_period
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-BREACH-UNDERREPORT", "operator_leaks"
_INPUTS = ("external_leaks.confidence", "external_leaks.incident_id", "external_leaks.first_seen",
           "breach_notifications.notified_at", "breach_notifications.operator_id")  # fmt: skip
SURE = screen_limit("bu_unmatched_leaks")
NEAR = timedelta(days=90)
"""A notification this close to the leak is taken for its own where none is named."""
MIN_PEERS = 5
_CELL = ("operator_id", "period_start")


def _notices(t: Tables) -> Lazy:
    """Notifications with an operator: `incident_id`, `operator_id`, `notified_on`, `known_on`."""
    told = nw.col("notified_at").cast(nw.Date)
    rows = t["breach_notifications"].filter(~nw.col("notified_at").is_null())
    return rows.select(
        "incident_id", "operator_id", told.alias("notified_on"),
        nw.coalesce(nw.col("aware_at").cast(nw.Date), told).alias("known_on"),
    )  # fmt: skip


def _leaks(t: Tables) -> Lazy:
    """Sure leaks with `matched` and `lag`, days from the leak being seen to its notification."""
    leaks = t["external_leaks"].filter(
        (nw.col("confidence") >= SURE)
        & ~nw.col("operator_id").is_null()
        & (nw.col("first_seen") <= t.context.as_of)
    )
    leaks = leaks.select("leak_id", "operator_id", "first_seen", "incident_id")
    if t.get("breach_notifications") is None:
        told = (~nw.col("incident_id").is_null()).cast(nw.Int64)
        return leaks.with_columns(told.alias("matched"), nw.lit(None).cast(nw.Float64).alias("lag"))
    notices = _notices(t)
    by_name = leaks.join(notices.drop("operator_id"), on="incident_id", how="left")
    named = by_name.filter(~nw.col("incident_id").is_null()).with_columns(
        nw.lit(1).alias("matched"), nw.col("notified_on").alias("_told")
    )
    open_leaks = leaks.filter(nw.col("incident_id").is_null())
    close = open_leaks.join(notices.drop("incident_id"), on="operator_id", how="inner").filter(
        (nw.col("known_on") <= nw.col("first_seen") + nw.lit(NEAR))
        & (nw.col("known_on") >= nw.col("first_seen") - nw.lit(NEAR))
    )
    found = close.group_by("leak_id").agg(nw.col("notified_on").min().alias("_told"))
    others = open_leaks.join(found, on="leak_id", how="left").with_columns(
        (~nw.col("_told").is_null()).cast(nw.Int64).alias("matched")
    )
    columns = ("leak_id", "operator_id", "first_seen", "matched", "_told")
    rows = nw.concat([
        named.with_columns(nw.col("matched").cast(nw.Int64)).select(*columns),
        others.select(*columns),
    ])  # fmt: skip
    lag = days_between(nw.col("first_seen"), nw.col("_told")).cast(nw.Float64)
    return rows.with_columns(lag.alias("lag"))


def _rates(t: Tables) -> Lazy | None:
    """Notifications of operators whose users are known, by year, against all others together.

    The variance of a count is mu + alpha mu^2. Rate and alpha of an operator are fitted on all
    others of the year, by moments: with mu_j = rate users_j, alpha is the sum of
    (notices_j - mu_j)^2 - mu_j over the sum of mu_j^2.
    """
    if t.get("breach_notifications") is None or t.get("market_positions") is None:
        return None
    users = with_period(t["market_positions"].filter(nw.col("metric") == "active_users"))
    users = users.with_columns(year_start(nw.col("period_start")).alias("period_start"))
    rows = users.group_by(nw.col("firm_id").alias("operator_id"), "period_start").agg(
        nw.col("value").max().alias("users")
    )
    told = _notices(t).with_columns(year_start(nw.col("notified_on")).alias("period_start"))
    counts = told.group_by(*_CELL).agg(nw.len().cast(nw.Int64).alias("notices"))
    rows = rows.filter(nw.col("users") > 0).join(counts, on=list(_CELL), how="left")
    rows = rows.with_columns(nw.col("notices").fill_null(0)).sort(*_CELL)
    year = "period_start"

    def others(value: nw.Expr) -> nw.Expr:
        return value.sum().over(year) - value

    notices, size = nw.col("notices"), nw.col("users")
    rows = rows.with_columns(
        others(notices).alias("_told"), others(size).alias("_size"),
        others(notices * notices).alias("_told2"), others(notices * size).alias("_both"),
        others(size * size).alias("_size2"), (nw.len().over(year) - 1).alias("peers"),
    )  # fmt: skip
    rate = nw.col("_told") / nw.when(nw.col("_size") > 0).then(nw.col("_size"))
    rows = rows.with_columns(rate.alias("_rate"))
    rate = nw.col("_rate")
    square = rate * rate * nw.col("_size2")
    excess = nw.col("_told2") - 2 * rate * nw.col("_both") + square - nw.col("_told")
    alpha = (excess / nw.when(square > 0).then(square)).clip(lower_bound=0.0)
    mu = rate * size
    rows = rows.with_columns(mu.alias("mu"), (mu + alpha * mu * mu).alias("variance"))
    spread = nw.when(nw.col("variance") > 0).then(nw.col("variance")).sqrt()
    return rows.with_columns(((notices - nw.col("mu")) / spread).alias("rate_z"))


@base(
    name=_BASE,
    grain="operator_y",
    tables=("external_leaks",),
    attributes=("operator_id", "confirmed_leaks"),
)
def operator_leaks(t: Tables) -> Lazy:
    """One row per operator and year with a sure leak, or with known users in that year."""
    leaks = _leaks(t).with_columns(year_start(nw.col("first_seen")).alias("period_start"))
    rows = leaks.group_by(*_CELL).agg(
        nw.len().cast(nw.Int64).alias("leaks"), nw.col("matched").sum(),
        nw.col("lag").median().alias("lag"), nw.col("lag").count().cast(nw.Int64).alias("lags"),
    )  # fmt: skip
    rates = _rates(t)
    if rates is None:
        blank = [nw.lit(None).cast(nw.Float64).alias(c) for c in ("mu", "rate_z", "peers")]
        rows = rows.with_columns(*blank)
    else:
        keys = nw.concat([rows.select(*_CELL), rates.select(*_CELL)]).unique()
        rows = keys.join(rows, on=list(_CELL), how="left")
        rows = rows.join(rates.select(*_CELL, "mu", "rate_z", "peers"), on=list(_CELL), how="left")
    counts = (nw.col(c).fill_null(0).cast(nw.Int64) for c in ("leaks", "matched", "lags"))
    return rows.with_columns(*counts).with_columns(
        nw.col("operator_id").alias("subject_key"),
        year_end(nw.col("period_start")).alias("period_end"),
        nw.col("leaks").alias("confirmed_leaks"),
    )


_NONE = (nw.col("leaks") == 0, Reason.ZERO_DENOMINATOR)


@feature(
    name="bu_unreported_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="leaks", uses_as_of=True, source="catalogue 5",
    title={"en": "share of leaks never notified", "zh": "未报告泄露占比"},
)  # fmt: skip
def bu_unreported_share() -> Measure:
    """1 - matched by leaks seen outside with confidence 0.8 or more. A leak is matched by the
    notification it names or, where it names none, by one of the operator within 90 days."""
    return measure(
        1 - nw.col("matched") / nw.when(nw.col("leaks") > 0).then(nw.col("leaks")), _NONE
    )


@feature(
    name="bu_unmatched_leaks", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="leaks",
    direction="high", n="leaks", uses_as_of=True, source="catalogue 5",
    title={"en": "leaks never notified", "zh": "未报告泄露数"},
)  # fmt: skip
def bu_unmatched_leaks() -> Measure:
    """Leaks seen outside with confidence 0.8 or more that match no notification."""
    return measure(nw.col("leaks") - nw.col("matched"), _NONE)


@feature(
    name="bu_rate_z", typology=_TYPOLOGY, base=_BASE,
    inputs=("breach_notifications.operator_id", "market_positions.value"), unit="z",
    direction="low", n="peers", min_n=MIN_PEERS, source="negative binomial, by moments",
    title={"en": "notifications per user against others", "zh": "每用户报告数与其他经营者相比"},
    peer_adjusted=True,
)  # fmt: skip
def bu_rate_z() -> Measure:
    """(notifications - expected) / sd, expected at the rate per active user of all other operators
    of the year, variance mu + alpha mu^2 with alpha fitted on them too; far below zero is as odd
    as far above."""
    return measure(
        nw.col("rate_z"),
        (nw.col("peers").is_null(), Reason.MISSING_INPUT),
        (nw.col("peers") < MIN_PEERS, Reason.TOO_FEW),
        (nw.col("mu") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="bu_lag_vs_external", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="d",
    direction="high", n="lags", uses_as_of=True, source="catalogue 5",
    title={"en": "notified after others saw the leak", "zh": "报告晚于外部发现的天数"},
)  # fmt: skip
def bu_lag_vs_external() -> Measure:
    """Median days from a leak being seen outside to its notification, over matched leaks; below
    zero where the operator told first."""
    return measure(nw.col("lag"), _NONE, (nw.col("lags") == 0, Reason.NOT_APPLICABLE))
