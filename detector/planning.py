"""Decides what a run has to judge: the cells whose features, rules or models are new.

Features are compared with those of the last published run, cell by cell, so a correction touches
exactly what depends on it, however indirect the dependence is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from detector.increments import in_scope
from detector.results import CELL, Manifest, Results, cells_of
from features.errors import WardenError
from features.vocabulary import TYPOLOGIES, RunContext

if TYPE_CHECKING:
    from detector.lake import Snapshot
    from detector.system import System
    from features.compute import Computed
    from features.windows import Scope
    from rules.load import Rule

LIVE = "live"
SIGNIFICANT = 12
"""Digits kept of a feature: sums of floats may differ in the last ones between equal runs."""

Parts = Mapping[tuple[str, str], pl.DataFrame]
"""Feature tables by (typology, grain)."""


@dataclass(frozen=True)
class Plan:
    """What one run reads, on what it stands, and what it may judge.

    Attributes:
        known_at: the moment up to which filings count: the one asked for, or now.
    """

    target: str
    known_at: datetime
    snapshot: Snapshot
    base: Manifest | None
    context: RunContext
    typologies: tuple[str, ...]
    start: date | None
    end: date | None

    @property
    def windowed(self) -> bool:
        """Whether the user named periods: then all of them are judged, changed or not."""
        return self.start is not None or self.end is not None


def end_of(day: date) -> datetime:
    """The last instant of a day, UTC: what was learned that day is known as of it."""
    return datetime.combine(day, time.max, tzinfo=UTC)


def make_plan(
    system: System,
    results: Results,
    published: str | None,
    *,
    as_of: date | None = None,
    start: date | None = None,
    end: date | None = None,
    typologies: Collection[str] | None = None,
) -> Plan:
    """Pins a snapshot and finds the run to stand on.

    A run as of a day before the last live run's knowledge looks back: it gets a target of its own
    and moves no alert. Otherwise it is the next live run. Of a typology that lost its last rule
    what was said before is judged once more, so that nothing of it stays in force.

    Raises:
        WardenError: `unknown_typology`, or `bad_window`.
    """
    base = results.manifest(published) if published else None
    left = {t for t, rules in base.rules.items() if rules} if base else set()
    wanted = tuple(sorted(typologies or judged_typologies(system) | left))
    unknown = [t for t in wanted if t not in TYPOLOGIES]
    if unknown:
        raise WardenError(
            "unknown_typology",
            f"There is no typology {', '.join(unknown)}.",
            f"Known: {', '.join(TYPOLOGIES)}.",
        )
    if start and end and end < start:
        raise WardenError(
            "bad_window",
            f"The window ends on {end}, before it starts on {start}.",
            "Give --from a day before --to.",
        )
    known_at = end_of(as_of) if as_of else system.clock()
    snapshot = system.lake.pin(end_of(as_of) if as_of else None)
    target = LIVE
    if base and known_at < base.known_at and snapshot.id != base.snapshot_id:
        target, base = f"as-of:{as_of}", None
    context = RunContext(as_of or known_at.date())
    return Plan(target, known_at, snapshot, base, context, wanted, start, end)


def judged_typologies(system: System) -> set[str]:
    """Typologies that some rule or active model judges; the others are computed when named."""
    from detector.models.base import specs
    from detector.rulebook import rules_in_force

    rules = {r.spec.typology for r in rules_in_force(system).judging()}
    models = {s.typology for s in specs() if s.active}
    return {t for t in TYPOLOGIES if t in rules | models}


def compute(
    system: System,
    plan: Plan,
    scope: Scope | None = None,
    rules: Iterable[Rule] | None = None,
    also: Collection[str] | None = None,
) -> Computed:
    """Features of the snapshot, steadied to `SIGNIFICANT` digits; all cells without a scope.

    Each row is marked with its owner (`detector.owners`). What rules read of other typologies is
    computed with theirs.

    Args:
        rules: those that judge; the ones in force without.
        also: features of other typologies, where it is known already which were read.
    """
    from detector.owners import with_owners
    from detector.rulebook import rules_in_force
    from features.compute import compute_features

    if also is None:
        also = read_elsewhere(rules_in_force(system).judging() if rules is None else rules, plan)
    tables = {name: system.lake.scan(plan.snapshot, name) for name in plan.snapshot.versions}
    computed = compute_features(tables, plan.typologies, plan.context, scope=scope, also=also)
    steady = {grain: replace(f, frame=steadied(f.frame)) for grain, f in computed.frames.items()}
    return replace(computed, frames={g: with_owners(f) for g, f in steady.items()})


def read_elsewhere(rules: Iterable[Rule], plan: Plan) -> set[str]:
    """Features of other typologies that rules of the plan's read: nobody else may ask for them."""
    from features.catalogue import catalogue
    from rules.nodes import column_names

    known = catalogue().features
    mine = [rule for rule in rules if rule.spec.typology in plan.typologies]
    names = {name for rule in mine for _, tree in rule.trees() for name in column_names(tree)}
    return {n for n in names if n in known and known[n].typology not in plan.typologies}


