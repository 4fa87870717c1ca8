"""The five exports: alerts, scores, features, outcomes, quarantine, now or as known on a day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from alerts import audit
from alerts.limits import NONE, Limits
from detector import publishing, second_person
from detector.database import writing
from detector.planning import end_of
from detector.results import Manifest, Results
from features.errors import WardenError
from features.vocabulary import GRAINS, TYPOLOGIES

if TYPE_CHECKING:
    from detector.system import System

SCORE_COLUMNS = (
    "typology",
    "subject_kind",
    "subject_key",
    "period_start",
    "period_end",
    "suspicion",
    "p_value",
    "q_value",
    "outcome",
    "reason",
    "facts",
)
OUTCOME_COLUMNS = (
    "rule_id",
    "rule_version",
    "subject_kind",
    "subject_key",
    "period_start",
    "outcome",
    "reason",
)
KINDS = ("alerts", "scores", "features:GRAIN", "outcomes", "quarantine")


def enter_export(
    system: System,
    kind: str,
    frame: pl.DataFrame,
    actor: str,
    *,
    typologies: Collection[str] | None = None,
    as_of: date | None = None,
    approval: int | None = None,
) -> None:
    """Records that somebody takes data out; to be called before the file is written.

    Args:
        approval: number of the request a second person has approved, where that takes one.

    Raises:
        WardenError: `second_person_needed` and what `detector.second_person.admit` says;
            `actor_required`, `audit_unavailable`; then nothing may be handed out.
    """
    told = {"rows": frame.height, "typologies": sorted(typologies or ()), "as_of": as_of}
    out = second_person.of_table(kind, frame, typologies, as_of)
    with writing(system.engine) as connection:
        told |= second_person.admit(connection, system, out, actor, approval)
        audit.record(
            connection,
            actor=actor,
            action="data.exported",
            kind="export",
            key=kind,
            data=told,
            now=system.clock(),
        )


def extract(
    system: System,
    kind: str,
    *,
    typologies: Collection[str] | None = None,
    as_of: date | None = None,
    within: Limits = NONE,
) -> pl.DataFrame:
    """The table of one export, columns as the fixed interface states.

    Args:
        within: what whoever exports may see. Of tables that do not say whom a row concerns, nothing
            is handed to somebody who is limited.

    Raises:
        WardenError: `unknown_kind`, `unknown_typology`, `beyond_limits`, or `nothing_judged`
            before any detection.
    """
    if within != NONE and kind != "alerts":
        raise WardenError(
            "beyond_limits",
            f"An export of {kind} holds what is beyond your unit or jurisdiction.",
            "Export `alerts`, or ask somebody without such limits.",
        )
    unknown = [t for t in typologies or () if t not in TYPOLOGIES]
    if unknown:
        raise WardenError(
            "unknown_typology", f"There is no typology {', '.join(unknown)}.", "See the catalogue."
        )
    if kind == "quarantine":
        return system.lake.quarantine(end_of(as_of) if as_of else None)
    if kind == "alerts":
        return alerts_table(system, typologies, as_of, within)
    results = Results(system.home)
    if kind == "scores":
        return scores_table(results, manifest_of(system, results, as_of), typologies)
    if kind == "outcomes":
        rows = results.outcomes(manifest_of(system, results, as_of)).filter(~pl.col("shadow"))
        if typologies:
            rows = rows.filter(pl.col("typology").is_in(list(typologies)))
        return rows.select(OUTCOME_COLUMNS).sort(OUTCOME_COLUMNS[:5]).collect()
    if kind.startswith("features:"):
        return features_table(results, manifest_of(system, results, as_of), kind.split(":", 1)[1])
    raise WardenError(
        "unknown_kind", f"There is no export {kind}.", f"Use one of {', '.join(KINDS)}."
    )


def manifest_of(system: System, results: Results, as_of: date | None) -> Manifest:
    """The run whose results answer the question; a look back that was never run is run now.

    Raises:
        WardenError: `nothing_judged`.
    """
    if as_of is None:
        run_id = publishing.current(system)
        if run_id is None:
            raise WardenError(
                "nothing_judged", "Nothing has been judged yet.", "Run `warden detect` first."
            )
        return results.manifest(run_id)
    snapshot = system.lake.pin(end_of(as_of))
    known = [m for m in results.sealed() if m.snapshot_id == snapshot.id]
    live = publishing.live_runs(system)
    known = [m for m in known if m.run_id in live]
    if known:
        return max(known, key=lambda m: live[m.run_id])
    from detector.run import run_detection

    looked_back = run_detection(system, as_of=as_of)
    if not looked_back.counts.get("judged"):
        raise WardenError(
            "nothing_judged",
            f"Nothing could be judged with what was known at the end of {as_of}.",
            "Name a later day.",
        )
    return results.manifest(looked_back.run_id)


def scores_table(
    results: Results, manifest: Manifest, typologies: Collection[str] | None
) -> pl.DataFrame:
    """One row per judged (typology, subject, period)."""
    rows = results.judged(manifest)
    if typologies:
        rows = rows.filter(pl.col("typology").is_in(list(typologies)))
    return rows.select(SCORE_COLUMNS).sort(SCORE_COLUMNS[:4]).collect()


def features_table(results: Results, manifest: Manifest, grain: str) -> pl.DataFrame:
    """Keys, features and reasons of one grain.

    Raises:
        WardenError: `unknown_kind` for a grain that does not exist or has no features yet.
    """
    frame = results.features(manifest, grain) if grain in GRAINS else None
    if frame is None:
        have = sorted({n.split("-")[1] for n in results.names(manifest, "features-")})
        raise WardenError(
            "unknown_kind",
            f"There are no features of grain {grain}.",
            f"Grains with features now: {', '.join(have) or 'none'}.",
        )
    names = [c.removesuffix("__reason") for c in frame.columns if c.endswith("__reason")]
    columns = ["subject_key", "period_start", *names, *(f"{n}__reason" for n in names)]
    return frame.select(columns)


def alerts_table(
    system: System,
    typologies: Collection[str] | None,
    as_of: date | None,
    within: Limits = NONE,
) -> pl.DataFrame:
    """The alert objects of the API, one per row; nested parts as JSON text."""
    import json

    from alerts.inbox import QueueFilter, export_alerts
    from detector.database import reading

    with reading(system.engine) as connection:
        objects = export_alerts(connection, QueueFilter(within=within))
    rows = []
    for item in objects:
        if typologies and item["typology"] not in typologies:
            continue
        if as_of and str(item["opened_at"]) > end_of(as_of).isoformat():
            continue
        rows.append(
            {
                key: json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
                if isinstance(value, dict | list | tuple)
                else value
                for key, value in item.items()
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)
