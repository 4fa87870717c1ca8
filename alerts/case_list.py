"""What a list of cases tells of each besides the case itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from alerts.case_model import iso
from alerts.case_tables import case_alert, case_party, case_task
from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.tables import alert as alert_table


@dataclass(slots=True)
class Summary:
    """What belongs to a case, counted.

    Attributes:
        alerts: those within the limits of whoever reads.
        parties: firm and role, by id of the firm.
        next_due: the first day a task that is not done is due.
        overdue: tasks not done whose day has passed.
    """

    alerts: int = 0
    parties: list[tuple[str, str]] = field(default_factory=list)
    open_tasks: int = 0
    overdue: int = 0
    next_due: date | None = None


def summaries(
    connection: ReadConnection, numbers: Sequence[str], today: date, limits: Limits = NONE
) -> dict[str, Summary]:
    """What belongs to some cases, by number: three queries, however many there are."""
    told = {number: Summary() for number in numbers}
    if not told:
        return told
    joined = case_alert.c
    counted = (
        sa.select(joined.case_number, sa.func.count())
        .join(alert_table, alert_table.c.id == joined.alert_id)
        .where(joined.case_number.in_(numbers), *limits.conditions())
        .group_by(joined.case_number)
    )
    for number, n in connection.execute(counted):
        told[number].alerts = n
    named = case_party.c
    firms = sa.select(named.case_number, named.firm_id, named.role).where(
        named.case_number.in_(numbers)
    )
    for number, firm, role in connection.execute(firms.order_by(named.firm_id)):
        told[number].parties.append((firm, role))
    task = case_task.c
    late = sa.func.sum(sa.case((task.due_on < today, 1), else_=0))
    waiting = (
        sa.select(task.case_number, sa.func.count(), late, sa.func.min(task.due_on))
        .where(task.case_number.in_(numbers), task.done_at.is_(None))
        .group_by(task.case_number)
    )
    for number, n, overdue, first in connection.execute(waiting):
        told[number].open_tasks, told[number].overdue = n, int(overdue or 0)
        told[number].next_due = first
    return told


def summary_object(told: Summary) -> dict[str, Any]:
    """A summary as plain data."""
    return {
        "alert_count": told.alerts,
        "parties": [{"firm": firm, "role": role} for firm, role in told.parties],
        "open_tasks": told.open_tasks,
        "overdue_tasks": told.overdue,
        "next_due_on": iso(told.next_due),
    }
