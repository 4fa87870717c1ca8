"""Duties of operators neglected: requests, leaks, transfers abroad, audits."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables, blend

LAST = date(2026, 10, 31)
DUE = {"US-CA": 45.0, "EU": 30.0, "CN": 21.0}
"""Days an answer may take (15 working days in China)."""
TWICE = 2.0
REFUSED = 0.3
"""The catalogue's example: three in ten refused where others refuse one."""
FIRST_LIMIT, MILLION = 100_000, 1_000_000.0
JUST_BELOW = 97_000.0
OPERATOR = "operator_id"


def picked(ids: pl.Series, count: int, rng: Random) -> list[str]:
    """So many of the ids, the same ones for the same generator."""
    sorted_ids = ids.unique().sort()
    places = np.sort(rng.choice(sorted_ids.len(), min(count, sorted_ids.len()), replace=False))
    return [str(i) for i in sorted_ids.gather(places)]


def alone(ids: list[str]) -> tuple[frozenset[str], ...]:
    """One case a subject."""
    return tuple(frozenset([i]) for i in ids)


def slow(
    tables: Tables, strength: float, rng: Random, *, count: int, places: tuple[str, ...]
) -> Planted:
    """Stretches the answer times of `count` operators until half of them take twice their time."""
    rows = tables["dsar_requests"]
    chosen = picked(rows.filter(pl.col("jurisdiction").is_in(places))[OPERATOR], count, rng)
    took = (pl.col("closed_on") - pl.col("received_on")).dt.total_days().cast(pl.Float64)
    due = pl.col("jurisdiction").replace_strict(DUE, return_dtype=pl.Float64)
    factor = (TWICE * due / took.median().over(OPERATOR)).clip(lower_bound=1.0)
    closed = pl.col("received_on") + pl.duration(days=(took * factor**strength).round())
    mine = pl.col(OPERATOR).is_in(chosen)
    moved = rows.with_columns(closed_on=pl.when(mine).then(closed).otherwise("closed_on"))
    answered = pl.col("closed_on") <= LAST
    open_now = {c: pl.when(answered).then(pl.col(c))
                for c in ("outcome", "refusal_ground", "closed_on")}  # fmt: skip
    changed = {**tables, "dsar_requests": moved.with_columns(**open_now)}
    return Planted(changed, alone(chosen))


