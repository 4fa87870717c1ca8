"""Shapes of an alert judged again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.alerts import Text


class DifferingFigure(BaseModel):
    """One figure that is not the same."""

    field: str = Field(examples=["facts[mon-bid-cv-very-low bid_cv].value"])
    recorded: Any = Field(description="as the alert says, or as its run stored")
    replayed: Any = Field(description="as it comes out again")


class ReplayCause(BaseModel):
    """Why figures differ, as far as can be told."""

    model_config = ConfigDict(extra="allow")

    code: str = Field(examples=["code_changed"])
    text: Text


class KnownNow(BaseModel):
    """The same judges over what is filed today."""

    snapshot_id: str
    same_filings: bool = Field(description="nothing was filed or corrected since")
    raised: bool = Field(description="whether the alert would be raised")
    differences: list[DifferingFigure] = Field(description="what it would say instead")
    filings: dict[str, int] = Field(description="rows filed or corrected since, by table")


class Replayed(BaseModel):
    """An alert judged again by what its run recorded."""

    alert_id: str
    version: int = Field(description="of the alert that was judged again")
    run_id: str = Field(description="the run that last said something about it")
    snapshot_id: str | None
    outcome: Literal["identical", "differs"]
    compared: int = Field(description="figures and texts that were looked at")
    differences: list[DifferingFigure] = Field(description="empty in blind review, too")
    causes: list[ReplayCause] = Field(description="the likeliest first")
    judges: dict[str, Any] = Field(
        description="code, models, rules and parameters that are others today"
    )
    as_known_now: KnownNow | None = Field(description="null in blind review")
    blind: bool
    actor: str
    at: datetime
