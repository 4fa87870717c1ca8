"""The lock: published rules change only with a new version, drafts freely."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import WardenError
from rules.lint import Around, lint_rules
from rules.load import Rule, load_rule
from rules.lock import LockEntry, check_lock, lock_text, read_lock
from rules.ruleset import RuleSet
from tests.rules.rule_frames import rule_text, tiny_catalogue

GOOD = rule_text("a > 1")


def ruleset(*texts: str) -> RuleSet:
    rules: list[Rule] = []
    for text in texts:
        rule, issues = load_rule(text, "test-rule.yaml")
        assert rule is not None, issues
        rules.append(rule)
    return RuleSet(tuple(rules), "")


def locked(text: str) -> dict[str, LockEntry]:
    return read_lock(lock_text(ruleset(text)))


def versions(text: str, lock: dict[str, LockEntry]) -> list[tuple[str, str]]:
    """Findings of D18 and D19 with the line they are at."""
    found = lint_rules(ruleset(text), tiny_catalogue(), around=Around(lock=lock))
    lines = text.split("\n")
    return [(i.code, lines[i.line - 1]) for i in found if i.code in ("D18", "D19")]


def test_a_change_needs_a_higher_version() -> None:
    lock = locked(GOOD)
    assert versions(GOOD, lock) == [] and check_lock(ruleset(GOOD), lock) == []
    changed = GOOD.replace("a > 1", "a >= 1")
    assert versions(changed, lock) == [("D18", 'version: "1.0.0"')]
    lower = changed.replace("1.0.0", "0.9.0")
    assert versions(lower, lock) == [("D18", 'version: "0.9.0"')]
    for higher in ("1.0.1", "1.10.0", "2.0.0"):
        text = changed.replace("1.0.0", higher)
        assert versions(text, lock) == []
        assert [i.message for i in check_lock(ruleset(text), lock)] == [
            f"version {higher} is not as it was locked"
        ]
        assert check_lock(ruleset(text), locked(text)) == []
    nine = GOOD.replace("1.0.0", "1.9.0")
    assert versions(changed.replace("1.0.0", "1.10.0"), locked(nine)) == []


def test_figures_set_by_an_office_are_no_change_of_the_release() -> None:
    overlaid = GOOD.replace("a > 1", "a > 2").replace("1.0.0", "1.0.0+local.4d59d078")
    assert versions(overlaid, locked(GOOD)) == []
    assert versions(overlaid.replace("+local.4d59d078", ""), locked(GOOD)) != []


def test_line_ends_are_no_change() -> None:
    assert check_lock(ruleset(GOOD.replace("\n", "\r\n")), locked(GOOD)) == []


def test_drafts_change_freely_until_they_are_published() -> None:
    draft = rule_text("a > 1", status="draft")
    assert lock_text(ruleset(draft)) == "{}\n"
    assert check_lock(ruleset(draft), {}) == []
    assert [i.code for i in check_lock(ruleset(GOOD), {})] == ["D18"]
    assert versions(draft, locked(GOOD)) == [("D18", "status: draft")]


def test_what_was_retired_stays_as_it_was_and_stays_there() -> None:
    retired = rule_text("a > 1", status="retired")
    assert versions(retired, locked(retired)) == []
    later = retired.replace("1.0.0", "1.1.0").replace("owner: tester", "owner: another")
    assert versions(later, locked(retired)) == [("D19", 'version: "1.1.0"')]
    gone = check_lock(ruleset(), locked(retired))
    assert [(i.code, i.rule_id) for i in gone] == [("D19", "test-rule")]


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', '{"a": {"version": "1.0.0"}}'])
def test_what_is_no_lock_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(WardenError):
        read_lock(text)
