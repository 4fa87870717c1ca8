"""Run the checks over a rule, a text or a library."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from features.catalogue import FeatureCatalogue
from features.errors import WardenError
from rules.cases import CaseResult, run_cases
from rules.errors import RuleIssue
from rules.grains import grain_vocabulary, with_silence
from rules.lint.context import Around, Context
from rules.lint.registry import CHECKS
from rules.lint.twins import Twins
from rules.load import Rule, load_rule
from rules.lock import shipped_lock
from rules.ruleset import RuleSet

_NAMES = "D5"


def lint_rules(
    ruleset: RuleSet,
    catalogue: FeatureCatalogue,
    *,
    around: Around | None = None,
    paths: Collection[str] | None = None,
) -> list[RuleIssue]:
    """All findings of a library: those of reading and those of every check, in file order.

    Args:
        around: lock, exceptions and overlays; by default the lock of the shipped rules alone.
        paths: the files to tell of, as findings name them; the whole library when None.
    """
    around = around if around is not None else Around(lock=shipped_lock())
    twins = Twins.of(ruleset.rules)
    found = [i for i in ruleset.issues if paths is None or i.path in paths]
    for rule in ruleset.rules:
        if paths is None or rule.path in paths:
            found.extend(_lint(rule, ruleset, catalogue, around, twins))
    return sorted(found)


def lint_rule(
    rule: Rule,
    ruleset: RuleSet,
    catalogue: FeatureCatalogue,
    *,
    around: Around | None = None,
) -> list[RuleIssue]:
    """Findings of one rule among those of a library."""
    around = around if around is not None else Around(lock=shipped_lock())
    return _lint(rule, ruleset, catalogue, around, Twins.of(ruleset.rules))


def lint_text(
    text: str,
    path: str,
    ruleset: RuleSet,
    catalogue: FeatureCatalogue,
    *,
    around: Around | None = None,
) -> list[RuleIssue]:
    """Findings of a rule as somebody typed it, in place of the one of the same id.

    Args:
        text: a whole rule file.
        path: name of the file in findings; any other ending than .yaml for text without a file.
    """
    rule, issues = load_rule(text, path)
    if rule is None:
        return issues
    others = tuple(r for r in ruleset.rules if r.id != rule.id)
    rules = tuple(sorted((*others, rule), key=lambda r: r.id))
    return lint_rule(rule, replace(ruleset, rules=rules), catalogue, around=around)


def _lint(
    rule: Rule, ruleset: RuleSet, catalogue: FeatureCatalogue, around: Around, twins: Twins
) -> list[RuleIssue]:
    """Findings of one rule. Its examples are run only once its names fit."""
    names = with_silence(grain_vocabulary(rule.spec.grain, catalogue), rule.spec)
    context = Context(ruleset, names, catalogue, None, twins, around)
    found: list[RuleIssue] = []
    by_code = {check.code: check for check in CHECKS}
    found.extend(by_code[_NAMES].check(rule, context))
    if not found:
        results, failed = _cases(rule, ruleset, catalogue)
        context = replace(context, results=results)
        found.extend(failed)
    for check in CHECKS:
        if check.code != _NAMES:
            found.extend(check.check(rule, context))
    return sorted(found)


def _cases(
    rule: Rule, ruleset: RuleSet, catalogue: FeatureCatalogue
) -> tuple[tuple[CaseResult, ...] | None, list[RuleIssue]]:
    try:
        return tuple(run_cases(rule, ruleset.parameters, catalogue)), []
    except WardenError as error:
        return None, [rule.issue("D11", error.message, ("tests",), hint=error.hint)]
