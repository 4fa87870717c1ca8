"""PyOD's isolation forest on one-sided evidence, cross-fitted so that no row meets itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.models.signed import one_sided
from detector.peers import stable_hash

FOLDS = 5
TREES = 100
SUBSAMPLE = 256
"""Rows a tree sees, as in Liu, Ting & Zhou 2008; more brings nothing."""
FIT_CAP = 20_000
"""Reference rows a forest draws from, chosen by key hash."""
FOREST_FILE = "forests.joblib"


class CrossFittedForest:
    """Five forests; a row is scored by the one fitted without its subject.

    The fold is a hash of the subject key, so a subject outside the reference has its forest too
    and a row's score depends on nothing beside it.
    """

    def __init__(self) -> None:
        self.forests: list[Any] = []

    def fit(self, evidence: Floats, keys: pl.Series, seed: int) -> Self:
        """Fits one forest a fold on the reference rows of the other folds."""
        from pyod.models.iforest import IForest

        order = np.argsort(stable_hash(keys, "fit"), kind="stable")[:FIT_CAP]
        seen, fold = one_sided(evidence[order]), _fold(keys.gather(order))
        self.forests = []
        for k in range(FOLDS):
            rows = seen[fold != k]
            forest = IForest(
                n_estimators=TREES, max_samples=min(SUBSAMPLE, len(rows)), random_state=seed + k
            )
            self.forests.append(forest.fit(rows))
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Raw scores: higher is easier to isolate on the suspicious side."""
        seen, fold = one_sided(evidence), _fold(keys)
        raw = np.empty(len(seen))
        for k, forest in enumerate(self.forests):
            mine = fold == k
            if mine.any():
                raw[mine] = forest.decision_function(seen[mine])
        return raw

    def save(self, folder: Path) -> None:
        """Writes the forests; whoever loads them checks the recorded hash first."""
        import joblib

        joblib.dump(self.forests, folder / FOREST_FILE)

    def load(self, folder: Path) -> Self:
        """Reads the forests; only ever call it on a file whose hash was verified."""
        import joblib

        self.forests = joblib.load(folder / FOREST_FILE)
        return self


def _fold(keys: pl.Series) -> np.ndarray[Any, np.dtype[np.int64]]:
    return (stable_hash(keys, "fold") % FOLDS).astype(np.int64)
