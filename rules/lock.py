"""The lock of published rules: a change of content needs a change of version.

Drafts are not locked: they judge nobody and change freely. A rule is locked from the day it is
shipped in shadow or active, and stays locked when it is retired.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import WardenError
from rules.errors import RuleIssue
from rules.load import Rule
from rules.ruleset import RuleSet
from rules.spec import Status

LOCK_FILE = Path(__file__).parent / "library.lock"
"""The lock of the rules this software ships."""


@dataclass(frozen=True, slots=True)
class LockEntry:
    """A rule as it was published."""

    version: str
    hash: str
    status: Status


def lock_text(ruleset: RuleSet) -> str:
    """JSON of id to version, content hash and status, in order of the ids; drafts are left out."""
    entries = {
        r.id: {"version": r.version, "hash": r.content_hash, "status": r.spec.status.value}
        for r in ruleset.rules
        if r.spec.status is not Status.DRAFT
    }
    return json.dumps(entries, indent=1, sort_keys=True) + "\n"


def read_lock(text: str) -> dict[str, LockEntry]:
    """Entries of a lock by rule id.

    Raises:
        WardenError: `invalid_lock` when the text is no lock file.
    """
    try:
        return {
            str(k): LockEntry(str(v["version"]), str(v["hash"]), Status(v["status"]))
            for k, v in json.loads(text).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WardenError("invalid_lock", "The lock file cannot be read.") from error


def shipped_lock() -> dict[str, LockEntry]:
    """The lock of the shipped rules; empty when there is none."""
    return read_lock(LOCK_FILE.read_text(encoding="utf-8")) if LOCK_FILE.exists() else {}


def unbumped(rule: Rule, entry: LockEntry) -> bool:
    """Whether a rule differs from what was locked and its version is not above it."""
    return rule.content_hash != entry.hash and parts(rule.version) <= parts(entry.version)


def parts(version: str) -> tuple[int, ...]:
    """A version as numbers, to be compared."""
    return tuple(int(part) for part in version.split("."))


def check_lock(ruleset: RuleSet, lock: Mapping[str, LockEntry]) -> list[RuleIssue]:
    """What the lock does not say as the rules do: new and removed ones, new versions.

    Changes without a new version are for lint, D18 and D19.
    """
    found: list[RuleIssue] = []
    for rule in ruleset.rules:
        entry, status = lock.get(rule.id), rule.spec.status
        if status is Status.DRAFT:
            continue
        now = LockEntry(rule.version, rule.content_hash, status)
        if entry != now:
            told = "is not in the lock" if entry is None else "is not as it was locked"
            message, hint = f"version {rule.version} {told}", "Run `warden rules lock`."
            found.append(rule.issue("D18", message, ("version",), hint=hint))
    ids = {rule.id for rule in ruleset.rules}
    for gone in sorted(lock.keys() - ids):
        message = f"the rule `{gone}` was published and is gone; ids are never used again"
        found.append(
            RuleIssue("rules/library.lock", 1, 1, "D19", "error", message, "Retire it.", gone)
        )
    return sorted(found)
