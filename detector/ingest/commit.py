"""Writing the lake: Delta tables ahead of the pointer are undone first, then appended to.

Readers see only the version in `lake_pointer`, and the pointer moves in the database transaction
that records the batch. A process killed before that leaves a log ahead of its pointer, which the
next ingest restores to the pointer's version: nothing half-visible, nothing to clean by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from sqlalchemy import delete, insert, select

from alerts.connections import ReadConnection, WriteConnection
from detector.ingest.faults import QUARANTINE
from detector.lake_tables import lake_pointer
from features.contracts import INSTANT, RECORDED_AT, TableContract
from features.errors import WardenError

QUARANTINE_TABLE = "_quarantine"

QUARANTINE_SCHEMA: dict[str, Any] = {
    "batch_id": pl.String(),
    "table": pl.String(),
    **QUARANTINE,
    RECORDED_AT: INSTANT,
}

_KEEP = {
    # old versions are evidence: a pinned snapshot must stay readable for good
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}


def table_path(home: Path, name: str) -> Path:
    """Folder of a Delta table."""
    return home / "lake" / name


def lake_schema(contract: TableContract) -> dict[str, Any]:
    """Columns of a table as stored: the contract's, `recorded_at`, and the book-keeping."""
    return contract.dtypes | {
        "_batch_id": pl.String(),
        "_file": pl.Int32(),
        "_line": pl.Int64(),
        "_key": pl.String(),
        "_seq": pl.Int64(),
    }


def pointer(connection: ReadConnection, name: str) -> int | None:
    """The visible version of a table, None when nothing of it is visible."""
    query = select(lake_pointer.c.version).where(lake_pointer.c.table_name == name)
    return connection.execute(query).scalar_one_or_none()


def point(connection: WriteConnection, name: str, version: int) -> None:
    """Makes a version the visible one."""
    connection.execute(delete(lake_pointer).where(lake_pointer.c.table_name == name))
    connection.execute(insert(lake_pointer).values(table_name=name, version=version))


def stored_rows(home: Path, name: str, schema: dict[str, Any], version: int) -> pl.LazyFrame:
    """Rows of one version of a table; columns it did not have yet are empty.

    Raises:
        WardenError: ``lake_behind_database`` when the lake does not hold the table.
    """
    path = table_path(home, name)
    if not DeltaTable.is_deltatable(str(path)):
        raise _behind(name, "is not there", version)
    table = DeltaTable(path, version=version)
    have = pl.Schema(table.schema())
    files = table.file_uris()
    # Not `scan_delta`: it asks the log anew for every plan, statistics of all columns included.
    stored = (
        pl.scan_parquet(files, schema=have, missing_columns="insert", extra_columns="ignore")
        if files
        else pl.LazyFrame(schema=have)
    )
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in schema.items() if n not in have]
    return stored.with_columns(missing).select(list(schema))


def _behind(name: str, found: str, version: int) -> WardenError:
    return WardenError(
        "lake_behind_database",
        f"The lake's table `{name}` {found}; the database knows version {version}.",
        "Restore lake and database from one backup.",
        kind="integrity",
    )


def settled(home: Path, name: str, schema: dict[str, Any], visible: int | None) -> DeltaTable:
    """The table with nothing ahead of its pointer; made when there is none.

    Version 0 of a table is always empty, so an unfinished first batch is undone like any other.
    """
    path = table_path(home, name)
    if not DeltaTable.is_deltatable(str(path)):
        path.mkdir(parents=True, exist_ok=True)
        empty = pl.DataFrame(schema=schema).to_arrow().schema
        return DeltaTable.create(path, schema=empty, configuration=dict(_KEEP))
    table = DeltaTable(path)
    wanted = visible or 0
    if table.version() < wanted:
        raise _behind(name, f"ends at version {table.version()}", wanted)
    if table.version() > wanted:
        table.restore(wanted)
    return table


def append(
    table: DeltaTable, parts: Path, schema: dict[str, Any], columns: list[pl.Expr], batch_id: str
) -> int:
    """Appends staged parts, a part in memory at a time, as one commit; gives its version.

    Args:
        columns: expressions that make the stored columns out of the staged ones.
    """
    arrow = pl.DataFrame(schema=schema).to_arrow().schema
    reader = pa.RecordBatchReader.from_batches(arrow, _batches(parts, schema, columns, arrow))
    properties = CommitProperties(custom_metadata={"warden.batch_id": batch_id})
    write_deltalake(table, reader, mode="append", schema_mode="merge", commit_properties=properties)
    return int(table.version())


def _batches(
    parts: Path, schema: dict[str, Any], columns: list[pl.Expr], arrow: Any
) -> Iterator[Any]:
    for path in sorted(parts.glob("*.parquet")):
        frame = pl.read_parquet(path).with_columns(columns).select(list(schema))
        yield from frame.to_arrow().cast(arrow).to_batches(max_chunksize=65_536)
