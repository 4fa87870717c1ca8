"""Files to staged rows: each chunk mapped, cast, checked, hashed and written, one at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from detector.ingest.faults import ADVICE, QUARANTINE, LineFault
from detector.ingest.keys import key_expr
from detector.ingest.mapping import Mapping
from detector.ingest.readers import (
    LINE,
    Chunk,
    Columns,
    Reader,
    Request,
    match_columns,
    open_reader,
)
from detector.ingest.sources import BAD
from detector.ingest.validate import Judged, judge
from detector.pseudonyms import Pseudonyms
from features.contracts import TableContract

FILE = "_file"
"""Number of the file inside its batch, from 0."""
POSITION = "_position"
"""Order of the row in its batch, over all files."""
KEPT = 1000
"""Characters of each value kept in the quarantine."""

_FAULT = "fault:"


@dataclass
class Staged:
    """What the files held, as staged in `area`.

    Attributes:
        read: rows read; `good` of them fit the contract.
        cautions: rows by odd but possible fact.
    """

    area: Path
    read: int = 0
    good: int = 0
    quarantined: int = 0
    unknown: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    cautions: Counter[str] = field(default_factory=Counter)
    parts: int = 0

    @property
    def rows(self) -> Path:
        """Folder of the good rows."""
        return self.area / "rows"

    @property
    def faults(self) -> Path:
        """Folder of the quarantine entries."""
        return self.area / "faults"


class Preparer:
    """Prepares the files of one batch."""

    def __init__(
        self,
        contract: TableContract,
        mapping: Mapping,
        pseudonyms: Pseudonyms,
        area: Path,
        opener: Callable[[Request], Reader] = open_reader,
    ) -> None:
        self._contract, self._mapping, self._pseudonyms = contract, mapping, pseudonyms
        self.staged = Staged(area)
        self.staged.rows.mkdir()
        self.staged.faults.mkdir()
        self._file = -1
        self._open = opener

    def add(self, request: Request) -> None:
        """Reads one file to its end.

        Raises:
            WardenError: a fault of the whole file.
        """
        self._file += 1
        before = self.staged.read
        reader = self._open(request)
        try:
            columns = match_columns(reader, request)
            self._read(reader, columns, request)
        finally:
            reader.close()
        self.staged.unknown |= dict.fromkeys(columns.unknown)
        self.staged.notes += reader.notes
        if self.staged.read == before:
            self.staged.notes.append(f"{request.path.name}: has a header and no rows")

    def _read(self, reader: Reader, columns: Columns, request: Request) -> None:
        for chunk in reader.chunks():
            raw = self._canonical(chunk.frame, columns)
            judged = judge(raw, self._contract, self._mapping, request.limits, flawed=chunk.flawed)
            self._stage_good(judged.good)
            self._stage_faults(judged, chunk, request.path.name)
            self.staged.read += raw.height + len(chunk.faults)

    def _canonical(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """Canonical names; unknown columns dropped, constants added."""
        taken = [pl.col(s).alias(t) for s, t in columns.taken.items() if s in frame.columns]
        constants = [
            pl.lit(_spell(value)).alias(name) for name, value in self._mapping.constants.items()
        ]
        return frame.select(pl.col(LINE), *taken).with_columns(constants)

    def _stage_good(self, good: pl.DataFrame) -> None:
        if not good.height:
            return
        for caution in self._contract.cautions:
            self.staged.cautions[caution.says] += good.select(caution.when.sum()).item()
        start = self.staged.good
        rows = (
            good.with_columns(self._hashed(good))
            .with_columns(
                pl.lit(self._file, pl.Int32).alias(FILE),
                pl.int_range(start, start + good.height, dtype=pl.Int64).alias(POSITION),
            )
            .with_columns(key_expr(self._contract))
        )
        self.staged.parts += 1
        rows.write_parquet(self.staged.rows / f"{self.staged.parts:06}.parquet", compression="lz4")
        self.staged.good += good.height

    def _hashed(self, frame: pl.DataFrame) -> list[pl.Series]:
        """Person columns as keyed hashes, and what is derived from another column."""
        return [
            self._pseudonyms.series(frame[c.derived_from or c.name]).alias(c.name)
            for c in self._contract.columns
            if c.person
        ]

    def _stage_faults(self, judged: Judged, chunk: Chunk, name: str) -> None:
        told = []
        if judged.faults.height:
            told.append(self._row_faults(judged, chunk.places))
        if chunk.faults:
            told.append(self._line_faults(chunk.faults))
        if not told:
            return
        entries = pl.concat(told).with_columns(pl.col("source_file").fill_null(name))
        self.staged.parts += 1
        path = self.staged.faults / f"{self.staged.parts:06}.parquet"
        entries.select(list(QUARANTINE)).write_parquet(path)
        self.staged.quarantined += entries.height

    def _row_faults(self, judged: Judged, places: pl.DataFrame | None) -> pl.DataFrame:
        """Entries for rows that were read; persons are hashes here too."""
        filed = [c for c in self._contract.columns if c.name in judged.raw.columns]
        # the raw rows may have columns named `value` or `line` of their own
        faults = judged.faults.select(pl.all().name.prefix(_FAULT))
        bad = judged.raw.join(faults, left_on=LINE, right_on=f"{_FAULT}line")
        where = _placed(bad[LINE], places)
        hashed = [self._pseudonyms.series(bad[c.name]) for c in filed if c.person]
        row = pl.struct([pl.col(c.name).str.slice(0, KEPT) for c in filed]).struct.json_encode()
        entries = bad.with_columns(*hashed, *where).select(
            pl.col("_filed_in").alias("source_file"),
            pl.col("_filed_line").alias("line"),
            *(pl.col(_FAULT + name).alias(name) for name in ("rule", "column", "value")),
            pl.format(f"Line {{}}: {{}}. {ADVICE}", "_filed_line", f"{_FAULT}says").alias(
                "message"
            ),
            row.alias("row"),
        )
        shown = pl.col("value", "message", "row")
        return entries.with_columns(shown.str.replace_all(BAD, "\ufffd", literal=True))

    def _line_faults(self, lines: list[LineFault]) -> pl.DataFrame:
        """Entries for lines that are no rows; of a table with persons the text is withheld."""
        withheld = bool(self._contract.persons)
        note = " (The line itself is withheld: it may name a person.)" if withheld else ""
        entries = [
            {
                "source_file": fault.file,
                "line": fault.line,
                "rule": fault.rule,
                "column": None,
                "value": None,
                "message": f"Line {fault.line}: {fault.says}. {ADVICE}{note}",
                "row": None if withheld else json.dumps({"text": fault.text}, ensure_ascii=False),
            }
            for fault in lines
        ]
        return pl.DataFrame(entries, schema=QUARANTINE)


def _placed(lines: pl.Series, places: pl.DataFrame | None) -> tuple[pl.Series, pl.Series]:
    """File and line where rows were filed; without places, their own line of the file read."""
    if places is None:
        return pl.Series("_filed_in", [None] * len(lines), pl.String), lines.alias("_filed_line")
    found = lines.to_frame().join(places, on=LINE, how="left", maintain_order="left")
    return found["filed_in"].alias("_filed_in"), found["filed_line"].alias("_filed_line")


def _spell(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
