"""Shapes of what an alert says as known then and as known now."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.alerts import Text


class Standpoint(BaseModel):
    """What the judges of the alert say by the filings of one moment."""

    snapshot_id: str
    known_at: str
    outcome: str | None = Field(description="null: the subject is in no filing any more")
    reason: str | None
    suspicion: float | None


class FactThenAndNow(BaseModel):
    """One fact, as the alert has it and as it is by today's filings."""

    feature: str | None = None
    title: Text | None
    op: str | None = None
    unit: str | None = None
    parameter: str | None = None
    then: dict[str, Any] | None = Field(description="null where it shows only now")
    now: dict[str, Any] | None = Field(description="null where it can be told no more")
    changed: list[str] = Field(description="figures that differ, or `missing`, or `new`")


class Knowledge(BaseModel):
    """As known then, as known now; `reason` says why there is nothing to compare."""

    alert_id: str
    version: int
    reason: Literal["blind", "restricted", "rule_in_storm", "not_pinned", "unreadable"] | None
    same_filings: bool | None = Field(description="nothing was filed since")
    filings: dict[str, int] = Field(description="rows filed or corrected since, by table")
    then: Standpoint | None
    now: Standpoint | None
    facts: list[FactThenAndNow]
    changed: int = Field(description="facts that differ")
