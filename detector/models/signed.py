"""Signed evidence: every feature turned so that 1 is the suspicious end of its peers.

Two-sided outlier scores rank cartels last, because rigged tenders are too regular. So a model never
sees a value: it sees the mid-rank percentile among frozen peers, flipped where low is suspicious.
A missing feature counts as the peers' median, the neutral point, so it can neither raise nor lower
a score; that it is missing is kept beside it and named in the facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from features.errors import WardenError
from features.vocabulary import Reason

if TYPE_CHECKING:
    from features.compute import FeatureFrame

NEUTRAL = 0.5
"""The percentile of the peers' median: evidence neither for nor against."""
EDGE = 1e-4
"""Percentiles are pulled this far inside (0, 1) before a normal score is taken."""


@dataclass(frozen=True)
class Evidence:
    """Signed percentiles of one model's features.

    Attributes:
        features: column names in order.
        signed: shape (rows, features), 0 to 1, neutral where missing; never NaN.
        missing: shape (rows, features), where a feature is missing.
        reasons: per row the reason of the first missing feature, else null.
    """

    features: tuple[str, ...]
    signed: Floats
    missing: NDArray[np.bool_]
    reasons: pl.Series


def signed_evidence(
    frame: FeatureFrame,
    features: tuple[str, ...],
    reads: Literal["signs", "size"] = "signs",
) -> Evidence:
    """Signed percentiles from a table that `apply_peers` has been through.

    Features the table lacks are left out.

    Args:
        reads: ``size`` reads every percentile upwards, whatever direction the feature declares.

    Raises:
        WardenError: `undirected_feature` when a feature declares no suspicious direction.
    """
    directions = {f.name: "high" if reads == "size" else f.direction for f in frame.features}
    present = tuple(f for f in features if f in directions and f"{f}__pct" in frame.frame.columns)
    for name in present:
        if directions[name] == "none":
            raise WardenError(
                "undirected_feature",
                f"The feature '{name}' has no suspicious direction, so no model may use it.",
                "Give it a direction in its definition, or take it out of the model.",
            )
    columns = []
    for name in present:
        drawn = f"{name}__drawn"
        share = pl.col(drawn if drawn in frame.frame.columns else f"{name}__pct")
        columns.append((share if directions[name] == "high" else 1.0 - share).alias(name))
    table = frame.frame.select(columns)
    signed = table.to_numpy(writable=True) if present else np.empty((frame.frame.height, 0))
    reasons = [
        pl.when(pl.col(name).is_null())
        .then(pl.col(f"{name}__reason"))
        .when(pl.col(f"{name}__pct").is_null())
        .then(pl.lit(Reason.TOO_FEW.value))
        for name in present
    ]
    why = pl.coalesce([*reasons, pl.lit(None, dtype=pl.String)]).alias("reason")
    signed = signed.astype(np.float64)
    missing = np.isnan(signed)
    signed[missing] = NEUTRAL
    return Evidence(present, signed, missing, frame.frame.select(why)["reason"])


def one_sided(signed: Floats) -> Floats:
    """max(0, normal score): only the suspicious half speaks."""
    from scipy.special import ndtri

    inside = np.clip(signed, EDGE, 1.0 - EDGE)
    return np.asarray(np.maximum(0.0, ndtri(inside)), dtype=np.float64)
