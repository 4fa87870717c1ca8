"""What whoever keeps the accounts does besides roles: passwords given anew, sessions ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts import audit
from detector.database import ReadConnection, WriteConnection, writing
from detector.people.accounts import account, set_password
from detector.people.sessions import IDLE, sign_in
from detector.people.tables import api_key, person, session

if TYPE_CHECKING:
    from detector.system import System


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser that is signed in; what it holds is kept as a hash and never shown."""

    opened_at: datetime
    seen_at: datetime
    expires_at: datetime


def new_password() -> str:
    """A password that can be read out: 96 random bits in six groups."""
    return "-".join(secrets.token_hex(2) for _ in range(6))


def give_password(connection: WriteConnection, name: str, actor: str, now: datetime) -> str:
    """Gives a person a new password, told this once; every session of the person ends.

    Raises:
        WardenError: `unknown_person`.
    """
    password = new_password()
    set_password(connection, name, password, actor, now)
    return password


def change_password(system: System, name: str, old: str, new: str) -> None:
    """A new password by whoever knows the old one; every session of the person ends.

    Raises:
        WardenError: `sign_in_refused` for a wrong old one; `weak_password`.
    """
    sign_in(system, name, old)
    with writing(system.engine) as connection:
        set_password(connection, name, new, name, system.clock())


def sessions_of(connection: ReadConnection, name: str, now: datetime) -> list[OpenSession]:
    """Sessions of a person that still hold, the last used first.

    Raises:
        WardenError: `unknown_person`.
    """
    known = account(connection, name)
    query = (
        sa.select(session.c.opened_at, session.c.seen_at, session.c.expires_at)
        .where(session.c.person_id == known.id, *_holds(now))
        .order_by(session.c.seen_at.desc())
    )
    return [OpenSession(*row) for row in connection.execute(query)]


def end_sessions(connection: WriteConnection, name: str, actor: str, now: datetime) -> int:
    """Ends every session of a person; how many there were.

    Raises:
        WardenError: `unknown_person`.
    """
    known = account(connection, name)
    mine = session.c.person_id == known.id
    done = connection.execute(sa.delete(session).where(mine)).rowcount
    audit.record(
        connection, actor=actor, action="person.sessions_ended", kind="person", key=known.id,
        data={"sessions": done}, now=now,
    )  # fmt: skip
    return int(done)


def in_use(connection: ReadConnection, now: datetime) -> dict[str, tuple[int, int]]:
    """By name of a person: sessions and keys that hold now; who has neither is left out."""
    open_now = _counted(connection, session, *_holds(now))
    keys = _counted(connection, api_key, api_key.c.revoked_at.is_(None), api_key.c.expires_at > now)
    return {name: (open_now.get(name, 0), keys.get(name, 0)) for name in open_now.keys() | keys}


def _holds(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return session.c.expires_at > now, session.c.seen_at > now - IDLE


def _counted(
    connection: ReadConnection, table: sa.Table, *where: sa.ColumnElement[bool]
) -> dict[str, int]:
    query = (
        sa.select(person.c.name, sa.func.count())
        .join(table, table.c.person_id == person.c.id)
        .where(*where)
        .group_by(person.c.name)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
