"""Is what is judged now still like what the peers and models were frozen on?

Four things may move: the features (population stability index against the frozen peers, in tenths
of the peers with zero and missing in bins of their own), how often they are missing, the scores
(PSI and Kolmogorov-Smirnov against the frozen calibration), and whether the likelihoods of alerts
still mean what reviewers find. Beside them stands `detector.bunching`. The bands are those of the
domain catalogue (6.4): 0.1 to watch, 0.25 to act; they are conventions, not tests.

Few rows give a large index by chance, about (bins - 1)(1/n + 1/m). Where that is more than half of
the first band the index is told and not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from detector.bunching import bunching
from detector.feedback import labels
from detector.inference import Floats, psi
from detector.model_comparison import feature_frames, groups_of
from detector.models.versions import NAME_DIGITS
from detector.results import Manifest, Results
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.models.fitted import FittedSet
    from detector.peers import GrainReference
    from detector.system import System
    from features.compute import FeatureFrame

WATCH, ACT = 0.1, 0.25
SLOPE = (0.8, 1.2)
"""Calibration slope outside of which to act (catalogue, 6.4); half as far is watched."""
ROWS = 500
"""Whole periods are taken, newest first, until they hold so many rows."""
BINS = 10
LEAST_ANSWERS, LEAST_OF_EACH = 20, 5
ORDER = {"act": 0, "watch": 1, "ok": 2, "few": 3}


def drift_report(system: System, periods: int | None = None) -> dict[str, Any]:
    """Everything above for the set in force and the rows in force, as plain data.

    Args:
        periods: so many newest periods of each grain; as many as hold `ROWS` rows when None.

    Returns:
        ``run_id``, ``models``, ``fitted_on``, ``at``; ``features`` and ``scores`` (one row each,
        the worst first), ``calibration``, ``bunching``, and ``counts`` by state. A state is
        ``ok``, ``watch``, ``act`` or ``few`` (too few rows to judge).

    Raises:
        WardenError: `nothing_judged`.
    """
    from detector.extracts import manifest_of
    from detector.models.artifacts import load_current, load_set

    results = Results(system.home)
    manifest, folder = manifest_of(system, results, None), system.home / "models"
    cited = manifest.judges.get("models")
    fitted = load_set(folder, cited) if cited else None
    fitted = fitted or load_current(folder)
    if fitted is None:
        raise WardenError("nothing_judged", "No models are in force.", "Run `warden detect` first.")
    features, newest = feature_drift(results, manifest, fitted, periods)
    scores = score_drift(system, results, manifest, fitted, newest)
    limits = [one.as_dict() for one in bunching_of(system, results, manifest)]
    calibration = calibration_drift(system)
    told = [*features, *scores, *limits, calibration]
    return {
        "run_id": manifest.run_id,
        "models": fitted.digest[:NAME_DIGITS],
        "fitted_on": fitted.known_as_of.isoformat(),
        "at": system.clock().isoformat(),
        "bands": {"watch": WATCH, "act": ACT},
        "features": features,
        "scores": scores,
        "calibration": calibration,
        "bunching": limits,
        "counts": {s: sum(one["state"] == s for one in told) for s in ORDER},
    }


# --- features ---------------------------------------------------------------------------------


def feature_drift(
    results: Results, manifest: Manifest, fitted: FittedSet, periods: int | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One row a feature of the frozen peers, the worst first; and the newest periods by grain."""
    from features.catalogue import catalogue
    from features.compute import FeatureFrame
    from features.reliance import relied_on

    rows: list[dict[str, Any]] = []
    newest: dict[str, Any] = {}
    for grain, held in sorted(fitted.reference.grains.items()):
        table = results.features(manifest, grain)
        if table is None or table.is_empty():
            continue
        since = newest_since(table, periods)
        newest[grain] = since
        known = tuple(f for f in catalogue().of_grain(grain) if f.name in table.columns)
        late = table.filter(pl.col("period_start") >= since)
        frame = relied_on(FeatureFrame(grain, late, known, (), ()))
        for feature in known:
            if feature.name in held.features:
                told = one_feature(held, frame, feature.name)
                about = {"feature": feature.name, "typology": feature.typology, "grain": grain}
                rows.append({**about, "since": since.isoformat(), **told})
    return sorted(rows, key=lambda r: (ORDER[r["state"]], -r["psi"], r["feature"])), newest


def newest_since(table: pl.DataFrame, periods: int | None) -> Any:
    """Start of the oldest period taken: so many of the newest, or as many as hold `ROWS` rows."""
    counts = table.group_by("period_start").len().sort("period_start", descending=True)
    if periods is not None:
        return counts["period_start"][: max(1, periods)][-1]
    enough = counts.filter(pl.col("len").cum_sum().shift(1, fill_value=0) < ROWS)
    return enough["period_start"][-1]


def one_feature(held: GrainReference, frame: FeatureFrame, name: str) -> dict[str, Any]:
    """PSI and missingness of one feature now against the frozen peers."""
    before = held.rows[name].cast(pl.Float64).to_numpy().astype(np.float64)
    now = frame.frame[name].cast(pl.Float64).to_numpy().astype(np.float64)
    expected, actual = shares_in_bins(before, now)
    index = psi(expected, actual)
    noise = (int((expected + actual > 0).sum()) - 1) * (1 / now.size + 1 / before.size)
    lost, was = float(np.isnan(now).mean()), float(np.isnan(before).mean())
    worst = max(index, abs(lost - was))
    return {
        "n": int(now.size), "n_reference": int(before.size), "psi": index, "noise": noise,
        "missing_now": lost, "missing_reference": was, "missing_change": lost - was,
        "state": state_of(worst, noise),
    }  # fmt: skip


