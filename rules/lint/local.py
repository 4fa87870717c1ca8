"""D20 and D21: exceptions and local changes around a rule."""

from __future__ import annotations

from collections.abc import Iterator

from rules.errors import RuleIssue
from rules.lint.context import Check, Context
from rules.load import Rule
from rules.overlays import overlay_conflicts
from rules.ruleset import RuleSet


class Exceptions(Check):
    """D20: an exception has an owner, a reason and an end."""

    code = "D20"
    title = "An exception has an owner, a reason and an end"
    why = (
        "An exception that nobody owns or that never ends hides firings for ever. It ends after"
        " the day the rule was last changed, else the rule has moved on without it."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        for note in context.around.exceptions:
            if note.rule_id != rule.id:
                continue
            said = {"owner": note.owner, "reason": note.reason, "expiry": note.expires}
            for what, value in said.items():
                if value is None or (isinstance(value, str) and not value.strip()):
                    message = f"the exception for {note.subject or 'all subjects'} has no {what}"
                    yield rule.issue(self.code, message, ("id",))


class Overlays(Check):
    """D21: a local change still fits the shipped rule."""

    code = "D21"
    title = "A local change still fits the shipped rule"
    why = (
        "A local value was chosen against a shipped one. When an upgrade changed that field, or"
        " took it away, somebody decides again; nothing is overwritten silently. The finding stands"
        " in the overlay's file."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        mine = [overlay for overlay in context.around.overlays if overlay.rule == rule.id]
        yield from overlay_conflicts(RuleSet((rule,), ""), mine)
