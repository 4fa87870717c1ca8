"""The pages: what they show, in both languages, and that they trust nothing."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from starlette.testclient import TestClient

from alerts import exceptions
from alerts.exceptions import Wanted
from alerts.inbox import queue
from alerts.tagging import retag
from api.app import create_app
from api.known import facts_of
from api.web.figures import day, measure, moment, period, plain
from api.web.wording import accepted_lang, one_bold
from detector.database import reading, writing
from detector.ledger import begin_manual, finish, publish
from detector.planning import LIVE
from detector.results import CELL, Manifest, Results
from detector.system import System
from tests.api.conftest import START, client_of, make_system
from tests.api.market import fact, signal
from tests.signed import enroll

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def reader(system: System) -> TestClient:
    """A browser that has not said who it is."""
    return client_of(system, Accept="text/html", actor="Reviewer 3")


def test_the_queue_shows_lanes_reasons_parts_and_what_was_not_checked(reader: TestClient) -> None:
    page = reader.get("/").text
    assert page.index("Legal lane</b>") < page.index("Screen lane</b>")
    assert "Notified <b>95 h</b> after becoming aware" in page
    assert "23\u00a0h past the limit" in page
    assert "1 not checked" in page
    for counted in ("40,912", "702", "181", "14 rows in quarantine"):
        assert counted in page
    assert page.count('data-href="/alerts/') == 40


def test_the_reason_of_a_model_alone_is_a_sentence(reader: TestClient) -> None:
    page = reader.get("/?typology=MON-PRICE-VARIANCE").text
    assert re.search(r"is <b>0\.004</b>; the median of 214 peers is 0\.061 \(z 4\.4\)\.", page)


def test_filters_live_in_the_address_and_pages_follow_one_another(tmp_path: Path) -> None:
    many = [
        signal("MON-BID-CV", ("close bids", "接近"), (f"F-{i:03}", f"Firm {i}", f"企业 {i}"))
        for i in range(120)
    ]
    reader = client_of(make_system(tmp_path, many), actor="Reviewer 3")
    seen, url = [], "/?typology=MON-BID-CV&severity=2"
    while url:
        page = reader.get(url).text
        seen += re.findall(r'data-id="([^"]+)"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        url = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 120
    assert 'data-id="' not in reader.get("/?severity=5").text


def test_an_empty_queue_says_what_was_checked(system: System, tmp_path: Path) -> None:
    assert "40,912 clear" in client_of(system, actor="Reviewer 3").get("/?q=nobody").text
    fresh = client_of(make_system(tmp_path / "fresh", []), known={}, actor="Reviewer 3")
    page = fresh.get("/").text
    assert "No run has finished yet" in page
    assert "warden ingest" in page


def test_the_alert_page_shows_evidence_doubts_law_and_record(reader: TestClient) -> None:
    ids = re.findall(r'data-id="([^"]+)"', reader.get("/?typology=MON-BID-DISTANCE").text)
    page = reader.get(f"/alerts/{ids[0]}?whole=1").text
    for shown in (
        "Possible winner isolated from cover bids: Dunmere Paving",
        "17\u00a0pp",
        "Not evaluable: too few observations (too_few)",
        "Peer median",
        "cheap source near the site",
        "bid-rotation 1.2.0: too few observations",
        "CN Anti-Monopoly Law art. 17",
        "bids:41,tenders:12,firms:3",
        "First seen by run 5f1c2d3e.",
    ):
        assert shown in page, shown


def test_deciding_on_the_page(reader: TestClient, ids: list[str]) -> None:
    path = f"/alerts/{ids[0]}"
    form = {"action": "acknowledge", "version": "1"}
    page = reader.post(f"{path}/decisions", data=form)
    assert page.url.path == path
    assert "taken up, in your name" in page.text
    assert "Reviewer 3 took the alert up." in page.text
    form = {"action": "close", "version": "2", "reason": "confirmed", "note": "Seen <b>it</b>."}
    page = reader.post(f"{path}/decisions", data=form)
    assert "closed the alert: confirmed." in page.text
    assert "Seen &lt;b&gt;it&lt;/b&gt;." in page.text
    assert ids[0] not in reader.get("/").text
    assert ids[0] in reader.get("/?state=closed").text


def test_a_page_gone_stale_keeps_what_was_typed(
    reader: TestClient, ids: list[str], system: System
) -> None:
    path = f"/alerts/{ids[0]}"
    first = {"action": "acknowledge", "version": "1"}
    reader.post(f"{path}/decisions", data=first, headers=enroll(system, "Reviewer 1"))
    late = {"action": "close", "version": "1", "reason": "explained", "note": "My long note."}
    page = reader.post(f"{path}/decisions", data=late)
    assert page.status_code == 412
    assert "your decision was not made" in page.text
    assert "Reviewer 1 took the alert up." in page.text
    assert "My long note.</textarea>" in page.text
    assert re.search(r'<option value="explained" selected>', page.text)


def test_a_refused_act_names_the_reason_and_does_nothing(
    reader: TestClient, ids: list[str]
) -> None:
    form = {"action": "close", "version": "1", "note": "Kept text."}
    page = reader.post(f"/alerts/{ids[0]}/decisions", data=form)
    assert page.status_code == 422
    assert "Kept text.</textarea>" in page.text
    assert "closed the alert" not in page.text


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    bad = signal(
        "MON-BID-CV", (HOSTILE, HOSTILE), (HOSTILE, HOSTILE, HOSTILE),
        message={"en": f"**{HOSTILE}** 5 {HOSTILE}", "zh": HOSTILE},
        facts=(fact(HOSTILE, HOSTILE, HOSTILE, HOSTILE, unit=HOSTILE, **{"class": HOSTILE}),
               fact("x", None, ">", 1, reason=HOSTILE)),
        rules=({"id": HOSTILE, "version": HOSTILE, "title": {"en": HOSTILE, "zh": HOSTILE}},),
        models=({"id": HOSTILE, "version": HOSTILE},), innocent=({"en": HOSTILE, "zh": HOSTILE},),
        not_checked=({"rule": HOSTILE, "reason": HOSTILE},),
        legal_basis=({"jurisdiction": HOSTILE, "instrument": HOSTILE, "note": HOSTILE},),
    )  # fmt: skip
    client = client_of(make_system(tmp_path, [bad]), Accept="text/html", actor="Reviewer 3")
    [alert_id] = re.findall(r'data-id="([^"]+)"', client.get("/").text)
    client.post(f"/alerts/{alert_id}/comments", data={"text": HOSTILE, "actor": HOSTILE[:80]})
    for path in ("/", f"/alerts/{alert_id}", f"/alerts/{alert_id}?lang=zh", f"/?q={HOSTILE}"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.sub(r"[\w-]*49[\w-]+|[\w-]+49", "", page)
        assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("asked", "cookie", "accepted", "lang"),
    [
        ("", "", "", "en"),
        ("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("", "", "fr, en;q=0.5, zh;q=0.1", "en"),
        ("", "zh", "en", "zh-Hans"),
        ("?lang=en", "zh", "zh", "en"),
        ("?lang=xx", "", "zh", "zh-Hans"),
    ],
)
def test_language(system: System, asked: str, cookie: str, accepted: str, lang: str) -> None:
    client = client_of(system, actor="Reviewer 3", **{"Accept-Language": accepted})
    if cookie:
        client.cookies.set("lang", cookie)
    assert f'<html lang="{lang}"' in client.get(f"/{asked}").text
    assert accepted_lang("zh;q=x") == "en"


def test_a_chosen_language_is_remembered(reader: TestClient) -> None:
    reader.get("/?lang=zh&theme=dark")
    page = reader.get("/").text
    assert 'lang="zh-Hans" data-theme="dark"' in page
    assert "预警队列" in page


def test_figures_as_people_read_them() -> None:
    assert plain(-11.70) == "−11.7"
    assert plain(1234567) == "1,234,567"
    assert plain(4e-15, 2) == "4 × 10⁻¹⁵"
    assert measure(0.18, "share", "en") == "18\u00a0%"
    assert measure(95, "hours", "zh") == "95\u00a0小时"
    assert measure(None, "share", "en") == "–"
    assert period("2026-01-01", "2026-03-31", "en") == "Q1\u00a02026"
    assert period("2026-02-01", "2026-02-28", "zh") == "2026 年 2 月"
    assert (
        period("2026-01-05", "2026-02-07", "en") == "5\u00a0Jan\u00a02026 to 7\u00a0Feb\u00a02026"
    )
    assert moment("2026-03-02T08:41:00+08:00", "en") == "2 Mar 2026, 00:41"
    assert day("2026-03-06", "zh") == "3月6日\u00a0周五"


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("Fell 42 % to 18 % in 2026.", "Fell <b>42 %</b> to 18 % in 2026."),
        ("In 2026 it fell by **18 %**, **more**.", "In 2026 it fell by <b>18 %</b>, more."),
        ("Firm F-12 filed nothing.", "Firm F-12 filed nothing."),
        ("a < 5", "a &lt; <b>5</b>"),
    ],
)
def test_a_reason_has_one_bold_number(text: str, bold: str) -> None:
    assert str(one_bold(text)) == bold


def test_what_is_known_comes_from_the_ledger_and_the_results_in_force(system: System) -> None:
    assert facts_of(system)() == {}
    results = Results(system.home)
    claim = begin_manual(system.engine, "detect", worker="w", clock=system.clock)
    rows = {"typology": ["MON-BID-CV"] * 3, "outcome": ["fired", "clear", "clear"]}
    cell = {"grain": ["tender"] * 3, "period_start": [START.date()] * 3}
    frame = pl.DataFrame(rows | cell)
    results.write(claim.key, {"judged": frame, "cells": frame.select(CELL).unique()})
    results.seal(
        Manifest(claim.key, LIVE, "s", {}, START.isoformat(), "2026-11-23", {}, layers=(claim.key,))
    )
    with writing(system.engine) as connection:
        publish(connection, LIVE, claim.run_id, claim.token, now=START)
        finish(connection, claim, now=START)
    known = facts_of(system)()
    assert known["outcomes"]["clear"] == 2
    assert known["by_typology"] == {"MON-BID-CV": {"fired": 1, "clear": 2}}
    assert (known["data_as_of"], known["run_id"]) == (START, claim.run_id)
    door = TestClient(
        create_app(system), base_url="http://127.0.0.1", headers=enroll(system, "Ann")
    )
    page = door.get("/").text
    assert "Judged <b>3</b>" in page


def test_what_is_set_aside_comes_last_and_says_by_what(system: System, client: TestClient) -> None:
    with reading(system.engine) as connection:
        first = queue(connection).alerts[0]
    wanted = Wanted(
        rule_id=str(first.signal.rules[0]["id"]),
        owner="Office 7",
        reason="a regulated price",
        subject_key=first.signal.subject_key,
    )
    with writing(system.engine) as connection:
        exceptions.add(connection, wanted, 3, "Ann", system.clock())
        retag(connection, wanted.rule_id, "Ann", system.clock())
    page = client.get("/?state=any", headers={"Accept": "text/html"}).text
    assert page.index("Set aside") > page.rindex('class="alert"')
    assert f'class="alert aside" role="row" tabindex="-1" data-id="{first.id}"' in page
    assert "set aside by E-1" in page
    told = client.get(f"/alerts/{first.id}", headers={"Accept": "text/html"}).text
    assert "Ann changed what exceptions" in told
