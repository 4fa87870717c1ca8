"""Shapes of sets of models and of reports of drift."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class ModelSet(BaseModel):
    """One fit of all models on one snapshot."""

    set: str = Field(description="beginning of its digest; names it everywhere")
    digest: str
    state: Literal["in force", "shadow", "retired"]
    fitted_on: datetime = Field(description="moment up to which filings were known")
    models: int
    actor: str | None = Field(description="who put it where it stands")
    at: datetime | None
    note: str | None


class ModelSets(BaseModel):
    """Sets of models, the one in force first."""

    items: list[ModelSet]


class ModelAct(BaseModel):
    """One thing that was done with a set of models."""

    set: str
    kind: Literal["fitted", "extended", "promoted", "rolled_back"]
    actor: str
    at: datetime
    note: str | None
    data: dict[str, Any] = Field(description="for a promotion, what changed with it")


class ModelHistory(BaseModel):
    """Acts, oldest first."""

    items: list[ModelAct]


class DriftReport(BaseModel):
    """What is judged now against what peers and models were frozen on."""

    run_id: str
    models: str = Field(description="the set measured")
    fitted_on: datetime
    at: datetime
    bands: dict[str, float]
    features: list[dict[str, Any]] = Field(description="PSI and missingness, the worst first")
    scores: list[dict[str, Any]] = Field(description="PSI and KS of raw scores by model")
    calibration: dict[str, Any] = Field(description="slope of likelihoods; null with a reason")
    bunching: list[dict[str, Any]] = Field(description="values just inside limits of live rules")
    counts: dict[str, int] = Field(description="lines by state: ok, watch, act, few")
