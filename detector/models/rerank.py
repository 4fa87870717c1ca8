"""What reviews teach: the order of the subjects nobody has reviewed yet.

The prior order is the suspicion of rules and models, which follows the literature. Real markets
differ: a screen may point the wrong way where a ring works otherwise. So after a few reviews extra
trees learn from them and the two orders are mixed,

    place = (1 - w) place by prior + w place by what was learnt,   w = c n / (n + 50),

where n is the number of reviews, so the prior rules while there are few. c is chosen among 0, 1/4,
1/2, 3/4 and 1 by cross-validation over the reviews themselves: where what was learnt does not order
left-out reviews better than the prior does, by more than one standard error of that difference, c
is 0 and the prior stays as it is.

Only the order changes. Probabilities, priorities and what fires are not touched by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats, roc_auc
from detector.models.folds import grouped_folds
from detector.models.learnable import Learnable

HALF_TRUST = 50.0
"""Reviews at which what was learnt may weigh as much as the prior (ENG)."""
LEAST_EACH = 3
"""Confirmed, and dismissed, subjects needed before anything is learnt."""
MIXES = (0.25, 0.5, 0.75, 1.0)
RESAMPLES = 100
TREES = 200
LEAF = 3
SEED = 20240501
PRIOR = "prior suspicion"


@dataclass(frozen=True)
class Learnt:
    """A new order, and why.

    Attributes:
        order: shape (rows,), higher first, 0 to 1; the prior's places where nothing was learnt.
        taught: places by what was learnt alone, for mixing with another prior by `weight`.
        weight: how much of it comes from what was learnt, 0 to below 1.
        reviews, confirmed: how many labels it rests on.
        prior_auc, mixed_auc: how well the prior and the mixture order left-out reviews; None where
            nothing was tried.
        reason: why the weight is 0; empty where it is not.
        lessons: one row a number: ``feature``, ``importance`` (share of the trees' splits by
            purity), ``points`` (rank correlation of the number with what was learnt, -1 to 1).
    """

    order: Floats
    taught: Floats
    weight: float
    reviews: int
    confirmed: int
    prior_auc: float | None
    mixed_auc: float | None
    reason: str
    lessons: pl.DataFrame


def rerank(evidence: Learnable, prior: Floats, labels: Floats, groups: pl.Series) -> Learnt:
    """Orders every row by its prior suspicion and by what the reviewed rows teach.

    Args:
        evidence: one row a subject.
        prior: shape (rows,), suspicion; NaN counts as the middle.
        labels: shape (rows,): 1 confirmed, 0 dismissed, NaN not reviewed.
        groups: what must not be split by cross-validation (the subject, its firm or its group).
    """
    known = prior[~np.isnan(prior)]
    middle = float(np.median(known)) if known.size else 0.5
    places = placed(np.where(np.isnan(prior), middle, prior))
    seen = np.flatnonzero(~np.isnan(labels))
    y = labels[seen].astype(np.int64)
    n, confirmed = int(y.size), int(y.sum())
    if min(confirmed, n - confirmed) < LEAST_EACH:
        return _nothing(places, n, confirmed, None, f"fewer than {LEAST_EACH} reviews of each kind")
    table = np.column_stack([evidence.places, places])
    found = _out_of_fold(table, seen, y, groups.gather(seen))
    if found is None:
        return _nothing(places, n, confirmed, None, "too few independent subjects reviewed")
    trust, before = n / (n + HALF_TRUST), _auc(y, places[seen])
    mixtures = {c * trust: (1 - c * trust) * places[seen] + c * trust * found for c in MIXES}
    weight = max(mixtures, key=lambda w: _auc(y, mixtures[w]))
    best = _auc(y, mixtures[weight])
    if best - before <= _error_of_gain(y, places[seen], mixtures[weight]):
        return _nothing(places, n, confirmed, before, "the prior orders left-out reviews as well")
    trees = grown(table[seen], y)
    learnt = placed(trees.predict_proba(table)[:, 1])
    lessons = _lessons((*evidence.names, PRIOR), table, trees, learnt)
    mixed = (1 - weight) * places + weight * learnt
    return Learnt(mixed, learnt, weight, n, confirmed, before, best, "", lessons)


def placed(values: Floats) -> Floats:
    """Mid-rank places in (0, 1)."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(values) - 0.5) / max(values.size, 1), dtype=np.float64)


def grown(rows: Floats, y: NDArray[np.int64]) -> Any:
    """Extra trees on reviewed rows; both kinds weigh alike, however few were confirmed."""
    from sklearn.ensemble import ExtraTreesClassifier

    trees = ExtraTreesClassifier(
        TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=SEED, n_jobs=1
    )
    return trees.fit(rows, y)


def _out_of_fold(
    table: Floats, seen: NDArray[np.intp], y: NDArray[np.int64], groups: pl.Series
) -> Floats | None:
    """Place among everybody of each reviewed row, by trees that saw no row of its group."""
    folds = grouped_folds(y, groups, SEED)
    if folds is None:
        return None
    found = np.empty(y.size)
    for train, test in folds:
        if np.unique(y[train]).size < 2:
            return None
        trees = grown(table[seen[train]], y[train])
        found[test] = placed(trees.predict_proba(table)[:, 1])[seen[test]]
    return found


def _error_of_gain(y: NDArray[np.int64], prior: Floats, mixed: Floats) -> float:
    """Standard error of the difference of two ROC AUCs on the same reviews, by bootstrap."""
    rng = np.random.default_rng(SEED)
    kinds = [np.flatnonzero(y == k) for k in (0, 1)]
    gains = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        rows = np.concatenate([rng.choice(k, k.size) for k in kinds])
        gains[i] = _auc(y[rows], mixed[rows]) - _auc(y[rows], prior[rows])
    return float(gains.std())


def _auc(y: NDArray[np.int64], order: Floats) -> float:
    value = roc_auc(y, order)
    return 0.5 if value is None else value


def _lessons(names: tuple[str, ...], table: Floats, trees: Any, learnt: Floats) -> pl.DataFrame:
    points = [_slope(table[:, j], learnt) for j in range(len(names))]
    # no split at all leaves no purity to share out
    importance = np.nan_to_num(trees.feature_importances_)
    rows = {"feature": names, "importance": importance, "points": points}
    return pl.DataFrame(rows, schema=LESSONS).sort("importance", descending=True)


LESSONS = {"feature": pl.String(), "importance": pl.Float64(), "points": pl.Float64()}


def _slope(column: Floats, learnt: Floats) -> float | None:
    """Spearman's rank correlation; None for a constant."""
    a, b = placed(column), placed(learnt)
    if a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _nothing(places: Floats, n: int, confirmed: int, auc: float | None, reason: str) -> Learnt:
    empty = pl.DataFrame(schema=LESSONS)
    return Learnt(places, places, 0.0, n, confirmed, auc, auc, reason, empty)
