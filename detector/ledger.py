"""The ledger of runs: what fell due, what became of it, and which results are in force.

A slot has one row (unique job and slot), whatever happens to it: nothing is skipped without one.
Claims, leases and fencing tokens live in `detector.leases` and are named here for convenience.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from sqlalchemy import Engine, func, or_, select, update

from detector.database import ReadConnection, WriteConnection, writing
from detector.leases import (
    ASKED,
    HEARTBEAT_S,
    LEASE_S,
    MANUAL,
    Claim,
    Clock,
    Heartbeat,
    claim,
    fail,
    finish,
    heartbeat,
    insert_into,
    lost_lease,
    ready,
    reap,
    release,
    scheduled,
    still_held,
)
from detector.tables import publication, run
from features.errors import WardenError

__all__ = [
    "ANY", "MANUAL", "Claim", "Heartbeat", "Publication", "Run", "begin_manual", "claim", "digest",
    "due", "fail", "finish", "heartbeat", "held", "last_slot", "ledger_rows", "lost_lease", "plan",
    "publish", "published", "reap", "release", "run_id_of", "state_counts", "still_held",
    "supersede", "worker_name",
]  # fmt: skip

ANY = "*"
"""For `publish`: whatever is in force may be replaced."""


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the ledger. `error` is that of the last failed attempt; it outlives success."""

    run_id: str
    job: str
    slot: str
    attempt: int
    token: int
    lease_until: datetime | None
    heard_at: datetime | None
    state: str
    worker: str | None
    planned_at: datetime
    not_before: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    inputs_hash: str | None
    outputs_hash: str | None
    counts: dict[str, Any] | None
    error: str | None
    note: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; moments as ISO text."""
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Publication:
    """What is in force under a name."""

    name: str
    run_id: str
    token: int
    at: datetime

    @property
    def key(self) -> str:
        """`Claim.key` of the attempt that published."""
        return f"{self.run_id}-{self.token}"


def run_id_of(job: str, slot: str) -> str:
    """The same slot has the same id on every machine; safe as a file name."""
    return uuid5(NAMESPACE_URL, f"warden:run:{job}|{slot}").hex


def worker_name() -> str:
    """`host:pid:uuid`, unique among all workers there ever were."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


def digest(content: object) -> str:
    """SHA-256 over canonical JSON, for `inputs_hash` and `outputs_hash`."""
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def plan(
    conn: WriteConnection, job: str, slot: str, *, now: datetime, skipped: str | None = None
) -> bool:
    """Writes the row of a slot unless it is there; returns whether it was new.

    Args:
        skipped: when given, the slot is recorded as skipped, with this as the reason.
    """
    statement = insert_into(conn, run).values(
        run_id=run_id_of(job, slot),
        job=job,
        slot=slot,
        attempt=1,
        token=0,
        state="skipped" if skipped else "planned",
        planned_at=now,
        finished_at=now if skipped else None,
        note=skipped,
    )
    new = conn.execute(statement.on_conflict_do_nothing().returning(run.c.run_id))
    return new.first() is not None


def supersede(conn: WriteConnection, job: str, slot: str, *, now: datetime) -> int:
    """Skips the slots of `job` before `slot` that wait for a worker; returns how many."""
    waiting = (run.c.job == job, run.c.state == "planned", run.c.slot < slot, scheduled())
    values = {"state": "skipped", "finished_at": now, "note": f"coalesced into {slot}"}
    return conn.execute(update(run).where(*waiting).values(values)).rowcount


def last_slot(conn: ReadConnection, job: str) -> str | None:
    """The latest slot of `job` with a row, runs asked for by hand apart."""
    latest = select(func.max(run.c.slot)).where(run.c.job == job, scheduled())
    slot: str | None = conn.execute(latest).scalar_one()
    return slot


def due(
    conn: ReadConnection, jobs: Collection[str], *, now: datetime, per_job: int = 8
) -> list[tuple[str, str]]:
    """(job, slot) of the slots ready to be claimed, oldest slot first, runs asked for last."""
    found: list[tuple[str, str]] = []
    for job in jobs:
        mine = or_(scheduled(), run.c.slot.startswith(ASKED))
        waiting = select(run.c.slot).where(run.c.job == job, ready(now), mine)
        slots = conn.execute(waiting.order_by(run.c.slot).limit(per_job)).scalars()
        found += [(job, slot) for slot in slots]
    return sorted(found, key=lambda pair: pair[1])


