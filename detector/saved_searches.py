"""Saved searches: what a person wants to hear of when it first appears.

A search looks at firms or at alerts. What it finds when it is saved is known already; what it
finds later is a new hit until its owner has seen it. Hits stand beside the queue, never in it:
nothing was judged about them, so nobody may confirm or explain them away.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import sqlalchemy as sa

from alerts import audit
from alerts.inbox import QueueFilter, opened_since
from alerts.limits import NONE, Limits
from alerts.model import SYSTEM
from alerts.store import storable
from alerts.tables import alert as alert_table
from detector.database import reading, writing
from detector.firm_search import FirmFilter, check_filter, found, seen_firms
from detector.firm_tables import firm_entry
from detector.firm_tables import saved_search as search_table
from detector.firm_tables import saved_search_hit as hit_table
from detector.people.limits import limits_of
from features.errors import WardenError

if TYPE_CHECKING:
    from datetime import datetime

    from detector.database import ReadConnection, WriteConnection
    from detector.system import System

About = Literal["firms", "alerts"]
Row = dict[str, Any]
MOST = 50
"""Searches one person may keep."""
BROADEST = 1_000
"""Firms a search may find when it is saved, and new ones it takes in at one time."""
OF_ALERTS = ("states", "lanes", "typologies", "severities", "subject_kind", "subject", "text",
             "jurisdictions")  # fmt: skip
"""Fields of the queue's filter a search may use; figures are kept back in blind review."""
OF_FIRMS = ("text", "country", "sector", "group", "role")
LARGEST_QUERY = 4_000
"""Characters of a query as JSON."""
Wanted = TypeVar("Wanted", FirmFilter, QueueFilter)
_S, _H = search_table.c, hit_table.c


def save_search(
    system: System, owner: str, name: str, about: About, query: Mapping[str, Any]
) -> Row:
    """Keeps a search; firms that fit now are known and raise no hit.

    Raises:
        WardenError: `too_many_searches`, `broad_search`, `bad_search`, `empty_search`.
    """
    wanted, now = _filter_of(about, query), system.clock()
    text = json.dumps(_plain(wanted), ensure_ascii=False)
    if not storable(name + text) or "\\u0000" in text:
        raise WardenError("bad_search", "A search is plain text, without control characters.")
    row = {
        "id": uuid.uuid4().hex,
        "name": name,
        "owner": owner,
        "about": about,
        "query": _plain(wanted),
        "enabled": True,
        "created_at": now,
        "run_at": now,
        "version": 1,
    }
    with writing(system.engine) as connection:
        kept = sa.select(sa.func.count()).select_from(search_table).where(_S.owner == owner)
        if (connection.scalar(kept) or 0) >= MOST:
            raise WardenError(
                "too_many_searches",
                f"A person keeps at most {MOST} searches.",
                "Drop one first.",
                kind="conflict",
            )
        connection.execute(sa.insert(search_table).values(row))
        _know(connection, row, wanted, limits_of(connection, owner, system.settings))
        _note(connection, owner, "search.saved", row, now)
        return _shown(connection, row)


def searches_of(connection: ReadConnection, owner: str, within: Limits = NONE) -> list[Row]:
    """The searches a person keeps, by name, each with its number of new hits.

    Args:
        within: what the person may see today.
    """
    query = sa.select(search_table).where(_S.owner == owner).order_by(_S.name, _S.id)
    rows = connection.execute(query).mappings().all()
    return [_shown(connection, dict(row), within) for row in rows]


def get_search(
    connection: ReadConnection, owner: str, search_id: str, within: Limits = NONE
) -> Row:
    """One search of a person.

    Raises:
        WardenError: `search_not_found`, also for a search of somebody else.
    """
    return _shown(connection, _own(connection, owner, search_id), within)


def change_search(
    system: System,
    owner: str,
    search_id: str,
    version: int,
    *,
    name: str | None = None,
    enabled: bool | None = None,
) -> Row:
    """Renames a search, or stops or restarts it; a search for something else is a new one.

    Raises:
        WardenError: `search_not_found`, `stale_version`.
    """
    now = system.clock()
    with writing(system.engine) as connection:
        row = _own(connection, owner, search_id, version)
        row |= {"name": name or row["name"], "version": version + 1}
        row["enabled"] = row["enabled"] if enabled is None else enabled
        changed = {n: row[n] for n in ("name", "enabled", "version")}
        connection.execute(sa.update(search_table).where(_S.id == search_id).values(changed))
        _note(connection, owner, "search.changed", row, now)
        return _shown(connection, row)


