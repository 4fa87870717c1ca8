"""Shapes of the audit trail."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class AuditEntry(BaseModel):
    """One act or sensitive read; persons stand in it as pseudonyms."""

    seq: int = Field(description="1, 2, 3 and so on without a gap", examples=[4711])
    at: str = Field(description="UTC", examples=["2026-11-23T09:30:00.000000Z"])
    actor: str = Field(description="pseudonym", examples=["0f3a9c51d2b84e7706a1c9d35e82b4f0"])
    name: str | None = Field(description="who that is, when asked for and not forgotten")
    action: str = Field(examples=["alert.closed"])
    kind: str = Field(examples=["alert"])
    key: str
    data: dict[str, Any]
    hash: str


class AuditPage(BaseModel):
    """One page of entries, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None = Field(description="opaque; null on the last page")


class AuditState(BaseModel):
    """Whether the trail is whole; entries since the newest checkpoint were verified just now."""

    intact: bool
    entries: int = Field(description="entries that hold, from the first on")
    hash: str = Field(description="of the last of them")
    signed: int = Field(description="entries the newest checkpoint vouches for")
    signed_at: str | None
    checkpoints: int
    key: str = Field(description="name of the public key: first 16 hex digits of its SHA-256")
    first_bad: int | None = Field(description="number of the first bad entry")
    code: str | None = Field(examples=[None, "entries_missing"])
    why: str | None
