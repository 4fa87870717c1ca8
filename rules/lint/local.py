"""D20 and D21: exceptions and local changes around a rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rules.errors import RuleIssue
from rules.lint.context import Check, Context
from rules.load import Rule


class Exceptions(Check):
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
    code = "D21"
    title = "A local change still fits the shipped rule"
    why = (
        "A local value was chosen against a shipped one. When an upgrade changed that field, or"
        " took it away, somebody decides again; nothing is overwritten silently."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        for note in context.around.overlays:
            if note.rule_id != rule.id:
                continue
            place = tuple(note.place.split("."))
            now = _at(rule.document.data, place)
            if now == note.base or now == note.value:
                continue
            was, here = _shown(note.base), _shown(note.value)
            message = f"`{note.place}` was {was} when it was set to {here}, and is {_shown(now)}"
            yield rule.issue(self.code, message, place, hint="Set the local value again.")


def _at(data: Any, place: tuple[str, ...]) -> object:
    for key in place:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data


def _shown(value: object) -> str:
    return "absent" if value is None else f"{value}"[:60]
