"""What a person may decide about an alert: the table of states and transitions, and comments.

No actor, no act; and a decision names the version it was made on, so nobody overwrites what
another has just decided. Closing a severe alert takes a second person (`alerts.closures`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from alerts import store
from alerts.audit_events import enter
from alerts.changing import LONGEST_NOTE, Hand, changed, check_note, held, require_actor
from alerts.closures import SEVERE, ask, needs_second, refuse_while_pending
from alerts.connections import WriteConnection
from alerts.deadlines import USUAL, Deadlines
from alerts.model import Alert, AlertEvent, CloseReason, EventKind, State
from features.errors import WardenError

__all__ = [
    "LONGEST_NOTE", "SEVERE", "TRANSITIONS", "Action", "comment", "decide", "second_review",
]  # fmt: skip


class Action(StrEnum):
    """What a person may decide."""

    ACKNOWLEDGE = "acknowledge"
    REVIEW = "review"
    ESCALATE = "escalate"
    CLOSE = "close"
    REOPEN = "reopen"


TRANSITIONS: Mapping[tuple[State, Action], State] = {
    (State.OPEN, Action.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.OPEN, Action.REVIEW): State.IN_REVIEW,
    (State.OPEN, Action.ESCALATE): State.ESCALATED,
    (State.OPEN, Action.CLOSE): State.CLOSED,
    (State.ACKNOWLEDGED, Action.REVIEW): State.IN_REVIEW,
    (State.ACKNOWLEDGED, Action.ESCALATE): State.ESCALATED,
    (State.ACKNOWLEDGED, Action.CLOSE): State.CLOSED,
    (State.ACKNOWLEDGED, Action.REOPEN): State.OPEN,
    (State.IN_REVIEW, Action.ESCALATE): State.ESCALATED,
    (State.IN_REVIEW, Action.CLOSE): State.CLOSED,
    (State.IN_REVIEW, Action.REOPEN): State.OPEN,
    (State.ESCALATED, Action.REVIEW): State.IN_REVIEW,
    (State.ESCALATED, Action.CLOSE): State.CLOSED,
    (State.ESCALATED, Action.REOPEN): State.OPEN,
    (State.CLOSED, Action.REOPEN): State.OPEN,
}
"""All that is allowed; reopening what was taken up hands it back to everyone."""

NOTED = frozenset({Action.CLOSE, Action.ESCALATE})
"""Decisions others must be able to follow: they take a note."""
_NOBODYS = frozenset({State.OPEN, State.ESCALATED})
"""Open means everybody's, and escalated means that somebody else is to take it."""
_EVENTS = {
    Action.ACKNOWLEDGE: EventKind.ACKNOWLEDGED,
    Action.REVIEW: EventKind.REVIEW_STARTED,
    Action.ESCALATE: EventKind.ESCALATED,
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
    deadlines: Deadlines = USUAL,
) -> Alert:
    """Makes one decision; the alert and its event are written together or not at all.

    Closing a severe alert for another reason than that it was confirmed leaves its state and asks
    a second person: `pending` of the alert says so.

    Args:
        reason: one of `CloseReason` when closing, else None.
        note: needed to close and to escalate.
        expected_version: the version the actor was looking at.
        deadlines: how long people have for what is reopened.

    Returns:
        The alert as it stands now.

    Raises:
        WardenError: `actor_required`, `unknown_action`, `reason_required`, `reason_unexpected`,
            `note_required`, `note_too_long`, `alert_not_found`, and as conflicts `stale_version`
            (somebody or a run changed it meanwhile), `transition_not_allowed`, `closure_pending`.
    """
    move, why = checked(actor, action, reason, note)
    hand = Hand(actor, expected_version, now)
    before = held(connection, alert_id, hand)
    state = _next(before, move)
    refuse_while_pending(before)
    if why is not None and needs_second(before, why):
        return ask(connection, before, hand, why, note or "")
    due_on = before.due_on
    if before.state is State.CLOSED:
        due_on = deadlines.day(before.signal.lane, before.signal.severity, now.date())
    return changed(
        connection,
        before,
        hand,
        _EVENTS[move],
        reason=why,
        note=note,
        state=state,
        close_reason=why,
        closed_severity=before.signal.severity if state is State.CLOSED else None,
        # whoever takes it up or closes it answers for it
        assignee=None if state in _NOBODYS else actor,
        due_on=due_on,
    )


def checked(
    actor: str, action: str, reason: str | None, note: str | None
) -> tuple[Action, CloseReason | None]:
    """A decision's own parts, before any alert is looked at.

    Raises:
        WardenError: `actor_required`, `unknown_action`, `reason_required`, `reason_unexpected`,
            `note_required`, `note_too_long`.
    """
    require_actor(actor)
    move = _action(action)
    why = _close_reason(move, reason)
    check_note(note, needed=move in NOTED)
    return move, why


def comment(
    connection: WriteConnection, alert_id: str, actor: str, text: str, now: datetime
) -> AlertEvent:
    """Adds a comment; it changes nothing else, so it never conflicts with a decision.

    Raises:
        WardenError: `actor_required`, `comment_empty`, `note_too_long`, `alert_not_found`.
    """
    require_actor(actor)
    check_note(text)
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
    require_actor(actor)
    check_note(note)
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


def _next(alert: Alert, action: Action) -> State:
    state = TRANSITIONS.get((alert.state, action))
    if state is None:
        raise WardenError(
            "transition_not_allowed",
            f"Alert {alert.id} is {alert.state}; to {action} it is not possible.",
            f"Possible now: {', '.join(allowed_actions(alert.state))}.",
            kind="conflict",
        )
    return state
