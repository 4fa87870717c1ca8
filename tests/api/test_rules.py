"""Rules at the door: read, checked, decided about by two persons, and their exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from alerts.pipeline import process
from detector.database import writing
from detector.rulebook import rulebook
from detector.run import run_detection
from detector.system import System
from tests.api.conftest import client_of
from tests.api.market import signals
from tests.detector.homes import small_market
from tests.detector.promoting import LIKE, OWN, live, local_text, write_rule
from tests.signed import bearer, enroll

ANN, BEN = bearer("Ann"), bearer("Ben")


@pytest.fixture
def ruled(system: System, tmp_path: Path) -> System:
    """The installation with forty alerts and a rule of its own."""
    write_rule(tmp_path / "mine", local_text())
    settings = system.settings.model_copy(update={"rule_dirs": [tmp_path / "mine"]})
    return replace(system, settings=settings)


@pytest.fixture
def door(ruled: System) -> Iterator[TestClient]:
    """A client for Reader, unless a request says otherwise."""
    for name in ("Ann", "Ben"):
        enroll(ruled, name)
    yield client_of(ruled, actor="Reader")


def tag(client: TestClient, path: str) -> dict[str, str]:
    return {"If-Match": client.get(path).headers["ETag"]}


def code(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    return str(answer.json()["code"])


def test_every_rule_is_listed_with_its_status_here(door: TestClient) -> None:
    items = door.get("/api/v1/rules").json()["items"]
    found = {one["id"]: one for one in items}
    assert found[LIKE]["status"] == "active"
    assert found[LIKE]["source"] == "shipped"
    assert (found[OWN]["status"], found[OWN]["source"]) == ("draft", "local")
    active = door.get("/api/v1/rules?status=active&typology=MON-BID-CV").json()["items"]
    assert LIKE in {one["id"] for one in active}
    assert {(one["status"], one["typology"]) for one in active} == {("active", "MON-BID-CV")}
    assert code(door.get("/api/v1/rules?status=lively"), 422) == "invalid_request"


def test_one_rule_its_versions_and_their_texts(door: TestClient) -> None:
    one = door.get(f"/api/v1/rules/{OWN}").json()
    assert one["versions"] == ["1.0.0"]
    versions = door.get(f"/api/v1/rules/{OWN}/versions").json()["items"]
    assert versions[0]["text"] == local_text()
    text = door.get(f"/api/v1/rules/{OWN}/versions/1.0.0").json()
    assert text["content_hash"] == one["candidate"]["content_hash"]
    assert door.get(f"/api/v1/rules/{OWN}/versions/1.0.0/diff").json()["diff"] == []
    assert code(door.get("/api/v1/rules/no-such-rule"), 404) == "unknown_rule"
    assert code(door.get(f"/api/v1/rules/{OWN}/versions/9.9.9"), 404) == "unknown_version"
    for path in ("..%2f..%2fx.yaml", "x.yaml", "X"):
        assert code(door.get(f"/api/v1/rules/{path}"), 422)


def test_lint_and_examples_of_what_was_typed(door: TestClient) -> None:
    assert door.post("/api/v1/rules/lint", json={"text": local_text()}).json()["items"] == []
    wrong = local_text().replace("bid_cv <= :max_cv", "bid_cvv <= :max_cv")
    found = door.post("/api/v1/rules/lint", json={"text": wrong}).json()["items"]
    assert [(i["code"], i["line"]) for i in found if "bid_cvv" in i["message"]][:1] == [("D5", 22)]
    ended = door.post("/api/v1/rules/test", json={"text": local_text()}).json()["items"]
    assert len(ended) == 5
    assert all(one["passed"] for one in ended)
    off = local_text().replace("expect: clear", "expect: fired")
    failed = door.post("/api/v1/rules/test", json={"text": off}).json()["items"]
    assert [one["name"] for one in failed if not one["passed"]] == ["far apart"]
    assert code(door.post("/api/v1/rules/test", json={"text": "a: [1"}), 422) == "invalid_rules"
    assert code(door.post("/api/v1/rules/lint", json={"path": "x"}), 422) == "invalid_request"


def test_a_change_names_its_actor_and_what_it_was_decided_on(
    door: TestClient, ruled: System
) -> None:
    path = f"/api/v1/rules/{LIKE}"
    body = {"note": "not in our market"}
    assert code(client_of(ruled).post(f"{path}/retire", json=body), 401) == "sign_in_required"
    assert code(door.post(f"{path}/retire", json=body, headers=ANN), 428) == "precondition_required"
    stale = ANN | {"If-Match": '"4711"'}
    assert code(door.post(f"{path}/retire", json=body, headers=stale), 412) == "stale_version"
    seen = ANN | tag(door, path)
    assert code(door.post(f"{path}/retire", json={}, headers=seen), 422) == "invalid_request"
    done = door.post(f"{path}/retire", json=body, headers=seen)
    assert done.status_code == 200
    assert done.json()["status"] == "retired"
    assert done.json()["history"][-1]["actor"] == "Ann"
    assert done.headers["ETag"] == f'"{done.json()["number"]}"'
    assert code(door.post(f"{path}/retire", json=body, headers=seen), 412) == "stale_version"
    back = door.post(f"{path}/rollback", json={}, headers=BEN | tag(door, path))
    assert back.json()["status"] == "active"
    again = door.post(f"{path}/rollback", json={}, headers=BEN | tag(door, path))
    assert code(again, 409) == "nothing_to_roll_back"


def test_from_a_draft_to_live_by_two_persons_and_a_backtest(tmp_path: Path) -> None:
    market = small_market(tmp_path / "home", ring=12)
    write_rule(tmp_path / "mine", local_text())
    settings = market.settings.model_copy(update={"rule_dirs": [tmp_path / "mine"]})
    ruled = replace(market, settings=settings)
    run_detection(ruled)
    for name in ("Ann", "Ben"):
        enroll(ruled, name)
    door, path = client_of(ruled, actor="Reviewer 3"), f"/api/v1/rules/{OWN}"
    bare = door.post(f"{path}/promote", json={"to": "shadow"}, headers=ANN | tag(door, path))
    assert code(bare, 422) == "report_required"
    report = door.post(f"{path}/backtest", json={"set": ["max_cv=0.03"]}).json()
    assert report["rule"] == OWN
    asked = {"to": "shadow", "report": report, "content_hash": report["content_hash"]}
    done = door.post(f"{path}/promote", json=asked, headers=ANN | tag(door, path))
    assert done.json()["shadow"]["version"] == "1.0.0"
    fired = run_detection(ruled).counts["shadows"][f"{OWN}@1.0.0"]["fired"]
    assert fired == report["outcomes"]["fired"] > 5
    live = {"to": "active"}
    same = door.post(f"{path}/promote", json=live, headers=ANN | tag(door, path))
    assert code(same, 409) == "second_person"
    done = door.post(f"{path}/promote", json=live, headers=BEN | tag(door, path))
    assert done.json()["status"] == "active"
    compared = door.post(f"{path}/diff", json={"rule": LIKE}).json()
    assert compared["both"] == fired
    unknown = door.post(f"{path}/diff", json={"rule": "../x.yaml"})
    assert code(unknown, 422) == "invalid_request"


def test_exceptions_are_made_approved_and_ended(door: TestClient, ruled: System) -> None:
    severe = next(r.id for r in rulebook(ruled).library.rules if r.spec.severity >= 4)
    body = {"rule": severe, "reason": "a court decided", "subject_kind": "firm"}
    assert code(client_of(ruled).post("/api/v1/exceptions", json=body), 401) == "sign_in_required"
    made = door.post("/api/v1/exceptions", json=body, headers=ANN)
    assert made.status_code == 201
    assert (made.json()["in_force"], made.json()["owner"]) == (False, "Ann")
    path = f"/api/v1/exceptions/{made.json()['id']}"
    first = door.post(f"{path}/approve", headers=ANN | tag(door, path))
    assert code(first, 409) == "second_person"
    done = door.post(f"{path}/approve", headers=BEN | tag(door, path))
    assert done.json()["in_force"]
    ended = door.post(f"{path}/end", json={"on": "2026-01-31"}, headers=BEN | tag(door, path))
    assert ended.json()["until"] == "2026-01-31"
    items = door.get("/api/v1/exceptions").json()["items"]
    assert [(one["id"], one["hidden"]["alerts"]) for one in items] == [(made.json()["id"], 0)]
    wrong = {**body, "rule": "no-such-rule"}
    assert code(door.post("/api/v1/exceptions", json=wrong, headers=ANN), 404) == "unknown_rule"
    assert code(door.get("/api/v1/exceptions/99"), 404) == "exception_not_found"


def test_an_exception_sets_aside_and_the_queue_can_be_asked_for_it(
    door: TestClient, ruled: System
) -> None:
    first = door.get("/api/v1/alerts").json()["items"][0]
    rule = first["rules"][0]["id"]
    body = {"rule": rule, "reason": "known", "subject_key": first["subject"]["key"]}
    made = door.post("/api/v1/exceptions", json=body, headers=ANN).json()
    if not made["in_force"]:
        path = f"/api/v1/exceptions/{made['id']}"
        door.post(f"{path}/approve", headers=BEN | tag(door, path))
    aside = door.get("/api/v1/alerts?set_aside=true").json()["items"]
    assert [one["id"] for one in aside] == [first["id"]]
    assert aside[0]["tags"][0]["exception"] == made["id"]
    assert door.get("/api/v1/alerts?limit=200").json()["items"][-1]["id"] == first["id"]
    hidden = door.get(f"/api/v1/exceptions/{made['id']}").json()["hidden"]
    assert (hidden["alerts"], hidden["worst_severity"]) == (1, first["severity"])


def test_an_alert_shows_the_text_it_fired_with_and_what_changed(
    door: TestClient, ruled: System, tmp_path: Path
) -> None:
    with writing(ruled.engine) as connection:
        process(connection, [fired_by(OWN)], run_id="run-9", now=ruled.clock())
    alert = door.get("/api/v1/alerts?q=F-4711").json()["items"][0]
    path = f"/api/v1/alerts/{alert['id']}/rules"
    assert door.get(path).json() == {"items": []}
    live(ruled)
    told = door.get(path).json()["items"][0]
    assert (told["text"], told["today"], told["diff"]) == (local_text(), "1.0.0", [])
    write_rule(tmp_path / "mine", local_text("1.1.0", 0.019))
    live(ruled)
    told = door.get(path).json()["items"][0]
    assert told["text"] == local_text()
    assert told["today"] == "1.1.0"
    assert any(line.startswith("+") and "0.019" in line for line in told["diff"])
    page = door.get(f"/alerts/{alert['id']}", headers={"Accept": "text/html"}).text
    assert "The text it fired with" in page
    assert "What changed since, to version 1.1.0" in page
    assert code(door.get("/api/v1/alerts/A-NONE/rules"), 404) == "alert_not_found"


def fired_by(rule_id: str) -> Any:
    """A signal of one rule."""
    rules = ({"id": rule_id, "version": "1.0.0"},)
    return replace(signals()[0], subject_key="F-4711", rules=rules)
