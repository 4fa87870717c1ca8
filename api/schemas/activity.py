"""Shapes of what a person did lately."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Act(BaseModel):
    """One act, on one alert or on many at once."""

    model_config = ConfigDict(from_attributes=True)

    kind: str = Field(examples=["closed"])
    reason: str | None
    at: datetime
    alerts: list[str] = Field(description="ids of the alerts")
    undoable: dict[str, int] = Field(
        description="version by id, of those for which it can be undone now"
    )


class Activity(BaseModel):
    """The last acts, the newest first."""

    items: list[Act]
