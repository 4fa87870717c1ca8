"""The signed-rank baseline: the simplest detector, and hard to beat."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.models.base import (
    MIN_REFERENCE,
    DetectorCard,
    check_evidence,
    check_reference,
)

ALIKE = 0.01
"""Leaving a subject's own group out of its peers moves a percentile by about this much (ENG), so a
value shared by most peers has many percentiles; as ties none of them is rarer than the others."""


class SignedRank:
    """Mean signed percentile over the features, where they are signs of one thing."""

    card: ClassVar[DetectorCard] = DetectorCard(
        "signed_rank",
        "mean percentile among peers",
        "Every feature points the right way and they count alike.",
        MIN_REFERENCE,
        "any increasing change of a feature's values; learns nothing itself",
        baseline=True,
        alike=ALIKE,
        source="mean of ranks: OECD & JRC 2008, Handbook on Constructing Composite Indicators",
    )

    def fit(
        self,
        evidence: Floats,
        keys: pl.Series,
        seed: int,  # noqa: ARG002
        labels: Floats | None = None,
    ) -> Self:
        """Nothing to learn: the peers already are the reference."""
        check_reference(self.card, evidence, keys, labels)
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Raw scores from 0 to 1, monotone in every feature."""
        check_evidence(evidence, keys)
        # Column by column, so that a row gives the same bits alone and in any batch.
        total = evidence[:, 0].copy()
        for j in range(1, evidence.shape[1]):
            total = self._join(total, evidence[:, j])
        return self._scaled(total, evidence.shape[1])

    def _join(self, total: Floats, column: Floats) -> Floats:
        return total + column

    def _scaled(self, total: Floats, features: int) -> Floats:
        return total / features

    def save(self, folder: Path) -> None:
        """Nothing to write."""

    def load(self, folder: Path) -> Self:  # noqa: ARG002
        """Nothing to read."""
        return self


class SignedRankAny(SignedRank):
    """The largest signed percentile, where features are alternatives and any one is enough."""

    card: ClassVar[DetectorCard] = DetectorCard(
        "signed_rank_any",
        "largest percentile among peers",
        "Every feature points the right way and one of them alone is a sign.",
        MIN_REFERENCE,
        "any increasing change of a feature's values; learns nothing itself",
        baseline=True,
        alike=ALIKE,
        source="the smallest p-value: Tippett 1931",
    )

    def _join(self, total: Floats, column: Floats) -> Floats:
        return np.maximum(total, column)

    def _scaled(self, total: Floats, features: int) -> Floats:  # noqa: ARG002
        return total
