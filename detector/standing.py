"""How an installation stands, in a few counts for whoever watches over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from alerts.audit_tables import audit_head
from alerts.tables import alert
from detector.database import reading
from detector.lake_tables import batch
from detector.system import System
from detector.tables import run


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of one moment.

    Attributes:
        alerts: by state; a state without alerts is left out.
        last_run: when the last run that judged came to its end; None before the first.
        quarantined: rows put aside by all ingests together.
    """

    alerts: Mapping[str, int]
    last_run: datetime | None
    quarantined: int
    audit_entries: int


def standing(system: System) -> Standing:
    """Reads the counts in one view of the database."""
    by_state = sa.select(alert.c.state, sa.func.count()).group_by(alert.c.state)
    ended = sa.select(sa.func.max(run.c.finished_at)).where(
        run.c.job == "detect", run.c.state == "done"
    )
    with reading(system.engine) as connection:
        return Standing(
            alerts={str(state): n for state, n in connection.execute(by_state)},
            last_run=connection.scalar(ended),
            quarantined=int(connection.scalar(sa.select(sa.func.sum(batch.c.quarantined))) or 0),
            audit_entries=connection.scalar(sa.select(audit_head.c.seq)) or 0,
        )
