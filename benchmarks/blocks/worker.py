"""One engine in a process of its own: `python -m benchmarks.blocks.worker ENGINE DATA ANSWERS`.

Prints JSON: seconds, CPU seconds and peak memory of the process.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

Answers = dict[str, pl.DataFrame]


def _engine(name: str) -> Callable[[Path], Answers]:
    """The function that answers; importing what it needs is no part of the measurement."""
    if name == "ours":
        ours = importlib.import_module("benchmarks.blocks.ours")
        ours.registry()
        return ours.run
    if name == "all features":
        return importlib.import_module("benchmarks.blocks.whole").run
    if name in ("duckdb", "pandas"):
        importlib.import_module(name)
    return getattr(importlib.import_module("benchmarks.blocks.peers"), name)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Runs the engine once and writes its answers beside the measurement."""
    name, data, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    run = _engine(name)
    began, used = time.perf_counter(), _cpu()
    answers = run(data)
    found = {"seconds": time.perf_counter() - began, "cpu": _cpu() - used}
    found["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    found["rows"] = {key: frame.height for key, frame in answers.items()}
    for key, frame in answers.items():
        frame.write_parquet(out / f"{name}-{key}.parquet")
    sys.stdout.write(json.dumps(found) + "\n")


main()
