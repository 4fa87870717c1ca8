"""D5 and D6: what a rule may name, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rules.checking import check_condition, check_score
from rules.errors import RuleIssue, nearest
from rules.grains import declared_types
from rules.lint.context import Check, Context
from rules.load import Rule
from rules.nodes import parameter_names
from rules.reader import Place
from rules.refused import refused_words


class Names(Check):
    """D5: features, parameters and tables exist; types and units agree."""

    code = "D5"
    title = "Features, parameters and tables exist; types and units agree"
    why = (
        "A name nobody computes would be missing for ever, and hours compared with days are wrong"
        " without looking wrong."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        yield from self._parameters(rule, context)
        types = declared_types(rule.spec.parameters, context.rules.parameters)
        used: set[str] = set()
        for place, tree in rule.trees():
            used.update(parameter_names(tree))
            check = check_score if place == ("score",) else check_condition
            for fault in check(tree, context.names, types):
                yield rule.issue_at(place, fault.at, fault.message, fault.hint)
        for name in rule.spec.parameters.keys() - used:
            message = f"the parameter `{name}` is never used"
            yield rule.issue(self.code, message, ("parameters", name))
        for name in rule.spec.min_support:
            if name != "n" and name not in context.names.features():
                hint = nearest(name, context.names.features())
                message = f"unknown feature `{name}`"
                yield rule.issue(self.code, message, ("min_support", name), hint=hint)

    def _parameters(self, rule: Rule, context: Context) -> Iterator[RuleIssue]:
        book = context.rules.parameters
        for name, spec in rule.spec.parameters.items():
            place = ("parameters", name)
            if spec.table is not None and spec.table not in book.tables:
                message = f"there is no parameter table `{spec.table}`"
                yield rule.issue(self.code, message, place, hint=nearest(spec.table, book.tables))
            if name in context.names.columns:
                message = f"the parameter `{name}` has the name of a feature or attribute"
                yield rule.issue(self.code, message, place)


class NoClock(Check):
    """D6: no clock, no randomness, no query."""

    code = "D6"
    title = "No clock, no randomness, no query"
    why = (
        "The same rule over the same filings gives the same answer for ever, or an alert cannot be"
        " replayed. Files that hold such words are refused when they are read, with this code."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        for place, text in _texts(rule):
            for at, word, why in refused_words(text):
                if word.lower() not in context.names.columns:
                    issue = rule.issue_at(place, at, f"`{word}`: {why}")
                    yield replace(issue, code=self.code)


def _texts(rule: Rule) -> Iterator[tuple[Place, str]]:
    spec = rule.spec
    for key, text in (("scope", spec.scope), ("condition", spec.condition), ("score", spec.score)):
        if text is not None:
            yield (key,), text
    for index, band in enumerate(spec.bands):
        yield ("bands", index, "when"), band.when
