"""One side of the ECOD comparison in a process of its own: `python -m benchmarks.models.ecod`.

Arguments: SIDE (`ours` or `pyod`), file of the table, file for the scores. Prints JSON: seconds,
seconds of computing (of both cores together), and the peak memory with the table in it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
THREADS = 2


def made(rows: int, columns: int) -> Floats:
    """Normal columns, every third skewed and every fifth rounded so that values are tied."""
    rng = np.random.default_rng(0)
    values = np.empty((rows, columns), order="F")
    for j in range(columns):
        values[:, j] = rng.lognormal(size=rows) if j % 3 == 2 else rng.normal(size=rows)
        if j % 5 == 4:
            np.round(values[:, j], 2, out=values[:, j])
    return values


def side(name: str) -> Callable[[Floats], Floats]:
    """The function measured; importing and compiling it is no part of the time."""
    if name == "ours":
        from detector.models.detectors.ecod import ecod_both_sides

        ecod_both_sides(made(100, 3), THREADS)
        return lambda values: ecod_both_sides(values, THREADS)
    from pyod.models.ecod import ECOD

    ECOD().fit(made(100, 3))
    return lambda values: np.asarray(ECOD().fit(values).decision_scores_)


def main() -> None:
    """Runs one side once."""
    name, table, out = sys.argv[1:4]
    run = side(name)
    values = np.load(Path(table))
    began, used = time.perf_counter(), time.process_time()
    scores = run(values)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    np.save(Path(out), scores)
    sys.stdout.write(json.dumps({"seconds": seconds, "cpu": cpu, "peak_gb": peak}) + "\n")


if __name__ == "__main__":
    main()
