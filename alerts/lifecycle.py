"""What a person may do with an alert: the table of transitions, decisions and comments.

No actor, no act; and a decision names the version it was made on, so nobody overwrites what
another has just decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from alerts import store
from alerts.audit_events import enter
from alerts.connections import WriteConnection
from alerts.model import Alert, AlertEvent, CloseReason, EventKind, State
from features.errors import WardenError


class Action(StrEnum):
    """What a person may decide."""

    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    REOPEN = "reopen"


TRANSITIONS: Mapping[tuple[State, Action], State] = {
    (State.OPEN, Action.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.OPEN, Action.CLOSE): State.CLOSED,
    (State.ACKNOWLEDGED, Action.CLOSE): State.CLOSED,
    (State.ACKNOWLEDGED, Action.REOPEN): State.OPEN,
    (State.CLOSED, Action.REOPEN): State.OPEN,
}
"""All that is allowed; reopening what was acknowledged hands it back to everyone."""

SEVERE = 4
"""From here on, closing is to need a second person."""
LONGEST_NOTE = 10_000

_EVENTS = {
    Action.ACKNOWLEDGE: EventKind.ACKNOWLEDGED,
    Action.CLOSE: EventKind.CLOSED,
    Action.REOPEN: EventKind.REOPENED,
}


def allowed_actions(state: State) -> tuple[Action, ...]:
    """What may be decided in a state, for buttons."""
    return tuple(action for (now, action) in TRANSITIONS if now == state)


def decide(
    connection: WriteConnection,
    alert_id: str,
    actor: str,
    action: str,
    reason: str | None,
    note: str | None,
    expected_version: int,
    now: datetime,
) -> Alert:
    """Makes one decision; the alert and its event are written together or not at all.

    Args:
        reason: one of `CloseReason` when closing, else None.
        expected_version: the version the actor was looking at.

    Returns:
        The alert as it stands now.

    Raises:
        WardenError: `actor_required`, `unknown_action`, `reason_required`, `reason_unexpected`,
            `note_too_long`, `alert_not_found`, `stale_version` (conflict: somebody or a run
            changed it meanwhile), `transition_not_allowed` (conflict).
    """
    _require_actor(actor)
    _check_note(note)
    move = _action(action)
    why = _close_reason(move, reason)
    before = store.lock_alert(connection, alert_id)
    if before.version != expected_version:
        raise WardenError(
            "stale_version",
            f"Alert {alert_id} is at version {before.version}, not {expected_version}: "
            "it was changed after you opened it.",
            "Read what changed, then decide again.",
            kind="conflict",
        )
    after = _moved(before, move, why, actor, now)
    event = AlertEvent(
        alert_id=alert_id,
        version=after.version,
        kind=_EVENTS[move],
        actor=actor,
        at=now,
        run_id=None,
        reason=why,
        note=note or None,
        data=_effects(before, after),
    )
    store.save_decision(connection, after, event)
    enter(connection, event)
    return after


def comment(
    connection: WriteConnection, alert_id: str, actor: str, text: str, now: datetime
) -> AlertEvent:
    """Adds a comment; it changes nothing else, so it never conflicts with a decision.

    Raises:
        WardenError: `actor_required`, `comment_empty`, `note_too_long`, `alert_not_found`.
    """
    _require_actor(actor)
    _check_note(text)
    if not text.strip():
        raise WardenError("comment_empty", "The comment has no text.")
    alert = store.lock_alert(connection, alert_id)
    event = AlertEvent(
        alert_id, alert.version, EventKind.COMMENTED, actor, now, None, None, text, {}
    )
    store.add_events(connection, [event])
    enter(connection, event)
    return event


def second_review(
    connection: WriteConnection,
    alert_id: str,
    actor: str,
    reason: str | None,
    note: str | None,
    now: datetime,
) -> AlertEvent:
    """Records what a second person finds about a closed alert; it neither reopens nor closes it.

    Raises:
        WardenError: `actor_required`, `reason_required`, `note_too_long`, `alert_not_found`,
            `not_closed`, `same_person` (conflict: whoever closed it, or reviewed it already).
    """
    _require_actor(actor)
    _check_note(note)
    why = _close_reason(Action.CLOSE, reason)
    alert = store.lock_alert(connection, alert_id)
    if alert.state is not State.CLOSED:
        raise WardenError(
            "not_closed",
            f"Alert {alert_id} is {alert.state}; a second review follows the first.",
            "See what waits for one: warden reviews list --second",
            kind="conflict",
        )
    if actor in store.reviewers(connection, alert_id):
        raise WardenError(
            "same_person",
            f"{actor} has already reviewed alert {alert_id}.",
            "A second review is another person's.",
            kind="conflict",
        )
    event = AlertEvent(
        alert_id, alert.version, EventKind.SECOND_REVIEW, actor, now, None, why, note or None, {}
    )
    store.add_events(connection, [event])
    enter(connection, event)
    return event


def _require_actor(actor: str) -> None:
    if not actor.strip() or not store.storable(actor):
        raise WardenError("actor_required", "A decision needs the person who makes it.")


def _check_note(note: str | None) -> None:
    if note and len(note) > LONGEST_NOTE:
        raise WardenError("note_too_long", f"The text is over {LONGEST_NOTE:,} characters.")
    if note and not store.storable(note):
        raise WardenError("note_unreadable", "The text contains characters that are none.")


def _action(action: str) -> Action:
    try:
        return Action(action)
    except ValueError:
        raise WardenError(
            "unknown_action", f"There is no action {action!r}.", f"Use {', '.join(Action)}."
        ) from None


def _close_reason(action: Action, reason: str | None) -> CloseReason | None:
    if action is not Action.CLOSE:
        if reason:
            raise WardenError("reason_unexpected", f"To {action} takes no reason.", "Use a note.")
        return None
    try:
        return CloseReason(reason or "")
    except ValueError:
        raise WardenError(
            "reason_required",
            "Closing an alert needs a reason from the list.",
            f"Use one of {', '.join(CloseReason)}.",
        ) from None


def _moved(
    alert: Alert, action: Action, reason: CloseReason | None, actor: str, now: datetime
) -> Alert:
    state = TRANSITIONS.get((alert.state, action))
    if state is None:
        raise WardenError(
            "transition_not_allowed",
            f"Alert {alert.id} is {alert.state}; it cannot be {_EVENTS[action]}.",
            f"Possible now: {', '.join(allowed_actions(alert.state))}.",
            kind="conflict",
        )
    return replace(
        alert,
        state=state,
        close_reason=reason,
        closed_severity=alert.signal.severity if state is State.CLOSED else None,
        # open means nobody's; whoever acknowledges or closes it answers for it
        assignee=None if state is State.OPEN else actor,
        version=alert.version + 1,
        updated_at=now,
    )


def _effects(before: Alert, after: Alert) -> dict[str, object]:
    pairs = {
        "state": (before.state.value, after.state.value),
        "assignee": (before.assignee, after.assignee),
        "close_reason": (before.close_reason, after.close_reason),
    }
    effects: dict[str, object] = {
        "changed": {name: list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}
    }
    if after.state is State.CLOSED and after.signal.severity >= SEVERE:
        effects["needs_second"] = True
    return effects
