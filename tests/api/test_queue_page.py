"""What is done from the queue at the door: forms, refusals, views, acts, and what came in."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from alerts.inbox import get_alert
from api.web.queue_filters import filters_of
from detector.database import reading
from detector.settings import Settings
from detector.system import System
from tests.api.conftest import START, client_of
from tests.api.test_audited_changes import renamed
from tests.signed import bearer, enroll

PAGE = {"Accept": "text/html"}


def test_a_form_of_the_queue_changes_what_it_names_and_goes_back(
    client: TestClient, ids: list[str]
) -> None:
    form = {"action": "assign", "to": "Reviewer 3", "back": "/?lane=legal"}
    fields = {**form, "alert": [f"{ids[0]}:1", f"{ids[1]}:9"]}
    answer = client.post("/queue/act", data=fields, follow_redirects=False)
    assert answer.headers["location"] == (
        "/?lane=legal&act.done=assign&act.skipped=1&act.changed=1"
    )
    page = client.get(answer.headers["location"]).text
    assert "Assigned: one alert." in page
    assert "Left as they are: 1" in page
    for back in ("//elsewhere.example/", "https://elsewhere.example", "/sign-out"):
        fields = {"action": "release", "alert": f"{ids[0]}:2", "back": back}
        answer = client.post("/queue/act", data=fields, follow_redirects=False)
        assert answer.headers.get("location", "/").split("?")[0] == "/"


@pytest.mark.parametrize("part", [{}, {"X-Desk": "part"}])
def test_a_refusal_keeps_the_text_and_says_why(
    system: System, client: TestClient, ids: list[str], part: dict[str, str]
) -> None:
    other = {"action": "acknowledge", "alert": f"{ids[0]}:1"}
    client.post("/queue/act", data=other, headers=PAGE | enroll(system, "Reviewer 1"))
    form = {"action": "close", "reason": "explained", "note": "My note.", "alert": f"{ids[0]}:1"}
    late = client.post("/queue/act", data=form, headers=PAGE | part)
    assert late.status_code == 412
    assert "Reviewer 1 took the alert up." in late.text
    assert f'value="{ids[0]}:2"' in late.text
    assert ("My note.</textarea>" in late.text) == (not part)
    form = {"action": "close", "note": "My note.", "alert": f"{ids[0]}:2"}
    bare = client.post("/queue/act", data=form, headers=PAGE | part)
    assert bare.status_code == 422
    assert "Closing needs a reason from the list." in bare.text
    renamed(system, "audit_entry", "audit_gone")
    form["reason"] = "explained"
    away = client.post("/queue/act", data=form, headers=PAGE | part)
    assert away.status_code == 503
    assert "Every change is refused with code 503" in away.text
    assert ("My note.</textarea>" in away.text) == (not part)


def test_whoever_is_limited_is_told_and_changes_nothing_of_others(
    system: System, ids: list[str]
) -> None:
    enroll(system, "Pat", units=["privacy"])
    limited = replace(system, settings=Settings(units={"privacy": ["PRIV-*"]}))
    pat = client_of(limited, **PAGE, **bearer("Pat"))
    page = pat.get("/").text
    assert "You see privacy only." in page
    seen = set(re.findall(r'data-id="([^"]+)"', page))
    assert len(seen) == 14
    assert f"{len(ids) - len(seen)} waiting alerts of others" in page
    unseen = next(one for one in ids if one not in seen)
    answer = pat.post("/queue/act", data={"action": "label", "label": "x", "alert": f"{unseen}:1"})
    assert "label" not in answer.url.query.decode()
    assert pat.get(f"/alerts/{unseen}/preview").status_code == 404
    with reading(system.engine) as connection:
        assert get_alert(connection, unseen).alert.version == 1


def test_news_are_counted_since_a_moment_and_else_silent(client: TestClient) -> None:
    since = {"since": START.replace(hour=1).isoformat()}
    assert "40 new alerts since 01:30" in client.get("/queue/news", params=since).text
    legal = client.get("/queue/news", params={**since, "lane": "legal"}).text
    assert "14 new alerts" in legal
    assert 'href="/?lane=legal"' in legal
    assert client.get("/queue/news", params={"since": START.isoformat()}).status_code == 204
    assert client.get("/queue/news", params={"since": "2026-11-23T00:00:00"}).status_code == 422


def test_views_and_acts_by_program(client: TestClient, ids: list[str]) -> None:
    asked = {"name": "late ones", "query": "lane=legal&due=late&nonsense=1"}
    view = client.post("/api/v1/views", json=asked).json()
    assert view["query"] == "lane=legal&due=late"
    assert client.get("/api/v1/views").json()["items"] == [view]
    assert client.post("/api/v1/views", json=asked).json()["code"] == "view_name_taken"
    assert client.delete(f"/api/v1/views/{view['id']}").status_code == 204
    assert client.delete(f"/api/v1/views/{view['id']}").json()["code"] == "view_not_found"
    form = {"action": "acknowledge", "alert": [f"{ids[0]}:1", f"{ids[1]}:1"]}
    client.post("/queue/act", data=form)
    [act] = client.get("/api/v1/activity").json()["items"]
    assert (act["kind"], sorted(act["alerts"])) == ("acknowledged", sorted(ids[:2]))
    assert act["undoable"] == dict.fromkeys(ids[:2], 2)


def test_filters_ask_the_same_of_the_page_and_of_the_interface(
    client: TestClient, ids: list[str]
) -> None:
    client.post("/queue/act", data={"action": "label", "label": "ring", "alert": f"{ids[3]}:1"})
    client.post("/queue/act", data={"action": "assign", "to": "", "alert": f"{ids[5]}:1"})
    for query in (
        "label=ring", "owner=%40none", "due=week", "age=month", "age=week", "work=stale",
        "work=pending", "severity=4&lane=legal", "owner=Reviewer+3&q=late",
    ):  # fmt: skip
        page = client.get(f"/?{query}").text
        twin = re.search(r'href="(/api/v1/alerts\?[^"]+)"', page)
        assert twin
        told = client.get(twin[1].replace("&amp;", "&")).json()["items"]
        assert re.findall(r'data-id="([^"]+)"', page) == [one["id"] for one in told], query
    assert re.findall(r'data-id="([^"]+)"', client.get("/?label=ring").text) == [ids[3]]
    assert filters_of("jurisdiction=cn&state=x&severity=9&due=never").any_set is False


def test_every_key_of_the_page_has_one_act(client: TestClient) -> None:
    page = client.get("/").text
    found = re.search(r'data-keymap="([^"]+)"', page)
    assert found
    keymap = json.loads(found[1].replace("&#34;", '"'))
    assert keymap["d"] == "close"
    assert len(set(keymap.values())) == len(keymap)
    assert page.count("<dt>") >= len(keymap)
