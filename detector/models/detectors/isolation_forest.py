"""PyOD's isolation forest on one-sided evidence, cross-fitted so that no row meets itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.models.base import MIN_REFERENCE, DetectorCard, check_evidence, check_reference
from detector.models.detectors.crossfit import FIT_CAP, FOLDS, LEARNT_FILE, fold_of, sample, spread
from detector.models.detectors.refit import agree, probe
from detector.models.signed import one_sided

TREES = 100
SUBSAMPLE = 256
"""Rows a tree sees, as in Liu, Ting & Zhou 2008; more brings nothing."""


class IsolationForest:
    """Five forests; a row is scored by the one fitted without its subject.

    Saved are the rows the forests were grown from and the seed; a loaded detector grows them
    again at its first score and refuses when they are not the same.

    Args:
        seen: what the forests see of the evidence.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        "isolation_forest",
        "isolation forest on the suspicious half of the evidence",
        "Cases are few and easy to tell apart from the rest; many alike hide one another.",
        MIN_REFERENCE,
        "any increasing change of a feature's values",
        direction="average",
        libraries=("numpy", "scikit-learn", "pyod"),
        source="Liu, Ting & Zhou 2008",
    )

    def __init__(self, seen: Callable[[Floats], Floats] = one_sided) -> None:
        self.seen = seen
        self.rows: Floats = np.empty((0, 0))
        self.fold = np.empty(0, dtype=np.int64)
        self.seed = 0
        self.probes: Floats | None = None
        self.forests: list[Any] = []

    def fit(
        self, evidence: Floats, keys: pl.Series, seed: int, labels: Floats | None = None
    ) -> Self:
        """Grows one forest a fold on the reference rows of the other folds."""
        check_reference(self.card, evidence, keys, labels)
        order = sample(keys, FIT_CAP)
        self.rows = self.seen(evidence[order])
        self.fold = spread(self.card, keys.gather(order))
        self.seed, self.probes = seed, None
        self.forests = self._grown()
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Raw scores: higher is easier to isolate on the suspicious side."""
        check_evidence(evidence, keys)
        if not self.forests:
            self.forests = self._grown()
        seen, fold = self.seen(evidence), fold_of(keys)
        raw = np.empty(len(seen))
        for k, forest in enumerate(self.forests):
            mine = fold == k
            if mine.any():
                raw[mine] = forest.decision_function(seen[mine])
        return raw

    def save(self, folder: Path) -> None:
        """Writes rows, folds and seed, and some scores to know the forests by."""
        probes = self._probes(self.forests or self._grown())
        np.savez_compressed(
            folder / LEARNT_FILE, allow_pickle=False,
            rows=self.rows, fold=self.fold, seed=self.seed, probes=probes,
        )  # fmt: skip

    def load(self, folder: Path) -> Self:
        """Reads them; the forests grow when they are first asked."""
        with np.load(folder / LEARNT_FILE, allow_pickle=False) as arrays:
            self.rows, self.fold = arrays["rows"], arrays["fold"]
            self.seed, self.probes = int(arrays["seed"]), arrays["probes"]
        self.forests = []
        return self

    def _grown(self) -> list[Any]:
        from pyod.models.iforest import IForest

        forests = []
        for k in range(FOLDS):
            rows = self.rows[self.fold != k]
            forest = IForest(
                n_estimators=TREES,
                max_samples=min(SUBSAMPLE, len(rows)),
                random_state=self.seed + k,
            )
            forests.append(forest.fit(rows))
        if self.probes is not None:
            agree(self.card, self.probes, self._probes(forests))
        return forests

    def _probes(self, forests: list[Any]) -> Floats:
        return np.concatenate([f.decision_function(probe(self.rows)) for f in forests])
