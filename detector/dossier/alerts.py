"""The alerts about a firm and what belongs to it, with how they ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.finding import subjects_saying
from alerts.model import EventKind, alert_object
from alerts.rows import alert_from
from alerts.standing import standing
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table
from detector.dossier.parties import APP

if TYPE_CHECKING:
    from alerts.connections import ReadConnection
    from alerts.limits import Limits
    from detector.dossier.subject import Subject

Row = dict[str, Any]
MOST = 200
"""Alerts listed; the counts are of all."""
CHUNK = 500
SHOWN = ("id", "typology", "title", "message", "subject", "period", "lane", "severity", "state",
         "close_reason", "firing", "blind", "assignee", "opened_at", "updated_at",
         "rules")  # fmt: skip
_SEEN = alert_table.c


def alerts_about(connection: ReadConnection, subject: Subject) -> Row:
    """Every alert on the firm, on its shops, apps, deals, incidents and tenders, newest first.

    Returns:
        `n` in all, `by_state`, `by_reason` (of the closed ones), and `items`: at most `MOST`,
        each with `closed_at` and `days` from opening to the last closing.
    """
    counts = _counts(connection, sorted(_ids(connection, subject)), subject.within)
    newest = sorted(counts, key=lambda row: (row.opened_at, row.id), reverse=True)[:MOST]
    closings = _closings(connection, [row.id for row in newest])
    found = {a["id"]: a for a in _objects(connection, [row.id for row in newest])}
    items = []
    for row in newest:
        closed = closings.get(row.id) if row.state == "closed" else None
        days = (closed - row.opened_at).total_seconds() / 86_400 if closed else None
        shown = {name: found[row.id].get(name) for name in SHOWN}
        items.append(shown | {"closed_at": closed, "days": days})
    return {
        "n": len(counts),
        "by_state": dict(sorted(Counter(row.state for row in counts).items())),
        "by_reason": dict(
            sorted(Counter(row.close_reason for row in counts if row.close_reason).items())
        ),
        "items": items,
    }


def open_alerts_of(
    connection: ReadConnection, ids: Collection[str], within: Limits
) -> dict[str, int]:
    """Alerts not closed by subject key, of the keys that are exactly these ids."""
    counted: dict[str, int] = {}
    for part in _chunks(sorted(ids)):
        query = (
            sa.select(_SEEN.subject_key, sa.func.count())
            .where(_SEEN.subject_key.in_(part), _SEEN.state != "closed", *within.conditions())
            .group_by(_SEEN.subject_key)
        )
        counted |= {key: int(n) for key, n in connection.execute(query)}
    return counted


def _ids(connection: ReadConnection, subject: Subject) -> set[str]:
    """Ids of the alerts whose key is the firm, is of something of its own, or names it."""
    every = {*subject.judged_as, *(key for ids in subject.ids.values() for key in ids)}
    for name in {subject.firm_id, subject.group or subject.firm_id}:
        every.update(_keys_naming(connection, name))
    found: set[str] = set()
    for part in _chunks(sorted(every)):
        found.update(connection.scalars(sa.select(_SEEN.id).where(_SEEN.subject_key.in_(part))))
    for app in sorted(subject.ids.get(APP, ()))[:CHUNK]:
        found.update(connection.scalars(sa.select(_SEEN.id).where(*_beneath(connection, app))))
    return found


def _keys_naming(connection: ReadConnection, name: str) -> list[str]:
    """Keys of several parts of which one is the name: pairs, markets of a firm."""
    apart = re.compile(rf"(^|[/|]){re.escape(name)}($|[/|])")
    return [key for key in subjects_saying(connection, name) if apart.search(key)]


def _beneath(connection: ReadConnection, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Keys that begin with a key and a stroke, as a range an index can be searched by."""
    column: sa.ColumnElement[str] = _SEEN.subject_key
    if connection.dialect.name == "postgresql":
        column = sa.collate(column, "C")
    return column >= f"{key}/", column < f"{key}0"  # the character after the stroke


def _counts(connection: ReadConnection, ids: Sequence[str], within: Limits) -> list[Any]:
    columns = (_SEEN.id, _SEEN.state, _SEEN.close_reason, _SEEN.opened_at)
    rows: list[Any] = []
    for part in _chunks(ids):
        query = sa.select(*columns).where(_SEEN.id.in_(part), *within.conditions())
        rows += connection.execute(query).all()
    return rows


def _objects(connection: ReadConnection, ids: Sequence[str]) -> Iterable[Row]:
    query = sa.select(alert_table).where(_SEEN.id.in_(ids))
    return [alert_object(alert_from(row)) for row in connection.execute(query).mappings()]


def _closings(connection: ReadConnection, ids: Sequence[str]) -> dict[str, Any]:
    """The moment each was last closed."""
    happened = event_table.c
    kinds = (EventKind.CLOSED.value, EventKind.UNDONE.value)
    query = (
        sa.select(happened.alert_id, happened.kind, happened.reason, happened.at)
        .where(happened.alert_id.in_(ids), happened.kind.in_(kinds))
        .order_by(happened.id)
    )
    return {event.alert_id: event.at for event in standing(connection.execute(query))}


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[at : at + CHUNK] for at in range(0, len(values), CHUNK))
