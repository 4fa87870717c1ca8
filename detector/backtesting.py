"""What a rule would have done over history, and what a change of it would do.

Rows come from `detector.hindsight`, that is from the code of live runs; figures from
`rules.backtest`. A report is plain data: `BacktestReport.as_dict` is what the command prints, the
API answers and a promotion asks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.hindsight import Hindsight, look_back
from detector.naming import find_rule, find_rules
from detector.results import Results
from detector.reviews import reviewed
from detector.rulebook import rules_in_force
from features.errors import WardenError
from features.vocabulary import GRAINS, Outcome
from rules import backtest as figures
from rules import variants
from rules.load import Rule

if TYPE_CHECKING:
    from detector.system import System
    from rules.parameters import Figure, ParameterBook
    from rules.ruleset import RuleSet

EXAMPLES = 5
"""Firings shown of each kind."""
FORMAT = 1


@dataclass(frozen=True)
class BacktestReport:
    """One rule over one window; `data` is plain JSON data.

    Attributes:
        rows: what the rule says inside the window, schema `rules.evaluate.RESULT_SCHEMA`.
    """

    rule: Rule
    rows: pl.DataFrame
    data: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The report as it is printed and stored."""
        return self.data


def backtest(
    system: System,
    rule: str | Rule,
    start: date | None = None,
    end: date | None = None,
    *,
    known_as_of: datetime | None = None,
    sets: Iterable[str] = (),
    freeze: Path | None = None,
) -> BacktestReport:
    """Judges history by one rule, whatever its status.

    Args:
        rule: an id, ``id@version``, a path of a YAML file, or a rule.
        start, end: periods that start in this window; open where None.
        known_as_of: with what was known then; now when None.
        sets: texts ``name=value``: what would enter and leave with that parameter.
        freeze: file for a small slice of what was judged (`rules.golden`).

    Raises:
        WardenError: `unknown_rule`, `unknown_parameter`, `bad_parameter`, `bad_window`,
            `nothing_to_freeze`.
    """
    ruleset = rules_in_force(system)
    found = find_rule(system, rule) if isinstance(rule, str) else rule
    given = [variants.parsed(found, text, ruleset.parameters) for text in sets]
    checked_window(start, end)
    hindsight = look_back(system, ruleset, [found, *beside(ruleset, [found])], known_as_of)
    report = report_over(hindsight, found, start, end, given)
    if freeze is not None:
        freeze_slice(hindsight, report, freeze)
    return report


def report_over(
    hindsight: Hindsight,
    rule: Rule,
    start: date | None = None,
    end: date | None = None,
    given: Sequence[tuple[str, Figure]] = (),
) -> BacktestReport:
    """The whole report of one rule: figures, moves of its limits, and what is given tried out."""
    fired = firings_beside(hindsight, [rule], start, end)
    report = report_of(hindsight, rule, start, end, fired)
    window = Window(hindsight, start, end)
    report.data["moved"] = window.moves(report, given)
    report.data["sensitivity"] = window.sensitivity(report)
    return report


def freeze_slice(hindsight: Hindsight, report: BacktestReport, path: Path) -> None:
    """Writes a slice of the window for an example of level golden.

    Raises:
        WardenError: `nothing_to_freeze`.
    """
    from rules.golden import freeze, write_golden

    rule, table = report.rule, hindsight.table(report.rule)
    if table is None:
        raise WardenError("nothing_to_freeze", f"Nothing is filed that {rule.id} could judge.")
    head = {name: report.data[name] for name in ("snapshot_id", "known_as_of")}
    parameters = hindsight.ruleset.parameters
    write_golden(freeze(rule, table, parameters, head, judged=report.rows), path)


def backtest_all(
    system: System,
    start: date | None = None,
    end: date | None = None,
    *,
    known_as_of: datetime | None = None,
    names: Sequence[str] = (),
) -> list[BacktestReport]:
    """One report a rule, of all rules by default; without parameter moves."""
    ruleset = rules_in_force(system)
    checked_window(start, end)
    chosen = find_rules(system, names) or list(ruleset.rules)
    hindsight = look_back(system, ruleset, [*chosen, *beside(ruleset, chosen)], known_as_of)
    fired = firings_beside(hindsight, chosen, start, end)
    return [report_of(hindsight, rule, start, end, fired) for rule in chosen]


