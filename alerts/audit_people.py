"""Pseudonyms of persons in the audit trail.

A pseudonym is the beginning of a SHA-256 over a salt and the name. The salt is random, one for
each person, and stands with the name in `audit_person` alone. So nobody guesses names from
entries, a name cannot be exchanged for another without breaking the hash, and a row deleted from
that table forgets the person and leaves every entry as it was.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from alerts.audit_tables import audit_person as table
from alerts.connections import ReadConnection, WriteConnection

DIGITS = 32


@dataclass(frozen=True, slots=True)
class Person:
    """A person named in the data of an entry; the entry gets the pseudonym in its place."""

    name: str


def pseudonym(salt: str, name: str) -> str:
    """What stands for a person, 32 hex digits."""
    return hashlib.sha256(f"{salt}:{name}".encode()).hexdigest()[:DIGITS]


def person_of(connection: WriteConnection, name: str) -> str:
    """The pseudonym of a name, made when it acts for the first time.

    The end of the chain must be held (`alerts.audit.append`): two must not make one person twice.
    """
    found = known(connection, name)
    if found is not None:
        return found
    salt = secrets.token_hex(16)
    row = {"person": pseudonym(salt, name), "name": name, "salt": salt}
    connection.execute(sa.insert(table).values(row))
    return row["person"]


def known(connection: ReadConnection, name: str) -> str | None:
    """The pseudonym of a name, None for who has never acted."""
    found: str | None = connection.scalar(sa.select(table.c.person).where(table.c.name == name))
    return found


def names(connection: ReadConnection) -> dict[str, str]:
    """Names by pseudonym, of everyone not forgotten."""
    rows = connection.execute(sa.select(table.c.person, table.c.name))
    return {row.person: row.name for row in rows}


def exchanged(connection: ReadConnection) -> list[str]:
    """Pseudonyms whose name is not the one they were made from: somebody changed the table."""
    return [
        row.person
        for row in connection.execute(sa.select(table).order_by(table.c.person))
        if pseudonym(row.salt, row.name) != row.person
    ]
