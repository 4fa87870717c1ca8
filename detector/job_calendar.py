"""The ledger as a calendar: by job and day what became of its slots, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

import sqlalchemy as sa
from apscheduler.triggers.cron import CronTrigger

from detector import slots
from detector.database import ReadConnection, reading
from detector.jobs import OFF, Job, JobSystem, all_jobs
from detector.leases import MANUAL, scheduled
from detector.ledger import Run, run_id_of
from detector.scheduler import schedules
from detector.tables import run

LATE = timedelta(minutes=10)
"""A slot that started so long after its time was late."""
COUNTED = 500
"""Slots of a job in the window up to which each is looked at; jobs of every minute coalesce what
they missed, so there a late slot is one that took more than one attempt."""
DURATIONS = 100
"""The last runs a usual duration is told from."""
STATES = ("failed", "running", "waiting", "late", "done", "missed", "planned", "skipped", "none")
"""What a day may be, the gravest first: what it shows is the first that holds."""


@dataclass(frozen=True, slots=True)
class Day:
    """One job on one day.

    Attributes:
        state: one of `STATES`; `missed` is past its time without a row: no worker was at work.
        slots: slots with a row. failed: those that failed.
        run_id: the slot that decides the state, None where there is none.
    """

    state: str
    slots: int = 0
    failed: int = 0
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One job in the calendar; `p50_s` is its usual duration in seconds over `n` runs.

    Attributes:
        latest: its latest slot in the window that has a row.
    """

    job: Job
    schedule: str
    next_slot: datetime | None
    days: tuple[Day, ...]
    p50_s: float | None
    n: int
    latest: str | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """All jobs over some days, today last.

    Attributes:
        idle_since: the slot no worker has planned although it is due, None when all are planned.
    """

    days: tuple[date, ...]
    lines: tuple[Line, ...]
    idle_since: datetime | None


def calendar(system: JobSystem, days: int = 14) -> Calendar:
    """The last days of every job of the installation."""
    now, jobs = system.clock(), all_jobs()
    triggers = schedules(system, jobs)
    texts = system.settings.jobs.schedules()
    window = tuple(now.date() - timedelta(days=n) for n in reversed(range(days)))
    with reading(system.engine) as connection:
        # before the first run nobody could have been at work
        begun = connection.scalar(sa.select(sa.func.min(run.c.planned_at))) or now
        lines = tuple(
            _line(
                connection, job, texts.get(name, job.schedule), triggers.get(name), window,
                (begun, now),
            )
            for name, job in jobs.items()
        )  # fmt: skip
    latest = {one.job.name: one.latest for one in lines if one.latest is not None}
    return Calendar(window, lines, _idle_since(latest, triggers, window[0], now))


def failed_runs(connection: ReadConnection, limit: int = 20) -> list[Run]:
    """Runs that failed and were not tried again, the latest first."""
    query = sa.select(run).where(run.c.state == "failed")
    rows = connection.execute(query.order_by(run.c.planned_at.desc()).limit(limit))
    return [Run(**row._mapping) for row in rows]


def latest_runs(connection: ReadConnection, by_hand: int = 5) -> list[Run]:
    """The latest run of each job and the latest by hand, the newest first."""
    queries = [
        sa.select(run).where(run.c.job == name, scheduled()).order_by(run.c.slot.desc()).limit(1)
        for name in all_jobs()
    ]
    hand = sa.select(run).where(run.c.slot.startswith(MANUAL))
    queries.append(hand.order_by(run.c.planned_at.desc()).limit(by_hand))
    rows = [row for query in queries for row in connection.execute(query)]
    found = [Run(**row._mapping) for row in rows]
    return sorted(found, key=lambda one: one.planned_at, reverse=True)


