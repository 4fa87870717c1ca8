"""Closing a severe alert takes two persons: one asks, another approves exactly what was asked.

The request is bound to a hash of what the alert said and of the reason and note given for closing
it. If a run restates the alert meanwhile, the request no longer speaks of what is there, and
nobody can approve it.
"""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa

from alerts.changing import Hand, changed, check_note, held, same_person
from alerts.connections import ReadConnection, WriteConnection
from alerts.merge import content
from alerts.model import Alert, CloseReason, EventKind, State
from alerts.tables import alert_event
from features.errors import WardenError

SEVERE = 4
"""From this severity on, closing needs a second person."""


def needs_second(alert: Alert, reason: CloseReason) -> bool:
    """Whether another person must approve the closing; what is confirmed is not let go."""
    return alert.signal.severity >= SEVERE and reason is not CloseReason.CONFIRMED


def ask(
    connection: WriteConnection, alert: Alert, hand: Hand, reason: CloseReason, note: str
) -> Alert:
    """Asks for a closure of an alert that is held; its state stays.

    Raises:
        WardenError: `audit_unavailable`.
    """
    asked = {
        "by": hand.actor,
        "at": hand.now.isoformat(),
        "reason": reason.value,
        "content": bound(alert, reason.value, note),
    }
    return changed(
        connection, alert, hand, EventKind.CLOSURE_ASKED, reason=reason, note=note, pending=asked
    )


def approve(connection: WriteConnection, alert_id: str, hand: Hand) -> Alert:
    """Closes the alert as another person has asked; the note is that person's.

    Raises:
        WardenError: `actor_required`, `alert_not_found`, and as conflicts `stale_version`,
            `nothing_pending`, `same_person` (whoever asked), `content_changed` (the alert says
            something else by now than what was to be approved).
    """
    alert = held(connection, alert_id, hand)
    asked = _pending(alert)
    if same_person(asked["by"], hand.actor):
        raise WardenError(
            "same_person",
            f"{hand.actor} asked to close alert {alert_id} and cannot approve it.",
            "Another person approves it.",
            kind="conflict",
        )
    note = note_of(connection, alert_id)
    if bound(alert, asked["reason"], note) != asked["content"]:
        raise WardenError(
            "content_changed",
            f"Alert {alert_id} says something else by now than when its closing was asked for.",
            "Reject the request; whoever asked reads the alert again.",
            kind="conflict",
        )
    return changed(
        connection,
        alert,
        hand,
        EventKind.CLOSED,
        reason=asked["reason"],
        note=note,
        data={"asked_by": asked["by"], "content": asked["content"]},
        state=State.CLOSED,
        close_reason=CloseReason(asked["reason"]),
        closed_severity=alert.signal.severity,
        # whoever looked into it answers for it
        assignee=asked["by"],
        pending=None,
    )


def reject(connection: WriteConnection, alert_id: str, hand: Hand, note: str) -> Alert:
    """Leaves the alert as it is, and says why.

    Raises:
        WardenError: `actor_required`, `note_required`, `note_too_long`, `alert_not_found`, and as
            conflicts `stale_version`, `nothing_pending`, `same_person` (who asked withdraws).
    """
    check_note(note, needed=True)
    alert = held(connection, alert_id, hand)
    if same_person(_pending(alert)["by"], hand.actor):
        raise WardenError(
            "same_person",
            f"{hand.actor} asked to close alert {alert_id}.",
            "Withdraw the request instead.",
            kind="conflict",
        )
    return changed(connection, alert, hand, EventKind.CLOSURE_REJECTED, note=note, pending=None)


def withdraw(connection: WriteConnection, alert_id: str, hand: Hand) -> Alert:
    """Takes back one's own request.

    Raises:
        WardenError: `actor_required`, `alert_not_found`, and as conflicts `stale_version`,
            `nothing_pending`, `other_person` (somebody else asked).
    """
    alert = held(connection, alert_id, hand)
    if not same_person(_pending(alert)["by"], hand.actor):
        raise WardenError(
            "other_person",
            "Only whoever asked for a closure can withdraw it.",
            "Reject it, with a note.",
            kind="conflict",
        )
    return changed(connection, alert, hand, EventKind.CLOSURE_WITHDRAWN, pending=None)


def refuse_while_pending(alert: Alert) -> None:
    """Raises WardenError `closure_pending` (conflict): first that request is answered."""
    if alert.pending is not None:
        raise WardenError(
            "closure_pending",
            f"A closure of alert {alert.id} waits for a second person.",
            "Approve, reject or withdraw it first.",
            kind="conflict",
        )


def bound(alert: Alert, reason: str, note: str) -> str:
    """SHA-256 of everything an approval speaks of: what the alert says, and why it is closed."""
    said = {
        "alert": alert.id,
        "signal": content(alert.signal),
        "firing": alert.firing,
        "tags": [dict(tag) for tag in alert.tags],
        "reason": reason,
        "note": note,
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _pending(alert: Alert) -> dict[str, str]:
    if alert.pending is None:
        raise WardenError(
            "nothing_pending",
            f"Nobody has asked to close alert {alert.id}, or it was answered already.",
            "Read the alert again.",
            kind="conflict",
        )
    return dict(alert.pending)


def note_of(connection: ReadConnection | WriteConnection, alert_id: str) -> str:
    """The note of the last request; it stands in its event alone."""
    happened = alert_event.c
    query = (
        sa.select(happened.note)
        .where(happened.alert_id == alert_id, happened.kind == EventKind.CLOSURE_ASKED.value)
        .order_by(happened.id.desc())
        .limit(1)
    )
    return connection.scalar(query) or ""