def checked_window(start: date | None, end: date | None) -> None:
    """Raises: WardenError `bad_window`."""
    if start and end and end < start:
        raise WardenError(
            "bad_window",
            f"The window ends on {end}, before it starts on {start}.",
            "Give --from a day before --to.",
        )


def beside(ruleset: RuleSet, rules: Sequence[Rule]) -> list[Rule]:
    """Rules in force of the same grains, for the overlap."""
    grains = {rule.spec.grain for rule in rules}
    known = {rule.id for rule in rules}
    return [r for r in ruleset.judging() if r.spec.grain in grains and r.id not in known]


Fired = Mapping[tuple[str, str], pl.DataFrame]
"""Fired subjects and periods by (grain, label)."""


def firings_beside(
    hindsight: Hindsight, rules: Sequence[Rule], start: date | None, end: date | None
) -> Fired:
    """What the named rules and those in force beside them fire for.

    Of rules of other grains about the same kind of subject what the live run stored is taken.
    """
    everyone = [*rules, *beside(hindsight.ruleset, rules)]
    found = {k: figures.inside(v, start, end) for k, v in hindsight.fired(everyone).items()}
    if hindsight.live is None:
        return found
    stored = Results(hindsight.system.home).outcomes(hindsight.live)
    kept = stored.filter(pl.col("outcome") == Outcome.FIRED.value).collect()
    have = {grain for grain, _ in found}
    for (grain, rule_id, version), part in figures.inside(kept, start, end).group_by(
        "grain", "rule_id", "rule_version", maintain_order=True
    ):
        if grain not in have:
            found[str(grain), f"{rule_id}@{version}"] = part.select(figures.KEY)
    return found


def report_of(
    hindsight: Hindsight, rule: Rule, start: date | None, end: date | None, fired: Fired
) -> BacktestReport:
    """Every figure of one rule."""
    rows = figures.inside(hindsight.judged(rule), start, end)
    outcomes, rate = figures.outcome_counts(rows), figures.flag_rate(rows)
    cap = rule.spec.max_flag_rate
    minutes = hindsight.system.settings.review_minutes
    data = {
        "format": FORMAT,
        **identity(hindsight, rule),
        "from": start,
        "to": end,
        "firing_hash": figures.firing_hash(rows),
        "live": against_live(hindsight, rule, rows, start, end),
        "rows": rows.height,
        "subjects": rows["subject_key"].n_unique(),
        "outcomes": outcomes,
        "by_period": figures.by_period(rows),
        "flag_rate": rate.as_dict(),
        "base_rate": figures.base_rate(rows).as_dict(),
        "max_flag_rate": cap,
        "max_flag_rate_kept": None if cap is None or not rate.n else rate.k <= cap * rate.n,
        "overlap": figures.overlap(rows, others_of(rule, fired)),
        "reviewed": reviewed(hindsight.system, rule, rows, start, end),
        "review_hours": figures.review_hours(outcomes[Outcome.FIRED], minutes),
        "examples": figures.told(fired_of(rows), EXAMPLES),
        "moved": {},
        "sensitivity": [],
        "notes": notes(hindsight, rule, rows),
    }
    return BacktestReport(rule, rows, plain(data))


