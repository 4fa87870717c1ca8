"""Requests of individuals: when they are due, how long they stay open (PRIV-DSAR-DELAY)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.operators import (
    Lazy,
    civil_day,
    days_between,
    month_end,
    month_start,
    quarter_end,
    quarter_start,
)
from features.parameters import request_deadlines as limits
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _ONE, _OPERATOR = "PRIV-DSAR-DELAY", "requests", "operator_requests"
_INPUTS = ("dsar_requests.received_on", "dsar_requests.closed_on", "dsar_requests.jurisdiction",
           "dsar_requests.extended", "dsar_requests.type")  # fmt: skip
MIN_REQUESTS = 20
OPT_OUTS = ("opt_out", "optout", "opt-out", "limit", "do_not_sell")


def _business(day: nw.Expr, days: int) -> nw.Expr:
    """The last of so many working days after a day; whole weeks, so holidays are not known."""
    over = nw.when(day.dt.weekday() > 5).then(day.dt.weekday() - 5).otherwise(0)
    weeks = day.dt.offset_by(f"{days // 5 * 7}d").cast(nw.Date)
    back = [nw.when(over == k).then(weeks.dt.offset_by(f"-{k}d").cast(nw.Date)) for k in (1, 2)]
    return nw.coalesce(*back, weeks)


@view("answered_requests")
def answered_requests(t: Tables) -> Lazy:
    """Requests received by the day of the judgement, with their due dates and durations.

    Columns besides the filed ones: `due_gdpr`, `due_ccpa`, `due` (of the request's own
    jurisdiction, null where no limit is known), `regime`, `days` (to the close, or open until
    the judgement), `closed`.
    """
    today = nw.lit(t.context.as_of)
    got = nw.col("received_on")
    rows = t["dsar_requests"].filter(got.is_null() | (got <= today))
    longer = nw.col("extended").fill_null(value=False)
    ask = nw.col("type").str.to_lowercase().is_in(OPT_OUTS).fill_null(value=False)

    def months(n: int) -> nw.Expr:
        return got.dt.offset_by(f"{n}mo").cast(nw.Date)

    def days(n: int) -> nw.Expr:
        return got.dt.offset_by(f"{n}d").cast(nw.Date)

    gdpr = (
        nw.when(longer)
        .then(months(limits.GDPR_EXTENDED_MONTHS))
        .otherwise(months(limits.GDPR_MONTHS))
    )
    ccpa = (
        nw.when(ask).then(_business(got, limits.CCPA_OPT_OUT_BUSINESS_DAYS))
        .when(longer).then(days(limits.CCPA_EXTENDED_DAYS)).otherwise(days(limits.CCPA_DAYS))
    )  # fmt: skip
    known = t.lifted(_limits())
    rows = rows.join(known, on="jurisdiction", how="left").with_columns(
        gdpr.alias("due_gdpr"),
        ccpa.alias("due_ccpa"),
        _business(got, limits.CN_BUSINESS_DAYS).alias("due_cn"),
    )
    in_force = nw.col("_from") <= got
    due = (
        nw.when(in_force & (nw.col("regime") == "gdpr")).then(nw.col("due_gdpr"))
        .when(in_force & (nw.col("regime") == "ccpa")).then(nw.col("due_ccpa"))
        .when(in_force & (nw.col("regime") == "cn")).then(nw.col("due_cn"))
    )  # fmt: skip
    closed = (nw.col("closed_on") <= today).fill_null(value=False)
    end = nw.when(closed).then(nw.col("closed_on")).otherwise(today)
    return rows.with_columns(
        due.alias("due"),
        closed.alias("closed"),
        days_between(got, end).alias("days"),
        end.alias("end"),
    ).with_columns(days_between(nw.col("due"), nw.col("end")).alias("over"))


def _limits() -> pl.DataFrame:
    table = limits.ANSWER_LIMITS
    return pl.DataFrame(
        {
            "jurisdiction": [x.jurisdiction for x in table],
            "regime": [x.regime for x in table],
            "longest": [x.longest_days for x in table],
            "_from": [x.valid_from for x in table],
        },
        schema_overrides={"longest": pl.Int64},
    )


@base(
    name=_ONE,
    grain="request",
    tables=("dsar_requests",),
    attributes=("operator_id", "jurisdiction", "request_type", "regime", "open"),
    peers=("jurisdiction", "request_type"),
)
def requests(t: Tables) -> Lazy:
    """One row per request, in the month it was received."""
    day = civil_day("received_on", "recorded_at", fallback=t.context.as_of)
    return t.view("answered_requests").with_columns(
        nw.col("request_id").alias("subject_key"),
        month_start(day).alias("period_start"),
        month_end(day).alias("period_end"),
        nw.col("type").alias("request_type"),
        (~nw.col("closed")).alias("open"),
        nw.lit(1).alias("n"),
    )


_UNDATED = (nw.col("received_on").is_null(), Reason.MISSING_INPUT)


@feature(
    name="dsar_due_gdpr", typology=_TYPOLOGY, base=_ONE, inputs=_INPUTS, unit="date",
    direction="none", n="n", kind="class", source="GDPR art. 12(3); Regulation 1182/71",
    title={"en": "due date under the GDPR", "zh": "GDPR答复期限"},
)  # fmt: skip
def dsar_due_gdpr() -> Measure:
    """One calendar month after receipt, capped at the end of the month; three months where the
    time was extended with notice."""
    return measure(nw.col("due_gdpr").dt.to_string("%Y-%m-%d"), _UNDATED)


@feature(
    name="dsar_due_ccpa", typology=_TYPOLOGY, base=_ONE, inputs=_INPUTS, unit="date",
    direction="none", n="n", kind="class", source="CCPA regulations ss. 7021(b), 7026",
    title={"en": "due date under the CCPA", "zh": "CCPA答复期限"},
)  # fmt: skip
def dsar_due_ccpa() -> Measure:
    """45 calendar days after receipt, 90 where extended with notice; 15 working days for opting
    out. The clock does not stop while identity is checked."""
    return measure(nw.col("due_ccpa").dt.to_string("%Y-%m-%d"), _UNDATED)


@feature(
    name="dsar_overdue_d", typology=_TYPOLOGY, base=_ONE, inputs=_INPUTS, unit="d",
    direction="high", n="n", uses_as_of=True,
    source="features/parameters/request_deadlines.py",
    title={"en": "days beyond the due date", "zh": "超过答复期限天数"},
)  # fmt: skip
def dsar_overdue_d() -> Measure:
    """Days from the due date of the request's jurisdiction to its close, or to the judgement where
    it is open; below zero where there is or was time left."""
    return measure(
        nw.col("over"),
        _UNDATED,
        (nw.col("jurisdiction").is_null(), Reason.MISSING_INPUT),
        (nw.col("due").is_null(), Reason.NOT_APPLICABLE),
    )


@base(
    name=_OPERATOR,
    grain="operator_q",
    tables=("dsar_requests",),
    attributes=("operator_id", "requests_received", "requests_open"),
    under="operator_id",
)
def operator_requests(t: Tables) -> Lazy:
    """One row per operator and quarter of receipt, with the survival of open requests."""
    got = nw.col("received_on")
    rows = t.view("answered_requests").filter(~got.is_null() & ~nw.col("operator_id").is_null())
    judged = ~nw.col("due").is_null() & (nw.col("closed") | (nw.col("over") > 0))
    beyond = (nw.col("days") > nw.col("longest")).fill_null(value=False)
    rows = rows.with_columns(
        quarter_start(got).alias("period_start"),
        judged.cast(nw.Int64).alias("judged"),
        (judged & (nw.col("over") > 0)).cast(nw.Int64).alias("late"),
        (~nw.col("longest").is_null()).cast(nw.Int64).alias("lined"),
        beyond.cast(nw.Int64).alias("beyond"),
        nw.col("closed").cast(nw.Int64).alias("closed"),
    )
    cell = ("operator_id", "period_start")
    counts = rows.group_by(*cell).agg(
        nw.len().cast(nw.Int64).alias("requests_received"),
        *(nw.col(c).sum() for c in ("judged", "late", "lined", "beyond", "closed")),
    )
    counts = counts.join(t.lifted(_survival(rows)), on=list(cell), how="left")
    return counts.with_columns(
        nw.col("operator_id").alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
        (nw.col("requests_received") - nw.col("closed")).alias("requests_open"),
    )


def _survival(rows: Lazy) -> pl.DataFrame:
    """Kaplan-Meier share still open at 30 and 45 days, and the day 90 % are answered.

    Beyond the last duration the share is known only where it is zero.
    """
    cell = ["operator_id", "period_start"]
    steps = (
        collect(rows.group_by(*cell, "days").agg(nw.len().alias("n"), nw.col("closed").sum()))
        .sort(*cell, "days")
        .with_columns(pl.col("n").sum().over(cell).alias("all"))
        .with_columns(
            (pl.col("all") - pl.col("n").cum_sum().over(cell) + pl.col("n")).alias("risk")
        )
        .with_columns((1 - pl.col("closed") / pl.col("risk")).alias("stay"))
        .with_columns(pl.col("stay").cum_prod().over(cell).alias("open"))
    )
    shares = []
    for day in (30, 45):
        at = pl.col("open").filter(pl.col("days") <= day).last().fill_null(1.0)
        seen = (pl.col("days").max() >= day) | (pl.col("open").last() == 0)
        shares.append(pl.when(seen).then(at).alias(f"open_{day}"))
    done = pl.col("days").filter(pl.col("open") <= 0.1 + 1e-12).first().alias("p90")
    return steps.group_by(cell, maintain_order=True).agg(*shares, done)


@feature(
    name="dsar_overdue_share", typology=_TYPOLOGY, base=_OPERATOR, inputs=_INPUTS, unit="share",
    direction="high", n="judged", min_n=MIN_REQUESTS, uses_as_of=True,
    source="features/parameters/request_deadlines.py",
    title={"en": "share of requests answered late", "zh": "逾期答复占比"},
)  # fmt: skip
def dsar_overdue_share() -> Measure:
    """Requests closed after their due date or open beyond it, by requests closed or beyond it;
    at least 20. Requests open and not yet due say nothing."""
    ratio = nw.col("late") / nw.when(nw.col("judged") > 0).then(nw.col("judged"))
    return measure(ratio, (nw.col("judged") < MIN_REQUESTS, Reason.TOO_FEW))


@feature(
    name="dsar_p90_days", typology=_TYPOLOGY, base=_OPERATOR, inputs=_INPUTS, unit="d",
    direction="high", n="requests_received", min_n=MIN_REQUESTS, uses_as_of=True,
    source="Kaplan and Meier 1958",
    title={"en": "days until nine in ten are answered", "zh": "九成请求得到答复的天数"},
)  # fmt: skip
def dsar_p90_days() -> Measure:
    """First day at which the Kaplan-Meier share still open is at most a tenth; `censored` while
    too many are open."""
    return measure(
        nw.col("p90"),
        (nw.col("requests_received") < MIN_REQUESTS, Reason.TOO_FEW),
        (nw.col("p90").is_null(), Reason.CENSORED),
    )


@feature(
    name="dsar_km_open_at_30d", typology=_TYPOLOGY, base=_OPERATOR, inputs=_INPUTS, unit="share",
    direction="high", n="requests_received", min_n=MIN_REQUESTS, uses_as_of=True,
    source="Kaplan and Meier 1958",
    title={"en": "share open after 30 days", "zh": "30天后仍未答复占比"},
)  # fmt: skip
def dsar_km_open_at_30d() -> Measure:
    """Kaplan-Meier share of requests still open after 30 days; open ones are censored at the day
    of the judgement and never dropped."""
    return measure(nw.col("open_30"), (nw.col("open_30").is_null(), Reason.CENSORED))


@feature(
    name="dsar_km_open_at_45d", typology=_TYPOLOGY, base=_OPERATOR, inputs=_INPUTS, unit="share",
    direction="high", n="requests_received", min_n=MIN_REQUESTS, uses_as_of=True,
    source="Kaplan and Meier 1958",
    title={"en": "share open after 45 days", "zh": "45天后仍未答复占比"},
)  # fmt: skip
def dsar_km_open_at_45d() -> Measure:
    """Kaplan-Meier share of requests still open after 45 days."""
    return measure(nw.col("open_45"), (nw.col("open_45").is_null(), Reason.CENSORED))


@feature(
    name="dsar_beyond_longest", typology=_TYPOLOGY, base=_OPERATOR, inputs=_INPUTS,
    unit="requests", direction="high", n="lined", uses_as_of=True,
    source="CCPA regulations s. 7021(b)",
    title={"en": "requests beyond the longest time", "zh": "超过最长期限的请求数"},
)  # fmt: skip
def dsar_beyond_longest() -> Measure:
    """Requests that took, or are open, longer than any extension allows (CCPA: 90 days)."""
    return measure(nw.col("beyond"), (nw.col("lined") == 0, Reason.NOT_APPLICABLE))
