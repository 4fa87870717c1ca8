"""Periods of a report as evenly spaced steps of time, gaps included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

UNITS = {"month": 1, "quarter": 3, "half": 6, "year": 12, "five years": 60}
"""Months of one step."""
MOST = 48
"""Steps in one picture; more periods are drawn together."""


@dataclass(frozen=True, slots=True)
class Step:
    """What fired and what could be judged in one step of time."""

    start: date
    label: str
    fired: int
    judged: int

    @property
    def rate(self) -> float | None:
        return self.fired / self.judged if self.judged else None


def steps(periods: Iterable[Mapping[str, Any]]) -> tuple[str, list[Step]]:
    """The unit of time and every step from the first period to the last, empty ones too.

    Args:
        periods: rows of `rules.backtest.by_period`, dates as dates or ISO text.
    """
    rows = [(_day(p["period_start"]), _day(p["period_end"]), p) for p in periods]
    if not rows:
        return "month", []
    months = [start.year * 12 + start.month - 1 for start, _, _ in rows]
    shortest = min((end - start).days + 1 for start, end, _ in rows)
    span = max(months) - min(months) + 1
    fits = [u for u, n in UNITS.items() if n * 25 <= max(shortest, 25) or n == 1]
    unit = fits[-1]
    for longer in list(UNITS)[len(fits) :]:
        if span / UNITS[unit] > MOST:
            unit = longer
    length = UNITS[unit]
    counts: dict[int, list[int]] = {
        n: [0, 0] for n in range(min(months) // length, max(months) // length + 1)
    }
    for month, (_, _, row) in zip(months, rows, strict=True):
        here = counts[month // length]
        here[0] += int(row["fired"])
        here[1] += int(row["fired"]) + int(row["clear"])
    return unit, [_step(n * length, length, *found) for n, found in counts.items()]


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _step(month: int, length: int, fired: int, judged: int) -> Step:
    start = date(month // 12, month % 12 + 1, 1)
    if length >= 12:
        label = str(start.year)
    elif length == 3:
        label = f"{start.year}-Q{(start.month + 2) // 3}"
    else:
        label = f"{start:%Y-%m}"
    return Step(start, label, fired, judged)
