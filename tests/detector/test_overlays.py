"""Figures an installation sets for a shipped rule: approved once, carried over releases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from detector import promotion
from detector.rule_releases import remember
from detector.rulebook import rule_text, rulebook, rules_in_force
from detector.settings import Settings
from detector.system import System
from rules import ruleset
from rules.load import Rule
from rules.overlays import overlay_conflicts
from tests.detector.promoting import (
    AUTHOR,
    SECOND,
    judged_in_shadow,
    live,
    local_text,
    shadowed,
    write_rule,
)

RULE = "bid-narrow"
START = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


@pytest.fixture
def ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Ships a text as the whole library of a release."""
    monkeypatch.setattr(ruleset, "SHIPPED_RULES", tmp_path / "release" / "library")
    monkeypatch.setattr(ruleset, "HERE", tmp_path / "release")
    return lambda text: write_rule(tmp_path / "release" / "library", text, RULE) and None


@pytest.fixture
def system(engine: sa.Engine, tmp_path: Path, ship: Callable[[str], None]) -> System:
    """An installation of the first release."""
    ship(local_text(rule_id=RULE))
    ticks: Iterator[int] = iter(range(10**6))

    def clock() -> datetime:
        return START + timedelta(seconds=next(ticks))

    opened = System(Settings(), tmp_path, engine, None, clock)  # type: ignore[arg-type]
    remember(opened)
    return opened


def lay(system: System, text: str) -> Path:
    """Files an overlay written against today's shipped text."""
    base = rulebook(system).files[RULE].content_hash
    folder = system.home / "rules" / "overlays"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{RULE}.yaml"
    path.write_text(f"rule: {RULE}\nbase_hash: {base}\n{text}", encoding="utf-8")
    return path


def judging(system: System) -> dict[str, Rule]:
    return {r.spec.status.value: r for r in rules_in_force(system).judging() if r.id == RULE}


def figures(rule: Rule) -> tuple[object, float | None]:
    return rule.spec.parameters["max_cv"].value, rule.spec.max_flag_rate


def codes(system: System) -> list[str]:
    return [i.code for i in rules_in_force(system).issues if i.rule_id == RULE]


def approved(system: System) -> None:
    """The overlay through every stage."""
    shadowed(system, RULE)
    judged_in_shadow(system, RULE)
    promotion.to_active(system, RULE, SECOND)


BOTH = "parameters: {max_cv: 0.012}\nmax_flag_rate: 0.3\nreason: a small market\n"


def test_an_overlay_is_a_version_of_its_own_and_waits_for_two_persons(system: System) -> None:
    lay(system, BOTH)
    shown = {r.version: r for r in rules_in_force(system).rules if r.id == RULE}
    label = next(version for version in shown if "+local." in version)
    assert label.startswith("1.0.0+local.")
    assert figures(shown[label]) == (0.012, 0.3)
    assert figures(judging(system)["active"]) == (0.018, 0.1)
    shadowed(system, RULE)
    assert judging(system)["shadow"].version == label
    assert judging(system)["active"].version == "1.0.0"
    judged_in_shadow(system, RULE)
    with pytest.raises(Exception, match="another person"):
        promotion.to_active(system, RULE, AUTHOR)
    promotion.to_active(system, RULE, SECOND)
    assert {s: r.version for s, r in judging(system).items()} == {"active": label}
    assert "0.012" in rule_text(system, RULE, label)
    assert "a small market" in rule_text(system, RULE, label)
    promotion.roll_back(system, RULE, AUTHOR)
    assert judging(system)["active"].version == "1.0.0"


def test_it_survives_a_release_that_changes_something_else(
    system: System, ship: Callable[[str], None]
) -> None:
    lay(system, BOTH)
    approved(system)
    ship(local_text("1.1.0", rule_id=RULE, severity=4))
    remember(system)
    rule = judging(system)["active"]
    assert rule.version.startswith("1.1.0+local.")
    assert rule.spec.severity == 4
    assert figures(rule) == (0.012, 0.3)
    assert codes(system) == []
    assert rulebook(system).events[RULE][-1].actor == "release"
    before = rulebook(system).standing(RULE)
    remember(system)
    assert rulebook(system).standing(RULE) == before


