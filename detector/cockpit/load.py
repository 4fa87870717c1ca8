"""How much waits for people, and what it touches: from the alerts themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.model import WAITING, State
from alerts.priority import PERSONS, TURNOVER
from alerts.tables import alert
from features.vocabulary import Lane

WEEKS = 12
WEEK = timedelta(days=7)
C = alert.c
Row = dict[str, Any]


def load(connection: ReadConnection, now: datetime, within: Limits = NONE) -> Row:
    """Alerts that wait, and what they touch.

    Args:
        within: what whoever asks may see; the rest is not counted.

    Returns:
        `waiting` by lane with `total`, `overdue`, `second_person` (how many closings wait for one,
        and the oldest `since`), `opened` of the last seven days and of the seven before,
        `touched`: of the waiting alerts the largest turnover and the persons, each with the number
        of alerts that tell it.
    """
    mine = [C.state.in_(WAITING), *within.conditions()]
    lanes = sa.select(C.lane, sa.func.count()).where(*mine).group_by(C.lane)
    by_lane = {str(lane): int(n) for lane, n in connection.execute(lanes).all()}
    late = sa.select(sa.func.count()).where(*mine, C.due_on < now.date())
    asked = sa.select(sa.func.count(), sa.func.min(C.updated_at)).where(
        *mine, C.pending.is_not(None)
    )
    pending, since = connection.execute(asked).one()
    return {
        "waiting": {lane.value: by_lane.get(lane.value, 0) for lane in Lane},
        "total": sum(by_lane.values()),
        "overdue": int(connection.execute(late).scalar_one()),
        "second_person": {"n": int(pending), "since": since},
        "opened": [
            _opened(connection, now - WEEK, now, within),
            _opened(connection, now - 2 * WEEK, now - WEEK, within),
        ],
        "touched": _touched(connection, mine),
    }


def _opened(connection: ReadConnection, start: datetime, end: datetime, within: Limits) -> int:
    query = sa.select(sa.func.count()).where(
        C.opened_at > start, C.opened_at <= end, *within.conditions()
    )
    return int(connection.execute(query).scalar_one())


def _touched(connection: ReadConnection, mine: list[sa.ColumnElement[bool]]) -> Row:
    """Sizes as the priority of the alerts was reckoned with (`detector.harm`).

    Persons are added up over incidents; a person in two incidents counts twice. Turnover is not
    added up: the same sales may stand behind several alerts, and in several currencies.
    """
    affected = C.evidence["affected"]
    size, of = affected["size"].as_float(), affected["of"].as_string()
    query = (
        sa.select(of, sa.func.count(), sa.func.sum(size), sa.func.max(size))
        .where(*mine, C.evidence.is_not(None), size.is_not(None))
        .group_by(of)
    )
    found = {str(what): (int(n), s, m) for what, n, s, m in connection.execute(query).all()}
    persons, turnover = found.get(PERSONS), found.get(TURNOVER)
    return {
        "persons": {"alerts": persons[0], "sum": persons[1]} if persons else None,
        "turnover": {"alerts": turnover[0], "largest": turnover[2]} if turnover else None,
    }


def weekly(connection: ReadConnection, now: datetime, within: Limits = NONE) -> list[Row]:
    """Week by week, oldest first: alerts `opened`, `closed`, and `open` at its end.

    A closing is counted in the week of the last change of an alert that is closed now; one that
    was reopened and waits again counts as open all along.
    """
    ends = [now - WEEK * back for back in range(WEEKS - 1, -1, -1)]
    opened = _by_week(connection, C.opened_at, ends, within.conditions())
    closed = _by_week(
        connection, C.updated_at, ends, [C.state == State.CLOSED, *within.conditions()]
    )
    weeks, stock = [], opened[0] - closed[0]
    for at, came, went in zip(ends, opened[1:], closed[1:], strict=True):
        stock += came - went
        weeks.append({"end": at.date(), "opened": came, "closed": went, "open": stock})
    return weeks


def _by_week(
    connection: ReadConnection,
    column: sa.ColumnElement[datetime],
    ends: list[datetime],
    where: list[sa.ColumnElement[bool]],
) -> list[int]:
    """Counts before the first week and in each, in one pass."""
    starts = [end - WEEK for end in ends]
    before = sa.func.sum(sa.case((column <= starts[0], 1), else_=0))
    inside = [
        sa.func.sum(sa.case((sa.and_(column > start, column <= end), 1), else_=0))
        for start, end in zip(starts, ends, strict=True)
    ]
    row = connection.execute(sa.select(before, *inside).where(*where)).one()
    return [int(n or 0) for n in row]
