"""Alerts and events in the database; every function works in its caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

import sqlalchemy as sa

from alerts import answers
from alerts.connections import ReadConnection, WriteConnection
from alerts.merge import Cell
from alerts.model import Alert, AlertEvent, EventKind
from alerts.notify.outbox import note_alert_events
from alerts.rows import alert_from, alert_row, event_row
from alerts.standing import standing
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table
from alerts.tables import review_draw as draw_table
from features.errors import WardenError

MERGE_LOCK = 7_202_311_041_500_002
"""Number of the PostgreSQL lock held while a run merges; SQLite has one writer anyway."""
STORM_KIND = "rule"
"""Subject kind of an alert about a rule that fires too often, not about a firm."""
CHUNK = 500
"""Values of one IN list and rows of one statement."""


def storable(text: str) -> bool:
    """Whether the databases can hold a text; neither takes half a character, nor one a null."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def lock_merging(connection: WriteConnection) -> None:
    """Lets one run at a time decide what is new, until its transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MERGE_LOCK)))


def lock_alert(connection: WriteConnection, alert_id: str) -> Alert:
    """The alert as it stands, held against other writers until the transaction ends.

    Raises:
        WardenError: `alert_not_found`.
    """
    query = sa.select(alert_table).where(alert_table.c.id == alert_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none() if storable(alert_id) else None
    if row is None:
        raise alert_not_found(alert_id)
    return alert_from(row)


def alert_not_found(alert_id: str) -> WardenError:
    """The error for an id nobody has."""
    return WardenError(
        "alert_not_found",
        f"There is no alert {alert_id}.",
        "Check the id in the queue.",
        kind="not_found",
    )


def lock_alerts(connection: WriteConnection, fingerprints: Collection[str]) -> dict[str, Alert]:
    """Alerts by fingerprint, held against other writers; unknown fingerprints are left out."""
    query = sa.select(alert_table).order_by(alert_table.c.id).with_for_update()
    found = {}
    # sorted throughout, so that two transactions never wait for each other
    for part in _chunks(sorted(fingerprints)):
        chosen = query.where(alert_table.c.fingerprint.in_(part))
        for row in connection.execute(chosen).mappings():
            found[row["fingerprint"]] = alert_from(row)
    return found


def firing_in(connection: ReadConnection, cells: Collection[Cell]) -> set[str]:
    """Fingerprints of the alerts firing in the cells; those no run raised cannot fall silent."""
    if not cells:
        return set()
    columns = alert_table.c
    typologies = sorted({typology for typology, _, _ in cells})
    query = sa.select(
        columns.id,
        columns.fingerprint,
        columns.typology,
        columns.subject_kind,
        columns.period_start,
    ).where(columns.firing, columns.typology.in_(typologies))
    wanted, drawn = frozenset(cells), unraised(connection)
    return {
        mark
        for alert_id, mark, *cell in connection.execute(query)
        if tuple(cell) in wanted and alert_id not in drawn
    }


def storm_periods(connection: ReadConnection) -> dict[str, tuple[date, date]]:
    """First and last day of the storm alerts that are not closed, by rule."""
    columns = alert_table.c
    query = (
        sa.select(columns.subject_key, columns.period_start, columns.period_end)
        .where(columns.subject_kind == STORM_KIND, columns.state != "closed")
        .order_by(columns.opened_at, columns.id)
    )
    return {rule: (first, last) for rule, first, last in connection.execute(query)}


def ids_taken(connection: ReadConnection, ids: Collection[str]) -> dict[str, str]:
    """Fingerprints by id, of those ids that are given out."""
    columns = alert_table.c
    taken: dict[str, str] = {}
    for part in _chunks(sorted(ids)):
        query = sa.select(columns.id, columns.fingerprint).where(columns.id.in_(part))
        taken.update((row.id, row.fingerprint) for row in connection.execute(query))
    return taken


def insert_alerts(connection: WriteConnection, alerts: Iterable[Alert]) -> None:
    """Adds new alerts."""
    listed = list(alerts)
    if listed:
        connection.execute(sa.insert(alert_table), [alert_row(alert) for alert in listed])
        answers.keep(connection, listed)


def update_alerts(connection: WriteConnection, alerts: Iterable[Alert]) -> None:
    """Replaces alerts held by `lock_alerts` or `lock_alert` in this transaction."""
    listed = list(alerts)
    rows = [{f"new_{name}": value for name, value in alert_row(a).items()} for a in listed]
    if not rows:
        return
    columns = alert_table.c
    fixed = ("id", "fingerprint")
    values: dict[str, sa.BindParameter[object]] = {
        c.name: sa.bindparam(f"new_{c.name}") for c in columns if c.name not in fixed
    }
    statement = (
        sa.update(alert_table)
        # the version says again what the lock promises: nobody came between
        .where(columns.id == sa.bindparam("new_id"))
        .where(columns.version == sa.bindparam("new_version") - 1)
        .values(values)
    )
    done = connection.execute(statement, rows)
    if done.rowcount != len(rows):
        raise WardenError(
            "stale_version", "An alert was changed meanwhile.", "Try again.", kind="conflict"
        )
    answers.keep(connection, listed)


def save_decision(connection: WriteConnection, alert: Alert, event: AlertEvent) -> None:
    """Writes the alert a version further, and the event that says why."""
    update_alerts(connection, [alert])
    add_events(connection, [event])


def add_events(connection: WriteConnection, events: Iterable[AlertEvent]) -> None:
    """Appends events, and notes what people are told of."""
    listed = list(events)
    rows = [event_row(event) for event in listed]
    if rows:
        connection.execute(sa.insert(event_table), rows)
        note_alert_events(connection, listed)


def reviewers(connection: ReadConnection | WriteConnection, alert_id: str) -> set[str]:
    """Who has found something about an alert since it was last opened."""
    happened = event_table.c
    query = (
        sa.select(happened.alert_id, happened.kind, happened.reason, happened.actor, happened.data)
        .where(happened.alert_id == alert_id)
        .order_by(happened.id)
    )
    found: set[str] = set()
    for event in standing(connection.execute(query)):
        if event.kind == EventKind.REOPENED.value:
            found.clear()
        elif event.kind in (EventKind.CLOSED.value, EventKind.SECOND_REVIEW.value):
            found.add(event.actor)
            # of a severe alert, one person found it and another approved
            found.add(event.data.get("asked_by", event.actor))
    return found


def unraised(connection: ReadConnection) -> set[str]:
    """Ids of alerts drawn for blind review that no run has raised so far."""
    query = (
        sa.select(alert_table.c.id)
        .join(draw_table, draw_table.c.alert_id == alert_table.c.id)
        .where(draw_table.c.role == "sample", alert_table.c.blind)
    )
    return set(connection.scalars(query))


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[at : at + CHUNK] for at in range(0, len(values), CHUNK))
