"""Whose authorities an alert concerns: kept beside it, and found by them.

It is no part of what was judged: it may change without the alert becoming another one, and a replay
does not ask for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from alerts.connections import ReadConnection, WriteConnection
from alerts.tables import alert as alert_table
from alerts.tables import alert_jurisdiction as table
from features.jurisdictions import covering

CHUNK = 500
LONGEST = 16
"""Characters of a code; what is longer was filed in a wrong column and names nobody."""


class About(NamedTuple):
    """An alert by what it is about."""

    fingerprint: str
    kind: str
    key: str


def reach(places: Collection[str]) -> set[str]:
    """Every code of whoever may see what concerns the places: their own, and what they lie in."""
    return {code for place in places for code in covering(place)}


def unplaced(connection: ReadConnection) -> list[About]:
    """Alerts of which nobody has looked up yet whom they concern."""
    columns = alert_table.c
    query = sa.select(columns.fingerprint, columns.subject_kind, columns.subject_key).where(
        sa.text("jurisdictions IS NULL")
    )
    return [About(*row) for row in connection.execute(query)]


def keep(connection: WriteConnection, places: Mapping[str, Collection[str]]) -> int:
    """Writes whom alerts concern, by fingerprint; how many concern others than before.

    An alert that is not there is left out.
    """
    columns, moved = alert_table.c, 0
    for part in _chunks(sorted(places)):
        query = sa.select(columns.id, columns.fingerprint, columns.jurisdictions)
        rows = connection.execute(query.where(columns.fingerprint.in_(part))).all()
        wanted = {row.id: _sorted(places[row.fingerprint]) for row in rows}
        other = {row.id for row in rows if row.jurisdictions != wanted[row.id]}
        _write(connection, {alert_id: wanted[alert_id] for alert_id in sorted(other)})
        moved += len(other)
    return moved


def reached(connection: ReadConnection, ids: Collection[str]) -> dict[str, frozenset[str]]:
    """By alert the codes by which it is within somebody's reach; alerts without any left out."""
    found: dict[str, set[str]] = {}
    for part in _chunks(sorted(ids)):
        query = sa.select(table.c.alert_id, table.c.jurisdiction).where(table.c.alert_id.in_(part))
        for alert_id, code in connection.execute(query):
            found.setdefault(alert_id, set()).add(code)
    return {alert_id: frozenset(codes) for alert_id, codes in found.items()}


def _write(connection: WriteConnection, wanted: Mapping[str, list[str]]) -> None:
    if not wanted:
        return
    connection.execute(sa.delete(table).where(table.c.alert_id.in_(list(wanted))))
    statement = (
        sa.update(alert_table)
        .where(alert_table.c.id == sa.bindparam("of"))
        .values(jurisdictions=sa.bindparam("named"))
    )
    connection.execute(statement, [{"of": one, "named": codes} for one, codes in wanted.items()])
    rows = [
        {"alert_id": alert_id, "jurisdiction": code}
        for alert_id, codes in wanted.items()
        for code in sorted(reach(codes))
    ]
    if rows:
        connection.execute(sa.insert(table), rows)


def _sorted(places: Collection[str]) -> list[str]:
    return sorted({place for place in places if 0 < len(place) <= LONGEST})


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[at : at + CHUNK] for at in range(0, len(values), CHUNK))
