"""The worked examples inside a rule, run through the same code as live data.

Level `row` gives feature values, `events` source tables, `golden` a frozen slice of history.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from features.catalogue import FeatureCatalogue
from features.vocabulary import Outcome
from rules.case_events import event_benches
from rules.case_frames import Bench, row_benches
from rules.clauses import RuleTest
from rules.evaluate import evaluate_rule
from rules.golden import differences, read_golden
from rules.load import Rule
from rules.parameters import ParameterBook
from rules.ruleset import file_named

NOBODY = "out_of_scope"
"""How an example ends whose subject is not judged at all, as one that never filed."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one example ended.

    Attributes:
        at_threshold: whether a figure of the example equals its threshold exactly.
        detail: what differs from the expectation; empty when passed.
        level: `row`, `events` or `golden`.
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
    level: str = "row"
    severity: int | None = None


def run_cases(
    rule: Rule, parameters: ParameterBook, catalogue: FeatureCatalogue
) -> list[CaseResult]:
    """Run every example of a rule, in its order.

    Raises:
        ExpressionError: the rule names what the grain does not have.
        WardenError: an example names what the grain or the contracts do not have.
    """
    found: dict[int, CaseResult] = {}
    for bench in benches(rule, catalogue):
        result = evaluate_rule(
            rule, bench.frame, parameters, catalogue=catalogue, given=bench.given
        )
        rows = {
            (row["subject_key"], row["period_start"]): row for row in result.iter_rows(named=True)
        }
        for spot in bench.spots:
            test = rule.spec.tests[spot.index]
            row = rows.get((spot.subject, spot.period_start))
            found[spot.index] = _compared(rule, test, row)
    for index, test in enumerate(rule.spec.tests):
        if test.level == "golden":
            found[index] = _frozen(rule, test, parameters, catalogue)
    return [found[index] for index in sorted(found)]


def benches(rule: Rule, catalogue: FeatureCatalogue) -> list[Bench]:
    """The examples of levels `row` and `events`, laid out to be judged.

    Raises:
        WardenError: an example names what the grain or the contracts do not have.
    """
    return [*row_benches(rule, catalogue), *event_benches(rule, catalogue)]


def mismatch(
    test: RuleTest, outcome: str, reason: str | None = None, severity: int | None = None
) -> list[str]:
    """What an example expected otherwise; reason and severity only where it names them."""
    wrong = []
    if outcome != test.expect:
        wrong.append(f"expected {test.expect}, got {outcome}")
    if test.reason is not None and reason != test.reason.value:
        wrong.append(f"expected reason {test.reason.value}, got {reason}")
    if test.severity is not None and severity != test.severity:
        wrong.append(f"expected severity {test.severity}, got {severity}")
    return wrong


def _compared(rule: Rule, test: RuleTest, found: Mapping[str, Any] | None) -> CaseResult:
    if found is None:
        wrong = mismatch(test, NOBODY)
        return CaseResult(
            rule.id, test.name, not wrong, test.expect, NOBODY, None, False, None, None, None,
            "; ".join(wrong), test.level,
        )  # fmt: skip
    outcome, reason, severity = str(found["outcome"]), found["reason"], found["severity"]
    wrong = mismatch(test, outcome, reason, severity)
    judged = outcome in (Outcome.FIRED, Outcome.CLEAR)
    return CaseResult(
        rule.id, test.name, not wrong, test.expect, outcome, reason,
        judged and any(map(_at_threshold, json.loads(found["facts"]))), found["strength"],
        found["message_en"], found["message_zh"], "; ".join(wrong), test.level, severity,
    )  # fmt: skip


def _frozen(
    rule: Rule, test: RuleTest, parameters: ParameterBook, catalogue: FeatureCatalogue
) -> CaseResult:
    """A slice of history: every row ends as it did, and one of them as the example expects."""
    golden = read_golden(file_named(rule.path).parent / str(test.golden))
    wrong = differences(golden, rule, parameters, catalogue)
    ends = golden.expected["outcome"].unique().to_list()
    if test.expect not in ends:
        wrong.insert(0, f"no row of the slice ends {test.expect}")
    shown = [*wrong[:3], f"and {len(wrong) - 3} more"] if len(wrong) > 3 else wrong
    outcome = "differs" if wrong else test.expect
    return CaseResult(
        rule.id, test.name, not wrong, test.expect, outcome, None, False, None, None, None,
        "; ".join(shown), test.level,
    )  # fmt: skip


def _at_threshold(fact: Mapping[str, Any]) -> bool:
    value = fact["value"]
    if fact["op"] in ("is null", "in") or value is None or isinstance(value, str | bool):
        return False
    return bool(value == fact["threshold"])


def failed(results: Iterable[CaseResult]) -> list[CaseResult]:
    """The examples that did not end as expected."""
    return [result for result in results if not result.passed]
