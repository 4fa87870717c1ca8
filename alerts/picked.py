"""Alerts read again by their ids, and what lately happened to them that a list should flag."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.model import SYSTEM, Alert, EventKind
from alerts.rows import alert_from
from alerts.store import CHUNK, storable
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table

FLAGGED = (EventKind.UPDATED, EventKind.REOPENED)
"""What a run does to an alert that changes what a reviewer may have read before."""


def alerts_by_id(
    connection: ReadConnection, ids: Collection[str], within: Limits = NONE
) -> list[Alert]:
    """The alerts of these ids that there are and may be seen, in the order of the queue."""
    known = sorted({one for one in ids if storable(one)})
    found: list[Alert] = []
    for at in range(0, len(known), CHUNK):
        query = sa.select(alert_table).where(
            alert_table.c.id.in_(known[at : at + CHUNK]), *within.conditions()
        )
        found += [alert_from(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda one: (-one.priority.rank, one.id))


def moved_by_runs(
    connection: ReadConnection, ids: Collection[str]
) -> dict[str, dict[str, datetime]]:
    """By alert, when a run last restated it (`updated`) or opened it again (`reopened`)."""
    e = event_table.c
    query = (
        sa.select(e.alert_id, e.kind, sa.func.max(e.at).label("at"))
        .where(e.alert_id.in_(sorted(ids)), e.kind.in_(FLAGGED), e.actor == SYSTEM)
        .group_by(e.alert_id, e.kind)
    )
    found: dict[str, dict[str, datetime]] = {}
    for row in connection.execute(query):
        found.setdefault(row.alert_id, {})[row.kind] = row.at
    return found
