"""The life of a rule on the command line: what is printed, what is refused, exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from detector.cli.main import main
from detector.system import open_system
from tests.detector.promoting import LIKE, OWN, judged_in_shadow, local_text, write_rule


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with a rule of its own."""
    write_rule(tmp_path / "mine", local_text(severity=4))
    monkeypatch.setenv("WARDEN_RULE_DIRS", json.dumps([str(tmp_path / "mine")]))
    monkeypatch.delenv("WARDEN_ACTOR", raising=False)
    open_system(tmp_path / "home", create=True)
    return tmp_path / "home"


class Line:
    """The command line of one home."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.home, self.monkeypatch, self.capsys = home, monkeypatch, capsys

    def __call__(self, *words: str, ends: int = 0) -> str:
        words = ("warden", "--home", str(self.home), *words)
        self.monkeypatch.setattr(sys, "argv", list(words))
        with pytest.raises(SystemExit) as ended:
            main()
        told = self.capsys.readouterr()
        assert (ended.value.code or 0) == ends, told
        return str(told.out or told.err)


@pytest.fixture
def warden(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(home, monkeypatch, capsys)


def report(warden: Line, tmp_path: Path) -> str:
    told = json.loads(warden("--json", "rules", "show", OWN))["candidate"]
    names = {"rule": OWN, "version": told["version"], "content_hash": told["content_hash"]}
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**names, "snapshot_id": "S"}))
    return str(path)


def test_a_rule_walks_through_its_life(warden: Line, home: Path, tmp_path: Path) -> None:
    listed = {r["id"]: r["status"] for r in json.loads(warden("--json", "rules", "list"))}
    assert (listed[OWN], listed[LIKE]) == ("draft", "active")
    told = warden("rules", "promote", OWN, "--actor", "Ann", ends=1)
    assert "report_required" in told
    assert f"warden rules backtest {OWN} --json --out report.json" in told
    handed = ("--report", report(warden, tmp_path))
    assert "actor_required" in warden("rules", "promote", OWN, *handed, ends=1)
    told = warden("rules", "promote", OWN, "--actor", "Ann", *handed)
    assert "in shadow: 1.0.0" in told
    assert "warden rules promote rule-of-my-own --to active" in told
    assert "warden detect" in warden("rules", "promote", OWN, "--actor", "Ben", ends=1)
    judged_in_shadow(open_system(home), OWN)
    assert "second_person" in warden("rules", "promote", OWN, "--actor", "ANN", ends=1)
    assert "live: 1.0.0" in warden("rules", "promote", OWN, "--actor", "Ben", "--note", "fine")
    shown = warden("rules", "show", OWN)
    assert shown.startswith("id: rule-of-my-own")
    for line in ("shadowed 1.0.0 by Ann", "activated 1.0.0 by Ben: fine"):
        assert line in shown
    assert "note_required" in warden("rules", "retire", OWN, "--actor", "Ann", ends=1)
    assert "live: none" in warden("rules", "retire", OWN, "--actor", "Ann", "--note", "over")
    assert "live: 1.0.0" in warden("rules", "rollback", OWN, "--actor", "Ann")


def test_a_version_and_the_difference_to_today(warden: Line, home: Path, tmp_path: Path) -> None:
    handed = ("--report", report(warden, tmp_path))
    warden("rules", "promote", OWN, "--actor", "Ann", *handed)
    judged_in_shadow(open_system(home), OWN)
    warden("rules", "promote", OWN, "--actor", "Ben")
    write_rule(tmp_path / "mine", local_text("1.1.0", 0.019, severity=4))
    handed = ("--report", report(warden, tmp_path))
    warden("rules", "promote", OWN, "--actor", "Ann", *handed)
    assert "value: 0.018" in warden("rules", "show", OWN)
    assert "value: 0.019" in warden("rules", "show", OWN, "--version", "1.1.0")
    lines = warden("rules", "show", OWN, "--version", "1.1.0", "--diff").split("\n")
    assert {line[:1] for line in lines if "value:" in line} == {"-", "+"}
    assert "No change." in warden("rules", "show", OWN, "--diff")
    assert "unknown_version" in warden("rules", "show", OWN, "--version", "7.0.0", ends=1)
    assert "unknown_rule" in warden("rules", "show", "rule-of-my-owm", ends=2)
    assert "unknown_stage" in warden("rules", "promote", OWN, "--to", "moon", ends=1)


def test_exceptions_on_the_line(warden: Line) -> None:
    assert "No exceptions." in warden("rules", "except", "list")
    asked = ("rules", "except", "add", OWN, "--subject", "F1", "--reason", "a regulated price")
    assert "actor_required" in warden(*asked, "--owner", "Office 7", ends=1)
    told = warden(*asked, "--actor", "Ann")
    assert "warden rules except approve 1" in told
    assert "second_person" in warden("rules", "except", "approve", "1", "--actor", "Ann", ends=1)
    assert "until" in warden("rules", "except", "approve", "1", "--actor", "Ben")
    told = json.loads(warden("--json", "rules", "except", "list"))
    assert (told[0]["in_force"], told[0]["hidden"]["alerts"]) == (True, 0)
    ended = warden("--json", "rules", "except", "end", "1", "--on", "2026-01-31", "--actor", "Cy")
    assert json.loads(ended)["until"] == "2026-01-31"
    assert "2026-01-31" in warden("rules", "except", "list")
    assert "unknown_kind" in warden(
        "rules", "except", "add", OWN, "--kind", "moon", "--reason", "x", "--actor", "Ann", ends=2
    )
