"""Statistics shared by models, signals and evaluation (section 6 of the domain catalogue).

Pure functions over numbers and numpy arrays; SciPy is imported where it is used. p-values lie in
(0, 1]; scores are oriented so that higher is more suspicious.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import WardenError

Floats = NDArray[np.float64]

MAD_TO_SD = 1.4826
"""Median absolute deviation times this estimates the standard deviation of a normal."""
IQR_TO_SD = 1.349
"""Interquartile range divided by this does the same."""
CAUCHY_FLOOR, CAUCHY_CEILING = 1e-15, 1.0 - 1e-3
"""Clip of p-values before the Cauchy combination (catalogue, 6.5 step 2)."""


def _p_values(p: ArrayLike) -> Floats:
    """Checks p-values; raises `bad_p_value` on an empty list or anything outside [0, 1]."""
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.all((values >= 0) & (values <= 1)):
        raise WardenError("bad_p_value", "p-values must be a non-empty list inside [0, 1].")
    return values


# --- conformal p and multiple testing ---------------------------------------------------------


def conformal_p(calibration: ArrayLike, scores: ArrayLike) -> Floats:
    """Conformal p-value of each score: (1 + #{calibration >= s}) / (n + 1).

    Bates et al. 2023. The smallest value possible is 1 / (n + 1). Shape of `scores`.
    """
    ordered = np.sort(np.asarray(calibration, dtype=np.float64))
    values = np.asarray(scores, dtype=np.float64)
    at_least = ordered.size - np.searchsorted(ordered, values, side="left")
    return np.asarray((1.0 + at_least) / (ordered.size + 1.0), dtype=np.float64)


def bh_adjust(p: ArrayLike) -> Floats:
    """Benjamini-Hochberg (1995) adjusted p-values (q-values), in the order given."""
    return _step_up(_p_values(p), 1.0)


def by_adjust(p: ArrayLike) -> Floats:
    """Benjamini-Yekutieli (2001) adjusted p-values: valid under any dependence."""
    values = _p_values(p)
    return _step_up(values, float(np.sum(1.0 / np.arange(1, values.size + 1))))


def _step_up(p: Floats, factor: float) -> Floats:
    order = np.argsort(p, kind="stable")
    scaled = p[order] * factor * p.size / np.arange(1, p.size + 1)
    adjusted = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    result = np.empty_like(p)
    result[order] = adjusted
    return result


# --- combining evidence -----------------------------------------------------------------------


def cauchy_combined_p(p: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Cauchy combination of dependent p-values (Liu & Xie 2020), clipped as the catalogue says."""
    values = np.clip(_p_values(p), CAUCHY_FLOOR, CAUCHY_CEILING)
    w = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    statistic = float(np.sum(w * np.tan((0.5 - values) * math.pi)) / np.sum(w))
    return 0.5 - math.atan(statistic) / math.pi


def fisher_combined_p(p: ArrayLike) -> float:
    """Fisher (1932): independent evidence where one strong item should win."""
    from scipy.special import chdtrc

    values = np.maximum(_p_values(p), CAUCHY_FLOOR)
    return float(chdtrc(2 * values.size, -2.0 * float(np.sum(np.log(values)))))


def stouffer_combined_p(p: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Stouffer (1949): independent evidence where agreement should win."""
    from scipy.special import ndtr, ndtri

    values = np.clip(_p_values(p), CAUCHY_FLOOR, 1.0 - CAUCHY_FLOOR)
    w = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    z = float(np.sum(w * -ndtri(values)) / np.sqrt(np.sum(w**2)))
    return float(ndtr(-z))


def stouffer_correlated_z(
    z: ArrayLike, correlation: float | ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Z = w'z / sqrt(w'Rw), the Stouffer sum of correlated scores (Strube 1985).

    Args:
        z: normal scores, shape (k,).
        correlation: one common correlation, or the (k, k) matrix of calibration scores.
        weights: shape (k,), ones when None.
    """
    values = np.asarray(z, dtype=np.float64)
    w = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.ndim == 0:
        matrix = np.full((values.size, values.size), float(matrix))
        np.fill_diagonal(matrix, 1.0)
    return float(w @ values / math.sqrt(float(w @ matrix @ w)))


def posterior_from_bf(prior: float, bf: float) -> float:
    """Posterior probability from a prior probability and a Bayes factor."""
    if not 0.0 < prior < 1.0:
        raise WardenError("bad_prior", "A prior probability must lie strictly between 0 and 1.")
    odds = prior / (1.0 - prior) * bf
    return odds / (1.0 + odds)


# --- small samples and drift ------------------------------------------------------------------


def robust_z(sample: ArrayLike, value: float) -> float | None:
    """(value - median) / (1.4826 MAD); IQR / 1.349 where MAD is 0; None where that is 0 too.

    Iglewicz & Hoaglin 1993; catalogue, section 1.2.
    """
    data = np.asarray(sample, dtype=np.float64)
    if data.size == 0:
        return None
    median = float(np.median(data))
    scale = MAD_TO_SD * float(np.median(np.abs(data - median)))
    if scale == 0.0:
        low, high = np.quantile(data, [0.25, 0.75])
        scale = float(high - low) / IQR_TO_SD
    return None if scale == 0.0 else (value - median) / scale


def psi(expected: ArrayLike, actual: ArrayLike, floor: float = 1e-6) -> float:
    """Population stability index of two lists of bin shares; empty bins count as `floor`."""
    e = np.maximum(np.asarray(expected, dtype=np.float64), floor)
    a = np.maximum(np.asarray(actual, dtype=np.float64), floor)
    return float(np.sum((a - e) * np.log(a / e)))


def eb_shrunk_rate(k: float, n: float, alpha: float, beta: float) -> float:
    """Beta-binomial posterior mean of k successes in n trials with a Beta(alpha, beta) prior."""
    return (k + alpha) / (n + alpha + beta)


def rule_of_three(n: float) -> float:
    """Upper 95 % bound of a rate after zero events in n trials, about 3 / n."""
    if n <= 0:
        raise WardenError("bad_sample_size", "The rule of three needs at least one trial.")
    return min(1.0, 3.0 / n)


# --- rankings against labels ------------------------------------------------------------------


def precision_at_k(ranked_labels: Sequence[int] | ArrayLike, k: int) -> float:
    """Share of positives among the first k of a ranking (most suspicious first)."""
    labels = np.asarray(ranked_labels, dtype=np.float64)
    if k < 1:
        raise WardenError("bad_k", "precision@k needs k of at least 1.")
    head = labels[:k]
    return float(head.mean()) if head.size else math.nan


def lift_at_k(ranked_labels: Sequence[int] | ArrayLike, k: int) -> float | None:
    """precision@k over the base rate; None when there is no positive at all."""
    base = float(np.mean(np.asarray(ranked_labels, dtype=np.float64)))
    return None if base == 0.0 else precision_at_k(ranked_labels, k) / base


def ranked_average_precision(ranked_labels: Sequence[int] | ArrayLike) -> float | None:
    """Mean precision at the positions of the positives; None when there is none."""
    labels = np.asarray(ranked_labels, dtype=np.float64)
    if labels.sum() == 0:
        return None
    precision = np.cumsum(labels) / np.arange(1, labels.size + 1)
    return float(np.sum(precision * labels) / labels.sum())


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Average precision of scores; tied scores share one threshold, so order is no accident."""
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if y.sum() == 0:
        return None
    order = np.argsort(-s, kind="stable")
    y, s = y[order], s[order]
    ends = np.append(np.flatnonzero(np.diff(s) != 0), y.size - 1)
    hits = np.cumsum(y)[ends]
    precision, recall = hits / (ends + 1.0), hits / y.sum()
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Area under the ROC curve, ties by mid-rank; None when one class is missing."""
    from scipy.stats import rankdata

    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    positives, negatives = float(y.sum()), float(y.size - y.sum())
    if positives == 0 or negatives == 0:
        return None
    ranks = rankdata(s)
    above = float(np.sum(ranks[y == 1])) - positives * (positives + 1) / 2.0
    return above / (positives * negatives)


def expected_precision_at_k(labels: ArrayLike, scores: ArrayLike, k: int) -> float:
    """precision@k where a tie at the cut counts by its expected share, not by file order."""
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if k < 1:
        raise WardenError("bad_k", "precision@k needs k of at least 1.")
    if y.size <= k:
        return float(y.mean()) if y.size else math.nan
    cut = np.sort(s)[::-1][k - 1]
    above, tied = s > cut, s == cut
    return float((y[above].sum() + y[tied].mean() * (k - above.sum())) / k)
