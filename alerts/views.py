"""Views of the queue a person keeps: a set of filters with a name, for that person alone."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from alerts import audit
from alerts.connections import ReadConnection, WriteConnection
from alerts.store import storable
from alerts.tables import queue_view as table
from features.errors import WardenError

LONGEST_NAME = 40
LONGEST_QUERY = 1_000
MOST = 20
"""Views one person may keep."""
_C = table.c


class View(NamedTuple):
    """A kept view; `query` is the part of an address behind the question mark."""

    id: str
    name: str
    query: str


def views_of(connection: ReadConnection | WriteConnection, owner: str) -> list[View]:
    """The views of a person, in the order they were kept."""
    query = (
        sa.select(_C.id, _C.name, _C.query).where(_C.owner == owner).order_by(_C.created_at, _C.id)
    )
    return [View(*row) for row in connection.execute(query)]


def keep_view(
    connection: WriteConnection, owner: str, name: str, query: str, now: datetime
) -> View:
    """Keeps a view under a name the person has not used yet.

    Raises:
        WardenError: `bad_view`, and as conflicts `view_name_taken`, `too_many_views`;
            `audit_unavailable`.
    """
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not storable(plain + query):
        raise WardenError("bad_view", f"A view has a name of 1 to {LONGEST_NAME} characters.")
    if len(query) > LONGEST_QUERY:
        raise WardenError("bad_view", "The filters are too long to be kept.", "Use fewer of them.")
    kept = views_of(connection, owner)
    if any(one.name.casefold() == plain.casefold() for one in kept):
        raise WardenError(
            "view_name_taken", f"You keep a view {plain!r} already.", "Drop it first, or take "
            "another name.", kind="conflict",
        )  # fmt: skip
    if len(kept) >= MOST:
        raise WardenError(
            "too_many_views", f"A person keeps at most {MOST} views.", "Drop one first.",
            kind="conflict",
        )  # fmt: skip
    view = View(uuid.uuid4().hex, plain, query)
    row = {**view._asdict(), "owner": owner, "created_at": now}
    connection.execute(sa.insert(table).values(row))
    _note(connection, owner, "view.kept", view, now)
    return view


def drop_view(connection: WriteConnection, owner: str, view_id: str, now: datetime) -> View:
    """Forgets a view.

    Raises:
        WardenError: `view_not_found`, also for a view of somebody else; `audit_unavailable`.
    """
    view = next((one for one in views_of(connection, owner) if one.id == view_id), None)
    if view is None:
        raise WardenError(
            "view_not_found", "You keep no such view.", "List yours first.", kind="not_found"
        )
    connection.execute(sa.delete(table).where(_C.id == view_id, _C.owner == owner))
    _note(connection, owner, "view.dropped", view, now)
    return view


def _note(connection: WriteConnection, owner: str, action: str, view: View, now: datetime) -> None:
    data = {"name": audit.digest(view.name), "query": audit.digest(view.query)}
    audit.record(
        connection, actor=owner, action=action, kind="view", key=view.id, data=data, now=now
    )
