"""The published ranking against known cases; labels are read here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from detector import planning
from detector.evaluate import as_table, evaluate
from detector.extracts import manifest_of
from detector.results import Manifest, Results
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

BASELINES: dict[str, dict[str, pl.Expr]] = {
    "tender": {"number of bids": pl.col("n_bids")},
    "app_v": {
        "observed minus declared types": pl.col("uc_observed_types") - pl.col("uc_declared_types"),
        "observed types": pl.col("uc_observed_types"),
    },
}
"""What needs no model at all, by grain: a score that does not beat these adds nothing."""


def evaluate_published(system: System, labels: Path, k: int) -> list[dict[str, Any]]:
    """Quality of every labelled ranking beside its baselines, ready to print.

    Raises:
        WardenError: `no_labels`, `bad_labels`, or `nothing_judged` before any detection.
    """
    results = Results(system.home)
    manifest = manifest_of(system, results, None)
    scores = results.judged(manifest).collect()
    beside = pl.concat([baseline_values(results, manifest), challenger_values(system)])
    return as_table(evaluate(scores, read_labels(labels), k, beside))


def challenger_values(system: System) -> pl.DataFrame:
    """Scores of models that are not in use, fitted for the occasion on what is known now."""
    from detector.models.fit import fit_in_memory
    from detector.models.score import score_models
    from detector.owners import Groups

    plan = planning.make_plan(system, Results(system.home), None)
    frames = planning.compute(system, plan).frames
    groups = Groups.known(system.lake, plan.snapshot)
    fitted = fit_in_memory(frames, plan.snapshot.id, plan.known_at, groups=groups)
    idle = {m.spec.id: m.spec for m in fitted if not m.spec.active}
    scores = score_models(frames, fitted, challengers=True)
    return (
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
