"""Open contracting data (OCDS) into `tenders`, `bids` and `firms`.

Read are release packages, record packages, single releases and records, and any of them one a
line. The releases of a process are merged in the order of their dates, so that each release is a
version and a later one a correction. Where only later parts of a process are filed (an award
without its call), what they leave unsaid stays as the lake knows it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Engine

from detector.ingest.archives import members
from detector.ingest.converted import ConvertedReader, RowSink
from detector.ingest.documents import KEPT, Item, read_items
from detector.ingest.faults import LineFault
from detector.ingest.limits import Limits
from detector.ingest.load import Balance, load_files
from detector.ingest.ocds_merge import is_partial, merged
from detector.ingest.ocds_rows import Process, misshapen, text
from detector.ingest.readers import Origin
from detector.ingest.sources import Progress
from detector.ingest.staging import staging_area
from detector.lake import Lake
from features.contracts import contract
from features.errors import WardenError

TABLES = ("tenders", "bids", "firms")
_FLUSH = 32 << 20
_KEYS = {"tenders": ("tender_id", "lot_id"), "firms": ("firm_id",)}
_SPOOLED: dict[str, Any] = {
    "ocid": pl.String,
    "date": pl.String,
    "filed_in": pl.String,
    "filed_line": pl.Int64,
    "payload": pl.String,
}


def load_ocds(
    home: Path,
    engine: Engine,
    files: Sequence[Path],
    recorded_at: datetime | None = None,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> list[Balance]:
    """Takes OCDS files in; one balance per table that has rows, `tenders` first.

    What is no release is quarantined under `tenders` with its file and line.

    Raises:
        WardenError: those of `load_files`, `members` and `read_items`; nothing was taken in.
    """
    if not files:
        raise WardenError("no_files", "No file was named.", "Name one or more files.")
    bounds = limits or Limits()
    notes: Counter[str] = Counter()
    balances: list[Balance] = []
    with staging_area(home) as area:
        sources = members(files, area, bounds)
        sinks = {name: RowSink(area / name, contract(name)) for name in TABLES}
        spool = _Spool(area / "releases")
        tell = _teller(sources, progress)
        for path in sources:
            _read(path, bounds, spool, sinks["tenders"], tell)
        partial = _convert(spool, sinks, notes)
        names = tuple(path.name for path in files)
        for table, sink in sinks.items():
            if not sink.height and table != "tenders":
                continue
            rows = _completed(table, sink, partial, Lake(home, engine), recorded_at)
            parts = sink.write(area / f"{names[0]}.{table}", rows)
            origin = Origin(names, ConvertedReader)
            balances.append(
                load_files(home, engine, table, parts, None, recorded_at, None, bounds, origin)
            )
    told = tuple(f"{count} {says}" for says, count in notes.items())
    return [replace(balances[0], warnings=(*balances[0].warnings, *told)), *balances[1:]]


class _Spool:
    """Releases on disk, given back process by process in the order of their dates."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._size, self._parts = folder, 0, 0
        self._rows: list[dict[str, Any]] = []

    def add(self, release: dict[str, Any], file: str, line: int) -> None:
        """Keeps one release."""
        payload = json.dumps(release, ensure_ascii=False)
        known = (release["ocid"].strip(), text(release.get("date")), file, line, payload)
        self._rows.append(dict(zip(_SPOOLED, known, strict=True)))
        self._size += len(payload)
        if self._size > _FLUSH:
            self._flush()

    def releases(self) -> Iterator[dict[str, Any]]:
        """Rows by process and date; those of equal or no date as filed."""
        self._flush()
        parts = sorted(self._folder.glob("*.parquet"))
        if not parts:
            return
        rows = pl.scan_parquet(parts).with_row_index("at")
        order = (
            rows.select("at", "ocid", _moment().alias("moment"))
            .sort("ocid", "moment", "at", nulls_last=False)
            .select("at")
            .collect()["at"]
        )
        step = 2_000
        for start in range(0, len(order), step):
            chosen = order.slice(start, step).to_frame().with_row_index("rank")
            found = rows.join(chosen.lazy(), on="at").sort("rank").collect()
            yield from found.iter_rows(named=True)

    def _flush(self) -> None:
        if self._rows:
            path = self._folder / f"{self._parts:06}.parquet"
            pl.DataFrame(self._rows, schema=_SPOOLED).write_parquet(path, compression="lz4")
            self._parts += 1
            self._rows, self._size = [], 0


