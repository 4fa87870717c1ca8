"""Large exports and re-identification over HTTP: two persons, one content, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from httpx2 import Response

from detector.people.permissions import Role
from detector.pseudonyms import load_pseudonyms
from detector.settings import Settings
from detector.system import System
from tests.api.approval_changes import LIMIT, QUESTION, WHY, ask_for_export, large_case
from tests.api.asking import Desk
from tests.api.conftest import client_of
from tests.signed import bearer, enroll

APPROVALS = "/api/v1/approvals"
LIN, MEI, OLA = bearer("Lin"), bearer("Mei"), bearer("Ola")


@pytest.fixture
def desk(system: System, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Lin asks; Mei may approve; Ola reads alone."""
    monkeypatch.setenv("WARDEN_SECOND_PERSON__EXPORT_ALERTS", LIMIT)
    system = replace(system, settings=Settings())
    enroll(system, "Lin", [Role.INVESTIGATOR, Role.REGULATOR])
    enroll(system, "Mei", [Role.REGULATOR])
    enroll(system, "Ola", [Role.READER])
    return Desk(system, client_of(system, **LIN))


def answer(desk: Desk, made: Response, by: dict[str, str] = MEI, **more: Any) -> Response:
    body = {"content": made.json()["content"], **more}
    tag = {"If-Match": made.headers["ETag"]}
    return desk.door.post(f"{APPROVALS}/{made.json()['id']}/approve", json=body, headers=by | tag)


def test_a_large_hand_over_leaves_once_and_only_as_it_was_approved(desk: Desk) -> None:
    door, number = desk.door, large_case(desk)
    path, to = f"/api/v1/cases/{number}/hand-over", {"to": "Office South"}
    refused = door.post(path, json=to)
    assert (refused.status_code, refused.json()["code"]) == (409, "second_person_needed")
    made = door.post(APPROVALS, json={"what": "hand_over", "key": number, **to, **WHY})
    assert (made.status_code, made.json()["about"]["alerts"]) == (201, 3)
    with_number = to | {"approval": made.json()["id"]}
    assert door.post(path, json=with_number).json()["code"] == "not_approved"
    assert answer(desk, made, LIN).json()["code"] == "same_person"
    assert answer(desk, made, MEI, content="0" * 64).json()["code"] == "content_changed"
    assert answer(desk, made).json()["stage"] == "approved"
    other = with_number | {"to": "Office North"}
    assert door.post(path, json=other).json()["code"] == "content_changed"
    # approved, then edited: one alert fewer is another content
    tag = {"If-Match": door.get(f"/api/v1/cases/{number}").headers["ETag"]}
    alert = desk.alert["id"]
    gone = f"/api/v1/cases/{number}/alerts/{alert}/remove"
    assert door.post(gone, json={"note": "not of it"}, headers=tag).status_code == 200
    fewer = door.post(path, json=with_number)
    assert fewer.status_code == 200  # two alerts are below the limit: no approval is spent
    tag = {"If-Match": door.get(f"/api/v1/cases/{number}").headers["ETag"]}
    door.post(f"/api/v1/cases/{number}/alerts", json={"alerts": [alert]}, headers=tag)
    assert door.post(path, json=with_number).json()["code"] == "content_changed"


def test_an_approval_serves_once(desk: Desk) -> None:
    made = desk.door.post(APPROVALS, json=ask_for_export(desk).json)
    assert answer(desk, made).status_code == 200
    path = f"/api/v1/cases/{made.json()['about']['key']}/hand-over"
    wanted = {"to": "Office South", "approval": made.json()["id"]}
    assert desk.door.post(path, json=wanted, headers=MEI).json()["code"] == "other_person"
    sent = desk.door.post(path, json=wanted)
    assert (sent.status_code, sent.headers["content-type"]) == (200, "application/zip")
    assert desk.door.post(path, json=wanted).json()["code"] == "not_approved"


