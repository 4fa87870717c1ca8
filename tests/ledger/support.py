"""A system of the least kind, with a clock the test turns, and a table of effects."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Engine

from detector import ledger
from detector.database import reading, writing
from detector.jobs import Job, JobResult, JobSystem

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 11, 23, 10, 0, 30, tzinfo=UTC)
NO_TITLE = {"en": "test", "zh": "测试"}

effects = sa.Table(
    "effect",
    sa.MetaData(),
    sa.Column("slot", sa.String(64)),
    sa.Column("token", sa.BigInteger),
    sa.Column("worker", sa.String(255)),
)
"""No unique key on purpose: a second effect of a slot must be seen, not refused."""


@dataclass
class Clock:
    """A clock that stands still until told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass(frozen=True)
class Schedules:
    texts: dict[str, str]

    def schedules(self) -> dict[str, str]:
        return self.texts


@dataclass(frozen=True)
class Settings:
    jobs: Schedules


@dataclass(frozen=True)
class TestSystem:
    __test__ = False

    engine: Engine
    clock: Callable[[], datetime]
    home: Path = Path()
    settings: Settings = field(default_factory=lambda: Settings(Schedules({})))


def make_system(
    engine: Engine, clock: Callable[[], datetime], home: Path = Path(), **texts: str
) -> TestSystem:
    effects.create(engine, checkfirst=True)
    return TestSystem(engine, clock, home, Settings(Schedules(texts)))


def take_effect(system: JobSystem, claim: ledger.Claim, slot: str) -> JobResult:
    """A job that writes its effect and finishes its run in one transaction."""
    with writing(system.engine) as conn:
        conn.execute(effects.insert().values(slot=slot, token=claim.token, worker=claim.worker))
        ledger.finish(conn, claim, now=system.clock(), counts={"effects": 1})
    return JobResult()


def effects_of(engine: Engine) -> list[tuple[str, int]]:
    """(slot, token) of every effect, in the order of the slots."""
    with reading(engine) as conn:
        rows = conn.execute(sa.select(effects.c.slot, effects.c.token).order_by(effects.c.slot))
        return [(row.slot, row.token) for row in rows]


def rows_of(engine: Engine, job: str | None = None) -> list[ledger.Run]:
    """The ledger, oldest slot first."""
    with reading(engine) as conn:
        rows = ledger.ledger_rows(conn, job=job, limit=100_000)
    return sorted(rows, key=lambda row: row.slot)


def minutely(function: Callable[..., JobResult] = take_effect, **changes: object) -> Job:
    """A job due every minute, each slot of its own worth."""
    given: dict[str, object] = {"catch_up": "each", "exclusive": False, **changes}
    return Job("every", NO_TITLE, "* * * * *", function, **given)  # type: ignore[arg-type]


def in_threads(number: int, call: Callable[[int], object]) -> list[object]:
    """Calls from threads that start together; their results, errors raised."""
    gate = threading.Barrier(number)
    results: list[object] = [None] * number

    def one(index: int) -> None:
        gate.wait()
        try:
            results[index] = call(index)
        except BaseException as error:  # noqa: BLE001
            results[index] = error

    threads = [threading.Thread(target=one, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def child(*arguments: object) -> list[str]:
    """Command of a worker in a process of its own; see `worker_process.py`."""
    return [sys.executable, "-m", "tests.ledger.worker_process", *map(str, arguments)]
