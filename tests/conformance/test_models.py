"""What every registered model must hold, whoever wrote it.

A model joins by registering; it is then tested here without a line being added.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from detector.models.artifacts import load_current, store
from detector.models.base import MIN_REFERENCE, ModelSpec, make_detector, specs
from detector.models.fit import fit_in_memory
from detector.models.fitted import FittedSet
from detector.models.score import score_models
from features.catalogue import Feature, catalogue, measure
from features.compute import FeatureFrame
from features.vocabulary import TYPOLOGIES, Lane
from rules.nodes import column_names
from rules.ruleset import load_library

KNOWN = datetime(2024, 6, 1, tzinfo=UTC)
FIGURES = ("raw", "p_value", "suspicion", "baseline", "p_own", "p_family")
SPECS = [pytest.param(s, id=s.id) for s in specs()]


def monotone(spec: ModelSpec) -> bool:
    """Whether its detector promises that no single feature works against its direction."""
    return make_detector(spec.scorer).card.direction == "monotone"


def stand_in(name: str, grain: str) -> Feature:
    """The shipped feature; one made up where the library does not hold it."""
    known = catalogue().features.get(name)
    return known or Feature(
        name, "MON-BID-CV", grain, "made_up", (), "ratio", "high", 1, "n", "made up",
        {"en": name}, name, False, True, "number", lambda: measure(nw.lit(0.0)),
    )  # fmt: skip


def table(grain: str, n: int, seed: int = 0, prefix: str = "s") -> FeatureFrame:
    """A table of one grain with every feature any of its models uses, values at random."""
    rng = np.random.default_rng(seed)
    names = sorted({f for s in specs() if s.grain == grain for f in s.features})
    frame = pl.DataFrame(
        {
            "subject_key": [f"{prefix}{i:04d}" for i in range(n)],
            "period_start": [date(2024, 1, 1)] * n,
            "period_end": [date(2024, 1, 31)] * n,
        }
    )
    for name in names:
        frame = frame.with_columns(
            pl.Series(name, rng.normal(size=n)),
            pl.lit(None, pl.String).alias(f"{name}__reason"),
            pl.lit(99, pl.Int64).alias(f"{name}__n"),
        )
    return FeatureFrame(grain, frame, tuple(stand_in(f, grain) for f in names), (), ())


def sign(name: str, grain: str) -> float:
    """+1 where high is suspicious, -1 where low is."""
    return 1.0 if stand_in(name, grain).direction == "high" else -1.0


def fit(spec: ModelSpec, n: int, seed: int = 0) -> FittedSet:
    """The model and its family, fitted on a random table."""
    frames = {spec.grain: table(spec.grain, n, seed)}
    return fit_in_memory(frames, "snapshot", KNOWN, only={spec.id, spec.family})


@cache
def fitted_on(spec: ModelSpec, n: int, seed: int = 0) -> FittedSet:
    return fit(spec, n, seed)


def scores_of(spec: ModelSpec, frame: FeatureFrame, fitted: FittedSet) -> pl.DataFrame:
    every = score_models({frame.grain: frame}, fitted, challengers=True)
    return every.filter(pl.col("model_id") == spec.id)


def with_frame(frame: FeatureFrame, rows: pl.DataFrame) -> FeatureFrame:
    return dataclasses.replace(frame, frame=rows)


@pytest.mark.parametrize("spec", SPECS)
def test_the_card_is_complete(spec: ModelSpec) -> None:
    assert spec.source
    assert spec.is_family or TYPOLOGIES[spec.typology]
    shipped = catalogue().features
    for name in spec.features:
        if name in shipped:
            assert shipped[name].grain == spec.grain, name
            assert shipped[name].direction in ("high", "low"), name


@cache
def statutory() -> dict[str, set[str]]:
    """Features that rules of the legal lane test, by the rule."""
    rules = [r for r in load_library() if r.spec.lane is Lane.LEGAL]
    return {r.id: {f for _, t in r.trees() for f in column_names(t)} for r in rules}


@pytest.mark.parametrize("spec", SPECS)
def test_no_model_judges_by_what_a_statutory_rule_already_settles(spec: ModelSpec) -> None:
    """A limit passed is a fact; a model that ranked by it would only repeat the rule."""
    for rule, tested in statutory().items():
        assert tested.isdisjoint(spec.features), rule


def test_rules_of_the_legal_lane_test_features_of_the_library() -> None:
    tested = set().union(*statutory().values())
    assert len(tested & set(catalogue().features)) >= 20


@pytest.mark.parametrize("spec", SPECS)
def test_more_suspicious_features_never_lower_the_rank(spec: ModelSpec) -> None:
    frame = table(spec.grain, 300)
    fitted = fitted_on(spec, 300)
    steps = []
    for level in (-4.0, -1.0, 0.0, 1.0, 2.0, 4.0):
        row = frame.frame[:1].with_columns(subject_key=pl.lit("new"))
        everything = {f for s in specs() if s.grain == spec.grain for f in s.features}
        row = row.with_columns(pl.lit(level * sign(f, spec.grain)).alias(f) for f in everything)
        scored = scores_of(spec, with_frame(frame, row), fitted).row(0, named=True)
        steps.append((scored["suspicion"], -scored["p_value"]))
    assert all(a[0] <= b[0] + 1e-12 and a[1] <= b[1] for a, b in pairwise(steps))
    assert steps[-1][0] > 0.9
    assert steps[0][0] < 0.5


@pytest.mark.parametrize("spec", [s for s in specs() if monotone(s)], ids=lambda s: s.id)
def test_each_feature_alone_is_monotone_in_its_direction(spec: ModelSpec) -> None:
    frame = table(spec.grain, 300)
    fitted = fitted_on(spec, 300)
    for name in spec.features:
        last = -1.0
        for level in np.linspace(-3, 3, 13):
            row = frame.frame[:1].with_columns(
                pl.lit("new").alias("subject_key"),
                pl.lit(level * sign(name, spec.grain)).alias(name),
            )
            now = scores_of(spec, with_frame(frame, row), fitted)["suspicion"].item()
            assert now >= last, (name, level)
            last = now


@pytest.mark.parametrize("spec", SPECS)
def test_suspicion_orders_like_the_p_value_and_stays_inside(spec: ModelSpec) -> None:
    frame = table(spec.grain, 300)
    scored = scores_of(spec, frame, fitted_on(spec, 300))
    assert scored["suspicion"].is_between(0, 1, closed="none").all()
    assert scored["p_value"].is_between(0, 1).all()
    ordered = scored.sort("suspicion", descending=True)["p_value"].to_numpy()
    # those tied in p are told apart by the score; two p-values of one row may order others apart
    slack = 0.03 if spec.joint == "both" else 2 / 300
    assert np.all(np.diff(ordered) >= -slack)
    # a p-value puts a subject at the end of those it is tied with, its suspicion in their middle
    assert (scored["suspicion"] - (1 - scored["p_value"])).min() >= -2 / 300
    mean = float(str(scored["suspicion"].mean()))
    assert mean <= 0.52
    assert spec.joint == "both" or mean >= 0.48


@pytest.mark.parametrize("spec", SPECS)
def test_p_values_are_not_smaller_than_chance_allows(spec: ModelSpec) -> None:
    """On subjects drawn like the reference, P(p <= t) stays about t or below."""
    fitted = fitted_on(spec, 600, seed=1)
    fresh = scores_of(spec, table(spec.grain, 600, seed=2, prefix="n"), fitted)
    for t in (0.05, 0.1, 0.3):
        assert (fresh["p_value"] <= t).mean() <= t + 4 * np.sqrt(t * (1 - t) / 600)


@pytest.mark.parametrize("spec", SPECS)
def test_two_fits_are_the_same(spec: ModelSpec) -> None:
    frame = table(spec.grain, 120)
    one, two = fit(spec, 120), fit(spec, 120)
    assert one.digest == two.digest
    assert scores_of(spec, frame, one).equals(scores_of(spec, frame, two))
    other = fit(spec, 120, seed=9)
    assert other.digest != one.digest
    assert other.models[spec.id].version != one.models[spec.id].version


@pytest.mark.parametrize("spec", SPECS)
def test_a_row_scores_the_same_alone_in_a_batch_and_shuffled(spec: ModelSpec) -> None:
    fitted = fitted_on(spec, 300)
    batch = table(spec.grain, 150, seed=3)
    together = scores_of(spec, batch, fitted)
    mixed = batch.frame.sample(fraction=1.0, shuffle=True, seed=4)
    assert scores_of(spec, with_frame(batch, mixed), fitted).equals(together)
    for i in (0, 7, 149):
        alone = scores_of(spec, with_frame(batch, batch.frame[i : i + 1]), fitted)
        for name in FIGURES:
            assert alone[name].item() == pytest.approx(together[name][i], abs=1e-12), name
        assert alone["contributions"].item() == together["contributions"][i]


@pytest.mark.parametrize("spec", SPECS)
def test_saved_and_loaded_scores_are_identical(spec: ModelSpec, tmp_path: Path) -> None:
    frame = table(spec.grain, 120)
    fitted = fitted_on(spec, 300)
    store(tmp_path, fitted)
    loaded = load_current(tmp_path)
    assert loaded is not None
    assert loaded.digest == fitted.digest
    assert scores_of(spec, frame, loaded).equals(scores_of(spec, frame, fitted))


@pytest.mark.parametrize("spec", SPECS)
def test_a_missing_feature_is_neutral_and_all_missing_is_not_evaluable(spec: ModelSpec) -> None:
    frame = table(spec.grain, 200)
    fitted = fitted_on(spec, 300)
    everything = sorted({f for s in specs() if s.grain == spec.grain for f in s.features})

    def nulled(names: list[str]) -> FeatureFrame:
        rows = frame.frame[:5].with_columns(
            *(pl.lit(None, pl.Float64).alias(f) for f in names),
            *(pl.lit("censored").alias(f"{f}__reason") for f in names),
        )
        return with_frame(frame, rows)

    blank = scores_of(spec, nulled(everything), fitted)
    assert set(blank["outcome"]) == {"not_evaluable"}
    assert set(blank["reason"]) == {"censored"}
    assert set(blank["contributions"]) == {"[]"}
    assert all(blank[name].null_count() == 5 for name in FIGURES)
    if len(spec.features) > 1:
        partly = scores_of(spec, nulled([spec.features[0]]), fitted)
        assert set(partly["outcome"]) <= {"clear", "fired"}
        for text in partly["contributions"]:
            fact = next(f for f in json.loads(text) if f["feature"] == spec.features[0])
            assert fact["value"] is None
            assert fact["reason"] == "censored"
            assert fact["share"] == pytest.approx(0.0)


@pytest.mark.parametrize("spec", SPECS)
def test_a_reference_that_is_too_small_judges_nobody(spec: ModelSpec) -> None:
    small = table(spec.grain, MIN_REFERENCE)  # each row has only 19 peers
    scored = scores_of(spec, small, fit(spec, MIN_REFERENCE))
    assert set(scored["outcome"]) == {"not_evaluable"}
    assert set(scored["reason"]) == {"too_few"}
    enough = table(spec.grain, MIN_REFERENCE + 1)
    assert "clear" in set(scores_of(spec, enough, fit(spec, MIN_REFERENCE + 1))["outcome"])


@pytest.mark.parametrize("spec", SPECS)
def test_shares_sum_to_one_and_name_what_was_planted(spec: ModelSpec) -> None:
    frame = table(spec.grain, 300)
    fitted = fitted_on(spec, 300)
    for text in scores_of(spec, frame, fitted)["contributions"]:
        assert sum(f["share"] for f in json.loads(text)) == pytest.approx(1.0)
    for planted in spec.features:
        calm = [f for f in frame.features if f.name != planted]
        row = frame.frame[:1].with_columns(
            pl.lit("new").alias("subject_key"),
            pl.lit(6.0 * sign(planted, spec.grain)).alias(planted),
            *(pl.lit(-0.5 * sign(f.name, spec.grain)).alias(f.name) for f in calm),
        )
        text = scores_of(spec, with_frame(frame, row), fitted)["contributions"].item()
        facts = [f for f in json.loads(text) if f["part"] in ("own", "both")]
        assert facts[0]["feature"] == planted
        assert facts[0]["value"] == pytest.approx(6.0 * sign(planted, spec.grain))
        assert facts[0]["peers"] == 300
        assert facts[0]["peer_median"] == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("spec", [s for s in specs() if not s.active], ids=lambda s: s.id)
def test_no_challenger_is_shown_unasked(spec: ModelSpec) -> None:
    frame = table(spec.grain, 60)
    shown = score_models({spec.grain: frame}, fitted_on(spec, 300))
    assert spec.id not in set(shown["model_id"])
    assert not shown["typology"].str.ends_with("*").any()
