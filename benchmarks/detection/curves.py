"""Measured detection curves, kept in `curves.csv`: one row a scheme, typology and strength.

`python -m benchmarks injection --keep` brings what it measured into the table and writes it as a
page, `curves.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from benchmarks.detection.injection import Point

CURVES = Path(__file__).with_name("curves.csv")
PAGE = CURVES.with_suffix(".md")
INTRODUCTION = """\
# Detection curves

Written by `python -m benchmarks injection --keep`; what they show and what not is said in
[how strong a scheme must be to be named](../../docs/explanation/detection-power.md).
*Judged*: by rules and models in force (`live`), or by rules that are in `shadow` or `draft` in the
release and were put in force for the study. A count of 24 of 24 means 0.86 to 1.00 (95 % Wilson
interval), 12 of 24 0.31 to 0.69, 0 of 24 0.00 to 0.14.
"""
KEY = ("world", "scheme", "typology", "strength")
COLUMNS: Mapping[str, Any] = {
    "world": pl.String, "scheme": pl.String, "typology": pl.String, "judged": pl.String,
    "strength": pl.Float64, "cases": pl.Int64, "detected": pl.Int64,
    "singles": pl.Int64, "events": pl.Int64, "per_thousand": pl.Float64, "innocent": pl.Float64,
}  # fmt: skip


def kept(path: Path = CURVES) -> pl.DataFrame:
    """The curves measured so far."""
    return pl.read_csv(path, schema=dict(COLUMNS))


def keep(points: Iterable[Point | Mapping[str, Any]], path: Path = CURVES) -> pl.DataFrame:
    """Brings points into the table; of two for one place the new one stays."""
    rows = [p if isinstance(p, Mapping) else asdict(p) for p in points]
    new = pl.DataFrame(rows, schema_overrides=dict(COLUMNS), infer_schema_length=None)
    new = new.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).with_columns(
        pl.col("per_thousand", "innocent").round(1)
    )
    parts = [kept(path), new] if path.exists() else [new]
    whole = pl.concat(parts).unique(list(KEY), keep="last", maintain_order=True).sort(KEY)
    whole.write_csv(path)
    return whole


def figures(curves: pl.DataFrame) -> str:
    """Two tables in Markdown: cases named, and alerts per 1,000 subjects, by strength."""
    steps = sorted(set(curves["strength"]))
    grouped = curves.sort("typology", "world", "scheme", "strength").group_by(
        "typology", "world", "scheme", "judged", maintain_order=True
    )
    named, alerts = [], []
    for (typology, world, scheme, judged), part in grouped:
        at = {row["strength"]: row for row in part.iter_rows(named=True)}
        cells = [at.get(step) for step in steps]
        head = f"| `{typology}` | {judged} | {world} | {scheme} |"
        found = [f"{c['detected']}/{c['cases']}" if c else "" for c in cells]
        raised = [f"{c['per_thousand']:g} ({c['innocent']:g})" if c else "" for c in cells]
        named.append(f"{head} {' | '.join(found)} |")
        alerts.append(f"{head} {' | '.join(raised)} |")
    columns = "| typology | judged | filings | scheme | " + " | ".join(f"{s:g}" for s in steps)
    line = f"{columns} |\n" + "| --- " * (4 + len(steps)) + "|\n"
    return (
        f"### Cases named, of those planted\n\n{line}" + "\n".join(named) + "\n\n"
        f"### Alerts per 1,000 subjects, in brackets those about nobody planted\n\n{line}"
        + "\n".join(alerts) + "\n"
    )  # fmt: skip


def meanings() -> str:
    """What the strength of each scheme means, as a table in Markdown."""
    from benchmarks.detection.worlds import worlds

    told = {scheme.name: scheme.strength for world in worlds() for scheme in world.schemes}
    lines = [f"| {name} | {told[name]} |" for name in sorted(told)]
    return "| scheme | strength |\n| --- | --- |\n" + "\n".join(lines) + "\n"


def page(curves: pl.DataFrame) -> str:
    """The whole page."""
    told = f"## What the strength means\n\n{meanings()}"
    return f"{INTRODUCTION}\n{told}\n## Figures\n\n{figures(curves)}"
