"""Writing a rule at the desk: form and text, checks, history, second person, and the way back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.web.rule_form import comparisons, fields_of, with_fields
from detector.backtesting import backtest
from detector.rule_drafts import draft_of
from detector.rulebook import rulebook
from detector.run import run_detection
from detector.system import System
from features.errors import WardenError
from rules.load import load_rule
from tests.api.conftest import client_of
from tests.api.rule_page_changes import DRAFT
from tests.detector.homes import small_market
from tests.detector.promoting import LIKE, OWN, local_text
from tests.signed import bearer, enroll

EDIT, BEN = f"/rules/{OWN}/edit", bearer("Ben")
FIELDS = {"f.parameters.max_cv": "0.03", "o.parameters.max_cv": "0.018"}


def test_the_form_writes_what_was_changed_and_leaves_every_other_line() -> None:
    text = local_text() + "# a remark\n"
    fields = fields_of(text)
    assert fields is not None
    assert fields.rows == (("bid_cv", "<=", ":max_cv"),)
    assert with_fields(text, {"severity": "3"}) == text
    moved = with_fields(text, {"parameters.max_cv": "0.02", "title.zh": "新"})
    assert [a for a, b in zip(text.splitlines(), moved.splitlines(), strict=True) if a != b] == [
        "  zh: 本局自用指标",
        next(line for line in text.splitlines() if "max_cv: {value" in line),
    ]
    more = with_fields(text, {"row.1.left": "n_bids", "row.1.sign": ">", "row.1.right": "4"})
    rule, _ = load_rule(more, "x")
    assert rule is not None
    assert comparisons(rule.spec.condition) == (*fields.rows, ("n_bids", ">", "4"))
    assert comparisons("a > 1 OR b > 2") == ()
    with pytest.raises(WardenError, match="no field"):
        with_fields(text, {"tests": "none"})


def test_a_draft_is_kept_with_its_faults_and_never_over_another_persons(system: System) -> None:
    door = client_of(system, actor="Ann")
    missing = door.put(DRAFT, json={"text": "id: x"})
    assert missing.json()["code"] == "precondition_required"
    done = door.put(DRAFT, json={"text": "id: x"}, headers={"If-Match": '"0"'})
    assert (done.status_code, done.headers["ETag"]) == (200, '"1"')
    page = door.post(EDIT, data={"text": local_text(), "revision": "0", "do": "save"})
    assert page.status_code == 412 and "office-7" in page.text
    kept = draft_of(system, OWN)
    assert kept is not None and kept.text == "id: x"
    assert door.get(f"/rules/{OWN}", follow_redirects=False).headers["location"] == EDIT
    assert "x" in door.get("/rules?state=draft").text and OWN not in rulebook(system).ids()


def test_checks_bring_form_and_text_together_and_say_where_it_is_wrong(system: System) -> None:
    door = client_of(system, actor="Ann")
    path = f"/rules/{LIKE}/check"
    good = door.get(f"/api/v1/rules/{LIKE}/versions/1.0.0").json()["text"]
    same = door.post(path, data={"text": good}).json()
    assert same["ready"] and same["lines"] == {}
    bad = door.post(path, data={"text": good.replace("bid_cv <=", "bid_cw <=")}).json()
    assert not bad["ready"] and 'data-fix="bid_cv"' in bad["lint"] and bad["lines"]
    changed = good.replace("severity: 3", "severity: 4")
    taken = door.post(path, data={"text": changed}).json()
    assert "is taken by another text" in taken["lint"] and not taken["ready"]
    other = door.post(path, data={"text": local_text()}).json()
    assert f"this draft is of `{LIKE}`" in other["lint"]


def studied(door: TestClient) -> dict[str, Any]:
    """The study of the draft once it is no longer running."""
    for _ in range(200):
        found: dict[str, Any] = door.get(f"/api/v1/rules/{OWN}/study").json()
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    raise AssertionError("the study never ended")


def test_from_the_first_line_to_live_and_back(tmp_path: Path) -> None:
    market = small_market(tmp_path / "home", ring=12)
    run_detection(market)
    for name in ("Ann", "Ben"):
        enroll(market, name)
    door = client_of(market, actor="Ann")
    begun = door.post("/rules/new", data={"id": OWN, "like": LIKE}, follow_redirects=False)
    assert begun.headers["location"] == EDIT
    form = {"text": local_text(), "revision": "1", **FIELDS}
    early = door.post(EDIT, data=form | {"do": "submit"})
    assert early.status_code == 422 and "no backtest" in early.text
    # the submit saved what was written, limit of the form and all
    text = door.get(DRAFT).json()
    assert "value: 0.03," in text["text"] and text["revision"] == 2
    form = {"text": local_text(limit=0.03), "revision": "2"}
    door.post(EDIT, data=form | {"do": "backtest"})
    study = studied(door)
    assert (study["state"], study["error"]) == ("done", "")
    assert study["report"]["outcomes"]["fired"] > 5
    assert study["report"]["content_hash"] == study["id"]

    asked = {"limits": {"max_cv": 0.012}, "along": "max_cv"}
    moved = door.post(f"/api/v1/rules/{OWN}/study/move", json=asked).json()
    rule = rulebook(market).candidate(OWN)
    told = backtest(market, rule, sets=["max_cv=0.012"]).data["moved"]["max_cv=0.012"]
    assert (moved["entered"], moved["left"]) == (told["entered"], told["left"])
    assert moved["new"]["fired"] == told["outcomes"]["fired"] < moved["old"]["fired"]
    curve = dict(zip(moved["curve"]["x"], moved["curve"]["new"], strict=True))
    assert curve[0.03] == moved["old"]["fired"] and curve[0.012] == moved["new"]["fired"]
    shown = door.get(f"/rules/{OWN}/moved?p.max_cv=0.012").text
    assert moved["examples"]["left"][0]["subject_key"] in shown

    revision = str(door.get(DRAFT).json()["revision"])
    sent = form | {"revision": revision, "do": "submit", "note": "seen often"}
    done = door.post(EDIT, data=sent, follow_redirects=False)
    assert done.headers.get("location") == f"/rules/{OWN}?done=shadow", done.text
    run_detection(market)
    page = door.get(f"/rules/{OWN}").text
    assert "in shadow" in page and "seen often" in page
    assert study["report"]["snapshot_id"] in page
    now = door.get(f"/api/v1/rules/{OWN}").json()
    told = {"version": str(now["number"]), "note": "read", "of": "1.0.0",
            "hash": now["shadow"]["content_hash"]}  # fmt: skip
    assert door.post(f"/rules/{OWN}/approve", data=told).status_code == 409
    assert door.post(f"/rules/{OWN}/approve", data=told, headers=BEN).status_code == 200
    assert door.get(f"/api/v1/rules/{OWN}").json()["status"] == "active"
    again = door.get(EDIT).text
    assert "version: &#34;1.1.0&#34;" in again and "not saved yet" in again
    assert "History was not asked" in again
