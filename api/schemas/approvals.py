"""Shapes of what waits for a second person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from detector.bundle.profiles import Profile

_STRICT = ConfigDict(extra="forbid")
Candidate = Annotated[str, Field(min_length=1, max_length=500)]
Purpose = Annotated[str, Field(max_length=400, examples=["referral to the court"])]
CaseNumber = Annotated[str, Field(max_length=128, examples=["C-2026-0001"])]


class Approval(BaseModel):
    """A request: what is asked for, why, and how far it is."""

    id: int
    kind: Literal["export", "reidentification"]
    about: dict[str, Any] = Field(description="what would be handed out or told")
    content: str = Field(description="hash of what an approval speaks of; send it to approve")
    purpose: str
    case: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    stage: Literal["waiting", "approved", "rejected", "withdrawn", "used", "expired"]
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    used_at: datetime | None
    version: int = Field(description="also the ETag; an answer names it in If-Match")
    yours: bool = Field(description="whether you may answer it")


class Approvals(BaseModel):
    """Requests you made or may answer, the newest first."""

    items: list[Approval]


class NewExport(BaseModel):
    """An export above the limit that a second person is to approve."""

    model_config = _STRICT

    what: Literal["alert_bundle", "case_bundle", "hand_over"]
    key: str = Field(max_length=64, description="id of the alert, or number of the case")
    profile: Profile = Profile.INTERNAL
    format: Literal["zip", "ocsf"] = "zip"
    lang: Literal["en", "zh", "both"] = "both"
    party: str | None = Field(default=None, max_length=200)
    to: str | None = Field(default=None, max_length=200, description="receiver of a hand-over")
    notes: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] = Field(default=[], max_length=500)
    purpose: Purpose
    case: CaseNumber


class Answer(BaseModel):
    """The second person's word on exactly what was read."""

    model_config = _STRICT

    content: str = Field(max_length=64)


class Refusal(BaseModel):
    """Why it is refused."""

    model_config = _STRICT

    note: str = Field(max_length=10_000)


class Question(BaseModel):
    """Which of some candidates a pseudonym stands for."""

    model_config = _STRICT

    pseudonym: str = Field(max_length=64, examples=["0f" * 16])
    candidates: list[Candidate] = Field(
        max_length=1_000, description="as filed, letter for letter; they are not kept"
    )


class NewQuestion(Question):
    """A question that a second person is to approve."""

    purpose: Purpose
    case: CaseNumber


class Match(BaseModel):
    """The candidate the pseudonym stands for; null where it is none of them."""

    pseudonym: str
    match: str | None
