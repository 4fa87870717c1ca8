"""How likely an alert is, learnt from reviews: a penalised logistic curve, then calibration.

The additive form of `alerts.likelihood` stays: what is learnt is one coefficient for each kind of
evidence on its log ratio. The penalty draws each towards 1, that is towards the additive form, and
none may become negative, so that more evidence never makes a suspicion less likely.

Reviews are chosen: alerts by their rank, the blind sample by chance. Each counts by the inverse of
its probability, so that the curve is right for all that is judged and not for what was reviewed.
How much to learn is decided on typologies left out whole, with their subjects, because the next
scheme will be one nobody has reviewed: the penalty, and whether an isotonic curve on top is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.weights import Curve
from features.errors import WardenError

Floats = NDArray[np.float64]
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

LEAST = 200
"""Reviewed cases from which a curve is fitted."""
LEAST_OF_EACH = 10
"""Confirmed and dismissed ones among them, each."""
FOLDS = 5
PENALTIES = (1.0, 10.0, 100.0, 1000.0, 10000.0)
KINDS = ("prior", "model", "rules", "others")
"""Columns of the evidence, as `alerts.likelihood.evidence_of` gives them."""
FLAT = 30.0
"""Log odds beyond which a chance is 0 or 1 to any purpose."""


@dataclass(frozen=True)
class Reviews:
    """Reviews with an answer, ready to learn from; sequences of one length.

    Attributes:
        evidence: log odds of the prior, log ratios of model, rules and others (`KINDS`).
        labels: 1 confirmed, 0 dismissed.
        subjects: who each is about; alerts that name a firm in common have one name.
        weights: inverse probability of having been reviewed.
    """

    evidence: Sequence[Sequence[float]]
    labels: Sequence[int]
    subjects: Sequence[str]
    typologies: Sequence[str]
    weights: Sequence[float]


@dataclass(frozen=True)
class Learnt:
    """A curve and how it did on subjects it was not fitted on.

    Attributes:
        additive_loss, fitted_loss: mean log loss of the additive form and of the curve, held out.
        slope: calibration slope of the curve, held out; 1 is right, below 1 too sure of itself.
        penalty: how strongly the coefficients were drawn to the additive form.
        isotonic: whether the calibration step was kept.
    """

    curve: Curve
    reviews: int
    subjects: int
    penalty: float
    additive_loss: float
    fitted_loss: float
    slope: float
    isotonic: bool

    def better(self) -> bool:
        """Whether it beats the additive form on subjects it did not see."""
        return self.fitted_loss < self.additive_loss

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "kinds": list(KINDS)}


def shortfall(labels: Sequence[int], groups: Sequence[str]) -> str | None:
    """Why these reviews are too few to learn from; None when they are enough."""
    n, confirmed = len(labels), sum(labels)
    if n < LEAST:
        return f"{n} of {LEAST} reviews"
    if min(confirmed, n - confirmed) < LEAST_OF_EACH:
        return f"{confirmed} confirmed and {n - confirmed} dismissed; {LEAST_OF_EACH} of each"
    if len(set(groups)) < 2 * FOLDS:
        return f"{len(set(groups))} of {2 * FOLDS} subjects"
    return None


def fit(reviews: Reviews, seed: int = 0) -> Learnt:
    """Learns the curve.

    Raises:
        WardenError: `too_few_reviews`.
    """
    why = shortfall(reviews.labels, reviews.subjects)
    if why:
        raise WardenError("too_few_reviews", f"There is nothing to learn from yet: {why}.")
    x, y = np.asarray(reviews.evidence, dtype=np.float64), np.asarray(reviews.labels, np.float64)
    w = np.asarray(reviews.weights, dtype=np.float64)
    w = w / w.mean()
    folds = held_out_folds(reviews, seed)
    tried = {c: held_out_scores(x, y, w, folds, c) for c in PENALTIES}
    penalty = min(tried, key=lambda c: (log_loss(y, sigmoid(tried[c]), w), -c))
    scores = tried[penalty]
    plain, stepped = sigmoid(scores), held_out_steps(scores, y, w, folds)
    isotonic = log_loss(y, stepped, w) < log_loss(y, plain, w)
    beta = logistic(x, y, w, penalty)
    knots = steps(x @ beta[1:] + beta[0], y, w) if isotonic else ((), ())
    held_out = stepped if isotonic else plain
    return Learnt(
        curve=Curve(float(beta[0]), tuple(map(float, beta[1:])), *knots, reviews=len(y)),
        reviews=len(y),
        subjects=len(set(reviews.subjects)),
        penalty=penalty,
        additive_loss=log_loss(y, sigmoid(x.sum(axis=1)), w),
        fitted_loss=log_loss(y, held_out, w),
        slope=calibration_slope(y, held_out, w),
        isotonic=bool(isotonic),
    )


def held_out_folds(reviews: Reviews, seed: int) -> list[Fold]:
    """(rows to fit on, rows to judge): typologies in folds where there are enough of them.

    Else subjects. Either way no subject is on both sides.
    """
    from sklearn.model_selection import GroupKFold

    subjects = np.asarray(reviews.subjects, dtype=object)
    named = np.asarray(reviews.typologies, dtype=object)
    groups = named if len(set(reviews.typologies)) >= FOLDS else subjects
    split = GroupKFold(FOLDS, shuffle=True, random_state=seed).split(named, groups=groups)
    folds = []
    for train, test in split:
        known = set(subjects[test])
        folds.append((np.asarray([i for i in train if subjects[i] not in known], np.intp), test))
    return folds


def held_out_scores(
    x: Floats, y: Floats, w: Floats, folds: Sequence[Fold], penalty: float
) -> Floats:
    """The score of each row from a fit without its fold."""
    scores = np.empty(len(y))
    for train, test in folds:
        beta = logistic(x[train], y[train], w[train], penalty)
        scores[test] = beta[0] + x[test] @ beta[1:]
    return scores


def held_out_steps(scores: Floats, y: Floats, w: Floats, folds: Sequence[Fold]) -> Floats:
    """Isotonic chances of each row from the other folds."""
    chances = np.empty(len(y))
    for train, test in folds:
        at, value = steps(scores[train], y[train], w[train])
        chances[test] = np.interp(scores[test], at, value)
    return chances


def logistic(x: Floats, y: Floats, w: Floats, penalty: float) -> Floats:
    """Intercept and coefficients: the likelihood with a ridge around 1, coefficients not negative.

    The intercept is free. Shape (columns + 1,).
    """
    from scipy.optimize import minimize

    design = np.column_stack([np.ones(len(y)), x])
    centre = np.r_[0.0, np.ones(x.shape[1])]
    ridge = np.r_[0.0, np.full(x.shape[1], penalty)]

    def loss(beta: Floats) -> tuple[float, Floats]:
        score = design @ beta
        value = (w * (np.logaddexp(0.0, score) - y * score)).sum()
        value += 0.5 * (ridge * (beta - centre) ** 2).sum()
        slope = design.T @ (w * (sigmoid(score) - y)) + ridge * (beta - centre)
        return float(value), slope

    bounds = [(None, None)] + [(0.0, None)] * x.shape[1]
    return np.asarray(minimize(loss, centre, jac=True, bounds=bounds, method="L-BFGS-B").x)


def steps(scores: Floats, y: Floats, w: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots of the isotonic curve: score and chance, both strictly rising in score.

    Chances are kept off 0 and 1 by what so many reviews can tell.
    """
    from sklearn.isotonic import IsotonicRegression

    least = 1.0 / (len(y) + 2.0)
    curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    values, where = np.unique(curve.fit(scores, y, w).predict(scores), return_inverse=True)
    # one knot in the middle of each step, so that straight lines lead from one to the next
    middles = [float(np.average(scores[where == i], weights=w[where == i])) for i in set(where)]
    return tuple(sorted(middles)), tuple(float(v) for v in values)


