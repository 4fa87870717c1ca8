"""Runs people ask for: taken by a worker, once; failed slots put back in line; the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from detector import job_requests
from detector.database import reading, writing
from detector.job_calendar import calendar, failed_runs, latest_runs
from detector.jobs import Job, JobResult, all_jobs
from detector.ledger import plan, run_id_of
from detector.scheduler import Worker
from detector.system import System, open_system
from detector.tables import run
from features.errors import WardenError

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
SLOT = "2026-03-03T02:30:00Z"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    opened = open_system(tmp_path / "home", create=True, clock=lambda: NOW)
    yield opened
    opened.engine.dispose()


def worker(system: System, *, fails: bool = False) -> Worker:
    """A worker whose every job does nothing, or breaks off."""

    def nothing(*_: object) -> JobResult:
        if fails:
            raise ValueError("broken")
        return JobResult(counts={"done": 1})

    jobs: dict[str, Job] = {name: replace(j, function=nothing) for name, j in all_jobs().items()}
    return Worker(system, jobs)


def test_a_run_that_is_asked_for_is_taken_once_and_not_redone(system: System) -> None:
    asked = job_requests.ask(system, "drift", "Ann")
    with pytest.raises(WardenError, match="asked for"):
        job_requests.ask(system, "drift", "Ann")
    with pytest.raises(WardenError, match="no job"):
        job_requests.ask(system, "nonsense", "Ann")
    assert worker(system, fails=True).run_ready() == 1
    with reading(system.engine) as connection:
        assert job_requests.one_run(connection, asked.run_id).state == "failed"
    again = job_requests.retry(system, asked.run_id, "Ann", expected=1)
    assert again.run_id != asked.run_id
    assert worker(system).run_ready() == 1
    with reading(system.engine) as connection:
        done = job_requests.one_run(connection, again.run_id)
        assert (done.state, done.counts) == ("done", {"done": 1})
        assert {one.run_id for one in latest_runs(connection)} == {asked.run_id, again.run_id}


def test_a_failed_slot_goes_back_in_line_and_the_calendar_says_so(system: System) -> None:
    begun = NOW - timedelta(days=4)
    with writing(system.engine) as connection:
        plan(connection, "detect", SLOT, now=begun)
        failed = {"state": "failed", "attempt": 3, "error": "broken"}
        connection.execute(sa.update(run).where(run.c.slot == SLOT).values(failed))
    run_id = run_id_of("detect", SLOT)
    found = calendar(system, days=6)
    line = next(one for one in found.lines if one.job.name == "detect")
    # before the first run nobody could have been at work; the slots after it nobody has planned
    assert [day.state for day in line.days] == [
        "none", "none", "missed", "failed", "missed", "missed",
    ]  # fmt: skip
    assert (line.days[3].failed, line.days[3].run_id) == (1, run_id)
    assert found.idle_since is not None
    with pytest.raises(WardenError, match="meanwhile"):
        job_requests.retry(system, run_id, "Ann", expected=1)
    job_requests.retry(system, run_id, "Ann", expected=3)
    with pytest.raises(WardenError, match="only a failed one"):
        job_requests.retry(system, run_id, "Ann", expected=4)
    assert worker(system).run_ready() == 1
    with reading(system.engine) as connection:
        assert failed_runs(connection) == []
    line = next(one for one in calendar(system, days=6).lines if one.job.name == "detect")
    assert line.days[3].state == "late"
