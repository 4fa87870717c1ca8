"""`python -m benchmarks models`: own ECOD beside PyOD's, speed of detectors, made-up anomalies.

Parts: `ecod` (asked: at least five times as fast as PyOD with at most half the memory), `speed`
(rows scored a second), `ranking` (the default for tables without directions, asked: mean AUC not
more than 0.01 below plain isolation forest).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.models import ranking
from benchmarks.models.ecod import made

PARTS = ("ecod", "speed", "ranking")
SIDES = ("ours", "pyod")
EQUAL = 1e-9


def main(arguments: list[str]) -> None:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks models", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all when none is named")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the ECOD comparison")
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scored", type=int, default=100_000, help="rows scored for speed")
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the made-up anomalies")
    parser.add_argument("--table", type=int, default=1_000, help="rows of a made-up table")
    asked = parser.parse_args(arguments)
    parts = asked.parts or PARTS
    if "ecod" in parts:
        compare_ecod(asked.rows, asked.columns, asked.rounds)
    if "speed" in parts:
        speeds(asked.scored, asked.features)
    if "ranking" in parts:
        ranking.report(asked.seeds, asked.table)


def compare_ecod(rows: int, columns: int, rounds: int) -> None:
    """Both sides in turn, each run in a process of its own; best time, largest peak."""
    seconds: dict[str, list[float]] = {s: [] for s in SIDES}
    peaks: dict[str, list[float]] = {s: [] for s in SIDES}
    cpu: dict[str, list[float]] = {s: [] for s in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        # Each side gets the memory order it is faster on; Polars hands over columns.
        values = made(rows, columns)
        tables = {"ours": Path(folder) / "columns.npy", "pyod": Path(folder) / "rows.npy"}
        np.save(tables["ours"], values)
        np.save(tables["pyod"], np.ascontiguousarray(values))
        del values
        for _ in range(rounds):
            for side in SIDES:
                out = Path(folder) / f"{side}.npy"
                found = run_side(side, tables[side], out)
                seconds[side].append(found["seconds"])
                peaks[side].append(found["peak_gb"])
                cpu[side].append(found["cpu"])
        apart = np.abs(np.load(Path(folder) / "ours.npy") - np.load(Path(folder) / "pyod.npy"))
    worst = float(apart.max())
    if worst > EQUAL:
        sys.exit(f"the two differ by {worst:.2g}")
    best = {s: min(seconds[s]) for s in SIDES}
    peak = {s: max(peaks[s]) for s in SIDES}
    sys.stdout.write(f"ECOD, {rows:,} x {columns}; largest difference {worst:.1g}\n")
    for side in SIDES:
        spent = f"{best[side]:8.2f} s ({min(cpu[side]):.2f} s of computing)"
        sys.stdout.write(f"  {side:6}{spent}{peak[side]:8.2f} GB\n")
    sys.stdout.write(
        f"  {best['pyod'] / best['ours']:.1f} times as fast,"
        f" {peak['ours'] / peak['pyod']:.2f} of the memory\n"
    )


def run_side(side: str, table: Path, out: Path) -> dict[str, float]:
    """Seconds and peak memory of one side."""
    command = [sys.executable, "-m", "benchmarks.models.ecod", side, str(table), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def speeds(rows: int, features: int) -> None:
    """Rows a second each registered detector scores, fitted on a reference of twenty thousand.

    Rates are by processor time: scoring uses one core, and a busy machine does not slow it.
    """
    from detector.models.base import SEED, detectors
    from detector.models.detectors.crossfit import FIT_CAP

    rng = np.random.default_rng(0)
    held, seen = rng.uniform(size=(FIT_CAP, features)), rng.uniform(size=(rows, features))
    labels = (held.mean(axis=1) > 0.6).astype(float)
    known = pl.Series("subject_key", [f"known{i}" for i in range(FIT_CAP)])
    keys = pl.Series("subject_key", [f"new{i}" for i in range(rows)])
    sys.stdout.write(f"detectors, {rows:,} x {features}; seconds of computing, one core\n")
    sys.stdout.write(
        f"  {'detector':18}{'fit s':>8}{'score s':>9}{'rows/s':>13}{'elapsed s':>11}\n"
    )
    for name, make in detectors().items():
        detector, began = make(), time.process_time()
        detector.fit(held, known, SEED, labels if detector.card.supervised else None)
        fitted, clock = time.process_time(), time.perf_counter()
        detector.score(seen, keys)
        spent, elapsed = time.process_time() - fitted, time.perf_counter() - clock
        figures = f"{fitted - began:>8.2f}{spent:>9.3f}{rows / spent:>13,.0f}{elapsed:>9.2f}"
        sys.stdout.write(f"  {name:18}{figures}\n")
        sys.stdout.flush()
