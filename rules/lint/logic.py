"""D7 to D10: what the scope and the condition say, read without data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from rules.errors import RuleIssue
from rules.lint.context import Check, Context
from rules.lint.truth import redundant, verdicts
from rules.load import Rule
from rules.nodes import Column, Node, Number, Peer, Prev, Truth, column_names, leaves, walk
from rules.parameters import Figure
from rules.reader import Place
from rules.writing import write


class Scope(Check):
    """D7: a scope tells subjects apart."""

    code = "D7"
    title = "A scope tells subjects apart"
    why = (
        "Without `scope` every subject of the grain is judged, which is fine. A scope that holds"
        " for all or for none is a slip, and it would count subjects as out of scope wrongly."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        if rule.scope is None:
            return
        if not column_names(rule.scope):
            yield rule.issue(self.code, "the scope is the same for every row", ("scope",))
            return
        found = verdicts(rule.scope, fixed_limits(rule, context))
        if found is not None and not {True, False} <= found:
            who = "every" if True in found else "no"
            yield rule.issue(self.code, f"{who} row is in this scope", ("scope",))


class Support(Check):
    """D8: a small sample judges nobody."""

    code = "D8"
    title = "A small sample judges nobody"
    why = (
        "A share of two cases is no pattern. A feature whose catalogue entry asks for at least one"
        " case (`min_n`) is covered: what rests on fewer is missing before any rule sees it. A"
        " rate of which the catalogue asks nothing needs `min_support`, a rank among peers needs"
        " `peers`, and a `min_support` below the feature's own minimum does nothing."
    )
    rates: ClassVar[frozenset[str]] = frozenset(
        {"ratio", "share", "0-1", "0–1", "0 to 1", "proportion", "probability", "%", "z", "points"}
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        supported = rule.spec.min_support
        for place, tree in rule.trees():
            for node in walk(tree):
                if isinstance(node, Peer) and rule.spec.peers is None:
                    message = f"`{write(node)}` has no least number of peers"
                    yield _at(rule, place, node, self.code, message, "Add `peers: {min_n: ...}`.")
        for name in dict.fromkeys(
            node.name if isinstance(node, Column) else node.feature
            for _, tree in rule.trees()
            for node in walk(tree)
            if isinstance(node, Column | Prev)
        ):
            feature = context.catalogue.features.get(name)
            if feature is None or feature.min_n > 0 or not {"n", name}.isdisjoint(supported):
                continue
            if feature.unit.strip().lower() in self.rates:
                message = f"nothing says from how many cases `{name}` counts"
                hint = f"Add `min_support: {{{name}: ...}}`."
                yield rule.issue(self.code, message, ("condition",), hint=hint)
        for name, least in supported.items():
            feature = context.catalogue.features.get(name)
            if feature is not None and least < feature.min_n:
                message = f"`{name}` counts from {feature.min_n} cases on anyway"
                yield rule.issue(self.code, message, ("min_support", name), warning=True)


class Redundance(Check):
    """D9: every part of the condition matters."""

    code = "D9"
    title = "Every part of the condition matters"
    why = (
        "A condition that is the same for every row judges nobody; a part that never changes the"
        " outcome hides what the rule really says. Values around every limit are tried."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        limits = fixed_limits(rule, context)
        for place, tree in rule.trees():
            if place in (("scope",), ("score",)) or _only_silence(rule, tree):
                continue
            yield from self._tree(rule, place, tree, limits)

    def _tree(
        self, rule: Rule, place: Place, tree: Node, limits: dict[str, Figure]
    ) -> Iterator[RuleIssue]:
        what = "band" if place[0] == "bands" else "condition"
        if not column_names(tree):
            yield rule.issue(self.code, f"the {what} is the same for every row", place)
            return
        found = verdicts(tree, limits)
        if found is not None and not {True, False} <= found:
            says = "always holds" if True in found else "can never hold"
            yield rule.issue(self.code, f"the {what} {says}", place)
            return
        texts = [write(leaf) for leaf in leaves(tree)]
        told: set[str] = set()
        for leaf in leaves(tree):
            if not column_names(leaf):
                message = f"`{write(leaf)}` is the same for every row"
                told.add(write(leaf))
                yield _at(rule, place, leaf, self.code, message)
        for leaf in redundant(tree, limits):
            text = write(leaf)
            if text not in told:
                twice = texts.count(text) > 1
                message = f"`{text}` stands twice" if twice else f"`{text}` changes nothing"
                yield _at(rule, place, leaf, self.code, message, warning=True)


class Literals(Check):
    """D10: a threshold is a parameter."""

    code = "D10"
    title = "A threshold is a parameter"
    why = (
        "A number in the condition has no unit, no source and no date, and nobody can try another"
        " value. 0, 1 and 100 may stand as they are."
    )
    plain: ClassVar[frozenset[float]] = frozenset({0.0, 1.0, -1.0, 100.0})

    def check(self, rule: Rule, _context: Context, /) -> Iterator[RuleIssue]:
        for place, tree in rule.trees():
            if place == ("score",):
                continue
            for node in walk(tree):
                if isinstance(node, Number) and node.value not in self.plain:
                    message = f"the threshold {write(node)} should be a parameter"
                    yield _at(rule, place, node, self.code, message, warning=True)


def fixed_limits(rule: Rule, context: Context) -> dict[str, Figure]:
    """Parameters that have one value whatever the row."""
    found: dict[str, Figure] = {}
    for name, spec in rule.spec.parameters.items():
        if spec.value is not None:
            found[name] = spec.value
            continue
        table = context.rules.parameters.tables.get(spec.table or "")
        values = {row.value for row in table.rows} if table is not None else set()
        if len(values) == 1:
            found[name] = values.pop()
    return found


def _only_silence(rule: Rule, tree: Node) -> bool:
    return rule.spec.absence is not None and isinstance(tree, Truth)


def _at(
    rule: Rule,
    place: Place,
    node: Node,
    code: str,
    message: str,
    hint: str = "",
    *,
    warning: bool = False,
) -> RuleIssue:
    issue = rule.issue_at(place, node.at, message, hint)
    return replace(issue, code=code, severity="warning" if warning else "error")