def shares_in_bins(before: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Shares of both samples in the bins of the first: missing, zero, and tenths of the rest."""
    rest = before[~np.isnan(before) & (before != 0)]
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, BINS + 1)[1:-1])) if rest.size else rest
    found = []
    for sample in (before, now):
        missing, zero = np.isnan(sample), sample == 0
        others = np.searchsorted(edges, sample[~missing & ~zero], side="left")
        counts = np.bincount(others, minlength=edges.size + 1)
        found.append(np.array([missing.sum(), zero.sum(), *counts]) / max(sample.size, 1))
    return found[0], found[1]


def state_of(value: float, noise: float) -> str:
    """The band of an index, or that there are too few rows to tell."""
    if noise > WATCH / 2:
        return "few"
    return "act" if value > ACT else "watch" if value > WATCH else "ok"


# --- scores and likelihoods -------------------------------------------------------------------


def score_drift(
    system: System,
    results: Results,
    manifest: Manifest,
    fitted: FittedSet,
    newest: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Raw scores of the newest rows against the frozen calibration, one row a model."""
    from dataclasses import replace

    from detector.models.score import score_models

    frames = feature_frames(results, manifest, {m.spec.grain for m in fitted}, fitted)
    late = {
        grain: replace(f, frame=f.frame.filter(pl.col("period_start") >= newest[grain]))
        for grain, f in frames.items()
        if grain in newest
    }
    scored = score_models(late, fitted.beside(groups_of(system, manifest)))
    rows = []
    for model in fitted:
        mine = scored.filter(pl.col("model_id") == model.spec.id)["raw"].drop_nulls().to_numpy()
        if not (model.spec.active and model.usable and mine.size) or model.spec.is_family:
            continue
        before = model.calibration.scores
        expected, actual = shares_in_bins(before, mine)
        index, noise = psi(expected, actual), (BINS - 1) * (1 / mine.size + 1 / before.size)
        gap = ks_distance(before, mine)
        rows.append(
            {"model": model.spec.id, "typology": model.spec.typology, "n": int(mine.size),
             "n_reference": int(before.size), "psi": index, "ks": gap, "noise": noise,
             "state": state_of(max(index, gap), noise)}
        )  # fmt: skip
    return sorted(rows, key=lambda r: (ORDER[r["state"]], -r["psi"], r["model"]))


def ks_distance(a: Floats, b: Floats) -> float:
    """Largest distance between two empirical distributions (Kolmogorov-Smirnov), 0 to 1."""
    points = np.concatenate([a, b])
    both = [np.searchsorted(np.sort(s), points, side="right") / s.size for s in (a, b)]
    return float(np.abs(both[0] - both[1]).max())


def calibration_drift(system: System) -> dict[str, Any]:
    """Slope of what reviewers found on the log odds that were told; 1 is right.

    Null with a reason while there are too few answers.
    """
    import sqlalchemy as sa

    from alerts.tables import alert
    from detector.database import reading
    from detector.models.posterior import calibration_slope

    found = labels(system).filter(pl.col("lane") == "screen", pl.col("label").is_not_null())
    query = sa.select(alert.c.id, alert.c.likely)
    with reading(system.engine) as connection:
        likely = {key: value for key, value in connection.execute(query)}  # noqa: C416  rows
    found = found.filter(pl.col("alert_id").is_in(list(likely)))
    y = found["label"].to_numpy().astype(np.float64)
    confirmed = int(y.sum())
    told: dict[str, Any] = {"n": int(y.size), "confirmed": confirmed, "slope": None}
    if y.size < LEAST_ANSWERS or min(confirmed, y.size - confirmed) < LEAST_OF_EACH:
        why = f"fewer than {LEAST_ANSWERS} answers, {LEAST_OF_EACH} of each kind"
        return told | {"reason": why, "state": "few"}
    p = np.array([likely[key] for key in found["alert_id"]], dtype=np.float64)
    slope = calibration_slope(y, np.clip(p, 1e-6, 1 - 1e-6))
    off = abs(slope - 1)
    state = "act" if not SLOPE[0] <= slope <= SLOPE[1] else "watch" if off > 0.1 else "ok"
    return told | {"slope": slope, "reason": None, "state": state}


# --- bunching ---------------------------------------------------------------------------------


def bunching_of(system: System, results: Results, manifest: Manifest) -> list[Any]:
    """Bunching at the limits of every live rule, over the rows in force."""
    from detector.rulebook import rules_in_force
    from features.catalogue import catalogue
    from features.compute import FeatureFrame
    from features.reliance import relied_on
    from rules.margins import Margin, margins

    ruleset = rules_in_force(system)
    found: list[Margin] = []
    for grain in sorted({rule.spec.grain for rule in ruleset.live()}):
        table = results.features(manifest, grain)
        if table is None or table.is_empty():
            continue
        known = tuple(f for f in catalogue().of_grain(grain) if f.name in table.columns)
        owned = {c for f in known for c in (f.name, f"{f.name}__n", f"{f.name}__reason")}
        keys = {"subject_key", "period_start", "period_end"}
        attributes = tuple(c for c in table.columns if c not in owned | keys)
        frame = relied_on(FeatureFrame(grain, table, known, attributes, ()))
        mine = [rule for rule in ruleset.live() if rule.spec.grain == grain]
        found += margins(mine, frame, ruleset.parameters, catalogue())
    return bunching(found)
