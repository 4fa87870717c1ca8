"""Quarantined rows, to be looked at and downloaded: what is wrong, and what became of them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Engine

from detector.database import ReadConnection, reading
from detector.export import disarmed
from detector.ingest import commit
from detector.ingest.prepare import KEPT
from detector.lake_tables import batch, quarantine_retry
from features.contracts import RECORDED_AT, TableContract, contract

MARKS = ("quarantine_file", "quarantine_line", "what_is_wrong")
"""Columns before those of the table in a download of rejected rows; ours, never filed."""
_NAMED = re.compile(r"`([a-z_0-9]+)`")

Place = tuple[str, int]
"""File and line of a row, as filed."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One quarantined row.

    Attributes:
        rule: short name of what it breaks, as `amount|not_number`.
        value: what stood in `column`; withheld for persons.
        row: text by column as filed; None for a line that is no row, whose `text` is kept.
        retry_batch_id: batch it was sent again in, None while it waits.
        refused: whether it was quarantined there again.
    """

    batch_id: str
    table: str
    source_file: str
    line: int
    rule: str
    column: str | None
    value: str | None
    message: str
    row: Mapping[str, str | None] | None
    text: str | None
    recorded_at: datetime
    retry_batch_id: str | None
    refused: bool

    @property
    def place(self) -> Place:
        """Where it was filed."""
        return self.source_file, self.line

    @property
    def waits(self) -> bool:
        """Whether nobody has sent it again."""
        return self.retry_batch_id is None

    def named(self) -> tuple[str, ...]:
        """Columns the sentence speaks of, the one to correct first."""
        wanted = contract(self.table)
        known = {c.name for c in _fileable(wanted)}
        told = [self.column, *_NAMED.findall(self.message)]
        return tuple(dict.fromkeys(name for name in told if name in known and name))

    def cut(self, column: str) -> bool:
        """Whether only the beginning of a value is kept, so that it cannot be sent again."""
        return self.row is not None and len(self.row.get(column) or "") >= KEPT


def rejected_rows(
    home: Path,
    engine: Engine,
    batch_id: str,
    *,
    waiting: bool = False,
    lines: Collection[int] | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Rejected]:
    """Quarantined rows of one batch in the order they were filed.

    Args:
        waiting: only those nobody has sent again.
        lines: only rows of these lines, of whatever file.
        limit, offset: a page of them; everything when `limit` is None.
    """
    with reading(engine) as connection:
        version = commit.pointer(connection, commit.QUARANTINE_TABLE)
        sent = _sent_again(connection, batch_id)
    if version is None:
        return []
    rows = commit.stored_rows(home, commit.QUARANTINE_TABLE, commit.QUARANTINE_SCHEMA, version)
    rows = rows.filter(pl.col("batch_id") == batch_id)
    if lines is not None:
        rows = rows.filter(pl.col("line").is_in(list(lines)))
    if waiting and sent:
        schema = {"source_file": pl.String, "line": pl.Int64}
        settled = pl.LazyFrame(list(sent), schema=schema, orient="row")
        rows = rows.join(settled, on=["source_file", "line"], how="anti")
    mine = rows.sort("source_file", "line").slice(offset, limit).collect()
    return [_rejected(row, sent) for row in mine.iter_rows(named=True)]


def batches_waiting(connection: ReadConnection, table: str | None = None) -> list[dict[str, Any]]:
    """Batches with quarantined rows nobody has sent again, the newest first.

    Keys: `batch_id`, `table`, `source_files`, `recorded_at`, `quarantined`, `waiting`.
    """
    b, r = batch.c, quarantine_retry.c
    retried = sa.select(sa.func.count()).where(r.batch_id == b.batch_id).scalar_subquery()
    query = (
        sa.select(
            b.batch_id, b.table_name.label("table"), b.source_files, b.recorded_at, b.quarantined,
            (b.quarantined - retried).label("waiting"),
        )
        .where(b.quarantined > 0, b.quarantined - retried > 0)
        .order_by(b.sequence.desc())
        .limit(100)
    )  # fmt: skip
    if table is not None:
        query = query.where(b.table_name == table)
    return [dict(row) for row in connection.execute(query).mappings()]


def rejected_csv(table: str, rows: list[Rejected]) -> Iterator[str]:
    """Rejected rows as CSV text, line by line, to be corrected and handed in again.

    Texts a spreadsheet would run are led by an apostrophe, which `detector.retries` takes off.
    """
    columns = [c.name for c in _fileable(contract(table))]
    columns = [name for name in columns if any(name in (one.row or {}) for one in rows)] or columns
    yield _line([*MARKS, *columns])
    for one in rows:
        filed = one.row or {}
        cells = [filed.get(name) or "" for name in columns]
        yield _line([one.source_file, str(one.line), one.message, *cells])


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([disarmed(cell) for cell in cells])
    return text.getvalue()


def _fileable(wanted: TableContract) -> list[Any]:
    return [c for c in wanted.columns if c.derived_from is None]


def _sent_again(connection: ReadConnection, batch_id: str) -> dict[Place, tuple[str, bool]]:
    r = quarantine_retry.c
    query = sa.select(r.source_file, r.line, r.retry_batch_id, r.refused)
    rows = connection.execute(query.where(r.batch_id == batch_id))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def _rejected(row: dict[str, Any], sent: Mapping[Place, tuple[str, bool]]) -> Rejected:
    filed: dict[str, Any] | None = json.loads(row["row"]) if row["row"] else None
    known = {c.name for c in contract(row["table"]).columns}
    torn = filed is None or not (filed.keys() & known)
    again = sent.get((row["source_file"], row["line"]), (None, False))
    kept = ("batch_id", "table", "source_file", "line", "rule", "column", "value", "message")
    return Rejected(
        **{name: row[name] for name in kept},
        row=None if torn else filed,
        text=str((filed or {}).get("text") or "") or None if torn else None,
        recorded_at=row[RECORDED_AT],
        retry_batch_id=again[0],
        refused=again[1],
    )