def begin_manual(
    engine: Engine, job: str, *, worker: str, clock: Clock, lease_s: float = LEASE_S
) -> Claim:
    """Plans and claims a run asked for by hand; it is not redone when it breaks off."""
    reap(engine, clock)
    slot = f"{MANUAL}{uuid4()}"
    with writing(engine) as conn:
        plan(conn, job, slot, now=clock())
    mine = claim(engine, job, slot, worker, lease_s, clock=clock)
    if mine is None:
        raise WardenError("ledger_broken", f"The new run {slot} could not be claimed.")
    return mine


@contextmanager
def held(
    engine: Engine,
    clock: Clock,
    job: str,
    claimed: Claim | None = None,
    *,
    lease_s: float = LEASE_S,
    heartbeat_s: float = HEARTBEAT_S,
) -> Iterator[Claim]:
    """The claim to work under: the one given, whose giver keeps it alive, or one made by hand.

    One made here beats while the body runs, is finished if the body did not do so itself, and
    fails when the body raises.
    """
    if claimed is not None:
        yield claimed
        return
    mine = begin_manual(engine, job, worker=worker_name(), clock=clock, lease_s=lease_s)
    try:
        with Heartbeat(engine, mine, clock, heartbeat_s):
            yield mine
    except BaseException as error:
        with writing(engine) as conn:
            if still_held(conn, mine):
                fail(conn, mine, str(error) or type(error).__name__, now=clock())
        raise
    with writing(engine) as conn:
        if still_held(conn, mine):
            finish(conn, mine, now=clock())


def publish(
    conn: WriteConnection,
    name: str,
    run_id: str,
    token: int,
    *,
    now: datetime,
    replacing: str | None = ANY,
) -> None:
    """Points `name` at a run's results, in the transaction that finishes the run.

    The pointer moves towards later claims only, so a slow run cannot put old results in force.

    Args:
        replacing: the run whose results this one was built upon (None: none were in force).

    Raises:
        WardenError: `lost_lease` when the run is not held under `token`; `overtaken` when another
            run published meanwhile.
    """
    holder = select(run.c.run_id).where(
        run.c.run_id == run_id, run.c.token == token, run.c.state.in_(("running", "done"))
    )
    if conn.execute(holder).first() is None:
        raise WardenError(
            "lost_lease", f"The run {run_id} is not held under token {token}.", kind="conflict"
        )
    current = published(conn, name, lock=True)
    before = current.run_id if current else None
    if replacing not in (ANY, before) or (current and current.token > token):
        raise _overtaken(name, run_id)
    values = {"run_id": run_id, "token": token, "at": now}
    if current:
        conn.execute(update(publication).where(publication.c.name == name).values(values))
        return
    first = insert_into(conn, publication).values(name=name, **values)
    new = conn.execute(first.on_conflict_do_nothing().returning(publication.c.name))
    if new.first() is None:
        raise _overtaken(name, run_id)


def _overtaken(name: str, run_id: str) -> WardenError:
    return WardenError(
        "overtaken",
        f"Another run published `{name}` while {run_id} was at work; nothing of it was kept.",
        "Run it again: it will start from the newer results.",
        kind="conflict",
    )


def published(conn: ReadConnection, name: str, *, lock: bool = False) -> Publication | None:
    """What is in force under `name`; None before the first publication."""
    statement = select(publication).where(publication.c.name == name)
    row = conn.execute(statement.with_for_update() if lock else statement).first()
    return Publication(row.name, row.run_id, row.token, row.at) if row else None


def ledger_rows(
    conn: ReadConnection,
    *,
    job: str | None = None,
    state: str | None = None,
    run_id: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Run]:
    """Rows of the ledger, latest planned first."""
    wanted = [
        column == value
        for column, value in ((run.c.job, job), (run.c.state, state), (run.c.run_id, run_id))
        if value is not None
    ]
    statement = select(run).where(*wanted).order_by(run.c.planned_at.desc(), run.c.slot.desc())
    rows = conn.execute(statement.limit(limit).offset(offset))
    return [Run(**row._mapping) for row in rows]


def state_counts(conn: ReadConnection) -> dict[tuple[str, str], int]:
    """Number of rows by (job, state): skipped and failed ones are a metric, not a silence."""
    statement = select(run.c.job, run.c.state, func.count()).group_by(run.c.job, run.c.state)
    return {(job, state): count for job, state, count in conn.execute(statement)}
