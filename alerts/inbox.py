"""The queue of alerts: filters, pages, counts, one alert with its history, the export.

The usual order is: legal lane first, then by priority, then by id; alerts may also be read by the
day they are due, or oldest first. A page starts after the last alert of the one before, so alerts
that come in meanwhile neither repeat nor hide others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from alerts.connections import ReadConnection, WriteConnection
from alerts.finding import says
from alerts.limits import NONE, Limits, concerns, one_of
from alerts.model import Alert, AlertRecord, State, alert_object
from alerts.ordering import LONGEST_CURSOR, Sort, after, make_cursor, order_of, read_cursor
from alerts.rows import alert_from, event_from
from alerts.store import alert_not_found, storable
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table
from alerts.tables import alert_label as label_table
from features.errors import WardenError

__all__ = [
    "EVERYTHING", "LARGEST_PAGE", "LONGEST_CURSOR", "Page", "QueueCounts", "QueueFilter", "Sort",
    "Spread", "come_in", "conditions_of", "counts", "export_alerts", "get_alert", "make_cursor",
    "matching", "opened_since", "queue", "read_cursor", "spread", "tagged_alerts",
]  # fmt: skip

LARGEST_PAGE = 200
_COLUMNS = alert_table.c


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which alerts are asked for; an empty field asks for all.

    Attributes:
        states, lanes, typologies, severities: any of these values.
        subject_kind: exactly this kind.
        subject: exactly this key, or a key one part of which is it (pairs, markets of a firm).
        text: found anywhere in subject, title or typology, without case.
        min_suspicion: suspicion at least this.
        assignee: exactly this person.
        firing: whether the last run that judged it still found it.
        set_aside: whether all that is left of it is covered by exceptions or repeats.
        labels: any of these labels.
        overdue_on: not closed, and due before this day.
        stale: whether filings about its subject have stopped.
        due_by: not closed, and due on this day or before.
        assigned: whether it is somebody's.
        opened_since, opened_before: opened at this moment or later, or before it.
        pending: whether its closing waits for a second person.
        jurisdictions: concerns any of these, or a place that lies in one.
        within: what whoever asks may see; never a choice of theirs.
    """

    states: Sequence[str] = ()
    lanes: Sequence[str] = ()
    typologies: Sequence[str] = ()
    severities: Sequence[int] = ()
    subject_kind: str | None = None
    subject: str | None = None
    text: str | None = None
    min_suspicion: float | None = None
    assignee: str | None = None
    firing: bool | None = None
    set_aside: bool | None = None
    labels: Sequence[str] = ()
    overdue_on: date | None = None
    stale: bool | None = None
    pending: bool | None = None
    jurisdictions: Sequence[str] = ()
    due_by: date | None = None
    assigned: bool | None = None
    opened_since: datetime | None = None
    opened_before: datetime | None = None
    within: Limits = NONE


EVERYTHING = QueueFilter()


