"""`python -m benchmarks injection`: how strong a scheme must be before an alert names it.

Schemes are planted at filing level into the demonstration's market without its own schemes, and
into real filings; everything from the file on is the product's own path: ingest, features, peers,
rules, models, roll-up, q-values, alerts. Rules not in force are put there for the study, and their
figures are marked. Strength 0 is honest, 1 the demonstration's scheme; what
lies between is said by each scheme. A case counts as detected where an alert of one of its
typologies names it (of a ring: at least half of its members). Nothing here informs a threshold.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import structlog

from benchmarks.detection import curves, injectable, worlds
from benchmarks.detection.in_force import put_in_force, standing
from benchmarks.detection.schemes.planting import Planted, Scheme, Tables, World
from detector import run
from detector.demo.write import write_table
from detector.extracts import extract
from detector.ingest.load import load_files
from detector.system import System, open_system
from features.intervals import wilson

STRENGTHS = (0.05, 0.25, 0.5, 0.75, 1.0)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Point:
    """One typology at one strength.

    Attributes:
        judged: `live`, or `shadow` or `draft` where its rules were put in force for the study.
        cases, detected: schemes planted, and those an alert of the typology names.
        singles: alerts about single events (one tender), which name no case; `events` of them are
            part of a scheme.
        low, high: Wilson interval of the power, 95 %.
        per_thousand: alerts of the typology per 1,000 subjects.
        innocent: of them, about nobody of any planted scheme.
    """

    world: str
    scheme: str
    typology: str
    judged: str
    strength: float
    meaning: str
    cases: int
    detected: int
    singles: int
    events: int
    power: float | None
    low: float | None
    high: float | None
    per_thousand: float
    innocent: float


@dataclass(frozen=True)
class Count:
    """What one run gave for one scheme and typology."""

    cases: int
    detected: int
    singles: int
    events: int
    alerts: int
    innocent: int
    subjects: int


def judged(tables: Tables, typologies: Sequence[str] | None, home: Path) -> pl.DataFrame:
    """Files the tables and judges them: alerts in force with `typology` and the ids they `name`."""
    system = open_system(home, create=True, clock=lambda: NOW)
    for table in tables:
        _file(system, table, tables[table], home.parent / f"{home.name}-filings")
    put_in_force(system, typologies or ())
    run.run_detection(system, typologies=typologies)
    key = pl.col("subject").str.json_path_match("$.key")
    kind = pl.col("subject").str.json_path_match("$.kind")
    alerts = extract(system, "alerts")
    if alerts.is_empty():
        return alerts.select(
            typology=pl.lit("", pl.String), kind=pl.lit("", pl.String), names=pl.lit([""])
        ).clear()
    return alerts.filter(kind != "rule").select(
        "typology", kind=kind, names=key.str.replace_all("|", "/", literal=True).str.split("/")
    )


def _file(system: System, table: str, rows: pl.DataFrame, folder: Path) -> None:
    rows = rows[[column.name for column in rows if column.null_count() < rows.height]]
    load_files(
        home=system.home, engine=system.engine, table=table, mapping=None, progress=None,
        files=write_table(folder, table, rows), recorded_at=system.clock(),
    )  # fmt: skip


def measured(
    world: World, strength: float, seed: int, only: Sequence[str] = ()
) -> dict[tuple[str, str], Count]:
    """Plants every scheme of a world at one strength, judges once, and counts."""
    tables: dict[str, pl.DataFrame] = dict(world.tables(seed))
    plans: list[tuple[Scheme, Planted]] = []
    for number, scheme in enumerate(world.schemes):
        if only and not set(only) & set(scheme.typologies):
            continue
        # The same cases at every strength: curves compare like with like.
        planted = scheme.plant(tables, strength, np.random.default_rng([seed, number]))
        tables = planted.tables
        plans.append((scheme, planted))
    asked = sorted({t for scheme, _ in plans for t in scheme.typologies if not only or t in only})
    needed = {name: tables[name] for name in world.order if name in tables}
    with tempfile.TemporaryDirectory() as folder:
        alerts = judged(needed, asked, Path(folder) / "home")
    guilty = frozenset().union(*(case | set(p.events) for _, p in plans for case in p.cases))
    return {
        (scheme.name, typology): _counted(alerts, scheme, typology, planted, guilty)
        for scheme, planted in plans
        for typology in scheme.typologies
        if typology in asked
    }


def _counted(
    alerts: pl.DataFrame, scheme: Scheme, typology: str, planted: Planted, guilty: frozenset[str]
) -> Count:
    mine = alerts.filter(pl.col("typology") == typology)
    about = pl.col("kind").is_in(scheme.kinds) if scheme.kinds else pl.lit(value=True)
    told = [frozenset(names) for names in mine.filter(about)["names"]]
    single = [frozenset(names) for names in mine.filter(~about)["names"]]
    table, key = scheme.subjects
    return Count(
        cases=len(planted.cases),
        detected=sum(is_named(case, told, scheme.least) for case in planted.cases),
        singles=len(single),
        events=sum(bool(one & set(planted.events)) for one in single),
        alerts=len(told),
        innocent=sum(not (one & guilty) for one in told),
        subjects=planted.tables[table].select(key).n_unique(),
    )


def is_named(case: frozenset[str], told: Iterable[frozenset[str]], least: float) -> bool:
    """Whether alerts about the case name at least this share of its ids.

    An alert speaks of a case where nobody else is named in it, or half of those named are its.
    """
    mine = [one & case for one in told if 2 * len(one & case) >= len(one)]
    return len(frozenset().union(*mine)) >= least * len(case) if mine else False


def curve(
    world: World,
    strengths: Sequence[float] = (0.0, *STRENGTHS),
    seeds: Sequence[int] = (1,),
    only: Sequence[str] = (),
) -> list[Point]:
    """Power and alerts of every scheme of a world at each strength, over several draws."""
    points = []
    for strength in strengths:
        runs = [measured(world, strength, seed, only) for seed in seeds]
        sys.stderr.write(f"{world.name} at strength {strength:g} judged\n")
        sys.stderr.flush()
        for scheme in world.schemes:
            for typology in scheme.typologies:
                counts = [found[scheme.name, typology] for found in runs
                          if (scheme.name, typology) in found]  # fmt: skip
                if counts:
                    points.append(_point(world.name, scheme, typology, strength, counts))
    return points


def _point(
    world: str, scheme: Scheme, typology: str, strength: float, counts: Sequence[Count]
) -> Point:
    cases, detected = sum(c.cases for c in counts), sum(c.detected for c in counts)
    thousands = sum(c.subjects for c in counts) / 1000
    power = detected / cases if cases else None
    low, high = wilson(detected, cases) if cases else (None, None)
    return Point(
        world, scheme.name, typology, standing(typology), strength, scheme.strength, cases,
        detected, sum(c.singles for c in counts),
        sum(c.events for c in counts), power, low, high,
        sum(c.alerts for c in counts) / thousands, sum(c.innocent for c in counts) / thousands,
    )  # fmt: skip


def table(points: Iterable[Point]) -> str:
    """Markdown: one line a typology and scheme, one column a strength."""
    rows: dict[tuple[str, str, str, str], dict[float, Point]] = {}
    for p in points:
        rows.setdefault((p.world, p.scheme, p.typology, p.judged), {})[p.strength] = p
    steps = sorted({s for found in rows.values() for s in found})
    lines = [
        "| filings | scheme | typology | judged | " + " | ".join(f"{s:g}" for s in steps) + " |",
        "| --- | --- | --- | --- |" + " --- |" * len(steps),
    ]
    for (world, scheme, typology, how), found in rows.items():
        cells = [_cell(found[s]) if s in found else "" for s in steps]
        lines.append(f"| {world} | {scheme} | `{typology}` | {how} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(p: Point) -> str:
    if p.power is None or p.low is None or p.high is None:
        return "none planted"
    return (
        f"{p.detected}/{p.cases} ({p.low:.2f}–{p.high:.2f}); "
        f"{p.per_thousand:.1f}, {p.innocent:.1f} innocent"
        + (f"; single {p.events}/{p.singles}" if p.singles else "")
    )


def main(arguments: Sequence[str]) -> None:
    """Prints the curves and what has none."""
    parser = argparse.ArgumentParser(prog="benchmarks injection", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="draws of the simulated world")
    parser.add_argument("--world", action="append", help="only worlds of this name")
    parser.add_argument("--only", action="append", default=[], help="only this typology")
    parser.add_argument("--strengths", type=float, nargs="*", default=[0.0, *STRENGTHS])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="bring the curves into curves.csv")
    asked = parser.parse_args(arguments)
    # Warnings of runs must not stand in the figures.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    points: list[Point] = []
    for world in worlds.worlds():
        if asked.world and world.name not in asked.world:
            continue
        seeds = range(1, 1 + (asked.seeds if world.drawn else 1))
        points += curve(world, asked.strengths, list(seeds), asked.only)
    if asked.keep:
        curves.PAGE.write_text(curves.page(curves.keep(points)), encoding="utf-8")
    missing = injectable.not_injected({p.typology for p in points})
    if asked.json:
        sys.stdout.write(json.dumps({"points": [asdict(p) for p in points],
                                     "not_injected": missing}, indent=1) + "\n")  # fmt: skip
        return
    sys.stdout.write(table(points) + "\n\nNot injected:\n\n")
    for why, typologies in missing.items():
        sys.stdout.write(f"- {why}: {', '.join(f'`{t}`' for t in typologies)}\n")
