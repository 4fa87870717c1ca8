"""The places of the top bar: where each leads and what it takes to see it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from detector.people.permissions import Permission


@dataclass(frozen=True)
class Place:
    """One place; its word is `nav.NAME`."""

    name: str
    href: str
    needs: Permission


PLACES = (
    Place("queue", "/", Permission.ALERTS_READ),
    Place("firms", "/firms", Permission.FIRMS_READ),
    Place("cases", "/cases", Permission.CASES_READ),
    Place("approvals", "/approvals", Permission.ALERTS_APPROVE),
    Place("rules", "/rules", Permission.RULES_READ),
    Place("cockpit", "/cockpit", Permission.ALERTS_READ),
    Place("tables", "/tables", Permission.RUNS_READ),
    Place("jobs", "/jobs", Permission.RUNS_READ),
    Place("audit", "/audit", Permission.AUDIT_READ),
    Place("people", "/people", Permission.PEOPLE_MANAGE),
)


def places_for(may: Collection[Permission]) -> list[Place]:
    """Places somebody may go to, in the order of the bar."""
    return [place for place in PLACES if place.needs in may]
