"""Cases as pages: made of a selection, worked on, refused with what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from alerts.case_model import CaseHand
from alerts.case_remedies import Followed, Verdict, keep_follow_up
from api.web.decisions_view import target_row, typed_target
from detector.database import writing
from detector.people.permissions import Role
from detector.system import System
from tests.api.conftest import START, client_of
from tests.signed import enroll

NUMBER = "C-2026-0001"
PAGE, TWIN = f"/cases/{NUMBER}", f"/api/v1/cases/{NUMBER}"
DECISION = {"kind": "fine", "decided_on": "2026-11-20", "text": "Stop.", "legal_basis": "art. 17",
            "amount": "50,000", "currency": "cny",
            "targets": "cover_win_rate:up:2027-01-01:F-0101"}  # fmt: skip


@pytest.fixture
def case(client: TestClient, ids: list[str]) -> Iterator[TestClient]:
    """A client with a case on two alerts, made on the page."""
    form = {"title": "possible ring", "alert": [f"{one}:1" for one in ids[:2]]}
    made = client.post("/cases", data=form, follow_redirects=False)
    assert (made.status_code, made.headers["location"]) == (303, f"{PAGE}?done=opened")
    yield client


def sent(client: TestClient, path: str, **form: str) -> Response:
    """A form of the page as it stands now."""
    version = str(client.get(TWIN).json()["version"])
    return client.post(f"{PAGE}{path}", data={"version": version} | form)


def decided(client: TestClient) -> None:
    for state in ("in_progress", "decided"):
        assert sent(client, "/change", state=state).status_code == 200


def test_a_selection_becomes_a_case_or_joins_one(case: TestClient, ids: list[str]) -> None:
    asked = case.post("/cases", data={"alert": [f"{ids[2]}:1", "A-NOBODYKNOW:1"]})
    assert asked.status_code == 200 and ids[2] in asked.text
    assert "1 of the alerts named" in asked.text
    told = case.post("/cases", data={"alert": ids[2], "number": NUMBER.lower(), "asked": "yes"})
    assert told.status_code == 200
    assert {one["id"] for one in case.get(TWIN).json()["alerts"]} == set(ids[:3])
    again = case.post("/cases", data={"alert": ids[2], "number": NUMBER})
    assert again.status_code == 422 and 'value="C-2026-0001"' in again.text
    empty = case.post("/cases", data={"asked": "yes", "title": " "})
    assert empty.status_code == 422 and "A title for a new case" in empty.text


def test_the_list_tells_what_waits_in_each_case(case: TestClient) -> None:
    sent(case, "/tasks", text="ask the buyer", due_on="2026-01-05")
    told = case.get("/cases").text
    assert "possible ring" in told and "1 late" in told
    item = case.get("/api/v1/cases").json()["items"][0]
    assert (item["alert_count"], item["open_tasks"], item["overdue_tasks"]) == (2, 1, 1)
    assert item["next_due_on"] == "2026-01-05"
    for address, there in (("?q=RING", True), ("?q=mill", False), ("?view=closed", False),
                           ("?state=decided", False), ("?view=mine", True)):  # fmt: skip
        assert ("possible ring" in case.get(f"/cases{address}").text) == there, address


def test_a_case_is_worked_on_from_its_page(case: TestClient, ids: list[str]) -> None:
    assert "The task is added." in sent(case, "/tasks", text="ask the buyer").text
    assert "The task is changed." in sent(case, "/tasks/1", done="yes").text
    note = sent(case, "/notes", text="**Called** <script>alert(1)</script>")
    assert "<strong>Called</strong>" in note.text and "<script>alert" not in note.text
    assert sent(case, f"/alerts/{ids[0]}/remove", note="another ring").status_code == 200
    sent(case, "/change", parties="F-0042 subject\nF-0043 witness")
    told = case.get(TWIN).json()
    assert [one["id"] for one in told["alerts"]] == [ids[1]] and told["tasks"][0]["done"]
    assert told["parties"] == [{"firm": "F-0042", "role": "subject"},
                               {"firm": "F-0043", "role": "witness"}]  # fmt: skip
    events = case.get(f"{PAGE}?events=case").text
    assert "finished task 1" in events and ids[0] in events
    sent(case, "/change", state="closed", outcome="no_grounds", note="Nothing to it.")
    closed = case.get(PAGE).text
    assert "no grounds" in closed and 'action="/cases/C-2026-0001/tasks"' not in closed


def test_a_decision_is_recorded_followed_and_corrected(case: TestClient, system: System) -> None:
    decided(case)
    refused = sent(case, "/interventions", **DECISION | {"targets": "cover_win_rate:soon"})
    assert refused.status_code == 422 and "cover_win_rate:soon</textarea>" in refused.text
    assert "The decision is recorded." in sent(case, "/interventions", **DECISION).text
    found = {"effect": 0.12, "interval": [0.05, 0.2], "subject": [0.1, 0.3], "n_peers": 40,
             "peers_median": [0.1, 0.18], "n_before": 4, "n_after": 3, "before": None,
             "after": None, "level": "all", "cautions": []}  # fmt: skip
    with writing(system.engine) as connection:
        seen = Followed(1, "run-1", Verdict.MOVED, None, found)
        keep_follow_up(connection, NUMBER, seen, CaseHand("system", START))
    page = case.get(PAGE).text
    assert "moved as wanted" in page and "Moved 12 pp further" in page
    assert "30 %" in page.replace("\u00a0", " ") and "&#34;kind&#34;: &#34;slope&#34;" in page
    right = DECISION | {"amount": "55000", "why": "A digit."}
    assert "version 2" in sent(case, "/interventions/1", **right).text
    told = case.get(TWIN).json()["interventions"][0]
    assert (told["amount"], told["earlier"][0]["amount"]) == (55_000, 50_000)
    target = told["targets"][0]
    assert typed_target(target) == DECISION["targets"]
    assert target_row(target, "zh")["wanted"] == "上升"


def test_what_is_refused_comes_back_with_what_was_typed(case: TestClient) -> None:
    stale = case.post(f"{PAGE}/tasks", data={"version": "9", "text": "ask them", "act": "task"})
    assert stale.status_code == 412 and 'value="ask them"' in stale.text
    closing = sent(case, "/change", act="close", state="closed", outcome="no_grounds", note=" ")
    assert closing.status_code == 422 and "Say why in a sentence." in closing.text
    assert sent(case, "/tasks", text="x", due_on="soon").status_code == 422
    assert case.get("/cases/C-2026-0099").status_code == 404
    over = case.post(f"{PAGE}/hand-over", data={"to": "Office South", "approval": ""})
    assert over.headers["content-type"] == "application/zip"
    # two firms are parties, and none is named
    sent(case, "/change", parties="F-0042 subject\nF-0043 witness")
    party = case.get(f"{PAGE}/bundle?profile=party&party=&approval=")
    assert party.status_code == 422 and "Say which party it is for." in party.text
    assert case.get(f"{PAGE}/bundle?profile=everybody").status_code == 422


def test_who_only_reads_is_offered_no_act(case: TestClient, system: System) -> None:
    reader = client_of(system, **enroll(system, "Rea", [Role.AUDITOR]))
    assert reader.get(PAGE).status_code == reader.get("/cases").status_code
    assert not re.findall(r'action="/cases/', reader.get(PAGE).text)
    assert reader.post(f"{PAGE}/notes", data={"text": "x"}).status_code == 403
