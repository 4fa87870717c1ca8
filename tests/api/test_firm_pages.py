"""The pages of firms: the search, the question for a purpose, the dossier and its parts, notes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from alerts.audit_tables import audit_entry
from api.web.firm_measures import measures_view
from api.web.firm_network import HEIGHT, WIDTH, placed
from detector.database import reading
from detector.firm_index import keep_index
from detector.system import System
from tests.api.conftest import client_of
from tests.dossier.filed import judged
from tests.signed import enroll

SAID = {"purpose": "review of an alert", "case": "C-118"}
PARTS = ("alerts", "measures", "coverage", "network", "similar", "filings", "filings/bids")


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> System:
    """The installation of the tests of the dossier, its firms indexed."""
    system = judged(tmp_path_factory)
    keep_index(system)
    return system


@pytest.fixture
def door(filed: System) -> TestClient:
    """A browser that has said no purpose yet."""
    return client_of(filed, actor="Reviewer 3", Accept="text/html")


@pytest.fixture
def inside(door: TestClient) -> TestClient:
    """The same after the purpose was said for one firm."""
    door.post("/firms/R1/purpose", data=SAID)
    return door


def read(system: System, action: str = "dossier.read") -> list[dict[str, str]]:
    query = sa.select(audit_entry).where(audit_entry.c.action == action)
    with reading(system.engine) as connection:
        rows = connection.execute(query.order_by(audit_entry.c.seq)).mappings().all()
    return [{"key": row["key"], **json.loads(row["data"])} for row in rows]


def test_firms_are_found_in_both_languages_and_scripts(door: TestClient) -> None:
    for words in ("顿梅", "dunmere roads", "Paving"):
        page = door.get("/firms", params={"q": words}).text
        assert 'href="/firms/R1"' in page
        assert "Dunmere Roads" in page and '<span class="quiet" lang="zh-Hans">顿梅路面' in page
    assert "没有相符的企业" in door.get("/firms?q=nobody&lang=zh").text


def test_nothing_is_shown_before_a_purpose_is_said(door: TestClient, filed: System) -> None:
    before = len(read(filed))
    for part in ("", *(f"/{part}" for part in PARTS)):
        page = door.get(f"/firms/R1{part}")
        assert page.status_code == 200
        assert 'name="purpose"' in page.text and "OWN" not in page.text
        assert "<table" not in page.text.split("<main", 1)[1]
    refused = door.post("/firms/R1/purpose", data={"purpose": "because", "case": " "})
    assert (refused.status_code, 'value="because"' in refused.text) == (422, True)
    # a link may bring a purpose along, but it is the reader who says it
    linked = door.get("/firms/R1?purpose=review&case=A-1").text
    assert 'value="review"' in linked and 'value="A-1"' in linked
    assert len(read(filed)) == before


def test_a_purpose_holds_for_one_firm_and_one_person(inside: TestClient, filed: System) -> None:
    assert "Opened for C-118" in inside.get("/firms/R1").text
    assert 'name="purpose"' in inside.get("/firms/R2").text
    other = inside.get("/firms/R1", headers=enroll(filed, "Reviewer 4"))
    assert 'name="purpose"' in other.text
    forged = {"Cookie": "visit=e30=; "}
    assert 'name="purpose"' in inside.get("/firms/R1", headers=forged).text


def test_every_part_is_a_page_and_a_panel_and_leaves_an_entry(
    inside: TestClient, filed: System
) -> None:
    for part in PARTS:
        before = len(read(filed))
        page = inside.get(f"/firms/R1/{part}")
        assert page.status_code == 200 and "<h1>" in page.text, part
        panel = inside.get(f"/firms/R1/{part}", headers={"HX-Request": "true"})
        assert panel.headers["X-Part"] and "<html" not in panel.text, part
        added = read(filed)[before:]
        assert len(added) == 2 and {(one["key"], one["case"]) for one in added} == {("R1", "C-118")}


def test_the_dossier_says_who_it_is_and_compares_every_figure(inside: TestClient) -> None:
    page = inside.get("/firms/R1").text
    for shown in ("Dunmere Roads", "顿梅路面", "Ｄｕｎｍｅｒｅ Paving", 'href="/firms/G1"',
                  'href="/firms/HOLD"', 'href="/firms/SIS"', "shop-1"):  # fmt: skip
        assert shown in page
    assert page.count('class="beside"') == 6 and 'class="beside"></span>' not in page
    assert "/alerts/A-" in page


def course(feature: str, typology: str, last: float, unit: str = "share") -> dict[str, Any]:
    """A series of three quarters beside one band, the second without a value."""
    band = {"p05": 0.1, "q25": 0.2, "median": 0.3, "q75": 0.4, "p95": 0.5, "level": "all"}
    points = [
        {"period_start": date(2025, month, 1), "period_end": date(2025, month + 2, day),
         "value": value, "reason": None if value is not None else "too_few", "n": 7,
         "band": band if month > 1 else None, "peers": 24 if month > 1 else 2,
         "band_reason": None if month > 1 else "too_few"}
        for month, day, value in ((1, 31, 0.3), (4, 30, 0.3), (7, 30, None), (10, 31, last))
    ]  # fmt: skip
    told = {"feature": feature, "title": {"en": feature, "zh": feature}, "unit": unit}
    return told | {
        "direction": "high", "typology": typology, "subject_key": "R1", "points": points,
    }  # fmt: skip


def test_measures_are_drawn_beside_their_peers_the_most_unlike_first() -> None:
    series = [course("mild", "A", 0.4), course("wild", "A", 0.9), course("other", "B", 0.5),
              course("flag", "B", 1.0, "yes/no")]  # fmt: skip
    grain = {"grain": "firm_q", "gathered": False, "series": series, "hidden": 0}
    deal = {"on": date(2025, 5, 3), "kind": "deal_signed", "about": "D-1", "n": 1}
    told = {"grains": [grain], "events": [deal], "reason": None}
    shown = measures_view(told, "Dunmere Roads", "en")
    assert [one["code"] for one in shown["charts"]] == ["wild", "other", "mild"]
    assert [one["code"] for one in shown["rows"]] == ["flag"]
    spec = json.loads(shown["charts"][0]["spec"])
    peers, own = spec["series"]
    assert (own["name"], own["values"]) == ("Dunmere Roads", [30.0, 30.0, None, 90.0])
    assert (peers["values"], spec["band"]["high"]) == ([None, 30, 30, 30], [None, 50, 50, 50])
    assert (spec["y0"], spec["unit"], spec["events"][0]["x"]) == (True, "%", "Q2\u00a02025")
    twin = shown["charts"][0]["points"]
    assert (twin[1]["value"], twin[1]["why"]) == ("–", "too few observations")
    assert "24 peers, n 7" in shown["charts"][0]["sentence"]


def test_measures_of_one_suspicion_alone(inside: TestClient) -> None:
    only = inside.get("/firms/R1/measures?typology=MON-DOMINANCE-CN").text
    assert "market_share" in only and "bid_cv" not in only
    assert inside.get("/firms/R1/measures?typology=NONE").status_code == 422


def test_the_map_says_in_words_what_each_cell_shows_and_why_not(inside: TestClient) -> None:
    page = inside.get("/firms/R1/coverage").text
    cells = page.count('<td class="cell">')
    assert cells and page.count('class="hidden-text"', page.index('<td class="cell">')) >= cells
    assert "rules never ran here" in page and "not filed: " in page


def test_the_network_is_a_table_with_the_same_links_as_its_drawing(inside: TestClient) -> None:
    page = inside.get("/firms/R1/network?nodes=40").text
    spec = json.loads(page.split('data-network="', 1)[1].split('"', 1)[0].replace("&#34;", '"'))
    assert page.count('<tr><th scope="row">') == len(spec["edges"]) > 0
    assert {"HOLD", "TOP", "SUB"} <= {node["id"] for node in spec["nodes"]}
    only = inside.get("/firms/R1/network?kind=owns").text
    assert "80\u00a0%" in only and "bid together</td>" not in only


def test_organisations_are_placed_alike_every_time_and_apart() -> None:
    nodes = [("me", 0), *((f"n{i}", 1) for i in range(6)), *((f"f{i}", 2) for i in range(9))]
    edges = [(f"n{i % 6}", f"f{i}") for i in range(8)] + [("me", f"n{i}") for i in range(6)]
    places = placed(nodes, edges)
    assert places == placed(nodes, list(edges))
    assert len(set(places.values())) == len(nodes)
    assert all(0 < x < WIDTH and 0 < y < HEIGHT - 40 for x, y in places.values())
    assert placed([("me", 0)], [])["me"][0] == WIDTH // 2


def test_an_amendment_is_told_as_filed_and_restated(inside: TestClient) -> None:
    page = inside.get("/firms/R1/filings").text
    assert "<del>Ｄｕｎｍｅｒｅ Paving</del>" in page and "<ins>Dunmere Roads</ins>" in page
    only = inside.get("/firms/R1/filings/market_positions?amended=1").text
    assert "<del>40</del>" in only and "<ins>44</ins>" in only
    assert only.count("As filed") == 1
    first = inside.get("/firms/R1/filings/bids").text
    assert 'rel="next"' not in first, "twenty bids are one page"
    assert inside.get("/firms/R1/filings/nonsense").status_code == 404


def test_a_note_is_kept_and_read_by_who_may_see_as_much(inside: TestClient, filed: System) -> None:
    assert inside.post("/firms/R1/notes", data={"text": " "}).status_code == 422
    kept = inside.post("/firms/R1/notes", data={"text": "Disputes **the market** <b>x</b>"})
    assert kept.url.query == b"done=noted"
    assert "Disputes <strong>the market</strong> &lt;b&gt;x&lt;/b&gt;" in kept.text
    assert read(filed, "firm.noted")[-1]["case"] == "C-118"
    assert "Disputes" not in json.dumps(read(filed, "firm.noted"))
    units = {"bidding": ["MON-BID-*"], "privacy": ["PRIV-*"]}
    settings = filed.settings.model_copy(update={"units": units})
    limited = client_of(replace(filed, settings=settings))
    people = {name: enroll(filed, name, units=unit) for name, unit in
              (("of one", ["bidding"]), ("of both", ["bidding", "privacy"]))}  # fmt: skip
    path, why = "/api/v1/firms/R1/notes", {"purpose": "review", "case": "C-2"}
    body = {"text": "From the unit."}
    written = limited.post(path, params=why, json=body, headers=people["of one"])
    assert (written.status_code, written.json()["author"]) == (201, "of one")
    seen = {
        name: [n["text"] for n in limited.get(path, params=why, headers=who).json()["items"]]
        for name, who in (people | {"boss": enroll(filed, "boss")}).items()
    }
    assert seen["of one"] == seen["of both"] == ["From the unit."]
    assert len(seen["boss"]) == 2


def test_a_search_is_kept_stopped_and_dropped_on_the_page(door: TestClient) -> None:
    page = door.post("/firms/searches", data={"name": "honest ones", "q": "honest"}).text
    assert "The search is kept." in page and "honest ones" in page
    assert door.post("/firms/searches", data={"name": "", "q": "honest"}).status_code == 422
    kept = door.get("/api/v1/searches").json()["items"][0]
    path = f"/firms/searches/{kept['id']}"
    stopped = door.post(f"{path}/change", data={"version": "1", "enabled": "no"}).text
    assert "The search is stopped." in stopped
    assert door.post(f"{path}/drop", data={"version": "1"}).status_code == 412
    assert "You keep no search." in door.post(f"{path}/drop", data={"version": "2"}).text


def test_the_dossiers_opened_last_stand_on_the_page(inside: TestClient) -> None:
    inside.get("/firms/R1")
    page = inside.get("/firms").text.split("Opened by you last", 1)[1]
    assert 'href="/firms/R1"' in page and "review of an alert" in page
