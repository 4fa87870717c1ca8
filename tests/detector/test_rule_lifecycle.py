"""The life of a rule: who may move it, on what it rests, and that nothing kept ever changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from detector import promotion
from detector.database import writing
from detector.rule_records import RuleAct, kept_events, kept_versions
from detector.rule_releases import remember
from detector.rulebook import rule_text, rulebook, rules_in_force, text_diff
from detector.settings import Settings
from detector.system import System
from detector.tables import rule_event, rule_version
from features.errors import WardenError
from rules import ruleset
from rules.ruleset import load_library
from rules.spec import Status
from tests.detector.promoting import (
    AUTHOR,
    SECOND,
    judged_in_shadow,
    live,
    local_text,
    ran,
    report_on,
    shadowed,
    write_rule,
)
from tests.detector.promoting import LIKE as SHIPPED
from tests.detector.promoting import OWN as MINE

START = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


@pytest.fixture
def system(engine: sa.Engine, tmp_path: Path) -> System:
    """An installation with one rule of its own that calls itself active."""
    write_rule(tmp_path / "mine", local_text())
    ticks: Iterator[int] = iter(range(10**6))

    def clock() -> datetime:
        return START + timedelta(seconds=next(ticks))

    return System(Settings(rule_dirs=[tmp_path / "mine"]), tmp_path, engine, None, clock)  # type: ignore[arg-type]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Ships another text of the shipped rule, alone in the library."""
    library = tmp_path / "release" / "library"
    monkeypatch.setattr(ruleset, "SHIPPED_RULES", library)
    monkeypatch.setattr(ruleset, "HERE", tmp_path / "release")

    def ship(text: str) -> None:
        write_rule(library, text, SHIPPED)

    return ship


def refused(code: str, act: Callable[..., object], *args: object, **more: object) -> WardenError:
    with pytest.raises(WardenError) as caught:
        act(*args, **more)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


def statuses(system: System, rule_id: str = MINE) -> dict[str, str]:
    found = [r for r in rules_in_force(system).rules if r.id == rule_id]
    assert len({r.version for r in found}) == len(found)
    return {r.version: r.spec.status.value for r in found}


def changed(version: str) -> str:
    return local_text(version, 0.019)


def test_a_local_rule_is_a_draft_whatever_its_file_says(system: System) -> None:
    assert "status: active" in local_text()
    assert statuses(system) == {"1.0.0": "draft"}
    remember(system)
    assert statuses(system) == {"1.0.0": "draft"}
    assert statuses(system, SHIPPED) == {"1.0.0": "active"}


def test_the_stages_in_order_with_two_persons(system: System) -> None:
    refused("shadow_required", promotion.to_active, system, MINE, SECOND)
    refused("report_required", promotion.to_shadow, system, MINE, AUTHOR)
    shadowed(system)
    assert statuses(system) == {"1.0.0": "shadow"}
    refused("shadow_run_required", promotion.to_active, system, MINE, SECOND)
    judged_in_shadow(system, MINE)
    for same in (AUTHOR, " ann  AUTHOR ", "Ａnn Author"):
        refused("second_person", promotion.to_active, system, MINE, same)
    assert statuses(system) == {"1.0.0": "shadow"}
    promotion.to_active(system, MINE, SECOND)
    assert statuses(system) == {"1.0.0": "active"}
    acts = [(e.kind.value, e.actor) for e in rulebook(system).events[MINE]]
    assert acts == [
        ("proposed", AUTHOR),
        ("shadowed", AUTHOR),
        ("approved", SECOND),
        ("activated", SECOND),
    ]
    assert rulebook(system).events[MINE][0].data["report"]["snapshot_id"] == "S"


def test_a_shadow_that_judged_nobody_or_before_its_time_does_not_count(system: System) -> None:
    shadowed(system)
    label = {f"{MINE}@1.0.0": {"judged": 5, "fired": 0}}
    ran(system, {"target": "live", "shadows": {f"{MINE}@1.0.0": {"judged": 0, "fired": 0}}})
    ran(system, {"target": "as-of:2026-01-01", "shadows": label})
    ran(system, {"target": "live", "shadows": label}, START - timedelta(days=1))
    refused("shadow_run_required", promotion.to_active, system, MINE, SECOND)


def test_no_actor_no_act(system: System) -> None:
    report = report_on(system, MINE)
    refused("actor_required", promotion.to_shadow, system, MINE, "  ", report=report)
    with pytest.raises(WardenError, match="plain text"):
        promotion.to_shadow(system, MINE, "a\nb", report=report)
    assert statuses(system) == {"1.0.0": "draft"}


