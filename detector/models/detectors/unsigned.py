"""The default for tables whose columns have no suspicious end: forest and neighbours together.

No model of the product uses it, and it is no registered detector: a model reads features with a
direction only (`undirected_feature` otherwise), because unlike is not suspicious. It is for looking
at a table by hand, and it is what the published recipes of anomalies are tried on
(`benchmarks/models`).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.models.base import (
    MIN_REFERENCE,
    Detector,
    DetectorCard,
    check_evidence,
    check_reference,
)
from detector.models.detectors.crossfit import LEARNT_FILE
from detector.models.detectors.isolation_forest import IsolationForest
from detector.models.detectors.knn import Knn

PARTS = ("forest", "neighbours")


class Unsigned:
    """Mean of two ranks among the reference: isolation forest and k-th nearest neighbour.

    The forest finds what is extreme in some column, neighbours what breaks the dependence between
    columns. Both are cross-fitted; values are any finite numbers, scaled by the median and the
    spread of the reference.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        "unsigned",
        "isolation forest and nearest neighbours, both sides",
        "Odd rows are few; which way a column is odd means nothing.",
        MIN_REFERENCE,
        "shifts and scales of a column; the order of columns up to chance",
        direction="average",
        libraries=("numpy", "scipy", "scikit-learn", "pyod"),
        source="Liu, Ting & Zhou 2008; Ramaswamy, Rastogi & Shim 2000",
    )

    def __init__(self) -> None:
        self.parts: tuple[Detector, Detector] = (IsolationForest(_as_it_is), Knn(_as_it_is))
        self.middle: Floats = np.empty(0)
        self.scale: Floats = np.empty(0)
        self.known: list[Floats] = []

    def fit(
        self, evidence: Floats, keys: pl.Series, seed: int, labels: Floats | None = None
    ) -> Self:
        """Learns scales, forests, neighbours, and the order of their scores."""
        check_reference(self.card, evidence, keys, labels)
        self.middle = np.median(evidence, axis=0)
        spread = evidence.std(axis=0)
        self.scale = np.where(spread > 0.0, spread, 1.0)
        seen = self._scaled(evidence)
        self.known = [np.sort(p.fit(seen, keys, seed).score(seen, keys)) for p in self.parts]
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Mean share of the reference that is less unlike the rest, 0 to 1."""
        check_evidence(evidence, keys)
        seen = self._scaled(evidence)
        total = np.zeros(len(seen))
        for part, known in zip(self.parts, self.known, strict=True):
            raw = part.score(seen, keys)
            total += np.searchsorted(known, raw, "left") + np.searchsorted(known, raw, "right")
        return np.asarray(total / (2 * len(PARTS) * max(1, self.known[0].size)), dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Writes each part into a folder of its own."""
        arrays = dict(zip(PARTS, self.known, strict=True))
        np.savez_compressed(
            folder / LEARNT_FILE, allow_pickle=False, middle=self.middle, scale=self.scale, **arrays
        )
        for name, part in zip(PARTS, self.parts, strict=True):
            (folder / name).mkdir()
            part.save(folder / name)

    def load(self, folder: Path) -> Self:
        """Reads them."""
        with np.load(folder / LEARNT_FILE, allow_pickle=False) as arrays:
            self.middle, self.scale = arrays["middle"], arrays["scale"]
            self.known = [arrays[name] for name in PARTS]
        for name, part in zip(PARTS, self.parts, strict=True):
            part.load(folder / name)
        return self

    def _scaled(self, values: Floats) -> Floats:
        return np.asarray((values - self.middle) / self.scale, dtype=np.float64)


def _as_it_is(values: Floats) -> Floats:
    return values
