"""Claims on runs: taking one, keeping it alive, ending it, taking it back from the dead.

Running exactly once cannot be had; an *effect* exactly once can. A claim is one conditional
update that hands out a lease and a fencing token; whoever finishes shows the token in the
transaction of the effects, so a worker that lost its lease without noticing has its effects
rolled back. Times are passed in and are UTC; the clocks of several machines should agree to well
within one lease. Nothing here lasts longer than a transaction, so no lock can be orphaned.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import structlog
from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    Table,
    and_,
    case,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from detector.database import ReadConnection, WriteConnection, reading, writing
from detector.tables import fence, run
from features.errors import WardenError

MANUAL = "manual:"
ASKED = f"{MANUAL}asked:"
"""Runs by hand that a worker is to take, as opposed to those whoever asks carries out."""
LEASE_S = 30.0
HEARTBEAT_S = 10.0
MAX_ATTEMPTS = 3
RETRY_AFTER = timedelta(seconds=30)
CLOCK_SET_BACK = timedelta(minutes=5)
"""A sign of life this far in the future came from a clock that was then set back."""

Clock = Callable[[], datetime]
"""Read inside the transaction, after waiting for its lock: a time read before would be stale."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out one run, until the lease ends and somebody else takes it.

    Attributes:
        token: larger than that of every earlier claim of any run.
        lease_s: seconds the lease lasts from each heartbeat.
    """

    run_id: str
    token: int
    job: str
    slot: str
    attempt: int
    worker: str
    lease_s: float

    @property
    def key(self) -> str:
        """Name for what this attempt writes outside the database; no two attempts share it."""
        return f"{self.run_id}-{self.token}"


def scheduled() -> ColumnElement[bool]:
    """Runs that fell due, as opposed to those asked for by hand."""
    return ~run.c.slot.startswith(MANUAL)


def ready(now: datetime) -> ColumnElement[bool]:
    """Planned, and past the wait after a failed attempt."""
    return and_(run.c.state == "planned", or_(run.c.not_before.is_(None), run.c.not_before <= now))


def insert_into(conn: WriteConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT with ON CONFLICT, in the words of the database at hand."""
    if conn.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def claim(
    engine: Engine,
    job: str,
    slot: str,
    worker: str,
    lease_s: float = LEASE_S,
    *,
    clock: Clock,
    exclusive: bool = False,
) -> Claim | None:
    """Takes a planned slot, or None when it is taken, ended or waiting for its next attempt.

    Args:
        exclusive: also None while another run of the same job is under way.
    """
    conditions = [run.c.job == job, run.c.slot == slot]
    if exclusive:
        other = run.alias("other")
        busy = select(other.c.run_id).where(other.c.job == job, other.c.state == "running")
        conditions.append(~busy.exists())
    with writing(engine) as conn:
        token = _next_token(conn)
        now = clock()
        row = conn.execute(
            update(run)
            .where(*conditions, ready(now))
            .values(
                state="running",
                token=token,
                worker=worker,
                lease_until=now + timedelta(seconds=lease_s),
                heard_at=now,
                started_at=now,
            )
            .returning(run.c.run_id, run.c.attempt)
        ).first()
    if row is None:
        return None
    return Claim(row.run_id, token, job, slot, row.attempt, worker, lease_s)


def _next_token(conn: WriteConnection) -> int:
    """The next fencing token; holds its row until commit, so claims are decided one by one."""
    statement = insert_into(conn, fence).values(name="run", value=1)
    statement = statement.on_conflict_do_update(
        index_elements=[fence.c.name], set_={"value": fence.c.value + 1}
    )
    return int(conn.execute(statement.returning(fence.c.value)).scalar_one())


def lost_lease(mine: Claim) -> WardenError:
    """The error of a worker that comes too late."""
    return WardenError(
        "lost_lease",
        f"The run {mine.job} {mine.slot} is no longer held under token {mine.token}; "
        "its effects were rolled back.",
        "Nothing to do: another worker has the run, or the ledger says how it ended.",
        kind="conflict",
    )


def _mine(mine: Claim) -> ColumnElement[bool]:
    return and_(run.c.run_id == mine.run_id, run.c.token == mine.token, run.c.state == "running")


def _change(conn: WriteConnection, mine: Claim, **values: Any) -> None:
    """The only way a held run changes: by its holder, or not at all."""
    if conn.execute(update(run).where(_mine(mine)).values(**values)).rowcount != 1:
        raise lost_lease(mine)


def still_held(conn: ReadConnection, mine: Claim) -> bool:
    """Whether the run is still this claim's: an early answer, `finish` gives the binding one."""
    return conn.execute(select(run.c.run_id).where(_mine(mine))).first() is not None


