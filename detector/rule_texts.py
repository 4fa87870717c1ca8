"""A rule by its text, and the text of a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from detector.rule_records import RuleAct, RuleEvent, RuleVersion, Source
from detector.rule_states import Text
from features.errors import WardenError
from rules.errors import nearest
from rules.load import Rule, load_rule
from rules.overlays import MARK
from rules.ruleset import SHIPPED_RULES, name_of
from rules.spec import Status

_SHIPPED = name_of(SHIPPED_RULES)


def is_shipped(rule: Rule) -> bool:
    """Whether the rule came with this software."""
    return rule.path.startswith(f"{_SHIPPED}/")


def source_of(rule: Rule) -> Source:
    """Where the text of a file comes from."""
    if MARK in rule.version:
        return "overlay"
    return "shipped" if is_shipped(rule) else "local"


def worst_of(rule: Rule) -> int:
    """The gravest severity a firing of the rule may have."""
    return max([rule.spec.severity, *(band.severity for band in rule.spec.bands)])


def text_of(rule: Rule) -> Text:
    """What names a rule's text for good."""
    return Text(rule.version, rule.content_hash)


def version_of(rule: Rule, at: datetime) -> RuleVersion:
    """The row that keeps a rule's text."""
    return RuleVersion(rule.id, rule.version, rule.content_hash, rule.text, source_of(rule), at)


def event_of(
    rule: Rule,
    kind: RuleAct,
    actor: str,
    at: datetime,
    note: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> RuleEvent:
    """A decision about a rule's text."""
    return RuleEvent(rule.id, rule.version, rule.content_hash, kind, actor, at, note, data or {})


def rule_of(kept: RuleVersion) -> Rule:
    """A rule by its kept text.

    Raises:
        WardenError: `unreadable_version` when this release cannot read it any more.
    """
    return _read(kept.text, label_of(kept))


def label_of(kept: RuleVersion) -> str:
    """How a kept text is named where a file would be."""
    return f"{kept.rule_id}@{kept.version}"


@lru_cache(maxsize=1024)
def _read(text: str, name: str) -> Rule:
    rule, issues = load_rule(text, name)
    if rule is None:
        raise WardenError(
            "unreadable_version",
            f"The text of {name} does not fit this release: {issues[0].message}.",
            "Promote a version that does.",
        )
    return rule


def stamped(rule: Rule, status: Status) -> Rule:
    """The rule with the status it has in this installation; its text stays as it is."""
    if rule.spec.status is status:
        return rule
    return replace(rule, spec=rule.spec.model_copy(update={"status": status}))


def unknown_rule(rule_id: str, known: Iterable[str]) -> WardenError:
    """The error for an id nobody has."""
    return WardenError(
        "unknown_rule",
        f"There is no rule `{rule_id}`.",
        nearest(rule_id, known) or "See `warden rules list`.",
        "not_found",
    )
