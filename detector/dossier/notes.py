"""Notes on a firm: what people who worked on it want the next to know, kept as they were written.

A note may tell of anything its author could see. So whoever reads it must be able to see as much:
somebody limited to a unit or a jurisdiction reads notes of those limited to the same, or narrower,
and their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import audit
from alerts.store import storable
from detector.database import writing
from detector.firm_tables import firm_note
from detector.people.tables import person
from features.errors import WardenError

if TYPE_CHECKING:
    from collections.abc import Collection

    from detector.database import ReadConnection
    from detector.dossier.access import Visit
    from detector.dossier.subject import Subject
    from detector.system import System

LONGEST = 4_000
MOST = 100
"""Notes that are told: the last ones."""
_N = firm_note.c
Row = dict[str, Any]


def add_note(system: System, subject: Subject, visit: Visit, text: str) -> Row:
    """Keeps a note in Markdown with its author; the audit trail keeps only its hash.

    Args:
        subject: an opened dossier: whoever may not open it may not write on it either.

    Returns:
        `id`, `firm_id`, `text`, `author`, `case` and `at`.

    Raises:
        WardenError: `text_required`, `text_unreadable`; `audit_unavailable`.
    """
    said, now = _said(text), system.clock()
    with writing(system.engine) as connection:
        units, jurisdictions = _limits(connection, visit.actor)
        row = {
            "firm_id": subject.firm_id, "text": said, "author": visit.actor, "case": visit.case,
            "units": units, "jurisdictions": jurisdictions, "at": now,
        }  # fmt: skip
        done = connection.execute(sa.insert(firm_note).values(row).returning(_N.id))
        number = int(done.scalar_one())
        audit.record(
            connection,
            actor=visit.actor,
            action="firm.noted",
            kind="firm",
            key=subject.firm_id,
            data={"note": number, "text": audit.digest(said), "case": visit.case},
            now=now,
        )
    return _shown(row | {"id": number})


def notes_on(connection: ReadConnection, firm_id: str, reader: str) -> list[Row]:
    """The notes on a firm that a person may read, the last first."""
    units, jurisdictions = _limits(connection, reader)
    query = sa.select(firm_note).where(_N.firm_id == firm_id).order_by(_N.id.desc())
    told = []
    for row in connection.execute(query.limit(10 * MOST)).mappings():
        within = _covers(units, row["units"]) and _covers(jurisdictions, row["jurisdictions"])
        if within or row["author"] == reader:
            told.append(_shown(row))
    return told[:MOST]


def _covers(readers: Collection[str], authors: Collection[str]) -> bool:
    """Whether a reader's limits let through all that the author's did; none at all is no limit."""
    return not readers or (bool(authors) and set(authors) <= set(readers))


def _limits(connection: ReadConnection, name: str) -> tuple[list[str], list[str]]:
    query = sa.select(person.c.units, person.c.jurisdictions).where(person.c.name == name)
    row = connection.execute(query).one_or_none()
    return (list(row.units), list(row.jurisdictions)) if row else ([], [])


def _shown(row: Any) -> Row:
    return {name: row[name] for name in ("id", "firm_id", "text", "author", "case", "at")}


def _said(text: str) -> str:
    kept = text.strip()
    if not kept:
        raise WardenError("text_required", "The note is empty.", "Say it in a sentence.")
    if len(kept) > LONGEST or not storable(kept):
        raise WardenError(
            "text_unreadable",
            f"The note is over {LONGEST:,} characters, or contains some that are none.",
        )
    return kept
