"""Statistics of single series and pairs of series that no expression can write.

All of them take plain arrays of one subject, are free of randomness (shifts are enumerated, null
distributions simulated from a fixed seed) and answer ``nan`` where nothing can be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, nan
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Series: TypeAlias = npt.NDArray[np.float64]

MAX_LAG = 14
_DRAWS, _SEED = 4_000, 1993
_BLOCK, _SHUFFLES = 5, 199


def correlation(a: Series, b: Series) -> float:
    """Pearson correlation; ``nan`` below three pairs or where a side is constant."""
    if len(a) < 3:
        return nan
    x, y = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    if scale <= 1e-12 * max(1.0, float(a @ a), float(b @ b)):
        return nan
    return float(x @ y) / scale


def best_lag(a: Series, b: Series, limit: int = MAX_LAG) -> tuple[float, float]:
    """Lag and size of the largest correlation of ``a[t]`` with ``b[t + lag]``.

    Lags run to `limit` either way, but never past a third of the series, so that every one rests
    on at least two thirds of it. Of equal correlations the shortest lag counts.
    """
    n = len(a)
    reach = min(limit, n // 3)
    found = (nan, nan)
    for lag in sorted(range(-reach, reach + 1), key=lambda k: (abs(k), -k)):
        r = correlation(a[max(0, -lag) : n - max(0, lag)], b[max(0, lag) : n - max(0, -lag)])
        if not np.isnan(r) and (np.isnan(found[1]) or r > found[1] + 1e-12):
            found = (float(lag), r)
    return found


@lru_cache(maxsize=128)
def _shuffles(n: int) -> npt.NDArray[np.int64]:
    """Orders of n steps in which blocks of five have changed places."""
    draw = np.random.default_rng(_SEED)
    starts = np.arange(0, n, _BLOCK)
    orders = [
        np.concatenate([np.arange(k, min(k + _BLOCK, n)) for k in draw.permutation(starts)])
        for _ in range(_SHUFFLES)
    ]
    return np.asarray(orders, dtype=np.int64)


def best_lag_p(a: Series, b: Series, limit: int = MAX_LAG) -> float:
    """Chance that a series whose order is broken correlates as well at its best of all lags.

    Blocks of five steps of `b` change places (fixed seed, so short memory survives and alignment
    does not); the search over lags is repeated for each draw, which pays for having looked at
    many lags. p = (1 + draws at least as good) / (1 + draws), on circular correlations.
    """
    n = len(a)
    reach = min(limit, n // 3)
    if n < 4 * _BLOCK or np.ptp(a) == 0 or np.ptp(b) == 0:
        return nan
    y = np.vstack([b[None, :], b[_shuffles(n)]])
    lags = np.r_[0 : reach + 1, n - reach : n]
    # product of the spectra: circular cross-correlation at every lag of every draw at once
    spectrum = np.conj(np.fft.rfft(a - a.mean())) * np.fft.rfft(y - b.mean(), axis=1)
    best = np.fft.irfft(spectrum, n, axis=1)[:, lags].max(axis=1)
    return float((1 + np.sum(best[1:] >= best[0] - 1e-9 * abs(best[0]))) / (1 + _SHUFFLES))


def slopes(y: Series, regressors: Series) -> Series | None:
    """Least-squares slopes (an intercept is added); ``None`` where they are not identified."""
    design = np.column_stack([np.ones(len(y)), regressors])
    if len(y) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    return np.asarray(np.linalg.lstsq(design, y, rcond=None)[0][1:], dtype=np.float64)


def granger_p(cause: Series, effect: Series, lags: int = 3) -> float:
    """p that past changes of `cause` do not help to predict `effect`, beside its own past.

    Wald test on `lags` coefficients with Newey-West (Bartlett) covariance, bandwidth
    floor(4 (n/100)^(2/9)), against the F distribution (Newey and West 1987, 1994). Residuals are
    divided by 1 - leverage, without which short series reject far too often.
    """
    from scipy.stats import f as f_distribution

    n = len(effect) - lags
    k = 2 * lags + 1
    if n < 2 * k:
        return nan
    own = [effect[lags - i : len(effect) - i] for i in range(1, lags + 1)]
    other = [cause[lags - i : len(cause) - i] for i in range(1, lags + 1)]
    design = np.column_stack([np.ones(n), *own, *other])
    if np.linalg.matrix_rank(design) < k:
        return nan
    y = effect[lags:]
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    score = design * ((y - design @ beta) / (1 - np.minimum(leverage, 0.99)))[:, None]
    meat = score.T @ score
    width = int(4 * (n / 100) ** (2 / 9))
    for j in range(1, width + 1):
        part = score[j:].T @ score[:-j]
        meat += (1 - j / (width + 1)) * (part + part.T)
    covariance = (inverse @ meat @ inverse)[-lags:, -lags:]
    tested = beta[-lags:]
    if np.linalg.matrix_rank(covariance) < lags:
        return nan
    wald = float(tested @ np.linalg.solve(covariance, tested)) / lags
    return float(f_distribution.sf(wald, lags, n - k))


def matched(days_a: Sequence[int], days_b: Sequence[int], window: int) -> int:
    """Largest number of one-to-one pairs of days at most `window` apart; both lists sorted.

    Taking the earliest that fits is optimal because all windows have one width.
    """
    i = j = pairs = 0
    while i < len(days_a) and j < len(days_b):
        gap = days_a[i] - days_b[j]
        if abs(gap) <= window:
            i, j, pairs = i + 1, j + 1, pairs + 1
        elif gap < 0:
            i += 1
        else:
            j += 1
    return pairs


def jaccard(days_a: Sequence[int], days_b: Sequence[int], window: int) -> float:
    """Matched days over all distinct ones: m / (n_a + n_b - m)."""
    pairs = matched(days_a, days_b, window)
    total = len(days_a) + len(days_b) - pairs
    return pairs / total if total else nan


def shift_z(days_a: Sequence[int], days_b: Sequence[int], span: int, window: int) -> float:
    """Standard deviations by which the overlap exceeds that of all circular shifts of `days_b`."""
    shifted = [
        jaccard(days_a, sorted((d + s) % span for d in days_b), window) for s in range(1, span)
    ]
    null = np.asarray(shifted, dtype=np.float64)
    if len(null) < 3 or float(null.std(ddof=1)) < 1e-12:
        return nan
    return (jaccard(days_a, days_b, window) - float(null.mean())) / float(null.std(ddof=1))


def _edge(n: int, trim: float) -> int:
    return max(1, ceil(trim * n - 1e-9))


def sup_f(series: Series, trim: float = 0.15) -> tuple[float, int]:
    """Largest F of one shift in the mean and the number of observations before it.

    F(k) = (SSR0 - SSR1(k)) / (SSR1(k) / (n - 2)) over all k that leave `trim` of the series on
    both sides (Andrews 1993); the square of the pooled t statistic at k. ``nan`` for a constant
    series, infinity where two constant stretches meet.
    """
    n = len(series)
    first = _edge(n, trim)
    if n < 4 or first > n - first:
        return nan, 0
    x = series - series.mean()
    whole = float(x @ x)
    if whole <= 1e-18 * n * max(1.0, float(np.abs(series).max()) ** 2):
        return nan, 0
    k = np.arange(first, n - first + 1)
    head = np.cumsum(x)[k - 1]
    between = head * head * n / (k * (n - k))
    at = int(np.argmax(between))
    left = series[: k[at]]
    right = series[k[at] :]
    within = float(((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum())
    if within <= 1e-15 * whole:
        return float("inf"), int(k[at])
    return (whole - within) / (within / (n - 2)), int(k[at])


@lru_cache(maxsize=512)
def _sup_f_null(n: int, trim: float) -> Series:
    """Sorted sup-F of white noise of length n: the simulated null distribution."""
    draw = np.random.default_rng(_SEED + n)
    x = draw.standard_normal((_DRAWS, n))
    x -= x.mean(axis=1, keepdims=True)
    whole = (x * x).sum(axis=1)
    first = _edge(n, trim)
    k = np.arange(first, n - first + 1)
    head = np.cumsum(x, axis=1)[:, k - 1]
    between = (head * head * n / (k * (n - k))).max(axis=1)
    return np.asarray(np.sort(between / ((whole - between) / (n - 2))), dtype=np.float64)


def sup_f_p(value: float, n: int, trim: float = 0.15) -> float:
    """p of a sup-F against white noise of the same length, simulated with a fixed seed."""
    if np.isnan(value):
        return nan
    null = _sup_f_null(n, trim)
    above = len(null) - int(np.searchsorted(null, value, side="left"))
    return (1 + above) / (1 + len(null))


def count_breaks(series: Series, trim: float = 0.15) -> float:
    """Number of shifts in the mean: PELT with a BIC penalty of 2 s^2 ln n (Killick et al. 2012).

    The noise s comes from first differences, which shifts barely touch: from their median
    absolute value, or from their standard deviation where most are zero.
    """
    from ruptures import KernelCPD

    n = len(series)
    steps = np.diff(series)
    noise = float(np.median(np.abs(steps))) * 1.4826 / np.sqrt(2)
    if noise <= 0:
        noise = float(steps.std()) / np.sqrt(2)
    if noise <= 0:
        return 0.0
    finder = KernelCPD(kernel="linear", min_size=_edge(n, trim)).fit((series / noise)[:, None])
    return float(len(finder.predict(pen=2 * np.log(n))) - 1)
