"""The work on alerts at the door: assignment, files, second person, undo, many at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from alerts import audit
from detector.attached import place_of
from detector.database import writing
from detector.people import accounts
from detector.people.permissions import Role
from detector.system import System
from tests.api.conftest import client_of
from tests.signed import bearer, enroll

ALERTS = "/api/v1/alerts"
PDF = b"%PDF-1.7\nthe record\n"


def act(client: TestClient, alert_id: str, what: str, version: int, **body: Any) -> Any:
    headers = {"If-Match": f'"{version}"'}
    return client.post(f"{ALERTS}/{alert_id}/{what}", json=body, headers=headers)


def other(system: System, name: str = "Reviewer 9", roles: Any = (Role.REGULATOR,)) -> TestClient:
    return client_of(system, **enroll(system, name, roles))


@pytest.fixture
def severe(client: TestClient) -> str:
    page = client.get(f"{ALERTS}?severity=4&severity=5&limit=1").json()
    return str(page["items"][0]["id"])


def test_a_severe_alert_is_closed_by_two(system: System, client: TestClient, severe: str) -> None:
    asked = act(client, severe, "decisions", 1, action="close", reason="explained", note="Seen.")
    assert (asked.status_code, asked.json()["state"]) == (200, "open")
    assert asked.json()["pending"]["by"] == "Reviewer 3"
    assert [a["id"] for a in client.get(f"{ALERTS}?pending=true").json()["items"]] == [severe]
    mine = act(client, severe, "closure/approve", 2)
    assert (mine.status_code, mine.json()["code"]) == (409, "same_person")
    junior = other(system, "Junior", (Role.INVESTIGATOR,))
    assert act(junior, severe, "closure/approve", 2).status_code == 403
    second = other(system)
    assert act(second, severe, "closure/approve", 1).status_code == 412
    done = act(second, severe, "closure/approve", 2)
    assert (done.status_code, done.json()["state"], done.headers["etag"]) == (200, "closed", '"3"')
    assert act(second, severe, "closure/approve", 3).json()["code"] == "nothing_pending"
    back = act(second, severe, "undo", 3)
    assert (back.json()["state"], back.json()["pending"]["by"]) == ("open", "Reviewer 3")
    assert act(second, severe, "closure/reject", 4, note="Not yet.").json()["pending"] is None
    kinds = [e["kind"] for e in client.get(f"{ALERTS}/{severe}").json()["events"]]
    assert kinds[1:] == ["closure_asked", "closed", "undone", "closure_rejected"]


def test_the_page_shows_the_request_to_each_what_they_may(
    system: System, client: TestClient, severe: str
) -> None:
    form = {"action": "close", "version": "1", "reason": "explained", "note": "Seen."}
    html = {"Accept": "text/html"}
    page = client.post(f"/alerts/{severe}/decisions", data=form, headers=html).text
    assert "The closing waits for a second person." in page
    assert "Reviewer 3 asks to close it: explained." in page
    assert f'action="/alerts/{severe}/closure/withdraw"' in page
    assert "closure/approve" not in page
    second = client_of(system, **enroll(system, "Reviewer 9", (Role.REGULATOR,)), **html)
    assert f'action="/alerts/{severe}/closure/approve"' in second.get(f"/alerts/{severe}").text
    done = second.post(f"/alerts/{severe}/closure/approve", data={"version": "2"}).text
    assert "The alert is closed, approved by you." in done
    assert "Undo my last decision" in done
    again = second.post(f"/alerts/{severe}/closure/approve", data={"version": "3"})
    assert again.status_code == 409
    assert "Nobody asks to close it any more." in again.text


def test_an_alert_is_given_to_people_who_work_on_alerts(
    system: System, client: TestClient, ids: list[str]
) -> None:
    other(system, "Wang", (Role.INVESTIGATOR,))
    other(system, "Auditor", (Role.AUDITOR,))
    other(system, "Gone", (Role.INVESTIGATOR,))
    with writing(system.engine) as connection:
        accounts.change(connection, "Gone", "tests", system.clock(), enabled=False)
    for name in ("Nobody", "Auditor", "Gone", "a\0b", "\ud800"):
        body = json.dumps({"action": "assign", "to": name})
        headers = {"If-Match": '"1"', "Content-Type": "application/json"}
        answer = client.post(f"{ALERTS}/{ids[0]}/assignment", content=body, headers=headers)
        assert answer.status_code == 422, name
    given = act(client, ids[0], "assignment", 1, action="assign", to="Wang")
    assert (given.json()["assignee"], given.json()["state"]) == ("Wang", "open")
    assert [a["id"] for a in client.get(f"{ALERTS}?assignee=Wang").json()["items"]] == [ids[0]]
    assert act(client, ids[0], "assignment", 2, action="take").json()["assignee"] == "Reviewer 3"
    assert act(client, ids[0], "assignment", 3, action="release").json()["assignee"] is None
    assert act(client, ids[0], "assignment", 4, action="assign").json()["code"] == "bad_assignment"


def test_a_file_is_kept_under_its_hash_and_handed_out_to_be_saved(
    system: System, client: TestClient, ids: list[str]
) -> None:
    path, tag = f"{ALERTS}/{ids[0]}/attachments", {"If-Match": '"1"'}
    large = b"%PDF-" + b"x" * 2_000_000  # over what any other address takes
    made = client.post(f"{path}?name=报告 1.pdf", content=large, headers=tag)
    assert (made.status_code, made.headers["etag"]) == (201, '"2"')
    one = made.json()
    assert place_of(system.home, one["sha256"]).read_bytes() == large
    assert client.get(path).json()["items"] == [one]
    read = client.get(one["href"])
    assert (read.status_code, read.content) == (200, large)
    assert read.headers["content-type"] == "application/pdf"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert read.headers["content-disposition"].startswith('attachment; filename="__ 1.pdf"; ')
    assert "filename*=UTF-8''%E6%8A%A5%E5%91%8A%201.pdf" in read.headers["content-disposition"]
    entries = client.get("/api/v1/audit?kind=alert").json()["items"]
    assert [e["action"] for e in entries][:2] == ["attachment.read", "alert.attached"]
    place = place_of(system.home, one["sha256"])
    place.chmod(0o640)
    place.write_bytes(b"%PDF-other")
    assert client.get(one["href"]).json()["code"] == "attachment_damaged"


@pytest.mark.parametrize(
    ("name", "data", "tag", "status"),
    [
        ("a.html", b"<html>", '"1"', 422),
        ("a.pdf", b"", '"1"', 422),
        ("a.pdf", PDF, None, 428),
        ("a.pdf", PDF, '"7"', 412),
        ("a.pdf", PDF + b"x" * 20_000_000, '"1"', 413),
    ],
)
def test_a_file_refused_leaves_nothing(
    system: System,
    client: TestClient,
    ids: list[str],
    name: str,
    data: bytes,
    tag: Any,
    status: int,
) -> None:
    headers = {"If-Match": tag} if tag else {}
    path = f"{ALERTS}/{ids[0]}/attachments"
    answer = client.post(f"{path}?name={name}", content=data, headers=headers)
    assert answer.status_code == status, answer.text
    assert client.get(path).json()["items"] == []
    assert not list(system.home.glob("attachments/*/*"))


def test_many_are_changed_at_once_and_the_rest_is_told(client: TestClient, ids: list[str]) -> None:
    total = client.get(f"{ALERTS}?lane=legal").json()["counts"]["total"]
    act(client, ids[0], "decisions", 1, action="acknowledge")
    body = {"filter": {"lane": ["legal"]}, "action": "acknowledge", "expected": total + 1}
    assert client.post(f"{ALERTS}/bulk", json=body).json()["code"] == "count_changed"
    done = client.post(f"{ALERTS}/bulk", json=body | {"expected": total}).json()
    assert (done["changed"], done["pending"]) == (total - 1, 0)
    assert [(s["alert_id"], s["code"]) for s in done["skipped"]] == [
        (ids[0], "transition_not_allowed")
    ]
    entries = client.get("/api/v1/audit?action=alert.acknowledged&limit=100").json()["items"]
    assert len(entries) == total


def test_a_person_of_one_unit_changes_many_of_that_unit_alone(tmp_path: Any) -> None:
    from dataclasses import replace

    from detector.settings import Settings
    from tests.api.conftest import make_system
    from tests.api.market import signals

    plain = make_system(tmp_path, signals())
    system = replace(plain, settings=Settings(units={"privacy": ["PRIV-*"]}))
    enroll(system, "Zhao", units=["privacy"])
    mine = client_of(system, **bearer("Zhao"))
    n = mine.get(ALERTS).json()["counts"]["total"]
    body = {"filter": {}, "action": "label", "label": "seen", "expected": 40}
    assert n < 40
    assert mine.post(f"{ALERTS}/bulk", json=body).json()["code"] == "count_changed"
    assert mine.post(f"{ALERTS}/bulk", json=body | {"expected": n}).json()["changed"] == n
    everything = client_of(system, actor="Ann")
    labelled = everything.get(f"{ALERTS}?label=SEEN&limit=200").json()["items"]
    assert {a["typology"][:5] for a in labelled} == {"PRIV-"}


def test_age_and_day_are_told_and_sorted_by(client: TestClient) -> None:
    page = client.get(f"{ALERTS}?sort=due&limit=7").json()
    days = [a["due_on"] for a in page["items"]]
    after = client.get(f"{ALERTS}?sort=due&limit=7&cursor={page['next_cursor']}").json()
    assert [*days, after["items"][0]["due_on"]] == sorted([*days, after["items"][0]["due_on"]])
    assert (page["items"][0]["age_days"], page["items"][0]["overdue"]) == (0, False)
    assert client.get(f"{ALERTS}?overdue=true").json()["items"] == []


def test_a_comment_is_shown_as_markdown_and_cleaned(client: TestClient, ids: list[str]) -> None:
    text = "**Look** <script>alert(1)</script> [x](javascript:alert(1)) ![p](https://a.b/p.png)"
    made = client.post(f"{ALERTS}/{ids[0]}/comments", json={"text": text}).json()
    assert made["note"] == text
    assert "<strong>Look</strong>" in made["html"]
    for wrong in ("<script", "<img", 'href="javascript'):
        assert wrong not in made["html"]
    page = client.get(f"/alerts/{ids[0]}", headers={"Accept": "text/html"}).text
    assert made["html"].strip() in page


def test_an_alert_goes_back_to_the_rules_author(client: TestClient) -> None:
    page = client.get(f"{ALERTS}?limit=200").json()["items"]
    alert = next(a for a in page if a["rules"])
    rule = alert["rules"][0]["id"]
    assert act(client, alert["id"], "tuning", 1, rule="none", note="x").status_code == 422
    assert act(client, alert["id"], "tuning", 1, rule=rule, note="A tariff.").status_code == 200
    items = client.get(f"/api/v1/rules/{rule}/tuning").json()["items"]
    assert [(i["alert_id"], i["note"]) for i in items] == [(alert["id"], "A tariff.")]
    assert audit.digest("A tariff.") in str(client.get("/api/v1/audit?kind=alert").json())
