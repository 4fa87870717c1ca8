"""Taking back one's own last decision: a decision like any other, and nothing is deleted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts.changing import Hand, changed, held, same_person
from alerts.connections import WriteConnection
from alerts.labels import keep
from alerts.model import Alert, AlertEvent, CloseReason, EventKind, State
from alerts.rows import event_from
from alerts.tables import alert_event
from features.errors import WardenError

WITHIN = timedelta(minutes=10)
UNDOABLE = frozenset(
    {
        EventKind.ACKNOWLEDGED, EventKind.REVIEW_STARTED, EventKind.ESCALATED, EventKind.CLOSED,
        EventKind.REOPENED, EventKind.CLOSURE_ASKED, EventKind.CLOSURE_REJECTED,
        EventKind.CLOSURE_WITHDRAWN, EventKind.ASSIGNED, EventKind.RELEASED, EventKind.LABELLED,
    }
)  # fmt: skip


def undo(connection: WriteConnection, alert_id: str, hand: Hand) -> Alert:
    """Puts back what the actor's last decision changed, while nothing has happened since.

    Raises:
        WardenError: `actor_required`, `alert_not_found`, and as conflicts `stale_version`,
            `nothing_to_undo` (the last thing that happened is no decision, is somebody else's, or
            is over ten minutes old).
    """
    alert = held(connection, alert_id, hand)
    last = _last(connection, alert_id)
    if not can_undo(last, hand.actor, hand.now):
        raise WardenError(
            "nothing_to_undo",
            f"The last thing that happened to alert {alert_id} is not a decision of yours "
            "of the last ten minutes.",
            "Decide anew instead.",
            kind="conflict",
        )
    fields = {name: _value(name, pair[0]) for name, pair in last.data.get("changed", {}).items()}
    after = changed(connection, alert, hand, EventKind.UNDONE, reason=last.kind.value, **fields)
    if "labels" in fields:
        keep(connection, after)
    return after


def can_undo(last: AlertEvent, actor: str, now: datetime) -> bool:
    """Whether what happened last is the actor's own decision and recent enough."""
    recent = now - last.at <= WITHIN
    return last.kind in UNDOABLE and same_person(last.actor, actor) and recent


def _last(connection: WriteConnection, alert_id: str) -> AlertEvent:
    query = (
        sa.select(alert_event)
        .where(alert_event.c.alert_id == alert_id)
        .order_by(alert_event.c.id.desc())
        .limit(1)
    )
    return event_from(connection.execute(query).mappings().one())


def _value(name: str, kept: Any) -> Any:
    """A field of an alert from what its event kept."""
    if name == "state":
        return State(kept)
    if name == "close_reason":
        return CloseReason(kept) if kept else None
    if name == "due_on":
        return date.fromisoformat(kept)
    return tuple(kept) if name == "labels" else kept
