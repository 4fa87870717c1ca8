"""Rules and models side by side over the same features, then joined and rolled up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from detector import rollup, signals
from detector.planning import Plan, within
from detector.results import CELL, OUTCOMES, Results, cells_of, shaped
from features.vocabulary import Outcome

if TYPE_CHECKING:
    from detector.models.fit import FittedSet
    from detector.system import System
    from features.compute import Computed, FeatureFrame
    from rules.ruleset import RuleSet


@dataclass(frozen=True)
class Panel:
    """The judges of one run; `digests` tells by typology whether they are the same as before."""

    ruleset: RuleSet
    fitted: FittedSet
    digests: dict[str, str]


@dataclass(frozen=True)
class Judgement:
    """What a run found: judged subjects, rule outcomes, and the cells it judged.

    Attributes:
        judged: schema `signals.JUDGED`.
        skipped: by feature, why it could not be computed at all.
    """

    judged: pl.DataFrame
    outcomes: pl.DataFrame
    cells: pl.DataFrame
    skipped: Mapping[str, str]

    def frames(self) -> dict[str, pl.DataFrame]:
        """What is stored of it."""
        return {"judged": self.judged, "outcomes": self.outcomes, "cells": self.cells}

    def counts(self) -> dict[str, Any]:
        """All five outcomes of subjects and of rules, zeros included."""
        return {
            "judged": self.judged.height,
            "outcomes": five(self.judged),
            "rule_outcomes": five(self.outcomes.filter(~pl.col("shadow"))),
            "cells": self.cells.height,
            "skipped": dict(self.skipped),
        }


def five(rows: pl.DataFrame) -> dict[str, int]:
    """Number of rows by outcome."""
    found = dict(rows.group_by("outcome").len().iter_rows())
    return {outcome.value: int(found.get(outcome.value, 0)) for outcome in Outcome}


def assemble(system: System, plan: Plan, computed: Computed) -> Panel:
    """Rules in force and models as fitted; models never fitted before are fitted now."""
    from detector.models.fit import fit_missing
    from rules.ruleset import load_library

    ruleset = load_library(system.settings.rule_dirs)
    fitted = fit_missing(
        computed.frames,
        system.home / "models",
        snapshot_id=plan.snapshot.id,
        known_as_of=plan.known_at,
    )
    digests = {t: judges_digest(t, ruleset, fitted) for t in plan.typologies}
    return Panel(ruleset, fitted, digests)


def judges_digest(typology: str, ruleset: RuleSet, fitted: FittedSet) -> str:
    """Hash of everything that decides about a typology besides the filings."""
    from importlib.metadata import version

    parts = [f"{r.id}@{r.version}:{r.digest}" for r in ruleset.rules if r.typology == typology]
    parts += [fitted.digest_for(typology), version("marketwarden")]
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def judge(
    system: System,
    plan: Plan,
    computed: Computed,
    panel: Panel,
    cells: pl.DataFrame,
    results: Results,
) -> Judgement:
    """Judges the cells, then the coarser subjects that depend on them."""
    from detector.models.score import score_models
    from detector.peers import apply_peers
    from rules.evaluate import evaluate_rules

    frames = {
        grain: apply_peers(only(table, cells), panel.fitted.reference)
        for grain, table in computed.frames.items()
        if grain in set(cells["grain"])
    }
    outcomes = evaluate_rules(panel.ruleset.rules, frames, panel.ruleset.parameters)
    children = within(signals.combine(outcomes, score_models(panel.fitted, frames)), cells)
    before = results.judged(plan.base).collect() if plan.base else children.clear()
    kept = before.join(cells, on=list(CELL), how="anti")
    above = parent_cells(cells, computed.memberships, before)
    links = {
        (child, parent): table.filter(
            pl.col("parent_period_start").is_in(
                above.filter(pl.col("grain") == parent)["period_start"].implode()
            )
        )
        for (child, parent), table in computed.memberships.items()
    }
    everyone = pl.concat([children, shaped(kept, signals.JUDGED)])
    parents = rollup.roll_up(everyone, links, system.settings.false_discovery_rate)
    parents = within(parents, above)
    return Judgement(
        judged=pl.concat([children, parents]).sort(signals.KEYS),
        outcomes=within(shaped(outcomes, OUTCOMES), cells).sort("rule_id", *signals.KEYS),
        cells=pl.concat([cells, above]).unique().sort(CELL),
        skipped=computed.skipped,
    )


def only(table: FeatureFrame, cells: pl.DataFrame) -> FeatureFrame:
    """The feature frame cut to the periods judged."""
    periods = cells.filter(pl.col("grain") == table.grain)["period_start"].unique()
    return replace(table, frame=table.frame.filter(pl.col("period_start").is_in(periods.implode())))


def parent_cells(
    cells: pl.DataFrame,
    memberships: Mapping[tuple[str, str], pl.DataFrame],
    before: pl.DataFrame,
) -> pl.DataFrame:
    """Cells of coarser subjects that a changed cell feeds, or fed before the change."""
    found: list[tuple[str, str, date]] = []
    for (child, parent), links in memberships.items():
        changed = cells.filter(pl.col("grain") == child)
        ways = links.select("child_period_start", "parent_period_start").unique()
        now = changed.join(ways, left_on="period_start", right_on="child_period_start")
        found += [(t, parent, p) for t, p in now.select("typology", "parent_period_start").rows()]
        old = before.filter(pl.col("grain") == parent)
        covered = changed.select("typology", child_period="period_start").join(
            old.select("typology", "period_start", "period_end").unique(), on="typology"
        )
        inside = pl.col("child_period").is_between("period_start", "period_end")
        rows = covered.filter(inside).select("typology", "period_start").rows()
        found += [(t, parent, p) for t, p in rows]
    return cells_of(found)


def fit_all(system: System, plan: Plan, computed: Computed) -> int:
    """Fits a new version of every model; returns how many there are now."""
    from detector.models.fit import fit_models

    fitted = fit_models(
        computed.frames,
        system.home / "models",
        snapshot_id=plan.snapshot.id,
        known_as_of=plan.known_at,
    )
    return len(fitted.models)


def model_rows(system: System) -> list[dict[str, Any]]:
    """The fitted models in force, for the command line and the API."""
    from detector.models.fit import load_current

    fitted = load_current(system.home / "models", None)
    return fitted.rows() if fitted else []


def evaluate_published(system: System, labels: Path, k: int) -> list[dict[str, Any]]:
    """The published ranking against known cases; labels are read here and nowhere else."""
    from detector.evaluate import evaluate, read_labels
    from detector.extracts import manifest_of

    results = Results(system.home)
    scores = results.judged(manifest_of(system, results, None)).collect()
    return evaluate(scores, read_labels(labels), k)