def _line(
    connection: ReadConnection,
    job: Job,
    text: str,
    trigger: CronTrigger | None,
    window: Sequence[date],
    span: tuple[datetime, datetime],
) -> Line:
    rows = _by_day(connection, job.name, window[0])
    late = _late_days(connection, job.name, window[0])
    days = tuple(
        _day(job.name, day, rows.get(day, {}), day in late, trigger, span) for day in window
    )
    p50, n = _usual(connection, job.name)
    following = slots.next_slot(trigger, span[1]) if trigger else None
    latest = max((slot for day in rows.values() for _, slot in day.values()), default=None)
    return Line(job, OFF if trigger is None else text, following, days, p50, n, latest)


def _by_day(
    connection: ReadConnection, job: str, first: date
) -> dict[date, dict[tuple[str, bool], tuple[int, str]]]:
    """By day and (state, tried again): how many slots, and the latest of them."""
    day, again = sa.func.substr(run.c.slot, 1, 10), run.c.attempt > 1
    query = (
        sa.select(day, run.c.state, again, sa.func.count(), sa.func.max(run.c.slot))
        .where(run.c.job == job, scheduled(), run.c.slot >= first.isoformat())
        .group_by(day, run.c.state, again)
    )
    found: dict[date, dict[tuple[str, bool], tuple[int, str]]] = {}
    for on, state, tried, n, slot in connection.execute(query):
        found.setdefault(date.fromisoformat(on), {})[state, bool(tried)] = (n, slot)
    return found


def _late_days(connection: ReadConnection, job: str, first: date) -> set[date]:
    """Days with a slot that started late."""
    query = sa.select(run.c.slot, run.c.started_at).where(
        run.c.job == job, scheduled(), run.c.slot >= first.isoformat(), run.c.state == "done"
    )
    rows = connection.execute(query.limit(COUNTED + 1)).all()
    if len(rows) > COUNTED:
        return set()
    timed = ((slots.slot_time(slot), started) for slot, started in rows if started)
    return {at.date() for at, started in timed if started - at > LATE}


def _day(
    job: str,
    day: date,
    rows: Mapping[tuple[str, bool], tuple[int, str]],
    late: bool,
    trigger: CronTrigger | None,
    span: tuple[datetime, datetime],
) -> Day:
    words = {
        ("planned", False): "waiting", ("planned", True): "waiting", ("done", True): "late",
    }  # fmt: skip
    states = {words.get(key, key[0]): slot for key, (_, slot) in rows.items()}
    if late and "done" in states:
        states.setdefault("late", states["done"])
    if not states:
        return Day(_empty(day, trigger, span))
    state = min(states, key=STATES.index)
    failed = sum(n for (name, _), (n, _) in rows.items() if name == "failed")
    total = sum(n for n, _ in rows.values())
    return Day(state, total, failed, run_id_of(job, states[state]))


def _empty(day: date, trigger: CronTrigger | None, span: tuple[datetime, datetime]) -> str:
    """What a day without a row is: nothing was due, is still to come, or nobody was at work.

    Args:
        span: when the installation first ran anything, and now.
    """
    begun, now = span
    if trigger is None or day < begun.date():
        return "none"
    start = max(datetime.combine(day, time(), UTC), begun)
    first = slots.next_slot(trigger, start - timedelta(microseconds=1))
    if first.date() != day:
        return "none"
    return "planned" if first > now else "missed"


def _usual(connection: ReadConnection, job: str) -> tuple[float | None, int]:
    query = (
        sa.select(run.c.started_at, run.c.finished_at)
        .where(run.c.job == job, run.c.state == "done", run.c.finished_at.is_not(None))
        .order_by(run.c.slot.desc())
        .limit(DURATIONS)
    )
    took = [
        (end - start).total_seconds() for start, end in connection.execute(query) if start and end
    ]
    return (median(took) if took else None), len(took)


def _idle_since(
    latest: Mapping[str, str], triggers: Mapping[str, CronTrigger], first: date, now: datetime
) -> datetime | None:
    """The latest slot due before the last minutes that nobody has planned."""
    before = now - timedelta(minutes=2)
    for name, trigger in triggers.items():
        due = slots.latest_slot(trigger, before)
        if due is None or due.date() < first:
            continue
        if name not in latest or slots.slot_time(latest[name]) < due:
            return due
    return None
