"""KNN on a reference sample: how far a row's k-th nearest peer is, on the suspicious side."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from detector.inference import Floats
from detector.models.base import MIN_REFERENCE, DetectorCard
from detector.models.detectors.crossfit import Arrays, CrossFitted
from detector.models.signed import one_sided

SAMPLE = 2_000
"""Reference rows kept, chosen by key hash; distances to more cost time and rank alike."""
LEAST_NEIGHBOURS, SHARE = 5, 40
"""The k-th neighbour is one in forty of the sample, at least the fifth (ENG).

On 26 public sets k = 50 ranked better than k = 5.
"""


class Knn(CrossFitted):
    """Distance to the k-th nearest reference row, features on one scale (normal scores).

    Args:
        seen: what distances are taken between.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        "knn",
        "distance to the k-th nearest peer",
        "Cases are far from everybody; more than k cases alike are near one another and hidden,"
        " and a worse value that brings a row nearer to others lowers its score.",
        MIN_REFERENCE,
        "any increasing change of a feature's values; the order of features",
        direction="average",
        libraries=("numpy", "scipy"),
        source="Ramaswamy, Rastogi & Shim 2000",
    )
    cap: ClassVar[int] = SAMPLE

    def __init__(self, seen: Callable[[Floats], Floats] = one_sided) -> None:
        super().__init__()
        self.seen = seen

    def learn(self, rows: Floats, seed: int) -> Arrays:  # noqa: ARG002
        """The sample itself."""
        return {"rows": self.seen(rows)}

    def judge(self, rows: Floats, learnt: Arrays) -> Floats:
        """Euclidean distances; a tree asks for each row by itself."""
        from scipy.spatial import cKDTree

        held = learnt["rows"]
        k = min(len(held), max(LEAST_NEIGHBOURS, -(-len(held) // SHARE)))
        distances, _ = cKDTree(held).query(self.seen(rows), k=[k])
        return np.asarray(distances[:, 0], dtype=np.float64)
