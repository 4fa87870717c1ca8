"""One pinned moment of an installation, ready to judge any rule: the way a live run does it.

The snapshot comes from the lake, features from the same computation, peers from the frozen
reference of the live run, and judgements from `rules.evaluate.evaluate_rules`. Where the snapshot
is the one the live run judged, day, peers and published features are those of that run, so the
rules that are in force give what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from detector import planning, publishing
from detector.increments import features_code
from detector.known_cases import KnownCases
from detector.owners import Groups, with_owners
from detector.planning import Plan
from detector.results import Manifest, Results
from features.catalogue import KEY_COLUMNS, catalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from features.vocabulary import RunContext
from rules.backtest import KEY, fired_keys
from rules.evaluate import evaluate_rules, peer_features
from rules.spec import Status
from rules.sweep import sweep_rules

if TYPE_CHECKING:
    from detector.models.fitted import FittedSet
    from detector.system import System
    from rules.load import Rule
    from rules.parameters import ParameterBook
    from rules.ruleset import RuleSet

TARGET = "backtest"
"""A plan of this target publishes nothing and stores no peers."""

Table = tuple[str, tuple[str, ...]]
"""A grain and the bases its feature table is made of."""
_WORD = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass
class Hindsight:
    """Feature tables of one moment beside their peers, and what every rule says about them.

    Attributes:
        plan: what is read; nothing is written.
        live: manifest of the live run, where it judged this very snapshot.
        ruleset: rules and parameters in force now.
        current: the frozen peers, None before any were.
        computed: tables that were computed instead of read from the live run.
        unfrozen: features that some rule compares among peers and that no frozen peers hold;
            their peers are those of this moment.
    """

    system: System
    plan: Plan
    live: Manifest | None
    ruleset: RuleSet
    current: FittedSet | None
    told: set[str]
    computed: set[Table] = field(default_factory=set)
    unfrozen: set[str] = field(default_factory=set)
    _tables: dict[Table, FeatureFrame] = field(default_factory=dict)
    _memberships: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    _of_rule: dict[str, Table] = field(default_factory=dict)
    _beside: dict[tuple[Table, bool], FeatureFrame] = field(default_factory=dict)

    def table(self, rule: Rule) -> FeatureFrame | None:
        """The table a rule is judged on; None where nothing of its typology is computed."""
        key = self._of_rule.get(rule.spec.grain + rule.spec.typology)
        if key is None or key not in self._tables:
            return None
        # As a live run: what has no feature of its own typology makes no cell to be judged.
        if not any(f.typology == rule.spec.typology for f in self._tables[key].features):
            return None
        return self._standing(key, fresh=bool(self._not_held(rule)))

    def published(self, rule: Rule) -> bool:
        """Whether the rule's features were read from the live run."""
        return self._of_rule.get(rule.spec.grain + rule.spec.typology) not in self.computed

    def judged(self, rule: Rule, parameters: ParameterBook | None = None) -> pl.DataFrame:
        """Rows of a rule, whatever its status, over the whole of history."""
        table = self.table(rule)
        frames = {} if table is None else {rule.spec.grain: table}
        awake = replace(rule, spec=rule.spec.model_copy(update={"status": Status.ACTIVE}))
        return evaluate_rules([awake], frames, parameters or self.ruleset.parameters)

    def fired(self, rules: Sequence[Rule]) -> dict[tuple[str, str], pl.DataFrame]:
        """Subjects and periods each rule fires for, by (grain, ``id@version``).

        Rules that share a table are judged in one pass; facts are not written.
        """
        found: dict[tuple[str, str], pl.DataFrame] = {}
        shared: dict[int, tuple[FeatureFrame, list[Rule]]] = {}
        for rule in rules:
            table = self.table(rule)
            if table is not None and rule.spec.absence is None:
                shared.setdefault(id(table), (table, []))[1].append(rule)
            elif table is not None:
                found[rule.spec.grain, label_of(rule)] = fired_keys(self.judged(rule))
        for table, group in shared.values():
            found |= self._fired_together(table, group)
        return found

    def _fired_together(
        self, table: FeatureFrame, rules: Sequence[Rule]
    ) -> dict[tuple[str, str], pl.DataFrame]:
        try:
            sweep = sweep_rules(rules, table, self.ruleset.parameters)
        except WardenError:  # one of them does not fit the table: each on its own
            return {(r.spec.grain, label_of(r)): fired_keys(self.judged(r)) for r in rules}
        keys = sweep.codes.select(KEY)
        return {(table.grain, label_of(r)): keys[sweep.fired(r)] for r in rules}

    def _not_held(self, rule: Rule) -> set[str]:
        """Features a rule compares that the frozen peers of its grain do not hold."""
        held = self.current.reference.grains.get(rule.spec.grain) if self.current else None
        missing = peer_features([rule]) - set(held.features if held else ())
        self.unfrozen |= missing
        return missing

    def _standing(self, key: Table, *, fresh: bool) -> FeatureFrame:
        """A table beside its peers: the frozen ones, or those of this moment."""
        from detector.models.score import with_peers

        if (key, fresh) not in self._beside:
            fitted = self._fitted(self._tables[key], fresh=fresh)
            self._beside[key, fresh] = with_peers(self._tables[key], fitted, self.told)
        return self._beside[key, fresh]

    def _fitted(self, table: FeatureFrame, *, fresh: bool) -> FittedSet:
        from detector.models.fitted import FittedSet
        from detector.peers import Reference, fit_reference
        from features.reliance import relied_on

        groups = Groups.known(self.system.lake, self.plan.snapshot)
        if self.current is not None and not fresh:
            held = Reference(self.current.reference.grains, groups)
        else:
            cases = KnownCases.known(self.system, self.plan.known_at, self._memberships)
            held = fit_reference({table.grain: cases.without(relied_on(table))}, groups)
        return FittedSet(held, {}, self.plan.snapshot.id, self.plan.known_at)