def heartbeat(engine: Engine, mine: Claim, *, clock: Clock) -> None:
    """Extends the lease from now on.

    Raises:
        WardenError: `lost_lease`.
    """
    with writing(engine) as conn:
        now = clock()
        _change(conn, mine, lease_until=now + timedelta(seconds=mine.lease_s), heard_at=now)


def finish(
    conn: WriteConnection,
    mine: Claim,
    *,
    now: datetime,
    counts: Mapping[str, Any] | None = None,
    inputs_hash: str | None = None,
    outputs_hash: str | None = None,
    note: str | None = None,
) -> None:
    """Ends a run well. Call it in the transaction that writes the run's effects.

    Raises:
        WardenError: `lost_lease`; let it leave the transaction, so that the effects roll back.
    """
    _change(
        conn,
        mine,
        state="done",
        finished_at=now,
        counts=None if counts is None else dict(counts),
        inputs_hash=inputs_hash,
        outputs_hash=outputs_hash,
        note=note,
    )


def fail(
    conn: WriteConnection,
    mine: Claim,
    error: str,
    *,
    now: datetime,
    max_attempts: int = MAX_ATTEMPTS,
    retry_after: timedelta = RETRY_AFTER,
) -> bool:
    """Ends an attempt badly; returns whether the slot is queued again.

    The wait doubles with each attempt. A run asked for by hand is not tried again.

    Raises:
        WardenError: `lost_lease`.
    """
    if mine.attempt >= max_attempts or mine.slot.startswith(MANUAL):
        _change(conn, mine, state="failed", finished_at=now, error=error)
        return False
    _change(
        conn,
        mine,
        state="planned",
        attempt=mine.attempt + 1,
        not_before=now + retry_after * 2 ** (mine.attempt - 1),
        lease_until=None,
        error=error,
    )
    return True


def release(conn: WriteConnection, mine: Claim, why: str, *, now: datetime) -> None:
    """Gives a run back when its worker ends in good order; not counted as an attempt.

    Raises:
        WardenError: `lost_lease`.
    """
    if mine.slot.startswith(MANUAL):
        _change(conn, mine, state="failed", finished_at=now, error=why)
    else:
        _change(conn, mine, state="planned", lease_until=None, note=why)


def _expired(now: datetime) -> Select[tuple[str]]:
    late = or_(run.c.lease_until < now, run.c.heard_at > now + CLOCK_SET_BACK)
    return select(run.c.run_id).where(run.c.state == "running", late)


def reap(engine: Engine, clock: Clock, *, max_attempts: int = MAX_ATTEMPTS) -> list[str]:
    """Takes back every run whose lease has ended; returns their ids.

    Slots are queued again as a further attempt, or fail after `max_attempts`; runs asked for by
    hand fail. A row somebody is writing at this moment is left for the next time.
    """
    with reading(engine) as conn:
        if conn.execute(_expired(clock()).limit(1)).first() is None:
            return []
    again = and_(run.c.attempt < max_attempts, scheduled())
    with writing(engine) as conn:
        now = clock()
        expired = _expired(now).with_for_update(skip_locked=True)
        taken = conn.execute(
            update(run)
            .where(run.c.run_id.in_(expired))
            .values(
                state=case((again, "planned"), else_="failed"),
                attempt=run.c.attempt + case((again, 1), else_=0),
                finished_at=case((again, null()), else_=now),
                lease_until=None,
                error="the lease ended and nothing was heard from " + run.c.worker,
            )
            .returning(run.c.run_id)
        )
        return list(taken.scalars())


class Heartbeat:
    """Keeps a claim alive from a thread while its body runs; `lost` is set when that failed.

    A database that does not answer is no loss yet: the beat tries again, and the lease decides.
    """

    def __init__(
        self,
        engine: Engine,
        mine: Claim,
        clock: Clock,
        every_s: float = HEARTBEAT_S,
    ) -> None:
        self.lost = threading.Event()
        self._end = threading.Event()
        self._engine, self._claim, self._clock, self._every_s = engine, mine, clock, every_s
        self._thread = threading.Thread(target=self._beat, name=f"beat-{mine.job}", daemon=True)

    def _beat(self) -> None:
        while not self._end.wait(self._every_s):
            try:
                heartbeat(self._engine, self._claim, clock=self._clock)
            except WardenError as error:
                if self._end.is_set():
                    return
                log.warning("no heartbeat", run_id=self._claim.run_id, error=error.code)
                if error.code == "lost_lease":
                    self.lost.set()
                    return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join(timeout=self._every_s)
