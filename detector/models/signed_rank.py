"""The signed-rank baseline: the simplest model, and hard to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import polars as pl

from detector.inference import Floats
from detector.models.signed import neutral


class SignedRank:
    """Mean (or largest) signed percentile over the features, missing ones neutral.

    Args:
        how: ``mean`` where the features are signs of one thing; ``max`` where they are
            alternatives, any one of which is enough.
    """

    def __init__(self, how: Literal["mean", "max"]) -> None:
        self.how = how

    def fit(self, evidence: Floats, keys: pl.Series, seed: int) -> Self:  # noqa: ARG002
        """Nothing to learn: the peers already are the reference."""
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:  # noqa: ARG002
        """Raw scores from 0 to 1, monotone in every feature."""
        filled = neutral(evidence)
        # Column by column, so that a row gives the same bits alone and in any batch.
        total = filled[:, 0].copy()
        for j in range(1, filled.shape[1]):
            column = filled[:, j]
            total = total + column if self.how == "mean" else _larger(total, column)
        return total / filled.shape[1] if self.how == "mean" else total

    def save(self, folder: Path) -> None:
        """Nothing to write."""

    def load(self, folder: Path) -> Self:  # noqa: ARG002
        """Nothing to read."""
        return self


def _larger(a: Floats, b: Floats) -> Floats:
    import numpy as np

    return np.maximum(a, b)
