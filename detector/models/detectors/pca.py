"""PCA on the suspicious side: how far a row lies along the axes its peers vary on."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from detector.inference import Floats
from detector.models.base import MIN_REFERENCE, DetectorCard
from detector.models.detectors.crossfit import Arrays, CrossFitted
from detector.models.signed import one_sided

FLOOR = 0.1
"""Least variance of an axis (ENG): noise along an axis nobody varies on is not multiplied more."""


class Pca(CrossFitted):
    """Sum over the axes of squared position over variance, each axis turned to the bad side.

    Shyu et al. 2003 add up all axes. Loadings that point away from suspicion are taken as zero, so
    that a worse feature never lowers the score.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        "pca",
        "distance along principal axes, suspicious side",
        "Features vary together in straight lines; those that repeat one another count as one.",
        MIN_REFERENCE,
        "any increasing change of a feature's values; the order of features",
        libraries=("numpy", "scipy"),
        source="Shyu, Chen, Sarinnapakorn & Chang 2003, one-sided",
    )

    def learn(self, rows: Floats, seed: int) -> Arrays:  # noqa: ARG002
        """Axes, shape (features, axes), scaled so that squares of positions can be added."""
        seen = one_sided(rows)
        spread = seen.std(axis=0)
        spread[spread == 0.0] = 1.0
        scaled = (seen - seen.mean(axis=0)) / spread
        variances, axes = np.linalg.eigh(scaled.T @ scaled / len(scaled))
        turned = np.where(axes.sum(axis=0) < 0.0, -axes, axes)
        weights = np.maximum(turned, 0.0) / np.sqrt(np.maximum(variances, FLOOR))
        return {"weights": weights / spread[:, None]}

    def judge(self, rows: Floats, learnt: Arrays) -> Floats:
        """Column by column, so that a row gives the same bits alone and in any batch."""
        seen, weights = one_sided(rows), learnt["weights"]
        total = np.zeros(len(rows))
        for axis in weights.T:
            position = np.zeros(len(rows))
            for j, weight in enumerate(axis):
                position += weight * seen[:, j]
            total += position * position
        return total