def test_a_report_is_of_exactly_this_text(system: System, tmp_path: Path) -> None:
    old = report_on(system, MINE)
    for name in ("rule", "version", "content_hash", "snapshot_id"):
        other = replace(old, data={**old.data, name: None})
        refused("report_mismatch", promotion.to_shadow, system, MINE, AUTHOR, report=other)
    write_rule(tmp_path / "mine", local_text() + "# one more line\n")
    refused("report_mismatch", promotion.to_shadow, system, MINE, AUTHOR, report=old)


def test_what_does_not_pass_its_checks_stays_a_draft(system: System, tmp_path: Path) -> None:
    text = local_text().replace("bid_cv <= :max_cv", "bid_cv <= 0.02")
    write_rule(tmp_path / "mine", text)
    report = report_on(system, MINE)
    refused("lint_failed", promotion.to_shadow, system, MINE, AUTHOR, report=report)
    assert statuses(system) == {"1.0.0": "draft"}


def test_a_version_never_gets_a_second_text(system: System, tmp_path: Path) -> None:
    shadowed(system)
    before = rule_text(system, MINE, "1.0.0")
    write_rule(tmp_path / "mine", changed("1.0.0"))
    report = report_on(system, MINE)
    refused("version_taken", promotion.to_shadow, system, MINE, AUTHOR, report=report)
    judged_in_shadow(system, MINE)
    refused("version_taken", promotion.to_active, system, MINE, SECOND)
    assert rule_text(system, MINE, "1.0.0") == before
    assert statuses(system) == {"1.0.0": "shadow"}
    judging = next(r for r in rules_in_force(system).judging() if r.id == MINE)
    assert judging.text == before
    assert "D18" in {i.code for i in rules_in_force(system).issues if i.rule_id == MINE}


@pytest.mark.parametrize("table", [rule_version, rule_event])
def test_the_database_itself_refuses_to_change_what_is_kept(
    system: System, table: sa.Table
) -> None:
    shadowed(system)
    for statement in (table.update().values(content_hash="0" * 64), table.delete()):
        with pytest.raises(sa.exc.DBAPIError), writing(system.engine) as connection:
            connection.execute(statement)


def test_a_new_version_shadows_beside_the_live_one(system: System, tmp_path: Path) -> None:
    live(system)
    approved = rule_text(system, MINE, "1.0.0")
    write_rule(tmp_path / "mine", changed("1.1.0"))
    assert statuses(system) == {"1.0.0": "active", "1.1.0": "draft"}
    shadowed(system)
    assert statuses(system) == {"1.0.0": "active", "1.1.0": "shadow"}
    texts = {r.version: r.text for r in rules_in_force(system).judging() if r.id == MINE}
    assert texts == {"1.0.0": approved, "1.1.0": changed("1.1.0")}
    assert any("value: 0.019" in line for line in text_diff(system, MINE, "1.1.0"))
    assert text_diff(system, MINE, "1.0.0") == []


def test_an_approval_is_of_one_text_and_of_no_later_one(system: System, tmp_path: Path) -> None:
    live(system)
    write_rule(tmp_path / "mine", changed("1.1.0"))
    refused("shadow_required", promotion.to_active, system, MINE, SECOND, version="1.1.0")
    wrong = {"content_hash": rulebook(system).candidate(MINE, "1.0.0").content_hash}
    shadowed(system)
    judged_in_shadow(system, MINE)
    refused("content_changed", promotion.to_active, system, MINE, SECOND, **wrong)
    stale = rulebook(system).standing(MINE).number - 1
    refused("stale_version", promotion.to_active, system, MINE, SECOND, expected=stale)
    promotion.to_active(system, MINE, SECOND, expected=stale + 1)
    assert statuses(system) == {"1.1.0": "active"}


def test_roll_back_brings_the_earlier_text_though_its_file_is_gone(
    system: System, tmp_path: Path
) -> None:
    refused("nothing_to_roll_back", promotion.roll_back, system, MINE, AUTHOR)
    live(system)
    write_rule(tmp_path / "mine", changed("1.1.0"))
    live(system)
    assert statuses(system) == {"1.1.0": "active"}
    (tmp_path / "mine" / f"{MINE}.yaml").unlink()
    promotion.roll_back(system, MINE, AUTHOR)
    assert statuses(system) == {"1.0.0": "active"}
    judging = next(r for r in rules_in_force(system).judging() if r.id == MINE)
    assert judging.text == local_text()
    refused("nothing_to_roll_back", promotion.roll_back, system, MINE, AUTHOR)


