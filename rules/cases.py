"""The worked examples inside a rule, run through the same code as live data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from features.catalogue import Feature, FeatureCatalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from features.vocabulary import Outcome
from rules.checking import ColumnInfo, ValueType
from rules.clauses import RuleTest
from rules.evaluate import evaluate_rule
from rules.grains import grain_vocabulary
from rules.load import Rule
from rules.parameters import Figure, ParameterBook

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
    batches: dict[str, tuple[dict[str, Figure], list[int]]] = {}
    for index, test in enumerate(rule.spec.tests):
        given = _given(rule, test, parameters, nudge)
        batches.setdefault(repr(sorted(given.items())), (given, []))[1].append(index)
    found: dict[int, CaseResult] = {}
    for given, indices in batches.values():
        tests = [rule.spec.tests[i] for i in indices]
        frame = cases_frame(rule, tests, catalogue)
        result = evaluate_rule(rule, frame, parameters, catalogue=catalogue, given=given)
        rows = result.iter_rows(named=True)
        found |= {
            i: _compared(rule, rule.spec.tests[i], row)
            for i, row in zip(indices, rows, strict=True)
        }
    return [found[index] for index in range(len(rule.spec.tests))]


def _given(
    rule: Rule, test: RuleTest, parameters: ParameterBook, nudge: tuple[str, int] | None
) -> dict[str, Figure]:
    """Parameter values of one example that stand in for those in force."""
    given = dict(test.params)
    day, where = _day(rule, test), (test.given or {}).get("jurisdiction")
    if nudge is not None:
        name, sign = nudge
        figure = given.get(name, _in_force(rule, name, parameters, day, where))
        if isinstance(figure, int | float) and not isinstance(figure, bool):
            given[name] = nudged(figure, sign)
    return given


def _day(rule: Rule, test: RuleTest) -> date:
    day = (test.given or {}).get("period_start")
    return date.fromisoformat(str(day)) if day else rule.spec.modified


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


def cases_frame(rule: Rule, tests: Sequence[RuleTest], catalogue: FeatureCatalogue) -> FeatureFrame:
    """One row per example with what it gives; all else is null.

    Raises:
        WardenError: `unknown_test_column` when the example names what the grain does not have.
    """
    names = grain_vocabulary(rule.spec.grain, catalogue).columns
    features = tuple(catalogue.of_grain(rule.spec.grain))
    days = [_day(rule, test) for test in tests]
    columns: dict[str, pl.Series] = {
        "subject_key": pl.Series([f"case {i}" for i in range(len(tests))]),
        "period_start": pl.Series(days, dtype=pl.Date),
        "period_end": pl.Series(days, dtype=pl.Date),
    }
    keys = dict.fromkeys(key for test in tests for key in test.given or {} if key != "period_start")
    for key in keys:
        columns[key] = _column(rule, key, [(test.given or {}).get(key) for test in tests], names)
    for feature in features:
        columns.setdefault(feature.name, _nulls(feature, len(tests)))
    attributes = tuple(n for n, c in names.items() if c.kind == "attribute")
    for name in attributes:
        columns.setdefault(name, pl.Series([None] * len(tests), dtype=pl.Null))
    return FeatureFrame(rule.spec.grain, pl.DataFrame(columns), features, attributes, ())


def _nulls(feature: Feature, rows: int) -> pl.Series:
    return pl.Series([None] * rows, dtype=pl.String if feature.kind == "class" else pl.Float64)


def _column(
    rule: Rule, key: str, values: list[Figure | None], names: Mapping[str, ColumnInfo]
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
        return pl.Series(values, dtype=pl.Int64)
    if suffix == "reason":
        return pl.Series(values, dtype=pl.String)
    dtype = _dtype("number" if suffix else known.quantity.type, values)
    try:
        return pl.Series(values, dtype=dtype)
    except (TypeError, pl.exceptions.PolarsError):
        raise WardenError(
            "mixed_test_values",
            f"Rule {rule.id}: the examples give `{key}` values of the wrong or of mixed types.",
        ) from None


def _dtype(kind: ValueType, values: list[Figure | None]) -> type[pl.DataType]:
    if kind == "any":
        value = next((v for v in values if v is not None), None)
        kind = (
            "boolean" if isinstance(value, bool)
            else "text" if isinstance(value, str)
            else "number"
        )  # fmt: skip
    return {"text": pl.String, "boolean": pl.Boolean}.get(kind, pl.Float64)


def failed(results: Iterable[CaseResult]) -> list[CaseResult]:
    """The examples that did not end as expected."""
    return [result for result in results if not result.passed]
