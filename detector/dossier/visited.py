"""Which dossiers somebody opened last, read from the audit trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.audit_people import known
from alerts.audit_tables import audit_entry
from alerts.limits import NONE, Limits
from alerts.store import storable
from detector.firm_search import seen_firms
from detector.firm_tables import firm_entry

if TYPE_CHECKING:
    from detector.database import ReadConnection

LOOKED_AT = 400
"""Entries of a person that are looked through, the last ones: a page must not read them all."""
_E = audit_entry.c


def last_visits(
    connection: ReadConnection, actor: str, within: Limits = NONE, most: int = 8
) -> list[dict[str, Any]]:
    """The firms whose dossiers a person opened last, each once, the latest first.

    Args:
        within: what the person may see today: firms beyond are told without a name.

    Returns:
        By firm `firm_id`, `name` and `name_zh` (null where no register names it), and `at`,
        `purpose` and `case` of the latest visit.
    """
    person = known(connection, actor)
    if person is None:
        return []
    mine = (
        sa.select(_E.seq, _E.at, _E.action, _E.key, _E.data)
        .where(_E.actor == person)
        .order_by(_E.seq.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    read = sa.select(mine).where(mine.c.action == "dossier.read").order_by(mine.c.seq.desc())
    latest: dict[str, dict[str, Any]] = {}
    for row in connection.execute(read):
        if row.key not in latest and len(latest) < most:
            why = json.loads(row.data)
            latest[row.key] = {
                "firm_id": row.key,
                "at": row.at,
                "purpose": why.get("purpose", ""),
                "case": why.get("case", ""),
            }
    names = names_in_index(connection, list(latest), within)
    return [visit | names.get(key, NAMELESS) for key, visit in latest.items()]


NAMELESS: dict[str, Any] = {"name": None, "name_zh": None}


def names_in_index(
    connection: ReadConnection, ids: list[str], within: Limits = NONE
) -> dict[str, dict[str, Any]]:
    """Names by id as the search tells them within somebody's limits; other ids are left out."""
    entry = firm_entry.c
    known_ids = [one for one in ids if storable(one)]
    query = sa.select(entry.firm_id, entry.name, entry.name_zh).where(
        entry.firm_id.in_(known_ids), *seen_firms(within)
    )
    rows = connection.execute(query) if known_ids else ()
    return {row.firm_id: {"name": row.name, "name_zh": row.name_zh} for row in rows}
