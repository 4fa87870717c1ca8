"""Collects what stands in a case and behind each of its alerts; nothing is left out here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from alerts.case_model import EVERYWHERE, CaseReach
from alerts.case_reading import case_detail, timeline
from alerts.limits import NONE, Limits
from detector.bundle.gather import Evidence, Row, gather
from detector.bundle.proof import Proof, proof
from detector.database import reading
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

PARTS = ("parties", "alerts", "hidden_alerts", "tasks", "notes", "interventions")
"""What the case object holds besides the case itself."""


@dataclass
class CaseEvidence:
    """Everything about one case.

    Attributes:
        case: what the case says of itself.
        alerts: the evidence behind each alert, by id.
        timeline: what happened to the case and to its alerts, oldest first.
        names: of the firms, by id and language.
        left_out: alerts that are not for whoever reads.
    """

    case: Row
    parties: list[Row]
    alerts: list[Evidence]
    timeline: list[Row]
    tasks: list[Row]
    notes: list[Row]
    interventions: list[Row]
    proof: Proof
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: int = 0


def gather_case(
    system: System,
    number: str,
    created: datetime,
    reach: CaseReach = EVERYWHERE,
    limits: Limits = NONE,
) -> CaseEvidence:
    """The evidence of a case, whole.

    Raises:
        WardenError: `case_not_found`; `hidden_alerts` (conflict) where some are beyond the
            limits; `blind_review` (conflict); `audit_broken`.
    """
    with reading(system.engine) as connection:
        told = case_detail(connection, number, reach, limits)
        events = timeline(connection, number, reach, limits)
    if told["hidden_alerts"]:
        raise WardenError(
            "hidden_alerts",
            f"The case has {told['hidden_alerts']} alerts you may not see; its evidence is handed "
            "out whole or not.",
            "Ask somebody who sees all of them.",
            "conflict",
        )
    ids = [one["id"] for one in told["alerts"]]
    alerts = [gather(system, alert_id, created, proven=False) for alert_id in ids]
    parties = told["parties"]
    return CaseEvidence(
        case={key: value for key, value in told.items() if key not in PARTS},
        parties=parties,
        alerts=alerts,
        timeline=events,
        tasks=told["tasks"],
        notes=told["notes"],
        interventions=told["interventions"],
        proof=proof(system, {"case": [number], "alert": ids}, created),
        names=_names(system, [one["firm"] for one in parties], alerts),
    )


def _names(system: System, firms: list[str], alerts: list[Evidence]) -> dict[str, dict[str, str]]:
    """Names as the runs knew them; of a party no alert is about, as it is filed now."""
    found: dict[str, dict[str, str]] = {}
    for one in alerts:
        found |= one.sources.names
    others = [firm for firm in firms if firm not in found]
    snapshot = system.lake.pin() if others and system.lake is not None else None
    if snapshot is None or "firms" not in snapshot.filled:
        return found
    rows = system.lake.scan(snapshot, "firms").filter(
        pl.col("firm_id").is_in(others), pl.col("name").is_not_null()
    )
    known = rows.select("firm_id", "name", "name_zh").unique("firm_id").collect()
    return found | {key: {"en": name, "zh": zh or name} for key, name, zh in known.iter_rows()}
