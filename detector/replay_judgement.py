"""The judgement behind one alert, made again by the functions of a run from what it recorded.

Judged again are all subjects that share the alert's q-value (its family of typologies, grain and
period) and their finer parts. What that family's other periods, and typologies the run did not
look at, had said before is read from the results the run stood on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from detector import judging, planning, raising
from detector.database import reading
from detector.false_alarms import FAMILIES
from detector.judging import Judgement
from detector.owners import Groups
from detector.panel import Panel
from detector.planning import Plan
from detector.replay_compare import Difference
from detector.replay_pins import Pins
from detector.results import CELL, Manifest, Results, cells_of, shaped
from detector.rule_records import kept_versions
from detector.rule_texts import rule_of, stamped
from detector.signals import JUDGED
from detector.storms import Storm, storms
from features.reach import Months, month_of
from features.vocabulary import GRAINS, RunContext
from rules.ruleset import RuleSet
from rules.spec import Status

if TYPE_CHECKING:
    from detector.database import ReadConnection
    from detector.lake import Snapshot
    from detector.models.fitted import FittedSet
    from detector.system import System
    from features.compute import Computed
    from rules.load import Rule

TARGET = "replay"
"""A plan of this target publishes nothing."""


@dataclass(frozen=True)
class Past:
    """What a run judged by, read back and checked.

    Attributes:
        ruleset: the live rules of the family asked about, by their kept texts.
        faults: what is no longer as the run recorded it.
    """

    manifest: Manifest
    pins: Pins
    ruleset: RuleSet
    fitted: FittedSet | None
    faults: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Asked:
    """The row an alert is about; `grains` are those it may be of."""

    typology: str
    kind: str
    key: str
    start: date
    end: date
    grains: tuple[str, ...]

    @property
    def months(self) -> Months:
        """Months the alert's period touches."""
        return frozenset(range(month_of(self.start), month_of(self.end) + 1))


@dataclass
class Again:
    """A judgement made again, and what of it would raise an alert.

    Attributes:
        plan: filings, day and typologies it stands on.
    """

    system: System
    plan: Plan
    past: Past
    computed: Computed
    panel: Panel
    judgement: Judgement
    _raised: pl.DataFrame | None = field(default=None)
    _names: dict[str, tuple[str, str]] | None = field(default=None)

    def rows(self, asked: Asked) -> list[dict[str, Any]]:
        """Judged rows of the subject and period, by grain."""
        return _about(self.judgement.judged, asked).to_dicts()

    def raised(self, asked: Asked) -> list[dict[str, Any]]:
        """Those of them an alert would be raised about."""
        if self._raised is None:
            self._raised = self._alertable()
        return _about(self._raised, asked).to_dicts()

    def names(self) -> dict[str, tuple[str, str]]:
        """Names of subjects as filed."""
        if self._names is None:
            self._names = raising.subject_names(self.system, self.plan)
        return self._names

    def _alertable(self) -> pl.DataFrame:
        """As the run chose: among the cells it judged, with its storms left out.

        What it judged and is not judged again here (coarser subjects with rules of their own) is
        read from its results: it decides whether a finer one is spoken for.
        """
        own, mine = self.past.pins.cells, self.judgement.cells
        stored = (
            Results(self.system.home)
            .judged(self.past.manifest)
            .filter(pl.col("typology").is_in(list(self.plan.typologies)))
        )
        beside = stored.join(own.lazy(), on=list(CELL), how="semi")
        beside = beside.join(mine.lazy(), on=list(CELL), how="anti")
        rows = pl.concat(
            [planning.within(self.judgement.judged, own), shaped(beside.collect(), JUDGED)]
        )
        stormy = dict.fromkeys(self.past.pins.stormy, _CALM)
        chosen = replace(self.judgement, judged=rows, storms=stormy, calmed={})
        strong = raising.strong_rules(self.panel, chosen)
        grains = raising.own_grains(self.panel)
        return raising.alertable(chosen, self.computed.memberships, strong, grains)


_CALM = Storm(0.0, 0, 0, 1.0, date.min, date.min)
"""Stands for a storm where only its rule's name counts."""


def past_of(system: System, manifest: Manifest, pins: Pins, typology: str) -> Past:
    """What a run judged a typology and its family by.

    Raises:
        WardenError: `damaged_model`, `unreadable_version`.
    """
    from detector.models.artifacts import load_set

    with reading(system.engine) as connection:
        rules, faults = _rules(connection, pins, family_of(typology))
    ruleset = RuleSet(tuple(rules), "", pins.book())
    digest = manifest.judges.get("models", "")
    fitted = load_set(system.home / "models", digest) if digest else None
    if digest and fitted is None:
        faults.append(Difference("models", digest, None))
    snapshot = pins.pinned(system.lake)
    if snapshot.id != pins.snapshot["id"]:
        faults.append(Difference("snapshot_id", pins.snapshot["id"], snapshot.id))
    return Past(manifest, pins, ruleset, fitted, tuple(faults))


def family_of(typology: str) -> tuple[str, ...]:
    """Typologies judged together with one."""
    family = FAMILIES.get(typology, typology)
    return tuple(sorted(t for t, f in FAMILIES.items() if f == family)) or (typology,)


def _rules(
    connection: ReadConnection, pins: Pins, typologies: Collection[str]
) -> tuple[list[Rule], list[Difference]]:
    kept = kept_versions(connection)
    rules, faults = [], []
    for one in pins.rules:
        if one.typology not in typologies:
            continue
        name = f"rules.{one.id}@{one.version}.text"
        row = kept.get((one.id, one.version))
        if row is None:
            faults.append(Difference(name, one.content_hash, None))
            continue
        rule = rule_of(row)
        if rule.content_hash != one.content_hash:
            faults.append(Difference(name, one.content_hash, rule.content_hash))
        rules.append(stamped(rule, Status.ACTIVE))
    return rules, faults


