"""Shapes of cases, of what belongs to them, and of leads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from alerts.case_model import LONGEST_TEXT, LONGEST_TITLE, MOST_ALERTS
from alerts.case_remedies import LONGEST_KEY, MOST_TARGETS, InterventionKind
from alerts.case_remedies import Intervention as Decided
from api.schemas.alerts import Subject, Text
from detector.handover import LONGEST_NAME
from detector.remedies.targets import Goal

State = Literal["open", "in_progress", "decided", "closed"]
Outcome = Literal["measures_taken", "no_grounds", "insufficient", "referred"]
Role = Literal["subject", "complainant", "witness"]
Kind = Literal["order", "commitment", "fine", "guidance"]
Verdict = Literal["moved", "no_change", "against", "cannot_tell"]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Party(_Asked):
    """A firm in a case."""

    firm: str = Field(min_length=1, max_length=255, examples=["F-0042"])
    role: Role


class NewCase(_Asked):
    """A case to open on a selection of alerts."""

    title: str = Field(
        min_length=1, max_length=LONGEST_TITLE, examples=["Road works, ring of five"]
    )
    alerts: list[str] = Field(default=[], max_length=MOST_ALERTS)
    parties: list[Party] | None = Field(
        default=None, max_length=500, description="the firms of the alerts, as subjects, if left"
    )
    unit: str | None = Field(default=None, max_length=64)
    jurisdiction: str | None = Field(default=None, max_length=16, examples=["CN"])
    owner: str | None = Field(default=None, max_length=128)


class CaseChange(_Asked):
    """What is to be other; a field left out stays, an empty text takes its value away."""

    title: str | None = Field(default=None, max_length=LONGEST_TITLE)
    unit: str | None = Field(default=None, max_length=64)
    jurisdiction: str | None = Field(default=None, max_length=16)
    owner: str | None = Field(default=None, max_length=128)
    state: State | None = None
    outcome: Outcome | None = Field(default=None, description="closing needs one, with a note")
    note: str | None = Field(default=None, max_length=LONGEST_TEXT)
    parties: list[Party] | None = Field(default=None, max_length=500, description="all, anew")


class Selection(_Asked):
    """Alerts to add."""

    alerts: list[str] = Field(min_length=1, max_length=MOST_ALERTS)


class Removal(_Asked):
    """Why an alert does not belong to the case."""

    note: str = Field(min_length=1, max_length=LONGEST_TEXT)


class NewTask(_Asked):
    """Something to be done."""

    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    assignee: str | None = Field(default=None, max_length=128)
    due_on: date | None = None


class TaskChange(_Asked):
    """What becomes of a task; a field left out stays."""

    done: bool | None = None
    assignee: str | None = Field(default=None, max_length=128)
    due_on: date | None = None


class NewNote(_Asked):
    """A note in Markdown."""

    text: str = Field(min_length=1, max_length=LONGEST_TEXT)


class NewTarget(_Asked):
    """A feature that is to move."""

    feature: str = Field(min_length=1, max_length=80, examples=["buyer_top_share"])
    direction: Literal["up", "down"]
    by: date = Field(description="the day from which on it is to have moved")
    subject_key: str | None = Field(
        default=None, min_length=1, max_length=LONGEST_KEY, description="every subject if left"
    )


class NewIntervention(_Asked):
    """What was decided."""

    kind: Kind
    decided_on: date
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    legal_basis: str = Field(min_length=1, max_length=LONGEST_TEXT)
    amount: FiniteFloat | None = Field(default=None, ge=0)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    targets: list[NewTarget] = Field(default=[], max_length=MOST_TARGETS)

    def recorded(self) -> tuple[Decided, list[Goal]]:
        """The same as cases keep it, with the goals to follow up."""
        wanted = Decided(
            InterventionKind(self.kind),
            self.decided_on,
            self.text,
            self.legal_basis,
            self.amount,
            self.currency,
        )
        return wanted, [Goal(t.feature, t.direction, t.by, t.subject_key) for t in self.targets]


class CorrectedIntervention(NewIntervention):
    """A decision as it should have been recorded, whole."""

    why: str = Field(min_length=1, max_length=LONGEST_TEXT, description="kept with the old one")


class HandOverTo(_Asked):
    """Who receives the case, and the notes that go along."""

    to: str = Field(min_length=1, max_length=LONGEST_NAME)
    notes: list[int] = Field(default=[], max_length=500)
    approval: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="approved request, above the limit"
    )


class Case(BaseModel):
    """A case as it stands."""

    number: str = Field(examples=["C-2026-0001"])
    title: str
    unit: str | None
    jurisdiction: str | None
    state: State
    outcome: Outcome | None
    owner: str | None
    version: int = Field(description="also the ETag; a change names it in If-Match")
    opened_by: str
    opened_at: datetime
    updated_at: datetime


class ListedCase(Case):
    """A case with what belongs to it, counted."""

    alert_count: int = Field(description="of its alerts, those you may see")
    parties: list[Party]
    open_tasks: int
    overdue_tasks: int
    next_due_on: date | None = Field(description="of the tasks not done, the first day")


class CasePage(BaseModel):
    """Cases, the newest first."""

    items: list[ListedCase]
    next_cursor: str | None


class CaseAlert(BaseModel):
    """An alert of a case."""

    id: str
    typology: str
    title: Text
    subject: Subject
    state: str
    severity: int
    lane: Literal["legal", "screen"]
    version: int


class Task(BaseModel):
    """Something to be done."""

    id: int
    text: str
    assignee: str | None
    due_on: date | None
    done: bool
    done_by: str | None
    done_at: datetime | None
    added_by: str
    added_at: datetime


class Note(BaseModel):
    """A note in Markdown; whoever shows it cleans it."""

    id: int
    text: str
    author: str
    at: datetime


class FollowUp(BaseModel):
    """What became of a target: difference in differences against the peers' median."""

    model_config = ConfigDict(extra="allow")

    at: datetime
    run_id: str | None
    verdict: Verdict
    reason: str | None = Field(description="why it cannot be told")
    effect: float | None = Field(description="how much further the subject moved than its peers")
    interval: list[float] | None = Field(description="90 %, from peers as placebos")


