"""D18 and D19: what was published stays as it was published."""

from __future__ import annotations

from collections.abc import Iterator

from rules.errors import RuleIssue
from rules.lint.context import Check, Context
from rules.load import Rule
from rules.lock import unbumped
from rules.spec import Status


class NewVersion(Check):
    code = "D18"
    title = "A changed rule has a new version"
    why = (
        "Alerts name the rule and the version they fired with. The lock file holds version and"
        " hash of every rule that is in shadow, active or retired; drafts are not in it and change"
        " freely. `warden rules lock` writes it."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        entry = context.around.lock.get(rule.id)
        if entry is not None and rule.spec.status is not Status.DRAFT and unbumped(rule, entry):
            message = f"the rule changed and is still version {rule.version}"
            if rule.version != entry.version:
                message = f"version {rule.version} is not above {entry.version}, which was locked"
            yield rule.issue(self.code, message, ("version",), hint="Raise the version.")
        if entry is not None and rule.spec.status is Status.DRAFT:
            message = f"version {entry.version} was in force; it is retired, not made a draft"
            yield rule.issue(self.code, message, ("status",))


class RetiredUnchanged(Check):
    code = "D19"
    title = "A retired rule does not change"
    why = (
        "A retired rule explains old alerts. What should judge again gets an id of its own and"
        " names the old one in `supersedes`."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        entry = context.around.lock.get(rule.id)
        if entry is None or entry.status is not Status.RETIRED:
            return
        if entry.hash != rule.content_hash:
            message = f"the rule was retired as version {entry.version} and changed since"
            yield rule.issue(self.code, message, ("version",), hint="Restore it.")
