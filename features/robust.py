"""Robust location and scale of peers, each subject left out of its own peers.

Section 1.2 of the domain catalogue: MAD times 1.4826, where that is 0 the interquartile range
(type 7) over 1.349, where that is 0 too nothing. Sorting once per group makes leaving each
subject out as cheap as not doing so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

MAD_SCALE = 1.4826
IQR_SCALE = 1.349
Floats: TypeAlias = npt.NDArray[np.float64]


def _quantile_without(ordered: Floats, out: npt.NDArray[np.intp], q: float) -> Floats:
    """Quantile (type 7) of ascending numbers, once for each place in `out` left out."""
    rest = ordered.size - 1
    place = (rest - 1) * q
    low = int(np.floor(place))
    high = min(low + 1, rest - 1)

    def at(k: int) -> Floats:
        found: Floats = np.where(k < out, ordered[k], ordered[min(k + 1, rest)])
        return found

    below, above = at(low), at(high)
    return below + (above - below) * (place - low)


def leave_one_out(values: Floats) -> tuple[Floats, Floats]:
    """Median and scale of the others for every value; NaN where undefined.

    Args:
        values: one finite number a subject.
    """
    n = values.size
    if n < 3:
        return np.full(n, np.nan), np.full(n, np.nan)
    rank = np.empty(n, dtype=np.intp)
    order = np.argsort(values, kind="stable")
    rank[order] = np.arange(n)
    ordered = values[order]
    median = _quantile_without(ordered, rank, 0.5)
    mad = np.empty(n)
    # Leaving one out moves the median to one of few places: one sort for each of them.
    for centre in np.unique(median):
        same = median == centre
        away = np.abs(values - centre)
        by_distance = np.argsort(away, kind="stable")
        place = np.empty(n, dtype=np.intp)
        place[by_distance] = np.arange(n)
        mad[same] = _quantile_without(away[by_distance], place[same], 0.5)
    iqr = _quantile_without(ordered, rank, 0.75) - _quantile_without(ordered, rank, 0.25)
    return median, _scale(mad, iqr)


def _scale(mad: Floats, iqr: Floats) -> Floats:
    scale = np.where(mad > 0, mad * MAD_SCALE, iqr / IQR_SCALE)
    return np.where(scale > 0, scale, np.nan)


def of_all(values: Floats) -> tuple[float, float]:
    """Median and scale of peers the subject is none of; NaN where undefined."""
    if values.size < 2:
        return float("nan"), float("nan")
    median = float(np.median(values))
    mad = np.asarray([np.median(np.abs(values - median))])
    low, high = np.quantile(values, [0.25, 0.75])
    return median, float(_scale(mad, np.asarray([high - low]))[0])


def add_peer_z(
    frame: pl.DataFrame, value: str, groups: Sequence[str], into: str, peer: str | None = None
) -> pl.DataFrame:
    """Add `into` (robust z against the others of its group) and `into_peers` (how many).

    Args:
        value: the column scored; null rows get no z.
        groups: columns equal for peers; a null group is a group.
        peer: the column peers are read by, null for a row that is no peer; `value` by default.
    """
    by = peer or value
    numbered = frame.with_row_index("_row").sort(*groups, "_row")
    z = np.full(frame.height, np.nan)
    peers = np.zeros(frame.height, dtype=np.int64)
    for part in numbered.partition_by(list(groups), maintain_order=True):
        rows = part["_row"].to_numpy()
        x = part[value].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        p = part[by].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        usable = np.isfinite(p)
        median, scale = of_all(p[usable])
        medians, scales = np.full(p.size, median), np.full(p.size, scale)
        medians[usable], scales[usable] = leave_one_out(p[usable])
        z[rows] = (x - medians) / scales
        peers[rows] = usable.sum() - usable.astype(np.int64)
    return frame.with_columns(pl.Series(into, z).fill_nan(None), pl.Series(f"{into}_peers", peers))
