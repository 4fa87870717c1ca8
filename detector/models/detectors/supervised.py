"""Classifiers that learn from reviewed cases; they refuse to fit without cases of both kinds.

Scores of rows they learnt from are too good: judge them on other subjects (grouped
cross-validation), as `warden models evaluate` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.models.base import DetectorCard, check_evidence, check_reference
from detector.models.detectors.crossfit import LEARNT_FILE, sample
from detector.models.detectors.refit import agree, probe
from detector.models.signed import EDGE

LEAST_REVIEWED = 40
"""Labelled rows below which a classifier learns noise (ENG)."""
LABELLED_CAP = 20_000
TREES = 300
LEAF = 5
"""Rows a leaf must keep, so that one reviewed case decides nothing (ENG)."""


class Logistic:
    """Penalised logistic regression on normal scores of the evidence; saved as its weights."""

    card: ClassVar[DetectorCard] = DetectorCard(
        "logistic",
        "penalised logistic regression on reviewed cases",
        "Reviewed cases are like those to come; each feature adds to the log odds in a straight"
        " line, upwards or downwards as the labels say.",
        LEAST_REVIEWED,
        "any increasing change of a feature's values; the order of features",
        direction="average",
        supervised=True,
        libraries=("numpy", "scipy", "scikit-learn"),
        source="Hoerl & Kennard 1970; le Cessie & van Houwelingen 1992",
    )

    def __init__(self) -> None:
        self.weights: Floats = np.empty(0)
        self.intercept = 0.0

    def fit(
        self,
        evidence: Floats,
        keys: pl.Series,
        seed: int,
        labels: Floats | None = None,
    ) -> Self:
        """Learns the weights from rows labelled 0 or 1."""
        from sklearn.linear_model import LogisticRegression

        check_reference(self.card, evidence, keys, labels)
        learner = LogisticRegression(C=1.0, max_iter=1000, random_state=seed)
        learner.fit(_scores(evidence), labels)
        self.weights = np.asarray(learner.coef_[0], dtype=np.float64)
        self.intercept = float(learner.intercept_[0])
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Log odds of being a case."""
        check_evidence(evidence, keys)
        seen = _scores(evidence)
        total = np.full(len(seen), self.intercept)
        for j, weight in enumerate(self.weights):
            total += weight * seen[:, j]
        return total

    def save(self, folder: Path) -> None:
        """Writes weights and intercept."""
        np.savez_compressed(
            folder / LEARNT_FILE, allow_pickle=False, weights=self.weights, intercept=self.intercept
        )

    def load(self, folder: Path) -> Self:
        """Reads them."""
        with np.load(folder / LEARNT_FILE, allow_pickle=False) as arrays:
            self.weights, self.intercept = arrays["weights"], float(arrays["intercept"])
        return self


class ExtraTrees:
    """Extremely randomised trees; saved are the reviewed rows and the seed, grown again on load."""

    card: ClassVar[DetectorCard] = DetectorCard(
        "extra_trees",
        "extra trees on reviewed cases",
        "Reviewed cases are like those to come; any shape of dependence, direction as the labels"
        " say.",
        LEAST_REVIEWED,
        "any increasing change of a feature's values",
        direction="average",
        supervised=True,
        libraries=("numpy", "scikit-learn"),
        source="Geurts, Ernst & Wehenkel 2006",
    )

    def __init__(self) -> None:
        self.rows: Floats = np.empty((0, 0))
        self.labels: Floats = np.empty(0)
        self.seed = 0
        self.probes: Floats | None = None
        self.trees: Any = None

    def fit(
        self,
        evidence: Floats,
        keys: pl.Series,
        seed: int,
        labels: Floats | None = None,
    ) -> Self:
        """Grows the trees from rows labelled 0 or 1."""
        check_reference(self.card, evidence, keys, labels)
        order = sample(keys, LABELLED_CAP)
        self.rows, self.labels = evidence[order], np.asarray(labels)[order]
        check_reference(self.card, self.rows, keys.gather(order), self.labels)
        self.seed, self.probes = seed, None
        self.trees = self._grown()
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Share of the trees' votes for a case, 0 to 1."""
        check_evidence(evidence, keys)
        if self.trees is None:
            self.trees = self._grown()
        return np.asarray(self.trees.predict_proba(evidence)[:, 1], dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Writes rows, labels and seed, and some scores to know the trees by."""
        trees = self._grown() if self.trees is None else self.trees
        np.savez_compressed(
            folder / LEARNT_FILE, allow_pickle=False, rows=self.rows, labels=self.labels,
            seed=self.seed, probes=trees.predict_proba(probe(self.rows))[:, 1],
        )  # fmt: skip

    def load(self, folder: Path) -> Self:
        """Reads them; the trees grow when they are first asked."""
        with np.load(folder / LEARNT_FILE, allow_pickle=False) as arrays:
            self.rows, self.labels = arrays["rows"], arrays["labels"]
            self.seed, self.probes = int(arrays["seed"]), arrays["probes"]
        self.trees = None
        return self

    def _grown(self) -> Any:
        from sklearn.ensemble import ExtraTreesClassifier

        trees = ExtraTreesClassifier(
            n_estimators=TREES, min_samples_leaf=LEAF, random_state=self.seed, n_jobs=1
        ).fit(self.rows, self.labels)
        if self.probes is not None:
            agree(self.card, self.probes, trees.predict_proba(probe(self.rows))[:, 1])
        return trees


def _scores(evidence: Floats) -> Floats:
    """Normal scores: 0 at the peers' median."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(evidence, EDGE, 1.0 - EDGE)), dtype=np.float64)
