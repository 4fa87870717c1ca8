"""Own ECOD beside PyOD's, and the one-sided forms beside their definition."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detector.inference import Floats
from detector.models.detectors.crossfit import FOLDS, fold_of
from detector.models.detectors.ecod import Copod, Ecod, ecod_both_sides, upper_tail

pytestmark = pytest.mark.filterwarnings("ignore:Precision loss")
"""SciPy, below PyOD, warns of constant columns."""
RNG = np.random.default_rng(0)
SYMMETRIC = np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], 40)
TABLES = {
    "normal": RNG.normal(size=(2_000, 8)),
    "skewed both ways": np.column_stack([RNG.lognormal(size=500), -RNG.lognormal(size=500)]),
    "many ties": RNG.integers(0, 5, size=(1_000, 6)).astype(float),
    "ties and none": np.column_stack([RNG.normal(size=700), RNG.poisson(1.0, size=700)]),
    "constant columns": np.column_stack([np.full(300, 3.3), RNG.normal(size=300), np.zeros(300)]),
    "skewness exactly 0": np.column_stack([SYMMETRIC, RNG.permutation(SYMMETRIC)]),
    "skewness 0 beside normal": np.column_stack([SYMMETRIC, RNG.normal(size=200)]),
    "symmetric halves": np.concatenate([h := RNG.normal(size=(150, 3)), -h]),
    "two values": np.repeat([[0.0, 1.0], [1.0, 0.0]], 50, axis=0),
    "signed zeros": np.column_stack([np.tile([0.0, -0.0, 1.0], 20), RNG.normal(size=60)]),
    "one column": RNG.normal(size=(100, 1)),
    "two rows": np.array([[1.0, 5.0], [2.0, 5.0]]),
    "hardly varies": np.column_stack([1e12 + RNG.exponential(2e-4, 300), RNG.normal(size=300)]),
    "a few bits apart": np.column_stack(
        [
            sign * (1.0 + RNG.integers(0, 900, size=3_000) * 2.0**-52) + noise
            for sign in (1.0, -1.0)
            for noise in (0.0, RNG.integers(0, 2, size=3_000))
        ]
    ),
    "smallest numbers there are": RNG.integers(-400, 400, size=(2_000, 2)) * 5e-324,
    "huge and tiny": RNG.normal(size=(400, 3)) * [1e12, 1e-12, 1.0] + [1e12, 0.0, 1e6],
}


def pyod(values: Floats) -> Floats:
    from pyod.models.ecod import ECOD

    return np.asarray(ECOD().fit(values).decision_scores_)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", TABLES)
def test_it_equals_pyod_on_its_training_rows(name: str, threads: int) -> None:
    values = TABLES[name]
    theirs = pyod(values)
    for given_as in (values, np.asfortranarray(values)):
        ours = ecod_both_sides(given_as, threads)
        assert np.abs(ours - theirs).max() <= 1e-9


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(2, 40), st.integers(1, 4)),
        elements=st.sampled_from([-2.0, -1.0, 0.0, 0.1, 0.3, 1.0, 2.0, 1e6]),
    )
)
def test_it_equals_pyod_on_any_small_table(values: Floats) -> None:
    assert np.abs(ecod_both_sides(values) - pyod(values)).max() <= 1e-9


def test_the_input_is_left_as_it_was() -> None:
    values = TABLES["many ties"].copy()
    ecod_both_sides(values, 2)
    assert np.array_equal(values, TABLES["many ties"])


def test_the_upper_tail_counts_the_value_itself_and_never_is_zero() -> None:
    column = np.array([1.0, 2.0, 2.0, 4.0])
    found = upper_tail(column, np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found == pytest.approx([1.0, 1.0, 4 / 5, 2 / 5, 2 / 5, 1 / 5])


def reference(n: int = 200) -> tuple[Floats, pl.Series]:
    rng = np.random.default_rng(3)
    return rng.uniform(size=(n, 2)).round(2), pl.Series([f"s{i}" for i in range(n)])


def test_one_sided_ecod_is_the_sum_of_tails_in_the_other_folds() -> None:
    rows, keys = reference()
    fresh, named = np.array([[0.9, 0.4], [0.2, 1.0]]), pl.Series(["a", "b"])
    scores = Ecod().fit(rows, keys, 1).score(fresh, named)
    fold = fold_of(keys)
    for row, k, score in zip(fresh, fold_of(named), scores, strict=True):
        others = rows[fold != k]
        tails = [(1 + (others[:, j] >= row[j]).sum()) / (len(others) + 1) for j in range(2)]
        assert score == pytest.approx(-np.log(tails[0]) - np.log(tails[1]))


def test_copod_counts_rows_beyond_in_every_feature_at_once() -> None:
    rows, keys = reference()
    fresh, named = np.array([[0.9, 0.4], [0.2, 1.1], [2.0, 2.0]]), pl.Series(["a", "b", "c"])
    scores = Copod().fit(rows, keys, 1).score(fresh, named)
    fold = fold_of(keys)
    for row, k, score in zip(fresh, fold_of(named), scores, strict=True):
        others = rows[fold != k]
        beyond = (others >= row).all(axis=1).sum()
        alone = np.prod([(1 + (others[:, j] >= row[j]).sum()) / (len(others) + 1) for j in (0, 1)])
        assert score == pytest.approx(-np.log((beyond + alone) / (len(others) + 1)))
    assert scores[2] == scores.max()


def test_copod_counts_a_repeated_sign_once_where_ecod_counts_it_twice() -> None:
    rng = np.random.default_rng(5)
    one = rng.uniform(size=(500, 1))
    twice, keys = np.hstack([one, one]), pl.Series([f"s{i}" for i in range(500)])
    row, named = np.array([[0.95]]), pl.Series(["new"])
    single = {d: d().fit(one, keys, 1).score(row, named)[0] for d in (Ecod, Copod)}
    double = {d: d().fit(twice, keys, 1).score(np.hstack([row, row]), named)[0] for d in single}
    assert double[Ecod] == pytest.approx(2 * single[Ecod])
    assert double[Copod] == pytest.approx(single[Copod], rel=0.02)


def test_every_fold_has_subjects_to_judge() -> None:
    assert set(fold_of(reference()[1])) == set(range(FOLDS))
