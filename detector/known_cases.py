"""Known cases, and what is left out of the frozen peers because of them.

A confirmed ring among the reference would make the next ring look usual. So a fit leaves out, for
the features of the family of typologies concerned and for the periods of the case, the subjects of
alerts that were confirmed, referred, or taken on by somebody. An alert nobody has looked at is
left in: to drop whatever scores high would make every honest peer look too suspicious.

Left out with a subject are its finer parts (the tenders of a firm) and what its firms own. A
decision moves nothing that was judged: it counts from the next fit on, like everything frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.model import CloseReason, EventKind
from alerts.standing import standing
from alerts.store import CHUNK
from alerts.tables import alert as alert_table
from alerts.tables import alert_event as event_table
from detector.database import reading
from detector.owners import OWNED, OWNER
from features.vocabulary import GRAINS, TYPOLOGIES

if TYPE_CHECKING:
    from detector.system import System
    from features.compute import FeatureFrame

TAKEN = (EventKind.ACKNOWLEDGED, EventKind.REVIEW_STARTED, EventKind.ESCALATED)
"""Events after which somebody works on an alert."""
DECIDED = (*TAKEN, EventKind.CLOSED, EventKind.REOPENED)
"""Events after which an alert stands elsewhere than before."""
ENDED_AS_CASE = (CloseReason.CONFIRMED, CloseReason.REFERRED)
CASES: Mapping[str, pl.DataType] = {
    "family": pl.String(),
    "kind": pl.String(),
    "key": pl.String(),
    "first": pl.Date(),
    "last": pl.Date(),
}
"""One row a case: family of typologies, subject kind and key, first and last day."""

FIRM_KINDS = {GRAINS[g].subject_kind for g, o in OWNED.items() if o.columns[-1] == "subject_key"}
"""Kinds of subjects whose key names the firms concerned: one, or several joined by `|`."""
_MEMBERSHIPS = Mapping[tuple[str, str], pl.DataFrame]
_KEYS = ["subject_key", "period_start"]


@dataclass(frozen=True)
class KnownCases:
    """Cases known at one moment (`CASES`), and which finer subjects belong to coarser ones."""

    rows: pl.DataFrame
    memberships: _MEMBERSHIPS = field(default_factory=dict)

    @classmethod
    def none(cls) -> KnownCases:
        """No case is known."""
        return cls(pl.DataFrame(schema=dict(CASES)))

    @classmethod
    def known(cls, system: System, moment: datetime, memberships: _MEMBERSHIPS) -> KnownCases:
        """The cases as they stood at a moment."""
        with reading(system.engine) as connection:
            return cls(cases_at(connection, moment), memberships)

    def without(self, frame: FeatureFrame) -> FeatureFrame:
        """The table with the features of a case's family unknown in the rows of the case."""
        table = frame.frame
        for family in self.rows["family"].unique().sort():
            names = [
                f.name
                for f in frame.features
                if f.name in table.columns and TYPOLOGIES[f.typology].family == family
            ]
            here = self._concerned(frame, self.rows.filter(pl.col("family") == family))
            if not names or here.is_empty():
                continue
            marked = table.join(
                here.with_columns(_case=True), on=_KEYS, how="left", maintain_order="left"
            )
            table = marked.with_columns(
                pl.when(pl.col("_case").is_null()).then(pl.col(name)).alias(name) for name in names
            ).drop("_case")
        return replace(frame, frame=table)

    def _concerned(self, frame: FeatureFrame, cases: pl.DataFrame) -> pl.DataFrame:
        """Keys and periods of the rows of some cases."""
        table, grain = frame.frame, frame.grain
        rows = table.select(*_KEYS, "period_end")
        kind = GRAINS[grain].subject_kind
        parts = [_during(rows, "subject_key", cases.filter(pl.col("kind") == kind))]
        if OWNER in table.columns:
            owned = table.select(*_KEYS, "period_end", member=pl.col(OWNER).str.split("|"))
            firms = cases.filter(pl.col("kind").is_in(sorted(FIRM_KINDS)))
            firms = firms.with_columns(pl.col("key").str.split("|")).explode("key")
            parts.append(_during(owned.explode("member"), "member", firms))
        for (child, parent), links in self.memberships.items():
            if child == grain:
                above = cases.filter(pl.col("kind") == GRAINS[parent].subject_kind)
                linked = links.select(
                    subject_key="child_key", period_start="child_period_start", parent="parent_key"
                ).join(rows, on=_KEYS)
                parts.append(_during(linked, "parent", above))
        return pl.concat(parts).unique()


def _during(rows: pl.DataFrame, name: str, cases: pl.DataFrame) -> pl.DataFrame:
    """Keys and periods of rows that a case names, in a period the case touches."""
    met = rows.drop_nulls(name).join(cases, left_on=name, right_on="key", how="inner")
    overlaps = (pl.col("period_start") <= pl.col("last")) & (
        pl.col("period_end") >= pl.col("first")
    )
    return met.filter(overlaps).select(_KEYS)


def cases_at(connection: ReadConnection, moment: datetime) -> pl.DataFrame:
    """The cases (`CASES`) as decided up to a moment; later decisions are not known there."""
    taken, ended = _stood_at(connection, moment)
    seen = alert_table.c
    query = sa.select(
        seen.id, seen.blind, seen.typology, seen.subject_kind, seen.subject_key,
        seen.period_start, seen.period_end,
    ).order_by(seen.id)  # fmt: skip
    names = sorted(taken | ended)
    rows: list[Any] = []
    for at in range(0, len(names), CHUNK):
        rows += connection.execute(query.where(seen.id.in_(names[at : at + CHUNK])))
    found = [
        (TYPOLOGIES[typology].family, *subject)
        for alert_id, blind, typology, *subject in rows
        if typology in TYPOLOGIES and (alert_id in ended or not blind)
    ]
    return pl.DataFrame(found, schema=dict(CASES), orient="row")


def _stood_at(connection: ReadConnection, moment: datetime) -> tuple[set[str], set[str]]:
    """Alerts somebody worked on at a moment, and those that were closed as a case by then."""
    happened = event_table.c
    kinds = [kind.value for kind in (*DECIDED, EventKind.UNDONE)]
    query = (
        sa.select(happened.alert_id, happened.kind, happened.reason)
        .where(happened.kind.in_(kinds), happened.at <= moment)
        .order_by(happened.id)
    )
    last = {event.alert_id: event for event in standing(connection.execute(query))}
    taken = {name for name, event in last.items() if event.kind in TAKEN}
    ended = {
        name
        for name, event in last.items()
        if event.kind == EventKind.CLOSED.value and event.reason in ENDED_AS_CASE
    }
    return taken, ended
