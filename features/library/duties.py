"""Duties of governance that are overdue (PRIV-AUDIT-OVERDUE)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy, days_between, month_end, month_start
from features.parameters.governance_duties import (
    AUDIT_CYCLES,
    OFFICER_FROM_PERSONS,
    REPORT_FROM_PERSONS,
    REPORT_MONTHS,
)
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-AUDIT-OVERDUE", "operator_duties"
_INPUTS = ("compliance_events.event_type", "compliance_events.date",
           "compliance_events.persons_processed", "compliance_events.cycle_months")  # fmt: skip
AUDITS = ("audit", "compliance_audit")
OFFICERS = ("officer_registration", "dpo_registration")
REPORTS = ("annual_report", "risk_report")


def _latest(rows: Lazy, column: str) -> Lazy:
    """The last filed value of a column by operator; of several on one day the largest."""
    known = rows.filter(~nw.col(column).is_null())
    last = known.filter(nw.col("date") == nw.col("date").max().over("operator_id"))
    return last.group_by("operator_id").agg(nw.col(column).max())


def _last(rows: Lazy, kinds: tuple[str, ...], into: str) -> Lazy:
    mine = rows.filter(nw.col("event_type").str.to_lowercase().is_in(kinds))
    return mine.group_by("operator_id").agg(nw.col("date").max().alias(into))


@base(
    name=_BASE,
    grain="operator_m",
    tables=("compliance_events",),
    attributes=("operator_id", "last_audit", "audit_due", "persons_processed"),
    under="operator_id",
)
def operator_duties(t: Tables) -> Lazy:
    """One row per operator known to the register of duties, in the month of the judgement."""
    today = nw.lit(t.context.as_of)
    events = t["compliance_events"].filter(nw.col("date") <= today)
    rows = events.select("operator_id").unique()
    for part in (
        _latest(events, "persons_processed"),
        _latest(events, "cycle_months"),
        events.group_by("operator_id").agg(nw.col("jurisdiction").max()),
        _last(events, AUDITS, "last_audit"),
        _last(events, OFFICERS, "last_officer"),
        _last(events, REPORTS, "last_report"),
    ):
        rows = rows.join(part, on="operator_id", how="left")
    rows = _with_due(rows)
    day = today.cast(nw.Date)
    return rows.with_columns(
        nw.col("operator_id").alias("subject_key"),
        month_start(day).alias("period_start"),
        month_end(day).alias("period_end"),
        days_between(nw.col("audit_due"), day).alias("overdue"),
        (nw.col("last_report") > day.dt.offset_by(f"-{REPORT_MONTHS}mo").cast(nw.Date))
        .fill_null(value=False).alias("reported"),
        nw.lit(1).alias("n"),
    )  # fmt: skip


def _with_due(rows: Lazy) -> Lazy:
    """Add `audit_due` and `on_duty`: the operator's own cycle, else that of law and size.

    Months are calendar months, capped at the end of the month; a first cycle begins with the
    duty itself.
    """
    law = pl.col("jurisdiction").fill_null(AUDIT_CYCLES[0].jurisdiction)
    months: pl.Expr = pl.col("cycle_months")
    begin: pl.Expr = pl.col("last_audit")
    for cycle in AUDIT_CYCLES:
        bound = (law == cycle.jurisdiction) & (pl.col("persons_processed") > cycle.above)
        months = months.fill_null(pl.when(bound).then(cycle.months))
        begin = begin.fill_null(pl.when(bound).then(pl.lit(cycle.valid_from)))
    frame = collect(rows).with_columns(months.alias("_months"), begin.alias("_begin"))
    due = pl.col("_begin").dt.offset_by(pl.format("{}mo", pl.col("_months")))
    return nw.from_native(
        frame.with_columns(
            due.alias("audit_due"), pl.col("_months").is_not_null().alias("on_duty")
        ).lazy()
    )


_SIZE = (nw.col("persons_processed").is_null(), Reason.MISSING_INPUT)


@feature(
    name="audit_overdue_days", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="d",
    direction="high", n="n", uses_as_of=True,
    source="features/parameters/governance_duties.py",
    title={"en": "days the audit is overdue", "zh": "合规审计逾期天数"},
)  # fmt: skip
def audit_overdue_days() -> Measure:
    """Day of the judgement minus (last audit + cycle), in days; below zero while there is time.

    The cycle is the operator's own or, above 10 m persons in China, 24 months; an operator never
    audited counts from the day the duty began. Size unknown: `missing_input`; too small:
    `not_applicable`.
    """
    return measure(
        nw.col("overdue"),
        (~nw.col("on_duty") & nw.col("persons_processed").is_null(), Reason.MISSING_INPUT),
        (~nw.col("on_duty"), Reason.NOT_APPLICABLE),
    )


@feature(
    name="officer_missing", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="high", n="n", uses_as_of=True, kind="bool", source="PIPL art. 52",
    title={"en": "no protection officer registered", "zh": "未登记个人信息保护负责人"},
)  # fmt: skip
def officer_missing() -> Measure:
    """1 when an operator of 1 m persons or more has never registered a protection officer."""
    missing = nw.col("last_officer").is_null().cast(nw.Float64)
    small = nw.col("persons_processed") < OFFICER_FROM_PERSONS
    return measure(missing, _SIZE, (small, Reason.NOT_APPLICABLE))


@feature(
    name="report_missing", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="high", n="n", uses_as_of=True, kind="bool",
    source="Network Data Security Regulations arts 28, 33",
    title={"en": "yearly report missing", "zh": "未提交年度报告"},
)  # fmt: skip
def report_missing() -> Measure:
    """1 when an operator of 10 m persons or more filed no yearly risk report in twelve months."""
    missing = (~nw.col("reported")).cast(nw.Float64)
    small = nw.col("persons_processed") < REPORT_FROM_PERSONS
    return measure(missing, _SIZE, (small, Reason.NOT_APPLICABLE))
