"""Nothing of another jurisdiction shows by counts, totals, cases, time lines, bulk acts or hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from alerts.jurisdictions import keep
from detector.database import reading, writing
from detector.extracts import extract
from detector.people.limits import limits_of
from detector.people.permissions import Role
from detector.saved_searches import run_searches
from detector.system import System
from features.errors import WardenError
from tests.api.conftest import client_of
from tests.signed import enroll

ALERTS, CASES = "/api/v1/alerts", "/api/v1/cases"
MINE, THEIRS, BOTH, NOBODYS = "CN", "DE", ("CN", "DE"), ()


@pytest.fixture
def everything(client: TestClient, system: System) -> list[dict[str, Any]]:
    """All alerts, placed in turn: ours, theirs, of both, of nobody known."""
    found: list[dict[str, Any]] = client.get(f"{ALERTS}?limit=200").json()["items"]
    turn: list[tuple[str, ...]] = [(MINE,), (THEIRS,), BOTH, NOBODYS]
    with writing(system.engine) as connection:
        keep(connection, {a["fingerprint"]: turn[i % 4] for i, a in enumerate(found)})
    return found


@pytest.fixture
def limited(system: System, everything: list[dict[str, Any]]) -> TestClient:
    """A client for Lin, who is limited to one jurisdiction."""
    headers = enroll(system, "Lin", jurisdictions=[MINE])
    return client_of(system, **headers)


def seen(everything: list[dict[str, Any]]) -> set[str]:
    return {a["id"] for i, a in enumerate(everything) if i % 4 in (0, 2)}


def test_every_filter_counts_only_what_is_seen(
    limited: TestClient, everything: list[dict[str, Any]]
) -> None:
    mine = seen(everything)
    filters: list[Mapping[str, Any]] = [
        {}, {"lane": "legal"}, {"lane": "screen"}, {"q": "a"}, {"stale": False}, {"overdue": True},
        *({"severity": n} for n in range(1, 6)),
        *({"typology": t} for t in sorted({a["typology"] for a in everything})),
        *({"subject": a["subject"]["key"]} for a in everything),
        *({"jurisdiction": code} for code in ("CN", "DE", "EU", "US")),
    ]  # fmt: skip
    for asked in filters:
        found = limited.get(ALERTS, params={**asked, "limit": 200}).json()
        ids = {a["id"] for a in found["items"]}
        assert ids <= mine, asked
        assert found["counts"]["total"] == len(ids), asked
        assert sum(found["counts"]["by_state"].values()) == len(ids)
    # theirs is asked for by name: what is of both is found, the rest is not there
    both = {a["id"] for i, a in enumerate(everything) if i % 4 == 2}
    found = limited.get(ALERTS, params={"jurisdiction": "EU", "limit": 200}).json()
    assert {a["id"] for a in found["items"]} == both
    assert found["items"][0]["jurisdictions"] == ["CN", "DE"]


def test_a_case_of_both_hides_their_alerts_and_every_trace_of_them(
    limited: TestClient, client: TestClient, everything: list[dict[str, Any]], system: System
) -> None:
    ours, theirs, nobodys = (everything[i]["id"] for i in (0, 1, 3))
    body = {"title": "roads", "alerts": [ours, theirs, nobodys], "jurisdiction": "CN"}
    number = client.post(CASES, json=body).json()["number"]
    told = limited.get(f"{CASES}/{number}")
    assert [a["id"] for a in told.json()["alerts"]] == [ours]
    assert told.json()["hidden_alerts"] == 2
    items = limited.get(f"{CASES}/{number}/timeline").json()["items"]
    began = next(one["data"] for one in items if one["alert"] is None)
    assert began["alerts"] == [ours] and began["hidden_alerts"] == 2
    assert {one["alert"] for one in items} == {None, ours}
    assert theirs not in told.text + str(items) and nobodys not in told.text + str(items)
    by_alert = {a: limited.get(CASES, params={"alert": a}).json()["items"] for a in (ours, theirs)}
    assert [len(found) for found in by_alert.values()] == [1, 0]
    refused = limited.post(f"{CASES}/{number}/hand-over", json={"to": "North"})
    assert (refused.status_code, refused.json()["code"]) == (409, "hidden_alerts")
    tag = {"If-Match": told.headers["ETag"]}
    added = limited.post(f"{CASES}/{number}/alerts", json={"alerts": [theirs]}, headers=tag)
    assert (added.status_code, added.json()["code"]) == (404, "alert_not_found")
    # a case of a place that lies in the jurisdiction is of it, one of another place is not there
    for place, status in (("CN-31", 200), ("DE", 404), (None, 404)):
        one = client.post(CASES, json={**body, "jurisdiction": place}).json()["number"]
        assert limited.get(f"{CASES}/{one}").status_code == status
    europe = client_of(system, **enroll(system, "Eva", jurisdictions=["EU"]))
    assert [c["jurisdiction"] for c in europe.get(CASES).json()["items"]] == ["DE"]


def test_a_bulk_act_reaches_what_is_seen_and_nothing_else(
    limited: TestClient, client: TestClient, everything: list[dict[str, Any]]
) -> None:
    mine = len(seen(everything))
    asked: dict[str, Any] = {"filter": {}, "action": "label", "label": "ours"}
    wrong = limited.post(f"{ALERTS}/bulk", json={**asked, "expected": len(everything)})
    assert wrong.status_code == 409
    assert limited.post(f"{ALERTS}/bulk", json={**asked, "expected": mine}).status_code == 200
    found = client.get(ALERTS, params={"label": "ours", "limit": 200}).json()["items"]
    assert {a["id"] for a in found} == seen(everything)
    # a filter by place narrows what is seen and widens nothing
    theirs = {**asked, "filter": {"jurisdiction": ["DE"]}, "label": "both"}
    both = sum(i % 4 == 2 for i, _ in enumerate(everything))
    assert limited.post(f"{ALERTS}/bulk", json={**theirs, "expected": both}).status_code == 200


def test_hits_go_when_the_alert_is_beyond_reach(
    system: System, everything: list[dict[str, Any]]
) -> None:
    lin = client_of(system, **enroll(system, "Lin"))
    body = {"name": "all", "about": "alerts", "query": {"lanes": ["legal", "screen"]}}
    kept = lin.post("/api/v1/searches", json=body).json()
    with writing(system.engine) as connection:
        connection.exec_driver_sql("UPDATE saved_search SET created_at = '2020-01-01 00:00:00'")
    run_searches(system)
    hits = lin.get("/api/v1/searches/hits").json()["items"]
    assert len(hits) == len(everything)
    change = {"jurisdictions": [MINE]}
    tag = lin.get("/api/v1/people/Lin").headers["ETag"]
    lin.patch("/api/v1/people/Lin", json=change, headers={"If-Match": tag})
    assert {h["key"] for h in lin.get("/api/v1/searches/hits").json()["items"]} == seen(everything)
    again = lin.get(f"/api/v1/searches/{kept['id']}").json()
    assert again["new_hits"] == len(seen(everything))


def test_an_export_holds_what_is_seen_and_refuses_what_does_not_say(
    system: System, everything: list[dict[str, Any]]
) -> None:
    enroll(system, "Lin", [Role.REGULATOR], jurisdictions=[MINE])
    with reading(system.engine) as connection:
        within = limits_of(connection, "Lin", system.settings)
    assert set(extract(system, "alerts", within=within)["id"]) == seen(everything)
    for kind in ("scores", "outcomes", "features:tender", "quarantine"):
        with pytest.raises(WardenError) as refused:
            extract(system, kind, within=within)
        assert refused.value.code == "beyond_limits"


def test_both_limits_hold_at_once(system: System, everything: list[dict[str, Any]]) -> None:
    units = {"bidding": ["MON-BID-*"]}
    settings = system.settings.model_copy(update={"units": units})
    headers = enroll(system, "Lin", units=["bidding"], jurisdictions=[MINE])
    door = client_of(replace(system, settings=settings), **headers)
    mine = seen(everything)
    wanted = {a["id"] for a in everything if a["id"] in mine and a["typology"][:7] == "MON-BID"}
    found = door.get(f"{ALERTS}?limit=200").json()
    assert {a["id"] for a in found["items"]} == wanted and 0 < len(wanted) < len(mine)
