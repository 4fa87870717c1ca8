"""The lock of published rules: a change of content needs a change of version.

Drafts are not locked: they judge nobody and change freely. A rule is locked from the day it is
shipped in shadow or active, and stays locked when it is retired.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import WardenError
from rules.errors import RuleIssue
from rules.load import Rule
from rules.overlays import MARK
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


def parts(version: str) -> tuple[int, ...]:
    """A version as numbers, to be compared; what follows a plus does not count."""
    return tuple(int(part) for part in version.partition("+")[0].split("."))


def changed_alone(rule: Rule, entry: LockEntry) -> Iterator[RuleIssue]:
    """D18 and D19: a published rule that differs from its lock as none may."""
    same, status = rule.content_hash == entry.hash, rule.spec.status
    if status is Status.DRAFT:
        message = f"version {entry.version} was in force; it is retired, not made a draft"
        yield rule.issue("D18", message, ("status",))
    elif not same and not _overlaid(rule) and parts(rule.version) <= parts(entry.version):
        message = f"the rule changed and is still version {rule.version}"
        if rule.version != entry.version:
            message = f"version {rule.version} is not above {entry.version}, which was locked"
        yield rule.issue("D18", message, ("version",), hint="Raise the version.")
    if not same and entry.status is Status.RETIRED:
        message = f"the rule was retired as version {entry.version} and changed since"
        yield rule.issue("D19", message, ("version",), hint="Restore it.")


def _overlaid(rule: Rule) -> bool:
    """Whether an installation set figures of the version; the text of the release is the same."""
    return MARK in rule.version


def forbidden(ruleset: RuleSet, lock: Mapping[str, LockEntry]) -> list[RuleIssue]:
    """Why a lock may not be written anew: rules that changed as none may, or that are gone."""
    ids = {rule.id: rule for rule in ruleset.rules}
    found = [i for name, e in lock.items() if name in ids for i in changed_alone(ids[name], e)]
    for gone in lock.keys() - ids.keys():
        message = f"the rule `{gone}` was published and is gone; ids are never used again"
        found.append(
            RuleIssue(LOCK_FILE.name, 1, 1, "D19", "error", message, "Retire it instead.", gone)
        )
    return sorted(found)


def check_lock(ruleset: RuleSet, lock: Mapping[str, LockEntry]) -> list[RuleIssue]:
    """What the lock does not say as the rules do: changed, new and removed ones."""
    found = forbidden(ruleset, lock)
    told = {issue.rule_id for issue in found}
    for rule in ruleset.rules:
        entry, status = lock.get(rule.id), rule.spec.status
        if status is Status.DRAFT or rule.id in told:
            continue
        if entry != LockEntry(rule.version, rule.content_hash, status):
            how = "is not in the lock" if entry is None else "is not as it was locked"
            message, hint = f"version {rule.version} {how}", "Run `warden rules lock`."
            found.append(rule.issue("D18", message, ("version",), hint=hint))
    return sorted(found)
