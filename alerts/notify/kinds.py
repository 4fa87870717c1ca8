"""What may be told, and whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """Everything people may be told of."""

    ALERT_OPENED = "alert.opened"
    ALERT_REOPENED = "alert.reopened"
    ALERT_ESCALATED = "alert.escalated"
    ALERT_ASSIGNED = "alert.assigned"
    CLOSURE_PENDING = "alert.closure_pending"
    LEAD_RECEIVED = "lead.received"
    CASE_ASSIGNED = "case.assigned"
    JOB_FAILED = "job.failed"
    DATA_LATE = "data.late"
    TEST = "webhook.test"


class Mode(StrEnum):
    """When a person is told."""

    IMMEDIATE = "immediate"
    DIGEST = "digest"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened.

    Attributes:
        about: `alert`, `case`, `run` or `webhook`; `key` is the id of it.
        person: the one it is for; None for everybody whom its kind concerns.
        typology, severity: of an alert; they choose who is told and are never told.
        reach: of an alert, the codes of whoever may be told (`alerts.jurisdictions.reach`).
        blind: of an alert whose figures are kept back from its reviewers.
    """

    id: int
    kind: Kind
    about: str
    key: str
    actor: str
    person: str | None
    at: datetime
    typology: str | None = None
    severity: int | None = None
    blind: bool = False
    reach: frozenset[str] = frozenset()


NEEDS: Mapping[Kind, str] = {
    Kind.ALERT_OPENED: "alerts.read",
    Kind.ALERT_REOPENED: "alerts.read",
    Kind.ALERT_ESCALATED: "alerts.decide",
    Kind.ALERT_ASSIGNED: "alerts.read",
    Kind.CLOSURE_PENDING: "alerts.approve",
    Kind.LEAD_RECEIVED: "alerts.read",
    Kind.CASE_ASSIGNED: "cases.read",
    Kind.JOB_FAILED: "data.write",
    Kind.DATA_LATE: "alerts.read",
}
"""The permission without which nobody is told; kinds that are not here are told to no person."""

CHOSEN: Mapping[Kind, Mode] = {
    Kind.ALERT_OPENED: Mode.DIGEST,
    Kind.ALERT_REOPENED: Mode.DIGEST,
    Kind.ALERT_ESCALATED: Mode.IMMEDIATE,
    Kind.ALERT_ASSIGNED: Mode.IMMEDIATE,
    Kind.CLOSURE_PENDING: Mode.IMMEDIATE,
    Kind.LEAD_RECEIVED: Mode.IMMEDIATE,
    Kind.CASE_ASSIGNED: Mode.IMMEDIATE,
    Kind.JOB_FAILED: Mode.IMMEDIATE,
    Kind.DATA_LATE: Mode.DIGEST,
}
"""What holds for whoever has chosen nothing else."""

BY_SEVERITY = frozenset(
    {Kind.ALERT_OPENED, Kind.ALERT_REOPENED, Kind.LEAD_RECEIVED, Kind.DATA_LATE}
)
"""Kinds a person may limit to severe alerts; what is addressed to somebody always arrives."""
