"""Closed alerts of the same kind, and how they ended: what experience says of a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.model import Alert, CloseReason, State
from alerts.tables import alert as alert_table
from features.intervals import wilson

LATEST = 200
"""Closings looked back on."""
SHOWN = 5
ENOUGH = 10
"""Decided ones from which their share is worth leaning on."""
_DECIDED = (CloseReason.CONFIRMED, CloseReason.EXPLAINED, CloseReason.DATA_ERROR)
"""The others say nothing about whether the suspicion was right."""


@dataclass(frozen=True)
class Ended:
    """One closed alert.

    Attributes:
        days: from its opening to its closing.
        same_subject: whether it was about the same subject.
    """

    id: str
    subject: Mapping[str, Any]
    title: Mapping[str, str]
    reason: str
    opened_at: datetime
    closed_at: datetime
    days: int
    same_subject: bool


@dataclass(frozen=True)
class Alike:
    """How the latest closed alerts of a typology ended.

    Attributes:
        looked_at: closings counted, `LATEST` at most.
        by_reason: closings by reason.
        share: of the decided ones that were confirmed; None where none was decided.
        low, high: its 95 % Wilson interval.
        decided: alerts the share is of.
        enough: whether they are `ENOUGH`.
        latest: the `SHOWN` newest, those about the same subject first.
    """

    looked_at: int
    by_reason: Mapping[str, int]
    share: float | None
    low: float | None
    high: float | None
    decided: int
    enough: bool
    latest: Sequence[Ended]


def ended_alike(connection: ReadConnection, alert: Alert, within: Limits = NONE) -> Alike:
    """Closed alerts of the alert's typology, newest first, itself left out.

    Args:
        within: what whoever asks may see; the rest is not counted.
    """
    c = alert_table.c
    query = (
        sa.select(
            c.id, c.subject_key, c.subject_kind, c.title, c.close_reason, c.opened_at, c.updated_at
        )
        .where(
            c.typology == alert.signal.typology,
            c.state == State.CLOSED.value,
            c.id != alert.id,
            *within.conditions(),
        )
        .order_by(c.updated_at.desc(), c.id)
        .limit(LATEST)
    )
    found = [_ended(dict(row), alert) for row in connection.execute(query).mappings()]
    reasons = Counter(one.reason for one in found)
    decided = sum(reasons[reason.value] for reason in _DECIDED)
    confirmed = reasons[CloseReason.CONFIRMED.value]
    low, high = wilson(confirmed, decided) if decided else (None, None)
    newest = sorted(found, key=lambda one: not one.same_subject)[:SHOWN]
    return Alike(
        looked_at=len(found),
        by_reason=dict(reasons),
        share=confirmed / decided if decided else None,
        low=low,
        high=high,
        decided=decided,
        enough=decided >= ENOUGH,
        latest=newest,
    )


def _ended(row: Mapping[str, Any], alert: Alert) -> Ended:
    opened, closed = row["opened_at"], row["updated_at"]
    return Ended(
        id=row["id"],
        subject={"kind": row["subject_kind"], "key": row["subject_key"]},
        title=row["title"],
        reason=row["close_reason"],
        opened_at=opened,
        closed_at=closed,
        days=max(0, (closed - opened).days),
        same_subject=row["subject_key"] == alert.signal.subject_key,
    )
