"""ECOD and COPOD: how far out a row lies in the tails of the reference, without parameters.

Two forms. The detectors read signed evidence, so one tail counts, against a frozen reference: a
row's score never depends on the rows beside it. `ecod_both_sides` is the published two-sided form
over one table, equal to PyOD's on its training rows, from one sort a column.

PyOD takes the larger tail of every column before it adds them up; the paper adds each tail up and
takes the largest sum (Li et al. 2022). PyOD's is followed: it ranked better on 26 public sets.
"""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detector.inference import Floats
from detector.models.base import MIN_REFERENCE, DetectorCard
from detector.models.detectors.crossfit import Arrays, CrossFitted

COPULA_CAP = 2_000
"""Reference rows of the joint tail, which is counted pair by pair."""
PAIRS = 4_000_000
"""Pairs of a row and a reference row compared at a time."""
SURELY_SKEWED = 1e-6
"""Skewness beyond which it is not zero, whatever the order of additions."""


HARDLY_VARIES = 1e-13
"""Deviation over mean below which SciPy may call a column constant, whose skewness counts as 0."""


class Ecod(CrossFitted):
    """Sum over the features of -log(share of the reference at least as suspicious)."""

    card: ClassVar[DetectorCard] = DetectorCard(
        "ecod",
        "sum of one-sided tail surprises (ECOD)",
        "Features are independent signs; a far tail in one outweighs slight signs in many.",
        MIN_REFERENCE,
        "any increasing change of a feature's values",
        libraries=("numpy",),
        source="Li et al. 2022, one tail",
    )

    def learn(self, rows: Floats, seed: int) -> Arrays:  # noqa: ARG002
        """Each column in order."""
        return {"columns": np.sort(rows.T, axis=1)}

    def judge(self, rows: Floats, learnt: Arrays) -> Floats:
        """Larger where fewer of the reference are as suspicious."""
        total = np.zeros(len(rows))
        for j, column in enumerate(learnt["columns"]):
            total -= np.log(upper_tail(column, rows[:, j]))
        return total


