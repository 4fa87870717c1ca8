"""Cross-fitting: a row is scored by what was learnt from the subjects of other folds.

The fold is a hash of the subject key. So no reference row meets itself, reference rows and new
rows are scored alike (which the p-values rest on), a subject outside the reference has its fold
too, and a row's score depends on nothing beside it. Each fold learns from four fifths of the
reference, so their scores are on one scale and share one calibration.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from detector.models.base import DetectorCard, check_evidence, check_reference
from detector.peers import stable_hash
from features.errors import WardenError

FOLDS = 5
LEAST_LEARNT = 5
"""Rows each fold must be able to learn from; a few subjects with many periods leave too few."""
FIT_CAP = 20_000
"""Reference rows a detector learns from, chosen by key hash."""
LEARNT_FILE = "learnt.npz"

Arrays = Mapping[str, NDArray[Any]]


class CrossFitted(ABC):
    """A detector that learns arrays from the rows of each fold's complement."""

    card: ClassVar[DetectorCard]
    cap: ClassVar[int] = FIT_CAP

    def __init__(self) -> None:
        self.learnt: list[Arrays] = []

    @abstractmethod
    def learn(self, rows: Floats, seed: int) -> Arrays:
        """What one fold knows, from the evidence of the others."""

    @abstractmethod
    def judge(self, rows: Floats, learnt: Arrays) -> Floats:
        """Raw scores of rows by what one fold knows; each row for itself."""

    def fit(
        self, evidence: Floats, keys: pl.Series, seed: int, labels: Floats | None = None
    ) -> Self:
        """Learns once a fold from the reference rows of the other folds."""
        check_reference(self.card, evidence, keys, labels)
        order = sample(keys, self.cap)
        rows, fold = evidence[order], spread(self.card, keys.gather(order))
        self.learnt = [self.learn(rows[fold != k], seed + k) for k in range(FOLDS)]
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Raw scores: higher is more suspicious."""
        check_evidence(evidence, keys)
        fold = fold_of(keys)
        raw = np.empty(len(evidence))
        for k, learnt in enumerate(self.learnt):
            mine = fold == k
            if mine.any():
                raw[mine] = self.judge(evidence[mine], learnt)
        return raw

    def save(self, folder: Path) -> None:
        """Writes the arrays of every fold."""
        arrays = {f"{k}_{n}": a for k, part in enumerate(self.learnt) for n, a in part.items()}
        np.savez_compressed(folder / LEARNT_FILE, allow_pickle=False, **arrays)

    def load(self, folder: Path) -> Self:
        """Reads them; nothing in the file can be code."""
        parts: list[dict[str, NDArray[Any]]] = [{} for _ in range(FOLDS)]
        with np.load(folder / LEARNT_FILE, allow_pickle=False) as arrays:
            for name in arrays.files:
                k, _, plain = name.partition("_")
                parts[int(k)][plain] = arrays[name]
        self.learnt = list(parts)
        return self


def sample(keys: pl.Series, cap: int) -> NDArray[np.intp]:
    """Rows a fit uses: all, in the order of a hash of their keys, up to a cap."""
    return np.argsort(stable_hash(keys, "fit"), kind="stable")[:cap]


def fold_of(keys: pl.Series) -> NDArray[np.int64]:
    """Each row's fold, 0 to FOLDS - 1: all rows of a subject in the same."""
    return (stable_hash(keys, "fold") % FOLDS).astype(np.int64)


def spread(card: DetectorCard, keys: pl.Series) -> NDArray[np.int64]:
    """Folds of a reference. Raises `too_few_reference` when its subjects are too few to split."""
    fold = fold_of(keys)
    if len(fold) - np.bincount(fold).max() < LEAST_LEARNT:
        raise WardenError(
            "too_few_reference",
            f"The {len(fold)} reference rows of '{card.name}' are of {keys.n_unique()} subjects,"
            f" too few to judge each by at least {LEAST_LEARNT} rows of others.",
        )
    return fold
