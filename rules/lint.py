"""Lint: what can be known about a rule without data. Each check has a code, D1 to D22.

A check takes a rule and the library around it and yields findings; new checks are added to
`CHECKS`. Codes without a check here belong to later parts of the rule work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from features.catalogue import FeatureCatalogue
from features.errors import WardenError
from features.vocabulary import TYPOLOGIES, Lane
from rules.cases import CaseResult, run_cases
from rules.checking import Vocabulary, check_condition
from rules.errors import RuleIssue, nearest
from rules.grains import declared_types, grain_vocabulary
from rules.load import Rule
from rules.messages import placeholders, stray_braces
from rules.nodes import (
    Compare,
    Node,
    Number,
    Parameter,
    column_names,
    leaves,
    parameter_names,
    walk,
)
from rules.parameters import ParameterRow
from rules.ruleset import RuleSet
from rules.spec import Status
from rules.wording import accusing_words, sentence_limit
from rules.writing import write


@dataclass(frozen=True)
class Context:
    """What a check may look at besides the rule itself."""

    rules: RuleSet
    names: Vocabulary
    catalogue: FeatureCatalogue
    results: tuple[CaseResult, ...] | None


Check = Callable[[Rule, Context], Iterator[RuleIssue]]


def lint_rules(ruleset: RuleSet, catalogue: FeatureCatalogue) -> list[RuleIssue]:
    """All findings of a library: those of loading and those of every check, in file order."""
    found = list(ruleset.issues)
    for rule in ruleset.rules:
        found.extend(lint_rule(rule, ruleset, catalogue))
    return sorted(found)


def lint_rule(rule: Rule, ruleset: RuleSet, catalogue: FeatureCatalogue) -> list[RuleIssue]:
    """Findings of one rule. Checks of examples are left out while the rule does not compile."""
    names = grain_vocabulary(rule.spec.grain, catalogue)
    found = list(check_names(rule, Context(ruleset, names, catalogue, None)))
    results: tuple[CaseResult, ...] | None = None
    if not found:
        try:
            results = tuple(run_cases(rule, ruleset.parameters, catalogue))
        except WardenError as error:
            found.append(rule.issue("D11", error.message, ("tests",), hint=error.hint))
    context = Context(ruleset, names, catalogue, results)
    for check in CHECKS:
        found.extend(check(rule, context))
    return sorted(found)


def check_names(rule: Rule, context: Context) -> Iterator[RuleIssue]:
    """D5: features, parameters and tables exist; types and units agree."""
    book = context.rules.parameters
    for name, spec in rule.spec.parameters.items():
        if spec.table is not None and spec.table not in book.tables:
            message = f"there is no parameter table `{spec.table}`"
            hint = nearest(spec.table, book.tables)
            yield rule.issue("D5", message, ("parameters", name), hint=hint)
        if name in context.names.columns:
            message = f"the parameter `{name}` has the name of a feature or attribute"
            yield rule.issue("D5", message, ("parameters", name))
    types = declared_types(rule.spec.parameters, book)
    trees: list[tuple[str, Node | None]] = [("scope", rule.scope), ("condition", rule.condition)]
    used: set[str] = set()
    for key, tree in trees:
        if tree is None:
            continue
        used.update(parameter_names(tree))
        for fault in check_condition(tree, context.names, types):
            yield rule.issue_at(key, fault.at, fault.message, fault.hint)
    for name in rule.spec.parameters.keys() - used:
        message = f"the parameter `{name}` is never used"
        yield rule.issue("D5", message, ("parameters", name))
    for name in rule.spec.min_support:
        if name != "n" and name not in context.names.features():
            yield rule.issue("D5", f"unknown feature `{name}`", ("min_support", name))


def check_identity(rule: Rule, context: Context) -> Iterator[RuleIssue]:
    """D2: grain and metadata fit typology and status."""
    spec = rule.spec
    expected = TYPOLOGIES[spec.typology].grain
    if spec.grain != expected and not _has_features(spec.typology, spec.grain, context):
        message = f"typology {spec.typology} has no features at grain {spec.grain}"
        yield rule.issue("D2", message, ("grain",), hint=f"Its grain is {expected}.")
    if spec.status is Status.RETIRED and not spec.retired_reason:
        yield rule.issue("D2", "a retired rule needs `retired_reason`", ("status",))
    if spec.status in (Status.ACTIVE, Status.SHADOW) and not spec.legal_basis:
        yield rule.issue("D2", "a judging rule needs a legal basis", ("legal_basis",))
    if spec.status is Status.ACTIVE and spec.lane is Lane.SCREEN and spec.max_flag_rate is None:
        yield rule.issue("D2", "an active screen needs `max_flag_rate`", ("status",))


def _has_features(typology: str, grain: str, context: Context) -> bool:
    return any(f.grain == grain for f in context.catalogue.of_typology(typology))


def check_duplicates(rule: Rule, context: Context) -> Iterator[RuleIssue]:
    """D3: no two rules share a title or judge the same with the same words."""
    for other in context.rules.rules:
        if other.id >= rule.id:
            continue
        if other.spec.title.en.casefold() == rule.spec.title.en.casefold():
            yield rule.issue("D3", f"the title is that of `{other.id}`", ("title", "en"))
        same = write(other.condition) == write(rule.condition)
        if same and other.spec.scope == rule.spec.scope and other.spec.grain == rule.spec.grain:
            values = {k: v.value for k, v in other.spec.parameters.items()}
            if values == {k: v.value for k, v in rule.spec.parameters.items()}:
                yield rule.issue("D3", f"the condition is that of `{other.id}`", ("condition",))


def check_law(rule: Rule, _context: Context) -> Iterator[RuleIssue]:
    """D4: at least one article of an active rule is in force at its last change."""
    spec = rule.spec
    if spec.status is not Status.ACTIVE or not spec.legal_basis:
        return
    day = spec.modified
    if not any(b.in_force_to is None or b.in_force_to >= day for b in spec.legal_basis):
        yield rule.issue("D4", f"no legal basis is in force on {day}", ("legal_basis",))


def check_scope(rule: Rule, _context: Context) -> Iterator[RuleIssue]:
    """D7 and D9: scope and condition depend on the row."""
    if rule.scope is not None and not column_names(rule.scope):
        yield rule.issue("D7", "the scope is the same for every row", ("scope",))
    if not column_names(rule.condition):
        yield rule.issue("D9", "the condition is the same for every row", ("condition",))
    seen: set[str] = set()
    for leaf in leaves(rule.condition):
        text = write(leaf)
        if text in seen:
            yield rule.issue("D9", f"`{text}` stands twice", ("condition",), warning=True)
        if not column_names(leaf):
            yield rule.issue("D9", f"`{text}` is the same for every row", ("condition",))
        seen.add(text)


def check_literals(rule: Rule, _context: Context) -> Iterator[RuleIssue]:
    """D10: thresholds are parameters; 0 and 1 may stand as they are."""
    for node in walk(rule.condition):
        if not isinstance(node, Compare):
            continue
        for side in (node.left, node.right):
            if isinstance(side, Number) and side.value not in (0.0, 1.0):
                message = f"the threshold {write(side)} should be a parameter"
                issue = rule.issue_at("condition", side.at, message)
                yield RuleIssue(
                    issue.path, issue.line, issue.column, "D10", "warning", message, "", rule.id
                )


def check_examples(rule: Rule, context: Context) -> Iterator[RuleIssue]:
    """D11: one fired, one clear, one not evaluable, one at the threshold; all as expected."""
    expected = {test.expect for test in rule.spec.tests}
    for outcome in ("fired", "clear", "not_evaluable"):
        if outcome not in expected:
            yield rule.issue("D11", f"no example ends {outcome}", ("tests",))
    if context.results is None:
        return
    for index, result in enumerate(context.results):
        if not result.passed:
            message = f"example `{result.name}`: {result.detail}"
            yield rule.issue("D11", message, ("tests", index))
    if not any(r.at_threshold for r in context.results) and _ordered(rule.condition):
        yield rule.issue("D11", "no example lies exactly at a threshold", ("tests",))


def _ordered(tree: Node) -> bool:
    return any(isinstance(n, Compare) for n in walk(tree))


def check_messages(rule: Rule, context: Context) -> Iterator[RuleIssue]:
    """D13: messages are neutral, short, and name only what the rule or its typology judges."""
    spec = rule.spec
    known = {*spec.parameters, *column_names(rule.condition)}
    known |= {n for n, c in context.names.columns.items() if c.kind == "attribute"}
    known |= {f.name for f in context.catalogue.of_typology(spec.typology) if f.grain == spec.grain}
    if rule.scope is not None:
        known |= set(column_names(rule.scope))
    for key, text in (("en", spec.message.en), ("zh", spec.message.zh)):
        for hole in placeholders(text):
            if hole.name not in known:
                message = f"`{{{hole.name}}}` is not used by this rule"
                hint = nearest(hole.name, known)
                yield rule.issue("D13", message, ("message", key), hint=hint)
        if stray_braces(text) or "\n" in text.strip():
            message = "a message is one line, with braces only around names"
            yield rule.issue("D13", message, ("message", key))
    told = {"title": spec.title, "message": spec.message, "harm": spec.harm}
    for where, words in told.items():
        for key, text in (("en", words.en), ("zh", words.zh)):
            for word in accusing_words(text):
                message = f"`{word}` accuses; describe the observation instead"
                yield rule.issue("D13", message, (where, key))
    for result in context.results or ():
        for key, sentence in (("en", result.message_en), ("zh", result.message_zh)):
            limit = sentence_limit(key)
            if sentence and len(sentence) > limit:
                message = (
                    f"the message of `{result.name}` has {len(sentence)} of {limit} characters"
                )
                yield rule.issue("D13", message, ("message", key))


def check_severity(rule: Rule, _context: Context) -> Iterator[RuleIssue]:
    """D14: a context typology stays at the lowest severities."""
    spec = rule.spec
    if TYPOLOGIES[spec.typology].context_only and spec.severity > 2:
        message = f"{spec.typology} is context only; its severity is 1 or 2"
        yield rule.issue("D14", message, ("severity",))


def check_tables(rule: Rule, context: Context) -> Iterator[RuleIssue]:
    """D17: a table has no hole between its rows and is compared as it says."""
    operators = _operators(rule)
    for name, spec in rule.spec.parameters.items():
        table = context.rules.parameters.tables.get(spec.table or "")
        if table is None:
            continue
        place = ("parameters", name)
        for row in table.rows:
            if row.comparator not in operators.get(name, {row.comparator}):
                message = f"table {table.table} is to be compared with `{row.comparator}`"
                yield rule.issue("D17", message, place)
                break
        for hole in holes(table.rows):
            message = f"table {table.table} has no value from {hole}"
            yield rule.issue("D17", message, place, warning=True)


def _operators(rule: Rule) -> dict[str, set[str]]:
    """Parameter to the operators it is compared by, as read from the other side."""
    flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
    found: dict[str, set[str]] = {}
    for tree in (rule.scope, rule.condition):
        for node in walk(tree) if tree is not None else ():
            if not isinstance(node, Compare):
                continue
            if isinstance(node.right, Parameter):
                found.setdefault(node.right.name, set()).add(node.op)
            if isinstance(node.left, Parameter):
                found.setdefault(node.left.name, set()).add(flipped.get(node.op, node.op))
    return found


def holes(rows: tuple[ParameterRow, ...]) -> list[date]:
    """First days on which a jurisdiction that had a value has none before its next row."""
    found: list[date] = []
    for where in {row.jurisdiction for row in rows}:
        own = sorted((r for r in rows if r.jurisdiction == where), key=lambda r: r.valid_from)
        for row, following in pairwise(own):
            if row.valid_to is not None and (following.valid_from - row.valid_to).days > 1:
                found.append(date.fromordinal(row.valid_to.toordinal() + 1))
    return sorted(found)


CHECKS: tuple[Check, ...] = (
    check_identity,
    check_duplicates,
    check_law,
    check_scope,
    check_literals,
    check_examples,
    check_messages,
    check_severity,
    check_tables,
)
