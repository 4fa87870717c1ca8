"""The fitted posterior: what it refuses, what it learns, when it falls back, how it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from alerts.weights import Curve
from detector import curves
from detector.models.posterior import (
    LEAST,
    Reviews,
    calibration_slope,
    fit,
    held_out_folds,
    logistic,
    shortfall,
    sigmoid,
    steps,
)
from features.errors import WardenError


def reviews(
    n: int = 400, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0), shift: float = 0.0,
    seed: int = 5, kinds: int = 8,
) -> Reviews:  # fmt: skip
    """Reviews whose chance follows a logistic curve of these coefficients."""
    draw = np.random.default_rng(seed)
    x = np.column_stack(
        [
            np.full(n, -3.89),
            draw.exponential(1.2, n),
            draw.choice([0.0, 1.1, 2.2, 3.4], n),
            draw.choice([0.0, 0.0, 1.0], n),
        ]
    )
    y = draw.random(n) < sigmoid(shift + x @ np.asarray(weights))
    return Reviews(
        evidence=x.tolist(),
        labels=y.astype(int).tolist(),
        subjects=[f"F{i // 2}" for i in range(n)],
        typologies=[f"T{(i // 2) % kinds}" for i in range(n)],
        weights=[1.0] * n,
    )


@pytest.mark.parametrize(
    ("labels", "subjects", "said"),
    [
        ([0] * 57, ["F"] * 57, "57 of 200 reviews"),
        ([1] * 5 + [0] * 300, [f"F{i}" for i in range(305)], "5 confirmed and 300 dismissed"),
        ([1, 0] * 150, [f"F{i % 4}" for i in range(300)], "4 of 10 subjects"),
        ([1, 0] * 100, [f"F{i}" for i in range(200)], None),
    ],
)
def test_below_two_hundred_it_says_how_many_there_are(
    labels: list[int], subjects: list[str], said: str | None
) -> None:
    found = shortfall(labels, subjects)
    assert (found is None) if said is None else str(found).startswith(said)


def test_too_few_are_refused() -> None:
    with pytest.raises(WardenError) as caught:
        fit(reviews(LEAST - 1))
    assert caught.value.code == "too_few_reviews"


@pytest.mark.parametrize("kinds", [2, 8])
def test_no_subject_is_on_both_sides_of_a_fold(kinds: int) -> None:
    data = reviews(kinds=kinds)
    subjects, typologies = np.asarray(data.subjects), np.asarray(data.typologies)
    judged = []
    for train, test in held_out_folds(data, 0):
        assert not set(subjects[train]) & set(subjects[test])
        if kinds >= 5:
            assert not set(typologies[train]) & set(typologies[test])
        judged += test.tolist()
    assert sorted(judged) == list(range(len(data.labels))), "each row is judged once"


def test_it_learns_what_the_additive_form_has_wrong() -> None:
    found = fit(reviews(3000, (1.0, 0.2, 1.8, 1.0), shift=1.5))
    assert found.better()
    _, model, rules, _ = found.curve.coefficients
    assert model < 0.5
    assert rules > 1.4
    fresh = reviews(4000, (1.0, 0.2, 1.8, 1.0), shift=1.5, seed=6)
    chances = np.array([found.curve.likely(tuple(row)) for row in fresh.evidence])
    labels = np.asarray(fresh.labels, float)
    assert calibration_slope(labels, chances) == pytest.approx(1, abs=0.12)
    assert chances.mean() == pytest.approx(labels.mean(), abs=0.02)


def test_where_the_additive_form_is_right_it_stays_by_it() -> None:
    found = fit(reviews(600))
    assert np.allclose(found.curve.coefficients[1:], 1.0, atol=0.35)
    assert abs(found.curve.intercept) < 0.6
    assert found.fitted_loss < found.additive_loss + 0.01


def test_more_evidence_is_never_less_likely() -> None:
    data = reviews(500, (1.0, -2.0, 1.0, 0.0), shift=3.0)
    found = fit(data)
    assert min(found.curve.coefficients) >= 0
    grid = [found.curve.likely((-3.89, x, 1.1, 0.0)) for x in np.linspace(0, 20, 50)]
    assert grid == sorted(grid)


def test_a_review_counts_by_its_weight() -> None:
    x, y = np.zeros((4, 1)), np.array([1.0, 0.0, 0.0, 0.0])
    even = logistic(x, y, np.ones(4), 1.0)
    heavy = logistic(x, y, np.array([9.0, 1.0, 1.0, 1.0]), 1.0)
    assert sigmoid(even[:1])[0] == pytest.approx(0.25, abs=1e-3)
    assert sigmoid(heavy[:1])[0] == pytest.approx(0.75, abs=1e-3)


def test_steps_rise_and_never_say_never() -> None:
    scores, y = np.linspace(-3, 3, 40), (np.arange(40) >= 20).astype(float)
    at, value = steps(scores, y, np.ones(40))
    assert list(at) == sorted(at)
    assert list(value) == sorted(value)
    assert (min(value), max(value)) == pytest.approx((1 / 42, 41 / 42))


def test_the_slope_of_a_curve_that_is_too_sure_is_below_one() -> None:
    draw = np.random.default_rng(3)
    odds = draw.normal(0, 1.5, 20_000)
    y = (draw.random(20_000) < sigmoid(odds)).astype(float)
    assert calibration_slope(y, sigmoid(odds)) == pytest.approx(1, abs=0.05)
    assert calibration_slope(y, sigmoid(2 * odds)) == pytest.approx(0.5, abs=0.05)
    assert np.isnan(calibration_slope(y, np.full(20_000, 0.3)))


def test_the_same_reviews_give_the_same_curve() -> None:
    assert fit(reviews()).as_dict() == fit(reviews()).as_dict()


def test_a_curve_is_plain_json_under_its_hash_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    found = fit(reviews())
    mark = curves.save(tmp_path, found.as_dict())
    assert curves.in_force(tmp_path) is None, "kept is not in force"
    curves.put_in_force(tmp_path, mark)
    assert curves.in_force(tmp_path) == found.curve
    path = curves.folder(tmp_path) / f"{mark}.json"
    assert isinstance(json.loads(path.read_text())["curve"]["intercept"], float)
    path.write_text(path.read_text().replace('"reviews": 400', '"reviews": 401'))
    with pytest.raises(WardenError) as caught:
        curves.in_force(tmp_path)
    assert (caught.value.code, caught.value.kind) == ("posterior_changed", "integrity")
    curves.put_in_force(tmp_path, None)
    assert curves.in_force(tmp_path) is None
    for name in ("nothing", "../secret"):
        with pytest.raises(WardenError) as caught:
            curves.put_in_force(tmp_path, name)
        assert caught.value.code == "unknown_posterior"


def test_a_curve_without_steps_is_the_logistic_one() -> None:
    curve = Curve(0.3, (1.0, 0.5, 0.0, 0.0), (), (), 200)
    x = (-1.0, 2.0, 9.0, 9.0)
    assert curve.likely(x) == pytest.approx(sigmoid(np.array([0.3]))[0])
