"""Reading the lake: a snapshot pins what is visible, and a read gives what was known then.

Every version of every filing stays. A row in force is the latest version of its key by learned
time, then by order of arrival. "As known on a date" leaves out what was learned later, so it is
exact however much was corrected or filed late since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable
from sqlalchemy import Engine, RowMapping, select

from alerts.connections import ReadConnection
from detector.database import reading
from detector.ingest.commit import QUARANTINE_SCHEMA, QUARANTINE_TABLE, lake_schema, stored_rows
from detector.lake_tables import batch, lake_pointer
from features.contracts import INSTANT, RECORDED_AT, contract

QUARANTINE_COLUMNS = ("batch_id", "table", "source_file", "line", "rule", "message", "row")
"""Columns of the quarantine as it is exported."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run reads.

    Attributes:
        versions: pinned Delta version by table; only tables that hold something.
        known_as_of: rows learned later are left out; None leaves out nothing.
        id: hash over the visible batches: equal filings give equal ids.
        amended: tables in which some key has more than one version.
        filled: tables of which some row is known.
    """

    versions: Mapping[str, int]
    known_as_of: datetime | None
    id: str
    amended: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()


class Lake:
    """The filings of one installation, to read."""

    def __init__(self, home: Path, engine: Engine) -> None:
        self._home, self._engine = home, engine
        self._stored: dict[tuple[str, int], pl.LazyFrame] = {}

    def tables(self) -> tuple[str, ...]:
        """Names of the tables that hold rows, sorted."""
        with reading(self._engine) as connection:
            return tuple(sorted(_pointers(connection)))

    def pin(self, known_as_of: datetime | None = None) -> Snapshot:
        """Pins what is visible now, as known on a moment (aware, or UTC when naive)."""
        with reading(self._engine) as connection:
            return _snapshot(connection, _pointers(connection), _aware(known_as_of))

    def pinned(self, versions: Mapping[str, int], known_as_of: datetime | None) -> Snapshot:
        """A snapshot of before: equal to what `pin` gave when these versions were visible."""
        with reading(self._engine) as connection:
            return _snapshot(connection, versions, _aware(known_as_of))

    def scan(self, snapshot: Snapshot, table: str) -> pl.LazyFrame:
        """Rows in force as known: the contract's columns, `recorded_at`, and book-keeping.

        A table without filings is an empty frame. Raises WardenError ``unknown_table``.
        """
        rows = self._versions(snapshot, table)
        if table in snapshot.amended:
            rows = rows.sort(RECORDED_AT, "_seq").unique("_key", keep="last", maintain_order=True)
        return rows.drop("_file", "_seq")

    def history(self, table: str, key: Mapping[str, Any]) -> pl.LazyFrame:
        """Every version of the rows with these column values, oldest first."""
        rows = self.versions(self.pin(), table)
        wanted = [pl.col(name).eq_missing(pl.lit(value)) for name, value in key.items()]
        rows = rows.filter(wanted) if wanted else rows
        return rows.sort(RECORDED_AT, "_seq").drop("_seq")

    def versions(self, snapshot: Snapshot, table: str) -> pl.LazyFrame:
        """Every version of every row known at a snapshot, in no order.

        `_seq`, the order of arrival, decides between versions learned at one moment.
        """
        return self._versions(snapshot, table).drop("_file")

    def changed_since(self, old: Snapshot, new: Snapshot) -> dict[str, pl.LazyFrame]:
        """By table, the rows of every key that was filed or corrected between two snapshots.

        A key gives its row in force in each snapshot that has one, so that what a correction
        moved away from is there too. Tables without a change are left out.
        """
        with reading(self._engine) as connection:
            before = {b["batch_id"]: b for b in _visible(connection, old.versions, old.known_as_of)}
            after = {b["batch_id"]: b for b in _visible(connection, new.versions, new.known_as_of)}
        batches = [*(b for k, b in before.items() if k not in after),
                   *(b for k, b in after.items() if k not in before)]  # fmt: skip
        changed: dict[str, pl.LazyFrame] = {}
        for table in sorted({b["table_name"] for b in batches}):
            mine = [b for b in batches if b["table_name"] == table]
            ids = pl.col("_batch_id").is_in([b["batch_id"] for b in mine])
            if all(b["batch_id"] in after and not b["corrected"] for b in mine):
                # Nothing but new keys: no older version stands anywhere else.
                changed[table] = self._versions(new, table).filter(ids).drop("_file", "_seq")
                continue
            rows = pl.concat([self._versions(s, table) for s in (old, new)])
            keys = rows.filter(ids).select("_key").unique()
            both = [self.scan(s, table).join(keys, on="_key", how="semi") for s in (old, new)]
            changed[table] = pl.concat(both).unique(maintain_order=True)
        return changed

    def quarantine(self, known_as_of: datetime | None = None) -> pl.DataFrame:
        """Every quarantined row, oldest first, with what is wrong in words.

        Columns: batch_id, table, source_file, line, rule, message, row (JSON text).
        """
        with reading(self._engine) as connection:
            version = _pointers(connection, hidden=True).get(QUARANTINE_TABLE)
        if version is None:
            return pl.DataFrame(schema={n: QUARANTINE_SCHEMA[n] for n in QUARANTINE_COLUMNS})
        rows = stored_rows(self._home, QUARANTINE_TABLE, QUARANTINE_SCHEMA, version)
        if known_as_of is not None:
            rows = rows.filter(pl.col(RECORDED_AT) <= pl.lit(_aware(known_as_of)).cast(INSTANT))
        ordered = rows.sort(RECORDED_AT, "batch_id", "source_file", "line", maintain_order=True)
        return ordered.select(QUARANTINE_COLUMNS).collect()

    def unfinished(self) -> tuple[str, ...]:
        """Tables whose log is ahead of what is visible: an ingest broke off, or is at work."""
        with reading(self._engine) as connection:
            visible = _pointers(connection, hidden=True)
        found = []
        for path in sorted((self._home / "lake").glob("*")):
            if DeltaTable.is_deltatable(str(path)):
                ahead = DeltaTable(path).version() > visible.get(path.name, 0)
                found += [path.name] if ahead else []
        return tuple(found)

    def _versions(self, snapshot: Snapshot, table: str) -> pl.LazyFrame:
        """Every version known at the snapshot."""
        schema = lake_schema(contract(table))
        version = snapshot.versions.get(table)
        if version is None:
            return pl.LazyFrame(schema=schema)
        rows = self._stored.get((table, version))
        if rows is None:
            rows = self._stored[table, version] = stored_rows(self._home, table, schema, version)
        if snapshot.known_as_of is None:
            return rows
        return rows.filter(pl.col(RECORDED_AT) <= pl.lit(snapshot.known_as_of).cast(INSTANT))


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _pointers(connection: ReadConnection, *, hidden: bool = False) -> dict[str, int]:
    rows = connection.execute(select(lake_pointer.c.table_name, lake_pointer.c.version))
    return {name: version for name, version in rows if hidden or not name.startswith("_")}


def _snapshot(
    connection: ReadConnection, versions: Mapping[str, int], moment: datetime | None
) -> Snapshot:
    batches = _visible(connection, versions, moment)
    total = hashlib.sha256()
    for row in sorted(batches, key=lambda b: (b["table_name"], b["recorded_at"], b["sequence"])):
        stamp = row["recorded_at"].isoformat()
        total.update(f"{row['table_name']}\n{row['batch_id']}\n{stamp}\n".encode())
    amended = frozenset(row["table_name"] for row in batches if row["corrected"])
    filled = frozenset(row["table_name"] for row in batches)
    return Snapshot(versions, moment, total.hexdigest(), amended, filled)


def _visible(
    connection: ReadConnection, versions: Mapping[str, int], known_as_of: datetime | None
) -> list[RowMapping]:
    """Batches whose rows a snapshot shows; those that added nothing are left out."""
    query = select(batch).where(batch.c.accepted + batch.c.corrected > 0)
    if known_as_of is not None:
        query = query.where(batch.c.recorded_at <= known_as_of)
    return [
        row
        for row in connection.execute(query).mappings()
        if row["lake_version"] <= versions.get(row["table_name"], -1)
    ]
