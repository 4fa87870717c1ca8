"""A file before it is taken in: where its columns go, and what its first rows would give."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from detector.ingest.faults import shorten
from detector.ingest.limits import Limits
from detector.ingest.mapping import Mapping
from detector.ingest.readers import LINE, Chunk, Request, open_reader, taken_columns
from detector.ingest.validate import judge
from features.contracts import CONTRACTS, Column, TableContract

ROWS = 2_000
"""Rows looked at; the file may be of any length."""
SHOWN = 3
_SCALES = {
    "万": 10_000.0, "wan": 10_000.0, "千": 1_000.0, "thousand": 1_000.0, "亿": 1e8,
    "million": 1e6, "mio": 1e6, "bn": 1e9, "billion": 1e9,
}  # fmt: skip
"""Words in the name of a column that say its numbers count in something larger."""


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """One column of a file.

    Attributes:
        target: canonical column it goes to, None where it is kept out.
        first: its first values; none of persons.
        unread: rows among those looked at whose first fault lies here.
        scale: what the name says its numbers are to be multiplied by, None where it says nothing.
    """

    name: str
    target: Column | None
    first: tuple[str, ...]
    filled: int
    unread: int
    scale: float | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file.

    Attributes:
        rows: rows looked at. whole: whether that is all of them.
        faulty: of those, rows that would be quarantined; None while a required column is missing.
        missing: required columns nothing gives yet.
        says: what is wrong with the first faulty rows.
    """

    columns: tuple[ColumnLook, ...]
    rows: int
    whole: bool
    faulty: int | None
    missing: tuple[str, ...]
    says: tuple[str, ...]
    notes: tuple[str, ...]


def preview(
    path: Path,
    contract: TableContract,
    mapping: Mapping,
    scratch: Path,
    limits: Limits | None = None,
) -> Preview:
    """Looks at the first rows of a file as an ingest would read them.

    Args:
        scratch: folder for what must be unpacked to be read.

    Raises:
        WardenError: a fault of the whole file.
    """
    request = Request(path, contract, mapping, limits or Limits(), scratch)
    reader = open_reader(request)
    try:
        taken = taken_columns(reader, request)
        chunks = reader.chunks()
        chunk = next(chunks, None) or Chunk(pl.DataFrame(schema={LINE: pl.Int64}), [])
        whole = chunk.frame.height <= ROWS and next(chunks, None) is None
        names, notes = reader.columns, tuple(reader.notes)
    finally:
        reader.close()
    rows = chunk.frame.head(ROWS)
    have = {*taken.values(), *mapping.constants}
    missing = tuple(name for name in contract.required if name not in have)
    faults = None if missing else _faults(rows, taken, contract, mapping, request.limits)
    return Preview(
        columns=tuple(_look(name, taken, contract, mapping, rows, faults) for name in names),
        rows=rows.height + len(chunk.faults),
        whole=whole,
        faulty=None if faults is None else faults.height + len(chunk.faults),
        missing=missing,
        says=() if faults is None else tuple(
            f"Line {line}: {says}." for line, says in faults.select("line", "says").head(3).rows()
        ),
        notes=notes,
    )  # fmt: skip


def columns_of(
    path: Path, scratch: Path, table: TableContract | None = None, mapping: Mapping | None = None
) -> tuple[str, ...]:
    """Names of the columns of a file; raises WardenError as `preview` does."""
    wanted = table or next(iter(CONTRACTS.values()))
    reader = open_reader(Request(path, wanted, mapping or Mapping(), Limits(), scratch))
    try:
        return tuple(reader.columns)
    finally:
        reader.close()


def likely_table(names: tuple[str, ...]) -> str | None:
    """The table whose columns these are: all required ones, then as many as possible."""
    have = {plain(name) for name in names}
    fits = {
        name: len(have & {c.name for c in one.columns}) / len(one.columns)
        + len(have & {c.name for c in one.columns})
        for name, one in CONTRACTS.items()
        if set(one.required) <= have
    }
    return max(fits, key=lambda name: fits[name]) if fits else None


def likely_names(names: tuple[str, ...], contract: TableContract) -> dict[str, str]:
    """Columns that are spelled a little differently here -> canonical ones."""
    targets = {c.name for c in contract.columns if c.derived_from is None}
    found: dict[str, str] = {}
    for name in names:
        wanted = plain(name)
        if name not in targets and wanted in targets - set(names) - set(found.values()):
            found[name] = wanted
    return found


def plain(name: str) -> str:
    """A column name in the spelling of the catalogue: `Bid ID` and `bidId` give `bid_id`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _faults(
    rows: pl.DataFrame,
    taken: MappingOf[str, str],
    contract: TableContract,
    mapping: Mapping,
    limits: Limits,
) -> pl.DataFrame:
    named = [pl.col(s).alias(t) for s, t in taken.items() if s in rows.columns]
    constants = [
        pl.lit(str(v).lower() if isinstance(v, bool) else str(v)).alias(k)
        for k, v in mapping.constants.items()
    ]
    raw = rows.select(pl.col(LINE), *named).with_columns(constants)
    return judge(raw, contract, mapping, limits, flawed=True).faults


def _look(
    name: str,
    taken: MappingOf[str, str],
    contract: TableContract,
    mapping: Mapping,
    rows: pl.DataFrame,
    faults: pl.DataFrame | None,
) -> ColumnLook:
    target = contract.column(taken[name]) if name in taken else None
    values = rows[name].drop_nulls() if name in rows.columns else pl.Series([], dtype=pl.String)
    values = values.filter(values.str.strip_chars() != "")
    hidden = target is not None and target.person
    first = () if hidden else tuple(shorten(v) for v in values.unique(maintain_order=True)[:SHOWN])
    unread = 0
    if faults is not None and target is not None:
        unread = faults.filter(pl.col("column") == target.name).height
    numeric = target is not None and target.kind in ("number", "whole")
    scale = _scale(name) if numeric and target and target.name not in mapping.units else None
    return ColumnLook(name, target, first, len(values), unread, scale)


def _scale(name: str) -> float | None:
    parts = set(plain(name).split("_"))
    for word, factor in _SCALES.items():
        if word in parts or (not word.isascii() and word in name):
            return factor
    return None