class Target(BaseModel):
    """A feature that is to move."""

    id: int
    feature: str
    grain: str
    subject_key: str
    direction: Literal["up", "down"]
    by: date
    follow_up: FollowUp | None = Field(description="what was found last")


class Corrected(BaseModel):
    """Who corrected a decision, when and why."""

    by: str
    at: datetime
    why: str


class EarlierIntervention(BaseModel):
    """A decision as it stood before a correction, with what was found about it until then."""

    version: int
    kind: Kind
    decided_on: date
    text: str
    amount: float | None
    currency: str | None
    legal_basis: str
    targets: list[Target]
    corrected: Corrected


class Intervention(BaseModel):
    """What was decided, and what came of it."""

    id: int
    kind: Kind
    decided_on: date
    text: str
    amount: float | None
    currency: str | None
    legal_basis: str
    added_by: str
    added_at: datetime
    version: int = Field(description="1, and one more with each correction")
    corrected_at: datetime | None
    earlier: list[EarlierIntervention] = Field(description="versions before, the oldest first")
    targets: list[Target]


class FollowedUp(BaseModel):
    """What came of one decision so far, as the job found it last."""

    case: str
    intervention: int
    version: int
    decided_on: date
    targets: list[Target]


class CaseDetail(Case):
    """A case with what belongs to it."""

    parties: list[Party]
    alerts: list[CaseAlert]
    hidden_alerts: int = Field(description="alerts of the case you may not see")
    tasks: list[Task]
    notes: list[Note]
    interventions: list[Intervention]


class CaseEvent(BaseModel):
    """One thing that happened to the case, or to an alert of it."""

    alert: str | None = Field(description="null for the case itself")
    kind: str
    version: int
    actor: str
    at: datetime
    reason: str | None = Field(description="of a closure; null for the case")
    run_id: str | None = Field(description="the run that did it; null for people and the case")
    note: str | None
    data: dict[str, Any]


class Timeline(BaseModel):
    """Everything that happened, oldest first."""

    items: list[CaseEvent]


class Lead(BaseModel):
    """Where an alert came from, and what was sent with it."""

    alert_id: str
    installation: str
    sender: str = Field(description="SHA-256 of the public key that signed it")
    case: str
    alert: str
    received_at: datetime
    sent: dict[str, Any]
