"""Model files: atomic, content-named, checked before they are read."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from detector.models import artifacts
from detector.models.artifacts import CURRENT, load_current, load_set, store
from detector.models.fit import fit_in_memory, fit_models
from detector.models.fitted import FittedSet
from features.compute import FeatureFrame
from features.errors import WardenError

FrameOf = Callable[..., FeatureFrame]
MAY, JUNE = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)


def market(frame_of: FrameOf, seed: int) -> dict[str, FeatureFrame]:
    values = np.random.default_rng(seed).normal(size=80)
    return {"market_y": frame_of({"hhi": values}, {"hhi": "high"}, grain="market_y")}


def bids(frame_of: FrameOf) -> dict[str, FeatureFrame]:
    rng = np.random.default_rng(1)
    names = ("bid_cv", "bid_spread", "bid_ks_uniform", "bid_rd")
    columns = {n: rng.normal(size=120) for n in names}
    return {"tender": frame_of(columns, dict.fromkeys(names, "low"))}


def fitted(frame_of: FrameOf, seed: int = 0, when: datetime = MAY) -> FittedSet:
    return fit_in_memory(market(frame_of, seed), f"snapshot-{seed}", when)


def test_nothing_fitted_is_nothing_loaded(tmp_path: Path) -> None:
    assert load_current(tmp_path) is None
    assert load_current(tmp_path / "absent") is None


def test_fitting_twice_on_the_same_snapshot_changes_nothing(
    frame_of: FrameOf, tmp_path: Path
) -> None:
    one = fit_models(market(frame_of, 0), tmp_path, "s", MAY)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz")}
    two = fit_models(market(frame_of, 0), tmp_path, "s", MAY)
    assert one.digest == two.digest
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz")}
    assert len(json.loads((tmp_path / CURRENT).read_text())["sets"]) == 1


def test_what_was_known_then_is_what_is_used_then(frame_of: FrameOf, tmp_path: Path) -> None:
    old, new = fitted(frame_of, 0, MAY), fitted(frame_of, 1, JUNE)
    store(tmp_path, old)
    store(tmp_path, new)
    latest, then = load_current(tmp_path), load_current(tmp_path, datetime(2024, 5, 9, tzinfo=UTC))
    assert latest is not None
    assert then is not None
    assert (latest.digest, then.digest) == (new.digest, old.digest)
    assert load_current(tmp_path, datetime(2024, 4, 1, tzinfo=UTC)) is None
    replayed = load_set(tmp_path, old.digest)
    assert replayed is not None
    assert replayed.snapshot_id == "snapshot-0"
    assert replayed.known_as_of == MAY
    assert load_set(tmp_path, "0" * 64) is None


@pytest.mark.parametrize("pattern", ["*/*/model.json", "*/*/arrays.npz", "peers/*/*.parquet"])
def test_a_changed_file_is_refused(frame_of: FrameOf, tmp_path: Path, pattern: str) -> None:
    store(tmp_path, fitted(frame_of))
    victim = next(iter(tmp_path.glob(pattern)))
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    with pytest.raises(WardenError) as caught:
        load_current(tmp_path)
    assert caught.value.code == "damaged_model"
    assert victim.name in str(caught.value)


class Planted:
    """Writes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.proof), "w")


def test_a_planted_pickle_is_never_opened(frame_of: FrameOf, tmp_path: Path) -> None:
    """Not even by someone who can write every hash of the folder anew."""
    store(tmp_path, fit_in_memory(bids(frame_of), "s", MAY))
    victim = next(iter(tmp_path.glob("*/*/detector/*.npz")))
    proof = tmp_path / "opened"
    held = np.load(victim)
    arrays = {name: np.array([Planted(proof)], dtype=object) for name in held.files}
    np.savez(victim, **arrays)
    with pytest.raises(WardenError):
        load_current(tmp_path)
    rehash(tmp_path, victim.parent.parent, f"detector/{victim.name}")
    with pytest.raises(ValueError, match="allow_pickle"):
        load_current(tmp_path)
    assert not proof.exists()


