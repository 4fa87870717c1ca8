"""Decisions on the same few alerts by many threads at once: how many a second, and none lost."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from alerts.lifecycle import decide
from alerts.tables import alert, alert_event
from detector.database import reading, writing
from detector.system import System
from features.errors import WardenError


def _versions(system: System, ids: list[str]) -> dict[str, int]:
    with reading(system.engine) as connection:
        query = sa.select(alert.c.id, alert.c.version).where(alert.c.id.in_(ids))
        return {row.id: row.version for row in connection.execute(query)}


def _events(system: System, ids: list[str]) -> int:
    with reading(system.engine) as connection:
        query = sa.select(sa.func.count()).where(alert_event.c.alert_id.in_(ids))
        return connection.scalar(query) or 0


def decisions(system: System, threads: int, seconds: float, among: int) -> dict[str, Any]:
    """Threads claim alerts and hand them back, each on the version it has just read.

    Args:
        among: alerts there are to choose from; few of them make for conflicts.
    """
    with reading(system.engine) as connection:
        ids = list(connection.scalars(sa.select(alert.c.id).order_by(alert.c.id).limit(among)))
    before, told = _versions(system, ids), _events(system, ids)
    end = time.perf_counter() + seconds
    took: list[float] = []

    def work(worker: int) -> tuple[int, int]:
        chance, made, refused = random.Random(worker), 0, 0
        while (began := time.perf_counter()) < end:
            one = chance.choice(ids)
            with reading(system.engine) as connection:
                query = sa.select(alert.c.version, alert.c.state).where(alert.c.id == one)
                version, state = connection.execute(query).one()
            action = "acknowledge" if state == "open" else "reopen"
            try:
                with writing(system.engine) as connection:
                    now = system.clock()
                    decide(connection, one, f"worker {worker}", action, None, None, version, now)
                made += 1
                took.append(time.perf_counter() - began)
            except WardenError as error:
                if error.kind != "conflict":
                    raise
                refused += 1
        return made, refused

    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(work, range(threads)))
    made = sum(one for one, _ in done)
    moved = sum(after - before[one] for one, after in _versions(system, ids).items())
    took.sort()
    return {
        "alerts": among, "threads": threads, "decisions": made, "per_s": round(made / seconds),
        "conflicts": sum(one for _, one in done),
        "lost": made - moved, "events_lost": made - (_events(system, ids) - told),
        "p50_ms": round(took[len(took) // 2] * 1000, 1),
        "p99_ms": round(took[len(took) * 99 // 100] * 1000, 1),
    }  # fmt: skip
