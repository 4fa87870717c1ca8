"""Scores every row of every table with the models in force: one row a (model, subject, period)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.models.agreement import agreement, bringing_own_evidence
from detector.models.explain import contributions
from detector.models.fitted import FittedModel, FittedSet
from detector.models.judge import Joint, Judgement, joint_judgement, own_judgement
from detector.peers import apply_peers
from features.reliance import relied_on
from features.vocabulary import GRAINS, Outcome, Reason

if TYPE_CHECKING:
    from features.compute import FeatureFrame

ALPHA = 0.01
"""A model fires at this p-value (ENG): about one clean subject in a hundred, by construction."""

SCORES: dict[str, pl.DataType] = {
    "model_id": pl.String(),
    "model_version": pl.String(),
    "typology": pl.String(),
    "grain": pl.String(),
    "subject_kind": pl.String(),
    "subject_key": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "outcome": pl.String(),
    "reason": pl.String(),
    "raw": pl.Float64(),
    "p_value": pl.Float64(),
    "suspicion": pl.Float64(),
    "baseline": pl.Float64(),
    "contributions": pl.String(),
    "p_own": pl.Float64(),
    "p_family": pl.Float64(),
    "family_suspicion": pl.Float64(),
}
"""Columns of the result. `p_own` and `p_family` keep own and family evidence apart;
`family_suspicion` is how far all typologies of the family agree (`detector.models.agreement`)."""


def score_models(
    frames: Mapping[str, FeatureFrame],
    fitted: FittedSet,
    *,
    typologies: Collection[str] | None = None,
    alpha: float = ALPHA,
    challengers: bool = False,
) -> pl.DataFrame:
    """Judges every row; a row's figures do not depend on the rows beside it.

    Args:
        frames: feature tables by grain; peer columns are added where they are missing.
        typologies: only these; all when None.
        alpha: p-value at which a model fires.
        challengers: also give rows of inactive models and of whole families.

    Returns:
        Rows of `SCORES`, sorted by model, subject and period; outcome is ``fired``, ``clear`` or
        ``not_evaluable`` with its reason.
    """
    parts = []
    for grain, plain in sorted(frames.items()):
        chosen = [
            m for m in fitted if m.spec.grain == grain and _wanted(m, typologies, challengers)
        ]
        if not chosen or plain.frame.is_empty():
            continue
        frame = with_peers(plain, fitted)
        families = {m.spec.family for m in chosen if m.spec.family in fitted.models}
        judged = {name: own_judgement(fitted.models[name], frame) for name in families}
        own = {m.spec.id: judged.get(m.spec.id) or own_judgement(m, frame) for m in chosen}
        members = {name: _members(fitted, name) for name in families}
        read = {*own, *(m for mine in members.values() for m in mine)}
        joint = _joint(fitted, frame, own | judged, read)
        agreed = {
            name: agreement(judged[name].suspicion, {m: joint[m][2] for m in mine})
            for name, mine in members.items()
        }
        for model in chosen:
            family = judged.get(model.spec.family)
            rows = _rows(model, frame, own[model.spec.id], family, joint.get(model.spec.id), alpha)
            parts.append(_with_agreement(rows, agreed.get(model.spec.family)))
    if not parts:
        return pl.DataFrame(schema=SCORES)
    return pl.concat(parts).sort("model_id", "subject_key", "period_start")


def _members(fitted: FittedSet, family: str) -> list[str]:
    return bringing_own_evidence(fitted.models[family].spec, [m.spec for m in fitted])


def _joint(
    fitted: FittedSet, frame: FeatureFrame, own: Mapping[str, Judgement], names: Collection[str]
) -> dict[str, Joint]:
    """What models say together with their family, of those that have one judged here."""
    keys, found = frame.frame["subject_key"], dict[str, Joint]()
    for name in sorted(names):
        model = fitted.models[name]
        family = own.get(model.spec.family)
        if model.spec.joint != "alone" and family is not None:
            mine = own.get(name) or own_judgement(model, frame)
            found[name] = joint_judgement(model, mine, family, keys)
    return found


def _with_agreement(rows: pl.DataFrame, agreed: Floats | None) -> pl.DataFrame:
    if agreed is None:
        return rows
    return rows.with_columns(family_suspicion=pl.Series(agreed).fill_nan(None))


def _wanted(model: FittedModel, typologies: Collection[str] | None, challengers: bool) -> bool:
    asked = typologies is None or model.spec.typology in typologies
    shown = challengers or (model.spec.active and not model.spec.is_family)
    return asked and shown


def with_peers(
    frame: FeatureFrame, fitted: FittedSet, also: Collection[str] | None = None
) -> FeatureFrame:
    """What may be judged of a table, beside the set's frozen peers; added once.

    Args:
        also: features that need peer columns besides those of the models; all when None.
    """
    if frame.reference:
        return frame
    modelled = {f for m in fitted for f in m.features}
    wanted = None if also is None else {*also, *modelled}
    return apply_peers(relied_on(frame), fitted.reference, wanted, modelled)


def _rows(
    model: FittedModel,
    frame: FeatureFrame,
    own: Judgement,
    family: Judgement | None,
    both: Joint | None,
    alpha: float,
) -> pl.DataFrame:
    present, p, suspicion = own.present, own.p, own.suspicion
    reasons = own.reasons
    if model.spec.joint != "alone":
        if family is None or both is None:
            present, p, suspicion = np.zeros_like(present), np.full(p.shape, np.nan), p * np.nan
        else:
            present, p, suspicion = both
            reasons = reasons.zip_with(pl.Series(~own.present), family.reasons)
    judged = pl.Series(present)
    fired = pl.Series(present & (p <= alpha))
    outcome = (
        pl.when(fired)
        .then(pl.lit(Outcome.FIRED.value))
        .when(judged)
        .then(pl.lit(Outcome.CLEAR.value))
        .otherwise(pl.lit(Outcome.NOT_EVALUABLE.value))
    )
    table = frame.frame.select("subject_key", "period_start", "period_end").with_columns(
        model_id=pl.lit(model.spec.id),
        model_version=pl.lit(model.version),
        typology=pl.lit(model.spec.typology),
        grain=pl.lit(model.spec.grain),
        subject_kind=pl.lit(GRAINS[model.spec.grain].subject_kind),
        outcome=outcome,
        reason=pl.when(~judged).then(reasons.fill_null(Reason.TOO_FEW.value)),
        raw=_number(own.raw, present),
        p_value=_number(p, present),
        suspicion=_number(suspicion, present),
        baseline=_number(_baseline(model, own), present),
        p_own=_number(own.p, own.present),
        p_family=_number(family.p, family.present) if family else pl.lit(None, pl.Float64),
        contributions=contributions(frame, own, family, present),
        family_suspicion=pl.lit(None, pl.Float64),
    )
    return table.select(pl.col(name).cast(dtype) for name, dtype in SCORES.items())


def _number(values: Floats, present: np.ndarray) -> pl.Series:
    return pl.Series(np.where(present, values, np.nan), dtype=pl.Float64).fill_nan(None)


def _baseline(model: FittedModel, own: Judgement) -> Floats:
    """The simplest score: one feature's signed percentile among its peers."""
    name = model.spec.baseline or model.features[0]
    if name not in own.evidence.features:
        return np.full(own.p.shape, np.nan)
    at = own.evidence.features.index(name)
    return np.where(own.evidence.missing[:, at], np.nan, own.evidence.signed[:, at])
