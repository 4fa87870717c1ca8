"""The published ranking against known cases; labels are read here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from detector import planning
from detector.evaluate import evaluate
from detector.extracts import manifest_of
from detector.results import Manifest, Results
from detector.verdicts import DETECTOR, with_verdicts
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.models.fitted import FittedSet
    from detector.system import System
    from features.compute import FeatureFrame

BASELINES: dict[str, dict[str, pl.Expr]] = {
    "tender": {"number of bids": pl.col("n_bids")},
    "app_v": {
        "observed minus declared types": pl.col("uc_observed_types") - pl.col("uc_declared_types"),
        "observed types": pl.col("uc_observed_types"),
    },
}
"""What needs no model at all, by grain: a score that does not beat these adds nothing."""


def evaluate_published(
    system: System, labels: Path, k: int, *, every_detector: bool = False
) -> list[dict[str, Any]]:
    """Quality of every labelled ranking beside its baselines, ready to print.

    Args:
        every_detector: also fit every detector on the same subjects (see
            `detector.models.contest`); those that learn from labels are cross-validated.

    Raises:
        WardenError: `no_labels`, `bad_labels`, or `nothing_judged` before any detection.
    """
    results = Results(system.home)
    manifest = manifest_of(system, results, None)
    scores = results.judged(manifest).collect()
    cases = read_labels(labels)
    simple = baseline_values(results, manifest)
    beside = [simple, challenger_values(system, cases if every_detector else None)]
    rows = evaluate(scores, cases, k, pl.concat(beside))
    return with_verdicts(rows, set(simple["name"]))


def challenger_values(system: System, labels: pl.DataFrame | None = None) -> pl.DataFrame:
    """Scores of models that are not in use, fitted for the occasion on what is known now.

    Args:
        labels: given, every detector is fitted for the typologies and subjects they name.
    """
    from detector.models.fit import fit_in_memory
    from detector.models.score import score_models
    from detector.owners import Groups

    plan = planning.make_plan(system, Results(system.home), None)
    frames = planning.compute(system, plan).frames
    groups = Groups.known(system.lake, plan.snapshot)
    fitted = fit_in_memory(frames, plan.snapshot.id, plan.known_at, groups=groups)
    idle = {m.spec.id: m.spec for m in fitted if not m.spec.active}
    scores = score_models(frames, fitted, challengers=True)
    challengers = (
        scores.filter(pl.col("model_id").is_in(list(idle)), pl.col("suspicion").is_not_null())
        .group_by("subject_kind", "subject_key", "model_id")
        .agg(value=pl.col("suspicion").max())
        .select(
            "subject_kind",
            "subject_key",
            name=pl.concat_str(pl.lit("challenger "), "model_id"),
            value="value",
        )
    )
    if labels is None:
        return challengers
    return pl.concat([challengers, *contest_values(frames, fitted, labels)])


def contest_values(
    frames: Mapping[str, FeatureFrame], fitted: FittedSet, labels: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Values of every detector, for each typology and kind of subject that is labelled.

    A column `group` of the labels names what cross-validation must keep together.
    """
    from detector.models.contest import entries
    from features.reliance import relied_on
    from features.vocabulary import GRAINS

    for pattern, kind in labels.select("typology", "subject_kind").unique().sort(pl.all()).rows():
        mine = labels.filter(pl.col("typology") == pattern, pl.col("subject_kind") == kind)
        known = {k: int(v) for k, v in mine.select("subject_key", "label").rows()}
        groups = dict(mine.select("subject_key", "group").rows()) if "group" in mine.columns else {}
        for grain, frame in sorted(frames.items()):
            if GRAINS[grain].subject_kind != kind or grain not in fitted.reference.grains:
                continue
            table = relied_on(frame)
            if not table.frame["subject_key"].is_in(list(known)).any():
                continue
            for name, values in entries(table, fitted, pattern, known, groups):
                yield values.select(
                    subject_kind=pl.lit(kind),
                    subject_key="subject_key",
                    name=pl.lit(f"{DETECTOR}{name} ({grain})"),
                    value=pl.col("value").cast(pl.Float64),
                )


def read_labels(path: Path) -> pl.DataFrame:
    """A CSV or Parquet file of labels.

    Raises:
        WardenError: `no_labels` when it cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0]
        raise WardenError("no_labels", f"{path} cannot be read: {first}.") from error


def baseline_values(results: Results, manifest: Manifest) -> pl.DataFrame:
    """The simplest scores of each subject: (subject_kind, subject_key, name, value)."""
    from features.vocabulary import GRAINS

    schema = {
        "subject_kind": pl.String,
        "subject_key": pl.String,
        "name": pl.String,
        "value": pl.Float64,
    }
    parts = [pl.DataFrame(schema=schema)]
    for grain, named in BASELINES.items():
        frame = results.features(manifest, grain)
        if frame is None:
            continue
        for name, value in named.items():
            parts.append(
                frame.select(
                    subject_kind=pl.lit(GRAINS[grain].subject_kind),
                    subject_key="subject_key",
                    name=pl.lit(name),
                    value=value.cast(pl.Float64),
                )
            )
    firms = results.judged(manifest).filter(pl.col("grain") == "firm_y").collect()
    if not firms.is_empty():
        one = firms.filter(pl.col("typology") == firms["typology"].min())
        parts.append(
            one.group_by("subject_key")
            .agg(value=pl.col("baseline").sum())
            .select(
                subject_kind=pl.lit("firm"),
                subject_key="subject_key",
                name=pl.lit("number of tenders"),
                value="value",
            )
        )
    return pl.concat(parts)
