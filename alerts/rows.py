"""Between an alert and its row: the only place that knows the columns."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from alerts.model import (
    Alert,
    AlertEvent,
    CloseReason,
    EventKind,
    Priority,
    Signal,
    State,
)

_SEEN = tuple(f.name for f in fields(Signal) if f.name != "run_id")
_LISTS = ("facts", "rules", "models", "legal_basis", "innocent", "not_checked")
_TEXTS = ("title", "message")
_EVENT = tuple(f.name for f in fields(AlertEvent))


def alert_row(alert: Alert) -> dict[str, Any]:
    """Column values of an alert."""
    seen = alert.signal
    row = {name: getattr(seen, name) for name in _SEEN}
    row |= {name: [dict(part) for part in row[name]] for name in _LISTS}
    row |= {name: dict(row[name]) for name in _TEXTS}
    return row | {
        "id": alert.id,
        "fingerprint": alert.fingerprint,
        "lane": str(seen.lane),
        "state": alert.state.value,
        "close_reason": alert.close_reason.value if alert.close_reason else None,
        "closed_severity": alert.closed_severity,
        "firing": alert.firing,
        "assignee": alert.assignee,
        "version": alert.version,
        "opened_at": alert.opened_at,
        "updated_at": alert.updated_at,
        "run_id": alert.run_id,
        "priority": alert.priority.value,
        "likely": alert.priority.likely,
        "harm": alert.priority.harm,
        "urgency": alert.priority.urgency,
        "queue_rank": alert.priority.rank,
        "search_text": search_text(seen),
        "tags": [dict(tag) for tag in alert.tags] or None,
        "set_aside": alert.set_aside,
        "evidence": dict(alert.priority.evidence) or None,
        "blind": alert.blind,
        "learned": dict(alert.learned) or None,
        "due_on": alert.due_on,
        "labels": list(alert.labels) or None,
        "stale_since": alert.stale_since,
        "pending": dict(alert.pending) if alert.pending else None,
        "jurisdictions": None if alert.jurisdictions is None else list(alert.jurisdictions),
    }


def search_text(signal: Signal) -> str:
    """Everything free text is looked for in, without case."""
    parts = (signal.subject_key, signal.typology, *map(str, signal.title.values()))
    return "\n".join(parts).casefold()


def alert_from(row: RowMapping) -> Alert:
    """The alert of a row."""
    return Alert(
        id=row["id"],
        fingerprint=row["fingerprint"],
        signal=Signal(**{name: row[name] for name in _SEEN}, run_id=row["run_id"]),
        state=State(row["state"]),
        close_reason=CloseReason(row["close_reason"]) if row["close_reason"] else None,
        closed_severity=row["closed_severity"],
        firing=row["firing"],
        assignee=row["assignee"],
        version=row["version"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
        run_id=row["run_id"],
        priority=Priority(
            row["likely"], row["harm"], row["urgency"], row["queue_rank"], row["evidence"] or {}
        ),
        tags=tuple(row["tags"] or ()),
        set_aside=row["set_aside"],
        blind=row["blind"],
        learned=row["learned"] or {},
        due_on=row["due_on"],
        labels=tuple(row["labels"] or ()),
        stale_since=row["stale_since"],
        pending=row["pending"],
        jurisdictions=None if row["jurisdictions"] is None else tuple(row["jurisdictions"]),
    )


def event_row(event: AlertEvent) -> dict[str, Any]:
    """Column values of an event."""
    row = {name: getattr(event, name) for name in _EVENT}
    return row | {"kind": event.kind.value, "data": dict(event.data)}


def event_from(row: RowMapping) -> AlertEvent:
    """The event of a row."""
    return AlertEvent(**{**{n: row[n] for n in _EVENT}, "kind": EventKind(row["kind"])})
