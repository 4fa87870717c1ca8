"""By which day an alert is to be decided: so many days by its lane and severity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from features.vocabulary import Lane


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Days by severity, 1 to 5, of each lane, weekends included."""

    legal: tuple[int, ...]
    screen: tuple[int, ...]

    def day(self, lane: str, severity: int, start: date) -> date:
        """The last day for what was found on `start`."""
        days = self.legal if lane == Lane.LEGAL else self.screen
        return start + timedelta(days=days[severity - 1])


USUAL = Deadlines(legal=(60, 45, 30, 14, 7), screen=(120, 90, 60, 30, 14))
"""Where an installation says nothing else."""
