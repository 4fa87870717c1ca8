"""Limits of restricted rules, left out of an alert for whoever may not see them.

A limit that firms know is a limit they stay below. A rule says itself that it is `restricted`; an
alert carries that with the rule's name. Its figures are shown where they were measured, and
neither the limit nor anything it could be worked out from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

KEPT = ("feature", "value", "n", "unit", "reason", "day", "first", "last", "withheld")
"""What stays of a fact."""
SENTENCE = {
    "en": "A rule whose limits are not open to your role fired.",
    "zh": "一条规则触发，其阈值不向您的角色公开。",
}


def restricted(rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any rule of an alert keeps its limits back."""
    return any(rule.get("disclosure") == "restricted" for rule in rules)


def without_limits(shown: Mapping[str, Any]) -> dict[str, Any]:
    """An alert object as it is shown without the permission to see limits."""
    facts = [{k: v for k, v in fact.items() if k in KEPT} for fact in shown["facts"]]
    # how sure and how near the limit are the same question
    unsaid: dict[str, Any] = {"suspicion": None, "p_value": None, "q_value": None, "tags": []}
    bare = [{k: v for k, v in rule.items() if k != "strength"} for rule in shown["rules"]]
    return {**shown, **unsaid, "facts": facts, "rules": bare, "message": SENTENCE}
