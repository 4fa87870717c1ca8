"""Shapes of the director's view."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field


class Opened(BaseModel):
    """Closings that wait for a second person."""

    n: int
    since: datetime | None = Field(description="the oldest; null without one")


class Persons(BaseModel):
    """Persons named by waiting alerts, added up over incidents."""

    alerts: int
    sum: float


class Turnover(BaseModel):
    """The largest turnover one waiting alert touches, in the currency filed."""

    alerts: int
    largest: float


class Touched(BaseModel):
    """What waiting alerts touch, where filings tell; null where none does."""

    persons: Persons | None
    turnover: Turnover | None


class Load(BaseModel):
    """Alerts that wait for somebody."""

    waiting: dict[str, int] = Field(examples=[{"legal": 9, "screen": 54}])
    total: int
    overdue: int
    second_person: Opened
    opened: list[int] = Field(description="in the last seven days, and in the seven before")
    touched: Touched


class Week(BaseModel):
    """One week of work."""

    end: date
    opened: int
    closed: int
    open: int = Field(description="at its end")


class Delay(BaseModel):
    """Days from the end of the period judged to the alert; null where too few tell it."""

    n: int
    median: float | None
    p90: float | None


class Step(BaseModel):
    """Share that still waits after so many days."""

    day: float
    share: float


class Waiting(BaseModel):
    """Days from alert to decision, by Kaplan and Meier; those that wait are censored."""

    n: int
    waiting: int
    median: float | None
    low: float | None
    high: float | None
    steps: list[Step]


class Pace(BaseModel):
    """How fast conduct is seen and decided, of the last year."""

    seen: Delay
    decided: Waiting


class Market(BaseModel):
    """One market under watch."""

    market: str
    name: str | None
    hhi: float | None = Field(description="points, 0 to 10,000")
    hhi_periods: list[float | None]
    cr4: float | None = Field(description="percent")
    alerts: int
    typology: str | None


class Fresh(BaseModel):
    """How fresh the filings of a table are."""

    table: str
    last_at: datetime | None
    usual_gap: float | None = Field(description="days between filings")
    expected_on: datetime | None
    late_days: float


class Cockpit(BaseModel):
    """The director's view; null where whoever asks is limited to a part of the alerts."""

    at: datetime
    run: str | None
    load: Load
    weekly: list[Week]
    pace: Pace
    markets: list[Market] | None
    rules: list[dict[str, Any]] | None
    checked: list[dict[str, Any]] | None
    freshness: list[Fresh]
    remedies: list[dict[str, Any]] | None
