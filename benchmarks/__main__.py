"""`python -m benchmarks`: each case against the plainest good peer, several rounds, best time.

A ratio of 2 means that we take twice as long as the peer. The peers do less: they neither check,
version, hash nor explain; the ratio says what that costs.

`python -m benchmarks features --rows 10_000_000` measures six blocks of features over orders beside
naive Polars, DuckDB, pandas and a bare scan, with peak memory (see `benchmarks/blocks`).

`python -m benchmarks rules` judges 200 rules over 1,000,000 rows beside Polars and DuckDB written
by hand (see `benchmarks/rules`).

`python -m benchmarks models` measures the detectors beside PyOD (see `benchmarks/models`).

`python -m benchmarks reviewer|nulls|calibration|injection` measures how well detection does on
known answers (see `benchmarks/detection`).

`python -m benchmarks replay` judges alerts again after later filings, corrections, a rule change
and a refit (see `benchmarks/replay.py`).

`python -m benchmarks schemathesis` calls every operation of the HTTP interface with generated
requests; `python -m benchmarks api` asks for pages of a queue of a million alerts,
`python -m benchmarks desk` opens every page of the desk over as many (see `benchmarks/api`).

`python -m benchmarks audit` writes and verifies a million entries of the audit trail.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from benchmarks import cases

STUDIES = {
    "features": "benchmarks.blocks.report",
    "rules": "benchmarks.rules.report",
    "models": "benchmarks.models.report",
    "reviewer": "benchmarks.detection.reviewer",
    "nulls": "benchmarks.detection.nulls",
    "calibration": "benchmarks.detection.calibration",
    "injection": "benchmarks.detection.injection",
    "replay": "benchmarks.replay",
    "audit": "benchmarks.audit",
    "schemathesis": "benchmarks.api.contract",
    "api": "benchmarks.api.load",
    "desk": "benchmarks.api.desk",
}
"""Studies with a command line of their own: the module whose `main` takes the rest."""


@dataclass(frozen=True)
class Result:
    """Best time of us and of the peer, in seconds."""

    case: str
    peer: str
    rows: int
    ours_s: float
    peer_s: float
    ratio: float


def best(run: Callable[[], object], rounds: int) -> float:
    """Shortest of several runs: what the machine can do when nothing disturbs it."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def measure(chosen: Iterable[cases.Case], scale: float, rounds: int) -> Iterable[Result]:
    """Prepares each case, then times both sides in turn."""
    for case in chosen:
        with case.prepare(scale) as ready:
            ready.ours()  # the first call imports; it is no part of the comparison
            ready.peer()
            ours, peer = best(ready.ours, rounds), best(ready.peer, rounds)
            yield Result(case.name, case.peer, ready.rows, ours, peer, ours / peer)


def main() -> None:
    """Prints a table, or JSON lines with --json."""
    chosen_study = STUDIES.get(sys.argv[1]) if sys.argv[1:] else None
    if chosen_study is not None:
        importlib.import_module(chosen_study).main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the data")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("names", nargs="*", help="only these cases")
    asked = parser.parse_args()
    chosen = [c for c in cases.CASES if not asked.names or c.name in asked.names]
    if not asked.json:
        sys.stdout.write(
            f"{'case':34}{'peer':34}{'rows':>10}{'ours s':>9}{'peer s':>9}{'ratio':>7}\n"
        )
    for result in measure(chosen, asked.scale, asked.rounds):
        if asked.json:
            sys.stdout.write(json.dumps(asdict(result)) + "\n")
        else:
            sys.stdout.write(
                f"{result.case:34}{result.peer:34}{result.rows:>10,}"
                f"{result.ours_s:>9.2f}{result.peer_s:>9.2f}{result.ratio:>7.2f}\n"
            )
        sys.stdout.flush()


main()