def drop_search(system: System, owner: str, search_id: str, version: int) -> None:
    """Forgets a search and its hits.

    Raises:
        WardenError: `search_not_found`, `stale_version`.
    """
    with writing(system.engine) as connection:
        row = _own(connection, owner, search_id, version)
        connection.execute(sa.delete(hit_table).where(_H.search_id == search_id))
        connection.execute(sa.delete(search_table).where(_S.id == search_id))
        _note(connection, owner, "search.dropped", row, system.clock())


def hits_of(
    connection: ReadConnection,
    owner: str,
    search_id: str | None = None,
    *,
    new: bool = True,
    within: Limits = NONE,
) -> list[Row]:
    """Hits of a person's searches, the last found first; at most 200.

    Args:
        new: only those not seen yet.
        within: what the person may see today, whatever it was when they were found.

    Raises:
        WardenError: `search_not_found`.
    """
    if search_id is not None:
        _own(connection, owner, search_id)
    query = (
        sa.select(hit_table, _S.name.label("search"), _S.about)
        .join(search_table, _S.id == _H.search_id)
        .where(_S.owner == owner, ~_H.known, *_visible(within))
        .order_by(_H.found_at.desc(), _H.key)
        .limit(200)
    )
    query = query.where(_H.search_id == search_id) if search_id else query
    query = query.where(_H.seen_at.is_(None)) if new else query
    shown = ("search_id", "search", "about", "key", "title", "found_at", "seen_at")
    rows = connection.execute(query).mappings().all()
    return [{name: row[name] for name in shown} for row in rows]


def mark_seen(system: System, owner: str, search_id: str) -> int:
    """Marks all hits of a search as seen; how many were new.

    Raises:
        WardenError: `search_not_found`.
    """
    now = system.clock()
    with writing(system.engine) as connection:
        row = _own(connection, owner, search_id)
        fresh = (_H.search_id == search_id, _H.seen_at.is_(None), ~_H.known)
        done = connection.execute(
            sa.update(hit_table).where(*fresh).values(seen_at=now, seen_by=owner)
        )
        if done.rowcount:
            _note(connection, owner, "search.seen", row | {"hits": done.rowcount}, now)
        return int(done.rowcount)


def run_searches(system: System) -> dict[str, int]:
    """Looks anew for every enabled search; how many were run, and how many hits are new."""
    with reading(system.engine) as connection:
        enabled = connection.scalars(sa.select(_S.id).where(_S.enabled).order_by(_S.id)).all()
    hits = 0
    for search_id in enabled:
        # one transaction each: a long list of searches must not keep people from writing
        with writing(system.engine) as connection:
            query = sa.select(search_table).where(_S.id == search_id, _S.enabled)
            row = connection.execute(query).mappings().one_or_none()
            hits += _look(connection, dict(row), system) if row else 0
    return {"searches": len(enabled), "hits": hits}


def _look(connection: WriteConnection, row: Row, system: System) -> int:
    """New hits of one search, among what its owner may see today."""
    wanted, now = _filter_of(row["about"], row["query"]), system.clock()
    had = sa.select(_H.key).where(_H.search_id == row["id"])
    within = limits_of(connection, row["owner"], system.settings)
    if isinstance(wanted, FirmFilter):
        items = [_firm(item) for item in found(connection, wanted, BROADEST, had, within)]
    else:
        items = opened_since(connection, replace(wanted, within=within), row["created_at"], had)
    _add(connection, row["id"], items, now, known=False)
    connection.execute(sa.update(search_table).where(_S.id == row["id"]).values(run_at=now))
    if items:
        _note(connection, SYSTEM, "search.hit", row | {"hits": len(items)}, now)
    return len(items)


def _know(
    connection: WriteConnection, row: Row, wanted: FirmFilter | QueueFilter, within: Limits
) -> None:
    """Notes what fits already; alerts need none of it, they have a day they were opened on."""
    if isinstance(wanted, QueueFilter):
        return
    items = [_firm(item) for item in found(connection, wanted, BROADEST, within=within)]
    if len(items) == BROADEST:
        raise WardenError(
            "broad_search",
            f"{BROADEST} firms and more fit; such a search would find something every day.",
            "Narrow it by another word, a country, a sector, a group or a role.",
        )
    _add(connection, row["id"], items, row["created_at"], known=True)


def _firm(item: Row) -> tuple[str, Row]:
    name = item["name"] or item["firm_id"]
    return item["firm_id"], {"en": name, "zh": item["name_zh"] or name}


