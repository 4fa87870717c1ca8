"""What an alert is: the suspicion as last seen, where it stands, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from features.errors import WardenError
from features.vocabulary import Lane

Part = Mapping[str, Any]
"""Plain data as it goes into JSON: a fact, a rule, a text in two languages."""


class State(StrEnum):
    """Where the work on an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_REVIEW = "in_review"
    ESCALATED = "escalated"
    CLOSED = "closed"


WAITING = tuple(state for state in State if state is not State.CLOSED)
"""States in which somebody is still to act."""


class CloseReason(StrEnum):
    """Why an alert was closed (outcome labels of the domain catalogue, section 6.6)."""

    CONFIRMED = "confirmed"
    EXPLAINED = "explained"
    DATA_ERROR = "data_error"
    INSUFFICIENT = "insufficient"
    REFERRED = "referred"


class EventKind(StrEnum):
    """Everything that can happen to an alert."""

    OPENED = "opened"
    UPDATED = "updated"
    NO_LONGER_FIRES = "no_longer_fires"
    FIRES_AGAIN = "fires_again"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    REVIEW_STARTED = "review_started"
    ESCALATED = "escalated"
    CLOSED = "closed"
    CLOSURE_ASKED = "closure_asked"
    CLOSURE_REJECTED = "closure_rejected"
    CLOSURE_WITHDRAWN = "closure_withdrawn"
    ASSIGNED = "assigned"
    RELEASED = "released"
    LABELLED = "labelled"
    ATTACHED = "attached"
    NEEDS_TUNING = "needs_tuning"
    ANSWERED = "answered"
    UNDONE = "undone"
    WENT_STALE = "went_stale"
    FILED_AGAIN = "filed_again"
    COMMENTED = "commented"
    TAGGED = "tagged"
    SECOND_REVIEW = "second_review"


@dataclass(frozen=True, slots=True)
class Signal:
    """One suspicion that fired, with everything a reviewer must see beside it.

    Attributes:
        period_end: last day of the period, inclusive.
        suspicion: 0 to 1, comparable inside one typology.
        title: neutral, ``possible <conduct>: <subject>``, by language (``en``, ``zh``).
        message: the one-line reason by language.
        facts: what was measured against what; each with `feature` and `value` at least.
        not_checked: rules that could not be evaluated, each with its reason.
        run_id: the run that raised it.
        snapshot_id: the pinned state of the lake it was computed from.
        budget: whether the q-value lies `inside` the long-run budget of false alarms, at what
            `level`, and the `grain` judged; None without a q-value.
    """

    typology: str
    subject_kind: str
    subject_key: str
    period_start: date
    period_end: date
    suspicion: float
    p_value: float | None
    q_value: float | None
    severity: int
    lane: str
    rules: Sequence[Part]
    models: Sequence[Part]
    facts: Sequence[Part]
    title: Part
    message: Part
    legal_basis: Sequence[Part]
    innocent: Sequence[Part]
    not_checked: Sequence[Part]
    run_id: str
    snapshot_id: str | None
    budget: Part | None = None

    def __post_init__(self) -> None:
        """Refuses what no queue could sort or show; raises WardenError `bad_signal`."""
        wrong = [
            name
            for name, fine in (
                ("typology", bool(self.typology)),
                ("subject_kind", bool(self.subject_kind)),
                ("subject_key", bool(self.subject_key)),
                ("period", self.period_start <= self.period_end),
                ("suspicion", 0.0 <= self.suspicion <= 1.0),
                ("p_value", self.p_value is None or 0.0 <= self.p_value <= 1.0),
                ("severity", 1 <= self.severity <= 5),
                ("lane", self.lane in tuple(Lane)),
            )
            if not fine
        ]
        if wrong:
            who = f"{self.typology} on {self.subject_kind} {self.subject_key}"
            raise WardenError("bad_signal", f"The signal {who} is unusable: {', '.join(wrong)}.")


@dataclass(frozen=True, slots=True)
class Priority:
    """Why an alert comes where it comes; the parts are shown, the product only sorts.

    Attributes:
        likely: posterior share of such alerts that would be confirmed, 0 to 1.
        harm: 0 to 1.
        urgency: 1, 1.25 or 1.5.
        rank: place in the whole queue, the legal lane above everything else.
        evidence: how `likely` came about, piece by piece (`alerts.likelihood.Reckoning`); empty
            for an alert of a release that did not keep it.
    """

    likely: float
    harm: float
    urgency: float
    rank: float
    evidence: Part = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The product of the parts."""
        return self.likely * self.harm * self.urgency


@dataclass(frozen=True, slots=True)
class Alert:
    """One suspicion and the work on it.

    Attributes:
        signal: as last restated.
        closed_severity: severity at closing; only something graver reopens it by itself.
        firing: whether the last run that judged it still found it.
        version: counts every change; a decision names the one it was made on.
        run_id: the run that last changed it.
        tags: exceptions and suppressions that hold for it, each with `kind`, `rule` and what
            it rests on.
        set_aside: whether nothing untagged is left of it: it comes last in the queue.
        blind: whether the figures of the machine are kept back until it is closed, so that they
            sway no reviewer.
        learned: how reviews of its kind moved it in the queue (`alerts.learned`); empty where its
            place is that of its own figures.
        due_on: the day by which it is to be decided (`alerts.deadlines`).
        labels: short words people gave it, sorted.
        stale_since: when a run first noticed that filings about its subject have stopped.
        pending: a closure another person is to approve (`alerts.closures`): who asked, when, with
            what reason, and the hash of what was to be approved.
        jurisdictions: whose authorities it concerns, as filed (`alerts.jurisdictions`); empty where
            nothing filed says, None where nobody has looked yet.
    """

    id: str
    fingerprint: str
    signal: Signal
    state: State
    close_reason: CloseReason | None
    closed_severity: int | None
    firing: bool
    assignee: str | None
    version: int
    opened_at: datetime
    updated_at: datetime
    run_id: str
    priority: Priority
    due_on: date
    tags: Sequence[Part] = ()
    set_aside: bool = False
    blind: bool = False
    learned: Part = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    stale_since: datetime | None = None
    pending: Part | None = None
    jurisdictions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing that happened to an alert; never edited, never deleted.

    Attributes:
        version: of the alert once this had happened.
        actor: a person, or ``system`` for a run.
        data: for a restatement, ``changed`` with old and new value by field.
    """

    alert_id: str
    version: int
    kind: EventKind
    actor: str
    at: datetime
    run_id: str | None
    reason: str | None
    note: str | None
    data: Part


