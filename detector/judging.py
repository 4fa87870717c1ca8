"""Rules and models side by side over the same features, then joined and rolled up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from detector import false_alarms, increments, planning, rollup, signals
from detector.excess import Nulls
from detector.known_cases import KnownCases
from detector.owners import Groups
from detector.panel import Panel, assemble, models_in_force, poor_grains
from detector.planning import Parts, Plan, within
from detector.results import ALSO, CELL, OUTCOMES, Results, cells_of, rows_in, shaped
from detector.storms import Storm, shadow_counts, storms
from features.vocabulary import TYPOLOGIES, Outcome

if TYPE_CHECKING:
    from detector.system import System
    from features.compute import Computed, FeatureFrame

NEVER = 0.0
"""Models rank and feed the excess test, but none fires alone: a conformal p-value against the
subject's own peers is uniform by construction, so a fixed cut would fire on honest markets too."""


@dataclass(frozen=True)
class Judgement:
    """What a run found: judged subjects, rule outcomes, and the cells it judged.

    Attributes:
        judged: schema `signals.JUDGED`.
        firings: schema `rules.backtest.FIRINGS`, what a backtest is compared with.
        storms: rules (``id@version``) that fired for more than their declared largest share of
            subjects; they raise no alert.
        calmed: rules that stood in such a storm when they last judged, of typologies that are
            counted anew here and judged by no rule; they raise none either.
        shadows: by rule in shadow, how many subjects it judged and fired for.
        nulls: frozen nulls of the excess test.
        skipped: by feature, why it could not be computed at all.
        beside: rows judged before whose q-values moved with these; nothing else of them did.
        tests: p-values of entities by block judged together (`false_alarms.entity_tests`).
    """

    judged: pl.DataFrame
    outcomes: pl.DataFrame
    firings: pl.DataFrame
    cells: pl.DataFrame
    storms: Mapping[str, Storm]
    nulls: Nulls
    skipped: Mapping[str, str]
    shadows: Mapping[str, dict[str, int]] = field(default_factory=dict)
    beside: pl.DataFrame = field(default_factory=lambda: shaped(pl.DataFrame(), signals.JUDGED))
    tests: pl.DataFrame = field(default_factory=pl.DataFrame)
    calmed: Mapping[str, Storm] = field(default_factory=dict)

    @property
    def stormy(self) -> Mapping[str, Storm]:
        """Every rule that raises no alert here."""
        return {**self.calmed, **self.storms}

    def frames(self) -> dict[str, pl.DataFrame]:
        """What is stored of it."""
        return {
            "judged": pl.concat([self.judged, self.beside]).sort(signals.KEYS),
            f"{ALSO}judged": self.beside.select(CELL).unique().sort(CELL),
            "outcomes": self.outcomes,
            "firings": self.firings,
            "cells": self.cells,
        }

    def fired(self) -> int:
        """Number of fired subjects of the kinds alerts are about."""
        about = [(t.id, g) for t in TYPOLOGIES.values() if not t.context_only for g in t.alerts_on]
        pairs = pl.DataFrame(about, schema=["typology", "grain"], orient="row")
        fired = self.judged.filter(pl.col("outcome") == Outcome.FIRED)
        return fired.join(pairs, on=["typology", "grain"], how="semi").height

    def counts(self) -> dict[str, Any]:
        """All five outcomes of subjects and of rules, zeros included."""
        return {
            "judged": self.judged.height,
            "outcomes": five(self.judged),
            "rule_outcomes": five(self.outcomes.filter(~pl.col("shadow"))),
            "cells": self.cells.height,
            "storms": {label: storm.share for label, storm in self.storms.items()},
            "shadows": dict(self.shadows),
            "skipped": dict(self.skipped),
        }


def five(rows: pl.DataFrame) -> dict[str, int]:
    """Number of rows by outcome."""
    found = dict(rows.group_by("outcome").len().iter_rows())
    return {outcome.value: int(found.get(outcome.value, 0)) for outcome in Outcome}


