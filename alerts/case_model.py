"""A case: the words it is told in, and where it may go from where it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from alerts.case_tables import case_file
from alerts.limits import lies_in
from features.jurisdictions import covering

LONGEST_TITLE = 200
LONGEST_TEXT = 10_000
MOST_ALERTS = 500
"""Alerts one act adds at most."""


class CaseState(StrEnum):
    """Where the work stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DECIDED = "decided"
    CLOSED = "closed"


class CaseOutcome(StrEnum):
    """How a case ended; closing needs one."""

    MEASURES_TAKEN = "measures_taken"
    NO_GROUNDS = "no_grounds"
    INSUFFICIENT = "insufficient"
    REFERRED = "referred"


class PartyRole(StrEnum):
    """What a firm is in a case."""

    SUBJECT = "subject"
    COMPLAINANT = "complainant"
    WITNESS = "witness"


class CaseEventKind(StrEnum):
    """Everything that can happen to a case."""

    OPENED = "opened"
    CHANGED = "changed"
    MOVED = "moved"
    CLOSED = "closed"
    REOPENED = "reopened"
    ALERTS_ADDED = "alerts_added"
    ALERT_REMOVED = "alert_removed"
    TASK_ADDED = "task_added"
    TASK_CHANGED = "task_changed"
    NOTED = "noted"
    INTERVENED = "intervened"
    CORRECTED = "corrected"
    FOLLOWED_UP = "followed_up"
    HANDED_OVER = "handed_over"


NEXT: Mapping[CaseState, frozenset[CaseState]] = {
    CaseState.OPEN: frozenset({CaseState.IN_PROGRESS, CaseState.CLOSED}),
    CaseState.IN_PROGRESS: frozenset({CaseState.DECIDED, CaseState.CLOSED}),
    CaseState.DECIDED: frozenset({CaseState.IN_PROGRESS, CaseState.CLOSED}),
    CaseState.CLOSED: frozenset({CaseState.IN_PROGRESS}),
}
"""From each state, where a case may go."""


@dataclass(frozen=True, slots=True)
class CaseReach:
    """Which cases somebody may see; none named: all of them.

    Attributes:
        units, jurisdictions: a case of none of them does not exist for the person, nor does a
            case that names none. A place that lies in a jurisdiction is of it.
    """

    units: frozenset[str] = frozenset()
    jurisdictions: frozenset[str] = frozenset()

    def covers(self, unit: str | None, jurisdiction: str | None) -> bool:
        """Whether a case is within reach."""
        return (not self.units or unit in self.units) and (
            not self.jurisdictions
            or not self.jurisdictions.isdisjoint(covering(jurisdiction or ""))
        )

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a query of cases must hold to."""
        columns = case_file.c
        found: list[sa.ColumnElement[bool]] = []
        if self.units:
            found.append(columns.unit.in_(sorted(self.units)))
        if self.jurisdictions:
            found.append(lies_in(columns.jurisdiction, self.jurisdictions))
        return found


EVERYWHERE = CaseReach()


def reach_of(units: Collection[str], jurisdictions: Collection[str]) -> CaseReach:
    """The reach of a person."""
    return CaseReach(frozenset(units), frozenset(jurisdictions))


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands.

    Attributes:
        version: counts changes; a change names the one it was made on.
    """

    number: str
    title: str
    unit: str | None
    jurisdiction: str | None
    state: CaseState
    outcome: CaseOutcome | None
    owner: str | None
    version: int
    opened_by: str
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a person asks for when opening a case."""

    title: str
    unit: str | None = None
    jurisdiction: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class CaseHand:
    """Who acts on which version of a case, when, and which cases that person may see.

    Attributes:
        version: the one the actor was looking at; None for what never conflicts.
    """

    actor: str
    now: datetime
    version: int | None = None
    reach: CaseReach = EVERYWHERE


def case_object(case: Case) -> dict[str, Any]:
    """A case as plain data."""
    return {
        "number": case.number,
        "title": case.title,
        "unit": case.unit,
        "jurisdiction": case.jurisdiction,
        "state": case.state.value,
        "outcome": case.outcome.value if case.outcome else None,
        "owner": case.owner,
        "version": case.version,
        "opened_by": case.opened_by,
        "opened_at": case.opened_at.isoformat(),
        "updated_at": case.updated_at.isoformat(),
    }


def iso(value: date | None) -> str | None:
    """A day or moment as text."""
    return None if value is None else value.isoformat()
