"""Accounts from the command line, as whoever keeps the machine would make them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from detector.cli.main import app
from detector.people.keys import holder
from detector.people.sessions import recognised, sign_in
from detector.system import open_system
from features.errors import WardenError
from tests.people.test_people import GOOD

RUN = CliRunner()


def users(home: Path, *words: str, typed: str = "") -> Result:
    return RUN.invoke(
        app, ["--home", str(home), "--json", "users", *words], input=typed, catch_exceptions=True
    )


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    open_system(tmp_path / "home", create=True).engine.dispose()
    return tmp_path / "home"


def test_from_an_empty_home_to_a_session_and_a_key(home: Path) -> None:
    assert told(users(home, "list")) == []
    told(users(home, "add", "root", "--role", "administrator", typed=GOOD + "\n"))
    made = told(
        users(home, "add", "ann", "--role", "regulator", "--unit", "bidding", typed=GOOD + "\n")
    )
    assert (made["roles"], made["units"], made["enabled"]) == (["regulator"], ["bidding"], True)
    system = open_system(home)
    token = sign_in(system, "ann", GOOD)
    key = told(users(home, "key", "ann", "--scope", "alerts.read", "--title", "export"))
    assert holder(system, key["key"])
    assert [row["id"] for row in told(users(home, "keys", "ann"))] == [key["id"]]
    told(users(home, "role", "ann", "reader", "auditor"))
    assert recognised(system, token) is None
    told(users(home, "limit", "ann"))
    listed = {row["name"]: row for row in told(users(home, "list"))}
    assert (listed["ann"]["roles"], listed["ann"]["units"]) == ("auditor, reader", "")
    told(users(home, "revoke", key["id"]))
    assert holder(system, key["key"]) is None
    told(users(home, "password", "ann", typed="another long password\n"))
    assert sign_in(system, "ann", "another long password")
    told(users(home, "disable", "ann"))
    with pytest.raises(WardenError):
        sign_in(system, "ann", "another long password")
    told(users(home, "enable", "ann"))
    assert sign_in(system, "ann", "another long password")
    assert GOOD not in users(home, "list").stdout


def test_what_cannot_be_is_refused_and_changes_nothing(home: Path) -> None:
    told(users(home, "add", "root", "--role", "administrator", typed=GOOD + "\n"))
    for words, typed, code in (
        (("add", "ann", "--role", "kng"), GOOD, "unknown_role"),
        (("add", "ann"), "short", "weak_password"),
        (("add", "ann"), "", "no_password"),
        (("add", "root"), GOOD, "name_taken"),
        (("disable", "root"), "", "last_administrator"),
        (("role", "nobody", "reader"), "", "unknown_person"),
        (("key", "root", "--scope", "alerts.read", "--title", "x"), "", "scope_too_wide"),
        (("revoke", "nokey"), "", "unknown_key"),
    ):
        result = users(home, *words, typed=typed + "\n")
        assert isinstance(result.exception, WardenError), words
        assert result.exception.code == code, words
    assert len(told(users(home, "list"))) == 1


def test_an_account_without_a_password_cannot_sign_in(home: Path) -> None:
    told(users(home, "add", "robot", "--role", "reader", "--without-password"))
    with pytest.raises(WardenError):
        sign_in(open_system(home), "robot", "")
