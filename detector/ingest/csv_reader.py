"""CSV: RFC 4180 with `,`, `;` or tab, any line ending, quotes with line breaks inside."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from detector.ingest.faults import LineFault, file_error
from detector.ingest.readers import LINE, Chunk, Request
from detector.ingest.sources import BAD, Text, open_text
from features.errors import WardenError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
HEADER_LIMIT = 1 << 18
RAGGED_LIMIT = 100_000
"""So many ragged lines and not one good one: it is the file, not its lines."""
KEPT = 4096
"""Characters kept of a line that is no row."""


@dataclass(slots=True)
class _Skipped:
    """A record the parser refused: its number, columns found, line breaks inside, its start."""

    number: int
    found: int
    breaks: int
    text: str


class CsvReader:
    """A CSV file; see `Reader`."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.notes: list[str] = []
        limits = request.limits
        self._text = open_text(request.path, limits, request.mapping.encoding, request.tell)
        try:
            self._file = _Peekable(self._text)
            self.columns, self._delimiter, self._skip = self._header()
        except BaseException:
            self._text.close()
            raise
        self._skipped: list[_Skipped] = []
        self._good = 0
        self._blank = 0

        self.open_ended = False

    def close(self) -> None:
        """Closes the file."""
        self._text.close()

    def _header(self) -> tuple[tuple[str, ...], str, int]:
        """Names, delimiter and number of physical lines before the first row."""
        head = self._file.peek(HEADER_LIMIT).decode("utf-8", "ignore")
        lines = head.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        blank = next((i for i, line in enumerate(lines) if line.strip()), 0)
        rest = "\n".join(lines[blank:]) + "\n"
        wanted = {c.name for c in self._request.contract.columns} | set(
            self._request.mapping.rename
        )
        given = self._request.mapping.delimiter
        tries = {d: _first_record(rest, d) for d in ([given] if given else DELIMITERS)}
        best = max(tries, key=lambda d: (len(wanted & set(tries[d][0])), len(tries[d][0])))
        names, used = tries[best]
        if best != "," and not given:
            told = DELIMITERS[best]
            self.notes.append(f"{self._request.path.name}: columns are separated by {told}")
        return tuple(names), best, blank + used

    def chunks(self) -> Iterator[Chunk]:
        """Rows with their physical line numbers."""
        names = [str(i) for i in range(len(self.columns))]
        record, extra = self._skip + 1, 0
        try:
            for batch in self._batches(names):
                frame, record, extra, faults = self._number(batch, record, extra)
                yield Chunk(frame, faults, self._text.flawed)
        except pa.ArrowInvalid as error:
            raise self._explain(error) from error
        faults = self._faults_left(extra)
        if faults:
            yield Chunk(
                self._rename(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), []), faults
            )
        if self._blank:
            self.notes.append(f"{self._request.path.name}: {self._blank} empty lines were skipped")

    def _batches(self, names: list[str]) -> Iterator[Any]:
        head = self._file.peek(HEADER_LIMIT)
        if _only_header(head, self._skip):
            return
        reader = pa_csv.open_csv(
            pa.PythonFile(self._file, mode="r"),
            read_options=pa_csv.ReadOptions(
                use_threads=False,
                block_size=self._request.limits.block_bytes,
                column_names=names,
                skip_rows=self._skip,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=self._refuse,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                null_values=[],
                strings_can_be_null=False,
            ),
        )
        last = None
        for batch in reader:
            if batch.num_rows:
                last = batch
            yield batch
        self._check_quotes(last)

    def _refuse(self, row: Any) -> str:
        self._skipped.append(
            _Skipped(row.number, row.actual_columns, _breaks_in(row.text), row.text[:KEPT])
        )
        hopeless = self._good == 0 and len(self._skipped) > RAGGED_LIMIT
        return "error" if hopeless else "skip"

    def _number(
        self, batch: Any, record: int, extra: int
    ) -> tuple[pl.DataFrame, int, int, list[LineFault]]:
        """Numbers the rows of a batch: records in order, refused ones and line breaks counted."""
        frame = cast("pl.DataFrame", pl.from_arrow(batch))
        self._good += frame.height
        numbers, skipped = self._records(frame.height, record)
        breaks = _line_breaks(frame)
        at = np.array([s.number for s in skipped], dtype=np.int64)
        inside = np.array([s.breaks for s in skipped], dtype=np.int64)
        everything = np.concatenate([numbers, at])
        order = np.argsort(everything, kind="stable")
        counts = np.concatenate([breaks, inside])[order]
        before = extra + np.cumsum(counts) - counts
        lines = np.empty(len(everything), dtype=np.int64)
        lines[order] = everything[order] + before
        faults = [
            fault
            for s, line in zip(skipped, lines[frame.height :], strict=True)
            if (fault := self._fault(s, int(line)))
        ]
        last = int(everything.max()) + 1 if len(everything) else record
        out = self._rename(frame, lines[: frame.height].tolist())
        return out, last, extra + int(counts.sum()), faults

    def _records(self, height: int, record: int) -> tuple[Any, list[_Skipped]]:
        """Record numbers of the next `height` good rows, and the refused ones before their end."""
        skipped = self._skipped
        used = 0
        end = record + height
        while used < len(skipped) and skipped[used].number < end:
            used += 1
            end += 1
        taken, self._skipped = skipped[:used], skipped[used:]
        numbers = np.arange(record, end, dtype=np.int64)
        return np.setdiff1d(numbers, [s.number for s in taken], assume_unique=True), taken

    def _rename(self, frame: pl.DataFrame, lines: list[int]) -> pl.DataFrame:
        """Text columns by their names in the file; rows without any value are dropped."""
        named = frame.rename({str(i): f"{i}|{n}" for i, n in enumerate(self.columns)})
        named = named.with_columns(pl.Series(LINE, lines, dtype=pl.Int64))
        cells = pl.exclude(LINE)
        blank = named.select(pl.all_horizontal(cells.str.len_bytes() == 0)).to_series()
        self._blank += int(blank.sum())
        kept = named.filter(~blank)
        # of columns without a name only the last would survive; none of them is ever taken
        return pl.DataFrame(
            {n: kept[f"{i}|{n}"] for i, n in enumerate(self.columns)} | {LINE: kept[LINE]}
        )

    def _faults_left(self, extra: int) -> list[LineFault]:
        """Refused lines after the last good row."""
        faults = []
        for s in self._skipped:
            fault = self._fault(s, s.number + extra)
            extra += s.breaks
            if fault:
                faults.append(fault)
        self._skipped = []
        return faults

    def _fault(self, skipped: _Skipped, line: int) -> LineFault | None:
        if not skipped.text.strip():
            self._blank += 1
            return None
        flawed = " and bytes that are no text" if BAD in skipped.text else ""
        wanted = len(self.columns)
        more = "more" if skipped.found > wanted else "fewer"
        return LineFault(
            line,
            "ragged_row",
            f"the line has {skipped.found} columns{flawed}, {more} than the {wanted} of the "
            "header; a value with the delimiter inside must be in quotes",
            skipped.text,
        )

    def _check_quotes(self, last: Any) -> None:
        """A quote left open swallows the rest of the file into one cell: better to refuse it."""
        if self._text.quotes % 2 == 0:
            return
        torn = self._skipped and self._skipped[-1].breaks
        if not self._skipped and last is not None:
            torn = any(_breaks_in(str(column[-1].as_py())) for column in last.columns)
        if torn:
            raise file_error(
                self._request.path,
                "unclosed_quote",
                'a quote (") is opened and never closed, so the end of the file is one cell.',
                "Close it; look for an odd number of quotes in a line.",
            )

    def _explain(self, error: Exception) -> WardenError:
        """The parser's refusal of a whole file, in our words."""
        path, wanted = self._request.path, len(self.columns)
        if "straddling" in str(error):
            return file_error(
                path,
                "row_too_long",
                f"a row is longer than {self._request.limits.block_bytes >> 20} MiB; "
                "most often a quote is opened and never closed.",
                "Look for an odd number of quotes in a line.",
            )
        if self._skipped:
            first = self._skipped[0]
            return file_error(
                path,
                "ragged_file",
                f"no line fits the {wanted} columns of the header; this one has {first.found}.",
                "Check the delimiter; it can be named in a mapping file, for example "
                '`delimiter: ";"`.',
                first.number,
            )
        return file_error(
            path, "unreadable_csv", f"it is not CSV ({error}).", "Save it again as CSV."
        )


