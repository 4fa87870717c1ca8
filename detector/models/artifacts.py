"""Model files: written whole or not at all, named by content, hashed, checked before loading.

Layout below the models folder::

    <model id>/<version>/model.json, arrays.npz, detector/ (what the detector wrote)
    peers/<version>/peers.json, <grain>.parquet, <grain>.edges.parquet
    CURRENT.json      every set with the hash of each part, see `detector.models.versions`

`CURRENT.json` holds the hash of each part's manifest and each manifest the hashes of its files,
so nothing is read before its bytes are known to be ours. They hold data, never code: a detector
that writes anything but arrays, tables and JSON is refused.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from detector.models.base import Detector, ModelSpec, make_detector
from detector.models.detectors.absent import Absent
from detector.models.fitted import FittedModel, FittedSet
from detector.models.reference import Calibration
from detector.models.versions import (
    CURRENT,
    Act,
    Entry,
    damaged,
    locked,
    read_versions,
    write_versions,
)
from detector.peers import GrainReference, Reference
from detector.strata import cut
from detector.whole_files import replace_text
from features.errors import WardenError

MODEL, PEERS, ARRAYS = "model.json", "peers.json", "arrays.npz"
DETECTOR = "detector"
"""Folder of a model in which its detector keeps what it learnt."""
PICKLED = "forests.joblib"
DATA = {".npz", ".npy", ".json", ".parquet", ".csv", ".txt"}
"""Kinds of files a detector may write: read without running anything."""


def store(
    models_dir: Path,
    fitted: FittedSet,
    *,
    shadow: bool = False,
    act: Act | None = None,
    around: AbstractContextManager[None] | None = None,
) -> None:
    """Writes what is new and lists the set as in force; a crash leaves the former one in force.

    Args:
        shadow: list it beside the set in force, which goes on scoring.
        act: who did this, for the list.
        around: entered just before the list changes, left right after.
    """
    with locked(models_dir):
        entry = _placed(models_dir, fitted)
        versions = read_versions(models_dir)
        now = versions.with_shadow(entry, act) if shadow else versions.with_set(entry, act)
        with around or nullcontext():
            write_versions(models_dir, now)


def _placed(models_dir: Path, fitted: FittedSet) -> Entry:
    """Writes the parts of a set that are not there yet; its entry in the list."""
    peers = fitted.reference.version
    parts = {f"peers/{peers}": _place(
        models_dir / "peers" / peers, PEERS, lambda d: _write_peers(d, fitted.reference)
    )}  # fmt: skip
    for model in fitted:
        place = models_dir / model.spec.id / model.version
        parts[f"{model.spec.id}/{model.version}"] = _place(
            place,
            MODEL,
            lambda d, m=model: _write_model(d, m),  # type: ignore[misc]
        )
    return {
        "digest": fitted.digest,
        "snapshot_id": fitted.snapshot_id,
        "known_as_of": fitted.known_as_of.astimezone(UTC).isoformat(),
        "peers": peers,
        "models": {m.spec.id: m.version for m in fitted},
        "parts": parts,
    }


def load_current(models_dir: Path, known_as_of: datetime | None = None) -> FittedSet | None:
    """The set in force: the last one put into force, or the last of those known by then.

    Raises:
        WardenError: `damaged_model` when a file is missing or not what was written.
    """
    known = read_versions(models_dir).known_by(known_as_of)
    return _load(models_dir, known) if known else None


def load_set(models_dir: Path, digest: str) -> FittedSet | None:
    """A set by its digest, in force or not, for replays; None when it was never stored here."""
    found = read_versions(models_dir).by_digest(digest)
    return _load(models_dir, found) if found else None


def _load(models_dir: Path, entry: dict[str, Any]) -> FittedSet:
    peers = models_dir / "peers" / entry["peers"]
    reference = _read_peers(peers, _manifest(peers, PEERS, entry["parts"][f"peers/{peers.name}"]))
    models = {}
    for name, version in entry["models"].items():
        place = models_dir / name / version
        models[name] = _read_model(
            place, _manifest(place, MODEL, entry["parts"][f"{name}/{version}"])
        )
    fitted = FittedSet(
        reference, models, entry["snapshot_id"], datetime.fromisoformat(entry["known_as_of"])
    )
    if fitted.digest != entry["digest"]:
        raise damaged(models_dir / CURRENT)
    return fitted


# --- one folder, whole or not at all ----------------------------------------------------------


def _place(target: Path, manifest: str, write: Callable[[Path], dict[str, Any]]) -> str:
    """Writes a folder beside its place and moves it there; returns the manifest's hash."""
    if (target / manifest).exists() and _whole(target, manifest):
        return _sha256(target / manifest)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    try:
        card = write(draft)
        files = sorted(f for f in draft.rglob("*") if f.is_file())
        card["files"] = {f.relative_to(draft).as_posix(): _sha256(f) for f in files}
        replace_text(draft / manifest, json.dumps(card, indent=1, sort_keys=True))
        if target.exists():
            shutil.rmtree(target)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _sha256(target / manifest)


