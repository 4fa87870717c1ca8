"""Counts of the queue, counted anew no more often than they are worth.

A small queue is counted for every request. Counting a large one takes long, so its counts are kept
for a while in proportion: counting takes a twentieth of the time at most, and no count is older
than half a minute. The alerts of a page are never kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from threading import Lock

from alerts.inbox import QueueFilter, Spread

WORTH = 20.0
"""How many times as long as counting took a count is kept."""
LONGEST = 30.0
LARGE = 10_000
"""Alerts below which nothing is kept."""
MOST_KEPT = 500


def key_of(wanted: QueueFilter) -> Hashable:
    """What a filter's spread is kept by, its choice of states and lanes left aside; what the asker
    may see is part of it."""
    return repr(replace(wanted, states=(), lanes=()))


@dataclass(frozen=True, slots=True)
class _Kept:
    spread: Spread
    until: float


class Tallies:
    """Counts kept by one process, by filter; the filter holds what the asker may see."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[Hashable, _Kept] = {}
        self._counting: set[Hashable] = set()
        self._lock = Lock()

    def kept(self, wanted: Hashable) -> Spread | None:
        """What is there and may be given, without counting."""
        kept = self._kept.get(wanted)
        good = kept is not None and (self._now() < kept.until or wanted in self._counting)
        return kept.spread if kept is not None and good else None

    def of(self, wanted: Hashable, count: Callable[[], Spread]) -> Spread:
        """Spread of a filter; while one request counts anew, others are given what is there."""
        with self._lock:
            there = self.kept(wanted)
            if there is not None:
                return there
            self._counting.add(wanted)
        try:
            began = self._now()
            found = count()
            self._keep(wanted, found, self._now() - began)
        finally:
            with self._lock:
                self._counting.discard(wanted)
        return found

    def _keep(self, wanted: Hashable, found: Spread, took: float) -> None:
        with self._lock:
            self._kept.pop(wanted, None)
            if sum(found.cells.values()) < LARGE:
                return
            while len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[wanted] = _Kept(found, self._now() + min(took * WORTH, LONGEST))
