"""Firms over HTTP: the search, dossiers for a purpose, saved searches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from alerts.audit_tables import audit_entry, audit_head
from detector.database import reading, writing
from detector.firm_index import keep_index
from detector.people.permissions import Role
from detector.system import System
from tests.api.conftest import client_of
from tests.dossier.filed import judged
from tests.signed import enroll

WHY = {"purpose": "review of an alert", "case": "C-118"}
PARTS = ("", "/timeline", "/coverage", "/network", "/peers", "/filings", "/filings/bids")


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> System:
    """The installation of the tests of the dossier."""
    return judged(tmp_path_factory)


@pytest.fixture(scope="module")
def door(filed: System) -> TestClient:
    """A client at the door of the filed installation, its firms indexed."""
    keep_index(filed)
    return client_of(filed, actor="Reviewer 3")


def entries(system: System) -> list[dict[str, Any]]:
    query = sa.select(audit_entry).where(audit_entry.c.action == "dossier.read")
    with reading(system.engine) as connection:
        rows = connection.execute(query.order_by(audit_entry.c.seq)).mappings().all()
    return [{"key": row["key"], **json.loads(row["data"])} for row in rows]


def test_a_firm_is_found_by_a_part_of_its_name(door: TestClient) -> None:
    found = door.get("/api/v1/firms", params={"q": "顿梅"}).json()
    assert found["items"][0]["firm_id"] == "R1"
    assert found["items"][0]["name"] == "Dunmere Roads"
    assert found["current"] is True
    empty = door.get("/api/v1/firms")
    assert (empty.status_code, empty.json()["code"]) == (422, "empty_search")


@pytest.mark.parametrize("part", PARTS)
def test_every_part_asks_why_and_leaves_one_entry(
    door: TestClient, filed: System, part: str
) -> None:
    before = len(entries(filed))
    path = f"/api/v1/firms/R1{part}"
    for asked in ({}, {"purpose": "x"}, {"case": "C-1"}, {"purpose": " ", "case": "C-1"}):
        refused = door.get(path, params=asked)
        assert (refused.status_code, refused.json()["code"]) == (422, "purpose_required")
        assert "purpose" in refused.json()["hint"]
    assert len(entries(filed)) == before
    assert door.get(path, params=WHY).status_code == 200
    added = entries(filed)[before:]
    name = part.split("/")[1] if part else "dossier"
    assert added == [{"key": "R1", "part": name, **WHY}]


def test_headers_say_why_as_well(door: TestClient) -> None:
    given = {"X-Purpose": "review", "X-Case": "C-1"}
    assert door.get("/api/v1/firms/R1", headers=given).status_code == 200


def test_an_unknown_firm_is_not_found_and_leaves_no_entry(door: TestClient, filed: System) -> None:
    before = len(entries(filed))
    for firm in ("NOBODY", "%00", "%F0%9F%92%A9", "a" * 300):
        answer = door.get(f"/api/v1/firms/{firm}", params=WHY)
        assert (answer.status_code, answer.json()["code"]) == (404, "firm_not_found")
    assert len(entries(filed)) == before


def test_nothing_is_shown_when_the_trail_cannot_be_written(door: TestClient, filed: System) -> None:
    with writing(filed.engine) as connection:
        connection.execute(sa.update(audit_head).values(seq=audit_head.c.seq - 1))
    try:
        answer = door.get("/api/v1/firms/R1", params=WHY)
        assert (answer.status_code, answer.json()["code"]) == (503, "audit_unavailable")
        assert "firm" not in answer.json()
    finally:
        with writing(filed.engine) as connection:
            connection.execute(sa.update(audit_head).values(seq=audit_head.c.seq + 1))


def test_the_first_page_has_every_part_or_says_why_not(door: TestClient) -> None:
    told = door.get("/api/v1/firms/R1", params=WHY).json()
    assert told["firm"]["ultimate_owner"] == {"firm_id": "TOP", "steps": 2}
    assert told["firm"]["owners"]["stakes"][0]["from"] == "2019-01-01"
    assert {f["figure"] for f in told["figures"]} == {
        "open_alerts", "confirmed", "best_share", "rows_filed", "amended", "rules_judged",
    }  # fmt: skip
    assert told["coverage"]["judged"] > 0
    bare = door.get("/api/v1/firms/PLAT", params=WHY).json()
    assert (bare["markets"]["reason"], bare["alerts"]["reason"]) == ("no_filings", "no_alerts")


def test_measures_of_one_suspicion(door: TestClient) -> None:
    path = "/api/v1/firms/R1/timeline"
    told = door.get(path, params=WHY | {"typology": "MON-DOMINANCE-CN"}).json()
    series = [one for grain in told["grains"] for one in grain["series"]]
    assert {one["typology"] for one in series} == {"MON-DOMINANCE-CN"}
    assert "market_share" in {one["feature"] for one in series}
    assert door.get(path, params=WHY | {"typology": "X"}).json()["code"] == "unknown_typology"


def test_pages_of_source_rows_follow_the_link(door: TestClient) -> None:
    path: str | None = "/api/v1/firms/R1/filings/bids?limit=8&purpose=x&case=y"
    keys = []
    while path:
        page = door.get(path)
        keys += [json.dumps(item["key"]) for item in page.json()["items"]]
        path = page.links["next"]["url"] if "next" in page.links else None
    assert len(keys) == len(set(keys)) == 20
    refused = door.get("/api/v1/firms/R1/filings/bids", params=WHY | {"cursor": "zz"})
    assert refused.json()["code"] == "bad_cursor"
    missing = door.get("/api/v1/firms/R1/filings/nonsense", params=WHY)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_table")


def test_who_may_not_read_firms_is_refused(door: TestClient, filed: System) -> None:
    reader = enroll(filed, "Reader 1", [Role.READER])
    for path in ("/api/v1/firms?q=R1", "/api/v1/firms/R1?purpose=x&case=y", "/api/v1/searches"):
        assert door.get(path, headers=reader).status_code == 403
    assert door.get("/api/v1/firms?q=R1", headers={"Authorization": ""}).status_code == 401


def test_a_search_is_kept_changed_and_dropped(door: TestClient) -> None:
    wanted = {"name": "honest", "about": "firms", "query": {"text": "honest"}}
    kept = door.post("/api/v1/searches", json=wanted)
    assert kept.status_code == 201
    path = f"/api/v1/searches/{kept.json()['id']}"
    assert [s["name"] for s in door.get("/api/v1/searches").json()["items"]] == ["honest"]
    assert door.patch(path, json={"name": "x"}).status_code == 428
    changed = door.patch(path, json={"name": "x"}, headers={"If-Match": kept.headers["ETag"]})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    stale = door.delete(path, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert door.get(f"{path}/hits").json() == door.get("/api/v1/searches/hits").json()
    assert door.post(f"{path}/seen").json() == {"seen": 0}
    assert door.delete(path, headers={"If-Match": '"2"'}).status_code == 204
    assert door.get(path).status_code == 404


def test_a_dossier_tells_of_another_units_work_as_if_it_were_not_there(filed: System) -> None:
    """Alerts, events, rules judged, measures and counts beside neighbours."""
    units = {"bidding": ["MON-BID-*"], "privacy": ["PRIV-*"]}
    settings = filed.settings.model_copy(update={"units": units})
    limited = client_of(replace(filed, settings=settings))
    seen: dict[str, dict[str, Any]] = {}
    for name, unit in (("boss", []), ("of privacy", ["privacy"]), ("of bidding", ["bidding"])):
        headers = enroll(filed, name, units=unit)
        seen[name] = {
            part: limited.get(f"/api/v1/firms/R1{part}", params=WHY, headers=headers).json()
            for part in PARTS
        }
    whole, privacy, bidding = seen["boss"], seen["of privacy"], seen["of bidding"]
    assert whole[""]["alerts"]["n"] > 0
    assert {a["typology"] for a in bidding[""]["alerts"]["items"]} <= {
        a["typology"] for a in whole[""]["alerts"]["items"] if a["typology"].startswith("MON-BID")
    }
    assert privacy[""]["alerts"]["n"] == 0
    for part in ("", "/timeline", "/coverage", "/network", "/peers"):
        assert "MON-BID" not in json.dumps(privacy[part]), part
    assert all(not node["open_alerts"] for node in privacy["/network"]["nodes"])
    assert any(node["open_alerts"] for node in whole["/network"]["nodes"])
    assert privacy["/filings"] == whole["/filings"], "filings belong to no unit"
