"""Limits of restricted rules, kept from whoever may not see them.

A limit that firms know is a limit they stay below. A rule says itself that it is `restricted`; an
alert carries that with the rule's name. Without `thresholds.read` its figures are shown, where
they were measured, and neither the limit nor anything it could be worked out from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from detector.people.permissions import Permission
from detector.people.principal import Principal

KEPT = ("feature", "value", "n", "unit", "reason", "day", "first", "last", "withheld")
"""What stays of a fact."""
SENTENCE = {
    "en": "A rule whose limits are not open to your role fired.",
    "zh": "一条规则触发，其阈值不向您的角色公开。",
}


def hidden(rules: Iterable[Mapping[str, Any]], who: Principal) -> bool:
    """Whether rules of an alert keep something from this person."""
    if Permission.THRESHOLDS_READ in who.may:
        return False
    return any(rule.get("disclosure") == "restricted" for rule in rules)


def disclosed(shown: dict[str, Any], who: Principal) -> dict[str, Any]:
    """An alert object as this person may see it."""
    if not hidden(shown["rules"], who):
        return shown
    facts = [{k: v for k, v in fact.items() if k in KEPT} for fact in shown["facts"]]
    # how sure and how near the limit are the same question
    unsaid: dict[str, Any] = {"suspicion": None, "p_value": None, "q_value": None, "tags": []}
    bare = [{k: v for k, v in rule.items() if k != "strength"} for rule in shown["rules"]]
    return {**shown, **unsaid, "facts": facts, "rules": bare, "message": SENTENCE}


def told_lines(lines: Iterable[dict[str, Any]], who: Principal) -> list[dict[str, Any]]:
    """Alerts as lines of a list: what names the limit of a restricted rule is left unsaid."""
    return [line | {"message": SENTENCE} if hidden(line["rules"], who) else line for line in lines]


def open_text(rule: Any, who: Principal) -> None:
    """Lets the text of a rule be read.

    Raises:
        WardenError: `not_permitted` for a restricted one without the permission.
    """
    if rule.spec.disclosure == "restricted":
        who.require(Permission.THRESHOLDS_READ)
