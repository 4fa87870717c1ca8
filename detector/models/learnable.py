"""What a learner with labels sees: every number of a family, and how large the subject is.

Unlike signed evidence it knows no suspicious direction (labels say which way a number points) and
compares with everybody rather than with peers: exposure, such as the number of bids, is a column of
its own, so that a learner can make out itself what size explains. Each number is its place in the
frozen reference, so a row's evidence depends on the row and the reference alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from detector.models.signed import NEUTRAL
from detector.peers import GrainReference

if TYPE_CHECKING:
    from features.compute import FeatureFrame

LEAST_KNOWN = 0.5
"""Share of reference rows a number must be known for; a rarer one tells where filings are thin."""


@dataclass(frozen=True)
class Learnable:
    """Evidence for learning from reviews.

    Attributes:
        names: features, then exposures.
        places: shape (rows, names), share of the reference below (ties by half); missing 0.5.
        missing: same shape.
    """

    names: tuple[str, ...]
    places: Floats
    missing: NDArray[np.bool_]


def learnable(frame: FeatureFrame, held: GrainReference, typologies: Collection[str]) -> Learnable:
    """Evidence of every row of a table for one typology or several that are learnt together.

    Args:
        frame: one grain's table, unreliable values already taken out.
        held: the frozen reference of the grain.
        typologies: those whose features are looked at.
    """
    reference = held.rows
    features = [
        f.name
        for f in frame.features
        if f.typology in typologies
        and f.name in held.features
        and f.name in frame.frame.columns
        and known_share(reference[f.name]) >= LEAST_KNOWN
        and reference[f.name].n_unique() > 1
    ]
    numbers = [place_in(reference[f], frame.frame[f]) for f in features]
    exposures = [a for a in frame.attributes if frame.frame.schema[a].is_numeric()]
    # A size is no part of the frozen reference; its own scale is as good for anything that splits.
    sizes = [frame.frame[a].cast(pl.Float64).fill_null(np.nan).to_numpy() for a in exposures]
    columns = [*numbers, *(np.log1p(np.maximum(s, 0.0)) for s in sizes)]
    table = np.column_stack(columns) if columns else np.empty((frame.frame.height, 0))
    missing = np.isnan(table)
    return Learnable((*features, *exposures), np.where(missing, NEUTRAL, table), missing)


def known_share(column: pl.Series) -> float:
    """Share of values that are numbers."""
    numbers = column.fill_nan(None)
    return numbers.count() / max(len(numbers), 1)


def place_in(reference: pl.Series, values: pl.Series) -> Floats:
    """Share of the reference's known values below each value, ties by half; NaN stays NaN."""
    held = np.sort(reference.fill_nan(None).drop_nulls().to_numpy().astype(np.float64))
    x = values.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)
    below = np.searchsorted(held, x, side="left") + np.searchsorted(held, x, side="right")
    return np.where(np.isnan(x), np.nan, below / (2.0 * max(held.size, 1)))
