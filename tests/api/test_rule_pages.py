"""The pages of rules: what they show, and what they let people decide."""

from __future__ import annotations

import re

from detector.system import System
from tests.api.asking import Desk
from tests.api.conftest import client_of
from tests.api.rule_page_changes import PAGE, approve, form, rule
from tests.detector.promoting import LIKE
from tests.signed import ALL, bearer, enroll


def desk_of(system: System) -> Desk:
    enroll(system, "Ben")
    return Desk(system, client_of(system, actor="Ann"))


def test_the_catalogue_shows_what_is_asked_for(system: System) -> None:
    door = desk_of(system).door
    used = door.get("/rules").text
    assert LIKE in used and "mon-bid-cv-low" in used
    drafts = door.get("/rules?state=draft").text
    assert LIKE not in drafts and "mon-selfpref-rank" in drafts
    severe = door.get("/rules?state=any&severity=5").text
    assert "s5" in severe and not re.search('class="severity s[1-4]"', severe)
    assert LIKE in door.get(f"/rules?q={LIKE}").text
    assert "No rule fits" in door.get("/rules?q=nothing-like-it").text


def test_the_author_of_a_proposal_is_told_that_another_person_approves(system: System) -> None:
    desk = desk_of(system)
    asked = approve(desk)
    own = desk.door.get(PAGE).text
    assert f'action="{PAGE}/approve"' not in own and "another person approves" in own
    refused = desk.door.post(asked.path, data=dict(asked.form or {}))
    assert refused.status_code == 409 and rule(desk)["live"] is None
    done = desk.door.post(
        asked.path, data=dict(asked.form or {}), headers=bearer("Ben"), follow_redirects=False
    )
    assert done.headers["location"] == f"{PAGE}?done=active"
    assert rule(desk)["live"] is not None


def test_a_decision_without_a_reason_or_on_an_old_state_is_refused(system: System) -> None:
    desk = desk_of(system)
    silent = desk.door.post(f"{PAGE}/retire", data=form(desk, note=" "))
    assert silent.status_code == 422 and "Write a reason" in silent.text
    late = desk.door.post(f"{PAGE}/retire", data=form(desk, version="99", note="kept & shown"))
    assert late.status_code == 412 and "kept &amp; shown" in late.text
    assert rule(desk)["status"] == "active"


def test_what_a_reader_may_not_do_is_not_offered(system: System) -> None:
    enroll(system, "Rea", [role for role in ALL if role == "reader"])
    page = client_of(system, **bearer("Rea")).get(PAGE).text
    assert LIKE in page and "<textarea" not in page


def test_an_author_alone_makes_nothing_live(system: System) -> None:
    desk = desk_of(system)
    asked = approve(desk)
    author = enroll(system, "Au", [role for role in ALL if role == "rule_author"])
    path = f"/api/v1/rules/{LIKE}"
    tag = desk.tag(path)
    refused = desk.door.post(f"{path}/promote", json={"to": "active"}, headers=author | tag)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    page = desk.door.post(asked.path, data=dict(asked.form or {}), headers=author)
    assert page.status_code == 403 and rule(desk)["live"] is None
