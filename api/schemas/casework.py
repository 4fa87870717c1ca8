"""Shapes of the work on alerts: whose they are, labels, files, many at once, what is sent back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.attachments import Attachment as AttachmentRow
from alerts.bulk import BulkAction
from alerts.doubts import Standing
from alerts.lifecycle import LONGEST_NOTE
from alerts.model import CloseReason, State
from features.vocabulary import Lane

Severity = Annotated[int, Field(ge=1, le=5)]
Word = Annotated[str, Field(min_length=1, max_length=80)]
Name = Annotated[str, Field(min_length=1, max_length=80)]
_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Assignment(BaseModel):
    """Whose the alert is to be: a named person's, whoever asks, or nobody's."""

    model_config = _STRICT

    action: Literal["assign", "take", "release"]
    to: Name | None = Field(default=None, description="for `assign`: a person with an account")


class Labels(BaseModel):
    """Labels to add and to remove."""

    model_config = _STRICT

    add: list[Word] = Field(default=[], max_length=20, examples=[["ring 7"]])
    remove: list[Word] = Field(default=[], max_length=20)


class Finding(BaseModel):
    """How an innocent explanation stands, and what showed it."""

    model_config = _STRICT

    standing: Standing
    note: str | None = Field(
        default=None,
        max_length=LONGEST_NOTE,
        description="what was looked at and what it showed; needed unless not_checked",
        examples=["Tariffs of the two rivals are unchanged since May."],
    )


class Tuning(BaseModel):
    """What is wrong with a rule that fired for the alert, for its author."""

    model_config = _STRICT

    rule: str = Field(min_length=1, max_length=80)
    note: str = Field(max_length=LONGEST_NOTE)


class TuningRequest(BaseModel):
    """One alert that was sent back to the author of a rule."""

    model_config = ConfigDict(from_attributes=True)

    rule_version: str
    alert_id: str
    note: str
    asked_by: str
    asked_at: datetime


class TuningRequests(BaseModel):
    """Alerts sent back to the author of a rule, newest first."""

    items: list[TuningRequest]


class Rejection(BaseModel):
    """Why a closure is not approved."""

    model_config = _STRICT

    note: str = Field(max_length=LONGEST_NOTE)


class BulkFilter(BaseModel):
    """Which alerts are meant, as the queue is filtered; an empty field means all."""

    model_config = _STRICT

    state: list[State] = Field(default=[], max_length=10)
    lane: list[Lane] = Field(default=[], max_length=5)
    typology: list[Name] = Field(default=[], max_length=20)
    severity: list[Severity] = Field(default=[], max_length=5)
    subject: str | None = Field(default=None, max_length=200)
    q: str | None = Field(default=None, max_length=200)
    assignee: str | None = Field(default=None, max_length=128)
    set_aside: bool | None = None
    label: list[Word] = Field(default=[], max_length=20)
    overdue: bool = False
    stale: bool | None = None
    pending: bool | None = None
    jurisdiction: list[Annotated[str, Field(max_length=16)]] = Field(default=[], max_length=20)


class Bulk(BaseModel):
    """One act on every alert of a filter.

    `expected` is how many alerts the filter found when you looked: with another number nothing is
    done. It stands for the If-Match that one alert would need.
    """

    model_config = _STRICT

    filter: BulkFilter
    action: BulkAction
    expected: int = Field(ge=0, le=10_000_000)
    reason: CloseReason | None = None
    note: str | None = Field(default=None, max_length=LONGEST_NOTE)
    to: Name | None = Field(default=None, description="for `assign`; yourself where it is null")
    label: Word | None = Field(default=None, description="for `label` and `unlabel`")


class Skipped(BaseModel):
    """An alert the act was not done to, and why."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: str
    code: str
    detail: str


class BulkDone(BaseModel):
    """What became of the alerts of the filter."""

    changed: int
    pending: int = Field(description="of them, closures that wait for a second person")
    skipped: list[Skipped]


class Attachment(BaseModel):
    """A file of an alert; `sha256` of its bytes, which lie at `href`."""

    id: int
    sha256: str
    name: str
    media_type: str
    size: int
    added_by: str
    added_at: datetime
    href: str


class Attachments(BaseModel):
    """Files of an alert, oldest first."""

    items: list[Attachment]


def attachment_shown(one: AttachmentRow) -> Attachment:
    """A file as the API tells of it."""
    fields = {name: getattr(one, name) for name in Attachment.model_fields if name != "href"}
    return Attachment(**fields, href=f"/api/v1/alerts/{one.alert_id}/attachments/{one.id}")