def _moment() -> pl.Expr:
    """The release date as a UTC instant; null when it is none."""
    plain = pl.col("date").str.replace(r"(?:[Zz])$", "+00:00")
    whole = plain.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us", time_zone="UTC"
    )
    day = pl.col("date").str.slice(0, 10).str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
    return pl.coalesce(whole, day.dt.replace_time_zone("UTC"))


def _read(
    path: Path,
    limits: Limits,
    spool: _Spool,
    sink: RowSink,
    tell: Callable[[int], None] | None,
) -> None:
    """Every release of a file into the spool, everything else as a fault."""
    for item in read_items(path, limits, ("releases", "records"), tell):
        if isinstance(item, LineFault):
            sink.fault(item, path.name)
            continue
        for release in _releases(item.value):
            says = misshapen(release) if isinstance(release, dict) else "it is not an object"
            if says is None:
                spool.add(release, path.name, item.line)
            else:
                sink.fault(_no_release(item, release, says), path.name)


def _no_release(item: Item, value: Any, says: str) -> LineFault:
    filed = json.dumps(value, ensure_ascii=False)[:KEPT]
    return LineFault(item.line, "not_a_release", f"the release is not one: {says}", filed)


def _releases(value: Any) -> Iterator[Any]:
    """Releases in a value: of a package, of a record, or itself."""
    if not isinstance(value, dict):
        yield value
        return
    lists = [value[n] for n in ("records", "releases") if isinstance(value.get(n), list)]
    listed: list[Any] = lists[0] if lists else []
    if "ocid" not in value and ("records" in value or "releases" in value):
        for inner in listed:
            yield from _releases(inner)
        return
    # a record may only link to its releases; then its compiled release is what there is
    whole = [r for r in listed if not (isinstance(r, dict) and "url" in r and "ocid" not in r)]
    if whole:
        yield from whole
    elif isinstance(value.get("compiledRelease"), dict):
        yield {"tag": ["compiled"], **value["compiledRelease"]}
    elif listed:
        yield {"linked releases only": value["ocid"]}
    else:
        yield value


def _convert(spool: _Spool, sinks: dict[str, RowSink], notes: Counter[str]) -> list[str]:
    """Rows of every release; gives the processes of which only later parts were filed."""
    known: dict[str, Any] | None = None
    partial: list[str] = []
    for row in spool.releases():
        release = json.loads(row["payload"])
        same = known is not None and known["ocid"].strip() == row["ocid"]
        if not same and is_partial(release):
            partial.append(row["ocid"])
        known = merged(known if same else None, release)
        process = Process(known, notes)
        made = {"tenders": process.tenders(), "bids": process.bids(), "firms": process.firms()}
        for table, rows in made.items():
            for one in rows:
                sinks[table].add(one, row["filed_in"], row["filed_line"])
    return partial


def _completed(
    table: str, sink: RowSink, partial: list[str], lake: Lake, recorded_at: datetime | None
) -> pl.LazyFrame:
    """Rows with what the lake knows filled in where a part of a process says nothing.

    Of firms only the last state: a party is repeated in every release of every process.
    """
    rows = sink.frame()
    if table == "firms":
        rows = rows.unique("firm_id", keep="last", maintain_order=True)
    if table not in _KEYS or table not in lake.tables():
        return rows
    keys = list(_KEYS[table])
    stored = lake.scan(lake.pin(recorded_at), table)
    names = [c.name for c in contract(table).columns if c.name not in keys]
    before = stored.select(*keys, *(_as_text(stored, n).alias(f"_{n}") for n in names))
    joined = rows.join(before, on=keys, how="left", nulls_equal=True, maintain_order="left")
    open_ = pl.lit(True) if table == "firms" else pl.col("tender_id").is_in(partial)
    filled = [pl.when(open_).then(pl.coalesce(n, f"_{n}")).otherwise(n).alias(n) for n in names]
    return joined.with_columns(filled).select(rows.collect_schema().names())


def _as_text(stored: pl.LazyFrame, name: str) -> pl.Expr:
    if isinstance(stored.collect_schema()[name], pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return pl.col(name).cast(pl.String)


def _teller(files: Sequence[Path], progress: Progress | None) -> Callable[[int], None] | None:
    if progress is None:
        return None
    total, done = sum(path.stat().st_size for path in files if path.is_file()), 0

    def tell(count: int) -> None:
        nonlocal done
        done = min(done + count, total)
        progress(done, total)

    return tell
