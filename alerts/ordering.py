"""The orders a list of alerts may be read in, and cursors that remember a place in one.

Every order ends with the id, so no two alerts share a place.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from alerts.model import Alert
from alerts.tables import alert as alert_table
from features.errors import WardenError

LONGEST_CURSOR = 200


class Sort(StrEnum):
    """An order: by place in the queue, by the day due, or oldest first."""

    QUEUE = "queue"
    DUE = "due"
    AGE = "age"


_C = alert_table.c
_MARKS: dict[Sort, int] = {Sort.QUEUE: 1, Sort.DUE: 2, Sort.AGE: 3}
_KEYS: dict[Sort, sa.Column[Any]] = {
    Sort.QUEUE: _C.queue_rank,
    Sort.DUE: _C.due_on,
    Sort.AGE: _C.opened_at,
}


def order_of(sort: Sort) -> tuple[sa.ColumnElement[Any], ...]:
    """What to order by; the queue alone has its greatest first."""
    key = _KEYS[sort]
    return (key.desc() if sort is Sort.QUEUE else key.asc(), _C.id)


def after(cursor: str, sort: Sort = Sort.QUEUE) -> sa.ColumnElement[bool]:
    """Alerts behind the place of a cursor.

    Raises:
        WardenError: `bad_cursor`.
    """
    return behind(*read_cursor(cursor, sort), sort)


def behind(value: Any, last: Any, sort: Sort) -> sa.ColumnElement[bool]:
    """Alerts behind a value of the column ordered by, and behind an id among those that share it.

    Args:
        value, last: the two, or parameters of a statement for them.
    """
    key = _KEYS[sort]
    down = sort is Sort.QUEUE
    # the first condition says nothing new: it lets an index be entered at the place
    reached, beyond = (key <= value, key < value) if down else (key >= value, key > value)
    return sa.and_(reached, sa.or_(beyond, _C.id > last))


def key_of(sort: Sort) -> sa.Column[Any]:
    """The column ordered by, before the id."""
    return _KEYS[sort]


def make_cursor(alert: Alert, sort: Sort = Sort.QUEUE) -> str:
    """Opaque text for the place just after an alert."""
    values = {Sort.QUEUE: alert.priority.rank, Sort.DUE: alert.due_on, Sort.AGE: alert.opened_at}
    return cursor_at(values[sort], alert.id, sort)


def cursor_at(value: Any, last: str, sort: Sort = Sort.QUEUE) -> str:
    """Opaque text for the place just after an id with a value of the column ordered by."""
    told = value if sort is Sort.QUEUE else value.isoformat()
    text = json.dumps([_MARKS[sort], told, last])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, sort: Sort = Sort.QUEUE) -> tuple[Any, str]:
    """Key and id a cursor stands for, in the order it was made for.

    Raises:
        WardenError: `bad_cursor` for anything `make_cursor` did not write for that order.
    """
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True)
        mark, value, last = json.loads(text)
        if mark != _MARKS[sort] or not isinstance(last, str) or "\0" in last:
            raise ValueError
        return _key(value, sort), last
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise WardenError(
            "bad_cursor", "The page cursor is not one of ours.", "Start at the first page."
        ) from None


def _key(value: object, sort: Sort) -> float | date | datetime:
    if sort is Sort.QUEUE:
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError
        return float(value)
    if not isinstance(value, str):
        raise TypeError
    if sort is Sort.DUE:
        return date.fromisoformat(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment
