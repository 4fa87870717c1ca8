"""`python -m benchmarks features`: engines in turn, each in its own process, best of rounds."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.blocks import compare, data

PEERS = ("polars", "duckdb", "pandas")
TARGETS = {"polars": 0.5, "duckdb": 0.4, "pandas": 0.15, "scan": 11.0}
WHOLE = "all features"


@dataclass(frozen=True)
class Row:
    """Best of the rounds of one engine.

    Attributes:
        ratio: our seconds over its; of `all features` its own over the scan's are of no interest.
        apart: largest difference of a number to ours.
    """

    engine: str
    rows: int
    seconds: float
    cpu: float
    rows_per_s: float
    peak_gb: float
    ratio: float | None = None
    target: float | None = None
    apart: float | None = None


def measure(engine: str, folder: Path, answers: Path) -> dict[str, float]:
    """One run in a new process.

    Raises:
        RuntimeError: with what the process wrote last, when it failed.
    """
    command = [sys.executable, "-m", "benchmarks.blocks.worker", engine, str(folder), str(answers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{engine} ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def results(rows: int, rounds: int, engines: list[str], folder: Path) -> list[Row]:
    """Writes the data, runs the engines in turn, and compares what they answer with ours."""
    data.write(rows, folder)
    best: dict[str, dict[str, float]] = {}
    apart: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as answers:
        for number in range(rounds):
            for engine in engines:
                found = measure(engine, folder, Path(answers))
                kept = best.setdefault(engine, found)
                for key in ("seconds", "cpu", "peak_gb"):
                    kept[key] = min(kept[key], found[key])
            if number == 0 and "ours" in engines:
                for peer in set(engines) & set(PEERS):
                    apart[peer] = compare.largest_difference(Path(answers), peer, folder)
    ours = best.get("ours", {}).get("seconds")
    return [
        Row(
            engine,
            rows,
            b["seconds"],
            b["cpu"],
            rows / b["seconds"],
            b["peak_gb"],
            ours / b["seconds"] if ours and engine in TARGETS else None,
            TARGETS.get(engine),
            apart.get(engine),
        )
        for engine, b in best.items()
    ]


def _table(found: list[Row]) -> str:
    lines = [
        f"{'engine':14}{'seconds':>9}{'CPU s':>9}{'M rows/s':>10}{'peak GB':>9}"
        f"{'ours/it':>9}{'at most':>9}{'apart':>10}"
    ]
    for r in found:
        ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
        target = "" if r.ratio is None else f"{r.target:g}"
        apart = "" if r.apart is None else f"{r.apart:.0e}"
        lines.append(
            f"{r.engine:14}{r.seconds:>9.2f}{r.cpu:>9.2f}{r.rows_per_s / 1e6:>10.2f}"
            f"{r.peak_gb:>9.2f}{ratio:>9}{target:>9}{apart:>10}"
        )
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> None:
    """Prints a table, or JSON lines with --json."""
    parser = argparse.ArgumentParser(prog="benchmarks features", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder to keep the orders in between runs")
    parser.add_argument(
        "--engines", default=f"scan,ours,{','.join(PEERS)},{WHOLE}", help="some of the engines"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(words)
    engines = [e.strip() for e in asked.engines.split(",")]
    with tempfile.TemporaryDirectory() as spare:
        found = results(asked.rows, asked.rounds, engines, asked.data or Path(spare))
    if asked.json:
        sys.stdout.write("".join(json.dumps(asdict(r)) + "\n" for r in found))
    else:
        sys.stdout.write(_table(found))