class Page(NamedTuple):
    """Some alerts in queue order; `next_cursor` is None on the last page."""

    alerts: list[Alert]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many alerts a filter finds.

    Attributes:
        by_state: counts by state, the filter's own choice of states left aside.
        by_lane: counts by lane, the filter's own choice of lanes left aside.
    """

    total: int
    by_state: dict[str, int]
    by_lane: dict[str, int]


def queue(
    connection: ReadConnection,
    wanted: QueueFilter = EVERYTHING,
    cursor: str | None = None,
    limit: int = 50,
    sort: Sort = Sort.QUEUE,
) -> Page:
    """One page of the queue.

    Args:
        cursor: `next_cursor` of the page before; None for the first.
        limit: alerts of a page, 1 to `LARGEST_PAGE`.

    Raises:
        WardenError: `bad_cursor`, `bad_limit`.
    """
    if not 1 <= limit <= LARGEST_PAGE:
        raise WardenError("bad_limit", f"A page holds 1 to {LARGEST_PAGE} alerts, not {limit}.")
    query = sa.select(alert_table).where(*conditions_of(connection, wanted))
    if cursor is not None:
        query = query.where(after(cursor, sort))
    ordered = query.order_by(*order_of(sort)).limit(limit + 1)
    found = [alert_from(row) for row in connection.execute(ordered).mappings()]
    page = found[:limit]
    return Page(page, make_cursor(page[-1], sort) if len(found) > limit else None)


class Spread(NamedTuple):
    """How many alerts there are by state and lane."""

    cells: Mapping[tuple[str, str], int]

    def counts(self, states: Collection[str] = (), lanes: Collection[str] = ()) -> QueueCounts:
        """Counts of those in some states and lanes; none named: in any."""
        by_state: Counter[str] = Counter()
        by_lane: Counter[str] = Counter()
        total = 0
        for (state, lane), n in self.cells.items():
            fits, lies = not states or state in states, not lanes or lane in lanes
            by_state[state] += n * lies
            by_lane[lane] += n * fits
            total += n * (fits and lies)
        return QueueCounts(total, _sorted(by_state), _sorted(by_lane))


def spread(connection: ReadConnection, wanted: QueueFilter = EVERYTHING) -> Spread:
    """How what a filter finds spreads, its choice of states and lanes left aside: one pass over an
    index, for every such choice."""
    query = (
        sa.select(_COLUMNS.state, _COLUMNS.lane, sa.func.count())
        .where(*conditions_of(connection, replace(wanted, states=(), lanes=()), counting=True))
        .group_by(_COLUMNS.state, _COLUMNS.lane)
    )
    found = connection.execute(query)
    return Spread({(str(state), str(lane)): n for state, lane, n in found})


def counts(connection: ReadConnection, wanted: QueueFilter = EVERYTHING) -> QueueCounts:
    """How many alerts the filter finds, and how they spread."""
    return spread(connection, wanted).counts(set(wanted.states), set(wanted.lanes))


def _sorted(found: Counter[str]) -> dict[str, int]:
    return {value: n for value, n in sorted(found.items()) if n}


def get_alert(connection: ReadConnection, alert_id: str) -> AlertRecord:
    """One alert with its history.

    Raises:
        WardenError: `alert_not_found`.
    """
    query = sa.select(alert_table).where(_COLUMNS.id == alert_id)
    row = connection.execute(query).mappings().one_or_none() if storable(alert_id) else None
    if row is None:
        raise alert_not_found(alert_id)
    history = (
        sa.select(event_table).where(event_table.c.alert_id == alert_id).order_by(event_table.c.id)
    )
    events = [event_from(event) for event in connection.execute(history).mappings()]
    return AlertRecord(alert_from(row), events)


def opened_since(
    connection: ReadConnection, wanted: QueueFilter, since: datetime, without: sa.Select[Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Id and title of the alerts of the filter opened after a moment, oldest first.

    Args:
        without: selects ids that are left out.
    """
    query = (
        sa.select(_COLUMNS.id, _COLUMNS.title)
        .where(
            *conditions_of(connection, wanted),
            _COLUMNS.opened_at > since,
            _COLUMNS.id.not_in(without),
        )
        .order_by(_COLUMNS.opened_at, _COLUMNS.id)
    )
    return [(alert_id, title) for alert_id, title in connection.execute(query)]


def come_in(connection: ReadConnection, wanted: QueueFilter, since: datetime, most: int) -> int:
    """How many alerts of the filter were opened after a moment; counted no further than `most`."""
    found = (
        sa.select(_COLUMNS.id)
        .where(*conditions_of(connection, wanted), _COLUMNS.opened_at > since)
        .limit(most)
        .subquery()
    )
    return connection.scalar(sa.select(sa.func.count()).select_from(found)) or 0


def matching(
    connection: ReadConnection | WriteConnection, wanted: QueueFilter, limit: int
) -> tuple[int, list[str]]:
    """How many alerts the filter finds, and the ids of the first of them, by id."""
    conditions = conditions_of(connection, wanted, counting=True)
    total = sa.select(sa.func.count()).select_from(alert_table).where(*conditions)
    ids = sa.select(_COLUMNS.id).where(*conditions).order_by(_COLUMNS.id).limit(limit)
    return connection.scalar(total) or 0, list(connection.scalars(ids))


def export_alerts(
    connection: ReadConnection, wanted: QueueFilter = EVERYTHING, today: date | None = None
) -> list[dict[str, Any]]:
    """Every alert of the filter as the API's alert object, in queue order."""
    query = (
        sa.select(alert_table)
        .where(*conditions_of(connection, wanted))
        .order_by(_COLUMNS.queue_rank.desc(), _COLUMNS.id)
    )
    rows = connection.execute(query).mappings()
    return [alert_object(alert_from(row), today) for row in rows]


