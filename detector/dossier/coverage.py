"""The coverage map: what was checked about a firm, rule by period, and why not where it was not.

A cell tells the gravest outcome among the subjects that are the firm or belong to it. A rule in
force that could be about the firm and says nothing in a period was not run there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.rulebook import rules_in_force
from features.catalogue import catalogue
from features.vocabulary import GRAINS, Outcome
from rules.nodes import column_names

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.results import Manifest, Results
    from detector.system import System
    from rules.load import Rule

Row = dict[str, Any]
NOT_RUN = "not_run"
NO_SUBJECT = "no_subject"
"""Why a rule never ran here: no filing makes the firm a subject of its kind."""
GRAVEST = (Outcome.FIRED, Outcome.ERROR, Outcome.NOT_EVALUABLE, Outcome.CLEAR, Outcome.OUT_OF_SCOPE)
"""A cell is called after the first of these that any of its subjects has."""
LENGTHS = (("day", 1), ("week", 7), ("month", 31), ("quarter", 92), ("year", 366))
"""Kinds of periods by the most days they have."""
_LETTERS = {"d": "day", "w": "week", "m": "month", "q": "quarter", "y": "year"}
_EVERY = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}
PERIODS = 24
"""Columns of a map unless more are asked for: the last ones."""


def coverage(
    system: System,
    results: Results,
    manifest: Manifest,
    subject: Subject,
    periods: int = PERIODS,
) -> list[Row]:
    """One map for each length of period, the shortest first.

    Returns:
        By map `period` (its length), `columns` (first days, oldest first), `hidden` (earlier
        columns left out), `rules` and `totals` (cells by outcome). Each rule has `rule_id`,
        `rule_version`, `title`, `typology`, `grain`, `cells` (one a column, with `outcome`,
        `reason` and `subjects` by outcome) and `why_not`: the latest reason it was not judged.
    """
    rules = [
        rule
        for rule in rules_in_force(system).live()
        if subject.concerns(rule.spec.grain) and subject.within.allow(rule.spec.typology)
    ]
    cells = cells_of(results, manifest, subject, rules)
    lacking = _lacking(rules, manifest)
    placed: dict[str, list[Rule]] = {}
    lengths = cells.select("rule_id", "period").unique()
    for rule in rules:
        seen = lengths.filter(pl.col("rule_id") == rule.id)["period"].to_list()
        for period in seen or [_LETTERS[GRAINS[rule.spec.grain].period]]:
            placed.setdefault(period, []).append(rule)
    return [
        _map(period, placed[period], cells.filter(pl.col("period") == period), periods, lacking)
        for period, _ in LENGTHS
        if period in placed
    ]


def cells_of(
    results: Results, manifest: Manifest, subject: Subject, rules: Sequence[Rule]
) -> pl.DataFrame:
    """Outcomes in force about the firm: rule, period, outcome, subjects `n`, the first `reason`."""
    grains = sorted({rule.spec.grain for rule in rules})
    mine = [(pl.col("grain") == grain) & subject.about(grain) for grain in grains]
    rows = results.outcomes(manifest).filter(
        pl.any_horizontal(mine) if mine else pl.lit(value=False),
        ~pl.col("shadow"),
        pl.col("rule_id").is_in([rule.id for rule in rules]),
    )
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    length = pl.lit(LENGTHS[-1][0])
    for name, most in reversed(LENGTHS[:-1]):
        length = pl.when(days <= most).then(pl.lit(name)).otherwise(length)
    counted = rows.group_by("rule_id", "period_start", "outcome", period=length).agg(
        n=pl.len(), reason=pl.col("reason").sort_by("subject_key").drop_nulls().first()
    )
    return counted.sort("rule_id", "period_start", "outcome").collect()


def _map(
    period: str, rules: Sequence[Rule], cells: pl.DataFrame, most: int, lacking: dict[str, str]
) -> Row:
    columns = _columns(cells["period_start"], period)
    shown = columns[-most:]
    found: dict[tuple[str, date], list[Row]] = {}
    for row in cells.iter_rows(named=True):
        found.setdefault((row["rule_id"], row["period_start"]), []).append(row)
    told = [_rule(rule, shown, found, lacking.get(rule.id)) for rule in rules]
    totals = Counter(cell["outcome"] for rule in told for cell in rule["cells"])
    return {
        "period": period,
        "columns": shown,
        "hidden": len(columns) - len(shown),
        "rules": told,
        "totals": {str(name): totals.get(name, 0) for name in (*GRAVEST, NOT_RUN)},
    }


def _columns(starts: pl.Series, period: str) -> list[date]:
    """Every period from the first to the last, whether something was judged in it or not."""
    if starts.is_empty():
        return []
    first, last = starts.min(), starts.max()
    whole = pl.date_ranges(pl.lit(first), pl.lit(last), _EVERY[period])
    every: list[date] = pl.select(whole.explode()).to_series().to_list()
    return sorted({*every, *starts.to_list()})


def _rule(
    rule: Rule,
    columns: Iterable[date],
    found: dict[tuple[str, date], list[Row]],
    lacking: str | None,
) -> Row:
    cells = [_cell(found.get((rule.id, start), [])) for start in columns]
    reasons = [cell["reason"] for cell in cells if cell["reason"]]
    if all(cell["outcome"] == NOT_RUN for cell in cells):
        reasons = [lacking or NO_SUBJECT]
    return {
        "rule_id": rule.id,
        "rule_version": rule.version,
        "title": rule.spec.title.model_dump(),
        "typology": rule.spec.typology,
        "grain": rule.spec.grain,
        "cells": cells,
        "why_not": reasons[-1] if reasons else None,
    }


def _cell(rows: Sequence[Row]) -> Row:
    counts = {row["outcome"]: row["n"] for row in rows}
    outcome = next((str(o) for o in GRAVEST if o in counts), NOT_RUN)
    unjudged = {Outcome.NOT_EVALUABLE, Outcome.ERROR, Outcome.OUT_OF_SCOPE}
    reason = next((row["reason"] for row in rows if row["outcome"] == outcome), None)
    return {
        "outcome": outcome,
        "reason": reason if outcome in unjudged else None,
        "subjects": counts,
    }


def _lacking(rules: Sequence[Rule], manifest: Manifest) -> dict[str, str]:
    """By rule, which tables it needs that held nothing when the run read them."""
    library = catalogue()
    found = {}
    for rule in rules:
        names = {name for _, tree in rule.trees() for name in column_names(tree)}
        bases = {library.features[f].base for f in names if f in library.features}
        needed = {table for base in bases for table in library.bases[base].tables}
        if absent := sorted(needed - set(manifest.versions)):
            found[rule.id] = f"no filings: {', '.join(absent)}"
    return found