def test_who_is_behind_a_pseudonym_is_told_once_and_nothing_is_kept(desk: Desk) -> None:
    door = desk.door
    mark = load_pseudonyms(desk.system.home).of("Ren Hao")
    asked = QUESTION | {"pseudonym": mark}
    made = door.post("/api/v1/reidentifications", json=asked | WHY)
    assert made.status_code == 201
    with desk.system.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT about, purpose FROM approval").all()
        trail = connection.exec_driver_sql("SELECT data FROM audit_entry").all()
    assert "Ren Hao" not in str(kept) + str(trail) + made.text
    path = f"/api/v1/reidentifications/{made.json()['id']}/resolve"
    assert door.post(path, json=asked).json()["code"] == "not_approved"
    assert answer(desk, made).status_code == 200
    more = asked | {"candidates": [*QUESTION["candidates"], "Song Yi"]}
    assert door.post(path, json=more).json()["code"] == "content_changed"
    assert door.post(path, json=asked, headers=MEI).status_code == 403
    assert door.post(path, json=asked).json() == {"pseudonym": mark, "match": "Ren Hao"}
    assert door.post(path, json=asked).json()["code"] == "not_approved"
    for wrong in ({"pseudonym": "0F"}, {"candidates": []}, {"candidates": ["a", "a"]}):
        assert door.post("/api/v1/reidentifications", json=asked | WHY | wrong).status_code == 422


def test_a_request_is_there_for_whoever_asked_and_whoever_may_answer(desk: Desk) -> None:
    made = desk.door.post(APPROVALS, json=ask_for_export(desk).json)
    path = f"{APPROVALS}/{made.json()['id']}"
    enroll(desk.system, "Far", [Role.REGULATOR], jurisdictions=["FR"])
    seen = {
        name: (desk.door.get(path, headers=who).status_code,
               [one["yours"] for one in desk.door.get(APPROVALS, headers=who).json()["items"]])
        for name, who in (("Lin", LIN), ("Mei", MEI), ("Ola", OLA), ("Far", bearer("Far")))
    }  # fmt: skip
    assert seen == {"Lin": (200, [False]), "Mei": (200, [True]), "Ola": (404, []),
                    "Far": (404, [])}  # fmt: skip
    for who in (OLA, bearer("Far")):
        assert answer(desk, made, who).status_code == 404
    waiting = {"stage": "waiting"}
    assert len(desk.door.get(APPROVALS, params=waiting).json()["items"]) == 1
    assert desk.door.get(APPROVALS, params={"stage": "used"}).json()["items"] == []


def test_below_the_limit_nobody_is_asked(desk: Desk) -> None:
    body = {"title": "one", "alerts": [desk.alert["id"]]}
    number = desk.door.post("/api/v1/cases", json=body).json()["number"]
    asked = {"what": "hand_over", "key": number, "to": "Office South", **WHY}
    assert desk.door.post(APPROVALS, json=asked).json()["code"] == "not_needed"
    sent = desk.door.post(f"/api/v1/cases/{number}/hand-over", json={"to": "Office South"})
    assert sent.status_code == 200


def test_whoever_may_not_reidentify_approves_no_question_alone(desk: Desk) -> None:
    """The second person needs the permission of its own, whatever else the roles grant."""
    made = desk.door.post("/api/v1/reidentifications", json=QUESTION | WHY)
    enroll(desk.system, "Ina", [Role.INVESTIGATOR])
    assert answer(desk, made, bearer("Ina")).status_code == 404
    assert answer(desk, made, LIN).json()["code"] == "same_person"
    assert answer(desk, made, MEI).status_code == 200


def test_the_page_takes_the_word_of_a_second_person_and_says_why_not(desk: Desk) -> None:
    made = desk.door.post(APPROVALS, json=ask_for_export(desk).json).json()
    path = f"/approvals/{made['id']}"
    form = {"version": "1", "content": made["content"], "note": " "}
    for who, shown in ((LIN, "Withdraw the request"), (MEI, f"{path}/approve")):
        page = desk.door.get("/approvals", headers=who).text
        assert shown in page and "C-2026-0001" in page
    assert "C-2026-0001" not in desk.door.get("/approvals", headers=OLA).text
    assert desk.door.post(f"{path}/approve", data=form, headers=OLA).status_code == 404
    refused = desk.door.post(f"{path}/reject", data=form, headers=MEI)
    assert refused.status_code == 422 and "Say in a sentence" in refused.text
    done = desk.door.post(f"{path}/approve", data=form, headers=MEI, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/approvals?done=approved")
    again = desk.door.post(f"{path}/approve", data=form, headers=MEI)
    assert again.status_code in (409, 412)
    assert "approved, not used yet" in again.text


def test_a_form_without_a_number_asks_for_no_approval(desk: Desk) -> None:
    path = f"/api/v1/alerts/{desk.alert['id']}/bundle?format=ocsf&approval="
    assert desk.door.get(path).status_code == 200
    assert [desk.door.get(path + text).status_code for text in ("0", "x", "-1")] == [422] * 3