def test_a_model_that_an_early_version_pickled_is_refused_unread(
    frame_of: FrameOf, tmp_path: Path
) -> None:
    store(tmp_path, fit_in_memory(bids(frame_of), "s", MAY))
    folder = next(tmp_path.glob("bid-family-forest/*"))
    (folder / "forests.joblib").write_bytes(pickle.dumps(Planted(tmp_path / "opened")))
    rehash(tmp_path, folder, "forests.joblib")
    with pytest.raises(WardenError, match="warden models fit") as caught:
        load_current(tmp_path)
    assert caught.value.code == "old_model"
    assert not (tmp_path / "opened").exists()


def rehash(models_dir: Path, folder: Path, file: str) -> None:
    """Writes the hashes of a changed file as somebody with access to all of them could."""
    card = json.loads((folder / "model.json").read_text())
    card["files"][file] = sha256(folder / file)
    (folder / "model.json").write_text(json.dumps(card))
    listed = json.loads((models_dir / CURRENT).read_text())
    part = f"{folder.parent.name}/{folder.name}"
    listed["sets"][-1]["parts"][part] = sha256(folder / "model.json")
    (models_dir / CURRENT).write_text(json.dumps(listed))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_missing_file_and_a_broken_list_are_refused(frame_of: FrameOf, tmp_path: Path) -> None:
    store(tmp_path, fitted(frame_of))
    next(iter(tmp_path.glob("*/*/arrays.npz"))).unlink()
    with pytest.raises(WardenError, match="missing or was changed"):
        load_current(tmp_path)
    store(tmp_path, fitted(frame_of))  # a new fit mends it
    assert load_current(tmp_path) is not None
    (tmp_path / CURRENT).write_text("{")
    with pytest.raises(WardenError):
        load_current(tmp_path)


@pytest.mark.parametrize("where", ["_write_model", "_write_peers", "_sha256"])
def test_a_crash_while_storing_leaves_the_former_set_in_force(
    frame_of: FrameOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    store(tmp_path, fitted(frame_of, 0))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):

        def crash(*args: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(artifacts, where, crash)
        store(tmp_path, fitted(frame_of, 1, JUNE))
    kept = load_current(tmp_path)
    assert kept is not None
    assert kept.digest == fitted(frame_of, 0).digest
    store(tmp_path, fitted(frame_of, 1, JUNE))
    assert load_current(tmp_path, JUNE).digest == fitted(frame_of, 1, JUNE).digest  # type: ignore[union-attr]


def test_the_digest_of_a_typology_moves_with_its_own_models_only(frame_of: FrameOf) -> None:
    one = fit_in_memory(market(frame_of, 0) | bids(frame_of), "s", MAY)
    two = fit_in_memory(market(frame_of, 1) | bids(frame_of), "s", MAY)
    assert one.digest_of("MON-BID-CV") == two.digest_of("MON-BID-CV")
    assert one.digest_of("MON-STR-HHI") != two.digest_of("MON-STR-HHI")


def test_cards_tell_what_they_were_fitted_on(frame_of: FrameOf, tmp_path: Path) -> None:
    store(tmp_path, fit_in_memory(bids(frame_of), "s", MAY))
    card = json.loads(next(iter(tmp_path.glob("bid-family-forest/*/model.json"))).read_text())
    assert card["n"] == 120
    assert card["seed"]
    assert {"numpy", "pyod", "scikit-learn"} <= set(card["libraries"])
    assert set(card["files"]) == {"arrays.npz", "detector/learnt.npz"}
    entry = json.loads((tmp_path / CURRENT).read_text())["sets"][-1]
    assert (entry["snapshot_id"], entry["known_as_of"]) == ("s", "2024-05-01T00:00:00+00:00")
