"""Signing in, and the sessions of browsers: kept here, so that they can be ended here."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from alerts import audit
from detector.database import ReadConnection, WriteConnection, reading, writing
from detector.people.passwords import hashed, matches, outdated
from detector.people.permissions import granted, roles_of
from detector.people.principal import Principal
from detector.people.tables import person, session
from detector.system import System
from features.errors import WardenError

LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)
"""A session's last use is written at most once a minute: reading a page should not write."""
TRIES = 5
LOCKED = timedelta(minutes=1)
"""After so many wrong passwords the next must wait, twice as long each time, an hour at most."""


def sign_in(system: System, name: str, password: str) -> str:
    """Opens a session for who knows the password; what the browser is to hold.

    The answer to a wrong name and to a wrong password is the same, and as slow.

    Raises:
        WardenError: `sign_in_refused`.
    """
    now = system.clock()
    with reading(system.engine) as connection:
        query = sa.select(person).where(person.c.name == name.strip())
        found = connection.execute(query).mappings().first()
    right = matches(found["password"] if found else None, password)
    waits = bool(found and found["not_before"] and now < found["not_before"])
    if found is None or not found["enabled"] or waits or not right:
        if found is not None and not waits and not right:
            _count_failure(system, found["id"], now)
        raise _refused()
    with writing(system.engine) as connection:
        values: dict[str, object] = {"failures": 0, "not_before": None}
        if outdated(found["password"]):
            values["password"] = hashed(password, found["name"])
        connection.execute(sa.update(person).where(person.c.id == found["id"]).values(values))
        return open_session(connection, found["id"], found["name"], now, "password")


def open_session(
    connection: WriteConnection, person_id: str, name: str, now: datetime, by: str
) -> str:
    """A new session of a person who has been recognised; what the browser is to hold."""
    token = secrets.token_urlsafe(32)
    row = {
        "id": _id_of(token), "person_id": person_id, "opened_at": now, "seen_at": now,
        "expires_at": now + LONGEST,
    }  # fmt: skip
    connection.execute(sa.insert(session), row)
    connection.execute(sa.delete(session).where(session.c.expires_at < now))
    audit.record(
        connection, actor=name, action="session.opened", kind="person", key=person_id,
        data={"by": by}, now=now,
    )  # fmt: skip
    return token


def recognised(system: System, token: str) -> Principal | None:
    """Whose session it is, if it still holds; its use is noted."""
    now = system.clock()
    mark = _id_of(token)
    with reading(system.engine) as connection:
        found = _held(connection, mark, now)
    if found is None:
        return None
    who, seen = found
    if now - seen >= SEEN_EVERY:
        with writing(system.engine) as writer:
            writer.execute(sa.update(session).where(session.c.id == mark).values(seen_at=now))
    return who


def sign_out(system: System, token: str) -> None:
    """Ends a session; harmless when it has ended already."""
    now = system.clock()
    mark = _id_of(token)
    with writing(system.engine) as connection:
        found = _held(connection, mark, now)
        connection.execute(sa.delete(session).where(session.c.id == mark))
        if found is not None:
            audit.record(
                connection, actor=found[0].name, action="session.closed", kind="person",
                key=found[0].person_id, data={}, now=now,
            )  # fmt: skip


def _held(
    connection: ReadConnection, mark: str, now: datetime
) -> tuple[Principal, datetime] | None:
    query = (
        sa.select(person, session.c.seen_at)
        .join_from(session, person, session.c.person_id == person.c.id)
        .where(
            session.c.id == mark, session.c.expires_at > now, session.c.seen_at > now - IDLE,
            person.c.enabled,
        )
    )  # fmt: skip
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    roles = roles_of(row["roles"])
    who = Principal(
        row["id"], row["name"], roles, granted(roles), tuple(row["units"]),
        tuple(row["jurisdictions"]), "session", mark,
    )  # fmt: skip
    return who, row["seen_at"]


def _count_failure(system: System, person_id: str, now: datetime) -> None:
    with writing(system.engine) as connection:
        mine = person.c.id == person_id
        connection.execute(sa.update(person).where(mine).values(failures=person.c.failures + 1))
        name, failures = connection.execute(
            sa.select(person.c.name, person.c.failures).where(mine)
        ).one()
        if failures >= TRIES:
            wait = min(LOCKED * 2 ** (failures - TRIES), timedelta(hours=1))
            connection.execute(sa.update(person).where(mine).values(not_before=now + wait))
        audit.record(
            connection, actor=name, action="session.refused", kind="person", key=person_id,
            data={"failures": failures}, now=now,
        )  # fmt: skip


def _refused() -> WardenError:
    return WardenError(
        "sign_in_refused",
        "Name and password do not belong together, or the account is closed for now.",
        "Try again in a minute, or ask whoever keeps the accounts.",
    )


def _id_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
