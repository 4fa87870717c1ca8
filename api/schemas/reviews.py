"""Shapes of what reviews say about rules, models and reviewers."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Share(BaseModel):
    """A share `k` of `n` with its interval (Wilson, 95 %)."""

    value: float
    low: float
    high: float
    k: int
    n: int


class NamedPrecision(BaseModel):
    """How the closed alerts that named one rule, model or typology ended."""

    id: str
    alerts: int = Field(description="closed ones")
    undecided: int = Field(description="closed without an answer: insufficient or referred")
    precision: Share | None = Field(description="confirmed of confirmed and dismissed")
    reason: str | None = Field(description="why there is no precision")


class Precision(BaseModel):
    """Precision by rule, model and typology; the blind sample is no part of it."""

    rules: list[NamedPrecision]
    models: list[NamedPrecision]
    typologies: list[NamedPrecision]


class Answers(BaseModel):
    """How many alerts two persons answered in one way."""

    first: str
    second: str
    alerts: int


class Agreement(BaseModel):
    """How far two persons who reviewed the same alert found the same."""

    pairs: int
    agreed: Share | None
    kappa: float | None = Field(description="Cohen's kappa over the five dispositions")
    reason: str | None = Field(description="why there is no kappa")
    waiting: int = Field(description="closed alerts that wait for a second reviewer")
    table: list[Answers]


class LessonNumber(BaseModel):
    """One number a lesson looks at."""

    feature: str
    importance: float = Field(description="its share of what the trees tell apart")
    points: float | None = Field(
        description="rank correlation with what was learnt, -1 to 1; null for a constant"
    )
    declared: str = Field(description="the suspicious direction: high, low or none")
    turned: bool = Field(description="what was learnt runs against the declared direction")


class Lesson(BaseModel):
    """What reviews taught about the order of one conduct's alerts of one grain."""

    conduct: str = Field(examples=["MON-BID"])
    grain: str = Field(examples=["tender"])
    at: str
    reviews: int
    confirmed: int
    weight: float = Field(description="how much it counts beside the own order; 0 where unused")
    prior_auc: float | None = Field(description="of the prior, on left-out reviews")
    mixed_auc: float | None = Field(description="of the mixture, on left-out reviews")
    reason: str = Field(description="why it is not used; empty where it is")
    numbers: list[LessonNumber]


class Lessons(BaseModel):
    """The last lesson of every conduct and grain."""

    items: list[Lesson]