def _add(
    connection: WriteConnection,
    search_id: str,
    items: list[tuple[str, Row]],
    now: datetime,
    *,
    known: bool,
) -> None:
    rows = [
        {"search_id": search_id, "key": key, "title": title, "known": known, "found_at": now}
        for key, title in items
    ]
    if rows:
        connection.execute(sa.insert(hit_table), rows)


def _filter_of(about: str, query: Mapping[str, Any]) -> FirmFilter | QueueFilter:
    allowed = OF_ALERTS if about == "alerts" else OF_FIRMS
    given = {name: value for name, value in query.items() if value not in (None, "", [])}
    if unknown := sorted(set(given) - set(allowed)):
        raise WardenError(
            "bad_search",
            f"A search of {about} knows no field {', '.join(unknown)}.",
            f"Fields: {', '.join(allowed)}.",
        )
    if about == "alerts":
        if not given:
            raise WardenError(
                "empty_search", "Every alert would fit.", f"Use one of {', '.join(OF_ALERTS)}."
            )
        return _checked(QueueFilter, given)
    wanted = _checked(FirmFilter, given)
    check_filter(wanted)
    return wanted


def _checked(kind: type[Wanted], given: Mapping[str, Any]) -> Wanted:
    """The filter with values of the right types.

    Raises:
        WardenError: `bad_search`, naming the field.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        text = json.dumps(given, ensure_ascii=False)
        if len(text) > LARGEST_QUERY:
            raise WardenError("bad_search", "The search is too long.", "Use fewer values.")
        # as JSON, where a list is a list and a number no text
        wanted = TypeAdapter(kind).validate_json(text, strict=True)
        if not {1, 2, 3, 4, 5} >= set(getattr(wanted, "severities", ())):
            raise WardenError("bad_search", "Severities are 1 to 5.", "Name some of them.")
        return wanted
    except (ValidationError, TypeError, ValueError) as error:
        place = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        name = place[0] if place else "query"
        raise WardenError(
            "bad_search",
            f"The field {name} has a value of another type than it takes.",
            "Lists for states, lanes, typologies and severities (numbers), texts for the others.",
        ) from None


def _plain(wanted: FirmFilter | QueueFilter) -> Row:
    # what the owner may see is asked each time anew, never kept with the search
    asked = {name: value for name, value in asdict(wanted).items() if name != "within"}
    given = {name: value for name, value in asked.items() if value not in (None, "")}
    return {n: list(v) if isinstance(v, tuple | list) else v for n, v in given.items() if v != ()}


def _own(connection: ReadConnection, owner: str, search_id: str, version: int | None = None) -> Row:
    query = sa.select(search_table).where(_S.id == search_id, _S.owner == owner)
    if version is not None:
        query = query.with_for_update()
    row = connection.execute(query).mappings().one_or_none() if storable(search_id) else None
    if row is None:
        raise WardenError(
            "search_not_found", "You keep no such search.", "List yours first.", kind="not_found"
        )
    if version is not None and row["version"] != version:
        raise WardenError(
            "stale_version", "The search was changed meanwhile.", "Read it again.", kind="conflict"
        )
    return dict(row)


def _visible(within: Limits) -> list[sa.ColumnElement[bool]]:
    """What hits joined to their searches must hold to."""
    if within == NONE:
        return []
    alerts = sa.select(alert_table.c.id).where(*within.conditions())
    firms = sa.select(firm_entry.c.firm_id).where(*seen_firms(within))
    of_alerts = sa.and_(_S.about == "alerts", _H.key.in_(alerts))
    return [sa.or_(of_alerts, sa.and_(_S.about == "firms", _H.key.in_(firms)))]


def _shown(connection: ReadConnection, row: Row, within: Limits = NONE) -> Row:
    new = (
        sa.select(sa.func.count())
        .select_from(hit_table.join(search_table, _S.id == _H.search_id))
        .where(_S.id == row["id"], ~_H.known, _H.seen_at.is_(None), *_visible(within))
    )
    return row | {"new_hits": connection.scalar(new) or 0}


def _note(connection: WriteConnection, actor: str, action: str, row: Row, now: datetime) -> None:
    names = ("about", "query", "enabled", "version", "hits")
    told: Row = {n: row[n] for n in names if n in row}
    told |= {"name": audit.digest(row["name"])}
    audit.record(
        connection, actor=actor, action=action, kind="search", key=row["id"], data=told, now=now
    )