def tagged_alerts(connection: ReadConnection) -> list[Alert]:
    """Alerts that carry a tag, in queue order."""
    query = (
        sa.select(alert_table)
        .where(_COLUMNS.tags.is_not(None))
        .order_by(_COLUMNS.queue_rank.desc(), _COLUMNS.id)
    )
    return [alert_from(row) for row in connection.execute(query).mappings()]


def conditions_of(
    connection: ReadConnection | WriteConnection | None,
    wanted: QueueFilter,
    *,
    counting: bool = False,
) -> list[sa.ColumnElement[bool]]:
    """What a query of alerts must hold to for a filter.

    Args:
        connection: where its text is looked up first, as few or many alerts that say it are best
            found in different ways; None for a filter without.
        counting: all of them will be read, not those that come first.
    """
    texts = (*wanted.typologies, wanted.subject_kind, wanted.subject, wanted.text, wanted.assignee,
             *wanted.labels, *wanted.jurisdictions)  # fmt: skip
    if not all(storable(text or "") for text in texts):
        return [sa.false()]
    conditions: list[sa.ColumnElement[bool]] = [
        one_of(column, values)
        for column, values in (
            (_COLUMNS.state, wanted.states),
            (_COLUMNS.lane, wanted.lanes),
            (_COLUMNS.typology, wanted.typologies),
        )
        if values
    ]
    if wanted.severities:
        conditions.append(_COLUMNS.severity.in_(wanted.severities))
    conditions += wanted.within.conditions()
    conditions += [
        column == value
        for column, value in (
            (_COLUMNS.subject_kind, wanted.subject_kind),
            (_COLUMNS.assignee, wanted.assignee),
            (_COLUMNS.firing, wanted.firing),
            (_COLUMNS.set_aside, wanted.set_aside),
        )
        if value is not None
    ]
    if wanted.subject:
        conditions.append(_concerns(wanted.subject))
    if connection is not None and wanted.text and wanted.text.strip():
        conditions.append(says(connection, wanted.text, counting=counting))
    if wanted.min_suspicion is not None:
        conditions.append(_COLUMNS.suspicion >= wanted.min_suspicion)
    return conditions + _work_conditions(wanted)


def _work_conditions(wanted: QueueFilter) -> list[sa.ColumnElement[bool]]:
    """What is asked about the work on it."""
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.labels:
        named = sa.select(label_table.c.alert_id).where(label_table.c.label.in_(wanted.labels))
        conditions.append(_COLUMNS.id.in_(named))
    if wanted.jurisdictions:
        conditions.append(concerns(wanted.jurisdictions))
    if wanted.overdue_on is not None:
        conditions.append(_COLUMNS.due_on < wanted.overdue_on)
        conditions.append(_COLUMNS.state != State.CLOSED.value)
    if wanted.due_by is not None:
        conditions.append(_COLUMNS.due_on <= wanted.due_by)
        conditions.append(_COLUMNS.state != State.CLOSED.value)
    if wanted.opened_since is not None:
        conditions.append(_COLUMNS.opened_at >= wanted.opened_since)
    if wanted.opened_before is not None:
        conditions.append(_COLUMNS.opened_at < wanted.opened_before)
    return conditions + _whether(wanted)


def _whether(wanted: QueueFilter) -> list[sa.ColumnElement[bool]]:
    """What is asked to be there, or not to be."""
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.assigned is not None:
        owned = _COLUMNS.assignee.is_not(None)
        conditions.append(owned if wanted.assigned else ~owned)
    if wanted.stale is not None:
        stopped = _COLUMNS.stale_since.is_not(None)
        conditions.append(stopped if wanted.stale else ~stopped)
    if wanted.pending is not None:
        asked = _COLUMNS.pending.is_not(None)
        conditions.append(asked if wanted.pending else ~asked)
    return conditions


def _concerns(subject: str) -> sa.ColumnElement[bool]:
    """Keys of which the subject is the whole, or a part between separators."""
    key = _COLUMNS.subject_key
    parts = [key == subject]
    for mark in ("/", "|"):
        joined = sa.literal(mark).concat(key).concat(mark)
        parts.append(joined.contains(f"{mark}{subject}{mark}", autoescape=True))
    return sa.or_(*parts)
