"""Notices of what happens, written in the transaction of the event: both are kept, or neither."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts.connections import WriteConnection
from alerts.model import AlertEvent
from alerts.notify.kinds import Kind
from alerts.notify.tables import notice

LEAD = "lead"
"""Reason of the first event of an alert that another installation handed over."""
_OF_ALERTS: Mapping[str, Kind] = {
    "opened": Kind.ALERT_OPENED,
    "reopened": Kind.ALERT_REOPENED,
    "escalated": Kind.ALERT_ESCALATED,
    "assigned": Kind.ALERT_ASSIGNED,
    "closure_asked": Kind.CLOSURE_PENDING,
    "went_stale": Kind.DATA_LATE,
}
"""By kind of event; the other kinds are told to nobody."""


def note_alert_events(connection: WriteConnection, events: Iterable[AlertEvent]) -> None:
    """Notes those of the events that people may want to hear of."""
    write(connection, [row for event in events if (row := _of_alert(event)) is not None])


def note_case_event(connection: WriteConnection, event: Mapping[str, Any]) -> None:
    """Notes an event of a case, as its row, that makes it, or a task of it, somebody's."""
    person = _assigned(event["data"])
    if person is None:
        return
    mark = f"case:{event['case_number']}:{event['version']}:{event['kind']}"
    write(
        connection,
        [
            row_of(
                mark, Kind.CASE_ASSIGNED, "case", event["case_number"],
                actor=event["actor"], person=person, at=event["at"],
            )
        ],
    )  # fmt: skip


def row_of(
    mark: str,
    kind: Kind,
    about: str,
    key: str,
    *,
    actor: str,
    at: datetime,
    person: str | None = None,
) -> dict[str, Any]:
    """A notice as it is written; `mark` names the event."""
    return {"mark": mark, "kind": kind.value, "about": about, "key": key, "actor": actor,
            "person": person, "at": at}  # fmt: skip


def write(connection: WriteConnection, rows: list[dict[str, Any]]) -> None:
    """Adds notices; an event noted before stays noted once."""
    if rows:
        text = (
            "INSERT INTO notice (mark, kind, about, key, actor, person, at) VALUES "
            "(:mark, :kind, :about, :key, :actor, :person, :at) ON CONFLICT (mark) DO NOTHING"
        )
        types = [sa.bindparam("at", type_=notice.c.at.type)]
        connection.execute(sa.text(text).bindparams(*types), rows)


def _of_alert(event: AlertEvent) -> dict[str, Any] | None:
    kind = _OF_ALERTS.get(str(event.kind))
    if kind is None:
        return None
    person = None
    if kind is Kind.ALERT_OPENED and event.reason == LEAD:
        kind = Kind.LEAD_RECEIVED
    if kind is Kind.ALERT_ASSIGNED:
        person = event.data.get("changed", {}).get("assignee", [None, None])[1]
    mark = f"alert:{event.alert_id}:{event.version}:{event.kind}"
    return row_of(
        mark, kind, "alert", event.alert_id, actor=event.actor, person=person, at=event.at
    )


def _assigned(data: Mapping[str, Any]) -> str | None:
    """Who is given a case or a task by an event; a change is told with old and new value."""
    found = data.get("owner", data.get("assignee", (data.get("changed") or {}).get("owner")))
    found = found[1] if isinstance(found, list | tuple) else found
    return found if isinstance(found, str) and found else None
