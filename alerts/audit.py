"""The audit trail: one entry for each act and each sensitive read, in the act's transaction.

`record` takes an entry; it is appended when the transaction is about to commit. Only then is the
end of the chain locked, after all that the act itself locks, so two acts never wait for each
other in a circle, and an act that fails leaves no entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime

import sqlalchemy as sa

from alerts.audit_chain import Entry, body_of, canonical, linked, stamp
from alerts.audit_people import Person, person_of
from alerts.audit_tables import audit_entry, audit_head
from alerts.connections import WriteConnection
from features.errors import WardenError

__all__ = ["PENDING", "Act", "Person", "append", "digest", "record"]

PENDING = "audit_pending"
"""Execution option of a connection: the list of acts its transaction has taken so far."""
LONGEST_ACTOR = 128
LONGEST_WORD = 64


@dataclass(frozen=True, slots=True)
class Act:
    """One entry to be, before it has a place in the chain."""

    actor: str
    action: str
    kind: str
    key: str
    data: Mapping[str, object]
    at: str


def record(
    connection: WriteConnection,
    *,
    actor: str,
    action: str,
    kind: str,
    key: str,
    data: Mapping[str, object],
    now: datetime,
) -> None:
    """Takes one entry into the chain, with the caller's transaction or not at all.

    Args:
        actor: the name of whoever acts; the entry holds a pseudonym.
        action: what was done, as `alert.closed` or `dossier.read`.
        kind, key: what it was done to, as `alert` and its id.
        data: plain data of what changed. A natural person in it is given as `Person(name)`, a
            free text as `digest(text)`: neither belongs into a log that is handed on.

    Raises:
        WardenError: `actor_required`; `audit_unavailable` (here or when the transaction ends)
            when the entry cannot be written, and then nothing of the act is.
    """
    name = actor.strip()
    if not 1 <= len(name) <= LONGEST_ACTOR or not _storable(name):
        raise WardenError(
            "actor_required",
            f"An act needs the person who does it: a name of 1 to {LONGEST_ACTOR} characters.",
        )
    if not (0 < len(action) <= LONGEST_WORD and 0 < len(kind) <= LONGEST_WORD // 2):
        raise ValueError(f"no entry can be named {action!r} of {kind!r}")
    act = Act(name, action, kind, key, data, stamp(now))
    pending: list[Act] | None = connection.get_execution_options().get(PENDING)
    if pending is None:
        _append(connection, [act])
    else:
        pending.append(act)


def digest(text: str | None) -> str | None:
    """SHA-256 of a text in hex: proves later which text it was, without repeating it."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def append(connection: WriteConnection) -> None:
    """Writes what `record` has taken so far; `detector.database.writing` does so at its end.

    Call it early only before something that a rollback cannot undo, such as moving a file.

    Raises:
        WardenError: `audit_unavailable`.
    """
    pending: list[Act] = connection.get_execution_options()[PENDING]
    if pending:
        _append(connection, pending)
        pending.clear()


def _append(connection: WriteConnection, acts: list[Act]) -> None:
    with _reported():
        query = sa.select(audit_head.c.seq, audit_head.c.hash).with_for_update()
        seq, last = connection.execute(query).one()
        people = {name: person_of(connection, name) for name in {act.actor for act in acts}}

        def plain(value: object) -> object:
            if isinstance(value, Person):
                name = value.name.strip()
                people[name] = people.get(name) or person_of(connection, name)
                return people[name]
            if isinstance(value, date):
                return value.isoformat()
            raise TypeError(f"{value!r} cannot be kept in the audit trail")

        rows = []
        for place, act in enumerate(acts, seq + 1):
            data = canonical(act.data, plain)
            told = (place, act.at, people[act.actor], act.action, act.kind, act.key, data)
            entry = Entry(*told, previous=last, hash=linked(last, body_of(*told)))
            rows.append(asdict(entry))
            last = entry.hash
        connection.execute(sa.insert(audit_entry), rows)
        connection.execute(sa.update(audit_head).values(seq=rows[-1]["seq"], hash=last))


@contextmanager
def _reported() -> Iterator[None]:
    """Whatever keeps the entry from being written keeps the act from being done."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise WardenError(
            "audit_unavailable",
            "The audit trail cannot be written, so the act was not done; nothing was changed.",
            "Run `warden audit verify`, and see that the database takes writes.",
            kind="unavailable",
        ) from error


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
