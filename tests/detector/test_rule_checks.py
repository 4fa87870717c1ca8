"""`warden rules lint|test|lock|docs`: what they print, and when they end with exit code 3."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alerts.exceptions import Wanted, add
from detector.cli.main import app
from detector.database import writing
from detector.linting import findings, of_files, of_installation, typed
from rules.ruleset import SHIPPED_RULES
from rules.skeleton import new_rule_text
from tests.detector.homes import NOW, opened

RUN = CliRunner()
TODAY = date(2026, 11, 23)
OWN = "my-own-rule"


def own(folder: Path, old: str = "", new: str = "", name: str = OWN) -> Path:
    """A rule of one's own, with one thing changed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    text = new_rule_text(name, TODAY)
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    return path


def warden(home: Path, *words: str | Path) -> tuple[int, Any, str]:
    """Exit code, what it printed as JSON, and what it said beside that."""
    ended = RUN.invoke(app, ["--home", str(home), "--json", "rules", *map(str, words)])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.output
    printed = json.loads(ended.stdout) if ended.stdout.strip() else None
    return ended.exit_code, printed, ended.stderr


def test_lint_tells_of_the_files_it_was_given(tmp_path: Path) -> None:
    good, bad = own(tmp_path / "a"), own(tmp_path / "b", "bid_cv <=", "bid_cvs <=", "another")
    assert warden(tmp_path / "home", "lint", good)[:2] == (0, [])
    code, found, _ = warden(tmp_path / "home", "lint", tmp_path / "b")
    assert code == 3
    assert [(row["place"], row["code"]) for row in found] == [(f"{bad}:25:3", "D5")]
    assert "Did you mean `bid_cv`?" in found[0]["hint"]
    assert not (tmp_path / "home").exists()


def test_a_folder_of_the_library_can_be_linted_alone(tmp_path: Path) -> None:
    assert warden(tmp_path, "lint", SHIPPED_RULES / "trading")[:2] == (0, [])


def test_a_path_without_rules_is_told(tmp_path: Path) -> None:
    for words in (("lint", tmp_path), ("test", tmp_path / "none"), ("lock", tmp_path)):
        ended = RUN.invoke(app, ["--home", str(tmp_path / "home"), "rules", *map(str, words)])
        assert getattr(ended.exception, "code", None) == "no_rules" or "no rule" in ended.output


def test_test_names_what_failed_and_why(tmp_path: Path) -> None:
    own(tmp_path / "a", "bid_cv: 0.0315", "bid_cv: 0.0215")
    code, found, said = warden(tmp_path, "test", tmp_path / "a")
    assert code == 3
    assert [(r["rule"], r["case"], r["detail"]) for r in found] == [
        (OWN, "just above the limit", "expected clear, got fired")
    ]
    assert "7 cases in 1 rules, 1 failed." in said


def test_mutate_tells_what_no_example_noticed(tmp_path: Path) -> None:
    path = own(tmp_path / "a")
    code, found, said = warden(tmp_path, "test", path, "--mutate")
    assert (code, found) == (0, [{"rule": OWN, "noticed": 9, "nudges": 9, "survived": []}])
    assert "9 of 9 nudges noticed (100.0%)" in said
    text = path.read_text(encoding="utf-8")
    start = text.index("  - name: just above the limit")
    loose = text[:start] + text[text.index("  - name: just enough bids") :]
    path.write_text(loose, encoding="utf-8")
    code, found, _ = warden(tmp_path, "test", path, "--mutate")
    assert code == 3
    assert ":max_cv up" in found[0]["survived"]


def test_one_rule_by_its_id(tmp_path: Path) -> None:
    code, found, _ = warden(tmp_path, "test", "--rule", "mon-bid-cv-very-low", "--mutate")
    assert code == 0 and [row["rule"] for row in found] == ["mon-bid-cv-very-low"]
    ended = RUN.invoke(app, ["rules", "test", "--rule", "mon-bid-cv-very-lo"])
    assert getattr(ended.exception, "hint", "") == "Did you mean `mon-bid-cv-very-low`?"


