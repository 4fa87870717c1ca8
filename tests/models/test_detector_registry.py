"""How detectors join, how models use them, and what may not be stored."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from detector.models import base
from detector.models.artifacts import load_current, store
from detector.models.base import (
    DetectorCard,
    ModelSpec,
    detectors,
    make_detector,
    register_detector,
    specs,
)
from detector.models.detectors.isolation_forest import IsolationForest
from detector.models.fit import fit_in_memory
from detector.models.judge import own_judgement
from detector.models.score import score_models, with_peers
from detector.models.signed import signed_evidence
from detector.peers import apply_peers, fit_reference
from features.compute import FeatureFrame
from features.errors import WardenError

FrameOf = Callable[..., FeatureFrame]
MAY = datetime(2024, 5, 1, tzinfo=UTC)

PLUGIN = """
from dataclasses import replace
from detector.models.detectors.first_column import Gap

class Last(Gap):
    card = replace(Gap.card, name="last_column")

    def score(self, evidence, keys):
        return evidence[:, -1].copy()

class Misnamed(Gap):
    card = replace(Gap.card, name="another")

def fails():
    raise RuntimeError("no licence")
"""


@pytest.fixture
def plugged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[dict[str, str]], None]]:
    """Installs a made-up distribution with entry points."""

    def install(entries: dict[str, str]) -> None:
        place = tmp_path / "site"
        info = place / "made_up-1.0.dist-info"
        info.mkdir(parents=True)
        (place / "made_up_detectors.py").write_text(PLUGIN)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
        lines = [f"{name} = made_up_detectors:{made}" for name, made in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[marketwarden.detectors]", *lines]))
        monkeypatch.syspath_prepend(str(place))

    yield install
    sys.modules.pop("made_up_detectors", None)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors and models added here are forgotten afterwards."""
    monkeypatch.setattr(base, "_ADDED", dict(base._ADDED))
    specs()
    monkeypatch.setattr(base, "_SPECS", dict(base._SPECS))


def code(act: Callable[[], object]) -> str:
    with pytest.raises(WardenError) as caught:
        act()
    return caught.value.code


def test_an_installed_package_brings_a_detector(
    plugged: Callable[[dict[str, str]], None], frame_of: FrameOf, added: None, tmp_path: Path
) -> None:
    plugged({"last_column": "Last"})
    assert "last_column" in detectors()
    base.register(_spec("from-outside", "last_column", ("hhi", "cr4")))
    fitted = fit_in_memory({"market_y": _market(frame_of)}, "s", MAY, only={"from-outside"})
    model = fitted.models["from-outside"]
    frame = with_peers(_market(frame_of), fitted)
    last = signed_evidence(frame, ("cr4",)).signed[:, 0]
    assert np.array_equal(own_judgement(model, frame).raw, last)
    store(tmp_path / "models", fitted)
    loaded = load_current(tmp_path / "models")
    assert loaded is not None
    assert loaded.digest == fitted.digest


def test_a_set_outlives_a_package_that_was_removed(
    frame_of: FrameOf, added: None, tmp_path: Path
) -> None:
    """Challengers are passed over; a model that is asked says what is missing, never `clear`."""
    register_detector("gone", detectors()["gap"])
    base.register(_spec("needs-it", "gone", ("hhi",)))
    names = {"needs-it", "market-concentration"}
    market = {"market_y": _market(frame_of)}
    fitted = fit_in_memory(market, "s", MAY, only=names)
    store(tmp_path, fitted)
    base._ADDED.pop("gone")
    loaded = load_current(tmp_path)
    assert loaded is not None
    assert loaded.digest == fitted.digest
    assert {row["model"] for row in loaded.describe()} == names
    assert score_models(market, loaded).equals(score_models(market, fitted))
    store(tmp_path, loaded)
    assert code(lambda: score_models(market, loaded, challengers=True)) == "absent_detector"


def test_a_package_cannot_take_the_name_of_another(
    plugged: Callable[[dict[str, str]], None],
) -> None:
    plugged({"ecod": "Last"})
    assert code(detectors) == "duplicate_detector"
    assert type(make_detector("ecod")).__name__ == "Ecod"


def test_a_broken_package_is_named(plugged: Callable[[dict[str, str]], None]) -> None:
    plugged({"misnamed": "Misnamed", "failing": "fails", "absent": "Nowhere"})
    assert "signed_rank" in detectors()  # a list of names runs nobody's code
    for name in ("misnamed", "failing", "absent"):
        with pytest.raises(WardenError, match=f"'{name}' .made_up_detectors") as caught:
            make_detector(name)
        assert caught.value.code == "broken_detector"


def test_unknown_and_taken_names_are_refused(added: None) -> None:
    with pytest.raises(WardenError, match="signed_rank") as caught:
        make_detector("lof")
    assert caught.value.code == "unknown_detector"
    gap = detectors()["gap"]
    assert code(lambda: register_detector("gap", gap)) == "duplicate_detector"
    register_detector("mine", gap)
    assert make_detector("mine").card.name == "gap"


def test_a_detector_that_stores_code_is_refused(
    frame_of: FrameOf, tmp_path: Path, added: None
) -> None:
    class Pickling(IsolationForest):
        def save(self, folder: Path) -> None:
            (folder / "forest.pkl").write_bytes(b"code")

    register_detector("pickling", Pickling)
    base.register(_spec("pickler", "pickling", ("hhi",)))
    fitted = fit_in_memory({"market_y": _market(frame_of)}, "s", MAY, only={"pickler"})
    assert code(lambda: store(tmp_path, fitted)) == "code_in_model"
    assert load_current(tmp_path) is None


