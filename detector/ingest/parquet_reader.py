"""Parquet, read in batches under a memory limit; every value becomes the text it would be filed as.

A footer's sizes are not trusted: a dictionary can unpack to thousands of times what it declares.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from detector.ingest.faults import file_error
from detector.ingest.readers import LINE, Chunk, Request
from detector.ingest.sources import open_bytes
from features.errors import WardenError


class ParquetReader:
    """A Parquet file; see `Reader`. Line 1 is the first row."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.notes: list[str] = []
        self.open_ended = False
        path = request.path
        with open_bytes(path, request.limits, None):
            pass
        if path.stat().st_size == 0:
            raise file_error(
                path, "empty_file", "the file is empty.", "Send the file with its rows."
            )
        if path.suffix.lower() == ".gz":
            path = self._unpack()
        try:
            self._file = pq.ParquetFile(path)
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(error) from error
        self.columns = tuple(schema.names)

    def _unpack(self) -> Path:
        target = self._request.scratch / "unpacked.parquet"
        with (
            open_bytes(self._request.path, self._request.limits, None) as source,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(source, out, 1 << 20)
        return target

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def chunks(self) -> Iterator[Chunk]:
        """Rows as text."""
        contract, mapping = self._request.contract, self._request.mapping
        wanted = {c.name for c in contract.columns} | set(mapping.rename)
        names = [name for name in self.columns if name in wanted]
        done = 0
        tell, size = self._request.tell, self._request.path.stat().st_size
        total = max(self._file.metadata.num_rows, 1)
        try:
            for batch in self._file.iter_batches(self._request.limits.batch_rows, columns=names):
                self._hold(batch)
                yield Chunk(_as_text(batch, done), [])
                if tell:
                    share = (done + batch.num_rows) * size // total - done * size // total
                    tell(min(share, size))
                done += batch.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(error) from error

    def _hold(self, batch: Any) -> None:
        if batch.nbytes > self._request.limits.batch_bytes:
            raise file_error(
                self._request.path,
                "unpacks_too_large",
                f"{batch.num_rows} rows unpack to more than "
                f"{self._request.limits.batch_bytes >> 20} MiB.",
                "Send it as CSV, or in smaller row groups.",
            )

    def _broken(self, error: Exception) -> WardenError:
        return file_error(
            self._request.path,
            "unreadable_parquet",
            f"it is not a whole Parquet file ({str(error).splitlines()[0][:120]}).",
            "Send it again, or as CSV.",
        )


def _as_text(batch: Any, done: int) -> pl.DataFrame:
    """Text columns of a batch and the row numbers, from 1 in the file."""
    frame = cast("pl.DataFrame", pl.from_arrow(batch))
    columns = [_text(column) for column in frame.iter_columns()]
    lines = pl.int_range(done + 1, done + batch.num_rows + 1, dtype=pl.Int64, eager=True)
    return pl.DataFrame([*columns, lines.alias(LINE)])


def _text(column: pl.Series) -> pl.Series:
    """A column as the text of its values: ISO 8601 dates, JSON lists, plain numbers."""
    dtype = column.dtype
    if dtype == pl.String:
        return column
    if isinstance(dtype, pl.Datetime):
        ended = "%Y-%m-%dT%H:%M:%S%.6f" + ("+00:00" if dtype.time_zone else "")
        utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return utc.dt.strftime(ended)
    if isinstance(dtype, pl.List | pl.Array):
        boxed = column.alias("v").to_frame().select(pl.struct("v").struct.json_encode())
        text = boxed.to_series().str.strip_prefix('{"v":').str.strip_suffix("}")
        return pl.select(pl.when(column.is_not_null()).then(text)).to_series().alias(column.name)
    if isinstance(dtype, pl.Struct):
        return column.struct.json_encode()
    if dtype == pl.Binary:
        # bytes are no value of any column: shown as hex, they fail the checks that apply
        return column.bin.encode("hex")
    return column.cast(pl.String)
