"""Shapes of runs and of the server's own state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class Run(BaseModel):
    """One piece of work that fell due or was asked for, whatever became of it."""

    run_id: str
    job: str = Field(examples=["detect"])
    slot: str = Field(description="the due time, or `manual:` and an id")
    attempt: int
    state: str = Field(examples=["done"])
    planned_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    inputs_hash: str | None
    outputs_hash: str | None
    counts: dict[str, Any] | None
    error: str | None
    note: str | None


class RunPage(BaseModel):
    """Runs, latest planned first."""

    items: list[Run]
    next_cursor: str | None = Field(description="opaque; null on the last page")


class Health(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """Whether requests can be served, check by check."""

    status: str = Field(examples=["ready", "not_ready"])
    checks: dict[str, str] = Field(examples=[{"database": "ok"}])
