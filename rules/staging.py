"""Rules as columns of a lazy frame, stage by stage, so that many share one pass.

A stage reads only what the stages before it made. Helper columns of a rule carry its mark. All is
compiled to expressions of Polars at once; `rules.compilation` gives portable ones, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import narwhals as nw
import polars as pl

from features.vocabulary import Outcome, Reason
from rules.checking import Vocabulary
from rules.compilation import Compiled, compile_condition
from rules.engine import NATIVE
from rules.facts import evidence_json, fact_sides, facts_json, sustained_json
from rules.load import Rule
from rules.messages import STATISTICS, placeholders
from rules.nodes import Node, Peer, column_names, walk
from rules.parameters import Threshold
from rules.values import Values, choose, every

CODES = {outcome: code for code, outcome in enumerate(Outcome)}
"""Outcomes as small numbers while a pass runs: text is some ten times wider."""
EARLIER = "_earlier"
"""Beginning of the columns with the row numbers of earlier periods."""

TOLD = ("outcome", "reason", "strength", "severity", "facts")
"""What a pass tells of every rule and row."""

Stage = list[pl.Expr]


@dataclass(frozen=True)
class Prepared:
    """A rule checked against a frame, ready to be compiled.

    Attributes:
        condition: the rule's tree, with the silence it looks for where it has one.
        columns: columns of the frame; others read as null.
        mark: beginning of the names of the rule's helper columns.
        reference: version of the frozen peers.
        finite: columns that hold neither NaN nor infinity.
    """

    rule: Rule
    condition: Node
    names: Vocabulary
    thresholds: Mapping[str, Threshold]
    columns: frozenset[str]
    mark: str
    reference: str = ""
    finite: frozenset[str] = frozenset()

    def values(self) -> Values:
        """Compiles values of this rule."""
        return Values(self.names, self.thresholds, self.columns, NATIVE, self.finite)

    def compiled(self, tree: Node, letter: str) -> Compiled:
        """A boolean tree whose helper columns begin with the mark and `letter`."""
        prefix = f"{self.mark}{letter}"
        return compile_condition(tree, self.names, self.thresholds, self.columns, prefix, NATIVE)

    def column(self, name: str) -> pl.Expr:
        """One of the rule's helper columns."""
        return pl.col(f"{self.mark}{name}")


def narrow_stages(rules: Iterable[Prepared]) -> list[Stage]:
    """Stages that end with one code of `CODES` a rule, in the column of its mark."""
    first: Stage = []
    second: Stage = []
    end: Stage = []
    for rule in rules:
        values, scope = rule.values(), rule.rule.scope
        truth = values.judgement(rule.condition)
        inside = values.judgement(scope) if scope is not None else None
        first += native(_whole(rule, truth, inside))
        second += _lasting(rule)
        codes = {outcome: pl.lit(code, dtype=pl.UInt8) for outcome, code in CODES.items()}
        end.append(_outcome(rule, codes).alias(rule.mark))
    return [first, second, end]


def wide_stages(rules: Iterable[Prepared]) -> list[Stage]:
    """Stages that end with the columns `TOLD` of every rule, and those its messages read."""
    sides: list[nw.Expr] = []
    judgements: list[nw.Expr] = []
    whole: list[nw.Expr] = []
    lasting: Stage = []
    end: Stage = []
    for rule in rules:
        parts = {"c": rule.compiled(rule.condition, "c")}
        if rule.rule.scope is not None:
            parts["s"] = rule.compiled(rule.rule.scope, "s")
        more: dict[str, nw.Expr] = {}
        for letter, part in parts.items():
            sides += part.sides
            judgements += part.judgements
            own = f"{rule.mark}{letter}"
            more |= fact_sides(part, rule.thresholds, rule.columns, own, NATIVE)
        sides += [side.alias(name) for name, side in more.items()]
        sides += [t.value.alias(f"{rule.mark}p_{n}") for n, t in rule.thresholds.items()]
        scope = parts["s"].truth if "s" in parts else None
        whole += _whole(rule, parts["c"].truth, scope)
        whole += _graded(rule, parts["c"])
        lasting += _lasting(rule)
        end += [expr.alias(f"{rule.mark}{n}") for n, expr in _told(rule, parts, more).items()]
    return [native(sides), native(judgements), native(whole), lasting, end]


def native(parts: list[nw.Expr]) -> Stage:
    """What was compiled with `NATIVE`, by its true name."""
    return cast("Stage", parts)


