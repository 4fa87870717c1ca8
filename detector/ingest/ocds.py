"""Open contracting data (OCDS) into `tenders`, `bids` and `firms`.

Read are release packages, record packages, single releases and records, and any of them one a
line. The releases of a process are merged in the order of their dates, so that each release is a
version and a later one a correction, also of what earlier commands took in. Where only later parts
of a process are filed (an award without its call), what they leave unsaid stays as the lake knows
it.
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

from alerts.model import SYSTEM
from detector.ingest.archives import members
from detector.ingest.converted import ConvertedReader, RowSink
from detector.ingest.documents import KEPT, Item, read_items
from detector.ingest.faults import LineFault
from detector.ingest.limits import Limits
from detector.ingest.load import Balance, load_files
from detector.ingest.ocds_merge import is_partial, merged
from detector.ingest.ocds_rows import Process, misshapen, text
from detector.ingest.ocds_versions import (
    MARKS,
    MOMENT,
    NEW,
    STANDING,
    KnownReleases,
    completed,
)
from detector.ingest.readers import Origin
from detector.ingest.sources import Progress
from detector.ingest.staging import staging_area
from detector.lake import Lake
from features.contracts import contract

TABLES = ("tenders", "bids", "firms")
_FLUSH = 32 << 20
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
    actor: str = SYSTEM,
) -> list[Balance]:
    """Takes OCDS files in; one balance per table that has rows, `tenders` first.

    What is no release is quarantined under `tenders` with its file and line.

    Raises:
        WardenError: those of `load_files`, `members` and `read_items`; nothing was taken in.
    """
    bounds = limits or Limits()
    notes: Counter[str] = Counter()
    balances: list[Balance] = []
    with staging_area(home) as area:
        sources = members(files, area, bounds)
        sinks = {name: RowSink(area / name, contract(name), MARKS) for name in TABLES}
        spool = _Spool(area / "releases")
        tell = _teller(sources, progress)
        for path in sources:
            _read(path, bounds, spool, sinks["tenders"], tell)
        lake = Lake(home, engine)
        partial = _convert(spool, KnownReleases(lake, spool.processes()), sinks, notes)
        names = tuple(path.name for path in files)
        for table, sink in sinks.items():
            if not sink.height and table != "tenders":
                continue
            rows = completed(table, sink.frame(), partial, lake, recorded_at)
            parts = sink.write(area / f"{names[0]}.{table}", rows)
            origin = Origin(names, ConvertedReader, tuple(files))
            balances.append(
                load_files(
                    home, engine, table, parts, None, recorded_at, None, bounds, origin, actor
                )
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

    def processes(self) -> list[str]:
        """Every process named."""
        self._flush()
        parts = sorted(self._folder.glob("*.parquet"))
        rows = pl.scan_parquet(parts) if parts else pl.LazyFrame(schema=_SPOOLED)
        return rows.select(pl.col("ocid").unique()).collect()["ocid"].to_list()

    def releases(self) -> Iterator[dict[str, Any]]:
        """Rows by process and date; those of equal or no date as filed."""
        self._flush()
        parts = sorted(self._folder.glob("*.parquet"))
        if not parts:
            return
        rows = pl.scan_parquet(parts).with_row_index("at").with_columns(_moment().alias("moment"))
        order = (
            rows.select("at", "ocid", "moment")
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


def _convert(
    spool: _Spool, known: KnownReleases, sinks: dict[str, RowSink], notes: Counter[str]
) -> set[str]:
    """Rows of every release; gives the processes of which only later parts were filed.

    Releases older than what is known are merged among themselves, so that a newer one rests on
    the lake and not on them.
    """
    chains: dict[bool, dict[str, Any]] = {}
    partial: set[str] = set()
    last = None
    for row in spool.releases():
        name, moment = row["ocid"], row["moment"]
        if name != last:
            chains, last = {}, name
        standing = known.standing(name, moment)
        fresh = standing == NEW
        if not fresh:
            notes["releases are older than what is known; they fill gaps and correct nothing"] += 1
        release = json.loads(row["payload"])
        if fresh and fresh not in chains and is_partial(release):
            partial.add(name)
        chains[fresh] = merged(chains.get(fresh), release)
        process = Process(chains[fresh], notes)
        made = {"tenders": process.tenders(), "bids": process.bids(), "firms": process.firms()}
        marks = {STANDING: standing, MOMENT: moment}
        for table, rows in made.items():
            for one in rows:
                sinks[table].add(one | marks, row["filed_in"], row["filed_line"])
    return partial


def _teller(files: Sequence[Path], progress: Progress | None) -> Callable[[int], None] | None:
    if progress is None:
        return None
    total, done = sum(path.stat().st_size for path in files if path.is_file()), 0

    def tell(count: int) -> None:
        nonlocal done
        done = min(done + count, total)
        progress(done, total)

    return tell
