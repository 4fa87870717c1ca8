"""Cases in the database; every function works in its caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from alerts import audit
from alerts.audit_events import without_names
from alerts.case_model import (
    EVERYWHERE,
    LONGEST_TEXT,
    Case,
    CaseEventKind,
    CaseHand,
    CaseOutcome,
    CaseReach,
    CaseState,
)
from alerts.case_tables import case_alert, case_counter, case_event, case_file, case_party
from alerts.changing import require_actor
from alerts.connections import ReadConnection, WriteConnection
from alerts.limits import NONE, Limits
from alerts.notify.outbox import note_case_event
from alerts.store import storable
from alerts.tables import alert as alert_table
from features.errors import WardenError

LARGEST_PAGE = 200
_CASE = case_file.c
_FIELDS = tuple(Case.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases are asked for; an empty field asks for all.

    Attributes:
        within: what of the alerts whoever asks may see: no case is found by any other.
    """

    states: tuple[str, ...] = ()
    unit: str | None = None
    owner: str | None = None
    firm: str | None = None
    alert: str | None = None
    text: str | None = None
    reach: CaseReach = EVERYWHERE
    within: Limits = NONE


def next_number(connection: WriteConnection, year: int) -> tuple[str, int]:
    """The next number of a year, held until the transaction ends: one that fails leaves no gap."""
    begin = "INSERT INTO case_counter (year, last) VALUES (:year, 0) ON CONFLICT (year) DO NOTHING"
    connection.execute(sa.text(begin), {"year": year})
    columns = case_counter.c
    more = sa.update(case_counter).where(columns.year == year).values(last=columns.last + 1)
    serial = int(connection.execute(more.returning(columns.last)).scalar_one())
    return f"C-{year}-{serial:04}", serial


def insert_case(connection: WriteConnection, case: Case, serial: int) -> None:
    """Adds a new case."""
    row = {name: getattr(case, name) for name in _FIELDS}
    row |= {"state": case.state.value, "outcome": None, "year": case.opened_at.year}
    connection.execute(sa.insert(case_file).values(**row, serial=serial))


def update_case(connection: WriteConnection, case: Case) -> None:
    """Replaces a case that is held."""
    row = {name: getattr(case, name) for name in _FIELDS if name != "number"}
    row |= {"state": case.state.value, "outcome": case.outcome.value if case.outcome else None}
    connection.execute(sa.update(case_file).where(_CASE.number == case.number).values(row))


def get_case(connection: ReadConnection, number: str, reach: CaseReach = EVERYWHERE) -> Case:
    """One case.

    Raises:
        WardenError: `case_not_found`, also for one beyond reach.
    """
    return _found(connection, sa.select(case_file), number, reach)


def lock_case(connection: WriteConnection, number: str, hand: CaseHand) -> Case:
    """The case as the actor saw it, held against others until the transaction ends.

    Raises:
        WardenError: `actor_required`, `case_not_found`, `stale_version`.
    """
    require_actor(hand.actor)
    case = _found(connection, sa.select(case_file).with_for_update(), number, hand.reach)
    if hand.version is not None and case.version != hand.version:
        raise WardenError(
            "stale_version",
            f"Case {number} is at version {case.version}, not {hand.version}: "
            "it was changed after you opened it.",
            "Read what changed, then decide again.",
            kind="conflict",
        )
    return case


def _found(
    connection: ReadConnection,
    query: sa.Select[tuple[Any, ...]],
    number: str,
    reach: CaseReach,
) -> Case:
    chosen = query.where(_CASE.number == number)
    row = connection.execute(chosen).mappings().one_or_none() if storable(number) else None
    if row is None or not reach.covers(row["unit"], row["jurisdiction"]):
        raise WardenError(
            "case_not_found", f"There is no case {number}.", "See the list of cases.", "not_found"
        )
    return case_from(row)


def case_from(row: sa.RowMapping) -> Case:
    """The case of a row."""
    values = {name: row[name] for name in _FIELDS}
    outcome = CaseOutcome(row["outcome"]) if row["outcome"] else None
    return Case(**(values | {"state": CaseState(row["state"]), "outcome": outcome}))


def list_cases(
    connection: ReadConnection, wanted: CaseFilter, limit: int = 50, offset: int = 0
) -> list[Case]:
    """Cases, the newest first."""
    query = (
        sa.select(case_file)
        .where(*_conditions(wanted))
        .order_by(_CASE.year.desc(), _CASE.serial.desc())
        .limit(min(limit, LARGEST_PAGE + 1))
        .offset(offset)
    )
    return [case_from(row) for row in connection.execute(query).mappings()]


