"""Fits every registered model on one snapshot and stores the set."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.known_cases import KnownCases
from detector.models import artifacts, joint
from detector.models.base import MIN_REFERENCE, SEED, Detector, ModelSpec, make_detector, specs
from detector.models.fitted import LIBRARIES, FittedModel, FittedSet, content_version
from detector.models.judge import own_judgement
from detector.models.reference import Calibration
from detector.models.signed import signed_evidence
from detector.owners import Groups
from detector.peers import Reference, apply_peers, fit_reference
from features.errors import WardenError
from features.reliance import relied_on

if TYPE_CHECKING:
    from features.compute import FeatureFrame


def fit_models(
    frames: Mapping[str, FeatureFrame],
    models_dir: Path,
    snapshot_id: str,
    known_as_of: datetime,
    groups: Groups | None = None,
    cases: KnownCases | None = None,
) -> FittedSet:
    """Freezes the peers, fits every registered model, stores the set and makes it current.

    The same frames give the same versions and digest; storing them again changes nothing but the
    list of what is current.
    """
    fitted = fit_in_memory(frames, snapshot_id, known_as_of, groups=groups, cases=cases)
    artifacts.store(models_dir, fitted)
    return fitted


def fit_in_memory(
    frames: Mapping[str, FeatureFrame],
    snapshot_id: str,
    known_as_of: datetime,
    only: Collection[str] | None = None,
    groups: Groups | None = None,
    cases: KnownCases | None = None,
) -> FittedSet:
    """The same without writing anything.

    Args:
        only: names of the models to fit, all when None.
        groups: economic groups to be left out together; every owner alone when None.
        cases: known cases, which are nobody's peers and calibrate nothing.
    """
    known = cases or KnownCases.none()
    judged = {grain: known.without(relied_on(frame)) for grain, frame in frames.items()}
    reference = fit_reference(judged, groups)
    used = {f for spec in specs() for f in spec.features}
    standing = {grain: apply_peers(frame, reference, used, used) for grain, frame in judged.items()}
    models: dict[str, FittedModel] = {}
    for spec in specs():
        if spec.grain in standing and (only is None or spec.id in only):
            family = models.get(spec.family)
            model = _fit_one(spec, standing[spec.grain], family, reference)
            if model is not None:
                models[spec.id] = model
    return FittedSet(reference, models, snapshot_id, known_as_of)


def _fit_one(
    spec: ModelSpec,
    frame: FeatureFrame,
    family: FittedModel | None,
    reference: Reference,
) -> FittedModel | None:
    """One model; None where the table has none of its features."""
    held = reference.grains[spec.grain].features
    scorer = make_detector(spec.scorer)
    used = tuple(f for f in spec.features if f in held)
    evidence = signed_evidence(frame, used, scorer.card.reads)
    if not evidence.features:
        return None
    keys = frame.frame["subject_key"]
    present = (~evidence.missing).sum(axis=1) >= spec.min_present
    rows = np.flatnonzero(present)
    scorer, raw = _learnt(scorer, evidence.signed[rows], keys.gather(rows))
    rows = rows[: raw.size]
    named = sorted({*LIBRARIES, *scorer.card.libraries})
    libraries = {name: importlib.metadata.version(name) for name in named}
    model = FittedModel(
        spec, "", evidence.features, scorer,
        Calibration.of(raw, keys.gather(rows), scorer.card.alike), None, 0.0,
        SEED, libraries,
    )  # fmt: skip
    model = _calibrate_sum(model, family, frame)
    return dataclasses.replace(model, version=content_version(model))


def _learnt(detector: Detector, evidence: Floats, keys: pl.Series) -> tuple[Detector, Floats]:
    """The fitted detector and its scores of the reference; none where that is too small."""
    if len(evidence) >= max(MIN_REFERENCE, detector.card.min_rows):
        try:
            fitted = detector.fit(evidence, keys, SEED)
            return fitted, fitted.score(evidence, keys)
        except WardenError as error:
            if error.code != "too_few_reference":
                raise
    return detector, np.empty(0)


def _calibrate_sum(
    model: FittedModel, family: FittedModel | None, frame: FeatureFrame
) -> FittedModel:
    """For ``sum`` models: correlation of own and family evidence, and the calibrated sum."""
    if model.spec.joint != "sum" or family is None or not (model.usable and family.usable):
        return model
    own, other = own_judgement(model, frame), own_judgement(family, frame)
    rows = np.flatnonzero(own.present & other.present)
    keys: pl.Series = frame.frame["subject_key"].gather(rows)
    a, b = own.suspicion[rows], other.suspicion[rows]
    rho = round(joint.correlation(a, b), 6)
    total = Calibration.of(joint.stouffer(a, b, rho), keys)
    return dataclasses.replace(model, joint_calibration=total, rho=rho)
