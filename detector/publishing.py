"""Makes a run count: seals its folder, then switches alerts, ledger and pointer in one transaction.

Before the transaction nothing a run wrote is visible; after it everything is. A run that lost its
lease, or that stood on results no longer current, is rolled back whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import select

from alerts import audit
from alerts.model import SYSTEM
from detector import ledger
from detector.concerned import places_of
from detector.database import reading, writing
from detector.excess import Nulls
from detector.increments import reads_after, stamped
from detector.leases import Claim, finish
from detector.planning import LIVE, Plan
from detector.results import MAX_LAYERS, Manifest, Results
from detector.silence import silent_subjects
from detector.storms import Held
from detector.tables import run as run_table

if TYPE_CHECKING:
    from datetime import date

    from alerts.connections import WriteConnection
    from alerts.model import Part, Signal
    from alerts.stale import Subject
    from detector.panel import Panel
    from detector.system import System


def current(system: System, target: str = LIVE) -> str | None:
    """Folder name of the results in force, None before the first run."""
    with reading(system.engine) as connection:
        found = ledger.published(connection, target)
    return found.key if found else None


def live_runs(system: System) -> dict[str, str]:
    """Folder names of every live run that was published, with the moment it finished."""
    query = select(run_table).where(run_table.c.job == "detect", run_table.c.state == "done")
    with reading(system.engine) as connection:
        rows = connection.execute(query).all()
    return {
        f"{r.run_id}-{r.token}": r.finished_at.isoformat()
        for r in rows
        if (r.counts or {}).get("target") == LIVE
    }


def seal(
    results: Results,
    plan: Plan,
    claim: Claim,
    panel: Panel,
    nulls: Nulls,
    frames: Mapping[str, pl.DataFrame],
    reads: Mapping[str, Collection[str]],
    pins: str = "",
) -> Manifest:
    """Writes the run's folder and its manifest; still invisible until published.

    Args:
        pins: hash of what else the run judged by (`detector.replay_pins.pin`).
    """
    from rules.backtest import firing_hashes

    below, digests = plan.base.layers if plan.base else (), panel.digests
    names, stamps = stamped(plan)
    results.write(claim.key, frames)
    carried = dict(plan.base.digests) if plan.base else {}
    manifest = Manifest(
        run_id=claim.key,
        target=plan.target,
        snapshot_id=plan.snapshot.id,
        versions=dict(plan.snapshot.versions),
        known_as_of=plan.known_at.isoformat(),
        as_of=plan.context.as_of.isoformat(),
        # a run over named periods leaves the others as they were judged
        digests={**digests, **carried} if plan.windowed else {**carried, **digests},
        layers=(*below, claim.key),
        judges=panel.fitted.cited(),
        nulls=kept_nulls(plan, digests) | {key: list(null) for key, null in nulls.items()},
        stamped=names,
        stamps=stamps,
        reads=reads_after(plan.base, reads),
        rules=rules_after(plan, panel),
        pins=pins,
    )
    manifest = replace(manifest, firings=firing_hashes(results.firings(manifest)))
    if len(manifest.layers) > MAX_LAYERS:
        manifest = results.flatten(manifest)
    results.seal(manifest)
    return manifest


def rules_after(plan: Plan, panel: Panel) -> dict[str, list[str]]:
    """By typology the rules whose outcomes are in force after this run."""
    before = dict(plan.base.rules) if plan.base else {}
    now: dict[str, list[str]] = {typology: [] for typology in plan.typologies}
    for rule in panel.ruleset.judging():
        if rule.spec.typology in now:
            now[rule.spec.typology].append(f"{rule.id}@{rule.version}")
    return {**now, **before} if plan.windowed else {**before, **now}


def kept_nulls(plan: Plan, digests: Mapping[str, str]) -> dict[str, list[float]]:
    """Frozen nulls of typologies this run did not look at."""
    before = plan.base.nulls if plan.base else {}
    return {key: null for key, null in before.items() if key.split("|")[0] not in digests}


def publish(
    system: System,
    plan: Plan,
    claim: Claim,
    signals: list[Signal],
    cells: pl.DataFrame,
    counts: dict[str, Any],
    held: Collection[Held] = (),
    tests: pl.DataFrame | None = None,
    actor: str = SYSTEM,
) -> dict[str, Any]:
    """The one transaction: alerts, budget, ledger row, pointer. Returns the counts as recorded.

    Args:
        tests: p-values of entities by block judged together; None books nothing on the budget.
        actor: who asked for the run.

    Raises:
        WardenError: `lost_lease`, or `overtaken` when another run was published meanwhile.
    """
    from detector.harm import affected

    sizes = affected(system, plan, signals) if plan.target == LIVE else {}
    base = plan.base.run_id.rsplit("-", 1)[0] if plan.base else None
    sealed = Results(system.home).manifest(claim.key)
    silent = silent_subjects(system, sealed) if plan.target == LIVE else set()
    places = places_of(system, plan.snapshot, signals) if plan.target == LIVE else {}
    with writing(system.engine) as connection:
        if plan.target == LIVE:
            judged = set(cells.select("typology", "grain", "period_start").iter_rows())
            told_of = Raised(signals, judged, held, sizes, silent, places)
            counts = counts | _move_alerts(system, connection, claim, told_of, tests)
        counts = {**counts, "target": plan.target, "snapshot": plan.snapshot.id}
        now = system.clock()
        # A look back replaces whatever look back of that day came before.
        before = {"replacing": base} if plan.target == LIVE else {}
        ledger.publish(connection, plan.target, claim.run_id, claim.token, now=now, **before)
        outputs = Results(system.home).digest(claim.key)
        finish(
            connection, claim, now=now, counts=counts, inputs_hash=plan.snapshot.id,
            outputs_hash=outputs,
        )  # fmt: skip
        told = {name: counts.get(name) for name in ("target", "snapshot", "judged", "alerts")}
        told["manifest"] = outputs
        audit.record(
            connection,
            actor=actor,
            action="run.published",
            kind="run",
            key=claim.key,
            data=told,
            now=now,
        )
    return counts


@dataclass(frozen=True)
class Raised:
    """What a live run says to the alerts.

    Attributes:
        judged: typology, grain and first day of every cell judged completely.
        held: what fired and raises no alert while its rule is in a storm.
        sizes: by fingerprint, how much a signal touches.
        silent: subjects of waiting alerts whose filings have stopped.
        places: by fingerprint, whose authorities an alert concerns.
    """

    signals: list[Signal]
    judged: Collection[tuple[str, str, date]]
    held: Collection[Held]
    sizes: Mapping[str, Part]
    silent: Collection[Subject]
    places: Mapping[str, Collection[str]]


def _move_alerts(
    system: System,
    connection: WriteConnection,
    claim: Claim,
    raised: Raised,
    tests: pl.DataFrame | None,
) -> dict[str, Any]:
    """Brings the alerts up to the run, with its budget and weights; what the run counts of it."""
    from alerts import jurisdictions, stale
    from alerts.merge import Moment
    from alerts.pipeline import process
    from detector import wealth
    from detector.weighing import measured

    signals, now = raised.signals, system.clock()
    counts: dict[str, Any] = {}
    if tests is not None and tests.height:
        rate = system.settings.false_discovery_rate
        levels = wealth.book(connection, tests, rate, claim.key, now)
        signals = wealth.told(signals, levels)
        counts["budget"] = wealth.counted(signals)
    weights = measured(connection, system.home)
    moved = process(
        connection,
        signals,
        run_id=claim.key,
        now=now,
        judged=raised.judged,
        held=raised.held,
        weights=weights,
        affected=raised.sizes,
        deadlines=system.settings.due.deadlines(),
    )
    jurisdictions.keep(connection, raised.places)
    stale.mark(connection, raised.silent, Moment(claim.key, now))
    return {**counts, "alerts": asdict(moved), "weights": weights.mark}


def finish_quietly(
    system: System, plan: Plan, claim: Claim, counts: dict[str, Any]
) -> dict[str, Any]:
    """Ends a run that judged nothing: a ledger row, and whom alerts concern where unknown."""
    from alerts import jurisdictions

    counts = {**counts, "target": plan.target, "snapshot": plan.snapshot.id}
    places = places_of(system, plan.snapshot) if plan.target == LIVE else {}
    with writing(system.engine) as connection:
        jurisdictions.keep(connection, places)
        finish(connection, claim, now=system.clock(), counts=counts, inputs_hash=plan.snapshot.id)
    return counts
