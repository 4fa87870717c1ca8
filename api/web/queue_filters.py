"""Filters of the queue as they stand in its address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from alerts.inbox import QueueFilter
from alerts.limits import NONE, Limits
from alerts.model import WAITING as STILL_WAITING
from alerts.model import State
from features.vocabulary import TYPOLOGIES, Lane

WAITING: tuple[str, ...] = STILL_WAITING
ANY_STATE = "any"
NOBODY = "@none"
"""Stands for nobody where an owner is asked for; no name begins so."""
LONGEST = 200
DUE = ("late", "today", "week")
AGE = ("week", "month", "quarter")
WORK = ("pending", "stale")
_DAYS = {"week": 7, "month": 30, "quarter": 90}
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})*")


@dataclass(frozen=True)
class Filters:
    """What the address asks for; None where it asks for nothing or for nonsense.

    Attributes:
        due: `late`, `today` or within a `week`, all of them or before.
        age: opened within a `week`, or longer ago than a `month` or a `quarter`.
        work: what waits for a second person, or is stale.
    """

    state: str | None = None
    lane: str | None = None
    severity: int | None = None
    typology: str | None = None
    jurisdiction: str | None = None
    subject: str | None = None
    q: str | None = None
    owner: str | None = None
    label: str | None = None
    due: str | None = None
    age: str | None = None
    work: str | None = None

    @property
    def any_set(self) -> bool:
        """Whether anything narrows the queue."""
        return bool(self.asked)

    @property
    def rare(self) -> bool:
        """Whether something is set that stands behind the others."""
        return any((self.jurisdiction, self.subject, self.label, self.age, self.work))

    @property
    def asked(self) -> dict[str, Any]:
        """What is set, by its name in the address."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @property
    def query(self) -> str:
        """The part of an address behind the question mark."""
        return urlencode(self.asked)

    def wanted(self, now: datetime, within: Limits = NONE) -> QueueFilter:
        """The same for the inbox; without a state, what waits for somebody."""
        states = () if self.state == ANY_STATE else (self.state,) if self.state else WAITING
        # whole days, so that two readers of one hour ask for the same and are counted once
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        today, since = now.date(), midnight - timedelta(days=_DAYS.get(self.age or "", 0))
        ahead = timedelta(days=_DAYS["week"] if self.due == "week" else 0)
        return QueueFilter(
            states=states,
            lanes=(self.lane,) if self.lane else (),
            typologies=(self.typology,) if self.typology else (),
            severities=range(self.severity, 6) if self.severity else (),
            jurisdictions=(self.jurisdiction,) if self.jurisdiction else (),
            subject=self.subject,
            text=self.q,
            assignee=None if self.owner == NOBODY else self.owner,
            assigned=False if self.owner == NOBODY else None,
            labels=(self.label.casefold(),) if self.label else (),
            overdue_on=today if self.due == "late" else None,
            due_by=today + ahead if self.due in ("today", "week") else None,
            opened_since=since if self.age == "week" else None,
            opened_before=since if self.age in ("month", "quarter") else None,
            pending=True if self.work == "pending" else None,
            stale=True if self.work == "stale" else None,
            within=within,
        )


def read_filters(asked: Mapping[str, str]) -> Filters:
    """Filters of an address; what is not known is ignored, so old links still open."""

    def one_of(name: str, values: Iterable[str]) -> str | None:
        return asked.get(name) if asked.get(name) in tuple(values) else None

    def text(name: str) -> str | None:
        return asked.get(name, "").replace("\0", "").strip()[:LONGEST] or None

    severity, place = one_of("severity", "12345"), text("jurisdiction")
    return Filters(
        state=one_of("state", (*State, ANY_STATE)),
        lane=one_of("lane", Lane),
        severity=int(severity) if severity else None,
        typology=one_of("typology", TYPOLOGIES),
        jurisdiction=place if place and _PLACE.fullmatch(place) else None,
        subject=text("subject"),
        q=text("q"),
        owner=text("owner"),
        label=text("label"),
        due=one_of("due", DUE),
        age=one_of("age", AGE),
        work=one_of("work", WORK),
    )


def filters_of(query: str) -> Filters:
    """Filters of a kept view."""
    return read_filters(dict(parse_qsl(query)))
