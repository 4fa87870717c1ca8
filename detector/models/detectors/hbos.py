"""HBOS on the suspicious half: how thin the reference is where a row lies, feature by feature."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detector.inference import Floats
from detector.models.base import MIN_REFERENCE, DetectorCard
from detector.models.detectors.crossfit import Arrays, CrossFitted
from detector.models.signed import EDGE, one_sided


class Hbos(CrossFitted):
    """Sum over the features of -log density from a histogram that only falls outwards.

    A plain histogram calls the gap between the crowd and a cluster of cases rarer than the
    cluster. Signed evidence knows which way is worse, so the density is held at its smallest value
    so far, counted from the peers' median outwards.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        "hbos",
        "histogram surprise (HBOS) that only rises outwards",
        "Features are independent signs; inside a bar of the histogram rows are told apart by"
        " nothing.",
        MIN_REFERENCE,
        "any increasing change of a feature's values",
        libraries=("numpy", "scipy"),
        source="Goldstein & Dengel 2012, one-sided and falling",
    )

    def learn(self, rows: Floats, seed: int) -> Arrays:  # noqa: ARG002
        """Surprise of each bar, shape (features, bars); Sturges' number of bars."""
        bars = math.ceil(math.log2(max(2, len(rows)))) + 1
        at = _bar(one_sided(rows), bars)
        counts = np.stack([np.bincount(column, minlength=bars) for column in at.T])
        share = np.minimum.accumulate((counts + 0.5) / (len(rows) + 0.5 * bars), axis=1)
        return {"surprise": -np.log(share / share[:, :1])}

    def judge(self, rows: Floats, learnt: Arrays) -> Floats:
        """Zero at the peers' median or below, higher where fewer are."""
        surprise = learnt["surprise"]
        at = _bar(one_sided(rows), surprise.shape[1])
        total = np.zeros(len(rows))
        for j, bars in enumerate(surprise):
            total += bars[at[:, j]]
        return total


def _bar(seen: Floats, bars: int) -> NDArray[np.int64]:
    """Number of the bar each value falls in; bars are equally wide between 0 and the edge."""
    from scipy.special import ndtri

    at = (seen / float(ndtri(1.0 - EDGE)) * bars).astype(np.int64)
    return np.asarray(np.minimum(at, bars - 1), dtype=np.int64)
