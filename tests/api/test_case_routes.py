"""Cases over HTTP: one from its opening to its hand-over, and walls between units."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from alerts.leads import Origin, receive
from detector.audit.keys import PUBLIC, public_key
from detector.database import writing
from detector.handover_reading import read_bundle
from detector.people.permissions import Role
from detector.system import System
from tests.api.conftest import START, client_of
from tests.signed import enroll

CASES = "/api/v1/cases"


def made(client: TestClient, alerts: list[str], **more: Any) -> Response:
    return client.post(CASES, json={"title": "road works", "alerts": alerts, **more})


def changed(client: TestClient, number: str, path: str = "", **body: Any) -> Response:
    """A change on the case as it stands now."""
    tag = client.get(f"{CASES}/{number}").headers["ETag"]
    method = "PATCH" if not path or path.startswith("/tasks/") else "POST"
    return client.request(method, f"{CASES}/{number}{path}", json=body, headers={"If-Match": tag})


def test_a_case_from_its_opening_to_its_hand_over(
    client: TestClient, ids: list[str], system: System
) -> None:
    answer = made(client, ids[:2], owner="Ann")
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    number = answer.json()["number"]
    assert number == "C-2026-0001"
    assert changed(client, number, "/alerts", alerts=[ids[2]]).json()["version"] == 2
    changed(client, number, "/tasks", text="ask the buyer", due_on="2026-12-01")
    changed(client, number, "/tasks/1", done=True)
    client.post(f"{CASES}/{number}/notes", json={"text": "**Called** them."})
    for state in ("in_progress", "decided"):
        assert changed(client, number, state=state).status_code == 200
    order = {
        "kind": "fine", "decided_on": "2026-11-20", "text": "Stop.", "legal_basis": "art. 17",
        "amount": 50_000, "currency": "CNY",
        "targets": [{"feature": "cover_win_rate", "direction": "up", "by": "2027-01-01",
                     "subject_key": "F-0101"}],
    }  # fmt: skip
    assert changed(client, number, "/interventions", **order).status_code == 201
    tag = {"If-Match": client.get(f"{CASES}/{number}").headers["ETag"]}
    right = {**order, "amount": 55_000, "why": "A digit."}
    path = f"{CASES}/{number}/interventions/1"
    assert client.put(path, json=right, headers={"If-Match": '"1"'}).status_code == 412
    assert client.put(path, json=right, headers=tag).json()["version"] == 8
    found = client.get(f"{path}/follow-up").json()
    assert (found["version"], found["targets"][0]["follow_up"]) == (2, None)
    assert client.get(f"{CASES}/{number}/interventions/2/follow-up").status_code == 404
    answer = changed(client, number, state="closed", outcome="measures_taken", note="Done.")
    assert answer.json()["outcome"] == "measures_taken"
    told = client.get(f"{CASES}/{number}").json()
    assert len(told["alerts"]) == 3
    assert (told["tasks"][0]["done_by"], told["tasks"][0]["due_on"]) == ("Reviewer 3", "2026-12-01")
    (decision,) = told["interventions"]
    assert decision["targets"][0]["follow_up"] is None
    assert (decision["amount"], decision["earlier"][0]["amount"]) == (55_000, 50_000)
    assert {party["role"] for party in told["parties"]} <= {"subject"}
    items = client.get(f"{CASES}/{number}/timeline").json()["items"]
    assert {one["alert"] for one in items} == {None, *ids[:3]}
    sent = client.post(f"{CASES}/{number}/hand-over", json={"to": "Office South", "notes": [1]})
    assert sent.headers["content-type"] == "application/zip"
    bundle = read_bundle(sent.content, public_key(system.home / PUBLIC))
    assert {alert["id"] for alert in bundle.alerts} == set(ids[:3])
    page = client.get(CASES, params={"alert": ids[0], "state": "closed", "q": "ROAD"}).json()
    assert [one["number"] for one in page["items"]] == [number]
    assert client.get(CASES, params={"alert": ids[5]}).json()["items"] == []


def test_pages_of_cases_follow_each_other(client: TestClient) -> None:
    for _ in range(5):
        made(client, [])
    seen, path = [], f"{CASES}?limit=2"
    while path:
        answer = client.get(path)
        seen += [one["number"] for one in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url", "")
    assert seen == [f"C-2026-{serial:04}" for serial in range(5, 0, -1)]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({"title": "x"}, {}, 428, "precondition_required"),
        ({"title": "x"}, {"If-Match": '"9"'}, 412, "stale_version"),
        ({"state": "decided"}, {"If-Match": '"1"'}, 409, "bad_transition"),
        ({"state": "closed", "note": "x"}, {"If-Match": '"1"'}, 422, "outcome_required"),
        ({"state": "gone"}, {"If-Match": '"1"'}, 422, "invalid_request"),
        ({}, {"If-Match": '"1"'}, 422, "nothing_changed"),
    ],
)
def test_what_is_refused_says_why(
    client: TestClient, body: dict[str, str], headers: dict[str, str], status: int, code: str
) -> None:
    made(client, [])
    answer = client.patch(f"{CASES}/C-2026-0001", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get(f"{CASES}/C-2026-0001").json()["version"] == 1


def test_a_person_of_a_unit_sees_its_cases_and_of_them_its_alerts(system: System) -> None:
    settings = system.settings.model_copy(update={"units": {"bids": ["MON-*"], "data": ["PRIV-*"]}})
    object.__setattr__(system, "settings", settings)
    whole = client_of(system, actor="Ann")
    ben = client_of(system, **enroll(system, "Ben", [Role.INVESTIGATOR], units=["bids"]))
    items = whole.get("/api/v1/alerts?limit=200").json()["items"]
    mine = next(one["id"] for one in items if one["typology"].startswith("MON"))
    other = next(one["id"] for one in items if one["typology"].startswith("PRIV"))
    shared = made(whole, [mine, other], unit="bids").json()["number"]
    hidden = [made(whole, [mine], unit="data").json()["number"], made(whole, []).json()["number"]]
    told = ben.get(f"{CASES}/{shared}").json()
    assert ([one["id"] for one in told["alerts"]], told["hidden_alerts"]) == ([mine], 1)
    line = ben.get(f"{CASES}/{shared}/timeline").json()["items"]
    assert {one["alert"] for one in line} == {None, mine}
    refused = ben.post(f"{CASES}/{shared}/hand-over", json={"to": "Office South"})
    assert refused.json()["code"] == "hidden_alerts"
    assert [one["number"] for one in ben.get(CASES).json()["items"]] == [shared]
    tag = {"If-Match": '"1"'}
    for number in (*hidden, "C-2026-9999"):
        path = f"{CASES}/{number}"
        answers = [
            ben.get(path),
            ben.get(f"{path}/timeline"),
            ben.patch(path, json={"title": "x"}, headers=tag),
            ben.post(f"{path}/alerts", json={"alerts": [mine]}, headers=tag),
            ben.post(f"{path}/tasks", json={"text": "x"}, headers=tag),
            ben.patch(f"{path}/tasks/1", json={"done": True}, headers=tag),
            ben.post(f"{path}/notes", json={"text": "x"}),
            ben.post(f"{path}/hand-over", json={"to": "x"}),
            ben.post(f"{path}/alerts/{mine}/remove", json={"note": "x"}, headers=tag),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.json()["code"] for answer in answers} == {"case_not_found"}
    # what a person may not see cannot be put into a case either, nor the case moved out of sight
    assert made(ben, [other]).json()["code"] == "alert_not_found"
    assert made(ben, [mine], unit="data").json()["code"] == "beyond_reach"
    assert made(ben, [mine]).json()["unit"] == "bids"
    assert changed(ben, shared, unit="data").json()["code"] == "beyond_reach"


def test_where_a_lead_came_from_is_told(client: TestClient, system: System, ids: list[str]) -> None:
    sent = {"alert": client.get(f"/api/v1/alerts/{ids[0]}").json(), "notes": []}
    origin, day = Origin("k" * 64, "Office North", "C-2025-0007", ids[0]), START.date()
    with writing(system.engine) as connection:
        lead = receive(connection, origin, sent, "Ann", START, day)
        assert receive(connection, origin, sent, "Ann", START, day) is None
    told = client.get(f"/api/v1/alerts/{lead}/origin").json()
    assert (told["installation"], told["case"], told["alert"]) == (
        "Office North", "C-2025-0007", ids[0],
    )  # fmt: skip
    shown = client.get(f"/api/v1/alerts/{lead}").json()
    assert shown["events"][0]["data"]["origin"]["installation"] == "Office North"
    assert client.get(f"/api/v1/alerts/{ids[0]}/origin").status_code == 404