class _Peekable(io.RawIOBase):
    """A stream whose start can be looked at before it is read."""

    def __init__(self, raw: Text) -> None:
        self._raw = raw
        self._head = b""
        self._peeked = False

    def readable(self) -> bool:
        """Always."""
        return True

    def peek(self, size: int) -> bytes:
        """Up to `size` bytes of the start."""
        while not self._peeked and len(self._head) < size:
            piece = self._raw.read(size)
            self._peeked = not piece
            self._head += piece or b""
        return self._head

    def readinto(self, buffer: Any) -> int:
        """The start first, then the rest."""
        if not self._head:
            return self._raw.readinto(buffer)
        count = min(len(buffer), len(self._head))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """First record and the number of physical lines it takes."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        names = next(reader, [])
    except csv.Error:
        return [text.split("\n", 1)[0]], 1
    return [name.strip() for name in names], reader.line_num


def _only_header(head: bytes, skip: int) -> bool:
    """Whether nothing but line ends follows the header."""
    text = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    parts = text.split(b"\n", skip)
    return len(head) < HEADER_LIMIT and (len(parts) <= skip or not parts[skip].strip())


def _breaks_in(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _line_breaks(frame: pl.DataFrame) -> Any:
    """Line breaks inside the cells of each row."""
    total = np.zeros(frame.height, dtype=np.int64)
    for column in frame.iter_columns():
        if column.str.contains_any(["\n", "\r"]).any():
            total += column.str.count_matches(r"\r\n|\r|\n").to_numpy().astype(np.int64)
    return total
