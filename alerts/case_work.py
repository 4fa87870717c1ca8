"""Notes and tasks of a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from alerts.case_model import Case, CaseEventKind, CaseHand, iso
from alerts.case_store import a_name, a_text, happened, held_open, lock_case, stamped
from alerts.case_tables import case_note, case_task
from alerts.connections import ReadConnection, WriteConnection
from features.errors import WardenError


def add_note(connection: WriteConnection, number: str, text: str, hand: CaseHand) -> int:
    """Adds a note in Markdown, to a closed case too; returns its number.

    Raises:
        WardenError: `case_not_found`, `text_required`, `text_unreadable`.
    """
    case = lock_case(connection, number, replace(hand, version=None))
    said = a_text(text, "note")
    row = {"case_number": number, "text": said, "author": hand.actor.strip(),
           "at": hand.now}  # fmt: skip
    done = connection.execute(sa.insert(case_note).values(row).returning(case_note.c.id))
    note_id = int(done.scalar_one())
    data = {"id": note_id}
    happened(connection, case, hand, CaseEventKind.NOTED, data, note=said)
    return note_id


def add_task(
    connection: WriteConnection,
    number: str,
    text: str,
    hand: CaseHand,
    *,
    assignee: str | None = None,
    due_on: date | None = None,
) -> tuple[Case, int]:
    """Adds something to be done; returns the case and the number of the task.

    Raises:
        WardenError: `case_not_found`, `stale_version`, `case_closed`, `text_required`.
    """
    case = held_open(connection, number, hand)
    row = {"case_number": number, "text": a_text(text, "task"), "assignee": a_name(assignee),
           "due_on": due_on, "added_by": hand.actor.strip(), "added_at": hand.now}  # fmt: skip
    done = connection.execute(sa.insert(case_task).values(row).returning(case_task.c.id))
    task_id = int(done.scalar_one())
    data = {
        "task": task_id,
        "text": row["text"],
        "assignee": row["assignee"],
        "due_on": iso(due_on),
    }
    return stamped(connection, case, hand, CaseEventKind.TASK_ADDED, data), task_id


def change_task(
    connection: WriteConnection,
    number: str,
    task_id: int,
    hand: CaseHand,
    *,
    done: bool | None = None,
    assignee: str | None = None,
    due_on: date | None = None,
) -> Case:
    """Ticks a task off or on again, or gives it to somebody else or another day.

    Raises:
        WardenError: `case_not_found`, `task_not_found`, `stale_version`, `case_closed`,
            `nothing_changed`.
    """
    case = held_open(connection, number, hand)
    columns = case_task.c
    chosen = (columns.id == task_id, columns.case_number == number)
    row = connection.execute(sa.select(case_task).where(*chosen)).mappings().one_or_none()
    if row is None:
        raise WardenError(
            "task_not_found", f"Case {number} has no task {task_id}.", "", "not_found"
        )
    values: dict[str, Any] = {}
    if assignee is not None:
        values["assignee"] = a_name(assignee)
    if due_on is not None:
        values["due_on"] = due_on
    if done is not None and done != (row["done_at"] is not None):
        values["done_at"] = hand.now if done else None
        values["done_by"] = hand.actor.strip() if done else None
    values = {name: value for name, value in values.items() if value != row[name]}
    if not values:
        raise WardenError("nothing_changed", "That is how the task stands already.")
    connection.execute(sa.update(case_task).where(columns.id == task_id).values(values))
    told = {n: v.isoformat() if isinstance(v, date) else v for n, v in values.items()}
    told.pop("done_by", None)
    data = {"task": task_id, **told}
    return stamped(connection, case, hand, CaseEventKind.TASK_CHANGED, data)


def notes_of(connection: ReadConnection, number: str) -> list[dict[str, Any]]:
    """The notes of a case, oldest first."""
    columns = case_note.c
    query = sa.select(case_note).where(columns.case_number == number).order_by(columns.id)
    return [
        {"id": row.id, "text": row.text, "author": row.author, "at": row.at.isoformat()}
        for row in connection.execute(query)
    ]


def tasks_of(connection: ReadConnection, number: str) -> list[dict[str, Any]]:
    """The tasks of a case, oldest first."""
    columns = case_task.c
    query = sa.select(case_task).where(columns.case_number == number).order_by(columns.id)
    return [
        {
            "id": row.id,
            "text": row.text,
            "assignee": row.assignee,
            "due_on": iso(row.due_on),
            "done": row.done_at is not None,
            "done_by": row.done_by,
            "done_at": iso(row.done_at),
            "added_by": row.added_by,
            "added_at": row.added_at.isoformat(),
        }
        for row in connection.execute(query)
    ]
