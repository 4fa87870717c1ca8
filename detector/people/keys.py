"""Keys of programs: shown once, kept as a hash, no wider than the person they act for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from alerts import audit
from detector.database import ReadConnection, WriteConnection, reading
from detector.people.accounts import account
from detector.people.permissions import Permission, Role, granted, roles_of, scopes_of
from detector.people.principal import Principal
from detector.people.tables import api_key, person
from detector.system import System
from features.errors import WardenError

PREFIX = "mw"
LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Key:
    """A key as kept; the key itself is not."""

    id: str
    title: str
    scopes: tuple[str, ...]
    added_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def add_key(
    connection: WriteConnection,
    name: str,
    title: str,
    scopes: Collection[str],
    days: int,
    actor: str,
    now: datetime,
) -> tuple[Key, str]:
    """A new key of a person, and the text that is shown this once.

    Raises:
        WardenError: `unknown_person`, `unknown_scope`, `scope_too_wide` (beyond the person's
            roles), `bad_title`, `bad_days`.
    """
    known = account(connection, name)
    asked = scopes_of(scopes)
    beyond = sorted(set(asked) - granted(roles_of(known.roles)))
    if beyond or not asked:
        raise WardenError(
            "scope_too_wide",
            f"A key of {name} cannot have {', '.join(beyond) or 'no scope at all'}.",
            "A key holds some of what its person's roles grant, nothing else.",
        )
    if not 1 <= len(title.strip()) <= 80:
        raise WardenError("bad_title", "A key has a title of 1 to 80 characters: what is it for?")
    if not 1 <= days <= LONGEST_DAYS:
        raise WardenError("bad_days", f"A key holds for 1 to {LONGEST_DAYS} days.")
    mark, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    kept = {
        "id": mark, "hash": _hash(secret), "person_id": known.id, "title": title.strip(),
        "scopes": [str(s) for s in asked], "added_at": now,
        "expires_at": now + timedelta(days=days), "revoked_at": None,
    }  # fmt: skip
    connection.execute(sa.insert(api_key), kept)
    audit.record(
        connection, actor=actor, action="key.added", kind="person", key=known.id,
        data={"key": mark, "scopes": kept["scopes"], "days": days}, now=now,
    )  # fmt: skip
    return _key(kept), f"{PREFIX}_{mark}_{secret}"


def keys_of(connection: ReadConnection, name: str) -> list[Key]:
    """Keys of a person, newest first, revoked ones too."""
    known = account(connection, name)
    query = sa.select(api_key).where(api_key.c.person_id == known.id)
    rows = connection.execute(query.order_by(api_key.c.added_at.desc(), api_key.c.id)).mappings()
    return [_key(dict(row)) for row in rows]


def revoke_key(connection: WriteConnection, key_id: str, actor: str, now: datetime) -> None:
    """Ends a key for good.

    Raises:
        WardenError: `unknown_key`.
    """
    query = sa.select(api_key.c.person_id, api_key.c.revoked_at).where(api_key.c.id == key_id)
    row = connection.execute(query).first()
    if row is None:
        raise WardenError("unknown_key", f"There is no key `{key_id}`.", kind="not_found")
    if row.revoked_at is not None:
        return
    values = {"revoked_at": now, "revoked_by": actor}
    connection.execute(sa.update(api_key).where(api_key.c.id == key_id).values(values))
    audit.record(
        connection, actor=actor, action="key.revoked", kind="person", key=row.person_id,
        data={"key": key_id}, now=now,
    )  # fmt: skip


_HELD = (
    sa.select(
        person.c.id, person.c.name, person.c.roles, person.c.units, person.c.jurisdictions,
        api_key.c.hash, api_key.c.scopes,
    )
    .join_from(api_key, person, api_key.c.person_id == person.c.id)
    .where(
        api_key.c.id == sa.bindparam("mark"), api_key.c.revoked_at.is_(None),
        api_key.c.expires_at > sa.bindparam("now"), person.c.enabled,
    )
)  # fmt: skip
"""Made once: a key is looked up for every request."""


def holder(system: System, text: str) -> Principal | None:
    """Whom a key acts for, if it still holds."""
    with reading(system.engine) as connection:
        return holder_in(connection, text, system.clock())


def holder_in(connection: ReadConnection, text: str, now: datetime) -> Principal | None:
    """The same within a transaction."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != PREFIX:
        return None
    row = connection.execute(_HELD, {"mark": parts[1], "now": now}).first()
    if row is None or not hmac.compare_digest(row.hash, _hash(parts[2])):
        return None
    lists = (row.roles, row.scopes, row.units, row.jurisdictions)
    roles, may, units, places = _granted(*map(tuple, lists))
    return Principal(row.id, row.name, roles, may, units, places, "key", parts[1])


@lru_cache(1000)
def _granted(
    names: tuple[str, ...], scopes: tuple[str, ...], units: tuple[str, ...], places: tuple[str, ...]
) -> tuple[tuple[Role, ...], frozenset[Permission], tuple[str, ...], tuple[str, ...]]:
    roles = roles_of(names)
    return roles, granted(roles) & {Permission(s) for s in scopes}, units, places


def _hash(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: dict[str, object]) -> Key:
    names = ("id", "title", "added_at", "expires_at", "revoked_at")
    scopes = tuple(str(s) for s in row["scopes"])  # type: ignore[attr-defined]
    return Key(scopes=scopes, **{k: row[k] for k in names})  # type: ignore[arg-type]
