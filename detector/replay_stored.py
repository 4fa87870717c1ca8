"""What a run stored beside an alert, held against the same judged again: row, features, bands."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.bands import bands
from detector.replay_compare import Difference, counted, differences
from detector.replay_judgement import Again, Asked, Past
from detector.results import Results
from features.catalogue import KEY_COLUMNS

if TYPE_CHECKING:
    from detector.system import System
    from features.compute import FeatureFrame

ROW = (
    "outcome", "reason", "suspicion", "p_value", "q_value", "baseline", "family_suspicion",
    "severity", "lane", "message_en", "message_zh", "strength", "fired_rules", "open_rules",
    "models",
)  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """What differs, and how much was looked at."""

    differences: tuple[Difference, ...] = ()
    compared: int = 0


def compare(system: System, past: Past, asked: Asked, again: Again) -> Stored:
    """The judged row, the features and the peers' bands of an alert's subject, stored and new."""
    stored, made = _rows(system, past, asked), {r["grain"]: r for r in again.rows(asked)}
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for grain in asked.grains:
        old[grain] = {
            "row": _plain(stored.get(grain)),
            **_features(_stored_frame(system, past, asked, again, grain), again),
        }
        new[grain] = {
            "row": _plain(made.get(grain)),
            **_features(_own(again.computed.frames.get(grain), asked), again),
        }
    return Stored(tuple(differences(old, new, "results")), counted(old))


def _rows(system: System, past: Past, asked: Asked) -> dict[str, dict[str, Any]]:
    rows = (
        Results(system.home)
        .judged(past.manifest)
        .filter(
            pl.col("typology") == asked.typology,
            pl.col("subject_key") == asked.key,
            pl.col("period_start") == asked.start,
            pl.col("grain").is_in(list(asked.grains)),
        )
    )
    return {row["grain"]: row for row in rows.collect().to_dicts()}


def _plain(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: row[name] for name in ROW} | {"facts": json.loads(row["facts"] or "[]")}


def _own(frame: FeatureFrame | None, asked: Asked) -> FeatureFrame | None:
    """The table cut to the alert's row; None without one."""
    if frame is None:
        return None
    mine = (pl.col("subject_key") == asked.key) & (pl.col("period_start") == asked.start)
    row = frame.frame.filter(mine)
    return replace(frame, frame=row) if row.height == 1 else None


def _stored_frame(
    system: System, past: Past, asked: Asked, again: Again, grain: str
) -> FeatureFrame | None:
    """The row as the run's features hold it, of the typologies judged again."""
    made = again.computed.frames.get(grain)
    if made is None:
        return None
    results, joined = Results(system.home), None
    keys = list(KEY_COLUMNS)
    for typology in again.plan.typologies:
        found = results.read(past.manifest, f"features-{grain}-{typology}")
        if found is None:
            continue
        mine = (pl.col("subject_key") == asked.key) & (pl.col("period_start") == asked.start)
        part = found.filter(mine).drop("typology", "grain").collect()
        if joined is None:
            joined = part
        else:
            fresh = [c for c in part.columns if c in keys or c not in joined.columns]
            joined = joined.join(part.select(fresh), on=keys, how="full", coalesce=True)
    if joined is None or joined.height != 1:
        return None
    helper = [c for c in made.frame.columns if c.startswith("_") and c not in joined.columns]
    beside = made.frame.select(*keys[:2], *helper)
    row = joined.join(beside, on=keys[:2], how="left")
    have = tuple(f for f in made.features if f.name in row.columns)
    attributes = tuple(a for a in made.attributes if a in row.columns)
    return replace(made, frame=row, features=have, attributes=attributes)


def _features(frame: FeatureFrame | None, again: Again) -> dict[str, Any]:
    """Values, reasons and sample sizes of one row, and the bands of its peers."""
    from detector.models.score import with_peers

    judged = [f for f in frame.features if f.typology in again.plan.typologies] if frame else []
    if frame is None or not judged:
        return {"features": None, "bands": None}
    row = frame.frame.row(0, named=True)
    values = {
        f.name: {"value": row[f.name], "reason": row[f"{f.name}__reason"], "n": row[f"{f.name}__n"]}
        for f in judged
    }
    fitted = again.panel.fitted
    shown = with_peers(frame, fitted, {f.name for f in judged})
    told = [f.name for f in judged if f"{f.name}__pct" in shown.frame.columns]
    found = bands(shown, fitted.reference, told)
    return {"features": values, "bands": {name: one.as_dict() for name, one in found.items()}}