def label_of(rule: Rule) -> str:
    """``id@version``."""
    return f"{rule.id}@{rule.version}"


def look_back(
    system: System,
    ruleset: RuleSet,
    rules: Sequence[Rule],
    known_as_of: datetime | None = None,
) -> Hindsight:
    """Prepares to judge `rules` with what was known at a moment, UTC when naive; by default now."""
    results = Results(system.home)
    run_id = publishing.current(system)
    live = results.manifest(run_id) if run_id else None
    plan = planning.make_plan(system, results, None)
    plan = replace(plan, target=TARGET)
    if known_as_of is not None:
        known_as_of = known_as_of.replace(tzinfo=known_as_of.tzinfo or UTC)
        snapshot = system.lake.pin(known_as_of)
        context = RunContext(known_as_of.date())
        plan = replace(plan, known_at=known_as_of, snapshot=snapshot, context=context)
        live = None
    elif live is not None and live.snapshot_id == plan.snapshot.id:
        day = datetime.fromisoformat(live.as_of).date()
        plan = replace(plan, known_at=live.known_at, context=RunContext(day))
    else:
        live = None
    told = peer_features([*ruleset.rules, *rules])
    found = Hindsight(system, plan, live, ruleset, frozen_peers(system, plan, live), told)
    _fill(found, rules, results)
    return found


def frozen_peers(system: System, plan: Plan, live: Manifest | None) -> FittedSet | None:
    """The peers the live run cites, else those in force at the plan's moment."""
    from detector.models.artifacts import load_current, load_set

    folder = system.home / "models"
    cited = live.judges.get("models") if live else None
    found = load_set(folder, cited) if cited else None
    return found or load_current(folder, plan.known_at)


def judged_together(system: System, live: Manifest | None) -> tuple[str, ...]:
    """Typologies the live run computed together: their bases make up the tables of a grain."""
    if live is None:
        return tuple(sorted(planning.judged_typologies(system)))
    here = {name for name, s in live.stamps.items() if s["snapshot"] == live.snapshot_id}
    return tuple(sorted(t for t, stamp in live.stamped.items() if stamp in here))


def _fill(hindsight: Hindsight, rules: Sequence[Rule], results: Results) -> None:
    """Reads or computes the tables of the rules.

    Rules of typologies the live run computed get the tables it had. For others, the bases of
    their typologies join, as they will once such a rule is in force.
    """
    together = judged_together(hindsight.system, hindsight.live)
    own = [r for r in rules if r.spec.typology in together]
    others = [r for r in rules if r.spec.typology not in together]
    for group, more in ((own, set[str]()), (others, {r.spec.typology for r in others})):
        typologies = tuple(sorted({*together, *more}))
        wanted: dict[str, Table] = {}
        for rule in group:
            bases = [b for b in catalogue().bases_for(typologies) if b.grain == rule.spec.grain]
            key = (rule.spec.grain, tuple(sorted(b.name for b in bases)))
            hindsight._of_rule[rule.spec.grain + rule.spec.typology] = key
            if key not in hindsight._tables:
                wanted[rule.spec.grain] = key
        named = [r for r in group if r.spec.grain in wanted]
        _load(hindsight, wanted, typologies, named, results)


def _load(
    hindsight: Hindsight,
    wanted: dict[str, Table],
    typologies: tuple[str, ...],
    rules: Sequence[Rule],
    results: Results,
) -> None:
    live = hindsight.live if hindsight.current is not None else None
    for grain, key in list(wanted.items()):
        mine = [r for r in rules if r.spec.grain == grain]
        table, fitting = None, any(hindsight._not_held(rule) for rule in mine)
        if live is not None and not fitting and unmoved(live, hindsight.plan, typologies):
            table = published_table(results, live, grain, typologies, mine)
        if table is not None:
            hindsight._tables[key] = table
            del wanted[grain]
    if not wanted:
        return
    hindsight.computed |= set(wanted.values())
    plan = replace(hindsight.plan, typologies=typologies)
    computed = planning.compute(hindsight.system, plan, dict.fromkeys(wanted))
    hindsight._memberships |= computed.memberships
    hindsight._tables |= {wanted[g]: t for g, t in computed.frames.items() if g in wanted}


def unmoved(live: Manifest, plan: Plan, typologies: Iterable[str]) -> bool:
    """Whether the published features of the typologies are those this plan would compute."""
    stamps = [live.stamps.get(live.stamped.get(t, ""), {}) for t in typologies]
    wanted = {
        "snapshot": plan.snapshot.id,
        "as_of": plan.context.as_of.isoformat(),
        "code": features_code(),
    }
    return all(stamp.get(k) == v for stamp in stamps for k, v in wanted.items())


def published_table(
    results: Results,
    live: Manifest,
    grain: str,
    typologies: Collection[str],
    rules: Sequence[Rule],
) -> FeatureFrame | None:
    """The feature table of a grain as published; None where it lacks what a rule may read."""
    frame = results.features(live, grain, typologies)
    if frame is None:
        return None
    known = catalogue().of_grain(grain)
    features = tuple(f for f in known if f.name in frame.columns)
    absent = {f.name for f in known} - {f.name for f in features}
    if any(absent & set(_WORD.findall(rule.text)) for rule in rules):
        return None
    parts = {f.name for f in features}
    attributes = tuple(
        c for c in frame.columns if c.partition("__")[0] not in parts and c not in KEY_COLUMNS
    )
    return with_owners(FeatureFrame(grain, frame, features, attributes, ()))