def refusals(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Refuses requests of `count` operators until three in ten of those answered are refused."""
    rows = tables["dsar_requests"].with_columns(
        luck=pl.Series(rng.random(len(tables["dsar_requests"])))
    )
    chosen = picked(rows[OPERATOR], count, rng)
    answered, refused = pl.col("outcome").is_not_null(), pl.col("outcome") == "refused"
    own = (refused.sum() / answered.sum()).over(OPERATOR)
    more = (strength * (REFUSED - own) / (1 - own)).clip(lower_bound=0.0)
    turned = pl.col(OPERATOR).is_in(chosen) & answered & ~refused & (pl.col("luck") < more)
    changed = rows.with_columns(
        outcome=pl.when(turned).then(pl.lit("refused")).otherwise("outcome"),
        refusal_ground=pl.when(turned).then(pl.lit("unfounded")).otherwise("refusal_ground"),
    )
    return Planted({**tables, "dsar_requests": changed.drop("luck")}, alone(chosen))


def silence(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Withdraws notices of 2026 of operators of which others surely saw four or more leaks.

    A share of all their incidents, seen or not, at least one above strength 0. The leak stays and
    names no notice any more.
    """
    notices, seen = tables["breach_notifications"], tables["external_leaks"]
    begun = date(2026, 1, 1)
    sure = seen.filter(pl.col("first_seen") >= begun, pl.col("confidence") >= 0.8)
    many = sure.group_by(OPERATOR).len().filter(pl.col("len") >= 4)[OPERATOR]
    chosen = picked(many, count, rng)
    year = notices.filter(pl.col("aware_at") >= begun, pl.col(OPERATOR).is_in(chosen))
    place = pl.col("luck").rank("ordinal").over(OPERATOR) - 1
    hushed = year.with_columns(luck=pl.Series(rng.random(year.height))).filter(
        place < (pl.len().over(OPERATOR) * strength).ceil()
    )["incident_id"]  # fmt: skip
    unsaid = pl.col("incident_id").is_in(hushed.implode())
    planted = {
        "breach_notifications": notices.filter(~unsaid),
        "external_leaks": seen.with_columns(
            incident_id=pl.when(~unsaid.fill_null(value=False)).then("incident_id")
        ),
    }
    return Planted({**tables, **planted}, alone(chosen))


def _bare(rows: pl.DataFrame) -> pl.DataFrame:
    """Persons of the year of operators that file no mechanism and send no staff data."""
    return (
        rows.group_by(OPERATOR)
        .agg(
            bare=(pl.col("mechanism") == "none").all() & pl.col("exemption_ground").is_null().all(),
            persons=pl.col("persons_new").sum(),
        )
        .filter("bare")
        .sort(OPERATOR)
    )


def _sent(rows: pl.DataFrame, goal: dict[str, float]) -> pl.DataFrame:
    """Transfers with the year of these operators scaled to so many persons."""
    factor = (
        pl.col(OPERATOR).replace_strict(goal, default=None, return_dtype=pl.Float64)
        / pl.col("persons_new").sum().over(OPERATOR)
    ).fill_null(1.0)
    return rows.with_columns(persons_new=(pl.col("persons_new") * factor).round().cast(pl.Int64))


def unfiled(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Grows the transfers of `count` small operators without a mechanism to a million persons."""
    rows = tables["crossborder_transfers"]
    bare = _bare(rows)
    chosen = picked(bare[OPERATOR], count, rng)
    now = dict(zip(bare[OPERATOR], bare["persons"], strict=True))
    goal = {o: float(blend(np.array(now[o]), np.array(MILLION), strength)) for o in chosen}
    return Planted({**tables, "crossborder_transfers": _sent(rows, goal)}, alone(chosen))


def split(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Grows the transfers of two or three firms of a group to just below the first limit each."""
    rows = tables["crossborder_transfers"]
    bare = _bare(rows).join(tables["firms"], left_on=OPERATOR, right_on="firm_id")
    several = bare.filter(pl.len().over("group_id") >= 2)
    groups = picked(several["group_id"], count, rng)
    members = several.filter(pl.col("group_id").is_in(groups)).sort(OPERATOR)
    goal = {o: float(blend(np.array(p), np.array(JUST_BELOW), strength))
            for o, p in members.select(OPERATOR, "persons").iter_rows()}  # fmt: skip
    cases = tuple(frozenset(members.filter(pl.col("group_id") == g)[OPERATOR]) for g in groups)
    return Planted({**tables, "crossborder_transfers": _sent(rows, goal)}, cases)


def overdue(
    tables: Tables, strength: float, rng: Random, *, count: int, event: str, half: int
) -> Planted:
    """Ages the last audit (or yearly report) of `count` operators that owe one.

    At strength 0 it is two weeks before it is due again, at 1 a year past that day.
    """
    rows = tables["compliance_events"]
    large = (pl.col("persons_processed") > 10_000_000) | (
        pl.lit(event == "audit") & pl.col("cycle_months").is_not_null()
    )
    # Every second operator by number: two schemes never meet.
    apart = pl.col(OPERATOR).str.slice(-1).cast(pl.Int64) % 2 == half
    chosen = picked(rows.filter(pl.col("event_type") == event, large, apart)[OPERATOR], count, rng)
    months = pl.col("cycle_months").fill_null(24) if event == "audit" else pl.lit(12)
    back = timedelta(days=round(strength * 379) - 14)
    day = (pl.lit(date(2026, 11, 1)) - pl.lit(back)).dt.offset_by(pl.format("-{}mo", months))
    mine = pl.col(OPERATOR).is_in(chosen) & (pl.col("event_type") == event)
    aged = rows.with_columns(date=pl.when(mine).then(day).otherwise("date"))
    return Planted({**tables, "compliance_events": aged}, alone(chosen))


def request_schemes(count: int) -> tuple[Scheme, ...]:
    """Slow answers and refusals."""
    operators = ("dsar_requests", (OPERATOR,))
    meaning = "answer times from the operator's own to a median of twice the time allowed"
    return (
        Scheme(
            "slow answers in California", ("PRIV-DSAR-DELAY",), meaning, operators,
            partial(slow, count=count, places=("US-CA",)),
        ),
        Scheme(
            "slow answers elsewhere", ("PRIV-DSAR-DELAY",), meaning, operators,
            partial(slow, count=count, places=("EU", "CN")),
        ),
    )  # fmt: skip


def refusal_schemes(count: int) -> tuple[Scheme, ...]:
    """Refusals, in filings of their own: slow operators would hide among them."""
    return (
        Scheme(
            "needless refusals", ("PRIV-DSAR-REFUSAL",),
            "share of requests refused, from the operator's own (about 0.1) to 0.3",
            ("dsar_requests", (OPERATOR,)), partial(refusals, count=count),
        ),
    )  # fmt: skip


def leak_schemes(count: int) -> tuple[Scheme, ...]:
    """Leaks kept quiet."""
    return (
        Scheme(
            "leaks never told of", ("PRIV-BREACH-UNDERREPORT",),
            "share of an operator's incidents of a year never told of; others see most of them",
            ("market_positions", ("firm_id",)), partial(silence, count=count),
        ),
    )  # fmt: skip


def transfer_schemes(count: int) -> tuple[Scheme, ...]:
    """Transfers past a limit, openly or in parts."""
    operators = ("crossborder_transfers", (OPERATOR,))
    return (
        Scheme(
            "transfers without a mechanism", ("PRIV-XBORDER",),
            "persons sent in the year, from the operator's own (5,000 to 85,000) to 1,000,000",
            operators, partial(unfiled, count=count),
        ),
    )  # fmt: skip


def split_schemes(count: int) -> tuple[Scheme, ...]:
    """Transfers spread over firms of a group."""
    return (
        Scheme(
            "transfers split over a group", ("PRIV-XBORDER",),
            "persons each of two or three firms of a group sends, from its own to 97,000",
            ("crossborder_transfers", (OPERATOR,)), partial(split, count=count),
        ),
    )  # fmt: skip


def audit_schemes(count: int) -> tuple[Scheme, ...]:
    """Audits and yearly reports that are overdue."""
    operators, typology = ("compliance_events", (OPERATOR,)), ("PRIV-AUDIT-OVERDUE",)
    return (
        Scheme(
            "audit overdue", typology,
            "days past the day it was due, 1 is a year; at 0 two weeks before it",
            operators, partial(overdue, count=count, event="audit", half=0),
        ),
        Scheme(
            "yearly report overdue", typology,
            "days past the day it was due, 1 is a year; at 0 two weeks before it",
            operators, partial(overdue, count=count, event="annual_report", half=1),
        ),
    )  # fmt: skip
