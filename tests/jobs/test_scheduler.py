"""What a worker plans and does, with a clock the test turns; every due slot leaves a row."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from detector import ledger, slots
from detector.database import connect, upgrade
from detector.jobs import Job, JobResult, JobSystem
from detector.scheduler import Worker, run_now, work
from features.errors import WardenError
from tests.ledger.support import (
    NO_TITLE,
    Clock,
    effects_of,
    make_system,
    minutely,
    rows_of,
    take_effect,
)


@pytest.fixture
def engine(sqlite_url: str) -> Engine:
    engine = connect(sqlite_url)
    upgrade(engine)
    return engine


def worker(engine: Engine, clock: Clock, job: Job, **texts: str) -> Worker:
    return Worker(make_system(engine, clock, **texts), {job.name: job}, heartbeat_s=5)


def daily(catch_up: slots.CatchUp, grace: timedelta | None = None) -> Job:
    return Job("daily", NO_TITLE, "30 2 * * *", take_effect, catch_up, grace)


def states(engine: Engine) -> list[tuple[str, str, str | None]]:
    return [(row.slot[:10], row.state, row.note) for row in rows_of(engine)]


def test_the_first_start_takes_the_latest_slot_and_no_other(engine: Engine) -> None:
    hands = worker(engine, Clock(), daily("each"))
    assert (hands.tick(), hands.tick()) == (1, 0)
    assert states(engine) == [("2026-11-23", "done", None)]
    assert rows_of(engine)[0].counts == {"effects": 1}


def test_three_days_outage_each(engine: Engine) -> None:
    clock = Clock()
    hands = worker(engine, clock, daily("each"))
    hands.tick()
    clock.forward(days=3)
    assert hands.tick() == 3
    assert [state for _, state, _ in states(engine)] == ["done"] * 4
    assert [slot for slot, _ in effects_of(engine)] == [row.slot for row in rows_of(engine)]


def test_three_days_outage_latest_leaves_a_row_for_each_slot(engine: Engine) -> None:
    clock = Clock()
    hands = worker(engine, clock, daily("latest"))
    hands.tick()
    clock.forward(days=3)
    assert hands.tick() == 1
    why = "coalesced into 2026-11-26T02:30:00Z"
    assert states(engine)[1:] == [
        ("2026-11-24", "skipped", why),
        ("2026-11-25", "skipped", why),
        ("2026-11-26", "done", None),
    ]
    assert ("daily", "skipped") in Counter((r.job, r.state) for r in rows_of(engine))


def test_three_days_outage_beyond_the_grace(engine: Engine) -> None:
    clock = Clock()
    hands = worker(engine, clock, daily("each", timedelta(days=1)))
    hands.tick()
    clock.forward(days=3)
    assert hands.tick() == 1
    found = states(engine)[1:]
    assert [state for _, state, _ in found] == ["skipped", "skipped", "done"]
    assert all(note and note.startswith("late by") for _, _, note in found[:2])


def test_slots_that_waited_behind_a_long_run_are_coalesced(engine: Engine) -> None:
    clock = Clock()
    hands = worker(engine, clock, daily("latest"))
    hands.plan()
    clock.forward(days=1)
    assert hands.tick() == 1
    assert states(engine) == [
        ("2026-11-23", "skipped", "coalesced into 2026-11-24T02:30:00Z"),
        ("2026-11-24", "done", None),
    ]


@pytest.mark.parametrize("catch_up", ["each", "latest"])
def test_a_jumping_clock_makes_no_slot_effective_twice_or_lost(
    engine: Engine, catch_up: slots.CatchUp
) -> None:
    clock = Clock()
    hands = worker(engine, clock, minutely(catch_up=catch_up))
    for jump in (1, 60, 1, -60, 1, 1, -90, 30, 61, 60):
        clock.forward(minutes=jump)
        hands.tick()
    hands.tick()
    rows = rows_of(engine)
    first, last = slots.slot_time(rows[0].slot), slots.slot_time(rows[-1].slot)
    assert len(rows) == (last - first) / timedelta(minutes=1) + 1
    assert {row.state for row in rows} <= {"done", "skipped"}
    done = [row.slot for row in rows if row.state == "done"]
    assert [slot for slot, _ in effects_of(engine)] == done
    assert len(done) == len(rows) if catch_up == "each" else len(done) < len(rows)


def test_a_failing_slot_is_tried_again_and_stops_no_other(engine: Engine) -> None:
    clock = Clock()
    calls: list[str] = []

    def moody(system: JobSystem, claim: ledger.Claim, slot: str) -> JobResult:
        calls.append(slot)
        if slot.endswith("10:01:00Z"):
            raise RuntimeError("no luck")
        return take_effect(system, claim, slot)

    hands = worker(engine, clock, minutely(moody))
    for _ in range(10):
        hands.tick()
        clock.forward(minutes=1)
    bad = "2026-11-23T10:01:00Z"
    assert Counter(calls)[bad] == 3
    assert set(Counter(c for c in calls if c != bad).values()) == {1}
    failed = [row for row in rows_of(engine) if row.state != "done"]
    assert [(r.slot, r.state, r.attempt, r.error) for r in failed] == [
        (bad, "failed", 3, "RuntimeError('no luck')")
    ]
    assert hands.ended == {"done": 9, "retry": 2, "failed": 1}


def test_a_second_attempt_that_succeeds_counts_once(engine: Engine) -> None:
    clock = Clock()

    def late(system: JobSystem, claim: ledger.Claim, slot: str) -> JobResult:
        if claim.attempt == 1:
            raise WardenError("overtaken", "Another was faster.", kind="conflict")
        return JobResult(counts={"n": 1}, inputs_hash="i", outputs_hash="o", note="well")

    hands = worker(engine, clock, Job("daily", NO_TITLE, "30 2 * * *", late))
    hands.tick()
    clock.forward(seconds=31)
    hands.tick()
    (row,) = rows_of(engine)
    assert (row.state, row.attempt, row.counts, row.note) == ("done", 2, {"n": 1}, "well")
    assert row.error == "overtaken: Another was faster."


def test_schedules_come_from_the_settings(engine: Engine) -> None:
    clock = Clock()
    assert worker(engine, clock, daily("each"), daily="off").tick() == 0
    assert rows_of(engine) == []
    worker(engine, clock, daily("each"), daily="0 9 * * *").tick()
    assert [row.slot for row in rows_of(engine)] == ["2026-11-23T09:00:00Z"]
    with pytest.raises(WardenError, match="no job `weekly`"):
        worker(engine, clock, daily("each"), weekly="0 9 * * *")
    with pytest.raises(WardenError, match="cannot be used"):
        worker(engine, clock, daily("each"), daily="0 99 * * *")


def test_a_job_run_by_hand_has_a_slot_of_its_own(engine: Engine) -> None:
    clock = Clock()
    system = make_system(engine, clock)
    jobs = {"daily": daily("each")}
    row = run_now(system, "daily", jobs)
    assert (row.state, row.slot.startswith("manual:"), row.counts) == ("done", True, {"effects": 1})
    assert Worker(system, jobs).tick() == 1, "the scheduled slot is still due"
    with pytest.raises(WardenError, match="no job `nightly`"):
        run_now(system, "nightly", jobs)


def test_work_once_ends_when_nothing_is_due(engine: Engine) -> None:
    clock = Clock()
    hands = worker(engine, clock, minutely())
    hands.plan()
    clock.forward(minutes=5)
    assert work(hands.system, once=True, worker=hands) == {"done": 6}


def test_work_told_to_end_at_once_gives_the_run_back(engine: Engine) -> None:
    def told(system: JobSystem, claim: ledger.Claim, slot: str) -> JobResult:
        raise SystemExit(143)

    hands = worker(engine, Clock(), minutely(told))
    with pytest.raises(SystemExit):
        work(hands.system, once=True, worker=hands)
    (row,) = rows_of(engine)
    assert (row.state, row.attempt, row.note) == ("planned", 1, "the worker was told to end")


def test_work_in_a_thread_of_another_process_stops_by_event(engine: Engine) -> None:
    stop = threading.Event()

    def last(system: JobSystem, claim: ledger.Claim, slot: str) -> JobResult:
        stop.set()
        return take_effect(system, claim, slot)

    hands = worker(engine, Clock(), minutely(last))
    thread = threading.Thread(
        target=work, args=(hands.system,), kwargs={"stop": stop, "worker": hands}
    )
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert hands.ended == {"done": 1}