def compute_and_assemble(system: System, plan: Plan) -> tuple[Computed, Panel]:
    """The features this run must compute, and the judges.

    Cells that nothing since the last run can have moved are not computed. Grains to be fitted now,
    and those of typologies with other judges than before, are computed whole.
    """
    current = models_in_force(system, plan)
    moved = increments.moved_since(system, plan)
    if moved is None or plan.base is None:
        computed = planning.compute(system, plan)
        return computed, assemble(system, plan, computed, current)
    needed = grains_of(plan.typologies, plan.snapshot.filled)
    poor = poor_grains(current) & set(moved.scope(plan, ()))
    unfitted = {g for g in needed if current is None or g not in current.reference.grains} | poor
    anew = dict.fromkeys(sorted(unfitted & needed))
    first = planning.compute(system, plan, anew) if anew else nothing()
    panel = assemble(system, plan, first, current)
    others = [t for t in plan.typologies if plan.base.digests.get(t) != panel.digests[t]]
    back = {grain for _, grain in panel.looking_back()} & needed
    scope = dict(moved.scope(plan, sorted(grains_of(others) | back)))
    rest = {grain: months for grain, months in scope.items() if grain not in unfitted}
    return first.joined(planning.compute(system, plan, rest)), panel


def nothing() -> Computed:
    """No grain, computed from nothing."""
    from features.compute import Computed

    return Computed({}, {}, {}, {}, scope={})


def grains_of(typologies: Collection[str], filled: Collection[str] | None = None) -> set[str]:
    """Grains some feature of the typologies has; with `filled`, those whose tables hold rows."""
    from features.catalogue import catalogue

    bases = catalogue().bases_for(typologies)
    if filled is not None:
        bases = tuple(b for b in bases if b.tables and set(b.tables) <= set(filled))
    return {base.grain for base in bases}


def judge(
    system: System,
    plan: Plan,
    computed: Computed,
    panel: Panel,
    cells: pl.DataFrame,
    results: Results,
) -> Judgement:
    """Judges the cells, then the coarser subjects that depend on them."""
    from detector.models.score import score_models, with_peers
    from rules.backtest import firing_cells
    from rules.evaluate import evaluate_rules, peer_features

    told = peer_features(panel.ruleset.rules)
    back = {grain for _, grain in panel.looking_back()}
    frames = {
        grain: with_peers(table if grain in back else only(table, cells), panel.fitted, told)
        for grain, table in computed.frames.items()
        if grain in set(cells["grain"])
    }
    outcomes = evaluate_rules(panel.ruleset.rules, frames, panel.ruleset.parameters)
    scores = score_models(frames, panel.fitted, typologies=plan.typologies, alpha=NEVER)
    children = within(signals.combine(outcomes, scores), cells)
    before = results.judged(plan.base) if plan.base else children.clear().lazy()
    native = panel.native()
    above = parent_cells(cells, computed.memberships, before, native)
    links = {
        (child, parent): table.filter(
            pl.col("parent_period_start").is_in(
                above.filter(pl.col("grain") == parent)["period_start"].implode()
            )
        )
        for (child, parent), table in computed.memberships.items()
    }
    everyone = pl.concat([children, standing(before, cells, links, native)])
    parents, nulls = rollup.roll_up(everyone, links, native, known_nulls(plan, panel))
    all_cells = pl.concat([cells, above]).unique().sort(CELL)
    said = within(outcomes, cells)
    rate = system.settings.false_discovery_rate
    rows = with_false_alarms(children, within(parents, above), before, all_cells, rate)
    return Judgement(
        judged=within(rows, all_cells),
        beside=moved(rows, before, all_cells),
        tests=false_alarms.entity_tests(rows),
        outcomes=shaped(said, OUTCOMES).sort("rule_id", "rule_version", *signals.KEYS),
        firings=firing_cells(said),
        cells=all_cells,
        storms=storms(said, panel.ruleset),
        nulls=nulls,
        skipped=computed.skipped,
        shadows=shadow_counts(said, panel.ruleset),
        calmed=standing_storms(results, plan, panel, cells, all_cells),
    )


