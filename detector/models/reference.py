"""A frozen calibration: raw scores of reference rows, and p-values against them.

p = (1 + #{reference score >= s, the subject's own rows left out}) / (n + 1), a conformal p-value
(Bates et al. 2023). It cannot be smaller than 1 / (n + 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.peers import stable_hash

CALIBRATION_CAP = 100_000
"""Scores kept; the smallest p-value is then 1e-5."""


@dataclass(frozen=True)
class Calibration:
    """Frozen scores, ascending, with the subject each belongs to."""

    scores: Floats
    keys: pl.Series

    @classmethod
    def of(cls, scores: Floats, keys: pl.Series) -> Self:
        """Freezes reference scores; above the cap a sample chosen by key hash."""
        if scores.size > CALIBRATION_CAP:
            kept = np.sort(np.argsort(stable_hash(keys), kind="stable")[:CALIBRATION_CAP])
            scores, keys = scores[kept], keys.gather(kept)
        table = pl.DataFrame({"s": scores, "k": keys}).sort("s", "k")
        return cls(table["s"].to_numpy(), table["k"].rename("subject_key"))

    @property
    def n(self) -> int:
        """Number of reference rows."""
        return int(self.scores.size)

    def p_values(self, scores: Floats, keys: pl.Series) -> Floats:
        """Conformal p of each score, its own subject's reference rows left out."""
        rows = pl.DataFrame({"i": np.arange(scores.size), "k": keys, "x": scores})
        own = rows.join(pl.DataFrame({"k": self.keys, "s": self.scores}), on="k", how="inner")
        at, above = own["i"].to_numpy(), (own["s"] >= own["x"]).to_numpy()
        n_own = np.bincount(at, minlength=scores.size)
        own_above = np.bincount(at, weights=above, minlength=scores.size)
        reached = self.n - np.searchsorted(self.scores, scores, side="left")
        return np.asarray((1.0 + reached - own_above) / (self.n - n_own + 1.0), dtype=np.float64)

    def suspicion(self, scores: Floats, p: Floats) -> Floats:
        """1 - p, strictly inside (0, 1), ties broken by the raw score.

        The added part stays below half a step of the p-values and rises with the score, so the
        order of the scores is kept also beyond the largest reference score.
        """
        low, high = (self.scores[0], self.scores[-1]) if self.n else (0.0, 1.0)
        width = max(float(high - low), 1e-12)
        centred = (scores - (low + high) / 2.0) / width
        squashed = 0.5 + 0.5 * centred / (1.0 + np.abs(centred))
        return np.asarray(1.0 - p + 0.5 * squashed / (self.n + 1.0), dtype=np.float64)
