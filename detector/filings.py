"""What was filed: batches with their balance, and by table how much, how often and how late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import sqlalchemy as sa

from detector.database import ReadConnection
from detector.lake_tables import batch, quarantine_retry
from features.contracts import CONTRACTS
from features.errors import WardenError

RHYTHM_FROM = 3
"""Filings on as many different days before a rhythm is told from them."""
REMEMBERED = 12
"""The last filings of a table its rhythm is told from."""
PATIENCE = 0.5
"""A filing is late when the wait is longer than usual by this share of the usual gap."""
_B, _R = batch.c, quarantine_retry.c


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch; ``read = accepted + corrected + repeated + quarantined`` holds.

    Attributes:
        filed_by: empty for what was filed before names were kept.
        retried: quarantined rows that were corrected and sent again since.
        retry_of: batch whose quarantined rows this one sends again, None for a filing.
    """

    batch_id: str
    table: str
    sequence: int
    source_files: str
    recorded_at: datetime
    read: int
    accepted: int
    corrected: int
    repeated: int
    quarantined: int
    filed_by: str | None
    mapping_hash: str | None
    lake_version: int | None
    retried: int
    retry_of: str | None

    @property
    def balances(self) -> bool:
        """Whether every row read is accounted for."""
        return self.read == self.accepted + self.corrected + self.repeated + self.quarantined

    @property
    def waiting(self) -> int:
        """Quarantined rows nobody has sent again."""
        return self.quarantined - self.retried


@dataclass(frozen=True, slots=True)
class TableState:
    """What was filed into one table.

    Attributes:
        rows: rows in force: distinct keys. versions: rows with their corrections.
        usual_gap: days between filings, None where too few came to tell.
        expected_on: when the next is due by that rhythm. late_days: how long past it, else 0.
    """

    table: str
    batches: int
    rows: int
    versions: int
    quarantined: int
    waiting: int
    last_at: datetime | None
    usual_gap: float | None
    expected_on: datetime | None
    late_days: float


def batches(
    connection: ReadConnection,
    table: str | None = None,
    *,
    batch_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Batch]:
    """Batches, the newest first."""
    retried = sa.select(sa.func.count()).where(_R.batch_id == _B.batch_id).scalar_subquery()
    before = (
        sa.select(sa.func.min(_R.batch_id))
        .where(_R.retry_batch_id == _B.batch_id)
        .scalar_subquery()
    )
    query = sa.select(batch, retried.label("retried"), before.label("retry_of"))
    if table is not None:
        query = query.where(_B.table_name == table)
    if batch_id is not None:
        query = query.where(_B.batch_id == batch_id)
    rows = connection.execute(
        query.order_by(_B.sequence.desc()).limit(limit).offset(offset)
    ).mappings()
    return [_batch(dict(row)) for row in rows]


def one_batch(connection: ReadConnection, batch_id: str) -> Batch:
    """One batch.

    Raises:
        WardenError: `batch_not_found`.
    """
    found = batches(connection, batch_id=batch_id, limit=1)
    if not found:
        raise WardenError(
            "batch_not_found", f"There is no batch {batch_id[:64]}.", "See the list of batches.",
            "not_found",
        )  # fmt: skip
    return found[0]


def table_states(connection: ReadConnection, now: datetime) -> list[TableState]:
    """Every canonical table in the order of the catalogue; those without filings hold zeros."""
    sums = {
        row.table_name: row
        for row in connection.execute(
            sa.select(
                _B.table_name,
                sa.func.count().label("n"),
                sa.func.sum(_B.accepted).label("rows"),
                sa.func.sum(_B.accepted + _B.corrected).label("versions"),
                sa.func.sum(_B.quarantined).label("quarantined"),
                sa.func.max(_B.recorded_at).label("last_at"),
            ).group_by(_B.table_name)
        )
    }
    sent_again = sa.select(_B.table_name, sa.func.count()).join(
        quarantine_retry, _R.batch_id == _B.batch_id
    )
    by_table = connection.execute(sent_again.group_by(_B.table_name))
    retried = {row[0]: row[1] for row in by_table}
    moments = _moments(connection)
    return [
        _state(name, sums.get(name), retried.get(name, 0), moments.get(name, ()), now)
        for name in CONTRACTS
    ]


def _moments(connection: ReadConnection) -> dict[str, list[datetime]]:
    """The last filings of each table that added something; corrections in the page are none."""
    again = sa.select(_R.retry_batch_id)
    place = sa.func.row_number().over(partition_by=_B.table_name, order_by=_B.sequence.desc())
    inner = (
        sa.select(_B.table_name, _B.recorded_at, place.label("place"))
        .where(_B.accepted + _B.corrected > 0, _B.batch_id.not_in(again))
        .subquery()
    )
    query = sa.select(inner.c.table_name, inner.c.recorded_at).where(inner.c.place <= REMEMBERED)
    found: dict[str, list[datetime]] = {}
    for name, at in connection.execute(query):
        found.setdefault(name, []).append(at)
    return found


def _state(
    name: str, sums: Any, retried: int, moments: Sequence[datetime], now: datetime
) -> TableState:
    if sums is None:
        return TableState(name, 0, 0, 0, 0, 0, None, None, None, 0.0)
    gap = usual_gap(moments)
    expected = max(moments) + timedelta(days=gap) if gap is not None else None
    wait = (now - expected) / timedelta(days=1) if expected is not None else 0.0
    late = wait if gap is not None and wait > gap * PATIENCE else 0.0
    return TableState(
        name, sums.n, int(sums.rows), int(sums.versions), int(sums.quarantined),
        int(sums.quarantined) - retried, sums.last_at, gap, expected, late,
    )  # fmt: skip


def usual_gap(moments: Sequence[datetime]) -> float | None:
    """Median days between the days of filings; None for fewer than `RHYTHM_FROM` days."""
    days = sorted({moment.date() for moment in moments})
    if len(days) < RHYTHM_FROM:
        return None
    return float(median((b - a).days for a, b in pairwise(days)))


def _batch(row: Mapping[str, Any]) -> Batch:
    kept = {k: row[k] for k in Batch.__dataclass_fields__ if k != "table"}
    return Batch(table=row["table_name"], **kept)
