"""Pages of the queue as the interface answers them: read off an index, joined from kept answers."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from alerts.answers import FORM, Answer, made_now, told
from alerts.connections import ReadConnection
from alerts.inbox import QueueFilter, conditions_of
from alerts.ordering import Sort, behind, cursor_at, key_of, order_of, read_cursor
from alerts.tables import alert as alert_table
from alerts.tables import alert_answer as answer_table


class PageQuery(NamedTuple):
    """The statements of one filter in one order; making them takes longer than running them."""

    sort: Sort
    limits: bool
    first: sa.Select[Any]
    following: sa.Select[Any]


class AnsweredPage(NamedTuple):
    """JSON of some alerts in queue order; `next_cursor` is None on the last page."""

    items: list[bytes]
    next_cursor: str | None


def page_query(
    connection: ReadConnection | None,
    wanted: QueueFilter,
    sort: Sort = Sort.QUEUE,
    *,
    limits: bool = True,
) -> PageQuery:
    """What reads pages of a filter.

    Args:
        connection: where its text is looked up; None for a filter without.
        limits: whether limits of restricted rules may be seen.
    """
    kept = answer_table.c
    # of the two bodies only the one that is shown is read
    body = kept.body if limits else sa.func.coalesce(kept.withheld, kept.body)
    here = sa.and_(kept.alert_id == alert_table.c.id, kept.form == FORM)
    first = (
        sa.select(alert_table.c.id, key_of(sort), body, kept.opened_day, kept.due_day)
        .select_from(alert_table.outerjoin(answer_table, here))
        .where(*conditions_of(connection, wanted))
        .order_by(*order_of(sort))
        .limit(sa.bindparam("most", type_=sa.Integer))
    )
    place = behind(sa.bindparam("value"), sa.bindparam("last"), sort)
    return PageQuery(sort, limits, first, first.where(place))


def answered_page(
    connection: ReadConnection, query: PageQuery, cursor: str | None, limit: int, today: date
) -> AnsweredPage:
    """One page.

    Args:
        cursor: `next_cursor` of the page before; None for the first.
        today: the day ages are told on.

    Raises:
        WardenError: `bad_cursor`.
    """
    asked: dict[str, object] = {"most": limit + 1}
    if cursor is not None:
        asked["value"], asked["last"] = read_cursor(cursor, query.sort)
    statement = query.first if cursor is None else query.following
    rows = connection.execute(statement, asked).all()
    page, day = rows[:limit], today.toordinal()
    missing = [row[0] for row in page if row[2] is None]
    made = made_now(connection, missing) if missing else {}
    items = [
        told(Answer(body, None, opened, due), day)
        if body is not None
        else told(made[alert_id], day, limits=query.limits)
        for alert_id, _, body, opened, due in page
    ]
    more = len(rows) > limit
    return AnsweredPage(items, cursor_at(page[-1][1], page[-1][0], query.sort) if more else None)
