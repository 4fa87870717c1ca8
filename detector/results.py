"""What runs found: immutable folders, read through one manifest.

A run writes one folder `results/<run id>/` and never touches another. It judges *cells*, that is
(typology, grain, period); its manifest lists the runs it stands on, oldest first, and for any cell
the newest run that judged it wins. A folder without a manifest is the remains of a broken run and
is never read; which manifest is current is one pointer in the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from detector.whole_files import replace_text

CELL = ("typology", "grain", "period_start")
ALSO = "cells-"
"""Begins the name of the list of cells a run wrote besides those it judged, of one kind of rows."""
MAX_LAYERS = 16
SUBJECT = {
    "typology": pl.String(),
    "grain": pl.String(),
    "subject_kind": pl.String(),
    "subject_key": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
}
SCORES: Mapping[str, pl.DataType] = {
    **SUBJECT,
    "suspicion": pl.Float64(),
    "p_value": pl.Float64(),
    "q_value": pl.Float64(),
    "outcome": pl.String(),
    "reason": pl.String(),
    "facts": pl.String(),
    "baseline": pl.Float64(),
    "family_suspicion": pl.Float64(),
}
OUTCOMES: Mapping[str, pl.DataType] = {
    "rule_id": pl.String(),
    "rule_version": pl.String(),
    **SUBJECT,
    "outcome": pl.String(),
    "reason": pl.String(),
    "shadow": pl.Boolean(),
}


@dataclass(frozen=True)
class Manifest:
    """What a finished run read and what it stands on.

    Attributes:
        nulls: frozen nulls of the excess test, see `detector.excess`.
        digests: by typology, a hash of the rules, models and code that judged it.
        layers: run ids whose cells are in force, oldest first, ending with this run.
        target: ``live``, or ``as-of:DATE`` for a look back that moved no alert.
        judges: what subjects were compared with: ``peers`` is the version of the frozen peers and
            ``models`` the digest of the fitted set, both stored in the folder of models.
        firings: by rule ``id@version``, the firing hash of its rows in force
            (`rules.backtest.firing_hash`); a backtest over the same snapshot gives the same.
        stamped, stamps, reads: what the features in force were computed from, see
            `detector.increments`.
        rules: by typology, the rules (``id@version``) whose outcomes are in force.
        pins: hash of what else the run judged by, see `detector.replay_pins`; empty for runs of
            releases that kept none.
    """

    run_id: str
    target: str
    snapshot_id: str
    versions: dict[str, int]
    known_as_of: str
    as_of: str
    digests: dict[str, str]
    layers: tuple[str, ...]
    nulls: dict[str, list[float]] = field(default_factory=dict)
    judges: dict[str, str] = field(default_factory=dict)
    stamped: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, dict[str, Any]] = field(default_factory=dict)
    reads: dict[str, list[str]] = field(default_factory=dict)
    firings: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[str]] = field(default_factory=dict)
    pins: str = ""

    @property
    def known_at(self) -> datetime:
        """The moment up to which filings were known to the run."""
        return datetime.fromisoformat(self.known_as_of)


class Results:
    """Reads and writes the folders of runs under one home."""

    def __init__(self, home: Path) -> None:
        self.root = home / "results"

    def write(self, run_id: str, frames: Mapping[str, pl.DataFrame]) -> None:
        """Writes the frames of a run, over whatever a broken attempt left."""
        folder = self.root / run_id
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in frames.items():
            frame.write_parquet(folder / f"{name}.parquet")

    def seal(self, manifest: Manifest) -> None:
        """Writes the manifest last and durably: from now on the folder may be published."""
        text = json.dumps(asdict(manifest), sort_keys=True, indent=1)
        replace_text(self.root / manifest.run_id / "manifest.json", text)

    def manifest(self, run_id: str) -> Manifest:
        """The manifest of a sealed run.

        Raises:
            FileNotFoundError: the run never finished.
        """
        data = json.loads((self.root / run_id / "manifest.json").read_text())
        data["layers"] = tuple(data["layers"])
        return Manifest(**data)

    def digest(self, run_id: str) -> str:
        """SHA-256 of a sealed run's manifest: what the ledger keeps of it."""
        return hashlib.sha256((self.root / run_id / "manifest.json").read_bytes()).hexdigest()

    def sealed(self) -> list[Manifest]:
        """Every sealed run, whether published or not."""
        if not self.root.exists():
            return []
        found = sorted(p.parent.name for p in self.root.glob("*/manifest.json"))
        return [self.manifest(run_id) for run_id in found]

    def read(self, manifest: Manifest, name: str) -> pl.LazyFrame | None:
        """One kind of result as in force under the manifest; None when no run wrote it."""
        parts: list[pl.LazyFrame] = []
        later: pl.LazyFrame | None = None
        for run_id in reversed(manifest.layers):
            path = self.root / run_id / f"{name}.parquet"
            if path.exists():
                frame = pl.scan_parquet(path)
                parts.append(frame if later is None else frame.join(later, on=CELL, how="anti"))
            cells = self._cells(run_id, name)
            later = cells if later is None else pl.concat([later, cells]).unique()
        return pl.concat(reversed(parts), how="diagonal_relaxed") if parts else None

    def _cells(self, run_id: str, name: str) -> pl.LazyFrame:
        """The cells of which a run wrote all rows of one kind: those it judged, and of some kinds
        others, too (`cells-NAME`)."""
        cells = pl.scan_parquet(self.root / run_id / "cells.parquet")
        more = self.root / run_id / f"{ALSO}{name}.parquet"
        return pl.concat([cells, pl.scan_parquet(more)]) if more.exists() else cells

    def flatten(self, manifest: Manifest) -> Manifest:
        """Rewrites all layers into the newest folder, which then stands alone.

        Keeps reads fast after many small runs; earlier folders stay for looking back.
        """
        names = {n for n in self.names(manifest, "") if n != "cells" and not n.startswith(ALSO)}
        merged = {n: self.read(manifest, n) for n in names}
        cells = pl.concat(
            pl.scan_parquet(self.root / r / "cells.parquet") for r in manifest.layers
        ).unique()
        frames = {n: lazy.collect() for n, lazy in merged.items() if lazy is not None}
        frames["cells"] = cells.sort(CELL).collect()
        self.write(manifest.run_id, frames)
        return replace(manifest, layers=(manifest.run_id,))

    def carried(
        self, manifest: Manifest, names: Collection[str], cells: pl.DataFrame
    ) -> dict[str, pl.DataFrame]:
        """What some kinds of results say of some cells, to be written again as it stands.

        A run that only counts a cell anew keeps with it what its rules and features say.
        """
        found: dict[str, pl.DataFrame] = {}
        for name in names:
            frame = self.read(manifest, name)
            if frame is not None:
                rows = rows_in(frame, cells).collect()
                found |= {name: rows} if rows.height else {}
        return found

    def names(self, manifest: Manifest, prefix: str) -> list[str]:
        """Names of result files with a prefix in any layer, for example ``features-tender-``."""
        found: set[str] = set()
        for run_id in manifest.layers:
            found |= {p.stem for p in (self.root / run_id).glob(f"{prefix}*.parquet")}
        return sorted(found)

    def judged(self, manifest: Manifest) -> pl.LazyFrame:
        """All judged rows in force (schema `JUDGED` of `detector.signals`)."""
        found = self.read(manifest, "judged")
        return pl.LazyFrame(schema=dict(SCORES)) if found is None else found

    def outcomes(self, manifest: Manifest) -> pl.LazyFrame:
        """All rule outcomes in force."""
        found = self.read(manifest, "outcomes")
        return pl.LazyFrame(schema=dict(OUTCOMES)) if found is None else found

    def firings(self, manifest: Manifest) -> pl.DataFrame:
        """Digests of the rule outcomes in force, one row a rule and period."""
        from rules.backtest import FIRINGS

        found = self.read(manifest, "firings")
        return pl.DataFrame(schema=dict(FIRINGS)) if found is None else found.collect()

    def features(
        self, manifest: Manifest, grain: str, typologies: Collection[str] | None = None
    ) -> pl.DataFrame | None:
        """The feature table of one grain, typologies side by side; None when there is none."""
        keys = ["subject_key", "period_start", "period_end"]
        joined: pl.DataFrame | None = None
        named = None if typologies is None else {f"features-{grain}-{t}" for t in typologies}
        for name in self.names(manifest, f"features-{grain}-"):
            if named is not None and name not in named:
                continue
            frame = self.read(manifest, name)
            if frame is None:
                continue
            part = frame.drop("typology", "grain").collect()
            if joined is None:
                joined = part
                continue
            fresh = [c for c in part.columns if c in keys or c not in joined.columns]
            joined = joined.join(part.select(fresh), on=keys, how="full", coalesce=True)
        return None if joined is None else joined.sort("subject_key", "period_start")


