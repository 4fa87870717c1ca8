"""From notices to messages: who is told of what, written down once before anything is sent."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.jurisdictions import reached
from alerts.limits import of_person
from alerts.notify import outbox
from alerts.notify.audience import Endpoint, Listener, endpoints_of, listeners_of, next_digest
from alerts.notify.kinds import Kind, Mode, Notice
from alerts.notify.tables import choice, delivery, message, notice, webhook
from alerts.tables import alert
from detector.database import ReadConnection, WriteConnection, reading, writing
from detector.notifying.rows import notice_of
from detector.people.permissions import Role, granted
from detector.people.tables import person
from detector.tables import run

if TYPE_CHECKING:
    from detector.system import System

CHUNK = 500
"""Notices planned in one transaction."""
PLANNING_LOCK = 7_202_311_041_500_012
"""Number of the PostgreSQL lock held while notices are planned; SQLite has one writer anyway."""
NOWHERE: frozenset[str] = frozenset()
LOOK_BACK = timedelta(days=7)
"""Failed runs older than this are no news."""


def plan(system: System) -> int:
    """Makes messages of all notices that have none yet; how many notices there were."""
    note_failed_runs(system)
    total = 0
    while planned := _plan_some(system):
        total += planned
    return total


def note_failed_runs(system: System) -> None:
    """Notes runs that failed for good; the mark keeps each from being noted twice."""
    now = system.clock()
    known = sa.select(notice.c.id).where(notice.c.mark == sa.literal("run:") + run.c.run_id)
    query = sa.select(run.c.run_id, run.c.finished_at).where(
        run.c.state == "failed", run.c.finished_at >= now - LOOK_BACK, ~known.exists()
    )
    with reading(system.engine) as connection:
        found = connection.execute(query).all()
    if not found:
        return
    with writing(system.engine) as connection:
        rows = [
            outbox.row_of(
                f"run:{one.run_id}", Kind.JOB_FAILED, "run", one.run_id,
                actor="system", at=one.finished_at,
            )
            for one in found
        ]  # fmt: skip
        outbox.write(connection, rows)


def listeners(connection: ReadConnection, system: System) -> list[Listener]:
    """Everyone who has named an address and may sign in."""
    query = (
        sa.select(person, choice)
        .join(choice, choice.c.person_id == person.c.id)
        .where(person.c.enabled, choice.c.email.is_not(None))
    )
    return [
        Listener(
            person_id=row["person_id"],
            name=row["name"],
            may={str(one) for one in granted([Role(name) for name in row["roles"]])},
            limits=of_person(row["units"], row["jurisdictions"], system.settings.units),
            kinds=row["kinds"],
            least_severity=row["least_severity"],
            digest_hour=row["digest_hour"],
        )
        for row in connection.execute(query).mappings()
    ]


def _plan_some(system: System) -> int:
    columns = (notice, alert.c.typology, alert.c.severity, alert.c.blind)
    about = sa.and_(notice.c.about == "alert", alert.c.id == notice.c.key)
    query = (
        sa.select(*columns)
        .outerjoin(alert, about)
        .where(notice.c.planned_at.is_(None))
        .order_by(notice.c.id)
        .limit(CHUNK)
    )
    with reading(system.engine) as connection:
        if connection.execute(query.limit(1)).first() is None:
            return 0
    with writing(system.engine) as connection:
        # two workers that fill letters in another order would wait for each other in a circle
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PLANNING_LOCK)))
        found = [notice_of(row) for row in connection.execute(query).mappings()]
        codes = reached(connection, {one.key for one in found if one.about == "alert"})
        found = [replace(one, reach=codes.get(one.key, NOWHERE)) for one in found]
        if found:
            _write(connection, system, found)
        return len(found)


def _write(connection: WriteConnection, system: System, found: Sequence[Notice]) -> None:
    now, told = system.clock(), set()
    people, programs = listeners(connection, system), _endpoints(connection)
    letters: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for one in found:
        for who, mode in listeners_of(one, people):
            told.add(one.id)
            mark, due = _letter(who, mode, now)
            if mark not in letters:
                letters[mark] = _held(connection, mark, who.person_id, due, now)
            rows.append(_told(one, "email", who.person_id, letters[mark]))
        for endpoint in endpoints_of(one, programs):
            told.add(one.id)
            made = _message(connection, "webhook", endpoint.id, now, now)
            rows.append(_told(one, "webhook", endpoint.id, made))
    if rows:
        connection.execute(sa.insert(delivery), rows)
    connection.execute(
        sa.update(notice).where(notice.c.id.in_([one.id for one in found])).values(planned_at=now)
    )
    # a run with thousands of alerts leaves nothing behind where nobody listens; what failed
    # stays noted, its mark keeps it from being noted again
    untold = [one.id for one in found if one.id not in told and one.about != "run"]
    connection.execute(sa.delete(notice).where(notice.c.id.in_(untold)))


def _letter(who: Listener, mode: Mode, now: datetime) -> tuple[str, datetime]:
    """The letter a notice goes into, and when that is due: of the day, or of this minute."""
    if mode is Mode.IMMEDIATE:
        return f"now:{who.person_id}:{now:%Y-%m-%dT%H:%M}", now
    due = next_digest(now, who.digest_hour)
    return f"digest:{who.person_id}:{due:%Y-%m-%dT%H}", due


def _endpoints(connection: ReadConnection) -> list[Endpoint]:
    query = sa.select(webhook.c.id, webhook.c.kinds).where(webhook.c.enabled)
    return [Endpoint(row.id, row.kinds) for row in connection.execute(query)]


def _message(
    connection: WriteConnection, channel: str, recipient: str, due_at: datetime, now: datetime
) -> str:
    message_id = f"msg_{secrets.token_hex(16)}"
    row: dict[str, Any] = {"id": message_id, "channel": channel, "made_at": now,
                           "recipient": recipient, "state": "waiting", "due_at": due_at,
                           "attempts": 0, "doubts": 0}  # fmt: skip
    connection.execute(sa.insert(message).values(row))
    return message_id


def _held(
    connection: WriteConnection, mark: str, person_id: str, due: datetime, now: datetime
) -> str:
    """The letter of that mark, held; another worker may be filling it at this moment."""
    text = (
        "INSERT INTO notice_message (id, mark, channel, recipient, state, made_at, due_at, "
        "attempts, doubts) VALUES (:id, :mark, 'email', :recipient, 'waiting', :now, :due, 0, 0) "
        "ON CONFLICT (mark) DO NOTHING"
    )
    moments = [sa.bindparam(name, type_=message.c.made_at.type) for name in ("now", "due")]
    values: dict[str, Any] = {"id": f"msg_{secrets.token_hex(16)}", "mark": mark,
                              "recipient": person_id, "now": now, "due": due}  # fmt: skip
    connection.execute(sa.text(text).bindparams(*moments), values)
    columns = message.c.id, message.c.state, message.c.attempts
    row = connection.execute(
        sa.select(*columns).where(message.c.mark == mark).with_for_update()
    ).one()
    if row.state == "waiting" and not row.attempts:
        return str(row.id)
    # it has left already: what comes now goes by itself
    return _message(connection, "email", person_id, due, now)


def _told(one: Notice, channel: str, recipient: str, message_id: str) -> dict[str, Any]:
    return {"notice_id": one.id, "channel": channel, "recipient": recipient,
            "message_id": message_id}  # fmt: skip
