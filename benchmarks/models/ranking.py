"""Mean ROC AUC on made-up anomalies: the default for tables without directions, beside PyOD."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.models.anomalies import BASES, KINDS, Floats, table

Ranking = Callable[[Floats, int], Floats]


@dataclass(frozen=True)
class Found:
    """AUC of one ranking on one table."""

    base: str
    kind: str
    seed: int
    ranking: str
    auc: float


def default(values: Floats, seed: int) -> Floats:
    """What the product offers for such tables."""
    from detector.models.detectors.unsigned import Unsigned

    keys = pl.Series("subject_key", [f"row{i}" for i in range(len(values))])
    return Unsigned().fit(values, keys, seed).score(values, keys)


def plain_forest(values: Floats, seed: int) -> Floats:
    """PyOD's isolation forest as it comes."""
    from pyod.models.iforest import IForest

    scores: Floats = IForest(random_state=seed).fit(values).decision_scores_
    return scores


RANKINGS: dict[str, Ranking] = {"default": default, "plain forest": plain_forest}


def measure(
    seeds: Iterable[int],
    rows: int,
    bases: Iterable[str] = tuple(BASES),
    kinds: Iterable[str] = tuple(KINDS),
) -> Iterator[Found]:
    """Every ranking on every table."""
    from sklearn.metrics import roc_auc_score

    for seed in seeds:
        for base in bases:
            for kind in kinds:
                values, truth = table(base, kind, rows, seed)
                for name, rank in RANKINGS.items():
                    auc = float(roc_auc_score(truth, rank(values, seed)))
                    yield Found(base, kind, seed, name, auc)


def report(seeds: int, rows: int) -> None:
    """Prints the mean by kind, the mean of all, and the standard error of the difference."""
    found = pl.DataFrame([f.__dict__ for f in measure(range(seeds), rows)])
    one = ["base", "kind", "seed"]
    wide = found.pivot("ranking", index=one, values="auc")
    sys.stdout.write(f"{'anomalies':16}{'default':>10}{'plain forest':>14}{'tables':>8}\n")
    kinds = [(kind, wide.filter(pl.col("kind") == kind)) for kind in KINDS]
    for name, part in [*kinds, ("all", wide)]:
        means = [float(part[r].to_numpy().mean()) for r in RANKINGS]
        sys.stdout.write(f"{name:16}{means[0]:>10.3f}{means[1]:>14.3f}{part.height:>8}\n")
    gain = (wide["default"] - wide["plain forest"]).to_numpy()
    error = gain.std(ddof=1) / np.sqrt(gain.size)
    sys.stdout.write(
        f"default less plain forest: {gain.mean():+.4f} (standard error {error:.4f})\n"
    )
