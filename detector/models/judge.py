"""What one fitted model says about every row of a table, alone and with its family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from detector.models import joint
from detector.models.fitted import FittedModel
from detector.models.signed import NEUTRAL, Evidence, signed_evidence
from features.vocabulary import Reason

if TYPE_CHECKING:
    from features.compute import FeatureFrame


@dataclass(frozen=True)
class Judgement:
    """Per row: whether it could be judged, and how; NaN where it could not.

    Attributes:
        present: rows with enough features and a model with enough reference.
        shares: shape (rows, features): each feature's part in the suspicion, summing to 1.
        reasons: why a row could not be judged.
    """

    present: NDArray[np.bool_]
    raw: Floats
    p: Floats
    suspicion: Floats
    shares: Floats
    evidence: Evidence
    reasons: pl.Series


Joint = tuple[NDArray[np.bool_], Floats, Floats]
"""Present, p and suspicion of a model read together with its family."""


def own_judgement(model: FittedModel, frame: FeatureFrame) -> Judgement:
    """The model's own evidence, calibrated; its family is not asked."""
    evidence = signed_evidence(frame, model.features, model.scorer.card.reads)
    n = frame.frame.height
    enough = (~evidence.missing).sum(axis=1) >= model.spec.min_present
    whole = evidence.features == model.features
    present: NDArray[np.bool_] = enough & model.usable & whole
    raw, p, suspicion = np.full((3, n), np.nan)
    shares = np.full((n, len(model.features)), np.nan)
    rows = np.flatnonzero(present)
    if rows.size:
        keys = frame.frame["subject_key"].gather(rows)
        signed = evidence.signed[rows]
        raw[rows] = model.scorer.score(signed, keys)
        p[rows] = model.calibration.p_values(raw[rows], keys)
        suspicion[rows] = model.calibration.suspicion(raw[rows], keys)
        shares[rows] = _shares(model, signed, evidence.missing[rows], keys, raw[rows])
    absent = Reason.TOO_FEW if whole else Reason.MISSING_INPUT
    reasons = evidence.reasons.fill_null(absent.value) if whole else _all(n, absent)
    if not model.usable:
        reasons = _all(n, Reason.TOO_FEW)
    return Judgement(present, raw, p, suspicion, shares, evidence, reasons)


def joint_judgement(
    model: FittedModel, own: Judgement, family: Judgement, keys: pl.Series
) -> Joint:
    """Own and family evidence together: (present, p, suspicion), as the spec's `joint` says."""
    present = own.present & family.present
    p, suspicion = np.full((2, present.size), np.nan)
    rows = np.flatnonzero(present)
    if model.spec.joint == "both":
        p[rows] = np.maximum(own.p[rows], family.p[rows])
        suspicion[rows] = joint.both(own.suspicion[rows], family.suspicion[rows])
    elif model.joint_calibration is not None and rows.size:
        total = joint.stouffer(own.suspicion[rows], family.suspicion[rows], model.rho)
        p[rows] = model.joint_calibration.p_values(total, keys.gather(rows))
        suspicion[rows] = model.joint_calibration.suspicion(total, keys.gather(rows))
    return present & ~np.isnan(p), p, suspicion


def _shares(
    model: FittedModel, signed: Floats, missing: NDArray[np.bool_], keys: pl.Series, raw: Floats
) -> Floats:
    """How much of the score each feature brings: the fall when it is set to its peers' median.

    Works for any detector. Parts that lower the suspicion count as zero; where nothing raises it,
    the features that are present share equally.
    """
    gain = np.zeros_like(signed)
    for j in range(signed.shape[1]):
        without = signed.copy()
        without[:, j] = NEUTRAL
        gain[:, j] = np.maximum(0.0, raw - model.scorer.score(without, keys))
    here = (~missing).astype(np.float64)
    gain = np.where(gain.sum(axis=1, keepdims=True) > 0, gain, here)
    return np.asarray(gain / gain.sum(axis=1, keepdims=True), dtype=np.float64)


def _all(n: int, reason: Reason) -> pl.Series:
    return pl.Series("reason", [reason.value], dtype=pl.String).new_from_index(0, n)
