"""Least squares, permutation and break statistics over small numpy arrays.

No features here: the numeric part the conduct screens share. Every function is pure and seeded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod, sqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
SEED, DRAWS, EXACT = 20240024, 9_999, 20_000
"""Monte Carlo seed and draws; up to `EXACT` arrangements all are counted."""

_BATCH, _RANK = 4_000_000, 1e-9


@dataclass(frozen=True, slots=True)
class Slope:
    """One coefficient of a regression: its two-sided p clustered by group, null when too few."""

    value: float
    p: float | None


def within(values: Numbers, groups: NDArray[np.int64]) -> Numbers:
    """Deviations from group means (fixed effects); groups are numbered from 0."""
    counts = np.bincount(groups).astype(np.float64)
    if values.size == 0:
        return values
    columns = values.reshape(len(groups), -1)
    means = np.stack([np.bincount(groups, c) / counts for c in columns.T], axis=1)
    found: Numbers = (columns - means[groups]).reshape(values.shape)
    return found


def _independent(first: Numbers, others: Numbers) -> Numbers:
    """Columns of `others` that add something; scaled, in order."""
    kept: list[Numbers] = []
    for column in others.T:
        if not np.any(column):
            continue
        scaled = column / np.linalg.norm(column)
        basis = np.column_stack([*kept]) if kept else np.empty((len(first), 0))
        rest = scaled - basis @ np.linalg.lstsq(basis, scaled, rcond=None)[0] if kept else scaled
        if np.linalg.norm(rest) > _RANK:
            kept.append(scaled)
    return np.column_stack(kept) if kept else np.empty((len(first), 0))


def slope(y: Numbers, x: Numbers, controls: Numbers, groups: NDArray[np.int64]) -> Slope | None:
    """Coefficient of `x` in least squares of `y` on x, controls and group fixed effects.

    The p-value uses the cluster-robust variance by group (CR1, t with G - 1 degrees of freedom;
    Liang and Zeger 1986) and needs at least 10 groups. None where `x` does not vary beside the
    controls or no degree of freedom is left.
    """
    y0, x0, rest = within(y, groups), within(x, groups), within(controls, groups)
    kept = _independent(x0, rest)
    free = len(y) - (int(groups.max()) + 1) - kept.shape[1] - 1
    if free < 1:
        return None
    partial = x0 - kept @ np.linalg.lstsq(kept, x0, rcond=None)[0]
    square = float(partial @ partial)
    if square <= _RANK * max(float(x0 @ x0), _RANK):
        return None
    value = float(partial @ y0) / square
    residual = y0 - value * x0
    residual = residual - kept @ np.linalg.lstsq(kept, residual, rcond=None)[0]
    return Slope(value, _clustered_p(value, square, partial * residual, groups, free))


def _clustered_p(
    value: float, square: float, scores: Numbers, groups: NDArray[np.int64], free: int
) -> float | None:
    clusters = int(groups.max()) + 1
    if clusters < 10:
        return None
    by_group = np.bincount(groups, scores)
    small = clusters / (clusters - 1) * (len(scores) - 1) / max(free + clusters - 1, 1)
    error = sqrt(small * float(by_group @ by_group)) / square
    if error <= 0:
        return None
    from scipy.stats import t

    return float(2 * t.sf(abs(value / error), clusters - 1))


def permutation_p(cells: Sequence[tuple[Numbers, Numbers]]) -> float:
    """One-sided p that the second arm is dearer, permuting labels inside each cell only.

    The statistic is the sum over cells of the difference of means, each weighted by
    n1 n2 / (n1 + n2). All arrangements are counted while there are at most `EXACT`; otherwise
    (1 + hits) / (1 + draws) over seeded draws.

    Args:
        cells: (first arm, second arm) of each stratum, both non-empty.
    """
    observed = sum(float(second.sum()) - len(second) * float(np.mean(np.r_[first, second]))
                   for first, second in cells)  # fmt: skip
    slack = 1e-9 * max(1.0, sum(float(np.abs(np.r_[a, b]).sum()) for a, b in cells))
    pooled = [(np.r_[a, b] - np.mean(np.r_[a, b]), len(b)) for a, b in cells]
    if prod(comb(len(v), k) for v, k in pooled) <= EXACT:
        sums = [[sum(c) for c in combinations(v.tolist(), k)] for v, k in pooled]
        totals = np.array([sum(c) for c in product(*sums)])
        return float(np.mean(totals >= observed - slack))
    rng = np.random.default_rng(SEED)
    totals = np.zeros(DRAWS)
    for v, k in pooled:
        totals += _drawn_sums(rng, v, k)
    return float((1 + np.count_nonzero(totals >= observed - slack)) / (1 + DRAWS))


def _drawn_sums(rng: np.random.Generator, values: Numbers, k: int) -> Numbers:
    """Sums of `k` values drawn without replacement, `DRAWS` times."""
    step = max(1, _BATCH // len(values))
    sizes = [len(range(i, min(i + step, DRAWS))) for i in range(0, DRAWS, step)]
    parts = [
        values[np.argpartition(rng.random((size, len(values))), k - 1, axis=1)[:, :k]].sum(axis=1)
        for size in sizes
    ]
    return np.concatenate(parts)


def largest_outlying_residual(y: Numbers, controls: Numbers) -> float | None:
    """Largest absolute externally studentised residual of least squares with an intercept.

    None with fewer than three degrees of freedom or when the fit leaves nothing.
    """
    n = len(y)
    ones = np.zeros(n, dtype=np.int64)
    kept = _independent(y, within(controls, ones))
    free = n - 1 - kept.shape[1]
    if free < 3:
        return None
    y0 = within(y, ones)
    residual = y0 - kept @ np.linalg.lstsq(kept, y0, rcond=None)[0]
    total = float(residual @ residual)
    if total <= _RANK * max(float(y0 @ y0), _RANK):
        return None
    q = np.linalg.qr(np.column_stack([np.ones(n), kept]))[0]
    leverage = np.clip((q * q).sum(axis=1), 0.0, 1.0)
    usable = leverage < 1 - _RANK
    e, h = residual[usable], leverage[usable]
    if not len(e):
        return None
    left = (total - e * e / (1 - h)) / (free - 1)
    floor = _RANK * total
    return float(np.max(np.abs(e) / np.sqrt(np.maximum(left, floor) * (1 - h))))


def signed_sup_f(y: Numbers, trim: float = 0.15) -> float | None:
    """Largest F of one break in the mean, negative where the level fell (Andrews 1993).

    Args:
        y: the series in time order.
        trim: share of observations at either end at which no break is looked for.
    """
    n = len(y)
    edge = max(int(np.ceil(trim * n)), 2)
    if n < 2 * edge or np.ptp(y) == 0:
        return None
    at = np.arange(edge, n - edge + 1)
    before = np.cumsum(y)[at - 1]
    total, whole = float(y.sum()), float(((y - y.mean()) ** 2).sum())
    gap = (total - before) / (n - at) - before / at
    explained = at * (n - at) / n * gap * gap
    left = np.maximum(whole - explained, _RANK * whole)
    f = explained / (left / (n - 2))
    best = int(np.argmax(f))
    return float(np.sign(gap[best]) * f[best])