def judged_again(
    system: System,
    past: Past,
    asked: Asked,
    snapshot: Snapshot | None = None,
    known_at: datetime | None = None,
) -> Again:
    """Judges the alert's subjects again.

    Args:
        snapshot: other filings than those of the run.
        known_at: when those were known.
    """
    plan = _plan(system, past, snapshot, known_at)
    grains = with_parts(asked.grains)
    judged = tuple(t for t in family_of(asked.typology) if t in past.pins.typologies)
    back = {r.spec.grain for r in past.ruleset if r.periods_back}
    scope = {grain: None if grain in back else asked.months for grain in grains}
    computed = planning.compute(system, plan, scope, past.ruleset)
    cells = _cells(past, computed, judged)
    plan = replace(plan, typologies=judged)
    panel = _panel(system, past, plan)
    same = system.settings.model_copy(update={"false_discovery_rate": past.pins.rate})
    results = Results(system.home)
    judgement = judging.judge(replace(system, settings=same), plan, computed, panel, cells, results)
    return Again(system, plan, past, computed, panel, judgement)


def _plan(system: System, past: Past, snapshot: Snapshot | None, known_at: datetime | None) -> Plan:
    """The run's plan, standing on the run's own results: nulls and what is not judged again."""
    manifest = past.manifest
    return Plan(
        TARGET,
        known_at or manifest.known_at,
        snapshot or past.pins.pinned(system.lake),
        manifest,
        RunContext(date.fromisoformat(manifest.as_of)),
        past.pins.typologies,
        None,
        None,
    )


def _cells(past: Past, computed: Computed, typologies: Collection[str]) -> pl.DataFrame:
    """All cells computed; of a run over named periods only those it judged itself."""
    parts = planning.split_features(computed, typologies)
    cells = cells_of(
        (typology, grain, start)
        for (typology, grain), part in parts.items()
        for start in part["period_start"].unique()
    )
    return planning.within(cells, past.pins.cells) if past.pins.windowed else cells


def _panel(system: System, past: Past, plan: Plan) -> Panel:
    """The judges of the run; without digests, so that all its nulls stay frozen."""
    from detector.models.fitted import FittedSet
    from detector.peers import Reference

    groups = Groups.known(system.lake, plan.snapshot)
    nobody = FittedSet(Reference({}), {}, plan.snapshot.id, plan.known_at)
    return Panel(past.ruleset, (past.fitted or nobody).beside(groups), {})


def with_parts(grains: Collection[str]) -> tuple[str, ...]:
    """Grains with those of their finer parts."""
    from features.catalogue import catalogue

    found, more = set(grains), set(grains)
    while more:
        more = {c for c, p in catalogue().memberships if p in more} - found
        found |= more
    return tuple(sorted(found))


def grains_asked(pins: Pins, typology: str, kind: str, start: date) -> tuple[str, ...]:
    """Grains of a kind of subject the run judged in a period."""
    here = pins.cells.filter(pl.col("typology") == typology, pl.col("period_start") == start)
    return tuple(g for g in sorted(here["grain"].unique()) if GRAINS[g].subject_kind == kind)


def _about(rows: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    return rows.filter(
        pl.col("typology") == asked.typology,
        pl.col("subject_kind") == asked.kind,
        pl.col("subject_key") == asked.key,
        pl.col("period_start") == asked.start,
        pl.col("grain").is_in(list(asked.grains)),
    )


def storm_again(
    system: System,
    past: Past,
    rule_id: str,
    snapshot: Snapshot | None = None,
    known_at: datetime | None = None,
) -> tuple[Rule, Storm] | None:
    """A rule's storm counted again over what it judged; None where it is none.

    A run that does not judge the rule tells of a storm that lasts by the outcomes that stand; so
    does its replay.
    """
    rule = next((r for r in past.ruleset if r.id == rule_id), None)
    if rule is None:
        return None
    label = f"{rule.id}@{rule.version}"
    if label in past.pins.calmed:
        outcomes = _standing(system, past, rule)
    else:
        plan = _plan(system, past, snapshot, known_at)
        outcomes = _fired_again(system, past, plan, rule)
    found = storms(outcomes, past.ruleset).get(label)
    return None if found is None else (rule, found)


def _standing(system: System, past: Past, rule: Rule) -> pl.DataFrame:
    """Outcomes of a rule as they stand, whichever run judged them."""
    stood = Results(system.home).outcomes(past.manifest)
    mine = (pl.col("rule_id") == rule.id) & (pl.col("rule_version") == rule.version)
    return stood.filter(mine).collect()


def _fired_again(system: System, past: Past, plan: Plan, rule: Rule) -> pl.DataFrame:
    """Outcomes of a rule in the cells the run judged, from its filings."""
    from detector.models.score import with_peers
    from rules.evaluate import evaluate_rules, peer_features

    grain = rule.spec.grain
    scope = {grain: None}
    computed = planning.compute(system, plan, scope, also=past.pins.also)
    cells = past.pins.cells.filter(
        pl.col("typology") == rule.spec.typology, pl.col("grain") == grain
    )
    frames = {}
    if grain in computed.frames:
        frame = computed.frames[grain]
        chosen = frame if rule.periods_back else judging.only(frame, cells)
        fitted = _panel(system, past, plan).fitted
        frames[grain] = with_peers(chosen, fitted, peer_features([rule]))
    return planning.within(evaluate_rules([rule], frames, past.ruleset.parameters), cells)