def standing_storms(
    results: Results, plan: Plan, panel: Panel, cells: pl.DataFrame, counted: pl.DataFrame
) -> dict[str, Storm]:
    """Storms that last, of typologies whose subjects are counted anew and not judged by rules."""
    others = sorted(set(counted["typology"]) - set(cells["typology"]))
    if plan.base is None or not others:
        return {}
    stood = results.outcomes(plan.base).filter(pl.col("typology").is_in(others))
    columns = ("rule_id", "rule_version", "outcome", "shadow", "period_start", "period_end")
    return storms(stood.select(columns).collect(), panel.ruleset)


def with_false_alarms(
    children: pl.DataFrame,
    parents: pl.DataFrame,
    before: pl.LazyFrame,
    cells: pl.DataFrame,
    rate: float,
) -> pl.DataFrame:
    """Rows of the cells, and those judged before beside them, with q-values and what fires.

    What is in force together is counted together, whenever it was judged; so the q-values do not
    depend on how the work was cut into runs.
    """
    old = false_alarms.beside(before, cells)
    rows = pl.concat([shaped(part, rollup.ROLLED) for part in (children, parents, old)])
    fired = rollup.fire_excess(false_alarms.with_q_values(rows), rate)
    return shaped(fired, signals.JUDGED).sort(signals.KEYS)


