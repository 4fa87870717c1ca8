"""What every reader gives: the columns of a file, then its rows as text in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

import polars as pl

from detector.ingest.faults import LineFault, file_error, shorten
from detector.ingest.limits import Limits
from detector.ingest.mapping import Mapping
from features.contracts import TableContract
from features.errors import WardenError

LINE = "_line"
"""Physical line of the row in its file, from 1 with the header; a Parquet file counts rows."""

ENDINGS = (".csv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        frame: text columns named as in the file, and `LINE`.
        faults: lines that are no rows; they count as read.
        flawed: some cell may hold the mark of a byte that is no text.
        places: where the rows were filed, when `LINE` only numbers them: columns `LINE`,
            ``filed_in`` (file name) and ``filed_line``.
    """

    frame: pl.DataFrame
    faults: list[LineFault]
    flawed: bool = False
    places: pl.DataFrame | None = None


class Reader(Protocol):
    """An opened file.

    Attributes:
        columns: names in the file; those of the first rows where rows may differ.
        open_ended: rows may bring columns later that the first ones do not have.
        notes: what a filer should know.
    """

    columns: tuple[str, ...]
    open_ended: bool
    notes: list[str]

    def chunks(self) -> Iterator[Chunk]:
        """The rows, in file order; raises WardenError on a fault of the whole file."""

    def close(self) -> None:
        """Releases the file."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader needs to know.

    Attributes:
        scratch: folder for what must be unpacked to be read.
        tell: called with each count of input bytes read.
    """

    path: Path
    contract: TableContract
    mapping: Mapping
    limits: Limits
    scratch: Path
    tell: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Files that were converted into others before they are read.

    Attributes:
        names: files the person named, as recorded with the batch.
        reader: opens a converted file.
        filed: files whose bytes name the batch, where the converted ones depend on what is known
            besides them; the converted ones where empty.
        hashed: values of persons that are our own keyed hashes already.
    """

    names: tuple[str, ...]
    reader: Callable[[Request], Reader]
    filed: tuple[Path, ...] = ()
    hashed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Columns:
    """How the columns of one file meet the contract.

    Attributes:
        taken: column in the file -> canonical column.
        unknown: columns kept out.
    """

    taken: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def open_reader(request: Request) -> Reader:
    """The reader for a file's ending.

    Raises:
        WardenError: ``unknown_file_type``, and the faults of a whole file.
    """
    name = request.path.name.lower().removesuffix(".gz")
    if name.endswith(".csv"):
        from detector.ingest.csv_reader import CsvReader

        return CsvReader(request)
    if name.endswith((".jsonl", ".ndjson")):
        from detector.ingest.jsonl_reader import JsonlReader

        return JsonlReader(request)
    if name.endswith(".parquet"):
        from detector.ingest.parquet_reader import ParquetReader

        return ParquetReader(request)
    if request.path.is_dir():
        raise file_error(
            request.path, "not_a_file", "this is a folder.", "Name the files inside it."
        )
    raise file_error(
        request.path,
        "unknown_file_type",
        f"files of this ending are not read; known are {', '.join(ENDINGS)}, each also as .gz.",
        "Save it as CSV, or give it its right ending.",
    )


def taken_columns(reader: Reader, request: Request) -> dict[str, str]:
    """Column in the file -> canonical column, the mapping's names first; others are kept out.

    Raises:
        WardenError: ``too_many_columns``, ``duplicate_column``.
    """
    path, contract, mapping = request.path, request.contract, request.mapping
    names = reader.columns
    if len(names) > request.limits.columns:
        raise file_error(
            path,
            "too_many_columns",
            f"it has {len(names)} columns; at most {request.limits.columns} are read.",
            "Send only the columns of the table, or check the delimiter.",
            1,
        )
    fileable = {c.name for c in contract.columns if c.derived_from is None}
    taken: dict[str, str] = {}
    for name in names:
        target = mapping.rename.get(name, name)
        if name and names.count(name) > 1:
            raise _duplicate(path, f"the column `{shorten(name)}` is there twice.")
        if target in fileable and (name in mapping.rename or name not in mapping.rename.values()):
            if target in taken.values() or target in mapping.constants:
                raise _duplicate(path, f"two sources give `{target}`.")
            taken[name] = target
    return taken


def match_columns(reader: Reader, request: Request) -> Columns:
    """Matches the columns of a file with the contract, the mapping's names first.

    Raises:
        WardenError: ``too_many_columns``, ``duplicate_column``, ``missing_column``.
    """
    path, contract, mapping = request.path, request.contract, request.mapping
    names = reader.columns
    taken = taken_columns(reader, request)
    have = set(taken.values()) | set(mapping.constants)
    missing = [name for name in contract.required if name not in have]
    fileable = {c.name for c in contract.columns if c.derived_from is None}
    if missing:
        raise _missing(path, missing, names, contract)
    unknown = tuple(shorten(name) or "(no name)" for name in names if name not in taken)
    if reader.open_ended:
        later = fileable - have - set(mapping.rename.values())
        taken |= {name: name for name in sorted(later)}
    return Columns(taken, unknown)


def _duplicate(path: Path, says: str) -> WardenError:
    hint = "Keep one of them, or rename one in a mapping file."
    return file_error(path, "duplicate_column", says, hint, 1)


def _missing(
    path: Path, missing: list[str], names: Sequence[str], contract: TableContract
) -> WardenError:
    wanted = missing[0]
    shown = ", ".join(f"`{shorten(n)}`" for n in list(names)[:12]) or "none"
    near = get_close_matches(wanted, [n for n in names if n], n=1, cutoff=0.5)
    source = shorten(near[0]) if near else "name in the file"
    return file_error(
        path,
        "missing_column",
        f"table `{contract.name}` needs the column{'s' if len(missing) > 1 else ''} "
        f"{', '.join(f'`{m}`' for m in missing)}; the file has {shown}.",
        f"If it has another name, pass a mapping file with `rename: {{{source}: {wanted}}}`.",
        1,
    )
