"""What one person did lately: acts on many alerts at once as one, with what can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa

from alerts.bulk import MOST
from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table
from alerts.undo import UNDOABLE, WITHIN

SHOWN = 30
"""Acts of a list."""
READ = MOST + SHOWN * 10
"""Events looked at for them: the largest act of all at once, and room for others."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a person.

    Attributes:
        alerts: ids, as far as the person may still see them.
        undoable: version by id of those it could still be undone for.
    """

    kind: str
    reason: str | None
    at: datetime
    alerts: tuple[str, ...]
    undoable: dict[str, int]


def acts_of(
    connection: ReadConnection, actor: str, now: datetime, within: Limits = NONE
) -> list[Act]:
    """The last acts of a person on alerts, the newest first."""
    e, a = event_table.c, alert_table.c
    query = (
        sa.select(e.alert_id, e.version, e.kind, e.reason, e.at, a.version.label("stands_at"))
        .join(alert_table, a.id == e.alert_id)
        .where(e.actor == actor, *within.conditions())
        .order_by(e.id.desc())
        .limit(READ)
    )
    rows = connection.execute(query).all()
    # what was done at one moment was one act; nobody does two things in one
    found = [
        Act(
            kind=kind,
            reason=reason,
            at=at,
            alerts=tuple(row.alert_id for row in together),
            undoable={
                row.alert_id: row.version
                for row in together
                if kind in UNDOABLE and now - at <= WITHIN and row.stands_at == row.version
            },
        )
        for (at, kind, reason), group in groupby(rows, key=lambda r: (r.at, r.kind, r.reason))
        for together in [list(group)]
    ]
    return found[:SHOWN]