def test_a_figure_the_release_changed_is_the_releases_and_is_reported(
    system: System, ship: Callable[[str], None]
) -> None:
    path = lay(system, BOTH)
    approved(system)
    ship(local_text("1.1.0", 0.015, rule_id=RULE))
    remember(system)
    rule = judging(system)["active"]
    assert rule.version.startswith("1.1.0+local.")
    assert figures(rule) == (0.015, 0.3)
    book = rulebook(system)
    found = overlay_conflicts(rules_in_force(system), book.overlays.values())
    assert [(i.code, i.path, i.line) for i in found] == [("D21", str(path), 3)]
    assert "from 0.018 to 0.015" in found[0].message
    assert book.files[RULE].content_hash in found[0].hint
    assert codes(system) == ["D21"]


def test_what_the_release_took_back_takes_a_new_approval(
    system: System, ship: Callable[[str], None]
) -> None:
    lay(system, BOTH)
    approved(system)
    ship(local_text("1.1.0", 0.015, rule_id=RULE))
    remember(system)
    lay(system, BOTH)
    remember(system)
    assert codes(system) == []
    assert figures(judging(system)["active"]) == (0.015, 0.3)
    approved(system)
    assert figures(judging(system)["active"]) == (0.012, 0.3)


def test_an_overlay_with_nothing_left_leaves_the_shipped_rule(
    system: System, ship: Callable[[str], None]
) -> None:
    lay(system, "parameters: {max_cv: 0.012}\n")
    approved(system)
    ship(local_text("1.1.0", 0.015, rule_id=RULE))
    remember(system)
    assert judging(system)["active"].version == "1.1.0"
    ship(local_text("1.2.0", 0.015, rule_id=RULE, severity=4))
    remember(system)
    assert judging(system)["active"].version == "1.2.0"


def test_another_figure_in_the_file_is_not_approved_by_the_old_approval(
    system: System, ship: Callable[[str], None]
) -> None:
    lay(system, BOTH)
    approved(system)
    lay(system, BOTH.replace("0.012", "0.4"))
    remember(system)
    ship(local_text("1.1.0", rule_id=RULE, severity=4))
    remember(system)
    assert figures(judging(system)["active"]) == (0.012, 0.3)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("condition: bid_cv > 0\n", "schema", "unknown key `condition`"),
        ("status: active\n", "schema", "unknown key `status`"),
        ("parameters: {max_cvv: 0.1}\n", "D21", "no such parameter"),
        ("parameters: {max_cv: [1]}\n", "schema", "parameters"),
        ("max_flag_rate: 7\n", "schema", "max_flag_rate"),
    ],
)
def test_what_an_overlay_may_not_say_is_placed(
    system: System, text: str, code: str, words: str
) -> None:
    path = lay(system, text)
    found = [i for i in rules_in_force(system).issues if i.path == str(path)]
    assert {i.code for i in found} == {code}
    assert any(words in i.message for i in found)
    assert all(i.line == 3 for i in found)
    assert figures(judging(system)["active"]) == (0.018, 0.1)


def test_a_limit_of_law_and_a_rule_of_ones_own_are_not_overlaid(
    system: System, ship: Callable[[str], None]
) -> None:
    ship(local_text("1.1.0", rule_id=RULE).replace("class: ENG", "class: LEGAL"))
    lay(system, "parameters: {max_cv: 0.012}\n")
    remember(system)
    assert codes(system) == ["D21"]
    assert judging(system)["active"].version == "1.1.0"
    folder = system.home / "mine"
    titled = local_text(limit=0.017).replace("en: A measure", "en: Another measure")
    write_rule(folder, titled)
    mine = System(
        Settings(rule_dirs=[folder]), system.home, system.engine, system.lake, system.clock
    )
    live(mine)
    text = f"rule: rule-of-my-own\nbase_hash: {'a' * 64}\nparameters: {{max_cv: 0.5}}\n"
    (system.home / "rules" / "overlays" / "own.yaml").write_text(text)
    issues = [i for i in rules_in_force(mine).issues if i.rule_id == "rule-of-my-own"]
    assert any("change your own rule itself" in i.message for i in issues)
    assert [r.version for r in rules_in_force(mine).live()] == ["1.1.0", "1.0.0"]
