"""Shared statistics against literals and hand-made edge cases; golden cases: tests/golden."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from alerts.likelihood import bayes_factor_bound
from detector import inference as st
from features.errors import WardenError
from features.intervals import wilson

P5 = [0.001, 0.008, 0.039, 0.041, 0.27]
P3 = [0.01, 0.03, 0.5]


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (lambda: st.bh_adjust(P5).tolist(), [0.005, 0.02, 0.05125, 0.05125, 0.27]),
        (lambda: st.bh_adjust(P5[::-1]).tolist(), [0.27, 0.05125, 0.05125, 0.02, 0.005]),
        (
            lambda: st.by_adjust(P5).tolist(),
            [0.0114166667, 0.0456666667, 0.1170208333, 0.1170208333, 0.6165],
        ),
        (lambda: st.conformal_p([0.1 * i for i in range(1, 10)], [0.85, 1.5]).tolist(), [0.2, 0.1]),
        (lambda: st.conformal_p([1.0, 2.0, 2.0], [2.0, 0.0]).tolist(), [0.75, 1.0]),
        (lambda: st.cauchy_combined_p(P3), 0.0224847664),
        (lambda: st.fisher_combined_p(P3), 0.0072851684),
        (lambda: st.stouffer_combined_p(P3), 0.0075703859),
        (lambda: st.stouffer_correlated_z([2.0, 1.5], 0.5), 2.0207259422),
        (lambda: st.stouffer_correlated_z([2.0, 1.5], [[1, 0.5], [0.5, 1]]), 2.0207259422),
        (lambda: bayes_factor_bound(0.01), 7.9884005653),
        (lambda: bayes_factor_bound(0.5), 1.0),
        (lambda: st.posterior_from_bf(0.02, 7.9884005653), 0.1401759040),
        (lambda: st.robust_z([10, 11, 9, 10, 12, 30], 30), 13.1525698098),
        (lambda: st.psi([0.2, 0.3, 0.5], [0.3, 0.3, 0.4]), 0.0628608659),
        (lambda: st.eb_shrunk_rate(3, 4, 2, 8), 0.3571428571),
        (lambda: wilson(14, 20)[0], 0.4810271),
        (lambda: st.rule_of_three(60), 0.05),
    ],
)
def test_literal_values(actual: Callable[[], Any], expected: Any) -> None:
    assert actual() == pytest.approx(expected, abs=1e-6)


def test_robust_z_falls_back_to_the_interquartile_range_and_then_gives_up() -> None:
    # More than half the peers equal: MAD is 0, quartiles 0 and 1.
    assert st.robust_z([0, 0, 0, 0, 0, 1, 1, 1], 1.0) == pytest.approx(1.349)
    assert st.robust_z([5, 5, 5, 5], 7.0) is None
    assert st.robust_z([], 7.0) is None


def test_ranking_measures_do_not_depend_on_the_order_of_ties() -> None:
    labels, scores = [1, 0, 1, 0, 0], [0.9, 0.9, 0.4, 0.4, 0.1]
    for permutation in ([0, 1, 2, 3, 4], [1, 0, 3, 2, 4], [4, 3, 2, 1, 0]):
        y, s = np.array(labels)[permutation], np.array(scores)[permutation]
        assert st.roc_auc(y, s) == pytest.approx((0.5 + 1 + 1 + 0 + 0.5 + 1) / 6)
        assert st.average_precision(y, s) == pytest.approx(0.5 * 0.5 + 0.5 * 0.5)
        assert st.expected_precision_at_k(y, s, 1) == pytest.approx(0.5)
        assert st.expected_precision_at_k(y, s, 3) == pytest.approx((1 + 0.5) / 3)


def test_ranking_measures_agree_with_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(3)
    y, s = rng.integers(0, 2, 200), np.round(rng.normal(size=200), 1)
    assert st.roc_auc(y, s) == pytest.approx(roc_auc_score(y, s), abs=1e-12)
    assert st.average_precision(y, s) == pytest.approx(average_precision_score(y, s), abs=1e-12)


def test_one_class_has_no_area_and_no_precision() -> None:
    assert st.roc_auc([1, 1], [0.1, 0.2]) is None
    assert st.average_precision([0, 0], [0.1, 0.2]) is None
    assert st.lift_at_k([0, 0, 0], 2) is None


@pytest.mark.parametrize("bad", [[], [-0.1], [1.2], [math.nan]])
def test_p_values_outside_the_unit_interval_are_refused(bad: list[float]) -> None:
    for function in (st.bh_adjust, st.by_adjust, st.cauchy_combined_p, st.fisher_combined_p):
        with pytest.raises(WardenError):
            function(bad)


def test_extreme_p_values_stay_finite() -> None:
    assert 0.0 < st.cauchy_combined_p([0.0, 1.0]) < 1e-10
    assert 0.0 < st.fisher_combined_p([0.0, 0.5]) < 1e-10
    assert 0.0 < st.stouffer_combined_p([0.0, 0.0]) < 1e-10
    assert math.isfinite(bayes_factor_bound(0.0))