def staged(frame: pl.LazyFrame, stages: Iterable[Stage]) -> pl.LazyFrame:
    """The frame with the columns of every stage."""
    for stage in stages:
        frame = frame.with_columns(stage) if stage else frame
    return frame


def _whole(rule: Prepared, truth: nw.Expr, scope: nw.Expr | None) -> list[nw.Expr]:
    """Whether the rule holds, applies, and has support."""
    inside = NATIVE.lit(value=True) if scope is None else scope
    named = {"truth": truth, "scope": inside, "support": _support(rule)}
    return [expr.alias(f"{rule.mark}{name}") for name, expr in named.items()]


def _support(rule: Prepared) -> nw.Expr:
    """Whether sample sizes suffice; a size that is not known does not count against a row."""
    spec = rule.rule.spec
    needs: list[tuple[str, int]] = []
    for name, least in spec.min_support.items():
        features = column_names(rule.condition) if name == "n" else (name,)
        needs += [(f"{feature}__n", least) for feature in features]
    if spec.peers is not None:
        peers = (n.feature for n in walk(rule.condition) if isinstance(n, Peer))
        needs += [(f"{feature}__peers", spec.peers.min_n) for feature in peers]
    met = [NATIVE.lit(value=True)]
    for column, least in needs:
        if column in rule.columns:
            met.append((NATIVE.col(column) >= least).fill_null(value=True))
    return every(met, lambda a, b: a & b)


def _graded(rule: Prepared, condition: Compiled) -> list[nw.Expr]:
    """How strongly the condition holds, why it is unknown, and how grave it would be."""
    values, spec = rule.values(), rule.rule.spec
    severity = NATIVE.lit(spec.severity, dtype=NATIVE.Int64)
    if rule.rule.bands:
        grades = [NATIVE.lit(band.severity, dtype=NATIVE.Int64) for band in spec.bands]
        tests = map(values.judgement, rule.rule.bands)
        severity = choose(list(zip(tests, grades, strict=True)), severity, NATIVE)
    found = {"sure": condition.strength, "why": condition.reason, "grade": severity}
    if rule.rule.score is not None:
        found["score"] = values.value(rule.rule.score).clip(0.0, 100.0)
    return [expr.alias(f"{rule.mark}{name}") for name, expr in found.items()]


def _lasting(rule: Prepared) -> list[pl.Expr]:
    """For a rule that must be sustained: in how many of its periods it held, or may have held."""
    sustain = rule.rule.spec.sustain
    if sustain is None:
        return []
    truth, scope, support = (rule.column(name) for name in ("truth", "scope", "support"))
    held = pl.when(~scope).then(pl.lit(value=False)).when(scope & support).then(truth)
    back = [held.gather(pl.col(f"{EARLIER}{number}")) for number in range(1, sustain.of)]
    whole = [held, *back]
    return [
        pl.sum_horizontal(h.fill_null(value=False) for h in whole).alias(f"{rule.mark}held"),
        pl.sum_horizontal(h.is_null() for h in whole).alias(f"{rule.mark}open"),
    ]


def _truth(rule: Prepared) -> pl.Expr:
    """Whether the rule holds, over all its periods; unknown where they cannot tell."""
    truth, sustain = rule.column("truth"), rule.rule.spec.sustain
    if sustain is None:
        return truth
    held, unknown = rule.column("held"), rule.column("open")
    lasting = (
        pl.when(held >= sustain.k).then(pl.lit(value=True))
        .when(held + unknown < sustain.k).then(pl.lit(value=False))
    )  # fmt: skip
    return truth & lasting


def _outcome(rule: Prepared, values: Mapping[Outcome, pl.Expr]) -> pl.Expr:
    truth, scope, support = _truth(rule), rule.column("scope"), rule.column("support")
    lenient = rule.rule.spec.on_missing == "clear"
    unknown = values[Outcome.CLEAR if lenient else Outcome.NOT_EVALUABLE]
    return (
        pl.when(scope.is_null()).then(values[Outcome.NOT_EVALUABLE])
        .when(~scope).then(values[Outcome.OUT_OF_SCOPE])
        .when(~support).then(values[Outcome.NOT_EVALUABLE])
        .when(truth.is_null()).then(unknown)
        .when(truth).then(values[Outcome.FIRED])
        .otherwise(values[Outcome.CLEAR])
    )  # fmt: skip