def moved(told: pl.DataFrame, before: pl.LazyFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Rows of cells judged before in which some q-value is another now."""
    others = told.join(cells, on=list(CELL), how="anti")
    place = [*signals.KEYS, "q_value"]
    stood = rows_in(before, others.select(CELL).unique()).select(place).collect()
    again = others.join(stood, on=place, how="anti", nulls_equal=True)
    return within(others, again.select(CELL).unique())


def standing(
    before: pl.LazyFrame,
    cells: pl.DataFrame,
    links: Mapping[tuple[str, str], pl.DataFrame],
    native: Collection[tuple[str, str]],
) -> pl.DataFrame:
    """Rows judged before and still in force of the children that the links name.

    Of children that are only counted the heavy columns are left out.
    """
    pairs = pl.DataFrame(sorted(native), schema=["typology", "grain"], orient="row")
    children = sorted({child for child, _ in links})
    # Which cells there are is told by few columns; the others are read of those cells alone.
    there = before.filter(pl.col("grain").is_in(children)).select(CELL).unique().collect()
    there = there.join(cells, on=list(CELL), how="anti")
    there = there.join(pairs, on=["typology", "grain"], how="semi")
    parts = [shaped(pl.DataFrame(), signals.JUDGED)]
    for child in children:
        named = [table["child_period_start"] for (c, _), table in links.items() if c == child]
        periods = pl.col("period_start").is_in(pl.concat(named).unique().implode())
        mine = there.filter(pl.col("grain") == child, periods)
        if mine.is_empty():
            continue
        kept = rows_in(before, mine)
        if child in rollup.ONLY_COUNTED:
            kept = kept.select("grain", *rollup.COUNTED)
        parts.append(shaped(kept.collect(), signals.JUDGED))
    return pl.concat(parts)


def frames_to_keep(
    judgement: Judgement,
    plan: Plan,
    panel: Panel,
    parts: Parts,
    cells: pl.DataFrame,
    results: Results,
) -> dict[str, pl.DataFrame]:
    """Everything a run writes, by name.

    Args:
        parts: features computed.
        cells: those whose features are judged anew; of the others, rolled up anew, the features
            and the outcomes of rules (in shadow) are written again as they stand.
    """
    frames = judgement.frames() | {
        f"features-{grain}-{typology}": within(part, cells)
        for (typology, grain), part in parts.items()
    }
    others = judgement.cells.join(cells, on=list(CELL), how="anti")
    if plan.base is None or others.is_empty():
        return frames
    pairs = set(others.select("typology", "grain").iter_rows())
    names = [f"features-{grain}-{typology}" for typology, grain in sorted(pairs)]
    if pairs & {(rule.spec.typology, rule.spec.grain) for rule in panel.ruleset.judging()}:
        names += ["outcomes", "firings"]
    for name, rows in results.carried(plan.base, names, others).items():
        both = [frames[name], rows] if name in frames else [rows]
        frames[name] = pl.concat(both, how="diagonal_relaxed")
    return frames


def known_nulls(plan: Plan, panel: Panel) -> dict[str, tuple[float, float]]:
    """Nulls frozen by earlier runs, of typologies whose rules and models are still the same."""
    if plan.base is None:
        return {}
    old = {t: digest.partition(":")[0] for t, digest in plan.base.digests.items()}
    same = {t for t, new in panel.digests.items() if old.get(t) == new.partition(":")[0]}
    same |= old.keys() - panel.digests.keys()  # not asked about: judged as before
    frozen = plan.base.nulls.items()
    return {key: (null[0], null[1]) for key, null in frozen if key.split("|")[0] in same}


def only(table: FeatureFrame, cells: pl.DataFrame) -> FeatureFrame:
    """The feature frame cut to the periods judged."""
    periods = cells.filter(pl.col("grain") == table.grain)["period_start"].unique()
    return replace(table, frame=table.frame.filter(pl.col("period_start").is_in(periods.implode())))


def parent_cells(
    cells: pl.DataFrame,
    memberships: Mapping[tuple[str, str], pl.DataFrame],
    before: pl.LazyFrame,
    native: Collection[tuple[str, str]],
) -> pl.DataFrame:
    """Cells of coarser subjects that a changed cell feeds, or fed before the change.

    Those judged anew for features of their own are among them: what is not rolled up again in a
    judged cell is no longer in force. So are those of the same family, for what fires in one
    depends on the q-values of all. Those that are judged natively are never rolled up.
    """
    found: list[tuple[str, str, date]] = []
    coarser = sorted({parent for _, parent in memberships})
    known = (
        before.filter(pl.col("grain").is_in(coarser))
        .select("typology", "grain", "period_start", "period_end")
        .unique()
        .collect()
    )
    for (child, parent), links in memberships.items():
        changed = cells.filter(pl.col("grain") == child)
        ways = links.select("child_period_start", "parent_period_start").unique()
        now = changed.join(ways, left_on="period_start", right_on="child_period_start")
        found += [(t, parent, p) for t, p in now.select("typology", "parent_period_start").rows()]
        old = known.filter(pl.col("grain") == parent)
        covered = changed.select("typology", child_period="period_start").join(
            old.select("typology", "period_start", "period_end"), on="typology"
        )
        inside = pl.col("child_period").is_between("period_start", "period_end")
        rows = covered.filter(inside).select("typology", "period_start").rows()
        found += [(t, parent, p) for t, p in rows]
    found += cells.filter(pl.col("grain").is_in(coarser)).select(CELL).rows()
    counted = [parent for child, parent in memberships if child in rollup.ONLY_COUNTED]
    groups = false_alarms.with_family(cells_of(found)).filter(pl.col("grain").is_in(counted))
    family = false_alarms.with_family(known).join(groups, on=false_alarms.GROUP, how="semi")
    found += family.select(CELL).rows()
    return cells_of(cell for cell in found if cell[:2] not in native)


def fit_all(system: System, plan: Plan, computed: Computed, actor: str) -> dict[str, Any]:
    """Fits a new version of every model: how many there are, their set, and where it stands."""
    from detector.models.fit import fit_in_memory
    from detector.models.versions import NAME_DIGITS
    from detector.shadow_models import keep

    cases = KnownCases.known(system, plan.known_at, computed.memberships)
    fitted = fit_in_memory(
        computed.frames,
        plan.snapshot.id,
        plan.known_at,
        groups=Groups.known(system.lake, plan.snapshot),
        cases=cases,
    )
    return {
        "models": len(fitted.models),
        "set": fitted.digest[:NAME_DIGITS],
        "state": keep(system, fitted, actor),
        "known_cases": cases.rows.height,
    }


def model_rows(system: System, *, everything: bool = False) -> list[dict[str, Any]]:
    """The models of the set in force and of the one in shadow; of all sets when asked."""
    from detector.models.artifacts import load_set
    from detector.shadow_models import sets_of

    rows = []
    for one in sets_of(system):
        if everything or one["state"] != "retired":
            fitted = load_set(system.home / "models", one["digest"])
            stands = {"state": one["state"], "set": one["set"]}
            rows += [row | stands for row in fitted.describe()] if fitted else []
    return rows
