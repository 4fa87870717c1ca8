"""Whose an alert is: given to somebody, taken, or handed back to everyone."""

from __future__ import annotations

from alerts.changing import Hand, changed, held
from alerts.connections import WriteConnection
from alerts.model import Alert, EventKind, State
from features.errors import WardenError


def assign(connection: WriteConnection, alert_id: str, hand: Hand, to: str) -> Alert:
    """Gives an alert to a person; the state of the work stays.

    Whether there is such a person, and whether alerts are theirs to work on, the caller knows
    (`detector.casework`).

    Raises:
        WardenError: `actor_required`, `alert_not_found`, and as conflicts `stale_version`,
            `already_closed`, `already_assigned`.
    """
    alert = _workable(connection, alert_id, hand)
    if alert.assignee == to:
        raise WardenError(
            "already_assigned", f"Alert {alert_id} is {to}'s already.", kind="conflict"
        )
    return changed(connection, alert, hand, EventKind.ASSIGNED, assignee=to)


def release(connection: WriteConnection, alert_id: str, hand: Hand) -> Alert:
    """Hands an alert back to everyone; the state of the work stays.

    Raises:
        WardenError: `actor_required`, `alert_not_found`, and as conflicts `stale_version`,
            `already_closed`, `not_assigned`.
    """
    alert = _workable(connection, alert_id, hand)
    if alert.assignee is None:
        raise WardenError("not_assigned", f"Alert {alert_id} is nobody's.", kind="conflict")
    return changed(connection, alert, hand, EventKind.RELEASED, assignee=None)


def _workable(connection: WriteConnection, alert_id: str, hand: Hand) -> Alert:
    alert = held(connection, alert_id, hand)
    if alert.state is State.CLOSED:
        raise WardenError(
            "already_closed", f"Alert {alert_id} is closed.", "Reopen it first.", kind="conflict"
        )
    return alert
