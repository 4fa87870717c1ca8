"""What a run leaves beside its results so that its alerts can be judged again, for ever.

Filings, peers, models and rule texts are kept elsewhere and only named here. What could change
unnoticed is written down whole: the dated parameters, the settings that decide, the cells the run
judged, the rules that were in a storm, and the code it ran on. The hash of the manifest, which
names the hash of these pins, stands in the ledger.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
from sqlalchemy import select

from detector.database import ReadConnection
from detector.increments import ENGINES, features_code
from detector.planning import read_elsewhere
from detector.results import CELL, Manifest, Results
from detector.tables import run as run_table
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.judging import Judgement
    from detector.lake import Lake, Snapshot
    from detector.panel import Panel
    from detector.planning import Plan
    from detector.system import System
    from rules.parameters import ParameterBook

FOLDER, PINS, CELLS = "replay", "pins.json", "cells.parquet"
FORMAT = 1
JUDGING = ("rules", "detector", "alerts")
"""Packages besides `features` whose code decides what an alert says."""
LIBRARIES = (*ENGINES, "scikit-learn", "pyod", "sqlglot")


class PinnedRule(NamedTuple):
    """One live rule; `content_hash` is that of its text."""

    id: str
    version: str
    typology: str
    content_hash: str


@dataclass(frozen=True)
class Pins:
    """What one run stood on, as read back.

    Attributes:
        typologies: those computed together.
        also: features of other typologies that were computed with them.
        windowed: whether a person named the periods; then only those were judged.
        below: runs whose results it stood on, oldest first.
        snapshot: ``id``, ``versions`` and ``known_as_of`` of the filings.
        rules: the live rules, in their order.
        parameters: text of each dated table by name.
        rate: false discovery rate.
        stormy: rules (``id@version``) that raised no alert, for too many firings.
        calmed: those of them that were not judged again.
        code: hashes of the code and versions of the libraries.
        cells: what the run judged (`detector.results.CELL`).
    """

    typologies: tuple[str, ...]
    also: tuple[str, ...]
    windowed: bool
    below: tuple[str, ...]
    snapshot: Mapping[str, Any]
    rules: tuple[PinnedRule, ...]
    parameters: Mapping[str, str]
    rate: float
    stormy: tuple[str, ...]
    calmed: tuple[str, ...]
    code: Mapping[str, Any]
    cells: pl.DataFrame

    def speaks_for(self, typology: str, grain: str, start: date) -> bool:
        """Whether what stands in a cell after the run is what the run itself would say.

        What it did not judge again is as filings and judges give it, too, unless somebody named
        other periods or other typologies.
        """
        here = self.cells.filter(
            pl.col("typology") == typology,
            pl.col("grain") == grain,
            pl.col("period_start") == start,
        )
        return not here.is_empty() or (typology in self.typologies and not self.windowed)

    def pinned(self, lake: Lake) -> Snapshot:
        """The filings of the run."""
        known = self.snapshot["known_as_of"]
        moment = datetime.fromisoformat(known) if known else None
        return lake.pinned(self.snapshot["versions"], moment)

    def book(self) -> ParameterBook:
        """The dated tables as they were."""
        from rules.parameters import ParameterBook, ParameterTable

        tables = self.parameters.items()
        return ParameterBook({n: ParameterTable.model_validate_json(t) for n, t in tables})


def pin(
    system: System, results: Results, plan: Plan, run_key: str, panel: Panel, judgement: Judgement
) -> str:
    """Writes the pins of a run into its folder; gives their hash, for the manifest."""
    folder = results.root / run_key / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    cells = folder / CELLS
    judgement.cells.select(CELL).write_parquet(cells)
    known = plan.snapshot.known_as_of
    data = {
        "format": FORMAT,
        "typologies": list(plan.typologies),
        "also": sorted(read_elsewhere(panel.ruleset.judging(), plan)),
        "windowed": plan.windowed,
        "below": list(plan.base.layers) if plan.base else [],
        "snapshot": {
            "id": plan.snapshot.id,
            "versions": dict(plan.snapshot.versions),
            "known_as_of": known.isoformat() if known else None,
        },
        "rules": [
            PinnedRule(r.id, r.version, r.spec.typology, r.content_hash)
            for r in panel.ruleset.live()
        ],
        "parameters": {
            name: table.model_dump_json(by_alias=True)
            for name, table in sorted(panel.ruleset.parameters.tables.items())
        },
        "rate": system.settings.false_discovery_rate,
        "stormy": sorted(judgement.stormy),
        "calmed": sorted(set(judgement.calmed) - set(judgement.storms)),
        "code": code(),
        "cells": _sha256(cells),
    }
    path = folder / PINS
    path.write_text(json.dumps(data, sort_keys=True, indent=1), encoding="utf-8")
    return _sha256(path)


def read_pins(results: Results, manifest: Manifest) -> Pins:
    """The pins of a run.

    Raises:
        WardenError: `not_pinned` for a run of a release that kept none; `pins_changed` (integrity)
            when they are gone or not what the run wrote.
    """
    if not manifest.pins:
        raise not_pinned(manifest.run_id)
    folder = results.root / manifest.run_id / FOLDER
    path = folder / PINS
    if not path.exists() or _sha256(path) != manifest.pins:
        raise _changed(manifest.run_id, PINS)
    data = json.loads(path.read_text(encoding="utf-8"))
    if not (folder / CELLS).exists() or _sha256(folder / CELLS) != data["cells"]:
        raise _changed(manifest.run_id, CELLS)
    return Pins(
        typologies=tuple(data["typologies"]),
        also=tuple(data["also"]),
        windowed=data["windowed"],
        below=tuple(data["below"]),
        snapshot=data["snapshot"],
        rules=tuple(PinnedRule(*rule) for rule in data["rules"]),
        parameters=data["parameters"],
        rate=data["rate"],
        stormy=tuple(data["stormy"]),
        calmed=tuple(data["calmed"]),
        code=data["code"],
        cells=pl.read_parquet(folder / CELLS),
    )


def sealed_manifest(connection: ReadConnection, results: Results, run_key: str) -> Manifest:
    """The manifest of a run, checked against the ledger.

    Raises:
        WardenError: `not_pinned` without one; `pins_changed` (integrity) when it was changed.
    """
    run_id, _, _ = run_key.rpartition("-")
    query = select(run_table.c.outputs_hash).where(run_table.c.run_id == run_id)
    written = connection.scalar(query)
    try:
        found = results.manifest(run_key)
    except (OSError, ValueError, TypeError) as error:
        raise (_changed(run_key, "manifest.json") if written else not_pinned(run_key)) from error
    if written and written != results.digest(run_key):
        raise _changed(run_key, "manifest.json")
    return found


def not_pinned(run_key: str) -> WardenError:
    """The error for a run that left nothing to judge by."""
    return WardenError(
        "not_pinned",
        f"Run {run_key} did not record what it judged by, so its alerts cannot be judged again.",
        "It ran on an earlier release, or its folder below `results` is gone. Whatever is judged"
        " from now on can be replayed.",
        "conflict",
    )


def _changed(run_key: str, name: str) -> WardenError:
    return WardenError(
        "pins_changed",
        f"{name} of run {run_key} is not what the run wrote: it was changed or is gone.",
        "Restore the folder from a backup.",
        "integrity",
    )


def code() -> dict[str, Any]:
    """Release, hashes of the code that judges, and versions of its libraries."""
    return {
        "release": metadata.version("marketwarden"),
        "features": features_code(),
        **{name: _package(name) for name in JUDGING},
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@cache
def _package(name: str) -> str:
    """Hash of the sources of a package."""
    root = Path(str(import_module(name).__file__)).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(f"{path.relative_to(root).as_posix()}\n".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