def test_a_forest_that_grows_otherwise_than_it_did_is_refused(tmp_path: Path) -> None:
    """As with another version of the library: here one that draws its trees otherwise."""
    rng = np.random.default_rng(0)
    rows, keys = rng.uniform(size=(200, 3)), pl.Series([f"s{i}" for i in range(200)])
    IsolationForest().fit(rows, keys, 1).save(tmp_path)
    file = next(tmp_path.glob("*.npz"))
    with np.load(file) as held:
        arrays = dict(held)
    np.savez(file, **{**arrays, "seed": np.array(2)})
    moved = IsolationForest().load(tmp_path)
    assert code(lambda: moved.score(rows, keys)) == "model_not_reproduced"


def test_missing_evidence_is_neutral_and_told_apart(frame_of: FrameOf) -> None:
    values = np.arange(40.0)
    values[3] = np.nan
    frame = frame_of({"hhi": values, "cr4": -np.arange(40.0)}, {"hhi": "high", "cr4": "low"})
    evidence = signed_evidence(apply_peers(frame, fit_reference({"tender": frame})), ("hhi", "cr4"))
    assert evidence.missing.sum() == 1
    assert evidence.missing[3, 0]
    assert evidence.signed[3, 0] == 0.5
    assert np.isfinite(evidence.signed).all()
    assert evidence.reasons[3] == "too_few"
    assert evidence.signed[39].min() > 0.9


def test_size_is_read_upwards_whatever_the_feature_declares(frame_of: FrameOf, added: None) -> None:
    columns = {"hhi": np.arange(60.0), "cr4": np.arange(60.0)}
    for direction in ("low", "none", "high"):
        frame = frame_of(columns, {"hhi": direction, "cr4": "low"}, grain="market_y")
        base._SPECS.pop("by-size", None)
        base.register(_spec("by-size", "size", ("hhi",)))
        fitted = fit_in_memory({"market_y": frame}, "s", MAY, only={"by-size"})
        scored = score_models({"market_y": frame}, fitted, challengers=True)
        assert scored.sort("subject_key")["raw"].is_sorted()
    base.register(_spec("by-sign", "gap", ("cr4",)))
    fitted = fit_in_memory({"market_y": frame}, "s", MAY, only={"by-sign"})
    scored = score_models({"market_y": frame}, fitted, challengers=True)
    assert scored.sort("subject_key")["raw"].is_sorted(descending=True)


def test_a_reference_below_what_the_detector_asks_judges_nobody(
    frame_of: FrameOf, added: None
) -> None:
    class Choosy(IsolationForest):
        card = replace(IsolationForest.card, name="choosy", min_rows=61)

    register_detector("choosy", Choosy)
    base.register(_spec("choosy", "choosy", ("hhi",)))
    for rows, usable in ((60, False), (61, True)):
        frame = _market(frame_of, rows)
        fitted = fit_in_memory({"market_y": frame}, "s", MAY, only={"choosy"})
        assert fitted.models["choosy"].usable is usable


def test_rows_of_too_few_subjects_judge_nobody(frame_of: FrameOf, added: None) -> None:
    """Cross-fitting leaves out a subject's own periods; here nothing else is left."""
    rows, keys = np.full((30, 1), 0.5), pl.Series(["one"] * 30)
    for name in ("ecod", "isolation_forest"):
        assert code(lambda n=name: make_detector(n).fit(rows, keys, 1)) == "too_few_reference"  # type: ignore[misc]


def test_a_subject_never_meets_itself(frame_of: FrameOf) -> None:
    """Doubling a subject's own reference row moves its score in no cross-fitted detector."""
    rng = np.random.default_rng(0)
    rows, keys = rng.uniform(size=(200, 3)), pl.Series([f"s{i}" for i in range(200)])
    other = rows.copy()
    other[5] = 0.999
    for name in ("ecod", "copod", "hbos", "knn", "pca", "isolation_forest"):
        plain, moved = (make_detector(name).fit(r, keys, 1) for r in (rows, other))
        mine = [d.score(rows[5:6], keys[5:6])[0] for d in (plain, moved)]
        assert mine[0] == mine[1], name
        assert not np.array_equal(plain.score(rows, keys), moved.score(rows, keys)), name


def test_what_learns_from_labels_cannot_be_fitted_for_detection(
    frame_of: FrameOf, added: None
) -> None:
    base.register(_spec("taught", "logistic", ("hhi",)))
    market = {"market_y": _market(frame_of)}
    assert code(lambda: fit_in_memory(market, "s", MAY, only={"taught"})) == "labels_needed"


def test_a_model_version_names_the_libraries_that_can_move_it(
    frame_of: FrameOf, added: None
) -> None:
    base.register(_spec("forest", "isolation_forest", ("hhi",)))
    fitted = fit_in_memory({"market_y": _market(frame_of)}, "s", MAY, only={"forest"})
    assert {"pyod", "scikit-learn", "numpy"} <= set(fitted.models["forest"].libraries)
    assert isinstance(make_detector("knn").card, DetectorCard)


def _spec(name: str, detector: str, features: tuple[str, ...]) -> ModelSpec:
    return ModelSpec(
        name, "MON-STR-HHI", "market_y", features, scorer=detector, active=False, source="test"
    )


def _market(frame_of: FrameOf, rows: int = 80) -> FeatureFrame:
    rng = np.random.default_rng(0)
    columns = {"hhi": rng.normal(size=rows), "cr4": rng.normal(size=rows)}
    return frame_of(columns, {"hhi": "high", "cr4": "high"}, grain="market_y")
