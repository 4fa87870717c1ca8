"""The days of the small world: 24 months, their quarters, the day it is judged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

MONTHS = tuple(date(2024 + k // 12, 1 + k % 12, 1) for k in range(24))
QUARTERS = MONTHS[::3]
FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
TODAY = date(2026, 3, 31)
"""The day the world is judged for: a quarter after its last regular month."""


def at(day: date, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    """A moment of a day, UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)


def ahead(day: date, days: int) -> date:
    """That many days later."""
    return day + timedelta(days=days)


def named(month: date) -> str:
    """A month as filed: 2024-03."""
    return f"{month:%Y-%m}"
