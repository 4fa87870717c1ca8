"""A frozen calibration: raw scores of reference rows, and p-values against them.

p = (1 + #{reference score >= s, the subject's own rows left out}) / (n + 1), a conformal p-value
(Bates et al. 2023). It cannot be smaller than 1 / (n + 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from detector.peers import stable_hash

CALIBRATION_CAP = 100_000
"""Scores kept; the smallest p-value is then 1e-5."""


@dataclass(frozen=True)
class Calibration:
    """Frozen scores, ascending, with the subject each belongs to.

    Attributes:
        alike: for scores that are percentiles, how far apart two in the middle may lie and still
            be tied (`detector.models.base.DetectorCard`); towards 0 and 1 it narrows to nothing,
            4 s (1 - s) of it, as the noise of a percentile does.
    """

    scores: Floats
    keys: pl.Series
    alike: float = 0.0

    @classmethod
    def of(cls, scores: Floats, keys: pl.Series, alike: float = 0.0) -> Self:
        """Freezes reference scores; above the cap a sample chosen by key hash."""
        if scores.size > CALIBRATION_CAP:
            kept = np.sort(np.argsort(stable_hash(keys), kind="stable")[:CALIBRATION_CAP])
            scores, keys = scores[kept], keys.gather(kept)
        table = pl.DataFrame({"s": scores, "k": keys}).sort("s", "k")
        return cls(table["s"].to_numpy(), table["k"].rename("subject_key"), alike)

    @property
    def n(self) -> int:
        """Number of reference rows."""
        return int(self.scores.size)

    def p_values(self, scores: Floats, keys: pl.Series) -> Floats:
        """Conformal p of each score, its own subject's reference rows left out."""
        at_least, _, n = self._reached(scores, keys)
        return np.asarray((1.0 + at_least) / (n + 1.0), dtype=np.float64)

    def suspicion(self, scores: Floats, keys: pl.Series) -> Floats:
        """1 - mid-p, strictly inside (0, 1), ties with the reference broken by the raw score.

        Of reference rows that score alike one half counts: a subject tied with many stands in
        their middle, where the p-value, to stay valid, puts it at their end. The added part stays
        below half a step and rises with the score, so the order of the scores is kept also beyond
        the largest reference score.
        """
        at_least, above, n = self._reached(scores, keys)
        low, high = (self.scores[0], self.scores[-1]) if self.n else (0.0, 1.0)
        width = max(float(high - low), 1e-12)
        centred = (scores - (low + high) / 2.0) / width
        squashed = 0.5 + 0.5 * centred / (1.0 + np.abs(centred))
        middle = (1.0 + (at_least + above) / 2.0) / (n + 1.0)
        return np.asarray(1.0 - middle + 0.5 * squashed / (self.n + 1.0), dtype=np.float64)

    def _reached(self, scores: Floats, keys: pl.Series) -> tuple[Floats, Floats, Floats]:
        """Of the others: how many reach each score, how many lie above it, how many there are."""
        rows = pl.DataFrame({"i": np.arange(scores.size), "k": keys, "x": scores})
        own = rows.join(pl.DataFrame({"k": self.keys, "s": self.scores}), on="k", how="inner")
        at, s, x = (own[c].to_numpy() for c in ("i", "s", "x"))
        width = self._width(scores)
        low, high, near = scores - width, scores + width, width[at]

        def less_own(all_of_them: NDArray[np.int64] | int, mine: NDArray[np.bool_]) -> Floats:
            taken = np.bincount(at, weights=mine, minlength=scores.size)
            return np.asarray(all_of_them - taken, dtype=np.float64)

        return (
            less_own(self.n - np.searchsorted(self.scores, low, side="left"), s >= x - near),
            less_own(self.n - np.searchsorted(self.scores, high, side="right"), s > x + near),
            less_own(self.n, np.ones(at.size, dtype=np.bool_)),
        )

    def _width(self, scores: Floats) -> Floats:
        """How far below or above each score others are tied with it."""
        inside = np.clip(scores, 0.0, 1.0) if self.alike else np.zeros_like(scores)
        return np.asarray(self.alike * 4.0 * inside * (1.0 - inside), dtype=np.float64)
