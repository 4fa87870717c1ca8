"""The worked examples inside a rule, run through the same code as live data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from features.catalogue import Feature, FeatureCatalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from features.vocabulary import Outcome
from rules.checking import ColumnInfo, ValueType
from rules.evaluate import evaluate_rule
from rules.grains import grain_vocabulary
from rules.load import Rule
from rules.parameters import Figure, ParameterBook
from rules.spec import RuleTest

PEER_SUFFIXES = ("pct", "median", "z")
_COUNTS = ("n", "peers")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one example ended.

    Attributes:
        at_threshold: whether a figure of the example equals its threshold exactly.
        detail: what differs from the expectation; empty when passed.
    """

    rule_id: str
    name: str
    passed: bool
    expected: str
    outcome: str
    reason: str | None
    at_threshold: bool
    strength: float | None
    message_en: str | None
    message_zh: str | None
    detail: str = ""


def run_cases(
    rule: Rule,
    parameters: ParameterBook,
    catalogue: FeatureCatalogue,
    *,
    nudge: tuple[str, int] | None = None,
) -> list[CaseResult]:
    """Run every example of a rule.

    Args:
        nudge: moves one numeric parameter a step down (-1) or up (+1); for the mutation check.

    Raises:
        ExpressionError: the rule names what the grain does not have.
    """
    return [_run(rule, test, parameters, catalogue, nudge) for test in rule.spec.tests]


def _run(
    rule: Rule,
    test: RuleTest,
    parameters: ParameterBook,
    catalogue: FeatureCatalogue,
    nudge: tuple[str, int] | None,
) -> CaseResult:
    frame = case_frame(rule, test, catalogue)
    given = dict(test.params)
    day, where = frame.frame["period_start"].item(), test.given.get("jurisdiction")
    if nudge is not None:
        name, sign = nudge
        figure = given.get(name, _in_force(rule, name, parameters, day, where))
        if isinstance(figure, int | float) and not isinstance(figure, bool):
            given[name] = nudged(figure, sign)
    found = evaluate_rule(rule, frame, parameters, catalogue=catalogue, given=given).row(
        0, named=True
    )
    return _compared(rule, test, found)


def nudged(value: float, sign: int) -> float:
    """A threshold one step up or down: one for small whole numbers, else a tenth."""
    if value == int(value) and 0 < abs(value) < 20:
        return value + sign
    return value + sign * max(abs(value), 0.1) * 0.1


def _in_force(
    rule: Rule, name: str, parameters: ParameterBook, day: date, jurisdiction: object
) -> Figure | None:
    spec = rule.spec.parameters[name]
    if spec.table is None:
        return spec.value
    where = spec.jurisdiction or (str(jurisdiction) if jurisdiction else None)
    row = parameters.table(spec.table).in_force(day, where)
    return row.value if row else None


def _compared(rule: Rule, test: RuleTest, found: Mapping[str, Any]) -> CaseResult:
    outcome, reason = str(found["outcome"]), found["reason"]
    wrong = []
    if outcome != test.expect:
        wrong.append(f"expected {test.expect}, got {outcome}")
    if test.reason is not None and reason != test.reason.value:
        wrong.append(f"expected reason {test.reason.value}, got {reason}")
    facts = json.loads(found["facts"])
    judged = outcome in (Outcome.FIRED, Outcome.CLEAR)
    at_threshold = judged and any(
        fact["op"] not in ("is null", "in") and fact["value"] == fact["threshold"]
        and not isinstance(fact["value"], str | bool) and fact["value"] is not None
        for fact in facts
    )  # fmt: skip
    return CaseResult(
        rule.id, test.name, not wrong, test.expect, outcome, reason, at_threshold,
        found["strength"], found["message_en"], found["message_zh"], "; ".join(wrong),
    )  # fmt: skip


def case_frame(rule: Rule, test: RuleTest, catalogue: FeatureCatalogue) -> FeatureFrame:
    """One row with what the example gives; all else is null.

    Raises:
        WardenError: `unknown_test_column` when the example names what the grain does not have.
    """
    names = grain_vocabulary(rule.spec.grain, catalogue).columns
    features = tuple(catalogue.of_grain(rule.spec.grain))
    day = test.given.get("period_start")
    start = date.fromisoformat(str(day)) if day else rule.spec.modified
    columns: dict[str, pl.Series] = {
        "subject_key": pl.Series(["case"]),
        "period_start": pl.Series([start], dtype=pl.Date),
        "period_end": pl.Series([start], dtype=pl.Date),
    }
    for key, value in test.given.items():
        if key != "period_start":
            columns[key] = _column(rule, key, value, names)
    for feature in features:
        columns.setdefault(feature.name, _null(feature))
    attributes = tuple(n for n, c in names.items() if c.kind == "attribute")
    for name in attributes:
        columns.setdefault(name, pl.Series([None], dtype=pl.Null))
    return FeatureFrame(rule.spec.grain, pl.DataFrame(columns), features, attributes, ())


def _null(feature: Feature) -> pl.Series:
    return pl.Series([None], dtype=pl.String if feature.kind == "class" else pl.Float64)


def _column(
    rule: Rule, key: str, value: Figure | None, names: Mapping[str, ColumnInfo]
) -> pl.Series:
    base, _, suffix = key.partition("__")
    known = names.get(base)
    allowed = not suffix or (
        known is not None and known.kind == "feature"
        and suffix in (*PEER_SUFFIXES, *_COUNTS, "reason")
    )  # fmt: skip
    if known is None or not allowed:
        raise WardenError(
            "unknown_test_column",
            f"Rule {rule.id}: an example gives `{key}`, which grain {rule.spec.grain} lacks.",
        )
    if suffix in _COUNTS:
        return pl.Series([value], dtype=pl.Int64)
    if suffix == "reason":
        return pl.Series([value], dtype=pl.String)
    return pl.Series([value], dtype=_dtype("number" if suffix else known.quantity.type, value))


def _dtype(kind: ValueType, value: Figure | None) -> type[pl.DataType]:
    if kind == "any":
        kind = (
            "boolean" if isinstance(value, bool)
            else "text" if isinstance(value, str)
            else "number"
        )  # fmt: skip
    return {"text": pl.String, "boolean": pl.Boolean}.get(kind, pl.Float64)


def failed(results: Iterable[CaseResult]) -> list[CaseResult]:
    """The examples that did not end as expected."""
    return [result for result in results if not result.passed]
