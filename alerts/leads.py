"""Leads: alerts that another installation handed over.

A lead is an alert of its own: its fingerprint is made from who sent it and from its id there, so
no run here ever finds it again, restates it or lets it fall silent, and it stands beside an alert
of our own about the same subject. What judged it elsewhere is kept as it was sent; its rules and
models are not ours, so none are named and what people find about it teaches us nothing of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from alerts import store
from alerts.case_tables import lead as table
from alerts.connections import ReadConnection, WriteConnection
from alerts.identity import short_id
from alerts.jurisdictions import keep
from alerts.merge import UNRANKED
from alerts.model import Alert, AlertEvent, EventKind, Signal, State
from alerts.ranking import ranked, weights_in_force
from alerts.weights import NEW
from features.errors import WardenError
from features.vocabulary import Lane

IMPORTED = "lead"
"""Stands where other alerts name the run that raised them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a lead came from.

    Attributes:
        sender: hash of the public key that signed it.
        installation: the name the sender gave itself.
    """

    sender: str
    installation: str
    case: str
    alert: str


def receive(
    connection: WriteConnection,
    origin: Origin,
    sent: Mapping[str, Any],
    actor: str,
    now: datetime,
    due_on: date,
) -> str | None:
    """Makes an alert of a lead; None for one that was received before.

    Args:
        sent: `alert`, the alert object of the sender, and what came beside it.
    """
    columns = table.c
    known = sa.select(columns.alert_id).where(
        columns.sender == origin.sender, columns.their_alert == origin.alert
    )
    if connection.scalar(known) is not None:
        return None
    mark = hashlib.sha256(f"lead:{origin.sender}:{origin.alert}".encode()).hexdigest()
    alert_id = short_id(mark, store.ids_taken(connection, {short_id(mark, {})}))
    alert = _alert(alert_id, mark, signal_of(sent["alert"]), now, due_on)
    place = ranked(alert, weights_in_force(connection) or NEW)
    store.insert_alerts(connection, [replace(alert, priority=place)])
    if places := [str(one) for one in sent["alert"].get("jurisdictions") or ()]:
        keep(connection, {mark: places})
    told = origin_object(origin, now)
    event = AlertEvent(
        alert_id=alert_id,
        version=1,
        kind=EventKind.OPENED,
        actor=actor,
        at=now,
        run_id=None,
        reason=IMPORTED,
        note=None,
        data={"origin": told},
    )
    store.add_events(connection, [event])
    row = {"alert_id": alert_id, "sender": origin.sender, "installation": origin.installation,
           "their_case": origin.case, "their_alert": origin.alert, "received_at": now,
           "received_by": actor, "sent": dict(sent)}  # fmt: skip
    connection.execute(sa.insert(table).values(row))
    return alert_id


def signal_of(sent: Mapping[str, Any]) -> Signal:
    """What an alert object says, without the rules and models of its sender.

    Raises:
        WardenError: `bad_signal`.
        KeyError, TypeError, ValueError: it is no alert object.
    """
    subject, period = sent["subject"], sent["period"]
    lane = Lane.LEGAL if sent["lane"] == Lane.LEGAL else Lane.SCREEN
    return Signal(
        typology=str(sent["typology"]),
        subject_kind=str(subject["kind"]),
        subject_key=str(subject["key"]),
        period_start=date.fromisoformat(period["start"]),
        period_end=date.fromisoformat(period["end"]),
        suspicion=float(sent["suspicion"]),
        p_value=None,
        q_value=None,
        severity=int(sent["severity"]),
        lane=lane,
        rules=(),
        models=(),
        facts=[dict(fact) for fact in sent["facts"]],
        title={str(k): str(v) for k, v in sent["title"].items()},
        message={str(k): str(v) for k, v in sent["message"].items()},
        legal_basis=[dict(part) for part in sent["legal_basis"]],
        innocent=[dict(part) for part in sent["innocent_explanations"]],
        not_checked=(),
        run_id=IMPORTED,
        snapshot_id=None,
    )


def read_lead(connection: ReadConnection, alert_id: str) -> dict[str, Any]:
    """Where an alert came from, with what was sent.

    Raises:
        WardenError: `no_lead` for an alert of our own.
    """
    query = sa.select(table).where(table.c.alert_id == alert_id)
    row = connection.execute(query).one_or_none() if store.storable(alert_id) else None
    if row is None:
        raise WardenError(
            "no_lead", f"Alert {alert_id} was not handed over by anybody.", "", "not_found"
        )
    origin = Origin(row.sender, row.installation, row.their_case, row.their_alert)
    return origin_object(origin, row.received_at) | {"alert_id": alert_id, "sent": row.sent}


def origin_object(origin: Origin, received_at: datetime) -> dict[str, Any]:
    """An origin as plain data."""
    return {
        "installation": origin.installation,
        "sender": origin.sender,
        "case": origin.case,
        "alert": origin.alert,
        "received_at": received_at.isoformat(),
    }


def _alert(alert_id: str, mark: str, signal: Signal, now: datetime, due_on: date) -> Alert:
    return Alert(
        id=alert_id,
        fingerprint=mark,
        signal=signal,
        state=State.OPEN,
        close_reason=None,
        closed_severity=None,
        # no run of ours ever found it, so none can say that it has stopped
        firing=False,
        assignee=None,
        version=1,
        opened_at=now,
        updated_at=now,
        run_id=IMPORTED,
        priority=UNRANKED,
        due_on=due_on,
    )
