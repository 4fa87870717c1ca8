"""Looking entries of the audit trail up: by person, object, act and time, newest first."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from alerts.audit_chain import stamp
from alerts.audit_people import known, names
from alerts.audit_tables import audit_entry
from alerts.connections import ReadConnection
from features.errors import WardenError

LARGEST_PAGE = 200
LONGEST_CURSOR = 64
_C = audit_entry.c


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are asked for; an empty field asks for all.

    Attributes:
        actor: a name or a pseudonym.
        action: exactly this act, or with a dot at its end all that begin so (`rule.`).
        kind, key: exactly this kind of object, this object.
        since, until: from this moment on, before that one.
    """

    actor: str | None = None
    action: str | None = None
    kind: str | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = EntryFilter()


class EntryPage(NamedTuple):
    """Some entries as plain data, newest first; `next_cursor` is None on the last page."""

    entries: list[dict[str, Any]]
    next_cursor: str | None


def entries(
    connection: ReadConnection,
    wanted: EntryFilter = EVERYTHING,
    cursor: str | None = None,
    limit: int = 50,
    *,
    named: bool = False,
) -> EntryPage:
    """One page of entries.

    Args:
        cursor: `next_cursor` of the page before; None for the first.
        limit: entries of a page, 1 to `LARGEST_PAGE`.
        named: tell who the pseudonyms are; whoever asks for that enters it as a read.

    Raises:
        WardenError: `bad_cursor`, `bad_limit`.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise WardenError("bad_limit", f"A page holds 1 to {LARGEST_PAGE} entries, not {limit}.")
    query = sa.select(audit_entry).where(*_conditions(connection, wanted))
    if cursor is not None:
        query = query.where(_C.seq < read_cursor(cursor))
    found = connection.execute(query.order_by(_C.seq.desc()).limit(limit + 1)).mappings().all()
    people = names(connection) if named else {}
    page = [entry_object(dict(row), people) for row in found[:limit]]
    return EntryPage(page, make_cursor(page[-1]["seq"]) if len(found) > limit else None)


def entry_object(row: Mapping[str, Any], people: Mapping[str, str]) -> dict[str, Any]:
    """An entry as plain data; `name` is null for who is not to be told or was forgotten."""
    told = {name: row[name] for name in ("seq", "at", "actor", "action", "kind", "key", "hash")}
    return told | {"name": people.get(row["actor"]), "data": json.loads(row["data"])}


def _conditions(connection: ReadConnection, wanted: EntryFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.actor is not None:
        found.append(_C.actor == (known(connection, wanted.actor) or wanted.actor))
    if wanted.action is not None and wanted.action.endswith("."):
        found.append(_C.action.startswith(wanted.action, autoescape=True))
    elif wanted.action is not None:
        found.append(_C.action == wanted.action)
    if wanted.kind is not None:
        found.append(_C.kind == wanted.kind)
    if wanted.key is not None:
        found.append(_C.key == wanted.key)
    if wanted.since is not None:
        found.append(_C.at >= stamp(wanted.since))
    if wanted.until is not None:
        found.append(_C.at < stamp(wanted.until))
    return found


def make_cursor(seq: int) -> str:
    """Opaque text for the place just after an entry."""
    return base64.urlsafe_b64encode(f"1:{seq}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """The entry a cursor stands for.

    Raises:
        WardenError: `bad_cursor` for anything `make_cursor` did not write.
    """
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        version, _, seq = text.partition(":")
        if version != "1" or not seq.isdigit() or len(seq) > 18:
            raise ValueError
    except (ValueError, binascii.Error):
        raise WardenError(
            "bad_cursor", "The page cursor is not one of ours.", "Start at the first page."
        ) from None
    return int(seq)
