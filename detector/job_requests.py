"""Runs that people ask for: a job now, or a failed slot once more. A worker takes them."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

from alerts import audit
from detector.database import ReadConnection, WriteConnection, writing
from detector.jobs import JobSystem, get_job
from detector.leases import ASKED, MANUAL
from detector.ledger import Run, ledger_rows, plan, run_id_of
from detector.tables import run
from features.errors import WardenError


def ask(system: JobSystem, job: str, actor: str) -> Run:
    """Asks for a run of a job; the next free worker takes it. It is not redone when it breaks off.

    Raises:
        WardenError: `unknown_job`, `already_asked` (conflict) while one waits or is under way.
    """
    get_job(job)
    with writing(system.engine) as connection:
        return _asked(system, connection, job, actor)


def retry(system: JobSystem, run_id: str, actor: str, expected: int) -> Run:
    """Puts a failed slot back in line, or asks for a run anew where it was one asked for by hand.

    Args:
        expected: the attempt the decision was made on.

    Raises:
        WardenError: `run_not_found`, `not_failed`, `stale_version`, `already_asked` (conflicts).
    """
    with writing(system.engine) as connection:
        before = one_run(connection, run_id)
        if before.attempt != expected:
            raise WardenError(
                "stale_version", "The run was tried again meanwhile.", "Look at it again.",
                "conflict",
            )  # fmt: skip
        if before.state != "failed":
            raise WardenError(
                "not_failed", f"The run is {before.state}; only a failed one is tried again.",
                "Look at it again.", "conflict",
            )  # fmt: skip
        if before.slot.startswith(MANUAL):
            return _asked(system, connection, before.job, actor)
        values = {
            "state": "planned", "attempt": before.attempt + 1, "not_before": None,
            "finished_at": None, "lease_until": None,
        }  # fmt: skip
        mine = sa.and_(run.c.run_id == run_id, run.c.state == "failed")
        connection.execute(sa.update(run).where(mine).values(values))
        _record(system, connection, "run.retried", before, actor)
        return one_run(connection, run_id)


def one_run(connection: ReadConnection, run_id: str) -> Run:
    """One run; raises WardenError `run_not_found`."""
    rows = ledger_rows(connection, run_id=run_id, limit=1)
    if not rows:
        raise WardenError("run_not_found", f"There is no run {run_id}.", kind="not_found")
    return rows[0]


def _asked(system: JobSystem, connection: WriteConnection, job: str, actor: str) -> Run:
    waiting = sa.select(run.c.run_id).where(
        run.c.job == job, run.c.slot.startswith(ASKED), run.c.state.in_(("planned", "running"))
    )
    if connection.execute(waiting).first() is not None:
        raise WardenError(
            "already_asked", f"A run of `{job}` that was asked for waits or is under way.",
            "Wait for it to end.", "conflict",
        )  # fmt: skip
    slot = f"{ASKED}{uuid4()}"
    plan(connection, job, slot, now=system.clock())
    made = one_run(connection, run_id_of(job, slot))
    _record(system, connection, "run.asked", made, actor)
    return made


def _record(
    system: JobSystem, connection: WriteConnection, action: str, one: Run, actor: str
) -> None:
    audit.record(
        connection, actor=actor, action=action, kind="run", key=one.run_id,
        data={"job": one.job, "slot": one.slot, "attempt": one.attempt}, now=system.clock(),
    )  # fmt: skip
