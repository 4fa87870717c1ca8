"""Dispositions as labels: what people found, who found it and when.

A closing says something about the alert it closed until somebody, or a graver finding, opens the
alert again; then it says nothing. An answer that is none (insufficient, referred) labels nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from alerts.case_tables import lead as lead_table
from alerts.connections import ReadConnection
from alerts.model import CloseReason, EventKind
from alerts.standing import standing
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table
from alerts.tables import review_draw as draw_table
from detector.database import reading
from features.vocabulary import GRAINS, TYPOLOGIES

if TYPE_CHECKING:
    from detector.system import System

ANSWERS: Mapping[str, int] = {
    CloseReason.CONFIRMED.value: 1,
    CloseReason.EXPLAINED.value: 0,
    CloseReason.DATA_ERROR.value: 0,
}
"""Label by disposition; one that is not named here is no answer."""
ALERT, SAMPLE = "alert", "sample"
DAYS: Mapping[str, int] = {"d": 1, "w": 7, "m": 31, "q": 92, "y": 366}
"""Longest period of a letter, in days."""

LABELS: Mapping[str, pl.DataType] = {
    "alert_id": pl.String(),
    "typology": pl.String(),
    "subject_kind": pl.String(),
    "subject_key": pl.String(),
    "grain": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "disposition": pl.String(),
    "label": pl.Int64(),
    "origin": pl.String(),
    "weight": pl.Float64(),
    "reviewer": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "lane": pl.String(),
    "rules": pl.List(pl.String()),
    "models": pl.List(pl.String()),
}


def labels(system: System) -> pl.DataFrame:
    """One row for each alert that is closed now, by its last closing.

    Columns: `alert_id`, `typology`, `subject_kind`, `subject_key`, `grain` (null where the kind
    leaves it open), `period_start`, `period_end`, `disposition`, `label` (1 confirmed, 0 explained
    or data error, else null), `origin` (``alert`` or ``sample``), `weight` (inverse probability
    of having been drawn; 1 for an alert of a run), `reviewer`, `at` (UTC), `lane`, `rules` and
    `models` (ids the alert named). Sorted by `at`, then `alert_id`.
    """
    with reading(system.engine) as connection:
        found = closings(connection)
    return frame_of(found)


def frame_of(found: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Closings as the frame of `labels`."""
    rows = [{name: one[name] for name in LABELS} for one in found]
    return pl.DataFrame(rows, schema=dict(LABELS)).sort("at", "alert_id")


def closings(connection: ReadConnection) -> list[dict[str, Any]]:
    """The columns of `LABELS` for each alert that is closed, with the evidence it was ranked by.

    What came as a lead is left out: it says nothing about what is raised here.
    """
    seen, drawn = alert_table.c, draw_table.c
    query = (
        sa.select(
            seen.id, seen.typology, seen.subject_kind, seen.subject_key, seen.period_start,
            seen.period_end, seen.close_reason, seen.lane, seen.rules, seen.models, seen.evidence,
            drawn.role, drawn.grain, drawn.probability,
        )
        .join(draw_table, drawn.alert_id == seen.id, isouter=True)
        .where(seen.state == "closed", seen.id.not_in(sa.select(lead_table.c.alert_id)))
    )  # fmt: skip
    last = last_closings(connection)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [_closing(row, last) for row in rows if row["id"] in last]


def last_closings(connection: ReadConnection) -> dict[str, tuple[str, Any]]:
    """Who closed each alert last, and when; one that was reopened since is left out."""
    happened = event_table.c
    kinds = (EventKind.CLOSED.value, EventKind.REOPENED.value, EventKind.UNDONE.value)
    query = (
        sa.select(happened.alert_id, happened.kind, happened.reason, happened.actor, happened.at)
        .where(happened.kind.in_(kinds))
        .order_by(happened.id)
    )
    found: dict[str, tuple[str, Any]] = {}
    for event in standing(connection.execute(query)):
        found.pop(event.alert_id, None)
        if event.kind == EventKind.CLOSED.value:
            found[event.alert_id] = (event.actor, event.at)
    return found


def _closing(row: Mapping[str, Any], last: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    reviewer, at = last[row["id"]]
    sampled = row["role"] == SAMPLE
    span = (row["period_start"], row["period_end"])
    return {
        "alert_id": row["id"],
        "typology": row["typology"],
        "subject_kind": row["subject_kind"],
        "subject_key": row["subject_key"],
        "grain": row["grain"] or grain_of(row["typology"], row["subject_kind"], *span),
        "period_start": row["period_start"],
        "period_end": row["period_end"],
        "disposition": row["close_reason"],
        "label": ANSWERS.get(row["close_reason"]),
        "origin": SAMPLE if sampled else ALERT,
        "weight": 1.0 / row["probability"] if sampled else 1.0,
        "reviewer": reviewer,
        "at": at,
        "lane": row["lane"],
        "rules": [str(one.get("id")) for one in row["rules"] or ()],
        "models": [str(one.get("id")) for one in row["models"] or ()],
        "evidence": row["evidence"],
    }


def grain_of(typology: str, kind: str, start: date, end: date) -> str | None:
    """The grain an alert is about: of those of its kind the one its period fits, else None.

    Grains the typology is alerted on come before others.
    """
    known = TYPOLOGIES.get(typology)
    own = known.alerts_on if known else ()
    of_kind = [g for g in GRAINS.values() if g.subject_kind == kind]
    if len(of_kind) == 1:
        return of_kind[0].code
    days = (end - start).days + 1
    fits = [g for g in of_kind if g.period == _letter(days)]
    fits = [g for g in fits if g.code in own] or fits
    return fits[0].code if len(fits) == 1 else None


def _letter(days: int) -> str:
    return next((letter for letter, longest in DAYS.items() if days <= longest), "y")