def steadied(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its floats rounded to `SIGNIFICANT` digits, so that reruns are equal."""
    return frame.with_columns(pl.selectors.float().round_sig_figs(SIGNIFICANT))


def split_features(
    computed: Computed, typologies: Collection[str]
) -> dict[tuple[str, str], pl.DataFrame]:
    """One table a (typology, grain): keys, attributes, and that typology's features."""
    parts: dict[tuple[str, str], pl.DataFrame] = {}
    for grain, table in computed.frames.items():
        for typology in typologies:
            names = [f.name for f in table.features if f.typology == typology]
            if not names:
                continue
            columns = ["subject_key", "period_start", "period_end", *table.attributes]
            for name in names:
                columns += [
                    c for c in (name, f"{name}__reason", f"{name}__n") if c in table.frame.columns
                ]
            part = table.frame.select(*dict.fromkeys(columns))
            parts[typology, grain] = part.with_columns(
                typology=pl.lit(typology), grain=pl.lit(grain)
            )
    return parts


def cells_to_judge(
    plan: Plan,
    parts: Parts,
    results: Results,
    digests: Mapping[str, str],
    scope: Scope | None,
    looking_back: Mapping[tuple[str, str], int] | None = None,
) -> pl.DataFrame:
    """The cells (typology, grain, period_start) this run judges anew, of those computed.

    Args:
        looking_back: (typology, grain) whose rules read so many earlier periods: what comes after
            a changed period is judged again with it.
    """
    chosen = []
    back = looking_back or {}
    for (typology, grain), part in parts.items():
        before = None
        if plan.base is not None:
            before = results.read(plan.base, f"features-{grain}-{typology}")
        periods = set(part["period_start"])
        if before is None or plan.base is None:
            changed = periods
        else:
            old = before.filter(in_scope(scope, grain)).collect()
            same_judges = plan.base.digests.get(typology) == digests[typology]
            if plan.windowed or not same_judges:
                changed = periods | set(old["period_start"])
            else:
                changed = differing_periods(old, part)
                changed |= following(part, changed, back.get((typology, grain), 0))
        chosen += [(typology, grain, p) for p in changed if in_window(plan, p)]
    return cells_of(chosen)


def differing_periods(old: pl.DataFrame, new: pl.DataFrame) -> set[date]:
    """Periods in which any row appeared, vanished or changed."""
    if set(old.columns) != set(new.columns):
        return set(old["period_start"]) | set(new["period_start"])
    columns = new.columns
    gone = old.select(columns).join(new, on=columns, how="anti", nulls_equal=True)
    come = new.join(old.select(columns), on=columns, how="anti", nulls_equal=True)
    return set(gone["period_start"]) | set(come["period_start"])


def following(part: pl.DataFrame, changed: Collection[date], periods: int) -> set[date]:
    """Starts of the periods up to so many periods after a changed one; too many rather than few."""
    if not periods or not changed:
        return set()
    spans = part.select("period_start", "period_end").unique()
    longest = spans.select((pl.col("period_end") - pl.col("period_start")).max()).item()
    reach = (longest + timedelta(days=2)) * (periods + 1)
    starts = set(spans["period_start"])
    return {s for s in starts if any(first < s <= first + reach for first in changed)}


def in_window(plan: Plan, period_start: date) -> bool:
    """Whether a period starts inside the user's window; open ends reach for ever."""
    after = plan.start is None or period_start >= plan.start
    return after and (plan.end is None or period_start <= plan.end)


def within(frame: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Rows of the frame that lie in the cells."""
    return frame.join(cells, on=list(CELL), how="semi")