def fired_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Fired rows, strongest first."""
    return figures.strongest(rows.filter(pl.col("outcome") == Outcome.FIRED.value))


def identity(hindsight: Hindsight, rule: Rule) -> dict[str, Any]:
    """What was judged by what: a report of the same names gives the same figures."""
    plan, tables = hindsight.plan, hindsight.ruleset.parameters.tables
    used = sorted({s.table for s in rule.spec.parameters.values() if s.table} & set(tables))
    texts = "\n".join(tables[name].model_dump_json() for name in used)
    held = hindsight.current.reference.version if hindsight.current else None
    return {
        "rule": rule.id,
        "version": rule.version,
        "status": rule.spec.status.value,
        "typology": rule.spec.typology,
        "grain": rule.spec.grain,
        "content_hash": rule.content_hash,
        "parameters_hash": hashlib.sha256(texts.encode()).hexdigest(),
        "snapshot_id": plan.snapshot.id,
        "known_as_of": plan.known_at,
        "as_of": plan.context.as_of,
        "peers": held,
        "features": "published" if hindsight.published(rule) else "computed",
    }


def others_of(rule: Rule, fired: Fired) -> dict[str, pl.DataFrame]:
    """Firings to compare a rule with: of its grain, or of its kind of subject in other periods."""
    kind = GRAINS[rule.spec.grain].subject_kind
    found = {}
    for (grain, label), keys in fired.items():
        if label.partition("@")[0] == rule.id or GRAINS[grain].subject_kind != kind:
            continue
        found[label] = keys if grain == rule.spec.grain else keys.select("subject_key").unique()
    return found


def against_live(
    hindsight: Hindsight, rule: Rule, rows: pl.DataFrame, start: date | None, end: date | None
) -> dict[str, Any] | None:
    """Whether the live run over this snapshot said the same; None where it did not judge."""
    if hindsight.live is None:
        return None
    cells = Results(hindsight.system.home).firings(hindsight.live)
    own = (pl.col("rule_id") == rule.id) & (pl.col("rule_version") == rule.version)
    stored = figures.inside(cells.filter(own), start, end)
    if stored.is_empty():
        return None
    mine = figures.firing_cells(rows)
    differing = mine.join(stored, on=list(figures.FIRINGS), how="anti")["period_start"].to_list()
    differing += stored.join(mine, on=list(figures.FIRINGS), how="anti")["period_start"].to_list()
    return {
        "run_id": hindsight.live.run_id,
        "firing_hash": figures.hash_of_cells(stored),
        "identical": not differing,
        "differing_periods": sorted(set(differing)),
    }


def notes(hindsight: Hindsight, rule: Rule, rows: pl.DataFrame) -> list[str]:
    """What a reader must know before believing the figures."""
    from rules.evaluate import peer_features

    found = []
    if rows.is_empty():
        found.append("nothing is filed that this rule could judge in the window")
    missing = sorted(peer_features([rule]) & hindsight.unfrozen)
    if missing:
        found.append(
            f"no frozen peers hold {', '.join(missing)}: compared with the peers of this moment, "
            "as after the next `warden models fit`"
        )
    return found


@dataclass(frozen=True)
class Window:
    """Judges variants of a rule inside one window."""

    hindsight: Hindsight
    start: date | None
    end: date | None

    def judged(self, rule: Rule, parameters: ParameterBook | None = None) -> pl.DataFrame:
        return figures.inside(self.hindsight.judged(rule, parameters), self.start, self.end)

    def moves(
        self, report: BacktestReport, given: Sequence[tuple[str, Figure]]
    ) -> dict[str, dict[str, Any]]:
        """By ``name=value``: who enters and who leaves; several also together."""
        cases = [dict([pair]) for pair in given] + ([dict(given)] if len(given) > 1 else [])
        book = self.hindsight.ruleset.parameters
        found: dict[str, dict[str, Any]] = {}
        for case in cases:
            rows = self.judged(variants.with_parameters(report.rule, case, book))
            name = ", ".join(f"{k}={_shown(v)}" for k, v in case.items())
            found[name] = {
                "outcomes": figures.outcome_counts(rows),
                "flag_rate": figures.flag_rate(rows).as_dict(),
                "firing_hash": figures.firing_hash(rows),
                **figures.difference(report.rows, rows).as_dict(EXAMPLES),
            }
        return dict(plain(found))

    def sensitivity(self, report: BacktestReport) -> list[dict[str, Any]]:
        """Firings with each numeric parameter a few steps away."""
        found = []
        for variant in variants.sweep(report.rule, self.hindsight.ruleset.parameters):
            rows = self.judged(variant.rule, variant.parameters)
            moved = figures.difference(report.rows, rows)
            found.append(
                {
                    "parameter": variant.parameter,
                    "step": variant.step,
                    "value": variant.value,
                    "fired": figures.outcome_counts(rows)[Outcome.FIRED],
                    "flag_rate": figures.flag_rate(rows).value,
                    "entered": moved.entered.height,
                    "left": moved.left.height,
                }
            )
        return found


def plain(data: Any) -> Any:
    """The same as JSON knows it: dates and instants as text."""
    if isinstance(data, Mapping):
        return {key: plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    return data.isoformat() if isinstance(data, date) else data


def _shown(value: Figure) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
