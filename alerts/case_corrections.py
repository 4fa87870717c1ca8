"""Corrects what was recorded of a decision: the new version counts, the old one stays on record.

Each correction is an event of the case that holds the decision as it stood before, with what was
found about it until then; the event says why, and by whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from alerts.case_model import Case, CaseEventKind, CaseHand, CaseState
from alerts.case_remedies import (
    Intervention,
    Target,
    checked,
    intervention_row,
    interventions_of,
    target_object,
    target_row,
)
from alerts.case_store import a_text, lock_case, stamped
from alerts.case_tables import case_event, case_follow_up, case_intervention, case_target
from alerts.connections import ReadConnection, WriteConnection
from features.errors import WardenError

COMPARED = ("kind", "decided_on", "text", "amount", "currency", "legal_basis", "targets")


def correct(
    connection: WriteConnection,
    number: str,
    intervention: int,
    wanted: Intervention,
    why: str,
    hand: CaseHand,
) -> Case:
    """Puts a decision as it should have been recorded in the place of what was.

    A target that stays as it was keeps what was found about it, unless the day of the decision is
    another one: then every comparison has to be made anew.

    Args:
        intervention: its number.
        why: the reason, kept as the note of the event.

    Raises:
        WardenError: `case_not_found`, `stale_version`, `intervention_not_found`, `not_decided`,
            `nothing_changed`, `text_required`, `bad_amount`, `bad_target`.
    """
    case = lock_case(connection, number, hand)
    before = one_intervention(connection, number, intervention)
    if case.state not in (CaseState.DECIDED, CaseState.CLOSED):
        raise WardenError(
            "not_decided",
            f"Case {number} is open again: what was decided stands as it was recorded.",
            "Move it to `decided` first.",
            "conflict",
        )
    checked(wanted, hand.now)
    row = intervention_row(number, wanted)
    goals = [target_object(target) for target in wanted.targets]
    after = row | {"decided_on": row["decided_on"].isoformat(), "targets": goals}
    old = before | {"targets": [_goal(target) for target in before["targets"]]}
    if all(after[name] == old[name] for name in COMPARED):
        raise WardenError("nothing_changed", "That is how the decision stands already.")
    columns = case_intervention.c
    connection.execute(sa.update(case_intervention).where(columns.id == intervention).values(row))
    anew = after["decided_on"] != before["decided_on"]
    _exchange(connection, intervention, before["targets"], wanted.targets, anew=anew)
    data = {
        "intervention": intervention,
        "version": before["version"] + 1,
        "fields": [name for name in COMPARED if after[name] != old[name]],
        "before": {name: before[name] for name in (*COMPARED, "version")},
        "after": {name: after[name] for name in COMPARED},
    }
    note = a_text(why, "reason")
    return stamped(connection, case, hand, CaseEventKind.CORRECTED, data, note=note)


def one_intervention(connection: ReadConnection, number: str, intervention: int) -> dict[str, Any]:
    """A decision of a case with its version and its earlier versions.

    Raises:
        WardenError: `intervention_not_found`.
    """
    for one in with_corrections(connection, number):
        if one["id"] == intervention:
            return one
    raise WardenError(
        "intervention_not_found", f"Case {number} has no decision {intervention}.", "", "not_found"
    )


def with_corrections(connection: ReadConnection, number: str) -> list[dict[str, Any]]:
    """What was decided in a case, oldest first, each with its version and its earlier ones."""
    columns = case_event.c
    query = (
        sa.select(case_event)
        .where(columns.case_number == number, columns.kind == CaseEventKind.CORRECTED.value)
        .order_by(columns.id)
    )
    earlier: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(query).mappings():
        told = {"by": row["actor"], "at": row["at"].isoformat(), "why": row["note"]}
        version = row["data"]["before"] | {"corrected": told}
        earlier.setdefault(row["data"]["intervention"], []).append(version)
    return [
        one
        | {
            "version": 1 + len(earlier.get(one["id"], [])),
            "earlier": earlier.get(one["id"], []),
            "corrected_at": earlier[one["id"]][-1]["corrected"]["at"]
            if one["id"] in earlier
            else None,
        }
        for one in interventions_of(connection, number)
    ]


def _goal(target: Mapping[str, Any]) -> dict[str, Any]:
    return {name: target[name] for name in ("feature", "grain", "subject_key", "direction", "by")}


def _exchange(
    connection: WriteConnection,
    intervention: int,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Target],
    *,
    anew: bool,
) -> None:
    """Sets the targets; the event keeps those that go, with what was found about them."""
    wanted = {str(target_object(target)): target for target in after}
    had = {str(_goal(target)): int(target["id"]) for target in before}
    gone = [number for told, number in had.items() if told not in wanted]
    stale = list(had.values()) if anew else gone
    connection.execute(sa.delete(case_follow_up).where(case_follow_up.c.target_id.in_(stale)))
    connection.execute(sa.delete(case_target).where(case_target.c.id.in_(gone)))
    for told, target in wanted.items():
        if told not in had:
            connection.execute(sa.insert(case_target).values(target_row(intervention, target)))