def _conditions(wanted: CaseFilter) -> list[sa.ColumnElement[bool]]:
    texts = (wanted.unit, wanted.owner, wanted.firm, wanted.alert, wanted.text)
    if not all(storable(text or "") for text in texts):
        return [sa.false()]
    found = wanted.reach.conditions()
    if wanted.states:
        found.append(_CASE.state.in_(wanted.states))
    if wanted.unit is not None:
        found.append(_CASE.unit == wanted.unit)
    if wanted.owner is not None:
        found.append(_CASE.owner == wanted.owner)
    if wanted.firm is not None:
        named = sa.select(case_party.c.case_number).where(case_party.c.firm_id == wanted.firm)
        found.append(_CASE.number.in_(named))
    if wanted.alert is not None:
        joined = sa.select(case_alert.c.case_number).where(case_alert.c.alert_id == wanted.alert)
        if wanted.within != NONE:
            seen = sa.select(alert_table.c.id).where(*wanted.within.conditions())
            joined = joined.where(case_alert.c.alert_id.in_(seen))
        found.append(_CASE.number.in_(joined))
    if wanted.text and wanted.text.strip():
        found.append(_CASE.title.icontains(wanted.text.strip(), autoescape=True))
    return found


def happened(
    connection: WriteConnection,
    case: Case,
    hand: CaseHand,
    kind: CaseEventKind,
    data: Mapping[str, Any],
    *,
    note: str | None = None,
) -> None:
    """Writes the event of an act and its audit entry: texts as hashes, persons as pseudonyms.

    Args:
        data: of the event; what stands under `text`, `title` or `legal_basis` is free text.

    Raises:
        WardenError: `audit_unavailable`.
    """
    row = {
        "case_number": case.number,
        "version": case.version,
        "kind": kind.value,
        "actor": hand.actor.strip(),
        "at": hand.now,
        "note": note or None,
        "data": dict(data),
    }
    connection.execute(sa.insert(case_event).values(row))
    note_case_event(connection, row)
    told: dict[str, object] = {"version": case.version}
    if note:
        told["note"] = audit.digest(note)
    told |= {name: without_names(_hashed(value, name), name) for name, value in data.items()}
    audit.record(
        connection,
        actor=hand.actor,
        action=f"case.{kind}",
        kind="case",
        key=case.number,
        data=told,
        now=hand.now,
    )


def held_open(connection: WriteConnection, number: str, hand: CaseHand) -> Case:
    """The case as the actor saw it, held; raises WardenError `case_closed` besides."""
    case = lock_case(connection, number, hand)
    if case.state is CaseState.CLOSED:
        raise case_closed(case)
    return case


def stamped(
    connection: WriteConnection,
    case: Case,
    hand: CaseHand,
    kind: CaseEventKind,
    data: Mapping[str, Any],
    note: str | None = None,
) -> Case:
    """Writes a case that is held a version further, with the event and the entry of it."""
    after = replace(case, version=case.version + 1, updated_at=hand.now)
    update_case(connection, after)
    happened(connection, after, hand, kind, data, note=note)
    return after


def case_closed(case: Case) -> WardenError:
    """The error for a change of a closed case."""
    return WardenError(
        "case_closed", f"Case {case.number} is closed.", "Reopen it first, with a note.", "conflict"
    )


def _hashed(value: object, field: str) -> object:
    """The value with free texts in it as hashes: they do not belong into a log handed on."""
    if isinstance(value, Mapping):
        return {key: _hashed(part, key) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_hashed(part, field) for part in value]
    free = field in ("text", "title", "legal_basis", "to") and isinstance(value, str)
    return audit.digest(str(value)) if free else value


def events_of(connection: ReadConnection, number: str) -> list[dict[str, Any]]:
    """Every event of a case, oldest first, as plain data."""
    columns = case_event.c
    query = sa.select(case_event).where(columns.case_number == number).order_by(columns.id)
    return [
        {
            "kind": row["kind"],
            "version": row["version"],
            "actor": row["actor"],
            "at": row["at"].isoformat(),
            "note": row["note"],
            "data": row["data"],
        }
        for row in connection.execute(query).mappings()
    ]


def a_text(text: str, what: str, longest: int = LONGEST_TEXT) -> str:
    """A text that can be kept, without space around it.

    Raises:
        WardenError: `text_required`, `text_unreadable`.
    """
    kept = text.strip()
    if not kept:
        raise WardenError("text_required", f"The {what} is empty.", "Say it in a sentence.")
    if len(kept) > longest or not storable(kept):
        raise WardenError(
            "text_unreadable",
            f"The {what} is over {longest:,} characters, or contains some that are none.",
        )
    return kept


def a_name(name: str | None, longest: int = 128) -> str | None:
    """A short name that can be kept, or None."""
    return a_text(name, "name", longest) if name and name.strip() else None


def insert_rows(
    connection: WriteConnection, table: sa.Table, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Adds rows, if there are any."""
    listed = [dict(row) for row in rows]
    if listed:
        connection.execute(sa.insert(table), listed)
