"""Shapes of what is written at the desk: drafts, words of conditions, studies and moves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.rules import VERSION, Asked
from rules.reader import MAX_BYTES


class Word(BaseModel):
    """One name a condition may use."""

    name: str
    kind: Literal["feature", "attribute", "function"]
    title: dict[str, str]
    unit: str
    range: list[float | None] | None = Field(
        description="smallest and largest value; null where open"
    )
    min_n: int = Field(description="cases below which it tells nothing")
    direction: str


class Words(BaseModel):
    """Names of one grain, features first."""

    items: list[Word]


class DraftWritten(BaseModel):
    """A whole rule file as somebody typed it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_BYTES)


class DraftText(BaseModel):
    """What is being written."""

    rule_id: str
    text: str
    content_hash: str
    saved_by: str
    saved_at: datetime
    revision: int = Field(description="also the ETag")


class StudyAsked(Asked):
    """Which text; the draft, or what may be promoted, when null."""

    version: str | None = Field(default=None, pattern=VERSION)


class StudyTold(BaseModel):
    """A backtest in the background; its id is the hash of the text it is about."""

    id: str
    rule: str
    version: str
    state: Literal["running", "done", "failed"]
    asked_by: str
    started: datetime
    finished: datetime | None
    error: str
    report: dict[str, Any] | None


class Move(StudyAsked):
    """Limits by name, and the limit whose curve is wanted."""

    limits: dict[str, float] = Field(default={}, max_length=20, examples=[{"max_cv": 0.05}])
    along: str | None = Field(default=None, max_length=64)


class Effect(BaseModel):
    """What a text fires for, and how the alerts about it ended."""

    fired: int
    confirmed: int
    dismissed: int
    hours: float


class Curve(BaseModel):
    """Firings over values of one limit."""

    parameter: str
    x: list[float]
    new: list[int]
    old: list[int] | None


class MovedSubject(BaseModel):
    """One subject and period that enters or leaves."""

    subject_key: str
    period_start: date
    value: float | None = None
    state: str | None
    close_reason: str | None


class MovedSubjects(BaseModel):
    """The first of each side."""

    entered: list[MovedSubject]
    left: list[MovedSubject]


class Moved(BaseModel):
    """The effect of other limits against the live version, else the text as written."""

    against: str | None
    old: Effect
    new: Effect
    entered: int
    left: int
    examples: MovedSubjects
    curve: Curve | None
