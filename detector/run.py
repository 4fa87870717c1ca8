"""The whole job on one screen: filings in force, features, rules and models, signals, alerts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from detector import (
    judging,
    ledger,
    lessons,
    planning,
    publishing,
    raising,
    replay_pins,
    storms,
)
from detector.results import Results

if TYPE_CHECKING:
    from detector.leases import Claim
    from detector.system import System


@dataclass(frozen=True)
class RunSummary:
    """What a run did, ready to print; `counts` is plain JSON data."""

    run_id: str
    target: str
    counts: dict[str, Any]


def run_detection(
    system: System,
    *,
    as_of: date | None = None,
    start: date | None = None,
    end: date | None = None,
    typologies: Collection[str] | None = None,
    claim: Claim | None = None,
    actor: str = "system",
) -> RunSummary:
    """Judges every period with new or changed data and publishes the result in one transaction.

    Idempotent: on an unchanged snapshot nothing is judged and nothing changes.

    Args:
        as_of: judge with what was known at the end of this day.
        start, end: judge periods starting in this window, changed or not.
        typologies: only these; all when None.
        claim: the ledger's claim when a job runs this; else one is made.
        actor: who asked for it.

    Raises:
        WardenError: unknown typology, lost lease, or another run published first.
    """
    results = Results(system.home)
    with ledger.held(system.engine, system.clock, "detect", claim) as mine:
        plan = planning.make_plan(
            system,
            results,
            publishing.current(system),
            as_of=as_of,
            start=start,
            end=end,
            typologies=typologies,
        )
        computed, panel = judging.compute_and_assemble(system, plan)
        parts = planning.split_features(computed, plan.typologies)
        cells = planning.cells_to_judge(
            plan, parts, results, panel.digests, computed.scope, panel.looking_back()
        )
        judgement = judging.judge(system, plan, computed, panel, cells, results)
        if judgement.cells.is_empty():
            counts = publishing.finish_quietly(system, plan, mine, judgement.counts())
            return RunSummary(mine.key, plan.target, counts)
        frames = judging.frames_to_keep(judgement, plan, panel, parts, cells, results)
        pins = replay_pins.pin(system, results, plan, mine.key, panel, judgement)
        publishing.seal(results, plan, mine, panel, judgement.nulls, frames, computed.reads, pins)
        signals = raising.signals(system, plan, computed, panel, judgement, mine.key)
        counts = judgement.counts() | {"held_back": judgement.fired() - len(signals)}
        held = storms.held_back(judgement.judged, judgement.stormy)
        counts = publishing.publish(
            system, plan, mine, signals, judgement.cells, counts, held, judgement.tests, actor
        )
        if plan.target == planning.LIVE:
            lessons.learn(system, mine.key)
        return RunSummary(mine.key, plan.target, counts)


def refit(system: System, *, claim: Claim | None = None, actor: str = "system") -> RunSummary:
    """Fits a new version of every model on what is known now.

    It goes into force where no models are; else it shadows (`detector.shadow_models`).
    """
    with ledger.held(system.engine, system.clock, "refit", claim) as mine:
        plan = planning.make_plan(system, Results(system.home), None)
        fitted = judging.fit_all(system, plan, planning.compute(system, plan), actor)
        counts = publishing.finish_quietly(system, plan, mine, fitted)
        return RunSummary(mine.key, plan.target, counts)
