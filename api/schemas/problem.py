"""The one shape of every error (RFC 9457, problem details for HTTP APIs)."""

from __future__ import annotations

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One thing wrong in a request body, query, path or header."""

    pointer: str = Field(examples=["#/body/reason"], description="JSON pointer to the value")
    detail: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """What went wrong, in words, with a `code` that scripts may rely on."""

    type: str = Field(examples=["urn:marketwarden:problem:alert_not_found"])
    title: str = Field(examples=["Not found"], description="the HTTP status in words")
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no alert AL-2417."])
    code: str = Field(examples=["alert_not_found"], description="stable name of the error")
    hint: str = Field(default="", examples=["Check the id in the queue."])
    instance: str = Field(examples=["/api/v1/alerts/AL-2417"], description="path asked for")
    reference: str = Field(description="also in the log of the server, to find this answer")
    errors: list[FieldError] = []
