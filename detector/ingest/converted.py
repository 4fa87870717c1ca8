"""Rows a converter made out of a public format, on their way through the ordinary ingest.

A converter writes canonical rows as text together with where each was filed; this reader hands
them on, so that balance, quarantine and idempotence are those of every other file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from detector.ingest.faults import LineFault
from detector.ingest.readers import LINE, Chunk, Request
from features.contracts import TableContract

PART = 20_000
"""Rows of one part."""
_FAULTS = "faults"


class RowSink:
    """Writes rows of one table, and faults, as numbered Parquet parts into one folder."""

    def __init__(
        self, folder: Path, contract: TableContract, marks: Mapping[str, Any] | None = None
    ) -> None:
        """`marks`: further columns a row carries, to be dropped before `write`."""
        self._folder = folder
        folder.mkdir(parents=True)
        self._schema: dict[str, Any] = {
            **{c.name: pl.String for c in contract.columns if c.derived_from is None},
            "filed_in": pl.String,
            "filed_line": pl.Int64,
            **(marks or {}),
        }
        self._rows: list[dict[str, Any]] = []
        self._faults: list[dict[str, Any]] = []
        self._parts = 0
        self.height = 0

    def add(self, row: Mapping[str, Any], file: str, line: int) -> None:
        """One row, with the file and line it was filed in."""
        self._rows.append({**row, "filed_in": file, "filed_line": line})
        self.height += 1
        if len(self._rows) >= PART:
            self._flush()

    def fault(self, fault: LineFault, file: str) -> None:
        """What was filed there is no row."""
        entry = {"line": fault.line, "rule": fault.rule, "says": fault.says}
        self._faults.append({**entry, "text": fault.text, "file": fault.file or file})
        self.height += 1

    def frame(self) -> pl.LazyFrame:
        """The rows so far, in order; no more are added after."""
        self._flush()
        empty = pl.LazyFrame(schema=self._schema)
        parts = [pl.scan_parquet(p) for p in sorted(self._folder.glob("*.parquet"))]
        return pl.concat([empty, *parts])

    def write(self, target: Path, rows: pl.LazyFrame | None = None) -> list[Path]:
        """The files for the ingest: the rows (or `rows` instead of them), and the faults."""
        files: list[Path] = []
        if self._faults:
            path = target.with_suffix(f".{_FAULTS}")
            pl.DataFrame(self._faults, schema=_FAULT_SCHEMA).write_parquet(path)
            files.append(path)
        if self.height > len(self._faults) or not files:
            (self.frame() if rows is None else rows).sink_parquet(target, compression="lz4")
            files.append(target)
        return files

    def _flush(self) -> None:
        if self._rows:
            path = self._folder / f"{self._parts:06}.parquet"
            pl.DataFrame(self._rows, schema=self._schema).write_parquet(path, compression="lz4")
            self._parts += 1
            self._rows = []


_FAULT_SCHEMA: dict[str, Any] = {
    "line": pl.Int64,
    "rule": pl.String,
    "says": pl.String,
    "text": pl.String,
    "file": pl.String,
}


class ConvertedReader:
    """Reads what a `RowSink` wrote; see `Reader`. The path is either the rows or the faults."""

    def __init__(self, request: Request) -> None:
        self._path = request.path
        self._named = tuple(c.name for c in request.contract.columns if c.derived_from is None)
        self.columns = self._named
        self.open_ended = False
        self.notes: list[str] = []

    def close(self) -> None:
        """Nothing stays open."""

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order; `LINE` numbers them, and `places` says where they were filed."""
        if self._path.suffix == f".{_FAULTS}":
            yield Chunk(self._rowless(), self._faults())
            return
        rows = pl.scan_parquet(self._path)
        height = int(rows.select(pl.len()).collect().item())
        for start in range(0, height, PART):
            part = rows.slice(start, PART).collect().with_row_index(LINE, start + 1)
            part = part.with_columns(pl.col(LINE).cast(pl.Int64))
            places = part.select(LINE, "filed_in", "filed_line")
            yield Chunk(part.drop("filed_in", "filed_line"), [], places=places)

    def _rowless(self) -> pl.DataFrame:
        names: dict[str, Any] = dict.fromkeys(self._named, pl.String)
        return pl.DataFrame(schema={**names, LINE: pl.Int64})

    def _faults(self) -> list[LineFault]:
        return [LineFault(**row) for row in pl.read_parquet(self._path).iter_rows(named=True)]