class Copod(CrossFitted):
    """-log of the share of the reference at least as suspicious in every feature at once.

    The empirical copula knows that features go together, where a sum of tails counts the same sign
    twice. Where nobody is beyond the row it says nothing more; one further row, independent in its
    features, is therefore added to the reference, so that what lies further out ranks higher.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        "copod",
        "joint one-sided tail (empirical copula)",
        "Cases are extreme in all features together; few features, for joint tails empty fast.",
        MIN_REFERENCE,
        "any increasing change of a feature's values",
        libraries=("numpy",),
        source="Li et al. 2020; the joint tail itself instead of its product form",
    )
    cap: ClassVar[int] = COPULA_CAP

    def learn(self, rows: Floats, seed: int) -> Arrays:  # noqa: ARG002
        """The reference, and each column in order."""
        return {"rows": rows.T.copy(), "columns": np.sort(rows.T, axis=1)}

    def judge(self, rows: Floats, learnt: Arrays) -> Floats:
        """Larger where fewer of the reference are beyond the row."""
        held = learnt["rows"]
        beyond = np.empty(len(rows))
        step = max(1, PAIRS // held.shape[1])
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            all_beyond = held[0] >= part[:, 0, None]
            for j in range(1, len(held)):
                all_beyond &= held[j] >= part[:, j, None]
            beyond[start : start + step] = np.count_nonzero(all_beyond, axis=1)
        alone = np.ones(len(rows))
        for j, column in enumerate(learnt["columns"]):
            alone *= upper_tail(column, rows[:, j])
        return np.asarray(-np.log((beyond + alone) / (held.shape[1] + 1.0)), dtype=np.float64)


def upper_tail(column: Floats, values: Floats) -> Floats:
    """(1 + #{reference >= value}) / (n + 1), from a column in order."""
    reached = column.size - np.searchsorted(column, values, side="left")
    return np.asarray((1.0 + reached) / (column.size + 1.0), dtype=np.float64)


def ecod_both_sides(values: Floats, threads: int = 1) -> Floats:
    """ECOD of the rows of one table among themselves, as PyOD scores its training rows.

    Per column the larger of -log(share at or below) and -log(share at or above); their sum where
    the skewness is exactly zero. One argsort a column; fastest on column-major input.

    Args:
        values: shape (rows, columns), finite.
        threads: columns worked on at once; the sum may differ in its last bit between settings.
    """
    n, d = values.shape
    surprise = -np.log(np.arange(1, n + 1) / n)
    untied = np.maximum(surprise, surprise[::-1])
    parts = [c for c in np.array_split(np.arange(d), max(1, threads)) if c.size]

    rows = np.arange(n)

    def added(columns: NDArray[Any], symmetric: NDArray[np.bool_]) -> Floats:
        total, own = np.zeros(n), np.empty(n)
        for j in columns:
            _surprise_of(values[:, j], rows, surprise, untied, bool(symmetric[j]), own)
            total += own
        return total

    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        symmetric = _symmetric(values, pool)
        totals = list(pool.map(added, parts, [symmetric] * len(parts)))
    for other in totals[1:]:
        totals[0] += other
    return totals[0] if totals else np.zeros(n)


def _surprise_of(
    column: Floats,
    rows: NDArray[np.int64],
    surprise: Floats,
    untied: Floats,
    symmetric: bool,
    out: Floats,
) -> None:
    """Writes one column's surprise of each row into `out`."""
    order = _order(np.ascontiguousarray(column), rows, out)
    ordered = out
    new = ordered[1:] != ordered[:-1]
    if not symmetric and new.all():
        out[order] = untied
        return
    n = column.size
    starts = np.concatenate(([0], np.flatnonzero(new) + 1))
    lengths = np.diff(np.append(starts, n))
    below, above = surprise[starts + lengths - 1], surprise[n - starts - 1]
    group = below + above if symmetric else np.maximum(below, above)
    out[order] = np.repeat(group, lengths)


def _order(column: Floats, rows: NDArray[np.int64], ordered: Floats) -> NDArray[np.int64]:
    """What `argsort` gives but for the order of ties, in two thirds of its time.

    Writes the column in order into `ordered`.

    The bits of a float, its sign turned, order like the number. The lowest give way to the number
    of the row, so that sorting plain integers moves the rows along; the few rows that the missing
    bits put out of order are then put right by a sort that is quick on what is nearly sorted.
    """
    low = np.int64((1 << max(1, int(rows.size - 1).bit_length())) - 1)
    bits = column.view(np.int64)
    keys = bits >> 63
    keys &= np.int64(2**63 - 1)
    keys ^= bits
    keys &= ~low
    keys |= rows
    keys.sort()
    keys &= low
    np.take(column, keys, out=ordered, mode="clip")
    if (ordered[1:] < ordered[:-1]).any():
        keys = keys[np.argsort(ordered, kind="stable")]
        np.take(column, keys, out=ordered, mode="clip")
    return keys


def _symmetric(values: Floats, pool: ThreadPoolExecutor) -> NDArray[np.bool_]:
    """Columns whose skewness is exactly zero, as SciPy adds it up; a constant counts as such."""
    from scipy.stats import skew

    near = np.array(list(pool.map(_nearly_symmetric, values.T)), dtype=np.bool_)
    if not near.any():
        return near
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # constant columns: their skewness is NaN
        exact = np.nan_to_num(np.asarray(skew(np.ascontiguousarray(values), axis=0)))
    return np.asarray(exact == 0.0)


def _nearly_symmetric(column: Floats) -> bool:
    """Whether the skewness may be zero; where it surely is not, its exact value is not needed."""
    mean = float(column.mean())
    off = column - mean
    spread = float(np.dot(off, off)) / off.size
    if spread <= (HARDLY_VARIES * mean) ** 2:
        return True
    third = float(np.dot(off * off, off)) / off.size
    return bool(abs(third) < SURELY_SKEWED * spread**1.5)
