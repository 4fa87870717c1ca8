"""Accounts of people: added, given roles, disabled; every change is an entry of the audit trail."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts import audit
from detector.database import ReadConnection, WriteConnection
from detector.people.passwords import hashed
from detector.people.permissions import Role, roles_of
from detector.people.tables import api_key, person, session
from features.errors import WardenError

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")


@dataclass(frozen=True, slots=True)
class Account:
    """A person as kept; `local` where there is a password."""

    id: str
    name: str
    roles: tuple[str, ...]
    units: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    local: bool
    issuer: str | None
    enabled: bool
    version: int
    added_by: str
    added_at: datetime


def accounts(connection: ReadConnection) -> list[Account]:
    """Everyone, by name."""
    rows = connection.execute(sa.select(person).order_by(person.c.name)).mappings()
    return [_account(dict(row)) for row in rows]


def account(connection: ReadConnection, name: str) -> Account:
    """One person.

    Raises:
        WardenError: `unknown_person`.
    """
    row = connection.execute(sa.select(person).where(person.c.name == name)).mappings().first()
    if row is None:
        raise WardenError(
            "unknown_person", f"There is no account `{name}`.", "See `warden users list`.",
            "not_found",
        )  # fmt: skip
    return _account(dict(row))


def add(
    connection: WriteConnection,
    name: str,
    roles: Collection[str],
    actor: str,
    now: datetime,
    *,
    password: str | None = None,
    units: Collection[str] = (),
    jurisdictions: Collection[str] = (),
    issuer: str | None = None,
    subject: str | None = None,
) -> Account:
    """Adds a person, with a password or a subject of an identity provider.

    Raises:
        WardenError: `bad_name`, `unknown_role`, `weak_password`, `name_taken` (conflict).
    """
    plain = name.strip()
    if not _NAME.fullmatch(plain):
        raise WardenError("bad_name", "A name is 1 to 80 characters of plain text.")
    if connection.scalar(sa.select(person.c.id).where(person.c.name == plain)):
        raise WardenError(
            "name_taken",
            f"There is an account `{plain}` already; a name is never given twice.",
            "Enable it, or take another name.",
            "conflict",
        )
    row = {
        "id": secrets.token_hex(16),
        "name": plain,
        "roles": list(roles_of(roles)),
        "units": sorted(units),
        "jurisdictions": sorted(jurisdictions),
        "password": hashed(password, plain) if password is not None else None,
        "issuer": issuer,
        "subject": subject,
        "enabled": True,
        "failures": 0,
        "version": 1,
        "added_by": actor,
        "added_at": now,
    }
    connection.execute(sa.insert(person), row)
    shown = {k: row[k] for k in ("roles", "units", "jurisdictions")}
    _record(connection, actor, "person.added", plain, shown, now)
    return account(connection, plain)


def change(
    connection: WriteConnection,
    name: str,
    actor: str,
    now: datetime,
    *,
    expected: int | None = None,
    roles: Collection[str] | None = None,
    units: Collection[str] | None = None,
    jurisdictions: Collection[str] | None = None,
    enabled: bool | None = None,
) -> Account:
    """Changes what a person may do; what is not named stays. Sessions end, so it holds at once.

    Raises:
        WardenError: `unknown_person`, `unknown_role`, `stale_version`, `last_administrator`.
    """
    before = account(connection, name)
    if expected is not None and expected != before.version:
        raise WardenError(
            "stale_version", f"The account `{name}` was changed meanwhile.", "Read it again.",
            "conflict",
        )  # fmt: skip
    asked: dict[str, Any] = {
        "roles": None if roles is None else list(roles_of(roles)),
        "units": None if units is None else sorted(units),
        "jurisdictions": None if jurisdictions is None else sorted(jurisdictions),
        "enabled": enabled,
    }
    old = {k: list(v) if isinstance(v, tuple) else v for k, v in _plain(before).items()}
    new = {k: v for k, v in asked.items() if v is not None and v != old[k]}
    if not new:
        return before
    values = {**new, "version": before.version + 1}
    connection.execute(sa.update(person).where(person.c.name == name).values(values))
    if before.enabled and Role.ADMINISTRATOR in before.roles:
        _keep_an_administrator(connection)
    connection.execute(sa.delete(session).where(session.c.person_id == before.id))
    shown = {k: [old[k], v] for k, v in new.items()}
    _record(connection, actor, "person.changed", name, {"changed": shown}, now)
    return account(connection, name)


def set_password(
    connection: WriteConnection, name: str, password: str, actor: str, now: datetime
) -> None:
    """A new password; every session of the person ends.

    Raises:
        WardenError: `unknown_person`, `weak_password`.
    """
    known = account(connection, name)
    values = {"password": hashed(password, name), "failures": 0, "not_before": None}
    connection.execute(sa.update(person).where(person.c.id == known.id).values(values))
    connection.execute(sa.delete(session).where(session.c.person_id == known.id))
    _record(connection, actor, "person.password_set", name, {}, now)


def forget_keys(connection: WriteConnection, name: str, actor: str, now: datetime) -> int:
    """Revokes every key of a person; how many there were."""
    known = account(connection, name)
    mine = sa.and_(api_key.c.person_id == known.id, api_key.c.revoked_at.is_(None))
    done = connection.execute(
        sa.update(api_key).where(mine).values(revoked_at=now, revoked_by=actor)
    )
    _record(connection, actor, "person.keys_revoked", name, {"keys": done.rowcount}, now)
    return int(done.rowcount)


def _keep_an_administrator(connection: WriteConnection) -> None:
    rows = connection.execute(sa.select(person.c.roles).where(person.c.enabled))
    if not any(Role.ADMINISTRATOR in roles for (roles,) in rows):
        raise WardenError(
            "last_administrator",
            "Nobody would be left to keep the accounts.",
            "Make somebody else an administrator first.",
            "conflict",
        )


def _record(
    connection: WriteConnection,
    actor: str,
    action: str,
    name: str,
    data: Mapping[str, object],
    now: datetime,
) -> None:
    # the key is the account's id: names stand in one table that can be kept apart
    known = connection.scalar(sa.select(person.c.id).where(person.c.name == name))
    audit.record(
        connection, actor=actor, action=action, kind="person", key=str(known), data=data, now=now
    )


def _plain(one: Account) -> dict[str, Any]:
    return {k: getattr(one, k) for k in ("roles", "units", "jurisdictions", "enabled")}


def _account(row: Mapping[str, Any]) -> Account:
    lists: dict[str, Any] = {k: tuple(row[k]) for k in ("roles", "units", "jurisdictions")}
    same = ("id", "name", "issuer", "enabled", "version", "added_by", "added_at")
    return Account(**lists, local=row["password"] is not None, **{k: row[k] for k in same})
