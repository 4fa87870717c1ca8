"""How often somebody may ask: buckets of tokens that fill again, per person and kind of address.

They live in the memory of this process: a server of several processes allows that much in each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from fastapi import Request

from detector.people.principal import Principal
from features.errors import WardenError

MINUTE = 60.0
MOST_BUCKETS = 10_000
"""Beyond it, buckets that are full again are forgotten: they say nothing."""


class Kind(StrEnum):
    """What is counted apart."""

    READ = "read"
    CHANGE = "change"
    SIGN_IN = "sign-in"


@dataclass(frozen=True, slots=True)
class Taken:
    """What is left after a request.

    Attributes:
        per_minute: how many a minute allows, at once or spread.
        left: how many are left now; below zero for a request too many.
        wait: seconds until the bucket is full, or until the next is allowed for one too many.
    """

    kind: Kind
    per_minute: int
    left: int
    wait: int

    def headers(self) -> dict[str, str]:
        """RateLimit fields, and Retry-After for a request too many."""
        told = {
            "RateLimit-Policy": f'"{self.kind}";q={self.per_minute};w=60',
            "RateLimit": f'"{self.kind}";r={max(self.left, 0)};t={self.wait}',
        }
        return told | ({"Retry-After": str(self.wait)} if self.left < 0 else {})


class Rates:
    """Buckets of one process.

    Args:
        per_minute: by kind; 0 is no limit.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self, per_minute: Mapping[Kind, int], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = dict(per_minute)
        self._now = now
        # tokens, and when they were counted
        self._buckets: dict[tuple[Kind, str], tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, kind: Kind, who: str) -> Taken | None:
        """Takes one token; None where nothing is limited."""
        size = self._per_minute.get(kind, 0)
        if size == 0:
            return None
        now, speed = self._now(), size / MINUTE
        with self._lock:
            tokens, then = self._buckets.get((kind, who), (float(size), now))
            tokens = min(size, tokens + (now - then) * speed)
            if tokens < 1:
                self._buckets[kind, who] = (tokens, now)
                return Taken(kind, size, -1, math.ceil((1 - tokens) / speed))
            if len(self._buckets) > MOST_BUCKETS:
                self._forget(now)
            self._buckets[kind, who] = (tokens - 1, now)
        return Taken(kind, size, int(tokens - 1), math.ceil((size - tokens + 1) / speed))

    def _forget(self, now: float) -> None:
        self._buckets = {
            (kind, who): (tokens, then)
            for (kind, who), (tokens, then) in self._buckets.items()
            if tokens + (now - then) * self._per_minute[kind] / MINUTE < self._per_minute[kind]
        }


def admit(request: Request, who: Principal | None) -> None:
    """Counts a request against what its sender may; of nobody only attempts to sign in count.

    Raises:
        WardenError: `too_many_requests`.
    """
    counted = _counted(request, who)
    if counted is None:
        return
    rates: Rates = request.app.state.rates
    taken = rates.take(*counted)
    if taken is None:
        return
    request.state.answer_headers = taken.headers()
    if taken.left < 0:
        raise WardenError(
            "too_many_requests",
            f"More than {taken.per_minute:,} requests a minute of this kind ({taken.kind}).",
            f"Wait {taken.wait} s and try again.",
        )


def _counted(request: Request, who: Principal | None) -> tuple[Kind, str] | None:
    reads = request.method in ("GET", "HEAD")
    if who is not None:
        return (Kind.READ if reads else Kind.CHANGE), who.person_id
    if reads or request.url.path != "/sign-in":
        return None
    return Kind.SIGN_IN, request.client.host if request.client else ""