def _told(
    rule: Prepared, parts: Mapping[str, Compiled], more: Collection[str]
) -> dict[str, pl.Expr]:
    """What is told of every row, by the names of `TOLD`; then what messages read."""
    truth, scope, support = _truth(rule), rule.column("scope"), rule.column("support")
    silent = pl.lit(None, dtype=pl.String)
    missing, few = pl.lit(Reason.MISSING_INPUT.value), pl.lit(Reason.TOO_FEW.value)
    why = silent
    if rule.rule.spec.on_missing == "not_evaluable":
        short = pl.when(rule.column("truth").is_not_null()).then(few)
        why = pl.when(truth.is_null()).then(pl.coalesce(short, rule.column("why"), missing))
    reason = (
        pl.when(scope.is_null()).then(missing)
        .when(~scope).then(silent)
        .when(~support).then(few)
        .otherwise(why)
    )  # fmt: skip
    texts = {outcome: pl.lit(outcome.value) for outcome in Outcome}
    judged = scope & support & truth.is_not_null()
    fired = (judged & truth).fill_null(value=False)
    grave = pl.when(fired).then(rule.column("grade"))
    return {
        "outcome": _outcome(rule, texts),
        "reason": reason,
        "strength": pl.when(judged).then(_strength(rule, fired)),
        "severity": grave.otherwise(pl.lit(rule.rule.spec.severity, dtype=pl.Int64)),
        "facts": _facts(rule, parts, more, fired),
        **_message_columns(rule),
    }


def _strength(rule: Prepared, fired: pl.Expr) -> pl.Expr:
    """That of the condition; below one half where it held too seldom; by the score where given."""
    spec, sure = rule.rule.spec, rule.column("sure")
    if spec.sustain is not None:
        short = 0.5 * rule.column("held") / (spec.sustain.k + 1)
        sure = pl.when(fired).then(sure).otherwise(pl.min_horizontal(sure, short))
    if rule.rule.score is not None:
        ranked = pl.coalesce(0.5 + rule.column("score") / 200.0, sure)
        sure = pl.when(fired).then(ranked).otherwise(sure)
    return sure


def _facts(
    rule: Prepared, parts: Mapping[str, Compiled], more: Collection[str], fired: pl.Expr
) -> pl.Expr:
    """The comparisons judged; for a row out of scope, those of the scope."""
    told = _condition_facts(rule, parts["c"], more, fired)
    if "s" not in parts:
        return told
    columns, own = rule.columns | frozenset(more), f"{rule.mark}s"
    inside = rule.column("scope").fill_null(value=False)
    of_scope = facts_json(
        parts["s"], columns, own, rule=rule.rule.id, of_scope=True, reference=rule.reference
    )
    return pl.when(inside).then(told).otherwise(of_scope)


def _condition_facts(
    rule: Prepared, condition: Compiled, more: Collection[str], fired: pl.Expr
) -> pl.Expr:
    """The comparisons of the condition, and what else is told of a firing."""
    spec, mark, extra = rule.rule.spec, rule.mark, []
    if spec.sustain is not None:
        extra.append(sustained_json(spec.sustain, mark, rule.rule.id))
    extra += [
        evidence_json(name, rule.names, rule.columns, rule.rule.id, fired)
        for name in spec.evidence.columns
        if name in rule.columns and name in rule.names.columns
    ]
    columns = rule.columns | frozenset(more)
    return facts_json(
        condition, columns, f"{mark}c", rule=rule.rule.id, reference=rule.reference, extra=extra
    )


def told_columns(rule: Prepared) -> set[str]:
    """Columns the messages read; a parameter `p` is read from ``_p_{p}``."""
    found: set[str] = set()
    for text in (rule.rule.spec.message.en, rule.rule.spec.message.zh):
        for hole in placeholders(text):
            if hole.name in rule.thresholds:
                found.add(f"_p_{hole.name}")
            elif hole.name in rule.names.columns:
                found.add(f"{hole.name}__{hole.part}" if hole.part in STATISTICS else hole.name)
    return found


def _message_columns(rule: Prepared) -> dict[str, pl.Expr]:
    """What the messages read, kept under names of its own; what the frame lacks is null."""
    nothing = pl.lit(None, dtype=pl.Float64)
    limits = {f"_p_{name}": rule.column(f"p_{name}") for name in rule.thresholds}
    return {
        f"m_{name}": limits.get(name, pl.col(name) if name in rule.columns else nothing)
        for name in sorted(told_columns(rule))
    }
