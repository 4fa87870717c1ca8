"""One change of an alert by a person: held, checked, written with its event and audit entry."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts import store
from alerts.audit_events import enter
from alerts.connections import WriteConnection
from alerts.model import Alert, AlertEvent, EventKind
from features.errors import WardenError

LONGEST_NOTE = 10_000
LONGEST_NAME = 128
TRACKED = (
    "state", "assignee", "close_reason", "closed_severity", "due_on", "labels", "pending",
)  # fmt: skip
"""What a person changes; an event tells it with old and new value, and an undoing takes it back."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts, on which version of the alert, and when.

    Attributes:
        version: the one the actor was looking at.
    """

    actor: str
    version: int
    now: datetime


def held(connection: WriteConnection, alert_id: str, hand: Hand) -> Alert:
    """The alert as the actor saw it, held against others until the transaction ends.

    Raises:
        WardenError: `actor_required`, `alert_not_found`, `stale_version` (conflict: somebody or a
            run changed it meanwhile).
    """
    require_actor(hand.actor)
    alert = store.lock_alert(connection, alert_id)
    if alert.version != hand.version:
        raise WardenError(
            "stale_version",
            f"Alert {alert_id} is at version {alert.version}, not {hand.version}: "
            "it was changed after you opened it.",
            "Read what changed, then decide again.",
            kind="conflict",
        )
    return alert


def changed(
    connection: WriteConnection,
    before: Alert,
    hand: Hand,
    kind: EventKind,
    *,
    reason: str | None = None,
    note: str | None = None,
    data: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Alert:
    """Writes an alert that is held a version further, with the event and the audit entry of it.

    Args:
        fields: of the alert that become other.
        data: what the event says beside the fields that changed.

    Raises:
        WardenError: `audit_unavailable`.
    """
    after = replace(before, **fields, version=before.version + 1, updated_at=hand.now)
    moved = {name: [_told(before, name), _told(after, name)] for name in TRACKED}
    told = {name: pair for name, pair in moved.items() if pair[0] != pair[1]}
    event = AlertEvent(
        alert_id=after.id,
        version=after.version,
        kind=kind,
        actor=hand.actor,
        at=hand.now,
        run_id=None,
        reason=reason,
        note=note or None,
        data={**({"changed": told} if told else {}), **(data or {})},
    )
    store.save_decision(connection, after, event)
    enter(connection, event)
    return after


def _told(alert: Alert, name: str) -> Any:
    """A field as an event keeps it: plain data."""
    value = getattr(alert, name)
    if name == "labels":
        return list(value)
    if name == "due_on":
        return value.isoformat()
    return dict(value) if name == "pending" and value else value


def require_actor(actor: str) -> None:
    """Raises WardenError `actor_required`: no actor, no act."""
    if not 0 < len(actor.strip()) <= LONGEST_NAME or not store.storable(actor):
        raise WardenError(
            "actor_required",
            "Nobody is named for this act, so it was not done.",
            "Say who you are: --actor NAME, or WARDEN_ACTOR.",
        )


def check_note(note: str | None, *, needed: bool = False) -> None:
    """Holds a text to what can be kept.

    Raises:
        WardenError: `note_too_long`, `note_unreadable`, `note_required`.
    """
    if note and len(note) > LONGEST_NOTE:
        raise WardenError("note_too_long", f"The text is over {LONGEST_NOTE:,} characters.")
    if note and not store.storable(note):
        raise WardenError("note_unreadable", "The text contains characters that are none.")
    if needed and not (note or "").strip():
        raise WardenError(
            "note_required",
            "This decision needs a note.",
            "Say in a sentence what you looked at and what it showed.",
        )


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are spelt: case, space and width of letters
    make nobody another."""
    return _spelt(one) == _spelt(other)


def _spelt(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
