"""Folds that keep what belongs together together."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats

FOLDS = 5
Fold = tuple[NDArray[np.int64], NDArray[np.int64]]


def grouped_folds(y: Floats | NDArray[np.int64], groups: pl.Series, seed: int) -> list[Fold] | None:
    """Train and test rows; a group is never in both, each fold has about as many cases.

    Returns:
        None where fewer than two groups are of one kind: nothing can be held out.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    numbers = groups.rank("dense").to_numpy()
    kinds = min(np.unique(numbers[y == k]).size for k in (0, 1))
    if kinds < 2:
        return None
    split = StratifiedGroupKFold(min(FOLDS, kinds), shuffle=True, random_state=seed)
    return list(split.split(numbers, y, numbers))
