"""The alerts resource: pages, filters, one alert, evidence, decisions, comments."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from detector.system import System
from tests.api.conftest import client_of

ALERTS = "/api/v1/alerts"


def decide(client: TestClient, alert_id: str, tag: str, **body: Any) -> Any:
    return client.post(f"{ALERTS}/{alert_id}/decisions", json=body, headers={"If-Match": tag})


@pytest.mark.parametrize("limit", [1, 7, 40, 200])
def test_following_links_gives_every_alert_once_in_order(client: TestClient, limit: int) -> None:
    seen, url = [], f"{ALERTS}?limit={limit}"
    while url:
        answer = client.get(url)
        page = answer.json()
        seen += page["items"]
        link = answer.headers.get("link")
        assert (link is None) == (page["next_cursor"] is None)
        url = re.fullmatch(r'<(/[^>]+)>; rel="next"', link)[1] if link else ""
    assert len({a["id"] for a in seen}) == len(seen) == 40
    lanes = [a["lane"] for a in seen]
    assert lanes == sorted(lanes)
    screen = [a["priority"]["value"] for a in seen if a["lane"] == "screen"]
    assert screen == sorted(screen, reverse=True)
    assert page["counts"]["total"] == 40


def test_alerts_decided_between_pages_are_neither_lost_nor_repeated(client: TestClient) -> None:
    first = client.get(f"{ALERTS}?limit=10").json()
    decide(client, first["items"][3]["id"], '"1"', action="acknowledge")
    rest = client.get(f"{ALERTS}?limit=200&cursor={first['next_cursor']}").json()
    ids = {a["id"] for a in first["items"]} | {a["id"] for a in rest["items"]}
    assert len(ids) == 40
    assert len(rest["items"]) == 30


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("lane=legal", 14),
        ("lane=legal&lane=screen", 40),
        ("typology=PRIV-BREACH-LATE", 6),
        ("severity=5", 2),
        ("severity=5&severity=4", 9),
        ("state=closed", 0),
        ("subject=F-0101", 2),
        ("q=dUNMERE+paving", 4),
        ("q=%25", 0),
        ("q=顿梅", 4),
    ],
)
def test_filters(client: TestClient, query: str, n: int) -> None:
    page = client.get(f"{ALERTS}?limit=200&{query}").json()
    assert len(page["items"]) == page["counts"]["total"] == n


def test_one_alert_has_its_history_and_its_version_as_etag(
    client: TestClient, ids: list[str]
) -> None:
    answer = client.get(f"{ALERTS}/{ids[0]}")
    assert answer.headers["etag"] == '"1"'
    assert [e["kind"] for e in answer.json()["events"]] == ["opened"]


def test_evidence_names_facts_and_their_source(client: TestClient, ids: list[str]) -> None:
    evidence = client.get(f"{ALERTS}/{ids[0]}/evidence").json()
    assert evidence["facts"][0]["feature"] == "notice_delay_hours"
    assert evidence["sources"]["snapshot_id"] == "bids:41,tenders:12,firms:3"
    assert evidence["sources"]["run_id"].endswith("-7")


def test_a_decision_moves_the_alert_and_is_written_down(client: TestClient, ids: list[str]) -> None:
    taken = decide(client, ids[0], '"1"', action="acknowledge")
    assert (taken.status_code, taken.headers["etag"]) == (200, '"2"')
    assert (taken.json()["state"], taken.json()["assignee"]) == ("acknowledged", "Reviewer 3")
    closed = decide(client, ids[0], '"2"', action="close", reason="confirmed", note="Seen the log.")
    assert closed.json()["close_reason"] == "confirmed"
    last = client.get(f"{ALERTS}/{ids[0]}").json()["events"][-1]
    assert (last["actor"], last["reason"], last["note"]) == (
        "Reviewer 3",
        "confirmed",
        "Seen the log.",
    )


@pytest.mark.parametrize(
    ("tag", "body", "status", "code"),
    [
        (None, {"action": "acknowledge"}, 428, "precondition_required"),
        ('"7"', {"action": "acknowledge"}, 412, "stale_version"),
        ("*", {"action": "acknowledge"}, 412, "stale_version"),
        ('"²"', {"action": "acknowledge"}, 412, "stale_version"),
        ('"1"', {"action": "reopen"}, 409, "transition_not_allowed"),
        ('"1"', {"action": "close"}, 422, "reason_required"),
        ('"1"', {"action": "close", "reason": "confirmed"}, 422, "note_required"),
        ('"1"', {"action": "escalate", "note": " "}, 422, "note_required"),
        ('"1"', {"action": "close", "reason": "bored"}, 422, "invalid_request"),
        ('"1"', {"action": "forget"}, 422, "invalid_request"),
        ('"1"', {"action": "acknowledge", "more": 1}, 422, "invalid_request"),
    ],
)
def test_refused_decisions_change_nothing(
    client: TestClient, ids: list[str], tag: str | None, body: Any, status: int, code: str
) -> None:
    headers = {"If-Match": tag.encode()} if tag else {}
    answer = client.post(f"{ALERTS}/{ids[0]}/decisions", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get(f"{ALERTS}/{ids[0]}").json()["version"] == 1


def test_of_two_decisions_on_one_version_the_second_is_refused(
    client: TestClient, ids: list[str]
) -> None:
    assert decide(client, ids[0], '"1"', action="acknowledge").status_code == 200
    assert decide(client, ids[0], '"1"', action="review").status_code == 412


def test_nobody_named_no_act(system: System, ids: list[str]) -> None:
    nobody = client_of(system)
    for path, body in (("decisions", {"action": "acknowledge"}), ("comments", {"text": "x"})):
        answer = nobody.post(f"{ALERTS}/{ids[0]}/{path}", json=body, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
        assert "www-authenticate" in answer.headers


def test_a_comment_is_kept_and_conflicts_with_nothing(system: System, ids: list[str]) -> None:
    reviewer = client_of(system, actor="审查员 3")
    answer = reviewer.post(f"{ALERTS}/{ids[0]}/comments", json={"text": " 看过日志。 "})
    assert (answer.status_code, answer.json()["note"]) == (201, "看过日志。")
    assert answer.json()["actor"] == "审查员 3"
    assert reviewer.get(f"{ALERTS}/{ids[0]}").json()["version"] == 1
    assert reviewer.post(f"{ALERTS}/{ids[0]}/comments", json={"text": "  "}).status_code == 422
