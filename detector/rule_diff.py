"""Two rules over the same history: fired by both, only by the old, only by the new."""

from __future__ import annotations

import difflib
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.backtesting import EXAMPLES, FORMAT, checked_window, identity, plain
from detector.hindsight import Hindsight, label_of, look_back
from detector.naming import find_rule
from detector.rulebook import rules_in_force
from features.errors import WardenError
from rules import backtest as figures
from rules.load import Rule

if TYPE_CHECKING:
    from detector.system import System


def diff(
    system: System,
    old: str | Rule,
    new: str | Rule,
    start: date | None = None,
    end: date | None = None,
    *,
    known_as_of: datetime | None = None,
) -> dict[str, Any]:
    """Fired by both, only by the old, only by the new, with examples; and the texts compared.

    Raises:
        WardenError: `unknown_rule`, `bad_window`; `unlike_rules` when they judge other grains.
    """
    ruleset = rules_in_force(system)
    before, after = (find_rule(system, r) if isinstance(r, str) else r for r in (old, new))
    checked_window(start, end)
    if before.spec.grain != after.spec.grain:
        raise WardenError(
            "unlike_rules",
            f"{before.id} judges {before.spec.grain} and {after.id} judges {after.spec.grain}.",
            "Only rules of one grain can be compared.",
        )
    hindsight = look_back(system, ruleset, [before, after], known_as_of)
    rows = [
        figures.inside(hindsight.judged(rule), start, end) for rule in (before, after)
    ]  # fmt: skip
    moved = figures.difference(*rows).as_dict(EXAMPLES)
    shown = {"examples": {"only_old": moved["examples"]["left"],
                          "only_new": moved["examples"]["entered"]}}  # fmt: skip
    told = {
        "format": FORMAT,
        "old": side(hindsight, before, rows[0]),
        "new": side(hindsight, after, rows[1]),
        "snapshot_id": hindsight.plan.snapshot.id,
        "known_as_of": hindsight.plan.known_at,
        "from": start,
        "to": end,
        "both": moved["both"],
        "only_old": moved["left"],
        "only_new": moved["entered"],
        **shown,
        "outcomes_changed": changed_outcomes(*rows),
        "text": text_diff(before, after),
    }
    return dict(plain(told))


def side(hindsight: Hindsight, rule: Rule, rows: pl.DataFrame) -> dict[str, Any]:
    """One of two compared rules."""
    return {
        **identity(hindsight, rule),
        "path": Path(rule.path).name,
        "firing_hash": figures.firing_hash(rows),
        "outcomes": figures.outcome_counts(rows),
        "flag_rate": figures.flag_rate(rows).as_dict(),
    }


def changed_outcomes(old: pl.DataFrame, new: pl.DataFrame) -> list[dict[str, Any]]:
    """Number of subjects and periods by old and new outcome, where they differ."""
    key = list(figures.KEY)
    both = old.select(*key, old="outcome").join(
        new.select(*key, new="outcome"), on=key, how="full", coalesce=True
    )
    moved = both.filter(pl.col("old").ne_missing(pl.col("new")))
    return moved.group_by("old", "new").len("rows").sort("old", "new", nulls_last=True).to_dicts()


def text_diff(old: Rule, new: Rule) -> list[str]:
    """The two files as a unified diff, without line ends; empty when they are the same."""
    return list(
        difflib.unified_diff(
            old.text.splitlines(), new.text.splitlines(), label_of(old), label_of(new), lineterm=""
        )
    )
