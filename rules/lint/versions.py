"""D18 and D19: what was published stays as it was published."""

from __future__ import annotations

from collections.abc import Iterator

from rules.errors import RuleIssue
from rules.lint.context import Check, Context
from rules.load import Rule
from rules.lock import changed_alone


class NewVersion(Check):
    """D18: a changed rule has a new version."""

    code = "D18"
    title = "A changed rule has a new version"
    why = (
        "Alerts name the rule and the version they fired with. The lock file holds version and"
        " hash of every rule that is in shadow, active or retired; drafts are not in it and change"
        " freely. `warden rules lock` writes it."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        yield from _found(rule, context, self.code)


class RetiredUnchanged(Check):
    """D19: a retired rule does not change."""

    code = "D19"
    title = "A retired rule does not change"
    why = (
        "A retired rule explains old alerts. What should judge again gets an id of its own and"
        " names the old one in `supersedes`."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        yield from _found(rule, context, self.code)


def _found(rule: Rule, context: Context, code: str) -> Iterator[RuleIssue]:
    entry = context.around.lock.get(rule.id)
    if entry is not None:
        yield from (issue for issue in changed_alone(rule, entry) if issue.code == code)
