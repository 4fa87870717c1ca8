"""What every registered detector must hold, whoever wrote it.

A detector joins by its entry in the registry, by `register_detector` or by an installed package; it
is then tested here without a line being added.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata

from detector.inference import Floats
from detector.models.artifacts import DATA
from detector.models.base import Detector, DetectorCard, detectors, make_detector
from features.errors import WardenError

NAMES = sorted(detectors())
MONOTONE = [n for n in NAMES if make_detector(n).card.direction == "monotone"]
SUPERVISED = [n for n in NAMES if make_detector(n).card.supervised]
ROWS, COLUMNS = 300, 3


def keys(n: int, prefix: str = "s") -> pl.Series:
    return pl.Series("subject_key", [f"{prefix}{i:05d}" for i in range(n)])


def evidence(n: int = ROWS, seed: int = 0) -> Floats:
    """Percentiles of three dependent features; every tenth row suspicious in all of them."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 1))
    values = 0.6 * shared + rng.normal(size=(n, COLUMNS))
    values[::10] += 2.5
    return np.asarray((rankdata(values, axis=0) - 0.5) / n, dtype=np.float64)


def labels(n: int = ROWS) -> Floats:
    found = np.zeros(n)
    found[::10] = 1.0
    return found


def fit(name: str, n: int = ROWS, seed: int = 7) -> Detector:
    return make_detector(name).fit(evidence(n), keys(n), seed, labels(n))


