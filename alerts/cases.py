"""What people do to a case: open it, change it, move it on, add alerts.

Each act is one event and one entry of the audit trail. What is in a closed case stays as it is,
but notes and what came of its interventions may still be added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from alerts.case_model import (
    LONGEST_TITLE,
    MOST_ALERTS,
    NEXT,
    Case,
    CaseEventKind,
    CaseHand,
    CaseOutcome,
    CaseState,
    NewCase,
    PartyRole,
)
from alerts.case_store import (
    a_name,
    a_text,
    case_closed,
    happened,
    held_open,
    insert_case,
    insert_rows,
    lock_case,
    next_number,
    stamped,
    update_case,
)
from alerts.case_tables import case_alert, case_party
from alerts.changing import require_actor
from alerts.connections import ReadConnection, WriteConnection
from alerts.limits import NONE, Limits
from alerts.store import alert_not_found, storable
from alerts.tables import alert as alert_table
from features.errors import WardenError

LONGEST_UNIT = 64
LONGEST_JURISDICTION = 16
LONGEST_FIRM = 255
Parties = Mapping[str, PartyRole]
"""Roles by firm."""


@dataclass(frozen=True, slots=True)
class CaseChange:
    """What is to be other; a field that is None stays, an empty text takes its value away.

    Attributes:
        outcome, note: closing needs both, reopening a note.
        parties: all of them, anew.
    """

    title: str | None = None
    unit: str | None = None
    jurisdiction: str | None = None
    owner: str | None = None
    state: CaseState | None = None
    outcome: CaseOutcome | None = None
    note: str | None = None
    parties: Parties | None = None


def open_case(
    connection: WriteConnection,
    wanted: NewCase,
    alert_ids: Sequence[str],
    parties: Parties,
    hand: CaseHand,
) -> Case:
    """Opens a case on some alerts, with the next number of the year.

    Raises:
        WardenError: `actor_required`, `text_required`, `text_unreadable`, `beyond_reach`,
            `alert_not_found`, `too_many_alerts`.
    """
    require_actor(hand.actor)
    title = a_text(wanted.title, "title", LONGEST_TITLE)
    unit = a_name(wanted.unit, LONGEST_UNIT)
    jurisdiction = a_name(wanted.jurisdiction, LONGEST_JURISDICTION)
    _within(hand, unit, jurisdiction)
    number, serial = next_number(connection, hand.now.year)
    case = Case(
        number=number,
        title=title,
        unit=unit,
        jurisdiction=jurisdiction,
        state=CaseState.OPEN,
        outcome=None,
        owner=a_name(wanted.owner),
        version=1,
        opened_by=hand.actor.strip(),
        opened_at=hand.now,
        updated_at=hand.now,
    )
    insert_case(connection, case, serial)
    added = _join(connection, number, alert_ids, hand)
    firms = _checked(parties)
    _add_parties(connection, number, firms)
    data = {"title": title, "unit": unit, "jurisdiction": jurisdiction, "owner": case.owner,
            "alerts": added, "parties": firms}  # fmt: skip
    happened(connection, case, hand, CaseEventKind.OPENED, data)
    return case


def change_case(
    connection: WriteConnection, number: str, change: CaseChange, hand: CaseHand
) -> Case:
    """Changes what a case says of itself, or moves it on.

    Raises:
        WardenError: `case_not_found`, `stale_version`, `bad_transition`, `outcome_required`,
            `note_required`, `case_closed`, `nothing_changed`, `beyond_reach`.
    """
    before = lock_case(connection, number, hand)
    after = _moved(before, change)
    if before.state is CaseState.CLOSED and after.state is CaseState.CLOSED:
        raise case_closed(before)
    after = _reworded(after, change)
    _within(hand, after.unit, after.jurisdiction)
    changed = _differences(before, after)
    if change.parties is not None:
        told = _exchange_parties(connection, number, change.parties)
        changed |= {"parties": told} if told else {}
    if not changed:
        raise WardenError("nothing_changed", "That is how the case stands already.")
    after = replace(after, version=before.version + 1, updated_at=hand.now)
    update_case(connection, after)
    note = a_text(change.note, "note") if change.note and change.note.strip() else None
    happened(connection, after, hand, _kind(before, after), {"changed": changed}, note=note)
    return after


def _reworded(case: Case, change: CaseChange) -> Case:
    """The case with the texts asked for."""
    title, unit, place, owner = change.title, change.unit, change.jurisdiction, change.owner
    return replace(
        case,
        title=case.title if title is None else a_text(title, "title", LONGEST_TITLE),
        unit=case.unit if unit is None else a_name(unit, LONGEST_UNIT),
        jurisdiction=case.jurisdiction if place is None else a_name(place, LONGEST_JURISDICTION),
        owner=case.owner if owner is None else a_name(owner),
    )


def _moved(case: Case, change: CaseChange) -> Case:
    """The case in the state asked for."""
    wanted = change.state or case.state
    if wanted is not case.state and wanted not in NEXT[case.state]:
        ways = ", ".join(sorted(NEXT[case.state]))
        raise WardenError(
            "bad_transition",
            f"A case that is {case.state} cannot become {wanted}.",
            f"From here: {ways}.",
            kind="conflict",
        )
    moves = wanted is not case.state
    ends, begins = moves and wanted is CaseState.CLOSED, moves and case.state is CaseState.CLOSED
    if ends and change.outcome is None:
        outcomes = ", ".join(CaseOutcome)
        raise WardenError(
            "outcome_required", "A case closes with an outcome.", f"One of {outcomes}."
        )
    if change.outcome is not None and not ends:
        raise WardenError("outcome_without_closing", "Only closing takes an outcome.")
    if (ends or begins) and not (change.note or "").strip():
        raise WardenError(
            "note_required", "Closing or reopening a case needs a note.", "Say why in a sentence."
        )
    kept = None if begins else case.outcome
    return replace(case, state=wanted, outcome=change.outcome if ends else kept)


def _kind(before: Case, after: Case) -> CaseEventKind:
    if before.state is after.state:
        return CaseEventKind.CHANGED
    if after.state is CaseState.CLOSED:
        return CaseEventKind.CLOSED
    return CaseEventKind.REOPENED if before.state is CaseState.CLOSED else CaseEventKind.MOVED


def _differences(before: Case, after: Case) -> dict[str, Any]:
    names = ("title", "unit", "jurisdiction", "owner", "state", "outcome")
    pairs = {name: [getattr(before, name), getattr(after, name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def add_alerts(
    connection: WriteConnection,
    number: str,
    alert_ids: Sequence[str],
    parties: Parties,
    hand: CaseHand,
) -> Case:
    """Adds alerts, and firms they are about that are no party yet; those it has already stay.

    Raises:
        WardenError: `case_not_found`, `stale_version`, `case_closed`, `alert_not_found`,
            `too_many_alerts`, `nothing_changed`.
    """
    case = held_open(connection, number, hand)
    added = _join(connection, number, alert_ids, hand)
    if not added:
        raise WardenError("nothing_changed", "The case has all of these alerts already.")
    known = parties_of(connection, number)
    firms = {firm: role for firm, role in _checked(parties).items() if firm not in known}
    _add_parties(connection, number, firms)
    data = {"alerts": added, "parties": firms}
    return stamped(connection, case, hand, CaseEventKind.ALERTS_ADDED, data)


def remove_alert(
    connection: WriteConnection, number: str, alert_id: str, hand: CaseHand, note: str
) -> Case:
    """Takes an alert out of a case again; the alert itself stays as it is.

    Raises:
        WardenError: as `add_alerts`; `text_required` without a note.
    """
    case = held_open(connection, number, hand)
    why = a_text(note, "note")
    columns = case_alert.c
    chosen = (columns.case_number == number, columns.alert_id == alert_id)
    gone = connection.execute(sa.delete(case_alert).where(*chosen)) if storable(alert_id) else None
    if gone is None or not gone.rowcount:
        raise alert_not_found(alert_id)
    data = {"alerts": [alert_id]}
    return stamped(connection, case, hand, CaseEventKind.ALERT_REMOVED, data, note=why)


def parties_of(connection: ReadConnection, number: str) -> dict[str, PartyRole]:
    """Roles by firm, in the order of the ids."""
    columns = case_party.c
    query = (
        sa.select(columns.firm_id, columns.role)
        .where(columns.case_number == number)
        .order_by(columns.firm_id)
    )
    return {firm: PartyRole(role) for firm, role in connection.execute(query)}


def require_alerts(connection: ReadConnection, ids: Sequence[str], limits: Limits = NONE) -> None:
    """Raises WardenError `alert_not_found` for an id nobody has, or that is beyond the limits;
    `too_many_alerts`."""
    if len(ids) > MOST_ALERTS:
        raise WardenError("too_many_alerts", f"One act adds at most {MOST_ALERTS} alerts.")
    for odd in ids:
        if not storable(odd):
            raise alert_not_found(odd.encode(errors="replace").decode())
    known = sa.select(alert_table.c.id).where(alert_table.c.id.in_(ids), *limits.conditions())
    have = set(connection.scalars(known)) if ids else set()
    for missing in ids:
        if missing not in have:
            raise alert_not_found(missing)


def _join(
    connection: WriteConnection, number: str, alert_ids: Sequence[str], hand: CaseHand
) -> list[str]:
    """The alerts that were added: those the case did not have."""
    wanted = sorted(set(alert_ids))
    require_alerts(connection, wanted)
    columns = case_alert.c
    had = set(connection.scalars(sa.select(columns.alert_id).where(columns.case_number == number)))
    fresh = [one for one in wanted if one not in had]
    insert_rows(
        connection,
        case_alert,
        (
            {"case_number": number, "alert_id": one, "added_by": hand.actor.strip(),
             "added_at": hand.now}
            for one in fresh
        ),
    )  # fmt: skip
    return fresh


def _checked(parties: Parties) -> dict[str, str]:
    return {
        a_text(firm, "firm", LONGEST_FIRM): PartyRole(role).value
        for firm, role in sorted(parties.items())
    }


def _add_parties(connection: WriteConnection, number: str, parties: Mapping[str, str]) -> None:
    rows = ({"case_number": number, "firm_id": f, "role": r} for f, r in parties.items())
    insert_rows(connection, case_party, rows)


def _exchange_parties(connection: WriteConnection, number: str, parties: Parties) -> dict[str, Any]:
    """Sets the parties anew; by firm the old and the new role of those that changed."""
    before: dict[str, str] = {f: r.value for f, r in parties_of(connection, number).items()}
    after = _checked(parties)
    connection.execute(sa.delete(case_party).where(case_party.c.case_number == number))
    _add_parties(connection, number, after)
    firms = sorted(before.keys() | after.keys())
    return {f: [before.get(f), after.get(f)] for f in firms if before.get(f) != after.get(f)}


def _within(hand: CaseHand, unit: str | None, jurisdiction: str | None) -> None:
    if not hand.reach.covers(unit, jurisdiction):
        raise WardenError(
            "beyond_reach",
            "You could not see this case yourself.",
            f"Name a unit and a jurisdiction of yours: {_named(hand)}.",
        )


def _named(hand: CaseHand) -> str:
    units, places = sorted(hand.reach.units), sorted(hand.reach.jurisdictions)
    return f"{', '.join(units) or 'any unit'}; {', '.join(places) or 'any jurisdiction'}"
