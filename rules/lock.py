"""The lock of reviewed rules: a change of content needs a change of version."""

from __future__ import annotations

import json

from features.errors import WardenError
from rules.errors import RuleIssue
from rules.load import Rule
from rules.ruleset import RuleSet


def lock_text(ruleset: RuleSet) -> str:
    """JSON of id to version and content hash, one line per rule, in order."""
    entries = {r.id: {"version": r.version, "hash": r.content_hash} for r in ruleset.rules}
    return json.dumps(entries, indent=1, sort_keys=True) + "\n"


def check_lock(ruleset: RuleSet, text: str) -> list[RuleIssue]:
    """D18: a rule whose content changed has a new version. Rules not in the lock are new.

    Raises:
        WardenError: `invalid_lock` when the text is no lock file.
    """
    try:
        entries = json.loads(text)
        known = {str(k): (str(v["version"]), str(v["hash"])) for k, v in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WardenError("invalid_lock", "The lock file cannot be read.") from error
    return [issue for rule in ruleset.rules if (issue := _unbumped(rule, known.get(rule.id)))]


def _unbumped(rule: Rule, known: tuple[str, str] | None) -> RuleIssue | None:
    if known is None or known[1] == rule.content_hash or known[0] != rule.version:
        return None
    message = f"the rule changed and is still version {rule.version}"
    return rule.issue("D18", message, ("version",), hint="Raise the version.")
