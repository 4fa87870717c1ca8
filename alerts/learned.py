"""The queue in the order that reviews teach: places move, figures do not.

What fires, how likely it is held to be, and its harm and urgency stay as they are. The alerts of
one conduct and grain only swap their likelihoods among each other for sorting, by their own order
mixed with what was learnt, so a lesson can move an alert past its own kind and never past what
others of its kind reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from alerts.answers import keep_again
from alerts.connections import ReadConnection, WriteConnection
from alerts.likelihood import conduct
from alerts.model import State
from alerts.store import unraised
from alerts.tables import alert as alert_table
from features.vocabulary import Lane

Subject = tuple[str, date]
"""Key and first day of the period."""


@dataclass(frozen=True)
class Waiting:
    """An alert nobody has decided, as far as its place goes."""

    id: str
    typology: str
    subject_kind: str
    subject: Subject
    period_end: date
    likely: float
    weight: float
    queue_rank: float
    learned: Mapping[str, Any] | None


def waiting(connection: ReadConnection, about: str) -> list[Waiting]:
    """Alerts of the screen lane of one conduct whose place a learnt order may change.

    Closed ones stay as they were when somebody decided, set-aside ones stay last, and a place that
    was drawn blind stays where it was drawn.
    """
    c = alert_table.c
    query = sa.select(
        c.id, c.typology, c.subject_kind, c.subject_key, c.period_start, c.period_end, c.likely,
        c.harm, c.urgency, c.queue_rank, c.learned,
    ).where(
        c.lane == Lane.SCREEN.value, c.state != State.CLOSED.value, c.set_aside.is_(False)
    )  # fmt: skip
    drawn = unraised(connection)
    return [
        Waiting(
            row.id, row.typology, row.subject_kind, (row.subject_key, row.period_start),
            row.period_end, row.likely, row.harm * row.urgency, row.queue_rank, row.learned,
        )
        for row in connection.execute(query)
        if conduct(row.typology) == about and row.id not in drawn
    ]  # fmt: skip


def reorder(
    connection: WriteConnection,
    alerts: Iterable[Waiting],
    places: Mapping[Subject, float],
    lesson: Mapping[str, Any] | None,
) -> int:
    """Puts alerts of one grain into the learnt order; returns how many ranks changed.

    Args:
        places: place of a subject and period by what was learnt, higher first; alerts without one
            stay.
        lesson: what is kept with each alert that has a place, its ``weight`` among it (0 to 1: how
            much what was learnt counts beside the alerts' own order); None takes every alert back
            to its own figures.
    """
    mine = sorted(alerts, key=lambda a: a.id)
    known = [a for a in mine if lesson is not None and a.subject in places]
    by_figure = sorted(known, key=lambda a: (-a.likely, a.id))
    was = {a.id: i + 1 for i, a in enumerate(by_figure)}
    taught = sorted(known, key=lambda a: (-places[a.subject], a.id))
    share = float(lesson["weight"]) if lesson is not None else 0.0
    mixed = {a.id: share * i + (1.0 - share) * was[a.id] for i, a in enumerate(taught, start=1)}
    by_place = sorted(known, key=lambda a: (mixed[a.id], was[a.id]))
    lent = {a.id: other.likely for a, other in zip(by_place, by_figure, strict=True)}
    now = {a.id: i + 1 for i, a in enumerate(by_place)}
    rows = []
    for one in mine:
        rank = lent.get(one.id, one.likely) * one.weight
        told = None
        if lesson is not None and one.id in lent:
            told = {**lesson, "place": now[one.id], "place_before": was[one.id], "of": len(known)}
        if rank != one.queue_rank or told != one.learned:
            rows.append({"of_id": one.id, "new_rank": rank, "new_learned": told})
    if rows:
        statement = (
            sa.update(alert_table)
            .where(alert_table.c.id == sa.bindparam("of_id"))
            .values(queue_rank=sa.bindparam("new_rank"), learned=sa.bindparam("new_learned"))
        )
        connection.execute(statement, rows)
        keep_again(connection, [str(row["of_id"]) for row in rows])
    return len(rows)