@cache
def fitted(name: str) -> Detector:
    return fit(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_a_user_must_know(name: str) -> None:
    card = make_detector(name).card
    assert card.name == name
    assert all((card.title, card.assumptions, card.invariance, card.source))
    assert card.min_rows >= 1


@pytest.mark.parametrize("name", NAMES)
def test_worse_evidence_scores_higher_on_average(name: str) -> None:
    """Whole rows moved towards suspicion, and rows of cases against the rest."""
    detector = fitted(name)
    steps = [
        float(detector.score(np.full((200, COLUMNS), level), keys(200, "n")).mean())
        for level in (0.02, 0.5, 0.8, 0.95, 0.999)
    ]
    assert all(a <= b for a, b in pairwise(steps)), steps
    assert steps[-1] > steps[0]
    fresh, truth = evidence(seed=1), labels()
    ranks = rankdata(detector.score(fresh, keys(ROWS, "n")))
    positives = int(truth.sum())
    auc = (ranks[truth == 1].sum() - positives * (positives + 1) / 2) / (
        positives * (ROWS - positives)
    )
    assert auc > 0.85


@pytest.mark.parametrize("name", MONOTONE)
def test_no_feature_works_against_its_direction(name: str) -> None:
    detector = fitted(name)
    rows = evidence(60, seed=2)
    for j in range(COLUMNS):
        last = np.full(60, -np.inf)
        for level in np.linspace(0.0, 1.0, 41):
            moved = rows.copy()
            moved[:, j] = level
            now = detector.score(moved, keys(60, "n"))
            assert np.all(now >= last), (j, level)
            last = now


def test_detectors_that_rank_by_density_or_trees_alone_are_excused() -> None:
    """Who may say `average`: what is learnt from labels, a forest, and mere distance."""
    excused = set(NAMES) - set(MONOTONE) - set(SUPERVISED)
    assert excused == {"isolation_forest", "knn"}


@pytest.mark.parametrize("name", NAMES)
def test_two_fits_are_equal_bit_for_bit(name: str) -> None:
    rows = evidence(seed=3)
    one, two = (fit(name, 120).score(rows, keys(ROWS, "n")) for _ in range(2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_leaves_its_input_as_it_was(name: str) -> None:
    rows = evidence(120)
    rows.setflags(write=False)
    make_detector(name).fit(rows, keys(120), 7, labels(120)).score(rows, keys(120))


@pytest.mark.parametrize("name", NAMES)
def test_a_row_scores_alike_alone_shuffled_and_in_a_batch(name: str) -> None:
    detector, rows, named = fitted(name), evidence(seed=4), keys(ROWS, "n")
    together = detector.score(rows, named)
    order = np.random.default_rng(5).permutation(ROWS)
    mixed = detector.score(rows[order], named.gather(order))
    assert np.abs(mixed - together[order]).max() <= 1e-12
    for i in (0, 1, 7, ROWS - 1):
        alone = detector.score(rows[i : i + 1], named[i : i + 1])
        assert abs(alone[0] - together[i]) <= 1e-12
    # Nothing of what was scored is kept.
    assert np.array_equal(detector.score(rows, named), together)


@pytest.mark.parametrize("name", NAMES)
def test_column_major_evidence_scores_alike(name: str) -> None:
    detector, rows, named = fitted(name), evidence(seed=4), keys(ROWS, "n")
    other = detector.score(np.asfortranarray(rows), named)
    assert np.abs(other - detector.score(rows, named)).max() <= 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_it_scores_identically_and_holds_no_pickle(
    name: str, tmp_path: Path
) -> None:
    detector, rows, named = fitted(name), evidence(seed=6), keys(ROWS, "n")
    before = detector.score(rows, named)
    detector.save(tmp_path)
    after = make_detector(name).load(tmp_path)
    assert after.score(rows, named).tobytes() == before.tobytes()
    again = tmp_path / "again"
    again.mkdir()
    make_detector(name).load(tmp_path).save(again)
    assert make_detector(name).load(again).score(rows, named).tobytes() == before.tobytes()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert file.suffix in DATA
            assert_data(file)


def assert_data(file: Path) -> None:
    """Arrays of numbers or text, or JSON: nothing an unpickler would have to open."""
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype.kind in "biufU" for name in arrays.files)
    elif file.suffix == ".npy":
        assert np.load(file, allow_pickle=False).dtype.kind in "biufU"
    elif file.suffix == ".json":
        json.loads(file.read_text())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_null_evidence_is_refused(name: str, bad: float) -> None:
    broken = evidence(60)
    broken[17, 1] = bad
    assert code(lambda: make_detector(name).fit(broken, keys(60), 7, labels(60))) == "null_evidence"
    assert code(lambda: fitted(name).score(broken, keys(60))) == "null_evidence"


@pytest.mark.parametrize("name", NAMES)
def test_fewer_rows_than_it_says_are_refused_and_as_many_are_enough(name: str) -> None:
    least = make_detector(name).card.min_rows
    few = least - 1
    made = lambda: make_detector(name).fit(evidence(few), keys(few), 7, labels(few))  # noqa: E731
    with pytest.raises(WardenError, match=rf"\b{least}\b") as caught:
        made()
    assert caught.value.code == "too_few_reference"
    assert np.isfinite(fit(name, least).score(evidence(least), keys(least))).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_feature_and_constant_features_are_fine(name: str) -> None:
    alone = evidence()[:, :1]
    detector = make_detector(name).fit(alone, keys(ROWS), 7, labels())
    assert np.isfinite(detector.score(alone, keys(ROWS))).all()
    flat = np.full((ROWS, 2), 0.5)
    detector = make_detector(name).fit(flat, keys(ROWS), 7, labels())
    assert np.ptp(detector.score(flat, keys(ROWS))) <= 1e-9 or name == "isolation_forest"


@pytest.mark.parametrize("name", SUPERVISED)
def test_learning_needs_cases_of_both_kinds(name: str) -> None:
    for given in (None, np.zeros(ROWS), np.ones(ROWS), labels(100), labels() * 2.0):
        made = lambda y=given: make_detector(name).fit(evidence(), keys(ROWS), 7, y)  # noqa: E731
        assert code(made) == "labels_needed"


@pytest.mark.parametrize("name", SUPERVISED)
def test_labels_can_turn_a_direction(name: str) -> None:
    """What the literature calls suspicious may be the honest end of a market."""
    detector = make_detector(name).fit(evidence(), keys(ROWS), 7, 1.0 - labels())
    low, high = (
        detector.score(np.full((1, COLUMNS), level), keys(1, "n"))[0] for level in (0.3, 0.99)
    )
    assert low > high


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(SUPERVISED)))
def test_labels_never_reach_the_others(name: str) -> None:
    rows = evidence(seed=3)
    blind = make_detector(name).fit(evidence(120), keys(120), 7)
    assert np.array_equal(
        blind.score(rows, keys(ROWS, "n")), fit(name, 120).score(rows, keys(ROWS, "n"))
    )


def code(act: Callable[[], object]) -> str:
    with pytest.raises(WardenError) as caught:
        act()
    return caught.value.code


def test_the_shipped_detectors_are_all_here() -> None:
    """What the product says it compares; a name that vanished would compare silently less."""
    assert set(NAMES) >= {
        "signed_rank", "signed_rank_any", "isolation_forest", "ecod", "copod", "hbos", "knn", "pca",
        "extra_trees", "logistic", "gap", "size",
    }  # fmt: skip
    assert isinstance(make_detector("ecod").card, DetectorCard)
