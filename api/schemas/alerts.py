"""Shapes of alerts, their evidence and what may be done to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.lifecycle import LONGEST_NOTE, Action
from alerts.model import CloseReason

Text = dict[str, str]
"""A text by language: `en`, `zh`."""


class Subject(BaseModel):
    """Who or what the suspicion is about."""

    kind: str = Field(examples=["firm"])
    key: str = Field(examples=["F-0042"])


class Period(BaseModel):
    """The days judged; `end` is the last one."""

    start: date
    end: date


class EvidencePiece(BaseModel):
    """One piece of evidence: a model's p-value, a rule's hit, or another alert."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["model", "rule", "other"]
    ratio: float = Field(description="likelihood ratio: above 1 for, below 1 against")
    share: float = Field(description="how much of its logarithm counts")


class Affected(BaseModel):
    """How much the subject touches; harm is its logarithm."""

    size: float
    of: Literal["persons", "turnover"]


class Likelihood(BaseModel):
    """How `likely` came about: prior odds, times each ratio to its share, bounded."""

    prior: float
    prior_of: str | None = Field(description="market or typology it was measured in")
    pieces: list[EvidencePiece]
    log_ratio: float = Field(description="natural logarithm of all of it, within -5 and 5")
    method: Literal["additive", "fitted"]
    weights: str = Field(description="hash of the priors and measured rates it rests on")


class Priority(BaseModel):
    """What sorts the screen lane, with its parts; `value` is their product.

    All null while an alert is in blind review.
    """

    value: float | None
    likely: float | None = Field(
        description="share of such alerts expected to be confirmed, 0 to 1"
    )
    harm: float | None = Field(description="0 to 1")
    urgency: float | None = Field(description="1, 1.25 or 1.5")
    affected: Affected | None = Field(default=None, description="null where no filing tells")
    evidence: Likelihood | None = Field(
        default=None, description="null in the legal lane, where nothing is estimated"
    )
    learned: dict[str, Any] | None = Field(
        default=None, description="how reviews of its kind moved it: place now, before, of how many"
    )


class PendingClosure(BaseModel):
    """A closure somebody has asked for; `content` is the hash of what it is bound to."""

    by: str
    at: datetime
    reason: CloseReason
    content: str


class Alert(BaseModel):
    """One suspicion about one subject in one period, and where the work on it stands."""

    id: str
    fingerprint: str
    typology: str = Field(examples=["MON-BID-CV"])
    title: Text
    subject: Subject
    period: Period
    state: Literal["open", "acknowledged", "in_review", "escalated", "closed"]
    close_reason: str | None
    firing: bool = Field(description="whether the last run that judged it still found it")
    lane: Literal["legal", "screen"]
    severity: int = Field(ge=1, le=5)
    suspicion: float | None = Field(
        ge=0, le=1, description="comparable inside one typology only; null in blind review"
    )
    p_value: float | None
    q_value: float | None = Field(
        description="false alarms to expect among findings at least as strong, as a share"
    )
    budget: dict[str, Any] | None = Field(
        description="whether it lies inside the long-run budget of false alarms, and at what level"
    )
    priority: Priority
    message: Text
    facts: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    models: list[dict[str, Any]]
    legal_basis: list[dict[str, Any]]
    innocent_explanations: list[dict[str, Any]]
    not_checked: list[dict[str, Any]]
    tags: list[dict[str, Any]] = Field(description="exceptions and suppressions that hold for it")
    set_aside: bool = Field(description="tagged altogether; it comes last in the queue")
    blind: bool = Field(description="in blind review: the machine's opinion follows on closing")
    assignee: str | None
    due_on: date = Field(description="the day by which it is to be decided")
    age_days: int | None = Field(description="since it was opened, up to its closing")
    overdue: bool | None = Field(description="not closed, and its day has passed")
    labels: list[str]
    stale_since: datetime | None = Field(
        description="when a run first noticed that filings about its subject have stopped"
    )
    pending: PendingClosure | None = Field(
        description="a closure that waits for a second person; its note is in the last event"
    )
    jurisdictions: list[str] | None = Field(
        default=None,
        description="whose authorities it concerns, as filed; empty: nothing filed says, "
        "null: not looked up yet",
    )
    version: int = Field(description="also the ETag; a change names it in If-Match")
    opened_at: datetime
    updated_at: datetime
    run_id: str
    snapshot_id: str | None


class Event(BaseModel):
    """One thing that happened to an alert."""

    kind: str
    version: int
    actor: str
    at: datetime
    run_id: str | None
    reason: str | None
    note: str | None
    html: str | None = Field(
        default=None, description="a comment's note, from Markdown to HTML that is safe to show"
    )
    data: dict[str, Any]


class Explanation(BaseModel):
    """Why an alert was raised, and the least that would have had to be different.

    Every input has `feature`, `title`, `unit`, `value`, `clears_at` (null where no change of it
    alone clears), `clears_at_limit` (whether that value itself clears, or only what lies beyond),
    `change` and `change_share`.
    """

    sentence: Text
    about: dict[str, Any] | None = Field(description="grain, key and period of the row explained")
    jurisdiction: str | None
    model: dict[str, Any] | None = Field(
        description="p-value, line, and by feature share, place among the peers and what clears"
    )
    rules: list[dict[str, Any]] = Field(
        description="each that fired: distance of its conditions, and inputs that clear it"
    )
    together: list[dict[str, Any]] = Field(
        description="inputs whose change alone clears all of several rules"
    )
    excess: dict[str, Any] | None = Field(
        description="how many fewer suspicious tenders would clear a firm"
    )
    peers: dict[str, Any] | None = Field(description="the ten nearest frozen peers")
    reason: str | None = Field(description="code that says why there is no explanation")


class AlertDetail(Alert):
    """An alert with everything that happened to it, oldest first."""

    events: list[Event]
    explanation: Explanation | None


class Counts(BaseModel):
    """How many alerts match; a spread leaves the filter's own choice of that field aside."""

    total: int
    by_state: dict[str, int]
    by_lane: dict[str, int]


class AlertPage(BaseModel):
    """One page of the queue, in queue order."""

    items: list[Alert]
    next_cursor: str | None = Field(description="opaque; null on the last page")
    counts: Counts


class SourceRows(BaseModel):
    """Where the numbers come from, exactly enough to compute them again."""

    snapshot_id: str | None = Field(description="pinned version of every table read")
    run_id: str
    subject: Subject
    period: Period
    rules: list[dict[str, Any]]
    models: list[dict[str, Any]]


class Evidence(BaseModel):
    """The facts of an alert and where they come from."""

    alert_id: str
    version: int
    facts: list[dict[str, Any]]
    not_checked: list[dict[str, Any]]
    sources: SourceRows


class Decision(BaseModel):
    """One decision on an alert; only closing takes a reason. Closing and escalating need a note.

    Closing an alert of severity 4 or 5 for another reason than `confirmed` asks a second person:
    the answer has its state unchanged and `pending` set.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    action: Action
    reason: CloseReason | None = None
    note: str | None = Field(default=None, max_length=LONGEST_NOTE)


class Comment(BaseModel):
    """A remark in Markdown; it changes nothing about the alert and needs no version."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: str = Field(min_length=1, max_length=LONGEST_NOTE)
