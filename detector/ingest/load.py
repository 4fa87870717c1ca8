"""Taking in files: one batch, one commit, all in or all out, with a balance that always holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from filelock import FileLock
from sqlalchemy import Engine, func, insert, select

from alerts import audit
from alerts.model import SYSTEM
from detector.database import reading, writing
from detector.ingest import commit
from detector.ingest.classify import SEQUENCE, Classified, classify
from detector.ingest.faults import file_error
from detector.ingest.limits import Limits
from detector.ingest.mapping import LoadedMapping, keep_mapping, load_mapping
from detector.ingest.prepare import POSITION, Preparer, Staged
from detector.ingest.readers import Origin, Request, open_reader
from detector.ingest.references import unknown_names
from detector.ingest.sources import Progress
from detector.ingest.staging import staging_area
from detector.lake_tables import batch
from detector.pseudonyms import load_pseudonyms
from features.contracts import RECORDED_AT, TableContract, contract
from features.errors import WardenError

SEQUENCE_STEP = 1 << 36
"""Rows a batch may hold before its numbers meet those of the next."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of the rows: ``read = accepted + corrected + repeated + quarantined``.

    Attributes:
        accepted: new keys. corrected: known keys with other content.
        repeated: known keys with the same content.
        unknown_columns: columns kept out.
        already_known: the same bytes were taken in before; nothing was done.
    """

    batch_id: str
    table: str
    read: int
    accepted: int
    corrected: int
    repeated: int
    quarantined: int
    unknown_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    already_known: bool = False

    def __post_init__(self) -> None:
        parts = self.accepted + self.corrected + self.repeated + self.quarantined
        if self.read != parts:
            raise WardenError(
                "unbalanced",
                f"Batch {self.batch_id[:12]} does not balance: {self.read} rows read, "
                f"{parts} accounted for. Nothing was taken in.",
                "This is a fault of the software; report it with the file.",
                kind="integrity",
            )

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Batch:
    """One ingest in hand."""

    home: Path
    engine: Engine
    contract: TableContract
    batch_id: str
    files: tuple[Path, ...]
    mapping: LoadedMapping
    started: datetime
    recorded_at: datetime | None
    limits: Limits
    origin: Origin
    actor: str


def load_files(
    home: Path,
    engine: Engine,
    table: str,
    files: Sequence[Path],
    mapping: Path | None = None,
    recorded_at: datetime | None = None,
    progress: Progress | None = None,
    limits: Limits | None = None,
    origin: Origin | None = None,
    actor: str = SYSTEM,
) -> Balance:
    """Takes files into a canonical table as one batch.

    Args:
        recorded_at: when we learned it; now when None, UTC when naive.
        progress: called with bytes done and bytes in all.
        origin: what the files were converted from; themselves when None.
        actor: who files them.

    Raises:
        WardenError: a fault of the whole request or of a whole file; nothing was taken in.
    """
    wanted = contract(table)
    if not files:
        raise WardenError("no_files", "No file was named.", "Name one or more files.")
    loaded = load_mapping(mapping, wanted)
    if recorded_at is not None and recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=UTC)
    job = _Batch(
        home=home,
        engine=engine,
        contract=wanted,
        batch_id=_batch_id(table, loaded, (origin and origin.filed) or files),
        files=tuple(files),
        mapping=loaded,
        started=datetime.now(UTC),
        recorded_at=recorded_at,
        limits=limits or Limits(),
        origin=origin or Origin(tuple(path.name for path in files), open_reader),
        actor=actor,
    )
    return _known(job) or _take_in(job, progress)


def _take_in(job: _Batch, progress: Progress | None) -> Balance:
    with staging_area(job.home) as area:
        staged = _stage(job, area, progress)
        with FileLock(job.home / "ingest.lock"):
            # another process may have taken in the same bytes meanwhile
            return _known(job) or _settle(job, staged)


def _stage(job: _Batch, area: Path, progress: Progress | None) -> Staged:
    pseudonyms, opener = load_pseudonyms(job.home, job.origin.hashed), job.origin.reader
    preparer = Preparer(job.contract, job.mapping.mapping, pseudonyms, area, opener)
    tell = _teller(job.files, progress)
    for path in job.files:
        preparer.add(Request(path, job.contract, job.mapping.mapping, job.limits, area, tell))
    return preparer.staged


def _settle(job: _Batch, staged: Staged) -> Balance:
    """Compares with the lake and commits; the caller holds the lock."""
    name, when = job.contract.name, job.recorded_at or datetime.now(UTC)
    with reading(job.engine) as connection:
        visible = commit.pointer(connection, name)
        hidden = commit.pointer(connection, commit.QUARANTINE_TABLE)
        last = connection.execute(select(func.max(batch.c.sequence))).scalar()
    sequence = int(last or 0) + 1
    schema = commit.lake_schema(job.contract)
    lake = commit.stored_rows(job.home, name, schema, visible) if visible else None
    found = classify(
        job.contract,
        staged.rows,
        staged.good,
        lake,
        when,
        staged.area / "new",
        job.limits.partition_rows,
    )
    balance = Balance(
        batch_id=job.batch_id,
        table=name,
        read=staged.read,
        accepted=found.accepted,
        corrected=found.corrected,
        repeated=found.repeated,
        quarantined=staged.quarantined,
        unknown_columns=tuple(staged.unknown),
        warnings=(*_warnings(staged), *_strangers(job, staged)),
    )
    keep_mapping(job.home, job.mapping)
    version = _append_rows(job, found, visible, when, sequence)
    quarantine = _append_quarantine(job, staged, hidden, when)
    _record(job, balance, when, sequence, version, quarantine)
    return balance


def _strangers(job: _Batch, staged: Staged) -> tuple[str, ...]:
    """Names of the batch that no other table knows."""
    if not staged.good:
        return ()

    def stored(table: str) -> pl.LazyFrame | None:
        with reading(job.engine) as connection:
            version = commit.pointer(connection, table)
        if version is None:
            return None
        return commit.stored_rows(job.home, table, commit.lake_schema(contract(table)), version)

    return unknown_names(job.contract.name, staged.rows, stored)


def _append_rows(
    job: _Batch, found: Classified, visible: int | None, when: datetime, sequence: int
) -> int | None:
    if not found.accepted + found.corrected:
        return None
    schema = commit.lake_schema(job.contract)
    table = commit.settled(job.home, job.contract.name, schema, visible)
    columns = [
        pl.lit(when).cast(schema[RECORDED_AT]).alias(RECORDED_AT),
        pl.lit(job.batch_id).alias("_batch_id"),
        (pl.col(POSITION) + sequence * SEQUENCE_STEP).alias(SEQUENCE),
    ]
    return commit.append(table, found.folder, schema, columns, job.batch_id)


def _append_quarantine(
    job: _Batch, staged: Staged, hidden: int | None, when: datetime
) -> int | None:
    if not staged.quarantined:
        return None
    schema = commit.QUARANTINE_SCHEMA
    table = commit.settled(job.home, commit.QUARANTINE_TABLE, schema, hidden)
    columns = [
        pl.lit(when).cast(schema[RECORDED_AT]).alias(RECORDED_AT),
        pl.lit(job.batch_id).alias("batch_id"),
        pl.lit(job.contract.name).alias("table"),
    ]
    return commit.append(table, staged.faults, schema, columns, job.batch_id)


def _record(
    job: _Batch,
    balance: Balance,
    when: datetime,
    sequence: int,
    version: int | None,
    quarantine: int | None,
) -> None:
    """The moment the batch becomes visible: one transaction, pointers and record together."""
    with writing(job.engine) as connection:
        if version is not None:
            commit.point(connection, job.contract.name, version)
        if quarantine is not None:
            commit.point(connection, commit.QUARANTINE_TABLE, quarantine)
        connection.execute(
            insert(batch).values(
                batch_id=job.batch_id,
                table_name=job.contract.name,
                sequence=sequence,
                source_files=json.dumps(job.origin.names, ensure_ascii=False),
                mapping_hash=job.mapping.digest or None,
                recorded_at=when,
                read=balance.read,
                accepted=balance.accepted,
                corrected=balance.corrected,
                repeated=balance.repeated,
                quarantined=balance.quarantined,
                started_at=job.started,
                finished_at=datetime.now(UTC),
                lake_version=version,
                quarantine_version=quarantine,
                filed_by=job.actor,
            )
        )
        told = {
            name: getattr(balance, name)
            for name in ("table", "read", "accepted", "corrected", "repeated", "quarantined")
        }
        audit.record(
            connection,
            actor=job.actor,
            action="batch.taken_in",
            kind="batch",
            key=job.batch_id,
            data=told | {"recorded_at": when},
            now=datetime.now(UTC),
        )


def _known(job: _Batch) -> Balance | None:
    """The balance of bytes taken in before: all of them repeated."""
    with reading(job.engine) as connection:
        query = select(batch.c.read).where(batch.c.batch_id == job.batch_id)
        read = connection.execute(query).scalar_one_or_none()
    if read is None:
        return None
    return Balance(job.batch_id, job.contract.name, read, 0, 0, read, 0, already_known=True)


def _batch_id(table: str, mapping: LoadedMapping, files: Sequence[Path]) -> str:
    """Hash over the table, the mapping and the content of the files, in their order."""
    total = hashlib.sha256(f"{table}\n{mapping.digest}\n".encode())
    for path in files:
        if path.is_dir():
            says, hint = "this is a folder.", "Name the files inside it."
            raise file_error(path, "not_a_file", says, hint)
        try:
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        except FileNotFoundError as error:
            hint = "Check the name and the folder."
            raise file_error(path, "file_not_found", "there is no such file.", hint) from error
        except OSError as error:
            says = f"it cannot be opened ({error.strerror})."
            raise file_error(path, "file_not_readable", says, "Check its rights.") from error
    return total.hexdigest()


def _teller(files: Sequence[Path], progress: Progress | None) -> Callable[[int], None] | None:
    if progress is None:
        return None
    total = sum(path.stat().st_size for path in files)
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done = min(done + count, total)
        progress(done, total)

    return tell


def _warnings(staged: Staged) -> tuple[str, ...]:
    cautions = tuple(f"{n} rows: {says}" for says, n in staged.cautions.items() if n)
    return (*staged.notes, *cautions)
