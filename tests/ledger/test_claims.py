"""Claims, leases and tokens, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from detector import ledger
from detector.database import reading, writing
from detector.leases import CLOCK_SET_BACK
from detector.tables import fence, run
from features.errors import WardenError
from tests.ledger.support import Clock, effects, effects_of, in_threads, make_system, rows_of

SLOT = "2026-11-23T10:00:00Z"


def planned(engine: Engine, clock: Clock, slot: str = SLOT) -> str:
    with writing(engine) as conn:
        ledger.plan(conn, "job", slot, now=clock())
    return slot


def take(engine: Engine, clock: Clock, slot: str = SLOT, worker: str = "a") -> ledger.Claim:
    mine = ledger.claim(engine, "job", slot, worker, 30, clock=clock)
    assert mine is not None
    return mine


def refused(code: str) -> pytest.RaisesExc[WardenError]:
    return pytest.RaisesExc(WardenError, check=lambda e: (e.code, e.kind) == (code, "conflict"))


def test_a_slot_has_one_row(engine: Engine) -> None:
    clock = Clock()
    with writing(engine) as conn:
        first = ledger.plan(conn, "job", SLOT, now=clock())
        again = ledger.plan(conn, "job", SLOT, now=clock.forward(hours=1))
        other = ledger.plan(conn, "other", SLOT, now=clock())
    assert (first, again, other) == (True, False, True)
    assert [row.planned_at for row in rows_of(engine, "job")] == [Clock().now]
    values = {"run_id": "x", "job": "job", "slot": SLOT, "state": "planned", "planned_at": clock()}
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as conn:
        conn.execute(run.insert().values(**values))


def test_eight_threads_one_winner_each_and_tokens_only_rise(engine: Engine) -> None:
    clock = Clock()
    for n in range(12):
        slot = planned(engine, clock, f"2026-11-23T10:{n:02}:00Z")
        won = in_threads(
            8, lambda i, s=slot: ledger.claim(engine, "job", s, str(i), 30, clock=clock)
        )
        winners = [w for w in won if isinstance(w, ledger.Claim)]
        assert len(winners) == 1
        row = rows_of(engine)[n]
        assert (row.worker, row.token, row.state) == (
            winners[0].worker, winners[0].token, "running",
        )  # fmt: skip
    tokens = [row.token for row in rows_of(engine)]
    assert tokens == sorted(set(tokens))


def test_exclusive_jobs_run_one_slot_at_a_time(engine: Engine) -> None:
    clock = Clock()
    slots = [planned(engine, clock, f"2026-11-23T1{n}:00:00Z") for n in range(8)]
    won = in_threads(
        8,
        lambda i: ledger.claim(engine, "job", slots[i], str(i), 30, clock=clock, exclusive=True),
    )
    winners = [w for w in won if isinstance(w, ledger.Claim)]
    assert len(winners) == 1
    with writing(engine) as conn:
        ledger.finish(conn, winners[0], now=clock())
    rest = next(slot for slot in slots if slot != winners[0].slot)
    assert ledger.claim(engine, "job", rest, "z", 30, clock=clock, exclusive=True)


def test_finish_records_what_was_done(engine: Engine) -> None:
    clock = Clock()
    mine = take(engine, clock, planned(engine, clock))
    with writing(engine) as conn:
        ledger.finish(
            conn, mine, now=clock.forward(seconds=5), counts={"fired": 3, "名": "值"},
            inputs_hash="in", outputs_hash="out", note="n",
        )  # fmt: skip
    row = rows_of(engine)[0]
    assert row.counts == {"fired": 3, "名": "值"}
    assert (row.state, row.inputs_hash, row.outputs_hash, row.note) == ("done", "in", "out", "n")
    assert row.finished_at == clock() and row.finished_at.tzinfo is not None
    assert row.as_dict()["finished_at"] == clock().isoformat()
    with refused("lost_lease"), writing(engine) as conn:
        ledger.finish(conn, mine, now=clock())


def test_a_hundred_zombies_are_refused_and_leave_nothing(engine: Engine) -> None:
    clock = Clock()
    make_system(engine, clock)
    for n in range(100):
        slot = planned(engine, clock, f"{n:03}")
        zombie = take(engine, clock, slot, "zombie")
        clock.forward(seconds=31)
        ledger.reap(engine, clock)
        heir = take(engine, clock, slot, "heir")
        assert heir.token > zombie.token and heir.attempt == 2 and heir.key != zombie.key
        # before the heir has finished as well as after, the zombie writes in vain
        for mine in (zombie, heir, zombie) if n % 2 else (heir, zombie):
            try:
                with writing(engine) as conn:
                    conn.execute(effects.insert().values(slot=slot, token=mine.token))
                    ledger.finish(conn, mine, now=clock())
            except WardenError as error:
                assert (error.code, mine) == ("lost_lease", zombie)
    expected = [(row.slot, row.token) for row in rows_of(engine)]
    assert len(expected) == 100
    assert effects_of(engine) == expected
    assert {row.worker for row in rows_of(engine)} == {"heir"}


def test_a_heartbeat_keeps_the_lease(engine: Engine) -> None:
    clock = Clock()
    mine = take(engine, clock, planned(engine, clock))
    for _ in range(5):
        clock.forward(seconds=20)
        ledger.heartbeat(engine, mine, clock=clock)
        assert ledger.reap(engine, clock) == []
    clock.forward(seconds=29)
    assert ledger.reap(engine, clock) == []
    clock.forward(seconds=2)
    assert ledger.reap(engine, clock) == [mine.run_id]
    with refused("lost_lease"):
        ledger.heartbeat(engine, mine, clock=clock)
    with reading(engine) as conn:
        assert not ledger.still_held(conn, mine)


def test_a_slot_that_kills_its_workers_ends_as_failed(engine: Engine) -> None:
    clock = Clock()
    planned(engine, clock)
    for attempt in (1, 2, 3):
        assert take(engine, clock, worker=f"w{attempt}").attempt == attempt
        clock.forward(seconds=31)
        ledger.reap(engine, clock, max_attempts=3)
    row = rows_of(engine)[0]
    assert (row.state, row.attempt, row.finished_at) == ("failed", 3, clock())
    assert row.error is not None and row.error.endswith("w3")
    assert ledger.claim(engine, "job", SLOT, "w4", 30, clock=clock) is None


def test_a_clock_set_back_does_not_keep_a_dead_worker_alive(engine: Engine) -> None:
    clock = Clock()
    take(engine, clock, planned(engine, clock))
    clock.now -= CLOCK_SET_BACK
    assert ledger.reap(engine, clock) == []
    clock.forward(seconds=-1)
    assert len(ledger.reap(engine, clock)) == 1


def test_a_failure_waits_longer_each_time_and_then_stays(engine: Engine) -> None:
    clock = Clock()
    planned(engine, clock)
    for wait in (30, 60):
        mine = take(engine, clock)
        with writing(engine) as conn:
            assert ledger.fail(conn, mine, "boom", now=clock())
        assert ledger.claim(engine, "job", SLOT, "a", 30, clock=clock) is None
        clock.forward(seconds=wait - 1)
        with reading(engine) as conn:
            assert ledger.due(conn, ["job"], now=clock()) == []
        clock.forward(seconds=1)
        with reading(engine) as conn:
            assert ledger.due(conn, ["job"], now=clock()) == [("job", SLOT)]
    mine = take(engine, clock)
    with writing(engine) as conn:
        assert not ledger.fail(conn, mine, "last", now=clock())
    row = rows_of(engine)[0]
    assert (row.state, row.error, row.attempt) == ("failed", "last", 3)


def test_a_run_given_back_is_not_an_attempt(engine: Engine) -> None:
    clock = Clock()
    mine = take(engine, clock, planned(engine, clock))
    with writing(engine) as conn:
        ledger.release(conn, mine, "told to end", now=clock())
    again = take(engine, clock, worker="b")
    assert again.attempt == 1 and again.token > mine.token
    with refused("lost_lease"), writing(engine) as conn:
        ledger.finish(conn, mine, now=clock())


def test_runs_by_hand_are_never_redone_by_themselves(engine: Engine) -> None:
    clock = Clock()
    killed = ledger.begin_manual(engine, "job", worker="a", clock=clock)
    clock.forward(seconds=20)
    broken = ledger.begin_manual(engine, "job", worker="a", clock=clock)
    with writing(engine) as conn:
        assert not ledger.fail(conn, broken, "boom", now=clock())
        assert ledger.last_slot(conn, "job") is None
    clock.forward(seconds=11)
    assert ledger.reap(engine, clock) == [killed.run_id]
    assert [row.state for row in rows_of(engine)] == ["failed", "failed"]
    with reading(engine) as conn:
        assert ledger.due(conn, ["job"], now=clock.forward(days=1)) == []
        assert ledger.state_counts(conn) == {("job", "failed"): 2}


def test_held_finishes_fails_or_leaves_alone(engine: Engine) -> None:
    clock = Clock()
    with ledger.held(engine, clock, "job"):
        pass
    with pytest.raises(KeyError), ledger.held(engine, clock, "job"):
        raise KeyError("lost key")
    with ledger.held(engine, clock, "job") as mine, writing(engine) as conn:
        ledger.finish(conn, mine, now=clock(), note="by the body")
    given = take(engine, clock, planned(engine, clock))
    with ledger.held(engine, clock, "job", given) as same:
        assert same is given
    found = {row.run_id: (row.state, row.error, row.note) for row in rows_of(engine)}
    assert found.pop(given.run_id) == ("running", None, None)
    assert sorted(found.values(), key=str) == [
        ("done", None, "by the body"), ("done", None, None), ("failed", "'lost key'", None),
    ]  # fmt: skip


def test_the_heartbeat_thread_beats_and_says_when_the_lease_is_lost(engine: Engine) -> None:
    clock = Clock()
    mine = take(engine, clock, planned(engine, clock))
    with ledger.Heartbeat(engine, mine, clock, every_s=0.05) as beat:
        until = clock.forward(seconds=25) + timedelta(seconds=30)
        deadline = time.monotonic() + 5
        while rows_of(engine)[0].lease_until != until:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert not beat.lost.is_set()
        with writing(engine) as conn:
            conn.execute(sa.update(run).values(token=mine.token + 1))
        assert beat.lost.wait(5)


def test_a_claim_that_waited_for_the_database_gets_a_whole_lease(engine: Engine) -> None:
    clock = Clock()
    planned(engine, clock)
    waiting = threading.Thread(target=take, args=(engine, clock))
    with writing(engine) as conn:
        conn.execute(fence.insert().values(name="run", value=7))
        waiting.start()
        time.sleep(0.3)
        clock.forward(minutes=10)
    waiting.join(10)
    (row,) = rows_of(engine)
    assert (row.state, row.token) == ("running", 8)
    assert row.lease_until == clock() + timedelta(seconds=30)
    assert ledger.reap(engine, clock) == []
