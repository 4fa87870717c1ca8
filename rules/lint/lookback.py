"""D16: a rule that looks back finds what it looks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from features.vocabulary import GRAINS
from rules.clauses import RuleTest
from rules.errors import RuleIssue
from rules.lint.alerting import PERIODS_A_YEAR
from rules.lint.context import Check, Context
from rules.load import Rule
from rules.nodes import Prev, walk
from rules.reader import Place

MOST_YEARS = 10
"""Filings are not asked for over longer than this."""


class Lookback(Check):
    """D16: what a rule looks back for can be there."""

    code = "D16"
    title = "What a rule looks back for can be there"
    why = (
        "`prev`, `sustain` and `absence` read earlier periods of the same subject. A tender, a"
        " deal or an incident has no earlier period; more than ten years are rarely filed; and a"
        " filing may come a period late, so one missing daily or weekly filing says nothing. An"
        " example shows how far back the rule reaches."
    )
    once: ClassVar[frozenset[str]] = frozenset(
        {"tender", "pair_tender", "sku_event", "deal", "deal_market", "incident", "request",
         "metric_cell"}
    )  # fmt: skip

    def check(self, rule: Rule, _context: Context, /) -> Iterator[RuleIssue]:
        back, place = reach(rule)
        if back == 0:
            return
        grain = GRAINS[rule.spec.grain]
        if grain.code in self.once:
            message = f"a {grain.subject_kind} has no earlier period to look back to"
            yield rule.issue(self.code, message, place)
            return
        most = MOST_YEARS * PERIODS_A_YEAR[grain.period]
        if back > most:
            message = f"{back} periods are more than {MOST_YEARS} years"
            yield rule.issue(self.code, message, place)
        absence = rule.spec.absence
        if absence is not None and grain.period in "dw" and absence.missing < 2:
            message = "a daily or weekly filing may come a period late; wait for two"
            yield rule.issue(self.code, message, ("absence",), warning=True)
        if not any(_reaches(test, back) for test in rule.spec.tests):
            message = f"no example reaches {back} periods back"
            hint = "Give the earlier periods in `before`, the latest last."
            yield rule.issue(self.code, message, ("tests",), hint=hint)


def reach(rule: Rule) -> tuple[int, Place]:
    """Earlier periods a rule reads, and where it says so; 0 for none."""
    spec = rule.spec
    found: list[tuple[int, Place]] = [
        (node.periods, place)
        for place, tree in rule.trees()
        for node in walk(tree)
        if isinstance(node, Prev)
    ]
    if spec.sustain is not None:
        found.append((spec.sustain.of - 1, ("sustain",)))
    if spec.absence is not None:
        found.append((spec.absence.seen + spec.absence.missing - 1, ("absence",)))
    return max(found, key=lambda f: f[0], default=(0, ()))


def _reaches(test: RuleTest, back: int) -> bool:
    if test.level != "row":
        return True
    return len(test.before) >= back or any(
        key.endswith(f"__prev{back}") for key in test.given or {}
    )
