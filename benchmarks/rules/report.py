"""`python -m benchmarks rules`: judge, compare what was found, print times as ratios."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks.rules.market import made_frame, made_rules, written
from benchmarks.rules.peers import duckdb_by_hand, polars_by_hand
from features.compute import FeatureFrame
from rules.load import Rule
from rules.parameters import ParameterBook
from rules.sweep import sweep_rules

Found = tuple[pl.DataFrame, pl.DataFrame]


def main(arguments: list[str]) -> None:
    """Prints seconds and the ratio to each peer, or JSON with --json."""
    parser = argparse.ArgumentParser(prog="benchmarks rules", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    frame = made_frame(asked.rows, asked.features)
    made = made_rules(asked.rules, asked.features)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.parquet"
        frame.frame.write_parquet(path)
        rules = [written(one, number) for number, one in enumerate(made)]
        runs: dict[str, Callable[[], Found]] = {
            "ours": lambda: ours(rules, frame),
            "polars": lambda: polars_by_hand(frame.frame, made),
            "duckdb": lambda: duckdb_by_hand(str(path), made),
        }
        agree(runs)
        seconds: dict[str, list[float]] = {}
        for _ in range(asked.rounds):
            for name, run in runs.items():
                seconds.setdefault(name, []).append(timed(run))
    best = {name: min(found) for name, found in seconds.items()}
    ratios = {peer: best["ours"] / best[peer] for peer in ("polars", "duckdb")}
    if asked.json:
        sys.stdout.write(json.dumps({**vars(asked), "seconds": best, "ratios": ratios}) + "\n")
        return
    for name, spent in best.items():
        ratio = f"  ours is {ratios[name]:.2f} of it" if name in ratios else ""
        sys.stdout.write(f"{name:8}{spent:8.2f} s{ratio}\n")


def ours(rules: list[Rule], frame: FeatureFrame) -> Found:
    """Our outcomes and the figures behind every firing."""
    sweep = sweep_rules(rules, frame, ParameterBook())
    return sweep.codes, sweep.firings()


def timed(run: Callable[[], object]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def agree(runs: dict[str, Callable[[], Found]]) -> None:
    """Stops where the three do not find the same.

    Raises:
        SystemExit: naming what differs.
    """
    own_outcomes, own_firings = runs["ours"]()
    counts = {}
    for name in ("polars", "duckdb"):
        outcomes, firings = runs[name]()
        columns = [c for c in outcomes.columns if c.startswith("r")]
        theirs = outcomes.sort("subject_key")
        mine = own_outcomes.sort("subject_key")
        for number, column in enumerate(columns):
            own = mine[f"made-up-{number}@1.0.0"]
            if not own.equals(theirs[column]):
                sys.exit(f"{name} and ours differ on rule {number}")
        counts[name] = firings.height
    if set(counts.values()) != {own_firings.height}:
        sys.exit(f"firings differ: ours {own_firings.height}, {counts}")
    sys.stdout.write(f"three agree: {own_firings.height:,} firings\n")
