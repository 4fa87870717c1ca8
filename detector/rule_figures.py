"""What each rule did in the results in force, and how its reviewed alerts ended.

Counts of a run never change, so they are read once a run; reviews are counted anew no more often
than counting them is worth.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from alerts.tables import alert
from detector import publishing
from detector.database import reading
from detector.results import Results
from detector.review_quality import precision
from features.vocabulary import Outcome
from rules.backtest import Share

if TYPE_CHECKING:
    from detector.system import System

ENOUGH = 10
"""Reviews below which a share is not told as one."""
WORTH = 20.0
"""How many times as long as counting reviews took their count is kept."""
LONGEST = 300.0


@dataclass(frozen=True)
class Figures:
    """Figures of one rule; None where nothing is known.

    Attributes:
        outcomes: rows of the results in force by outcome; empty before a run judged it.
        alerts: that fire as of the last run and rest on this rule, whatever their state.
        precision: share confirmed, ``value low high k n``.
    """

    outcomes: Mapping[str, int] = field(default_factory=dict)
    alerts: int | None = None
    precision: Mapping[str, Any] | None = None

    @property
    def fired(self) -> Share:
        """Share fired of what could be judged."""
        fired = self.outcomes.get(Outcome.FIRED, 0)
        return Share(fired, fired + self.outcomes.get(Outcome.CLEAR, 0))

    @property
    def few(self) -> bool:
        """Whether too few reviews answered to name a share."""
        return self.precision is None or self.precision["n"] < ENOUGH


@dataclass(frozen=True)
class AllFigures:
    """Figures of every rule of an installation at one moment."""

    run: str | None
    outcomes: Mapping[str, Mapping[str, int]]
    alerts: Mapping[str, int]
    precision: Mapping[str, Mapping[str, Any]]

    def of(self, rule_id: str, version: str) -> Figures:
        """Figures of one version; alerts and reviews are of the rule."""
        return Figures(
            self.outcomes.get(f"{rule_id}@{version}", {}),
            self.alerts.get(rule_id, 0) if self.run else None,
            self.precision.get(rule_id),
        )


def rule_figures(system: System) -> AllFigures:
    """Figures of every rule, of the results in force and the reviews so far."""
    run = publishing.current(system)
    outcomes = _outcomes(system.home, run) if run else {}
    return AllFigures(run, outcomes, _alerts(system, run), _reviews(system))


@lru_cache(maxsize=4)
def _outcomes(home: Path, run: str) -> dict[str, dict[str, int]]:
    results = Results(home)
    rows = results.outcomes(results.manifest(run))
    label = pl.concat_str("rule_id", "rule_version", separator="@").alias("label")
    found: dict[str, dict[str, int]] = {}
    for name, outcome, n in rows.group_by(label, "outcome").len().collect().iter_rows():
        found.setdefault(name, {})[outcome] = n
    return found


_LOCK = Lock()
_RAISED: dict[tuple[Path, str], Counter[str]] = {}
_SEEN: dict[Path, tuple[float, dict[str, Any]]] = {}


def _alerts(system: System, run: str | None) -> Counter[str]:
    """Alerts that fire in the results in force, by rule; only a run changes which do."""
    if run is None:
        return Counter()
    key = (system.home, run)
    if key not in _RAISED:
        found: Counter[str] = Counter()
        with reading(system.engine) as connection:
            query = sa.select(alert.c.rules).where(alert.c.firing).execution_options(yield_per=5000)
            for rules in connection.scalars(query):
                found.update({str(one.get("id")) for one in rules or ()})
        with _LOCK:
            for old in [one for one in _RAISED if one[0] == system.home]:
                del _RAISED[old]
            _RAISED[key] = found
    return _RAISED[key]


def _reviews(system: System) -> dict[str, Any]:
    """Precision by rule."""
    until, found = _SEEN.get(system.home, (0.0, {}))
    began = time.monotonic()
    if began < until:
        return found
    told = {row["id"]: row["precision"] for row in precision(system)["rules"] if row["precision"]}
    now = time.monotonic()
    with _LOCK:
        _SEEN[system.home] = (now + min((now - began) * WORTH, LONGEST), told)
    return told
