"""Learning from reviews: what is learnt, what guards it, and that no answer leaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from detector.evaluate import auc_interval
from detector.inference import average_precision, roc_auc
from detector.models import contest
from detector.models.fit import fit_in_memory
from detector.models.folds import grouped_folds
from detector.models.learnable import Learnable, learnable, place_in
from detector.models.rerank import HALF_TRUST, PRIOR, rerank
from features.compute import FeatureFrame

KNOWN = datetime(2024, 6, 1, tzinfo=UTC)
NAN = float("nan")


def made_up(seed: int, n: int = 400) -> tuple[Learnable, np.ndarray, np.ndarray]:
    """Evidence, a prior, and findings that follow column 0 downwards and the prior a little."""
    rng = np.random.default_rng(seed)
    places, prior = rng.random((n, 6)), rng.random(n)
    logit = -2.2 + 5.0 * (0.5 - places[:, 0]) + 1.0 * (prior - 0.5)
    found = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
    names = tuple(f"x{i}" for i in range(6))
    return Learnable(names, places, np.zeros(places.shape, dtype=bool)), prior, found


def reviewed(found: np.ndarray, seed: int, n: int) -> np.ndarray:
    chosen = np.random.default_rng(seed).permutation(found.size)[:n]
    labels = np.full(found.size, NAN)
    labels[chosen] = found[chosen]
    return labels


def keys(n: int) -> pl.Series:
    return pl.Series([f"s{i:04d}" for i in range(n)])


def test_reviews_mend_a_prior_that_looks_elsewhere() -> None:
    gains = []
    for seed in range(3):
        evidence, prior, found = made_up(seed)
        labels = reviewed(found, seed, 100)
        learnt = rerank(evidence, prior, labels, keys(found.size))
        rest = np.isnan(labels)
        before = average_precision(found[rest], prior[rest])
        after = average_precision(found[rest], learnt.order[rest])
        assert before is not None
        assert after is not None
        gains.append(after / before)
        assert 0 < learnt.weight <= 100 / (100 + HALF_TRUST)
        assert learnt.lessons["feature"][0] == "x0"
        assert learnt.lessons.filter(pl.col("feature") == "x0")["points"].item() < -0.5
        assert set(learnt.lessons["feature"]) == {*evidence.names, PRIOR}
    assert min(gains) > 1.3


def test_where_nothing_is_to_be_learnt_the_prior_stays() -> None:
    lost = []
    for seed in range(4):
        evidence, prior, _ = made_up(seed)
        rng = np.random.default_rng(seed + 50)
        found = (rng.random(prior.size) < 1 / (1 + np.exp(3.5 - 6 * prior))).astype(float)
        labels = reviewed(found, seed, 60)
        learnt = rerank(evidence, prior, labels, keys(found.size))
        rest = np.isnan(labels)
        a, b = roc_auc(found[rest], prior[rest]), roc_auc(found[rest], learnt.order[rest])
        assert a is not None
        assert b is not None
        lost.append(a - b)
        if learnt.weight == 0:
            assert learnt.reason
            assert np.array_equal(np.argsort(learnt.order), np.argsort(prior))
    assert np.mean(lost) < 0.02


def test_the_weight_grows_with_reviews_and_is_nothing_without_both_kinds() -> None:
    evidence, prior, found = made_up(7)
    weights = [
        rerank(evidence, prior, reviewed(found, 1, n), keys(found.size)).weight
        for n in (0, 60, 240)
    ]
    assert weights[0] == 0 < weights[1] < weights[2] < 1
    only = np.where(found == 1, 1.0, NAN)
    assert rerank(evidence, prior, only, keys(found.size)).reason == (
        "fewer than 3 reviews of each kind"
    )


def test_nothing_to_go_by_teaches_nothing() -> None:
    """No prior and no number that varies, as where rules alone judge."""
    n = 60
    flat = Learnable(("x0",), np.full((n, 1), 0.5), np.zeros((n, 1), dtype=bool))
    labels = np.full(n, NAN)
    labels[:20] = [1.0, 0.0] * 10
    learnt = rerank(flat, np.full(n, NAN), labels, keys(n))
    assert learnt.weight == 0
    assert np.all(learnt.order == learnt.order[0])


def test_labels_of_one_group_never_vouch_for_each_other() -> None:
    """Copies of one subject, all confirmed: cross-validation by subject would praise itself."""
    evidence, prior, _ = made_up(3)
    labels = np.full(prior.size, NAN)
    labels[:40] = [1.0] * 20 + [0.0] * 20
    one = pl.Series(["ring"] * 20 + [f"o{i}" for i in range(prior.size - 20)])
    learnt = rerank(evidence, prior, labels, one)
    assert learnt.weight == 0
    assert learnt.reason == "too few independent subjects reviewed"


def test_the_new_order_is_the_same_every_time() -> None:
    evidence, prior, found = made_up(11)
    labels = reviewed(found, 2, 80)
    a, b = (rerank(evidence, prior, labels, keys(found.size)) for _ in range(2))
    assert np.array_equal(a.order, b.order)
    assert a.lessons.equals(b.lessons)


def test_a_place_is_the_share_of_the_reference_below() -> None:
    held = pl.Series([1.0, 2.0, 2.0, 4.0, None, NAN])
    values = pl.Series([0.0, 2.0, 3.0, 9.0, None])
    assert place_in(held, values).tolist() == pytest.approx([0, 0.5, 0.75, 1, NAN], nan_ok=True)


def labelled_frame(frame_of: Callable[..., FeatureFrame]) -> tuple[FeatureFrame, dict[str, int]]:
    rng = np.random.default_rng(2)
    n = 240
    found = (rng.random(n) < 0.3).astype(int)
    cv = rng.normal(size=n) - 1.5 * found
    frame = frame_of(
        {"bid_cv": cv, "bid_spread": rng.normal(size=n), "bid_ks_uniform": rng.normal(size=n)},
        {"bid_cv": "low", "bid_spread": "low", "bid_ks_uniform": "high"},
    )
    return frame, dict(zip(frame.frame["subject_key"], found.tolist(), strict=True))


def test_every_detector_is_compared_and_learners_only_on_rows_they_have_not_seen(
    frame_of: Callable[..., FeatureFrame],
) -> None:
    frame, cases = labelled_frame(frame_of)
    fitted = fit_in_memory({"tender": frame}, "snapshot", KNOWN)
    found = dict(contest.entries(frame, fitted, "MON-BID-*", cases))
    assert {"signed_rank", "ecod", "isolation_forest", "extra_trees", "logistic"} <= set(found)
    y = {name: [cases[k] for k in table["subject_key"]] for name, table in found.items()}
    aucs = {name: roc_auc(y[name], table["value"].to_numpy()) for name, table in found.items()}
    assert all((aucs[name] or 0) > 0.6 for name in ("signed_rank", "extra_trees", "logistic"))
    assert (aucs["extra_trees"] or 1) < 0.95  # in-sample trees would reach 1


def test_a_typology_without_a_model_is_compared_on_its_own_numbers(
    frame_of: Callable[..., FeatureFrame],
) -> None:
    rng = np.random.default_rng(4)
    n = 120
    frame = frame_of(
        {"x": rng.normal(size=n), "y": rng.normal(size=n), "z": rng.normal(size=n)},
        {"x": "high", "y": "none", "z": "low"},
        typologies={"x": "MON-PREDATION", "y": "MON-PREDATION", "z": "MON-BID-CV"},
    )
    fitted = fit_in_memory({"tender": frame}, "snapshot", KNOWN)
    assert contest.features_of(fitted, frame, "MON-PREDATION") == ("x",)
    cases = dict.fromkeys(frame.frame["subject_key"].to_list(), 0)
    gap = dict(contest.entries(frame, fitted, "MON-PREDATION", cases, names=["gap"]))["gap"]
    value = pl.Series(frame.frame["x"].to_list())
    assert np.corrcoef(gap["value"].rank(), value.rank())[0, 1] > 0.99


def test_learners_cannot_learn_noise(frame_of: Callable[..., FeatureFrame]) -> None:
    frame, cases = labelled_frame(frame_of)
    fitted = fit_in_memory({"tender": frame}, "snapshot", KNOWN)
    rng = np.random.default_rng(0)
    shuffled = dict(zip(cases, rng.permutation(list(cases.values())).tolist(), strict=True))
    found = dict(contest.entries(frame, fitted, "MON-BID-*", shuffled))
    for name in ("extra_trees", "logistic"):
        value = roc_auc([shuffled[k] for k in found[name]["subject_key"]], found[name]["value"])
        assert value is not None
        assert 0.35 < value < 0.65, name


def test_what_is_filed_twice_teaches_nothing_where_both_are_of_one_group(
    frame_of: Callable[..., FeatureFrame],
) -> None:
    """Random labels on subjects that stand there twice: only a leak between folds finds them."""
    frame, cases = labelled_frame(frame_of)
    again = frame.frame.with_columns(pl.col("subject_key") + "-again")
    double = dataclasses.replace(frame, frame=pl.concat([frame.frame, again]))
    fitted = fit_in_memory({"tender": double}, "snapshot", KNOWN)
    drawn = np.random.default_rng(4).permutation(list(cases.values())).tolist()
    labels = dict(zip(cases, drawn, strict=True))
    labels |= {f"{key}-again": label for key, label in labels.items()}
    groups = {key: key.removesuffix("-again") for key in labels}

    def learnt(apart: dict[str, str]) -> float:
        found = dict(contest.entries(double, fitted, "MON-BID-*", labels, apart))["extra_trees"]
        value = roc_auc([labels[k] for k in found["subject_key"]], found["value"])
        assert value is not None
        return value

    assert learnt({}) > 0.7, "the copies are not alike enough to leak"
    assert 0.3 < learnt(groups) < 0.65


def test_folds_never_split_a_group() -> None:
    rng = np.random.default_rng(5)
    y = (rng.random(200) < 0.4).astype(float)
    groups = pl.Series([f"g{i // 4}" for i in range(200)])
    tested = np.zeros(200)
    for train, test in grouped_folds(y, groups, 1) or []:
        assert not set(groups.gather(train)) & set(groups.gather(test))
        tested[test] += 1
    assert tested.tolist() == [1.0] * 200


def test_learnable_evidence_of_a_row_does_not_depend_on_the_rows_beside_it(
    frame_of: Callable[..., FeatureFrame],
) -> None:
    frame, _ = labelled_frame(frame_of)
    held = fit_in_memory({"tender": frame}, "snapshot", KNOWN).reference.grains["tender"]
    whole = learnable(frame, held, {"MON-BID-CV"})
    alone = learnable(dataclasses.replace(frame, frame=frame.frame[9:10]), held, {"MON-BID-CV"})
    assert np.array_equal(whole.places[9:10], alone.places)
    assert whole.names == ("bid_cv", "bid_spread", "bid_ks_uniform")


def test_the_interval_of_an_auc_holds_it_and_narrows_with_more_subjects() -> None:
    rng = np.random.default_rng(8)

    def interval(n: int) -> tuple[float, float]:
        y = (rng.random(n) < 0.3).astype(float)
        s = np.round(rng.normal(size=n) + y, 1)
        found, value = auc_interval(y, s), roc_auc(y, s)
        assert found is not None
        assert value is not None
        assert found[0] < value < found[1]
        assert auc_interval(y, s) == found
        return found

    wide, narrow = interval(100), interval(2000)
    assert narrow[1] - narrow[0] < 0.5 * (wide[1] - wide[0])
    assert auc_interval([1, 1], [0.1, 0.2]) is None
