"""Late notification of personal data breaches (PRIV-BREACH-LATE)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.operators import (
    Lazy,
    civil_day,
    days_between,
    month_end,
    month_start,
    seconds_between,
)
from features.parameters.breach_deadlines import BREACH_DEADLINES, LEVELS, LEVELS_SOURCE
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-BREACH-LATE", "incidents"
_INPUTS = ("breach_notifications.aware_at", "breach_notifications.notified_at",
           "breach_notifications.jurisdiction", "breach_notifications.persons",
           "breach_notifications.is_ciio")  # fmt: skip
_TIMES = ("aware_at", "notified_at", "users_notified_at")
_HOUR_SECONDS = 3_600
_RANK = {"general": 0, "relatively_major": 1, "major": 2, "particularly_major": 3}


@base(
    name=_BASE,
    grain="incident",
    tables=("breach_notifications",),
    attributes=(
        "operator_id",
        "jurisdiction",
        "persons",
        "sensitive_persons",
        "level",
        "deadline_h",
        "deadline_unit",
        "deadline_notice",
        "deadline_source",
        "deadline_class",
        "notice_delay_h",
        "notice_open",
        "to_persons",
        "censored",
        "day_only",
    ),
    peers=("jurisdiction", "size_decile"),
    size="persons",
)
def incidents(t: Tables) -> Lazy:
    """One row per incident, in the month the operator became aware, with the limit in force then.

    A time of exactly 00:00:00 means that only the day was filed.
    """
    day = civil_day("aware_at", "notified_at", "recorded_at", fallback=t.context.as_of)
    filed = t["breach_notifications"].select(
        "incident_id", "operator_id", "jurisdiction", "persons", "sensitive_persons", "is_ciio",
        *_TIMES, _level().alias("level"), day.alias("_day"),
    )  # fmt: skip
    # Civil days of other time zones: not every engine knows them, and breaches are few.
    rows = _with_deadline(_civil(nw.from_native(collect(filed).lazy())))
    return _delays(t, rows).with_columns(
        nw.col("incident_id").alias("subject_key"),
        month_start(nw.col("_day")).alias("period_start"),
        month_end(nw.col("_day")).alias("period_end"),
        nw.lit(1).alias("n"),
    )


def _level() -> nw.Expr:
    level: nw.Expr = nw.lit("general")
    for name, least in reversed(LEVELS):
        level = nw.when(nw.col("persons") >= least).then(nw.lit(name)).otherwise(level)
    return nw.when(~nw.col("persons").is_null()).then(level)


def _civil(rows: Lazy) -> Lazy:
    """Add to each time its civil day (`*_on`) at the authority and whether it is a day only."""
    zones = {d.jurisdiction: d.time_zone for d in BREACH_DEADLINES}
    zone = nw.col("jurisdiction").replace_strict(
        list(zones), list(zones.values()), default="UTC", return_dtype=nw.String
    )
    rows = rows.with_columns(zone.alias("_zone"))
    for name in _TIMES:
        moment = nw.col(name)
        local: nw.Expr = moment.dt.date()
        for code in sorted(set(zones.values())):
            there = moment.dt.convert_time_zone(code).dt.date()
            local = nw.when(nw.col("_zone") == code).then(there).otherwise(local)
        rows = rows.with_columns(_is_day(moment).alias(f"{name}_day_only")).with_columns(
            nw.when(nw.col(f"{name}_day_only"))
            .then(moment.dt.date())
            .otherwise(local)
            .alias(f"{name}_on")
        )
    return rows


def _is_day(moment: nw.Expr) -> nw.Expr:
    return (moment.dt.hour() == 0) & (moment.dt.minute() == 0) & (moment.dt.second() == 0)


def _with_deadline(rows: Lazy) -> Lazy:
    """Add the limit in force on the day of awareness; none where no row of the table fits."""
    limits = nw.from_native(
        pl.LazyFrame(
            {
                "jurisdiction": [d.jurisdiction for d in BREACH_DEADLINES],
                "limit": [d.limit for d in BREACH_DEADLINES],
                "deadline_unit": [d.unit for d in BREACH_DEADLINES],
                "deadline_notice": [d.notice for d in BREACH_DEADLINES],
                "deadline_source": [d.source for d in BREACH_DEADLINES],
                "deadline_class": [d.threshold_class for d in BREACH_DEADLINES],
                "_ciio": [d.ciio for d in BREACH_DEADLINES],
                "_least": [_RANK[d.least_level] for d in BREACH_DEADLINES],
                "_from": [d.valid_from for d in BREACH_DEADLINES],
                "_to": [d.valid_to for d in BREACH_DEADLINES],
            },
            schema_overrides={"_ciio": pl.Boolean, "_from": pl.Date, "_to": pl.Date},
        )
    )
    aware = nw.col("aware_at_on")
    in_force = (nw.col("_from").is_null() | (nw.col("_from") <= aware)) & (
        nw.col("_to").is_null() | (aware <= nw.col("_to"))
    )
    critical = nw.coalesce(nw.col("is_ciio"), nw.lit(value=False))
    operator = nw.col("_ciio").is_null() | (nw.col("_ciio") == critical)
    rank = nw.col("level").replace_strict(
        list(_RANK), list(_RANK.values()), default=-1, return_dtype=nw.Int64
    )
    known = rows.select(
        "incident_id", "jurisdiction", "aware_at_on", "is_ciio", rank.alias("_rank")
    )
    dated = known.join(limits, on="jurisdiction", how="inner").filter(in_force & operator)
    fits = dated.filter((nw.col("_least") == 0) | (nw.col("_rank") >= nw.col("_least")))
    unrated = dated.filter((nw.col("_least") > 0) & (nw.col("_rank") < 0))
    unsure = unrated.select("incident_id", nw.lit(value=True).alias("level_unknown")).unique()
    chosen = fits.select(
        "incident_id",
        "limit",
        "deadline_unit",
        "deadline_notice",
        "deadline_source",
        "deadline_class",
    )
    hours = (
        nw.when(nw.col("deadline_unit") == "day")
        .then(nw.col("limit") * 24)
        .otherwise(nw.col("limit"))
    )
    return (
        rows.join(chosen, on="incident_id", how="left")
        .join(unsure, on="incident_id", how="left")
        .with_columns(hours.cast(nw.Float64).alias("deadline_h"))
    )


def _delays(t: Tables, rows: Lazy) -> Lazy:
    """Delays of the two notices; an open case runs to the beginning of the day of judgement."""
    today = nw.lit(t.context.as_of)
    rows = rows.with_columns((nw.col("aware_at_on") > today).alias("not_yet"))
    for name in ("notified_at", "users_notified_at"):
        done = (nw.col(f"{name}_on") <= today).fill_null(value=False)
        midnight = today.cast(nw.Datetime("us", "UTC"))
        end = nw.when(done).then(nw.col(name)).otherwise(midnight)
        end_day = nw.when(done).then(nw.col(f"{name}_on")).otherwise(today)
        rough = nw.col("aware_at_day_only") | (
            done & nw.col(f"{name}_day_only").fill_null(value=False)
        )
        days = days_between(nw.col("aware_at_on"), end_day)
        exact = seconds_between(nw.col("aware_at"), end) / _HOUR_SECONDS
        hours = nw.when(rough).then(days * 24.0).otherwise(exact)
        open_hours = hours.clip(lower_bound=0.0)
        rows = rows.with_columns(
            (~done).alias(f"{name}_open"),
            rough.alias(f"{name}_rough"),
            days.alias(f"{name}_days"),
            nw.when(done).then(hours).otherwise(open_hours).alias(f"{name}_hours"),
        )
    return _overdue(rows).with_columns(
        (nw.col("notified_at_open") & ~nw.col("aware_at").is_null()).alias("censored"),
        nw.col("notified_at_rough").alias("day_only"),
    )


def _overdue(rows: Lazy) -> Lazy:
    """Hours beyond the limit, of the notice the limit is about, and what that notice was.

    `notice_delay_h` is counted as the limit counts: in whole days of the calendar, or in hours.
    Where persons must be told and only the authority's date was filed, that date stands in.
    """
    persons = (nw.col("deadline_notice") == "individuals") & ~nw.col("users_notified_at").is_null()
    rows = rows.with_columns(
        nw.when(persons).then(nw.col(f"users_notified_at_{c}")).otherwise(nw.col(f"notified_at_{c}"))
        .alias(f"due_{c}")
        for c in ("hours", "days", "rough", "open")
    )  # fmt: skip
    hours, days, limit = nw.col("due_hours"), nw.col("due_days"), nw.col("limit")
    whole_days = ((days - limit) * 24.0).clip(lower_bound=0.0)
    # Two days filed d days apart are only sure to be more than (d - 1) * 24 hours apart.
    sure = ~nw.col("due_rough") | ((days - 1) * 24 >= limit)
    by_hour = nw.when(sure).then((hours - limit).clip(lower_bound=0.0)).otherwise(0.0)
    overdue = nw.when(nw.col("deadline_unit") == "day").then(whole_days).otherwise(by_hour)
    by_day = (nw.col("deadline_unit") == "day").fill_null(value=False)
    return rows.with_columns(
        overdue.alias("overdue"),
        persons.fill_null(value=False).alias("to_persons"),
        nw.col("due_open").alias("notice_open"),
        nw.when(by_day).then(days * 24.0).otherwise(hours).alias("notice_delay_h"),
    )


def _checks(hours: str) -> tuple[tuple[nw.Expr, Reason], ...]:
    return (
        (nw.col("aware_at").is_null(), Reason.MISSING_INPUT),
        (nw.col("not_yet"), Reason.CENSORED),
        (nw.col(hours) < 0, Reason.MISSING_INPUT),
    )


@feature(
    name="breach_delay_h", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="h",
    direction="high", n="n", source="GDPR art. 33(1)", uses_as_of=True,
    title={"en": "time until the authority was told", "zh": "报告监管机构用时"},
)  # fmt: skip
def breach_delay_h() -> Measure:
    """Hours from awareness to the notice to the authority; whole days times 24 for filed days.

    Not notified: the delay up to the day of the judgement, attribute `censored`. A notice before
    awareness is an error in the filing: null.
    """
    return measure(nw.col("notified_at_hours"), *_checks("notified_at_hours"))


@feature(
    name="breach_overdue_h", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="h",
    direction="high", n="n", source="features/parameters/breach_deadlines.py", uses_as_of=True,
    title={"en": "time beyond the limit", "zh": "超过法定期限时间"},
)  # fmt: skip
def breach_overdue_h() -> Measure:
    """Hours beyond the limit in force on the day of awareness; late is strictly more than 0.

    Day limits count whole days of the authority's calendar. For hour limits and notices filed
    with the day only, late means late at any hour of those days. Without a limit for the
    jurisdiction, date and level: `not_applicable`.
    """
    level = nw.col("level_unknown").fill_null(value=False)
    return measure(
        nw.col("overdue"),
        *_checks("due_hours"),
        (level, Reason.MISSING_INPUT),
        (nw.col("jurisdiction").is_null(), Reason.MISSING_INPUT),
        (nw.col("limit").is_null(), Reason.NOT_APPLICABLE),
    )


@feature(
    name="cac_incident_level", typology=_TYPOLOGY, base=_BASE,
    inputs=("breach_notifications.persons",), unit="class", direction="none", n="n",
    source=LEVELS_SOURCE, kind="class",
    title={"en": "incident level (CAC)", "zh": "网络安全事件等级"},
)  # fmt: skip
def cac_incident_level() -> Measure:
    """Level by persons affected: general, relatively_major (1 m), major (10 m), particularly_major
    (100 m). Economic loss and service criteria, which may raise it, are not filed."""
    return measure(nw.col("level"), (nw.col("persons").is_null(), Reason.MISSING_INPUT))


@feature(
    name="user_notice_delay_d", typology=_TYPOLOGY, base=_BASE,
    inputs=("breach_notifications.aware_at", "breach_notifications.users_notified_at"),
    unit="d", direction="high", n="n", source="catalogue 5", uses_as_of=True,
    title={"en": "time until the persons were told", "zh": "告知个人用时"},
)  # fmt: skip
def user_notice_delay_d() -> Measure:
    """Days from awareness to the notice to the persons; null where no such notice was filed."""
    unknown = (nw.col("users_notified_at_open"), Reason.MISSING_INPUT)
    return measure(
        nw.col("users_notified_at_hours") / 24.0, *_checks("users_notified_at_hours"), unknown
    )
