"""All of the director's view at once, kept for a minute: many look, and little changes.

Where computing it takes long, whoever looks is given the view of before, which says from when it
is, while it is computed anew beside, a twentieth of the time at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any

from alerts.case_model import EVERYWHERE, CaseReach
from alerts.limits import NONE, Limits
from detector import ledger
from detector.beside import beside
from detector.cockpit.checked import checked
from detector.cockpit.load import load, weekly
from detector.cockpit.markets import markets
from detector.cockpit.pace import pace
from detector.cockpit.remedies import remedies
from detector.database import reading
from detector.filings import table_states
from detector.planning import LIVE
from detector.results import Results
from detector.review_quality import precision

if TYPE_CHECKING:
    from detector.system import System

Row = dict[str, Any]
KEPT_SECONDS = 60.0
MOST_KEPT = 64
RULES = 12
SLOW_SECONDS = 0.25
WORTH = 20.0
"""How many times as long as computing took a slow view is kept."""
LONGEST = 3_600.0
"""Seconds after which even a slow view is waited for."""
_lock = Lock()
_kept: dict[tuple[Any, ...], _Kept] = {}
_computing: set[tuple[Any, ...]] = set()


@dataclass(frozen=True, slots=True)
class _Kept:
    at: datetime
    took: float
    view: Row


def cockpit(system: System, within: Limits = NONE, reach: CaseReach = EVERYWHERE) -> Row:
    """The figures of the director's view, as somebody may see them.

    Returns:
        `at`, `load` and `weekly` (`detector.cockpit.load`), `pace`, `markets`, `rules` (precision
        of those with most decided reviews; of everybody's, so None for whoever is limited),
        `checked`, `freshness` (tables with filings), `remedies`, and `run`, the results in force;
        without results `markets` and `checked` are None.
    """
    now = system.clock()
    with reading(system.engine) as connection:
        published = ledger.published(connection, LIVE)
    run = published.key if published else None
    key = (system.home, str(system.engine.url), run, within, reach)
    with _lock:
        held = _kept.get(key)
    age = (now - held.at).total_seconds() if held else LONGEST
    if held is None or not 0 <= age < LONGEST:
        return _anew(system, key, now)
    if age < max(KEPT_SECONDS, held.took * WORTH):
        return held.view
    if held.took < SLOW_SECONDS:
        return _anew(system, key, now)
    _beside(system, key, now)
    return held.view


def _beside(system: System, key: tuple[Any, ...], now: datetime) -> None:
    """Computes a view anew in a thread of its own, unless one does already."""
    with _lock:
        if key in _computing:
            return
        _computing.add(key)

    def compute() -> None:
        try:
            _anew(system, key, now)
        finally:
            with _lock:
                _computing.discard(key)

    beside("cockpit", compute)


def _anew(system: System, key: tuple[Any, ...], now: datetime) -> Row:
    *_, run, within, reach = key
    began = perf_counter()
    found = _computed(system, run, within, reach, now)
    with _lock:
        while len(_kept) >= MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = _Kept(now, perf_counter() - began, found)
    return found


def _computed(
    system: System, run: str | None, within: Limits, reach: CaseReach, now: datetime
) -> Row:
    manifest = Results(system.home).manifest(run) if run else None
    with reading(system.engine) as connection:
        return {
            "at": now,
            "run": run,
            "load": load(connection, now, within),
            "weekly": weekly(connection, now, within),
            "pace": pace(connection, now, within),
            "markets": markets(system, manifest, connection, within) if manifest else None,
            "rules": _rules(system) if within == NONE else None,
            "checked": checked(system.home, run) if run and within == NONE else None,
            "freshness": [one for one in table_states(connection, now) if one.batches],
            "remedies": remedies(connection, reach),
        }


def _rules(system: System) -> list[Row]:
    told = [row for row in precision(system)["rules"] if row["precision"] is not None]
    return sorted(told, key=lambda row: (-row["precision"]["n"], row["id"]))[:RULES]
