"""Limits of restricted rules, kept from whoever may not see them: `thresholds.read` shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alerts.restricted import KEPT, SENTENCE, restricted, without_limits
from detector.people.permissions import Permission
from detector.people.principal import Principal

__all__ = ["KEPT", "SENTENCE", "disclosed", "hidden", "open_text"]


def hidden(rules: Iterable[Mapping[str, Any]], who: Principal) -> bool:
    """Whether rules of an alert keep something from this person."""
    return Permission.THRESHOLDS_READ not in who.may and restricted(rules)


def disclosed(shown: dict[str, Any], who: Principal) -> dict[str, Any]:
    """An alert object as this person may see it."""
    return without_limits(shown) if hidden(shown["rules"], who) else shown


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
