"""Entries of the audit trail about what a person did to an alert."""

from __future__ import annotations

from alerts import audit
from alerts.connections import WriteConnection
from alerts.model import AlertEvent

NAMES = frozenset({"assignee", "asked_by", "owner", "by"})
"""Fields of a change whose values are persons."""


def enter(connection: WriteConnection, event: AlertEvent) -> None:
    """Records an event as `alert.<kind>`: the note as a hash, persons as pseudonyms.

    Raises:
        WardenError: `audit_unavailable`, see `alerts.audit.record`.
    """
    data: dict[str, object] = {"version": event.version}
    if event.reason:
        data["reason"] = event.reason
    if event.note:
        data["note"] = audit.digest(event.note)
    audit.record(
        connection,
        actor=event.actor,
        action=f"alert.{event.kind}",
        kind="alert",
        key=event.alert_id,
        data=data | {name: without_names(value, name) for name, value in event.data.items()},
        now=event.at,
    )


def without_names(value: object, field: str = "") -> object:
    """The value with the persons in it marked, so that the entry gets their pseudonyms."""
    if isinstance(value, dict):
        return {key: without_names(part, key) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_names(part, field) for part in value]
    return audit.Person(value) if field in NAMES and isinstance(value, str) else value
