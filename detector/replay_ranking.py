"""Where an alert stood, found again: budget, sizes, weights and companions as they were kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from alerts.blind import SAMPLE
from alerts.likelihood import Companion
from alerts.merge import UNRANKED
from alerts.model import Alert, AlertEvent, EventKind, Part, Priority, Signal
from alerts.ranking import ranked
from alerts.tables import review_draw as draw_table
from alerts.tables import weights as weights_table
from alerts.weights import NEW, Weights, weights_from
from detector.database import reading
from detector.harm import affected as sizes_now
from detector.replay_pins import read_pins, sealed_manifest
from detector.results import Results
from detector.rule_texts import worst_of
from detector.tables import wealth_batch
from detector.wealth import Block

if TYPE_CHECKING:
    from detector.database import ReadConnection
    from detector.lake import Snapshot
    from detector.planning import Plan
    from detector.system import System
    from rules.load import Rule

SIZED = (
    EventKind.OPENED, EventKind.UPDATED, EventKind.FIRES_AGAIN, EventKind.REOPENED,
    EventKind.TAGGED,
)  # fmt: skip
"""Events with which a run also measures how much a suspicion touches."""


def levels(connection: ReadConnection, blocks: Collection[Block]) -> dict[Block, float]:
    """The level each block was booked with on the long-run budget; it never changes."""
    found = {}
    for block in blocks:
        query = sa.select(wealth_batch.c.level).where(
            wealth_batch.c.stream == block.stream, wealth_batch.c.batch == block.name
        )
        level = connection.scalar(query)
        if level is not None:
            found[block] = float(level)
    return found


def priority(
    connection: ReadConnection, alert: Alert, signal: Signal, affected: Part | None
) -> Priority:
    """The place of an alert by the weights and beside the companions it was ranked with."""
    evidence = alert.priority.evidence
    weights = weights_of(connection, str(evidence.get("weights", "")))
    beside = [Companion(**one) for one in evidence.get("companions", ())]
    known = replace(UNRANKED, evidence={"affected": dict(affected)} if affected else {})
    return ranked(replace(alert, signal=signal, priority=known), weights, beside)


def weights_of(connection: ReadConnection, mark: str) -> Weights:
    """The weights of a mark; those of before any review where it names none."""
    query = sa.select(weights_table.c.data).where(weights_table.c.mark == mark)
    data = connection.scalar(query.limit(1))
    return weights_from(data) if data else NEW


def affected(system: System, events: Sequence[AlertEvent], signal: Signal) -> Part | None:
    """How much the suspicion touches, by the filings of the last run that could tell.

    A draw for blind review measures nothing.
    """
    with reading(system.engine) as connection:
        drawn = is_drawn(connection, events[0].alert_id)
    for event in reversed(events):
        unmeasured = drawn and event.kind is EventKind.OPENED
        if event.kind in SIZED and event.run_id and not unmeasured:
            found = size_of(system, _filings(system, event.run_id), signal)
            if found is not None:
                return found
    return None


def _filings(system: System, run_key: str) -> Snapshot:
    results = Results(system.home)
    with reading(system.engine) as connection:
        manifest = sealed_manifest(connection, results, run_key)
    return read_pins(results, manifest).pinned(system.lake)


def size_of(system: System, snapshot: Snapshot, signal: Signal) -> Part | None:
    """The size of a signal's subject by some filings."""
    plan = cast("Plan", SimpleNamespace(snapshot=snapshot))
    return next(iter(sizes_now(system, plan, [signal]).values()), None)


# --- subjects drawn for blind review ----------------------------------------------------------


def drawn_grain(connection: ReadConnection, alert_id: str, said: AlertEvent) -> str | None:
    """The grain of a subject that was drawn and that no run has raised since; else None."""
    return is_drawn(connection, alert_id) if said.kind is EventKind.OPENED else None


def is_drawn(connection: ReadConnection, alert_id: str) -> str | None:
    """The grain at which an alert was drawn before any run raised it; None for all others."""
    drawn = draw_table.c
    query = sa.select(drawn.grain).where(drawn.alert_id == alert_id, drawn.role == SAMPLE)
    found = connection.scalar(query)
    return str(found) if found else None


def as_drawn(row: Mapping[str, Any]) -> dict[str, Any]:
    """A judged row as a draw words it: what was not judged has no suspicion."""
    return {
        **row,
        "suspicion": row["suspicion"] or 0.0,
        "fired_rules": row["fired_rules"] or [],
    }


def graver(signal: Signal, rules: Iterable[Rule]) -> Signal:
    """With the gravest any live rule of the typology may be: a draw does not tell by severity."""
    graves = [worst_of(rule) for rule in rules if rule.spec.typology == signal.typology]
    return replace(signal, severity=max(graves, default=signal.severity))