def _whole(target: Path, manifest: str) -> bool:
    try:
        _manifest(target, manifest, _sha256(target / manifest))
    except (WardenError, ValueError):
        return False
    return True


def _manifest(folder: Path, name: str, expected: str) -> dict[str, Any]:
    """Reads a manifest after checking it and every file it names."""
    path = folder / name
    if not path.exists() or _sha256(path) != expected:
        raise damaged(path)
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for file, digest in card["files"].items():
        if not (folder / file).exists() or _sha256(folder / file) != digest:
            raise damaged(folder / file)
    return card


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


# --- the two kinds of folder ------------------------------------------------------------------


def _write_peers(folder: Path, reference: Reference) -> dict[str, Any]:
    for grain, held in reference.grains.items():
        held.rows.write_parquet(folder / f"{grain}.parquet")
        if held.size:
            held.edges.write_parquet(folder / f"{grain}.edges.parquet")
    return {
        "digest": reference.digest,
        "grains": {
            g: {
                "version": r.version,
                "peers": list(r.peers),
                "size": r.size,
                "features": list(r.features),
                "n": r.rows.height,
            }
            for g, r in reference.grains.items()
        },
    }


def _read_peers(folder: Path, card: dict[str, Any]) -> Reference:
    grains: dict[str, GrainReference] = {}
    if any("size" not in c for c in card["grains"].values()):
        raise damaged(folder / PEERS)  # frozen before groups were left out
    for g, c in card["grains"].items():
        rows = pl.read_parquet(folder / f"{g}.parquet")
        edges = pl.read_parquet(folder / f"{g}.edges.parquet") if c["size"] else None
        edges = cut(rows, (), "") if edges is None else edges
        peers, features = tuple(c["peers"]), tuple(c["features"])
        grains[g] = GrainReference(g, peers, features, rows, c["size"], edges)
    return Reference(grains)


def _write_model(folder: Path, model: FittedModel) -> dict[str, Any]:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    pairs = (("own", model.calibration), ("joint", model.joint_calibration))
    for name, calibration in pairs:
        if calibration is not None:
            arrays[f"{name}_scores"] = calibration.scores
            arrays[f"{name}_keys"] = np.asarray(calibration.keys.to_list(), dtype=np.str_)
    np.savez_compressed(folder / ARRAYS, allow_pickle=False, **arrays)
    if model.usable:
        _write_detector(folder / DETECTOR, model)
    return model.card()


def _write_detector(folder: Path, model: FittedModel) -> None:
    """Lets the detector write; raises `code_in_model` where that is not plainly data."""
    folder.mkdir()
    model.scorer.save(folder)
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix not in DATA:
            raise WardenError(
                "code_in_model",
                f"The detector '{model.spec.scorer}' wrote {file.name}, which may hold code.",
                f"A detector stores data only: {', '.join(sorted(DATA))}.",
            )


def _read_model(folder: Path, card: dict[str, Any]) -> FittedModel:
    spec = ModelSpec(**{**card["spec"], "features": tuple(card["spec"]["features"])})
    scorer = _detector(spec.scorer)
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        own = _calibration(arrays, "own", scorer.card.alike)
        joint = _calibration(arrays, "joint") if "joint_scores" in arrays else None
    if own.n:
        if PICKLED in card["files"]:
            raise WardenError(
                "old_model",
                f"The model {spec.id} was stored by an earlier version as a pickle, which may hold"
                " code and is never read.",
                "Fit anew with `warden models fit`.",
                "integrity",
            )
        scorer = scorer.load(folder / DETECTOR)
    return FittedModel(
        spec, card["version"], tuple(card["features"]), scorer, own, joint, card["rho"],
        card["seed"], card["libraries"],
    )  # fmt: skip


def _detector(name: str) -> Detector:
    """The detector of a stored model; one that only says so where it is not installed."""
    try:
        return make_detector(name)
    except WardenError as why:
        if why.code not in ("unknown_detector", "broken_detector"):
            raise
        return Absent(name, why)


def _calibration(arrays: Any, name: str, alike: float = 0.0) -> Calibration:
    keys = pl.Series("subject_key", arrays[f"{name}_keys"].tolist(), dtype=pl.String)
    return Calibration(arrays[f"{name}_scores"], keys, alike)
