"""Alerts as the interface answers them: rendered when they are written, and kept as bytes.

A page of the queue joins kept answers instead of making them. A trigger of the database forgets
the answer of an alert that changes, whoever changes it; whoever wrote the change keeps the new
one in the same transaction, and what is not there is rendered by the reader. Age and lateness
hold for a day only, so they are left out of what is kept and put in front of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from alerts.connections import ReadConnection, WriteConnection
from alerts.model import Alert, State, alert_object
from alerts.restricted import restricted, without_limits
from alerts.rows import alert_from
from alerts.tables import alert as alert_table
from alerts.tables import alert_answer as answer_table

FORM = 1
"""Of what is kept; another number makes every answer of the number before worthless. To be raised
with every change of what `rendered` gives for the same alert."""
CHUNK = 500
_MOMENTS = ("opened_at", "updated_at", "stale_since")
_STEPS = ("own", "likely")
"""Parts of the evidence that the interface does not tell: what they come to stands beside them."""
_INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Answer(NamedTuple):
    """The kept answer of one alert.

    Attributes:
        body: JSON of the alert behind its age: everything after the opening brace.
        withheld: the same without limits; None where nothing is restricted.
        opened_day, due_day: ordinals of the days, None where age and lateness stand in the body:
            of a closed alert both are final.
    """

    body: bytes
    withheld: bytes | None
    opened_day: int | None
    due_day: int | None


def rendered(alert: Alert) -> Answer:
    """The answer of an alert."""
    shown = alert_object(alert)
    for name in _MOMENTS:
        shown[name] = _in_utc(shown[name])
    evidence = shown["priority"]["evidence"]
    if evidence:
        shown["priority"]["evidence"] = {k: v for k, v in evidence.items() if k not in _STEPS}
    if shown["pending"]:
        shown["pending"]["at"] = _in_utc(shown["pending"]["at"])
    waits = alert.state is not State.CLOSED
    if waits:
        del shown["age_days"], shown["overdue"]
    return Answer(
        _bytes(shown),
        _bytes(without_limits(shown)) if restricted(shown["rules"]) else None,
        alert.opened_at.date().toordinal() if waits else None,
        alert.due_on.toordinal() if waits else None,
    )


def told(answer: Answer, today: int, *, limits: bool = True) -> bytes:
    """JSON of the alert on a day.

    Args:
        today: ordinal of the day.
        limits: whether limits of restricted rules may be seen.
    """
    body = answer.body if limits or answer.withheld is None else answer.withheld
    opened, due = answer.opened_day, answer.due_day
    if opened is None or due is None:
        return b"{" + body
    late = b"true" if due < today else b"false"
    return b'{"age_days":%d,"overdue":%b,%b' % (today - opened, late, body)


def _bytes(shown: dict[str, Any]) -> bytes:
    text = json.dumps(
        shown, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_iso
    )
    return text[1:].encode()


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot be answered as JSON")


def _in_utc(moment: str | None) -> str | None:
    return moment.replace("+00:00", "Z") if moment else moment


def keep(connection: WriteConnection, alerts: Iterable[Alert]) -> None:
    """Keeps the answers of alerts that this transaction has written."""
    rows = [{"alert_id": one.id, "form": FORM, **rendered(one)._asdict()} for one in alerts]
    if not rows:
        return
    add: Any = _INSERTS[connection.dialect.name](answer_table)
    fresh = {c.name: add.excluded[c.name] for c in answer_table.c if c.name != "alert_id"}
    connection.execute(add.on_conflict_do_update(index_elements=["alert_id"], set_=fresh), rows)


def keep_again(connection: WriteConnection, ids: Collection[str]) -> None:
    """Keeps the answers of alerts by id, as they stand in this transaction."""
    for alerts in _by_id(connection, sorted(ids), held=True):
        keep(connection, alerts)


def keep_missing(connection: WriteConnection, after: str, most: int) -> str | None:
    """Looks at the next alerts by id and keeps the answers that are not there, or of another form.

    Args:
        after: id behind which to look; empty at the beginning.
        most: alerts looked at.

    Returns:
        The last id looked at; None behind the last alert.
    """
    here = sa.and_(answer_table.c.alert_id == alert_table.c.id, answer_table.c.form == FORM)
    query = (
        sa.select(alert_table.c.id, answer_table.c.alert_id)
        .select_from(alert_table.outerjoin(answer_table, here))
        .where(alert_table.c.id > after)
        .order_by(alert_table.c.id)
        .limit(most)
    )
    seen = connection.execute(query).all()
    keep_again(connection, [alert_id for alert_id, kept in seen if kept is None])
    return seen[-1][0] if seen else None


def made_now(connection: ReadConnection, ids: Collection[str]) -> dict[str, Answer]:
    """Answers of alerts of which none is kept, by id."""
    parts = _by_id(connection, sorted(ids))
    return {one.id: rendered(one) for alerts in parts for one in alerts}


def _by_id(
    connection: ReadConnection | WriteConnection, ids: list[str], *, held: bool = False
) -> Iterator[list[Alert]]:
    query = sa.select(alert_table).order_by(alert_table.c.id)
    if held:  # nobody may change an alert between its reading and the keeping of its answer
        query = query.with_for_update()
    for at in range(0, len(ids), CHUNK):
        part = query.where(alert_table.c.id.in_(ids[at : at + CHUNK]))
        yield [alert_from(row) for row in connection.execute(part).mappings()]
