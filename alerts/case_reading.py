"""A case with everything that belongs to it, as far as whoever reads may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from alerts.case_corrections import with_corrections
from alerts.case_model import EVERYWHERE, CaseReach, case_object
from alerts.case_store import events_of, get_case
from alerts.case_tables import case_alert
from alerts.case_work import notes_of, tasks_of
from alerts.cases import parties_of
from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.model import Alert, event_object, kept_back
from alerts.rows import alert_from, event_from
from alerts.tables import alert as alert_table
from alerts.tables import alert_event


def case_detail(
    connection: ReadConnection,
    number: str,
    reach: CaseReach = EVERYWHERE,
    limits: Limits = NONE,
) -> dict[str, Any]:
    """A case with parties, alerts, tasks, notes and interventions.

    Returns:
        The case as plain data; `hidden_alerts` counts those beyond the limits.

    Raises:
        WardenError: `case_not_found`.
    """
    case = get_case(connection, number, reach)
    alerts, hidden = alerts_of(connection, number, limits)
    firms = parties_of(connection, number)
    return case_object(case) | {
        "parties": [{"firm": firm, "role": role.value} for firm, role in firms.items()],
        "alerts": [_short(alert) for alert in alerts],
        "hidden_alerts": hidden,
        "tasks": tasks_of(connection, number),
        "notes": notes_of(connection, number),
        "interventions": with_corrections(connection, number),
    }


def alerts_of(
    connection: ReadConnection, number: str, limits: Limits = NONE
) -> tuple[list[Alert], int]:
    """The alerts of a case by id, and how many more are beyond the limits."""
    ids = sa.select(case_alert.c.alert_id).where(case_alert.c.case_number == number)
    columns = alert_table.c
    query = (
        sa.select(alert_table).where(columns.id.in_(ids), *limits.conditions()).order_by(columns.id)
    )
    found = [alert_from(row) for row in connection.execute(query).mappings()]
    total = connection.scalar(sa.select(sa.func.count()).select_from(ids.subquery())) or 0
    return found, total - len(found)


def timeline(
    connection: ReadConnection,
    number: str,
    reach: CaseReach = EVERYWHERE,
    limits: Limits = NONE,
) -> list[dict[str, Any]]:
    """Every event of the case and of its alerts, oldest first; `alert` is null for the case's.

    Raises:
        WardenError: `case_not_found`.
    """
    case = get_case(connection, number, reach)
    alerts, _ = alerts_of(connection, number, limits)
    told = [
        _within(event, limits, seen=visible_ids(connection, event["data"], limits))
        | {"alert": None, "reason": None, "run_id": None}
        for event in events_of(connection, case.number)
    ]
    blind = {alert.id: kept_back(alert) for alert in alerts}
    columns = alert_event.c
    query = sa.select(alert_event).where(columns.alert_id.in_(list(blind))).order_by(columns.id)
    for row in connection.execute(query).mappings():
        event = event_from(row)
        shown = event_object(event, blind=blind[event.alert_id])
        named = ("kind", "version", "actor", "at", "reason", "run_id", "note", "data")
        told.append({name: shown[name] for name in named} | {"alert": event.alert_id})
    # sorting keeps the order of what happened in one moment
    return sorted(told, key=lambda event: str(event["at"]))


def visible_ids(connection: ReadConnection, data: Mapping[str, Any], limits: Limits) -> set[str]:
    """Of the alerts an event of a case names, those within the limits."""
    named = list(data.get("alerts") or ())
    if limits == NONE or not named:
        return set(named)
    query = sa.select(alert_table.c.id).where(alert_table.c.id.in_(named), *limits.conditions())
    return set(connection.scalars(query))


def _within(event: dict[str, Any], limits: Limits, seen: set[str]) -> dict[str, Any]:
    """An event without the alerts that are beyond the limits; how many those were is said."""
    named = list(event["data"].get("alerts") or ())
    hidden = len(named) - len(seen.intersection(named))
    if limits == NONE or not hidden:
        return event
    left = [one for one in named if one in seen]
    return event | {"data": {**event["data"], "alerts": left, "hidden_alerts": hidden}}


def _short(alert: Alert) -> dict[str, Any]:
    seen = alert.signal
    return {
        "id": alert.id,
        "typology": seen.typology,
        "title": dict(seen.title),
        "subject": {"kind": seen.subject_kind, "key": seen.subject_key},
        "state": alert.state.value,
        "severity": seen.severity,
        "lane": str(seen.lane),
        "version": alert.version,
    }