class AlertRecord(NamedTuple):
    """An alert with all that happened to it, oldest first."""

    alert: Alert
    events: list[AlertEvent]


BLIND_MESSAGE: Part = {
    "en": "For blind review: judge by the facts; what the machine thinks follows on closing.",
    "zh": "盲审：请依据事实判断；系统的评估在结案后显示。",
}
NOT_SHOWN = ("affected", "companions")
"""Parts of the evidence that are shown beside it, or kept for a replay alone."""
SYSTEM = "system"
"""The actor of what runs do by themselves."""


def alert_object(alert: Alert, today: date | None = None) -> dict[str, Any]:
    """The alert as the API and the exports give it: JSON types only, dates as ISO 8601 text.

    Of an alert in blind review, what the machine thinks of it is left out until it is closed.

    Args:
        today: the day its age is told on; without one, age and lateness are null.
    """
    seen = alert.signal
    shown: dict[str, Any] = {
        "id": alert.id,
        "fingerprint": alert.fingerprint,
        "typology": seen.typology,
        "title": dict(seen.title),
        "subject": {"kind": seen.subject_kind, "key": seen.subject_key},
        "period": {"start": seen.period_start.isoformat(), "end": seen.period_end.isoformat()},
        "state": alert.state.value,
        "close_reason": alert.close_reason.value if alert.close_reason else None,
        "firing": alert.firing,
        "lane": str(seen.lane),
        "severity": seen.severity,
        "suspicion": seen.suspicion,
        "p_value": seen.p_value,
        "q_value": seen.q_value,
        "budget": dict(seen.budget) if seen.budget else None,
        "priority": {
            "value": alert.priority.value,
            "likely": alert.priority.likely,
            "harm": alert.priority.harm,
            "urgency": alert.priority.urgency,
            "evidence": reckoned_of(alert.priority),
            "affected": alert.priority.evidence.get("affected"),
            "learned": dict(alert.learned) or None,
        },
        "message": dict(seen.message),
        "facts": [dict(part) for part in seen.facts],
        "rules": [dict(part) for part in seen.rules],
        "models": [dict(part) for part in seen.models],
        "legal_basis": [dict(part) for part in seen.legal_basis],
        "innocent_explanations": [dict(part) for part in seen.innocent],
        "not_checked": [dict(part) for part in seen.not_checked],
        "tags": [dict(part) for part in alert.tags],
        "set_aside": alert.set_aside,
        "blind": kept_back(alert),
        "assignee": alert.assignee,
        "due_on": alert.due_on.isoformat(),
        **_ageing(alert, today),
        "labels": list(alert.labels),
        "stale_since": alert.stale_since.isoformat() if alert.stale_since else None,
        "pending": dict(alert.pending) if alert.pending else None,
        "jurisdictions": None if alert.jurisdictions is None else list(alert.jurisdictions),
        "version": alert.version,
        "opened_at": alert.opened_at.isoformat(),
        "updated_at": alert.updated_at.isoformat(),
        "run_id": alert.run_id,
        "snapshot_id": seen.snapshot_id,
    }
    return shown | without_opinion() if kept_back(alert) else shown


def _ageing(alert: Alert, today: date | None) -> dict[str, Any]:
    """Whole days since it was opened, up to its closing, and whether its day has passed."""
    closed = alert.state is State.CLOSED
    until = alert.updated_at.date() if closed else today
    return {
        "age_days": (until - alert.opened_at.date()).days if until else None,
        "overdue": False if closed else alert.due_on < today if today else None,
    }


def reckoned_of(priority: Priority) -> dict[str, Any] | None:
    """How `likely` was estimated; None in the legal lane, where it was not."""
    found = {name: value for name, value in priority.evidence.items() if name not in NOT_SHOWN}
    return found or None


def kept_back(alert: Alert) -> bool:
    """Whether the machine's opinion of the alert is kept back, so that it sways no reviewer."""
    return alert.blind and alert.state is not State.CLOSED


def without_opinion() -> dict[str, Any]:
    """What stands in a blind alert where the machine's opinion would: the facts alone remain."""
    parts = ("value", "likely", "harm", "urgency", "affected", "evidence", "learned")
    return {
        "suspicion": None,
        "p_value": None,
        "q_value": None,
        "budget": None,
        "priority": dict.fromkeys(parts),
        "message": dict(BLIND_MESSAGE),
        "rules": [],
        "models": [],
        "not_checked": [],
        "tags": [],
    }


def event_object(event: AlertEvent, *, blind: bool = False) -> dict[str, Any]:
    """An event as the API gives it: JSON types only; of a blind alert without what changed."""
    return {
        "kind": event.kind.value,
        "version": event.version,
        "actor": event.actor,
        "at": event.at.isoformat(),
        "run_id": event.run_id,
        "reason": event.reason,
        "note": event.note,
        "data": {} if blind else dict(event.data),
    }
