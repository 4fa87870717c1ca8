"""Sending an alert back to the author of a rule: it fires where it should not."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from alerts.changing import Hand, changed, check_note, held
from alerts.connections import ReadConnection, WriteConnection
from alerts.limits import NONE, Limits
from alerts.model import Alert, EventKind
from alerts.store import storable
from alerts.tables import alert as alert_table
from alerts.tables import tuning_request
from features.errors import WardenError

MOST = 500


class Tuning(NamedTuple):
    """One alert sent back."""

    rule_version: str
    alert_id: str
    note: str
    asked_by: str
    asked_at: datetime


def send_back(
    connection: WriteConnection, alert_id: str, hand: Hand, rule_id: str, note: str
) -> Alert:
    """Tells the author of a rule that fired for the alert what is wrong with it.

    Raises:
        WardenError: `note_required`, `note_too_long`, `rule_not_fired` (not one of the alert's),
            `actor_required`, `alert_not_found`, `stale_version` (conflict).
    """
    check_note(note, needed=True)
    alert = held(connection, alert_id, hand)
    fired = {str(rule["id"]): str(rule.get("version", "")) for rule in alert.signal.rules}
    if rule_id not in fired:
        raise WardenError(
            "rule_not_fired",
            f"Rule {rule_id[:80]} is not one that alert {alert_id} rests on.",
            f"It rests on {', '.join(fired) or 'no rule'}.",
        )
    version = fired[rule_id]
    row = {
        "rule_id": rule_id,
        "rule_version": version,
        "alert_id": alert_id,
        "note": note,
        "asked_by": hand.actor,
        "asked_at": hand.now,
    }
    connection.execute(sa.insert(tuning_request), row)
    about = {"rule": rule_id, "rule_version": version}
    return changed(connection, alert, hand, EventKind.NEEDS_TUNING, note=note, data=about)


def sent_back(connection: ReadConnection, rule_id: str, within: Limits = NONE) -> list[Tuning]:
    """Alerts sent back to the author of a rule, newest first; the `MOST` newest.

    Args:
        within: what whoever asks may see.
    """
    if not storable(rule_id):
        return []
    c = tuning_request.c
    query = (
        sa.select(c.rule_version, c.alert_id, c.note, c.asked_by, c.asked_at)
        .join(alert_table, alert_table.c.id == c.alert_id)
        .where(c.rule_id == rule_id, *within.conditions())
        .order_by(c.id.desc())
        .limit(MOST)
    )
    return [Tuning(*row) for row in connection.execute(query)]
