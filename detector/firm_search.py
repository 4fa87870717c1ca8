"""The search of firms: parts of names in either language, of ids and of other names.

Every word must be found somewhere. Words of three and more characters are looked up in the index
of the database (trigrams); shorter ones, as most Chinese names begin, are looked for in the
entries themselves, which takes tens of milliseconds at 100,000 firms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alerts.limits import NONE, Limits
from alerts.store import storable
from alerts.tables import alert as alert_table
from detector.database import reading
from detector.firm_index import indexed_tables, state_of
from detector.firm_tables import firm_entry
from detector.firm_words import folded
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.database import ReadConnection
    from detector.system import System

LARGEST_PAGE = 100
LONGEST = 200
CANDIDATES = 1_000
"""Entries ranked; a query that fits more is told to be narrowed."""
PIECE = 3
_C = firm_entry.c
_TEXT = sa.table("firm_text", sa.column("rowid"))


@dataclass(frozen=True)
class FirmFilter:
    """What is asked for; an empty field asks for all.

    Attributes:
        text: words, each found in id, names or aliases; without case, width or accents.
        country, sector, group, role: exactly this.
    """

    text: str = ""
    country: str | None = None
    sector: str | None = None
    group: str | None = None
    role: str | None = None


def search_firms(
    system: System, wanted: FirmFilter, limit: int = 20, within: Limits = NONE
) -> dict[str, Any]:
    """The firms that fit best: an id, then the beginning of an id or a name, then any part.

    Args:
        within: what whoever asks may see.

    Returns:
        `items` (`firm_id`, `name`, `name_zh`, `aliases`, `roles`, `group_id`, `country`,
        `sector`), `more` (whether others fit, too), `indexed_at`, and `current`: whether nothing
        was filed since.

    Raises:
        WardenError: `bad_limit`, `empty_search`, `long_search`.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise WardenError("bad_limit", f"A page holds 1 to {LARGEST_PAGE} firms, not {limit}.")
    check_filter(wanted)
    with reading(system.engine) as connection:
        state = state_of(connection)
        items = found(connection, wanted, limit + 1, within=within)
    versions = indexed_tables(system.lake.pin())
    return {
        "items": items[:limit],
        "more": len(items) > limit,
        "indexed_at": state["at"] if state else None,
        "current": state is not None and state["versions"] == versions,
    }


def found(
    connection: ReadConnection,
    wanted: FirmFilter,
    limit: int,
    without: sa.Select[Any] | None = None,
    within: Limits = NONE,
) -> list[dict[str, Any]]:
    """The entries that fit, the best first.

    Args:
        without: selects ids of firms that are left out.
        within: what whoever asks may see.
    """
    if not all(storable(text) for text in asked_for(wanted)):
        return []
    whole = folded(wanted.text).strip()
    filters = [*_filters(wanted), *seen_firms(within)]
    if without is not None:
        filters.append(_C.firm_id.not_in(without))
    near = _near(connection, whole.split(), filters)
    if whole:
        # an id typed in full, or its beginning, is found however many names hold its letters
        first = sa.select(_C.id).where(_begins(connection, whole), *filters).limit(CANDIDATES)
        near = sa.union(*(sa.select(part.subquery().c.id) for part in (first, near)))
    either = near
    chosen = sa.select(firm_entry).where(_C.id.in_(either.subquery().select()))
    rows = connection.execute(chosen.order_by(*_order(whole)).limit(limit)).mappings()
    return [_shown(row) for row in rows]


def asked_for(wanted: FirmFilter) -> list[str]:
    """What a person chose of a filter, empty where nothing is asked."""
    chosen = (wanted.text, wanted.country, wanted.sector, wanted.group, wanted.role)
    return [text or "" for text in chosen]


def seen_firms(within: Limits) -> list[sa.ColumnElement[bool]]:
    """What a query of entries must hold to: a seat within reach, or an alert about the firm."""
    if within.jurisdictions is None:
        return []
    seats = [
        _C.jurisdiction.contains(f",{code},", autoescape=True)
        for code in sorted(within.jurisdictions)
    ]
    about = sa.select(alert_table.c.subject_key).where(*within.conditions())
    return [sa.or_(*seats, _C.firm_id.in_(about))]


def check_filter(wanted: FirmFilter) -> None:
    """Raises: WardenError `empty_search`, `long_search`."""
    if len(wanted.text) > LONGEST:
        raise WardenError("long_search", f"A search has at most {LONGEST} characters.")
    if not any(text.strip() for text in asked_for(wanted)):
        raise WardenError(
            "empty_search", "Nothing is looked for.", "Give a part of a name, or an id, as q."
        )


def _filters(wanted: FirmFilter) -> list[sa.ColumnElement[bool]]:
    exact = ((_C.country, wanted.country), (_C.sector, wanted.sector), (_C.group_id, wanted.group))
    conditions = [column == value for column, value in exact if value]
    if wanted.role:
        listed = sa.literal(",").concat(_C.roles).concat(",")
        conditions.append(listed.contains(f",{wanted.role},", autoescape=True))
    return conditions


def _near(
    connection: ReadConnection, words: list[str], filters: list[sa.ColumnElement[bool]]
) -> Any:
    """Ids of entries that hold every word somewhere."""
    long = [word for word in words if len(word) >= PIECE]
    conditions = [*filters]
    entries: sa.FromClause = firm_entry
    if long and connection.dialect.name == "sqlite":
        quoted = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
        entries = firm_entry.join(_TEXT, _TEXT.c.rowid == _C.id)
        conditions.append(sa.literal_column("firm_text").op("MATCH")(quoted))
        words = [word for word in words if len(word) < PIECE]
    elif long:
        pieces = sorted({w[i : i + PIECE] for w in long for i in range(len(w) - PIECE + 1)})
        grams = sa.func.firm_grams(_C.search_text, type_=postgresql.ARRAY(sa.Text))
        conditions.append(grams.contains(sa.cast(pieces, postgresql.ARRAY(sa.Text))))
    # pieces may lie apart, and short words have none: the words themselves must be there
    conditions += [_C.search_text.contains(word, autoescape=True) for word in words]
    return sa.select(_C.id).select_from(entries).where(*conditions).limit(CANDIDATES)


def _begins(connection: ReadConnection, whole: str) -> sa.ColumnElement[bool]:
    """Ids that begin so, as each database can search its index for it."""
    if connection.dialect.name == "sqlite":
        return sa.and_(_C.folded_id >= whole, _C.folded_id < whole + chr(0x10FFFF))
    return _C.folded_id.startswith(whole, autoescape=True)


def _order(whole: str) -> tuple[sa.ColumnElement[Any], ...]:
    """An exact id, a beginning of an id, of a name, of any other word; then by id."""
    line = sa.literal("\n").concat(_C.search_text)
    place = sa.case(
        (_C.folded_id == whole, 0),
        (_C.search_text.startswith(whole, autoescape=True), 1),
        (line.contains("\n" + whole, autoescape=True), 2),
        else_=3,
    )
    return place, _C.name.is_(None), _C.firm_id


def _shown(row: sa.RowMapping) -> dict[str, Any]:
    told = {name: row[name] for name in ("firm_id", "name", "name_zh", "group_id")}
    return told | {
        "country": row["country"],
        "sector": row["sector"],
        "roles": row["roles"].split(","),
        "aliases": row["aliases"].split("\n") if row["aliases"] else [],
    }