def test_the_lock_of_a_folder_holds_what_is_published(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    path = own(folder, "status: draft", "status: active")
    assert warden(tmp_path, "lock", folder, "--check")[0] == 3
    assert warden(tmp_path, "lock", folder)[:2] == (
        0, {"path": str(folder / "library.lock"), "locked": 1},
    )  # fmt: skip
    assert warden(tmp_path, "lock", folder, "--check")[0] == 0
    text = path.read_text(encoding="utf-8").replace("owner: your-team", "owner: their-team")
    path.write_text(text, encoding="utf-8")
    code, found, _ = warden(tmp_path, "lock", folder)
    assert code == 3 and [row["code"] for row in found] == ["D18"]
    code, found, _ = warden(tmp_path, "lint", folder)
    assert code == 3 and [row["code"] for row in found] == ["D18"]
    path.write_text(text.replace('"0.1.0"', '"0.1.1"'), encoding="utf-8")
    assert warden(tmp_path, "lint", folder)[0] == 0
    assert warden(tmp_path, "lock", folder, "--check")[0] == 3
    assert warden(tmp_path, "lock", folder)[0] == 0
    path.unlink()
    own(folder, name="another")
    code, found, _ = warden(tmp_path, "lock", folder, "--check")
    assert code == 3 and [row["code"] for row in found] == ["D19"]


def test_docs_write_a_page_for_every_rule(tmp_path: Path) -> None:
    path = own(
        tmp_path / "mine", "scope: |", "bands:\n  - {when: 'bid_cv <= 0', severity: 5}\nscope: |"
    )
    code, found, _ = warden(tmp_path, "docs", path, "--out", tmp_path / "out")
    assert code == 0
    pages = {p.stem: p for p in (tmp_path / "out" / "rules").glob("*.md")}
    assert (sorted(pages), found["pages"]) == ([OWN], 2)
    page = pages[OWN].read_text(encoding="utf-8")
    for part in (
        "Say in a few neutral words what was seen", "用中性词语概括所见",
        "relative spread of bids (`bid_cv`) is at most the limit `max_cv`",
        "`award_rule` is not known", "| `max_cv` | 0.03 | ratio | ENG | always |",
        "| EU | TFEU | 101(1) | 2009-12-01 on |", "What honest reason could explain it?",
        "What a reviewer looks at first.", "What this rule cannot see.",
        "> 6 bids vary by only 0.01 (limit 0.03).", "A draft: it judges nobody",
        "`bid_cv` counts only from 4 cases on.", "Its severity is 5, not 3, where",
    ):  # fmt: skip
        assert part in page, part
    index = (tmp_path / "out" / "rules.md").read_text(encoding="utf-8")
    assert f"[`{OWN}`](rules/{OWN}.md)" in index


def test_limits_of_a_restricted_rule_are_on_no_page(tmp_path: Path) -> None:
    path = own(tmp_path / "mine", "owner:", "disclosure: restricted\nowner:")
    warden(tmp_path, "docs", path, "--out", tmp_path / "out")
    page = (tmp_path / "out" / "rules" / f"{OWN}.md").read_text(encoding="utf-8")
    assert "0.03" not in page and "not published" in page


def test_exceptions_of_an_installation_are_looked_at(tmp_path: Path) -> None:
    system = opened(tmp_path / "home")
    rule = "mon-bid-cv-low"
    with writing(system.engine) as connection:
        wanted = Wanted(rule, "office", "a known cause", "tender", "T1")
        add(connection, wanted, 3, "Ann Author", NOW)
    surface = of_installation(system)
    assert [n.rule_id for n in surface.around.exceptions] == [rule]
    assert findings(surface, [SHIPPED_RULES / "bidding" / f"{rule}.yaml"]) == []


def test_typed_text_is_judged_as_a_file_is(tmp_path: Path) -> None:
    bad = own(tmp_path / "b", "bid_cv <=", "bid_cvs <=")
    of_file = findings(of_files([bad]), [bad])
    text = bad.read_text(encoding="utf-8")
    found = typed(of_files([]), text, str(bad))
    assert found == of_file and found
    assert [i.code for i in typed(of_files([]), "id: [", "typed")] == ["yaml"]


@pytest.mark.parametrize("words", [("lint",), ("test",)])
def test_help_says_what_the_commands_take(words: tuple[str, ...]) -> None:
    assert "PATHS" in RUN.invoke(app, ["rules", *words, "--help"]).output.upper()
