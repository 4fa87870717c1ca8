"""JSON lines: one object a line; a line that is no object is quarantined, the rest goes on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import polars as pl

from detector.ingest.faults import LineFault, file_error
from detector.ingest.readers import LINE, Chunk, Request
from detector.ingest.sources import open_text

SAMPLE = 1000
"""Lines looked at to learn which columns there are."""
DEPTH = 64
"""Brackets of one line beyond which it is not parsed at all."""
KEPT = 4096


class JsonlReader:
    """A JSONL file; see `Reader`."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.notes: list[str] = []
        self.open_ended = True
        self._text = open_text(request.path, request.limits, request.mapping.encoding, request.tell)
        try:
            self._blocks = self._read_blocks()
            self._first = next(self._blocks, [])
            self.columns = self._names()
        except BaseException:
            self._text.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._text.close()

    def _names(self) -> tuple[str, ...]:
        """Keys of the first rows."""
        names: dict[str, None] = {}
        for line in self._first[:SAMPLE]:
            row = _object(line)
            if isinstance(row, dict):
                names |= dict.fromkeys(row)
        return tuple(names)

    def chunks(self) -> Iterator[Chunk]:
        """Rows with their line numbers."""
        wanted = {c.name: pl.String for c in self._request.contract.columns}
        schema = wanted | dict.fromkeys(self._request.mapping.rename, pl.String)
        start = 1
        block: list[bytes] | None = self._first
        while block is not None:
            faults: list[LineFault] = []
            rows = [(start + i, line) for i, line in enumerate(block) if line.strip()]
            frame = _parse(rows, schema, faults)
            yield Chunk(frame, faults, self._text.flawed)
            start += len(block)
            block = next(self._blocks, None)

    def _read_blocks(self) -> Iterator[list[bytes]]:
        """Whole lines, a block at a time."""
        size = self._request.limits.block_bytes
        rest = b""
        while piece := self._text.read(size):
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            if len(rest) > size:
                raise file_error(
                    self._request.path,
                    "row_too_long",
                    f"a line is longer than {size >> 20} MiB.",
                    "JSONL holds one object a line; a list of objects must be split into lines.",
                )
            if lines:
                yield lines
        if rest:
            yield [rest]


def _parse(
    rows: list[tuple[int, bytes]], schema: dict[str, type[pl.String]], faults: list[LineFault]
) -> pl.DataFrame:
    """Parses all lines at once; only a block that holds a fault is looked at line by line."""
    try:
        return _decode(rows, schema)
    except (pl.exceptions.PolarsError, OverflowError):
        judged = [(row, _fault(*row)) for row in rows]
        faults.extend(fault for _, fault in judged if fault)
        good = [row for row, fault in judged if fault is None]
        return _halve(good, schema, faults)


def _halve(
    rows: list[tuple[int, bytes]], schema: dict[str, type[pl.String]], faults: list[LineFault]
) -> pl.DataFrame:
    """Finds by halving the lines one parser refuses and the other took."""
    try:
        return _decode(rows, schema)
    except (pl.exceptions.PolarsError, OverflowError):
        if len(rows) == 1:
            faults.append(_broken(*rows[0], "a number or text the parser cannot hold"))
            return _decode([], schema)
        half = len(rows) // 2
        return pl.concat([_halve(rows[:half], schema, faults), _halve(rows[half:], schema, faults)])


def _decode(rows: list[tuple[int, bytes]], schema: dict[str, type[pl.String]]) -> pl.DataFrame:
    lines = pl.Series(LINE, [number for number, _ in rows], dtype=pl.Int64)
    if not rows:
        return pl.DataFrame(schema=schema).with_columns(lines)
    if any(line.count(b"[") + line.count(b"{") > DEPTH for _, line in rows):
        raise OverflowError
    frame = pl.read_ndjson(io.BytesIO(b"\n".join(line for _, line in rows)), schema=schema)
    if frame.height != len(rows):
        raise OverflowError
    return frame.with_columns(lines)


def _object(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _fault(number: int, line: bytes) -> LineFault | None:
    if line.count(b"[") + line.count(b"{") > DEPTH:
        return _broken(number, line, "too many brackets inside each other")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _broken(number, line, getattr(error, "msg", "it cannot be read"))
    return None if isinstance(row, dict) else _broken(number, line, "it is not an object")


def _broken(number: int, line: bytes, cause: str) -> LineFault:
    return LineFault(
        number,
        "broken_json",
        f"the line is not a JSON object ({cause}); "
        'it must look like {"column": "value", ...} on one line',
        line.decode("utf-8", "replace")[:KEPT],
    )