def sigmoid(score: Floats) -> Floats:
    """Chance of log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -FLAT, FLAT))))


def log_loss(y: Floats, p: Floats, w: Floats | None = None) -> float:
    """Weighted mean negative log likelihood."""
    safe = np.clip(p, 1e-12, 1 - 1e-12)
    return -float(np.average(y * np.log(safe) + (1 - y) * np.log(1 - safe), weights=w))


def calibration_slope(y: Floats, p: Floats, w: Floats | None = None) -> float:
    """Slope of the labels on the log odds of the chances (Cox 1958); 1 is calibrated.

    Not a number where all chances, or all labels, are one.
    """
    from scipy.optimize import minimize

    safe = np.clip(p, 1e-6, 1 - 1e-6)
    odds = np.log(safe / (1 - safe))
    if np.ptp(odds) == 0 or np.ptp(y) == 0:
        return float("nan")
    design, weight = np.column_stack([np.ones(len(y)), odds]), np.ones(len(y)) if w is None else w

    def loss(beta: Floats) -> tuple[float, Floats]:
        score = design @ beta
        value = (weight * (np.logaddexp(0.0, score) - y * score)).sum() / weight.sum()
        return float(value), design.T @ (weight * (sigmoid(score) - y)) / weight.sum()

    return float(minimize(loss, np.array([0.0, 1.0]), jac=True, method="BFGS").x[1])
