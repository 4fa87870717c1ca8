"""What reviews teach, conduct by conduct: learnt from the published results, told, and applied.

For every conduct (`MON-BID`, say) and grain with reviewed alerts, the subjects judged are ordered
anew by `detector.models.rerank`, and the alerts that wait are brought into that order. Each lesson
is kept: how many reviews it rests on, what it weighs, what it looks at, and which numbers point
against the direction they declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from alerts import audit
from alerts.learned import Subject, Waiting, reorder, waiting
from alerts.likelihood import conduct
from alerts.model import SYSTEM
from detector import feedback, publishing
from detector.database import WriteConnection, reading, writing
from detector.results import Manifest, Results
from detector.tables import lesson as lesson_table
from features.vocabulary import TYPOLOGIES, Lane

if TYPE_CHECKING:
    from detector.models.rerank import Learnt
    from detector.system import System
    from features.compute import FeatureFrame

SHOWN = 12
"""Numbers told of a lesson, the weightiest first."""
TURNED = 0.1
"""Rank correlation from which a number is said to point the other way than it declares."""


@dataclass(frozen=True)
class Lesson:
    """One conduct and grain: places by what was learnt alone, and what is told about them."""

    conduct: str
    grain: str
    places: Mapping[Subject, float]
    told: dict[str, Any]


def learn(system: System, run_id: str = "") -> list[dict[str, Any]]:
    """Learns from every review there is and puts the waiting alerts in order.

    Where learning is switched off (`learn_order`), or a conduct has no lesson any more, alerts go
    back to the order of their own figures. Repeating it changes nothing.

    Returns:
        One row a conduct and grain: ``conduct``, ``grain``, ``reviews``, ``confirmed``,
        ``weight``, ``prior_auc``, ``mixed_auc``, ``reason``, ``moved`` and ``numbers``.
    """
    found = lessons(system) if system.settings.learn_order else []
    rows, moved_in_all = [], 0
    with writing(system.engine) as connection:
        taught = {(one.conduct, one.grain): one for one in found}
        for about, grain, alerts in _by_grain(waiting_conducts(connection, taught)):
            one = taught.get((about, grain))
            usable = one is not None and one.told["weight"] > 0
            told = _in_short(one) if one is not None and usable else None
            moved = reorder(connection, alerts, one.places if one is not None else {}, told)
            moved_in_all += moved
            if one is not None:
                rows.append({"conduct": about, "grain": grain, "moved": moved, **one.told})
        _keep(connection, rows, run_id, system)
        _enter(connection, rows, run_id, system, moved_in_all)
    return rows


def _enter(
    connection: WriteConnection,
    rows: list[dict[str, Any]],
    run_id: str,
    system: System,
    moved: int,
) -> None:
    """The new order in the audit trail; nothing where no alert came elsewhere."""
    if not moved:
        return
    audit.record(
        connection,
        actor=SYSTEM,
        action="reviews.learned",
        kind="order",
        key=run_id or "by hand",
        data={"moved": moved, "lessons": [f"{r['conduct']}/{r['grain']}" for r in rows]},
        now=system.clock(),
    )


def _in_short(one: Lesson) -> dict[str, Any]:
    """What is kept with each alert that a lesson moves."""
    told = {k: one.told[k] for k in ("reviews", "confirmed", "weight")}
    return told | {"numbers": [n["feature"] for n in one.told["numbers"][:3]]}


def waiting_conducts(
    connection: Any, taught: Iterable[tuple[str, str]]
) -> list[tuple[str, Waiting]]:
    """Waiting alerts of taught conducts, and of those a former lesson still moves."""
    from alerts.tables import alert as alert_table

    moved = connection.scalars(
        sa.select(alert_table.c.typology).distinct().where(alert_table.c.learned.is_not(None))
    )
    names = {about for about, _ in taught} | {conduct(t) for t in moved}
    return [(about, one) for about in sorted(names) for one in waiting(connection, about)]


def _by_grain(
    alerts: Iterable[tuple[str, Waiting]],
) -> list[tuple[str, str, list[Waiting]]]:
    groups: dict[tuple[str, str], list[Waiting]] = {}
    for about, one in alerts:
        span = (one.subject[1], one.period_end)
        grain = feedback.grain_of(one.typology, one.subject_kind, *span)
        if grain is not None:
            groups.setdefault((about, grain), []).append(one)
    return [(about, grain, some) for (about, grain), some in sorted(groups.items())]


def _keep(connection: Any, rows: Iterable[Mapping[str, Any]], run_id: str, system: System) -> None:
    """Keeps lessons that differ from the last one of their conduct and grain."""
    for row in rows:
        data = {k: v for k, v in row.items() if k not in ("conduct", "grain", "moved")}
        c = lesson_table.c
        last = connection.scalar(
            sa.select(c.data)
            .where(c.conduct == row["conduct"], c.grain == row["grain"])
            .order_by(c.id.desc())
            .limit(1)
        )
        if last != data:
            new = {"conduct": row["conduct"], "grain": row["grain"], "at": system.clock(),
                   "run_id": run_id, "data": data}  # fmt: skip
            connection.execute(sa.insert(lesson_table), [new])


def told(system: System) -> list[dict[str, Any]]:
    """The last lesson of every conduct and grain, for the command line and the API."""
    c = lesson_table.c
    newest = sa.select(sa.func.max(c.id)).group_by(c.conduct, c.grain)
    query = sa.select(lesson_table).where(c.id.in_(newest)).order_by(c.conduct, c.grain)
    with reading(system.engine) as connection:
        rows = connection.execute(query).mappings().all()
    return [
        {"conduct": r["conduct"], "grain": r["grain"], "at": r["at"].isoformat(), **r["data"]}
        for r in rows
    ]


def lessons(system: System) -> list[Lesson]:
    """What the reviews teach about the results in force; nothing is changed by it."""
    results = Results(system.home)
    run = publishing.current(system)
    reviews = feedback.labels(system).filter(
        pl.col("label").is_not_null(), pl.col("grain").is_not_null(), pl.col("lane") == Lane.SCREEN
    )
    if run is None or reviews.is_empty():
        return []
    manifest = results.manifest(run)
    reviews = reviews.with_columns(
        conduct=pl.col("typology").map_elements(conduct, return_dtype=pl.String)
    )
    found = []
    for about, grain in reviews.select("conduct", "grain").unique().sort(pl.all()).rows():
        mine = reviews.filter(pl.col("conduct") == about, pl.col("grain") == grain)
        one = _lesson(system, results, manifest, about, grain, mine)
        if one is not None:
            found.append(one)
    return found


def _lesson(
    system: System,
    results: Results,
    manifest: Manifest,
    about: str,
    grain: str,
    reviews: pl.DataFrame,
) -> Lesson | None:
    from detector.models.artifacts import load_current
    from detector.models.learnable import learnable
    from detector.models.rerank import rerank

    fitted = load_current(system.home / "models")
    held = fitted.reference.grains.get(grain) if fitted is not None else None
    table = stored(results, manifest, about, grain)
    if held is None or table is None:
        return None
    keys = ["subject_key", "period_start"]
    prior = _prior(results, manifest, about, grain)
    labels = reviews.group_by(keys).agg(pl.col("label").max().cast(pl.Float64))
    rows = (
        table.frame.select(keys)
        .join(prior, on=keys, how="left", maintain_order="left")
        .join(labels, on=keys, how="left", maintain_order="left")
    )
    learnt = rerank(
        learnable(table, held, {f.typology for f in table.features}),
        rows["prior"].fill_null(np.nan).to_numpy(),
        rows["label"].fill_null(np.nan).to_numpy(),
        rows["subject_key"],
    )
    places = dict(zip(_subjects(rows), learnt.taught.tolist(), strict=True))
    return Lesson(about, grain, places, _told(learnt, table))


def _subjects(rows: pl.DataFrame) -> list[tuple[str, date]]:
    return [(key, start) for key, start in rows.select("subject_key", "period_start").rows()]


def stored(results: Results, manifest: Manifest, about: str, grain: str) -> FeatureFrame | None:
    """The published feature table of one conduct and grain, unreliable numbers taken out."""
    from features.catalogue import catalogue
    from features.compute import FeatureFrame
    from features.reliance import relied_on

    known = [f for f in catalogue().of_grain(grain) if conduct(f.typology) == about]
    frame = results.features(manifest, grain, {f.typology for f in known})
    if frame is None or frame.is_empty():
        return None
    features = tuple(f for f in known if f.name in frame.columns)
    names = {f.name for f in features}
    plain = tuple(
        c for c in frame.columns if c.partition("__")[0] not in names and c not in NOT_ATTRIBUTES
    )
    return relied_on(FeatureFrame(grain, frame, features, plain, ()))


NOT_ATTRIBUTES = ("subject_key", "period_start", "period_end")


def _prior(results: Results, manifest: Manifest, about: str, grain: str) -> pl.DataFrame:
    """Suspicion by subject and period: how far its family agrees, else its gravest typology."""
    mine = [t for t in TYPOLOGIES if conduct(t) == about]
    judged = results.judged(manifest).filter(
        pl.col("grain") == grain, pl.col("typology").is_in(mine)
    )
    best = judged.group_by("subject_key", "period_start").agg(
        pl.col("family_suspicion").max(), pl.col("suspicion").max()
    )
    prior = pl.coalesce("family_suspicion", "suspicion")
    return best.select("subject_key", "period_start", prior=prior).collect()


def _told(learnt: Learnt, table: FeatureFrame) -> dict[str, Any]:
    """A lesson as plain data."""
    declared = {f.name: f.direction for f in table.features}
    numbers = [
        {
            "feature": row["feature"],
            "importance": round(row["importance"], 4),
            "points": None if row["points"] is None else round(row["points"], 3),
            "declared": declared.get(row["feature"], "none"),
            "turned": turned(declared.get(row["feature"], "none"), row["points"]),
        }
        for row in learnt.lessons.head(SHOWN).iter_rows(named=True)
    ]
    return {
        "reviews": learnt.reviews,
        "confirmed": learnt.confirmed,
        "weight": round(learnt.weight, 4),
        "prior_auc": None if learnt.prior_auc is None else round(learnt.prior_auc, 4),
        "mixed_auc": None if learnt.mixed_auc is None else round(learnt.mixed_auc, 4),
        "reason": learnt.reason,
        "numbers": numbers,
    }


def turned(declared: str, points: float | None) -> bool:
    """Whether what was learnt runs against the declared direction."""
    if points is None or declared not in ("high", "low"):
        return False
    return points < -TURNED if declared == "high" else points > TURNED