def test_retired_and_brought_back(system: System) -> None:
    live(system)
    refused("note_required", promotion.retire, system, MINE, AUTHOR)
    promotion.retire(system, MINE, AUTHOR, note="the duty ended")
    assert statuses(system) == {"1.0.0": "retired"}
    refused("not_in_use", promotion.retire, system, MINE, AUTHOR, note="again")
    promotion.roll_back(system, MINE, SECOND)
    assert statuses(system) == {"1.0.0": "active"}


def test_retiring_a_shadow_leaves_the_live_version(system: System, tmp_path: Path) -> None:
    live(system)
    write_rule(tmp_path / "mine", changed("1.1.0"))
    shadowed(system)
    promotion.retire(system, MINE, AUTHOR, note="too many", version="1.1.0")
    assert statuses(system) == {"1.0.0": "active", "1.1.0": "draft"}


def test_an_installation_decides_about_shipped_rules(system: System) -> None:
    promotion.retire(system, SHIPPED, AUTHOR, note="not in our market")
    assert statuses(system, SHIPPED) == {"1.0.0": "retired"}
    remember(system)
    assert statuses(system, SHIPPED) == {"1.0.0": "retired"}
    promotion.roll_back(system, SHIPPED, SECOND)
    assert statuses(system, SHIPPED) == {"1.0.0": "active"}
    refused("note_required", promotion.to_shadow, system, SHIPPED, AUTHOR)
    promotion.to_shadow(system, SHIPPED, AUTHOR, note="look at it first")
    assert statuses(system, SHIPPED) == {"1.0.0": "shadow"}
    judged_in_shadow(system, SHIPPED)
    refused("second_person", promotion.to_active, system, SHIPPED, AUTHOR)
    promotion.to_active(system, SHIPPED, SECOND)
    assert statuses(system, SHIPPED) == {"1.0.0": "active"}


def test_a_release_goes_live_by_its_own_review_and_can_be_rolled_back(
    system: System, release: Callable[[str], None]
) -> None:
    old = local_text(rule_id=SHIPPED)
    new = local_text("1.1.0", 0.019, rule_id=SHIPPED)
    release(old)
    remember(system)
    release(new)
    assert statuses(system, SHIPPED) == {"1.1.0": "active"}
    remember(system)
    remember(system)
    acts = [(e.kind, e.version, e.actor) for e in rulebook(system).events[SHIPPED]]
    assert acts == [(RuleAct.ACTIVATED, v, "release") for v in ("1.0.0", "1.1.0")]
    promotion.roll_back(system, SHIPPED, AUTHOR)
    assert statuses(system, SHIPPED) == {"1.0.0": "active", "1.1.0": "draft"}
    newer = new.replace('"1.1.0"', '"1.2.0"')
    release(newer)
    remember(system)
    # a person decided: no release moves it any more
    assert statuses(system, SHIPPED) == {"1.0.0": "active", "1.2.0": "draft"}
    assert rule_text(system, SHIPPED, "1.1.0") == new


def test_a_release_may_not_change_a_text_under_its_version(
    system: System, release: Callable[[str], None]
) -> None:
    release(local_text(rule_id=SHIPPED))
    remember(system)
    release(local_text(limit=0.09, rule_id=SHIPPED))
    remember(system)
    judging = next(r for r in rules_in_force(system).judging() if r.id == SHIPPED)
    assert "value: 0.018" in judging.text
    assert "D18" in {i.code for i in rules_in_force(system).issues}


def test_only_what_judges_is_kept(system: System) -> None:
    remember(system)
    with writing(system.engine) as connection:
        kept = kept_versions(connection)
        events = kept_events(connection)
    in_force = {(r.id, r.version) for r in rules_in_force(system).judging()}
    assert set(kept) == in_force
    assert len(events) == len(in_force)
    assert kept[SHIPPED, "1.0.0"].text == load_library().get(SHIPPED).text
    assert {r.spec.status for r in rules_in_force(system).live()} == {Status.ACTIVE}


def test_two_decisions_at_once_do_not_both_count(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(system)
    decided = promotion._decided

    def late(*args: object) -> object:
        monkeypatch.setattr(promotion, "_decided", decided)
        promotion.retire(system, MINE, SECOND, note="first")
        return decided(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(promotion, "_decided", late)
    refused("stale_version", promotion.retire, system, MINE, AUTHOR, note="second")
