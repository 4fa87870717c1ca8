"""Choices, endpoints and deliveries over HTTP and at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from detector.cli.main import app
from detector.notifying.sending import notify
from detector.people.permissions import Role
from detector.system import System, open_system
from tests.api.conftest import client_of, forty, system
from tests.notify.conftest import Desk
from tests.notify.servers import Receiver
from tests.signed import enroll

__all__ = ["forty", "system"]
MINE = "/api/v1/me/notifications"


@pytest.fixture
def door(system: System) -> TestClient:
    return client_of(system)


def test_a_choice_is_kept_by_version(door: TestClient, system: System) -> None:
    ann = enroll(system, "Ann", [Role.READER])
    before = door.get(MINE, headers=ann)
    assert before.headers["ETag"] == '"0"'
    assert before.json()["email"] is None
    assert before.json()["kinds"]["alert.opened"] == "digest"
    wanted = {"email": "ann@example.org", "kinds": {"alert.opened": "off"}, "language": "zh"}
    assert door.put(MINE, json=wanted, headers=ann).status_code == 428
    done = door.put(MINE, json=wanted, headers=ann | {"If-Match": '"0"'})
    assert (done.status_code, done.headers["ETag"]) == (200, '"1"')
    stale = door.put(MINE, json=wanted, headers=ann | {"If-Match": '"0"'})
    assert stale.json()["code"] == "stale_version"
    after = door.get(MINE, headers=ann).json()
    assert after == {**before.json(), **wanted, "version": 1, "kinds": after["kinds"]}
    assert after["kinds"] == {**before.json()["kinds"], "alert.opened": "off"}
    other = {**wanted, "kinds": {"alert.vanished": "off"}}
    assert door.put(MINE, json=other, headers=ann | {"If-Match": '"1"'}).status_code == 422
    # each person has their own
    ben = enroll(system, "Ben", [Role.READER])
    assert door.get(MINE, headers=ben).json()["email"] is None


def test_people_see_their_own_deliveries_and_administrators_all(
    door: TestClient, system: System
) -> None:
    ann, root = enroll(system, "Ann", [Role.READER]), enroll(system, "Root", [Role.ADMINISTRATOR])
    for headers, name in ((ann, "ann"), (enroll(system, "Ben", [Role.READER]), "ben")):
        body = {"email": f"{name}@example.org", "kinds": {"alert.opened": "immediate"}}
        door.put(MINE, json=body, headers=headers | {"If-Match": '"0"'}).raise_for_status()
    notify(system, "w")
    mine = door.get("/api/v1/notifications?limit=30", headers=ann)
    assert {one["recipient"] for one in mine.json()["items"]} == {"Ann"}
    items = mine.json()["items"]
    while following := mine.links.get("next"):
        mine = door.get(following["url"], headers=ann)
        items += mine.json()["items"]
    assert len({one["key"] for one in items}) == len(items) == 40
    assert {(one["state"], one["kind"], one["attempts"]) for one in items} == {
        ("waiting", "alert.opened", 1)
    }
    assert "no mail server" in items[0]["error"]
    every = door.get("/api/v1/notifications?limit=200", headers=root).json()["items"]
    assert {one["recipient"] for one in every} == {"Ann", "Ben"}
    dead = door.get("/api/v1/notifications?state=dead", headers=root).json()
    assert dead == {"items": [], "next_cursor": None}
    assert door.get("/api/v1/notifications?cursor=x", headers=ann).json()["code"] == "bad_cursor"


def test_endpoints_over_http(door: TestClient, system: System) -> None:
    root = enroll(system, "Root", [Role.ADMINISTRATOR])
    body = {"url": "https://hooks.example.org/warden"}
    refused = door.post("/api/v1/webhooks", json=body, headers=root).json()
    assert refused["code"] == "webhook_host_refused"
    system.settings.notify.hosts.append("hooks.example.org")
    made = door.post("/api/v1/webhooks", json=body, headers=root)
    assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
    path = f"/api/v1/webhooks/{made.json()['id']}"
    listed = door.get("/api/v1/webhooks", headers=root).text
    assert made.json()["id"] in listed and "whsec_" not in listed
    turned = door.post(f"{path}/rotate", headers=root | {"If-Match": made.headers["ETag"]})
    assert turned.json()["secret"] != made.json()["secret"] and turned.json()["old_until"]
    tried = door.post(f"{path}/test", headers=root)
    assert tried.status_code == 202
    (item,) = door.get("/api/v1/notifications", headers=root).json()["items"]
    assert (item["message_id"], item["recipient"]) == (tried.json()["message_id"], body["url"])
    again = door.post(f"/api/v1/notifications/{item['message_id']}/retry", headers=root)
    assert again.json()["code"] == "not_given_up"
    assert door.delete(path, headers=root | {"If-Match": '"1"'}).json()["code"] == "stale_version"
    assert door.delete(path, headers=root | {"If-Match": '"2"'}).status_code == 204
    assert door.get("/api/v1/webhooks", headers=root).json() == {"items": []}
    assert door.post(f"{path}/test", headers=root).status_code == 404
    ann = enroll(system, "Ann", [Role.REGULATOR])
    assert door.get("/api/v1/webhooks", headers=ann).status_code == 403


def told(home: Path, *words: str, code: int = 0) -> Any:
    line = ["--home", str(home), "--json", "notify", *words]
    result = CliRunner().invoke(app, line, catch_exceptions=True)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_the_command_keeps_endpoints_and_tries_them(
    hooks: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = hooks.server_address[1]
    monkeypatch.setenv("WARDEN_NOTIFY__HOSTS", f'["127.0.0.1:{port}"]')
    monkeypatch.setenv("WARDEN_NOTIFY__NETWORKS", '["127.0.0.1/32"]')
    monkeypatch.setenv("WARDEN_NOTIFY__ALLOW_HTTP", "true")
    home = tmp_path / "home"
    open_system(home, create=True).engine.dispose()
    made = told(home, "webhooks", "add", f"http://127.0.0.1:{port}/x", "--kind", "job.failed")
    assert told(home, "webhooks", "test", made["id"])["state"] == "sent"
    assert [path for path, _, _ in hooks.got] == ["/x"]
    hooks.answer = 410
    gone = told(home, "webhooks", "test", made["id"], code=1)
    assert (gone["state"], gone["error"]) == ("dead", "the endpoint answered 410")
    assert [row["message_id"] for row in told(home, "list", "--state", "dead")] == [gone["id"]]
    told(home, "retry", gone["id"])
    assert {row["state"] for row in told(home, "list")} == {"sent", "waiting"}
    assert told(home, "webhooks", "rotate", made["id"])["secret"] != made["secret"]
    told(home, "webhooks", "remove", made["id"])
    assert told(home, "webhooks", "list") == []


def test_the_password_of_the_mail_server_is_never_shown(desk: Desk) -> None:
    from detector.settings import origins

    shown = str(origins(desk.system.home, desk.system.settings))
    assert "open sesame" not in shown and "warden@example.org" in shown
