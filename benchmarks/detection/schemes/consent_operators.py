"""Operators: children without safeguards, services combined, records kept too long."""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.apps import cases, drawn
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

OPERATOR = "operator_id"
NO_GUARDIAN, PUT_OFF_DAYS, OVERDUE, OVERDUE_DAYS, PROMPTS = 0.15, 365, 0.3, 335, 7
"""The catalogue's examples; an audit put off by a cycle; a user asked as often as where it nags."""
LASTS = 6
LAST_DAY = date(2026, 9, 30)


def unguarded(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Children without a guardian's consent and minors shown profiled advertising: 15 of 100."""
    rows = tables["minor_metrics"]
    chosen = drawn(rows[OPERATOR], count, rng, 0, 3)
    months = rows["month"].unique().sort()[-LASTS:]
    mine = pl.col(OPERATOR).is_in(chosen.implode()) & pl.col("month").is_in(months.implode())
    part = strength * NO_GUARDIAN
    lost = (pl.col("accounts") * part).round().cast(pl.Int64)
    fewer = pl.max_horizontal(pl.col("guardian_consented") - lost, pl.lit(0))
    more = pl.min_horizontal("accounts", pl.col("profiled_ads") + lost)
    filed = rows.with_columns(
        guardian_consented=pl.when(mine & pl.col("guardian_consented").is_not_null())
        .then(fewer).otherwise("guardian_consented"),
        profiled_ads=pl.when(mine).then(more).otherwise("profiled_ads"),
    )  # fmt: skip
    return Planted({**tables, "minor_metrics": filed}, cases(chosen))


def unaudited(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Puts the yearly audit off, by a whole year at 1; one that has not come is not filed."""
    events = tables["compliance_events"]
    chosen = _audited(tables["firms"], rng, count, 1)
    first = pl.col("date").rank("ordinal").over(OPERATOR) == 1
    mine = pl.col(OPERATOR).is_in(chosen.implode()) & ~first
    delay = pl.duration(days=round(PUT_OFF_DAYS * strength))
    moved = events.with_columns(date=pl.when(mine).then(pl.col("date") + delay).otherwise("date"))
    filed = moved.filter(pl.col("date") <= LAST_DAY)
    return Planted({**tables, "compliance_events": filed}, cases(chosen))


def never_audited(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Leaves yearly audits out, the latest first: there never was one at strength 1."""
    events = tables["compliance_events"]
    chosen = _audited(tables["firms"], rng, count, 2)
    latest = pl.col("date").rank("ordinal", descending=True).over(OPERATOR)
    gone = pl.col(OPERATOR).is_in(chosen.implode()) & (
        latest <= (pl.len().over(OPERATOR) * strength).ceil()
    )
    return Planted({**tables, "compliance_events": events.filter(~gone)}, cases(chosen))


def _audited(firms: pl.DataFrame, rng: Random, count: int, turn: int) -> pl.Series:
    """Some Chinese operators, who owe a yearly audit; others for every turn."""
    chinese = firms.filter(pl.col("jurisdiction") == "CN")["firm_id"]
    return drawn(firms["firm_id"], count, rng, turn, 3, chinese)


def _pairs(
    tables: Tables, rng: Random, count: int, turn: int, *, named: bool
) -> tuple[pl.Expr, tuple[frozenset[str], ...]]:
    """One pair of services of some operators: the months it is about, and the cases."""
    firms = tables["firms"].filter(pl.col("is_gatekeeper") == named)["firm_id"]
    chosen = drawn(firms, count, rng)
    rows = tables["linkage_metrics"].sort(OPERATOR, "service_a")
    pairs = rows.filter(pl.col(OPERATOR).is_in(chosen.implode())).unique(
        [OPERATOR, "service_a", "service_b"], keep="first", maintain_order=True
    )
    pairs = pairs.filter(pl.int_range(pl.len()).over(OPERATOR) == turn)
    months = rows["month"].unique().sort()[-LASTS:]
    mine = pl.col("service_a").is_in(pairs["service_a"].implode()) & pl.col("month").is_in(
        months.implode()
    )
    names = pairs.select("service_a", "service_b").iter_rows()
    return mine, tuple(frozenset(pair) for pair in names)


def combined(
    tables: Tables, strength: float, rng: Random, *, count: int, turn: int, named: bool
) -> Planted:
    """Combines users of two services who gave no consent to that: all of them at strength 1."""
    mine, found = _pairs(tables, rng, count, turn, named=named)
    none = pl.max_horizontal(
        "linked_without_specific_consent",
        (pl.col("linked_users") * strength).round().cast(pl.Int64),
    )
    filed = tables["linkage_metrics"].with_columns(
        linked_without_specific_consent=pl.when(mine).then(none).otherwise(
            "linked_without_specific_consent")
    )  # fmt: skip
    return Planted({**tables, "linkage_metrics": filed}, found)


def asked(tables: Tables, strength: float, rng: Random, *, count: int, turn: int) -> Planted:
    """Asks who refused the combination again, up to seven times in twelve months."""
    mine, found = _pairs(tables, rng, count, turn, named=True)
    own = pl.col("reprompts")
    more = pl.max_horizontal(own, ((1 - strength) * own + strength * PROMPTS).round())
    filed = tables["linkage_metrics"].with_columns(
        reprompts=pl.when(mine).then(more.cast(pl.Int64)).otherwise(own)
    )
    return Planted({**tables, "linkage_metrics": filed}, found)


def overkept(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Keeps records of every type beyond the limit, by up to 335 days: three of ten at 1."""
    rows = tables["retention_samples"]
    chosen = drawn(rows[OPERATOR], count, rng)
    days = rows["sampled_on"].unique().sort()[-2:]
    luck, over = rng.random(rows.height), rng.uniform(1, OVERDUE_DAYS, rows.height)
    late = (
        pl.col(OPERATOR).is_in(chosen.implode())
        & pl.col("sampled_on").is_in(days.implode())
        & ~pl.col("legal_hold")
        & pl.Series(luck < OVERDUE * strength)
    )
    age = pl.when(late).then(pl.col("limit_days") + np.round(over, 1)).otherwise("age_days")
    return Planted({**tables, "retention_samples": rows.with_columns(age_days=age)}, cases(chosen))


def minors(count: int) -> tuple[Scheme, ...]:
    """Children without safeguards, audits put off."""
    who = ("minor_metrics", (OPERATOR, "month"))
    return (
        Scheme("children without safeguards", ("PRIV-MINORS",),
               "share without a guardian's consent and shown profiled ads, 1 is 0.15", who,
               partial(unguarded, count=count)),
        Scheme("minors never audited", ("PRIV-MINORS",),
               "share of the yearly audits left out, latest first; at 1 there never was one", who,
               partial(never_audited, count=count)),
        Scheme("minors' audit put off", ("PRIV-MINORS",),
               "delay of the yearly audit, 1 is a whole year", who,
               partial(unaudited, count=count)),
    )  # fmt: skip


def combination(count: int) -> tuple[Scheme, ...]:
    """Services combined without consent, and nagging for it."""
    what = ("linkage_metrics", (OPERATOR, "service_a", "service_b", "month"))
    said = "share of the linked users who gave no specific consent"
    return (
        Scheme("services combined, designated operator", ("PRIV-COMBINE",), said, what,
               partial(combined, count=count, turn=0, named=True)),
        Scheme("asked again to combine", ("PRIV-COMBINE",),
               "prompts again in twelve months, from the pair's own to 7", what,
               partial(asked, count=count, turn=1)),
        Scheme("services combined, other operator", ("PRIV-COMBINE",), said, what,
               partial(combined, count=count, turn=0, named=False)),
    )  # fmt: skip


def retention(count: int) -> tuple[Scheme, ...]:
    """Records kept beyond the limit."""
    return (
        Scheme("records kept too long", ("PRIV-RETENTION",),
               "share of records beyond the limit, 1 is 0.3",
               ("retention_samples", (OPERATOR, "data_type", "sampled_on")),
               partial(overkept, count=count)),
    )  # fmt: skip
