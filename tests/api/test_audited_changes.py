"""With the audit trail unwritable every changing request answers 503, and nothing is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from httpx2 import Response

from api.app import create_app
from api.permissions import NEEDS
from detector import replay_records
from detector.audit.trail import make_checkpoint
from detector.database import writing
from detector.replay_case import Replay
from detector.settings import Settings
from detector.system import System
from tests.api.approval_changes import LIMIT
from tests.api.asking import ANN, Ask, Desk, Make, Route
from tests.api.changes import CHANGES, COMPUTES
from tests.api.conftest import client_of
from tests.api.notice_changes import HOST
from tests.signed import enroll

PAGE = {"Accept": "text/html"}
THERE = {route: make for route, make in CHANGES.items() if route in NEEDS}
"""What somebody may use; an address without an entry there is refused to everyone."""
NOTED = {("session", "seen_at")}
"""Columns that only say when somebody was last here."""


def routes_of(system: System) -> set[Route]:
    """Every route of the application that is not for reading."""
    found = set()
    for route in create_app(system).routes:
        parts = getattr(route, "effective_route_contexts", lambda route=route: [route])()
        for one in parts:
            methods: set[str] = getattr(one, "methods", None) or set()
            found |= {(name, one.path) for name in methods - {"GET", "HEAD", "OPTIONS"}}
    return found


@pytest.fixture
def desk(system: System, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in ("Ann", "Ben"):
        enroll(system, name)
    # what a replay computes needs a lake; here it matters that it is kept with its entry
    monkeypatch.setattr(
        replay_records,
        "replay",
        lambda _system, alert_id, **_: Replay(alert_id, 1, "run-1", None, (), 9),
    )
    monkeypatch.setenv("WARDEN_NOTIFY__HOSTS", f'["{HOST}"]')
    monkeypatch.setenv("WARDEN_SECOND_PERSON__EXPORT_ALERTS", LIMIT)
    system = replace(system, settings=Settings())
    return Desk(system, client_of(system, **ANN))


def everything(system: System) -> dict[str, list[Any]]:
    """All rows of all tables, and the files of the home outside the database.

    Keys are left out: one is made when it is first needed, whatever becomes of the request.
    """
    kept: dict[str, list[Any]] = {}
    with system.engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.all():
            told = connection.exec_driver_sql(f'PRAGMA table_info("{table}")').all()
            columns = ", ".join(f'"{c.name}"' for c in told if (table, c.name) not in NOTED)
            rows = connection.exec_driver_sql(f'SELECT {columns} FROM "{table}"')
            kept[table] = sorted(map(repr, rows))
    files = [p for p in system.home.rglob("*") if p.is_file() and "warden.db" not in p.name]
    kept["files"] = sorted((str(p), p.read_bytes()) for p in files if p.parent.name != "keys")
    return kept


def renamed(system: System, old: str, new: str) -> None:
    with writing(system.engine) as connection:
        connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))


def send(desk: Desk, method: str, ask: Ask) -> Response:
    return desk.door.request(
        method, ask.path, json=ask.json, data=ask.form, content=ask.content,
        headers=dict(ask.headers),
        follow_redirects=False,
    )  # fmt: skip


def test_every_route_that_is_not_for_reading_is_in_the_list(system: System) -> None:
    missing = routes_of(system) - set(CHANGES) - set(COMPUTES)
    assert not missing, "add it to tests/api/changes.py"


@pytest.mark.parametrize(("route", "make"), THERE.items(), ids=[" ".join(r) for r in THERE])
def test_without_the_trail_nothing_is_changed(desk: Desk, route: Route, make: Make) -> None:
    ask = make(desk)
    before = everything(desk.system)
    renamed(desk.system, "audit_entry", "audit_gone")
    answer = send(desk, route[0], ask)
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "audit_unavailable"
    renamed(desk.system, "audit_gone", "audit_entry")
    after = everything(desk.system)
    assert {name for name in after if after[name] != before.get(name)} == set()
    # nothing else was in its way: with the trail it is done, and entered
    done = send(desk, route[0], ask)
    assert done.status_code < 400, done.text
    assert len(everything(desk.system)["audit_entry"]) > len(before["audit_entry"])


@pytest.mark.parametrize("route", COMPUTES, ids=" ".join)
def test_what_only_computes_changes_nothing(desk: Desk, route: Route) -> None:
    before = everything(desk.system)
    send(desk, route[0], COMPUTES[route])
    assert everything(desk.system) == before


def test_names_are_told_only_when_that_can_be_entered(desk: Desk) -> None:
    comment = CHANGES["POST", "/api/v1/alerts/{alert_id}/comments"](desk)
    assert send(desk, "POST", comment).status_code == 201
    items = desk.door.get("/api/v1/audit?action=alert.commented").json()["items"]
    assert [(one["name"], one["kind"]) for one in items] == [(None, "alert")]
    told = desk.door.get("/api/v1/audit?names=true").json()["items"]
    assert (told[0]["action"], told[0]["name"]) == ("audit.names_read", "Ann")
    renamed(desk.system, "audit_head", "head_gone")
    assert desk.door.get("/api/v1/audit?names=true").status_code == 503


def test_entries_are_paged_and_filtered(desk: Desk) -> None:
    comment = CHANGES["POST", "/api/v1/alerts/{alert_id}/comments"](desk)
    for _ in range(5):
        send(desk, "POST", comment)
    key = comment.path.split("/")[4]
    path = f"/api/v1/audit?kind=alert&key={key}&actor=Ann&limit=2"
    seen: list[int] = []
    while path:
        page = desk.door.get(path)
        seen += [one["seq"] for one in page.json()["items"]]
        path = page.links.get("next", {}).get("url", "")
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    assert desk.door.get("/api/v1/audit?cursor=b").json()["code"] == "bad_cursor"
    assert desk.door.get("/api/v1/audit?since=2026-11-23T00:00:00").status_code == 422
    late = desk.door.get("/api/v1/audit?since=2030-01-01T00:00:00Z").json()
    assert late == {"items": [], "next_cursor": None}
    rules = desk.door.get("/api/v1/audit?action=alert.").json()["items"]
    assert {one["action"] for one in rules} == {"alert.commented"}


def test_the_state_is_told(desk: Desk, tmp_path: Path) -> None:
    told = desk.door.get("/api/v1/audit/state").json()
    assert (told["intact"], told["signed"], told["first_bad"]) == (True, 0, None)
    with writing(desk.system.engine) as connection:
        connection.execute(sa.text("DROP TRIGGER audit_entry_no_update"))
        connection.execute(sa.text("UPDATE audit_entry SET kind = 'x' WHERE seq = 2"))
    told = desk.door.get("/api/v1/audit/state").json()
    assert (told["intact"], told["first_bad"]) == (False, 2)


@pytest.mark.parametrize(("lang", "whole"), [("en", "Whole: "), ("zh", "完整："), ("en", None)])
def test_the_page_tells_the_same(desk: Desk, lang: str, whole: str | None) -> None:
    comment = CHANGES["POST", "/api/v1/alerts/{alert_id}/comments"](desk)
    send(desk, "POST", comment)
    taken = CHANGES["POST", "/alerts/{alert_id}/decisions"](desk)
    send(desk, "POST", taken)
    key = comment.path.split("/")[4]
    if lang == "zh":
        make_checkpoint(desk.system)
    if whole is None:
        with writing(desk.system.engine) as connection:
            connection.execute(sa.text("DROP TRIGGER audit_entry_no_update"))
            connection.execute(sa.text("UPDATE audit_entry SET kind = 'x' WHERE seq = 2"))
    page = desk.door.get(f"/audit?lang={lang}&kind=alert&key={key}", headers=PAGE)
    assert page.status_code == 200
    assert (whole or "Not whole from entry 2 on.") in page.text
    assert ("其后各条刚刚校验" in page.text) == (lang == "zh")
    assert page.text.count("alert.commented") == 1
    assert f'href="/alerts/{key}"' in page.text
    assert "state: open → acknowledged" in page.text
    assert ">Ann<" not in page.text.split("<section", 1)[1]
    named = desk.door.get(f"/audit?names=yes&key={key}", headers=PAGE).text
    assert "<td>Ann</td>" in named.split("<section", 1)[1]
