"""Workers as processes that share a database: nothing twice, nothing missing, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from detector import slots
from detector.leases import HEARTBEAT_S, LEASE_S
from detector.scheduler import POLL_S
from tests.ledger.support import ROOT, START, child, effects_of, make_system, rows_of

SLOTS = 50
SPEED = 20.0
"""Clock seconds in a second, where the lease and beat of an installation are kept."""


class Workers:
    """Starts workers on one database and ends those still there."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.epoch = time.time()
        self.url = engine.url.render_as_string(hide_password=False)
        self.running: list[subprocess.Popen[str]] = []
        make_system(engine, lambda: START)

    def start(
        self, kind: str, speed: float, poll: float, drain: float = 20
    ) -> subprocess.Popen[str]:
        command = child(self.url, kind, self.folder, speed, self.epoch, poll, drain)
        process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.running.append(process)
        return process

    def wait_ready(self, process: subprocess.Popen[str]) -> None:
        wait_for((self.folder / f"ready-{process.pid}").exists)

    def clock_seconds(self, speed: float) -> float:
        return (time.time() - self.epoch) * speed


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def end(process: subprocess.Popen[str]) -> dict[str, int]:
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(out)


@pytest.fixture
def workers(engine: Engine, tmp_path: Path) -> Iterator[Workers]:
    held = Workers(engine, tmp_path)
    yield held
    for process in held.running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_two_workers_fifty_slots_each_effective_once(workers: Workers) -> None:
    pair = [workers.start("quick", 600, 0.05) for _ in range(2)]
    for process in pair:
        workers.wait_ready(process)
    wait_for(lambda: len(effects_of(workers.engine)) >= SLOTS)
    counts = [end(process) for process in pair]
    rows = rows_of(workers.engine)
    done = [(row.slot, row.token) for row in rows if row.state == "done"]
    assert effects_of(workers.engine) == done
    assert len(done) >= SLOTS
    first = slots.slot_time(rows[0].slot)
    expected = [slots.slot_text(first + timedelta(minutes=n)) for n in range(len(rows))]
    assert [row.slot for row in rows] == expected
    assert {row.state for row in rows} <= {"done", "planned"}
    assert {row.attempt for row in rows} == {1}
    assert all(count.get("done", 0) > 0 for count in counts), "one worker did everything"
    assert sum(count["done"] for count in counts) == len(done)


def test_a_killed_worker_is_found_out_and_its_slot_redone_once(workers: Workers) -> None:
    victim = workers.start("slow", SPEED, POLL_S / SPEED)
    wait_for((workers.folder / "started").exists)
    heir = workers.start("slow", SPEED, POLL_S / SPEED)
    workers.wait_ready(heir)
    victim.kill()
    victim.wait()
    killed_at = START + timedelta(seconds=workers.clock_seconds(SPEED))
    wait_for(lambda: rows_of(workers.engine)[0].state == "done")
    assert end(heir) == {"done": 1}
    (row,) = rows_of(workers.engine)
    assert (row.attempt, row.error is not None) == (2, True)
    assert effects_of(workers.engine) == [(row.slot, row.token)]
    assert row.started_at is not None
    assert row.started_at - killed_at <= timedelta(seconds=60)


def test_a_worker_frozen_past_its_lease_is_refused_on_return(workers: Workers) -> None:
    zombie = workers.start("slow", SPEED, POLL_S / SPEED)
    wait_for((workers.folder / "started").exists)
    time.sleep(1.3 * LEASE_S / SPEED)
    (row,) = rows_of(workers.engine)
    assert (row.attempt, row.state) == (1, "running"), "a living worker kept its lease"
    os.kill(zombie.pid, signal.SIGSTOP)
    heir = workers.start("slow", SPEED, POLL_S / SPEED)
    wait_for(lambda: rows_of(workers.engine)[0].state == "done")
    (row,) = rows_of(workers.engine)
    (workers.folder / "go").touch()
    os.kill(zombie.pid, signal.SIGCONT)
    time.sleep(0.2)
    assert end(zombie) == {"lost": 1}
    assert end(heir) == {"done": 1}
    assert effects_of(workers.engine) == [(row.slot, row.token)]
    assert rows_of(workers.engine) == [row]


@pytest.mark.parametrize("patience", [20.0, 0.2])
def test_a_worker_told_to_end_finishes_or_gives_back(workers: Workers, patience: float) -> None:
    worker = workers.start("slow", SPEED, POLL_S / SPEED, patience)
    wait_for((workers.folder / "started").exists)
    worker.send_signal(signal.SIGTERM)
    if patience > 1:
        time.sleep(0.3)
        (workers.folder / "go").touch()
    out, _ = worker.communicate(timeout=10)
    assert worker.returncode == 0
    (row,) = rows_of(workers.engine)
    assert row.attempt == 1
    if patience > 1:
        assert json.loads(out) == {"done": 1}
        assert effects_of(workers.engine) == [(row.slot, row.token)]
    else:
        assert (row.state, row.lease_until) == ("planned", None)
        assert effects_of(workers.engine) == []


def test_the_defaults_find_a_dead_worker_within_a_minute() -> None:
    assert LEASE_S + 2 * POLL_S <= 60
    assert HEARTBEAT_S * 2 < LEASE_S
