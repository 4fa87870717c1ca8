"""Shapes of notices: what a person wants to hear of, endpoints of programs, what was told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from alerts.notify.kinds import CHOSEN, Kind, Mode

KindName = Literal[
    "alert.opened", "alert.reopened", "alert.escalated", "alert.assigned", "alert.closure_pending",
    "lead.received", "case.assigned", "job.failed", "data.late",
]  # fmt: skip
State = Literal["waiting", "sending", "sent", "unsure", "dead", "cancelled"]
_USUAL: JsonDict = {kind.value: mode.value for kind, mode in CHOSEN.items()}


class NoticeChoice(BaseModel):
    """What a person wants to hear of, and where."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "email": "li.wei@example.org",
                    "language": "zh",
                    "kinds": _USUAL,
                    "least_severity": 3,
                    "digest_hour": 6,
                }
            ]
        },
    )

    email: Annotated[str, Field(min_length=3, max_length=254)] | None = Field(
        default=None, description="Without an address nothing is sent."
    )
    language: Literal["en", "zh"] = "en"
    kinds: dict[KindName, Mode] = Field(
        default={}, description="A kind left out is told as is usual."
    )
    least_severity: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1, description="Of alerts that are told to everybody; what is yours always comes."
    )
    digest_hour: Annotated[int, Field(ge=0, le=23)] = Field(default=6, description="UTC")


class NoticeChoiceReport(NoticeChoice):
    """What a person has chosen; the version is also the ETag."""

    version: int


class NewWebhook(BaseModel):
    """An endpoint to be added."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://hooks.example.org/warden", "kinds": ["alert.escalated"]}]
        },
    )

    url: Annotated[str, Field(min_length=8, max_length=500)]
    kinds: Annotated[list[KindName], Field(max_length=len(Kind))] = Field(
        default=[], description="Empty: everything."
    )


class WebhookReport(BaseModel):
    """An endpoint; its secret is never shown again."""

    id: str
    url: str
    kinds: list[str]
    version: int = Field(description="also the ETag; a change names it in If-Match")
    old_until: AwareDatetime | None = Field(description="until when the secret before signs too")
    added_by: str
    added_at: AwareDatetime


class ShownWebhook(WebhookReport):
    """An endpoint with its new secret, shown this once."""

    secret: str


class Webhooks(BaseModel):
    """Every endpoint, the oldest first."""

    items: list[WebhookReport]


class Sent(BaseModel):
    """A message that is on its way; see what became of it in the list of notifications."""

    message_id: str


class Delivery(BaseModel):
    """That somebody is told of an event."""

    id: int
    message_id: str
    kind: str
    about: str
    key: str
    at: AwareDatetime
    channel: Literal["email", "webhook"]
    recipient: str | None = Field(description="name of a person, or address of an endpoint")
    state: State
    due_at: AwareDatetime | None
    sent_at: AwareDatetime | None
    attempts: int
    doubted: bool = Field(description="an attempt may have arrived without being confirmed")
    error: str | None


class Deliveries(BaseModel):
    """Deliveries, the newest first."""

    items: list[Delivery]
    next_cursor: str | None
