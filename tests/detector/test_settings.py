"""Settings: the environment above the file above the defaults, with or without a home."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from detector.cli.main import main
from detector.settings import CONFIG_TEMPLATE, load_settings, origins
from detector.system import open_system
from features.errors import WardenError
from rules.ruleset import load_library

FILES = {
    "no file": (None, "30 2 * * *"),
    "the file a home starts with": (CONFIG_TEMPLATE, "30 2 * * *"),
    "another job in the file": ('[jobs]\ndetect = "off"\n', "off"),
    "spelt as in the environment": ('[jobs]\ningest_folder = "0 1 * * *"\n', "30 2 * * *"),
}


def with_file(home: Path, text: str | None) -> Path:
    """A home with that `config.toml`, or with none."""
    if text is not None:
        (home / "config.toml").write_text(text)
    return home


@pytest.mark.parametrize(("text", "detect"), FILES.values(), ids=FILES)
def test_the_inbox_is_scheduled_from_the_environment(
    text: str | None, detect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDEN_JOBS__INGEST_FOLDER", "7 * * * *")
    home = with_file(tmp_path, text)
    schedules = load_settings(home).jobs.schedules()
    assert schedules["ingest-folder"] == "7 * * * *"
    assert schedules["detect"] == detect
    assert schedules["refit"] == "0 4 1 * *"
    shown = {row["key"]: row["origin"] for row in origins(home, load_settings(home))}
    assert shown["jobs"] == "environment"


@pytest.mark.parametrize("name", ["ingest-folder", "ingest_folder"])
def test_the_inbox_is_scheduled_from_the_file(name: str, tmp_path: Path) -> None:
    home = with_file(tmp_path, f'[jobs]\n{name} = "off"\n')
    assert load_settings(home).jobs.schedules()["ingest-folder"] == "off"


def test_a_job_nobody_knows_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WardenError, match=r"jobs\.ingest-floder"):
        load_settings(with_file(tmp_path, '[jobs]\ningest-floder = "off"\n'))
    monkeypatch.setenv("WARDEN_JOBS__DETEKT", "off")
    with pytest.raises(WardenError, match=r"jobs\.detekt"):
        load_settings(with_file(tmp_path, CONFIG_TEMPLATE))


def test_rule_folders_of_the_environment_need_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = next(r for r in load_library([]).rules if r.spec.typology == "MON-BID-CV")
    folder, home = tmp_path / "mine", tmp_path / "home"
    folder.mkdir()
    text = shipped.text.replace(shipped.id, "rule-of-my-own")
    (folder / "rule-of-my-own.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("WARDEN_RULE_DIRS", json.dumps([str(folder)]))

    def printed(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["warden", "--home", str(home), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    assert "rule-of-my-own" in {r["id"] for r in json.loads(printed("--json", "rules", "list"))}
    assert printed("rules", "show", "rule-of-my-own").startswith("id: rule-of-my-own")
    assert not home.exists()


def test_a_missing_home_names_the_one_the_demonstration_left(tmp_path: Path) -> None:
    with pytest.raises(WardenError, match="no Marketwarden home") as plain:
        open_system(tmp_path)
    assert "warden init" in plain.value.hint and "demo" not in plain.value.hint
    open_system(tmp_path / "demo", create=True)
    with pytest.raises(WardenError) as told:
        open_system(tmp_path)
    assert f"--home {tmp_path / 'demo'}" in told.value.hint
