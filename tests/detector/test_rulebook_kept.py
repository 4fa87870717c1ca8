"""The rulebook is read once, and anew as soon as a file, a decision or a draft is another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from detector import promotion, rulebook
from detector.database import writing
from detector.rule_drafts import save_draft
from detector.rule_releases import remember
from detector.settings import Settings
from detector.system import System
from tests.detector.promoting import AUTHOR, OWN, local_text, shadowed, write_rule


@pytest.fixture
def system(engine: sa.Engine, tmp_path: Path) -> System:
    write_rule(tmp_path / "mine", local_text())
    clock = lambda: datetime(2026, 11, 23, 5, 30, tzinfo=UTC)  # noqa: E731
    settings = Settings(rule_dirs=[tmp_path / "mine"])
    made = System(settings, tmp_path, engine, None, clock)  # type: ignore[arg-type]
    remember(made)
    return made


def test_it_is_read_again_only_when_something_changed(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    reading = rulebook.read_rulebook

    def counted(*given: object) -> rulebook.Rulebook:
        read.append(1)
        return reading(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rulebook, "read_rulebook", counted)

    def times() -> int:
        read.clear()
        rulebook.rulebook(system)
        rulebook.rulebook(system)
        return len(read)

    times()
    assert times() == 0
    write_rule(tmp_path / "mine", local_text(limit=0.019))
    assert times() == 1
    write_rule(tmp_path / "mine" / "below", local_text(rule_id="another-one"), "another-one")
    assert times() == 1
    assert "another-one" in rulebook.rulebook(system).files
    (tmp_path / "mine" / "below" / "another-one.yaml").unlink()
    assert times() == 1
    assert "another-one" not in rulebook.rulebook(system).files
    shadowed(system)
    read.clear()
    assert rulebook.rulebook(system).standing(OWN).shadow is not None
    promotion.retire(system, OWN, AUTHOR, note="no longer wanted")
    assert rulebook.rulebook(system).standing(OWN).shadow is None
    save_draft(system, OWN, local_text(version="1.1.0"), AUTHOR, None)
    assert rulebook.rulebook(system).drafts[OWN].version == "1.1.0"
    overlays = tmp_path / "rules" / "overlays"
    overlays.mkdir(parents=True)
    assert times() == 0
    (overlays / "own.yaml").write_text("nothing: 1\n")
    assert times() == 1
    with writing(system.engine) as connection:
        connection.execute(sa.text("DELETE FROM rule_draft"))
    assert times() == 1
