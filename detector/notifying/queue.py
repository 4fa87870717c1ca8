"""Messages on their way: claimed by one worker, confirmed, tried again, given up.

As with runs (`detector.leases`) a claim is one conditional update with a lease, and whoever ends
it shows the attempt that was handed out. Sending exactly once cannot be had: between sending and
confirming a worker may die. Such a message is `unsure`, and is sent at most once more under the
same id, by which a receiver knows the repeat.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Engine

from alerts.notify.channel import NotSentError, Outgoing, wait_after
from alerts.notify.tables import delivery, message, notice
from alerts.tables import alert
from detector.database import WriteConnection, reading, writing
from detector.leases import Clock
from detector.notifying.rows import notice_of

LEASE = timedelta(minutes=3)
"""Far longer than any channel may take, so a lease that ends belongs to a worker that died."""
MOST_DOUBTS = 2
_M = message.c
_READY = _M.state.in_(("waiting", "unsure"))


def take(engine: Engine, worker: str, clock: Clock) -> Outgoing | None:
    """Claims the message that is due longest; None when nothing is due or others were faster."""
    with reading(engine) as connection:
        due = sa.select(_M.id).where(_READY, _M.due_at <= clock()).limit(1)
        if connection.scalar(due) is None:
            return None
    with writing(engine) as connection:
        now = clock()
        first = (
            sa.select(_M.id)
            .where(_READY, _M.due_at <= now)
            .order_by(_M.due_at, _M.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = connection.execute(
            sa.update(message)
            .where(_M.id == first.scalar_subquery(), _READY)
            .values(
                state="sending", attempts=_M.attempts + 1, worker=worker, lease_until=now + LEASE
            )
            .returning(_M.id, _M.channel, _M.recipient, _M.attempts, _M.doubts)
        ).first()
        if row is None:
            return None
        told = (
            sa.select(notice, alert.c.typology, alert.c.severity, alert.c.blind)
            .join(delivery, delivery.c.notice_id == notice.c.id)
            .outerjoin(alert, sa.and_(notice.c.about == "alert", alert.c.id == notice.c.key))
            .where(delivery.c.message_id == row.id)
            .order_by(notice.c.id)
        )
        notices = tuple(notice_of(one) for one in connection.execute(told).mappings())
    return Outgoing(row.id, row.channel, row.recipient, row.attempts, row.doubts, notices)


def confirm(engine: Engine, mine: Outgoing, clock: Clock) -> bool:
    """Says that a message arrived; False when the lease had ended and it is another's."""
    return _end(engine, mine, state="sent", sent_at=clock(), due_at=None, error=None)


def cancel(engine: Engine, mine: Outgoing, why: str) -> bool:
    """Says that there is nobody to be told any more."""
    return _end(engine, mine, state="cancelled", due_at=None, error=why)


def refuse(engine: Engine, mine: Outgoing, failure: NotSentError, clock: Clock) -> bool:
    """Says that an attempt certainly did not arrive: it is made again later, or given up."""
    wait = None if failure.final else wait_after(mine.attempt)
    state = "unsure" if mine.doubts else "waiting" if wait else "dead"
    due_at = clock() + wait if wait else None
    return _end(engine, mine, state=state, due_at=due_at, error=str(failure))


def doubt(engine: Engine, mine: Outgoing, why: str, clock: Clock) -> bool:
    """Says that an attempt may have arrived: one more is made, once."""
    doubts = mine.doubts + 1
    wait = wait_after(mine.attempt) or timedelta(0)
    due_at = clock() + wait if doubts < MOST_DOUBTS else None
    return _end(engine, mine, state="unsure", doubts=doubts, due_at=due_at, error=why)


def reap(engine: Engine, clock: Clock) -> int:
    """Takes back what workers held that are not heard of any more; how many messages."""
    with writing(engine) as connection:
        now = clock()
        again = _M.doubts + 1 < MOST_DOUBTS
        done = connection.execute(
            sa.update(message)
            .where(_M.state == "sending", _M.lease_until < now)
            .values(
                state="unsure",
                doubts=_M.doubts + 1,
                due_at=sa.case((again, now), else_=sa.null()),
                lease_until=None,
                error="the worker ended before it was confirmed",
            )
        )
        return int(done.rowcount)


def again(connection: WriteConnection, message_id: str, now: datetime) -> bool:
    """Puts a message that was given up back to be sent; False when it is not given up."""
    done = connection.execute(
        sa.update(message)
        .where(_M.id == message_id, _M.state == "dead")
        .values(state="waiting", due_at=now, error=None)
    )
    return bool(done.rowcount)


def _end(engine: Engine, mine: Outgoing, **values: object) -> bool:
    with writing(engine) as connection:
        done = connection.execute(
            sa.update(message)
            .where(_M.id == mine.id, _M.state == "sending", _M.attempts == mine.attempt)
            .values(lease_until=None, **values)
        )
    return bool(done.rowcount)
