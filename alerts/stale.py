"""Alerts whose subject files no more: marked by the run that notices, unmarked when it files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import sqlalchemy as sa

from alerts import store
from alerts.connections import ReadConnection, WriteConnection
from alerts.merge import Moment
from alerts.model import SYSTEM, Alert, AlertEvent, EventKind, State
from alerts.tables import alert as alert_table

Subject = tuple[str, str, str]
"""(typology, subject kind, subject key)."""

_C = alert_table.c


def waiting_subjects(connection: ReadConnection) -> set[Subject]:
    """Subjects of alerts that are not closed."""
    query = sa.select(_C.typology, _C.subject_kind, _C.subject_key).where(
        _C.state != State.CLOSED.value
    )
    return {(row[0], row[1], row[2]) for row in connection.execute(query)}


def mark(connection: WriteConnection, silent: Collection[Subject], moment: Moment) -> int:
    """Marks the waiting alerts about subjects that have fallen silent, and unmarks the others.

    Returns:
        How many alerts were marked or unmarked.
    """
    typologies = sorted({typology for typology, _, _ in silent})
    concerned = sa.or_(_C.stale_since.is_not(None), _C.typology.in_(typologies))
    query = sa.select(
        _C.fingerprint, _C.stale_since, _C.typology, _C.subject_kind, _C.subject_key
    ).where(_C.state != State.CLOSED.value, concerned)
    # Few are about to be marked: the whole rows are read, and held, of these alone.
    asked = [
        fingerprint
        for fingerprint, since, *subject in connection.execute(query)
        if (tuple(subject) in silent) != (since is not None)
    ]
    moved: list[Alert] = []
    for alert in sorted(store.lock_alerts(connection, asked).values(), key=lambda a: a.id):
        said = alert.signal
        stopped = (said.typology, said.subject_kind, said.subject_key) in silent
        waiting = alert.state is not State.CLOSED
        if waiting and stopped != (alert.stale_since is not None):
            moved.append(_moved(alert, moment, stopped=stopped))
    store.update_alerts(connection, moved)
    store.add_events(connection, [_event(alert, moment) for alert in moved])
    return len(moved)


def _moved(alert: Alert, moment: Moment, *, stopped: bool) -> Alert:
    return replace(
        alert,
        stale_since=moment.now if stopped else None,
        version=alert.version + 1,
        updated_at=moment.now,
    )


def _event(alert: Alert, moment: Moment) -> AlertEvent:
    kind = EventKind.WENT_STALE if alert.stale_since else EventKind.FILED_AGAIN
    return AlertEvent(
        alert.id, alert.version, kind, SYSTEM, moment.now, moment.run_id, None, None, {}
    )