def cells_of(rows: Iterable[tuple[str, str, date]]) -> pl.DataFrame:
    """A frame of judged cells."""
    schema = {"typology": pl.String(), "grain": pl.String(), "period_start": pl.Date()}
    return pl.DataFrame(list(rows), schema=schema, orient="row").unique().sort(CELL)


def rows_in(rows: pl.LazyFrame, cells: pl.DataFrame) -> pl.LazyFrame:
    """The stored rows that lie in some cells.

    Comparisons are what a reader of Parquet files can skip rows by; it reads all of them, heavy
    texts included, where a join or a list decides.
    """
    spans = cells.group_by("typology", "grain", maintain_order=True).agg(
        first=pl.col("period_start").min(), last=pl.col("period_start").max()
    )
    near = [
        (pl.col("typology") == typology)
        & (pl.col("grain") == grain)
        & (pl.col("period_start") >= first)
        & (pl.col("period_start") <= last)
        for typology, grain, first, last in spans.iter_rows()
    ]
    some = rows.filter(pl.any_horizontal(near)) if near else rows.filter(pl.lit(value=False))
    return some.join(cells.lazy().select(CELL), on=list(CELL), how="semi")


def shaped(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The frame with exactly the schema's columns, missing ones null."""
    if frame.is_empty():
        return pl.DataFrame(schema=dict(schema))
    have = set(frame.columns)
    return frame.select(
        (pl.col(c) if c in have else pl.lit(None)).cast(t).alias(c) for c, t in schema.items()
    )
