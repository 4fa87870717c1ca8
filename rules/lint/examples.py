"""D11 and D22: the examples inside a rule, what they show and whom they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from features.contracts import CONTRACTS
from rules.errors import RuleIssue
from rules.lint.context import Check, Context
from rules.lint.personal import looks_personal, names_nobody
from rules.load import Rule
from rules.nodes import Compare, walk
from rules.reader import Place


class Examples(Check):
    """D11: examples show every end of the rule and its limit."""

    code = "D11"
    title = "Examples show every end of the rule and its limit"
    why = (
        "At least one example of level `row` or `events` ends fired, one clear and one not"
        " evaluable; one lies exactly at a limit, where `<` and `<=` differ; all end as they say."
        " A rule that takes missing figures for clear needs none that is not evaluable."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        expected = {test.expect for test in rule.spec.tests if test.level != "golden"}
        wanted = ["fired", "clear"]
        wanted += ["not_evaluable"] if rule.spec.on_missing == "not_evaluable" else []
        for outcome in wanted:
            if outcome not in expected:
                yield rule.issue(self.code, f"no example ends {outcome}", ("tests",))
        if context.results is None:
            return
        for index, result in enumerate(context.results):
            if not result.passed:
                message = f"example `{result.name}`: {result.detail}"
                yield rule.issue(self.code, message, ("tests", index))
        ordered = any(isinstance(n, Compare) for n in walk(rule.condition))
        if ordered and not any(r.at_threshold for r in context.results):
            yield rule.issue(self.code, "no example lies exactly at a threshold", ("tests",))


class PersonalData(Check):
    """D22: examples name nobody."""

    code = "D22"
    title = "Examples name nobody"
    why = (
        "Rules are published. An example may hold no e-mail address, telephone number, identity"
        " number, bank account or card that could be real; addresses under `example.org` and"
        " numbers with a wrong check digit are fine. Where a table names persons, examples write"
        " `P1` or `person-2`."
    )

    def check(self, rule: Rule, _context: Context, /) -> Iterator[RuleIssue]:
        for index, test in enumerate(rule.spec.tests):
            rows = [("given", test.given or {})]
            rows += [(f"before {n}", row or {}) for n, row in enumerate(test.before)]
            for _, row in rows:
                yield from self._row(rule, ("tests", index, "given"), row)
            for name, events in test.tables.items():
                persons = _person_columns(name)
                for number, event in enumerate(events):
                    place: Place = ("tests", index, "tables", name, number)
                    yield from self._row(rule, place, event, persons)

    def _row(
        self, rule: Rule, place: Place, row: dict[str, Any], persons: frozenset[str] = frozenset()
    ) -> Iterator[RuleIssue]:
        for key, cell in row.items():
            for value in cell if isinstance(cell, list) else [cell]:
                what = looks_personal(str(value)) if isinstance(value, str | int) else ""
                if not what and key in persons and not names_nobody(str(value or "")):
                    what = "the name of a person"
                if what:
                    message = f"`{key}` looks like {what}"
                    hint = "Write an invented value that can be nobody's, as `P1`."
                    yield rule.issue(self.code, message, (*place, key), hint=hint)


def _person_columns(table: str) -> frozenset[str]:
    known = CONTRACTS.get(table)
    return frozenset(c.name for c in known.columns if c.person) if known else frozenset()
