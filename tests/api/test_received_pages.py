"""A case another installation handed over: looked at first, then taken in, its origin told."""

from __future__ import annotations

import hashlib
from html import unescape

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from alerts.limits import Limits
from detector.audit.keys import PUBLIC
from detector.people.permissions import Role
from detector.received import FOLDER, look, put_aside
from detector.system import System
from features.errors import WardenError
from tests.api.conftest import client_of
from tests.signed import enroll

OTHER_KEY = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n"
)


def handed_over(client: TestClient, ids: list[str]) -> bytes:
    opened = {"title": "possible ring", "alerts": ids, "parties": []}
    number = client.post("/api/v1/cases", json=opened).json()["number"]
    client.post(f"/api/v1/cases/{number}/notes", json={"text": "Goes along."})
    asked = {"to": "Office South", "notes": [1]}
    return client.post(f"/api/v1/cases/{number}/hand-over", json=asked).content


def sent(client: TestClient, content: bytes, key: str) -> Response:
    return client.post("/cases/receive", files={"file": ("c.zip", content)}, data={"key": key})


def test_what_is_received_is_looked_at_before_it_is_raised(
    client: TestClient, system: System, ids: list[str]
) -> None:
    key = (system.home / PUBLIC).read_text()
    total = client.get("/api/v1/alerts").json()["counts"]["total"]
    page = sent(client, handed_over(client, ids[:2]), key)
    assert "2 new, 0 received before." in page.text and "Goes along." in page.text
    assert client.get("/api/v1/alerts").json()["counts"]["total"] == total
    taken = client.post(str(page.url), data={})
    assert "2 leads were taken in." in taken.text
    assert "0 new, 2 received before." in taken.text and "Take in" not in taken.text
    found = look(system, str(page.url).rsplit("/", 1)[1])
    lead = found.known[ids[0]]
    told = client.get(f"/alerts/{lead}").text
    assert "Handed over by another installation" in told and found.installation in unescape(told)
    assert "C-2026-0001" in told and "Goes along." in told
    ours = client.get(f"/alerts/{ids[0]}").text
    assert "Handed over by another" not in ours and "/cases/C-2026-0001" in ours
    made = client.post("/cases", data={"title": "received", "alert": lead})
    assert "received</span>" in made.text
    # a second time nothing is raised
    again = client.post(str(page.url), data={})
    assert "0 leads were taken in." in again.text


def test_a_program_receives_as_the_pages_do(
    client: TestClient, system: System, ids: list[str]
) -> None:
    content, asked = handed_over(client, ids[:2]), {"key": (system.home / PUBLIC).read_text()}
    at = "/api/v1/hand-overs"
    refused = client.post(at, params={"key": OTHER_KEY}, content=content)
    assert refused.status_code >= 400 and not list((system.home / FOLDER).iterdir())
    no_key = client.post(at, params={"key": "no key"}, content=content)
    assert (no_key.status_code, no_key.json()["code"]) == (422, "broken_key")
    assert "/" not in no_key.json()["detail"]  # no place of ours is told
    put = client.post(at, params=asked, content=content)
    mark = put.json()["sha256"]
    told = client.get(f"{at}/{mark}").json()
    assert put.status_code == 201 and mark == hashlib.sha256(content).hexdigest()
    assert [one["id"] for one in told["alerts"]] == ids[:2] and told["known"] == {}
    raised = client.post(f"{at}/{mark}/take-in").json()
    assert len(raised["alerts"]) == 2 and raised["known"] == 0
    assert client.get(f"{at}/{mark}").json()["known"] == dict(
        zip(ids[:2], raised["alerts"], strict=True)
    )
    assert client.post(f"{at}/{mark}/take-in").json() | {"alerts": []} == {
        "installation": told["installation"], "case": told["case"]["number"], "alerts": [],
        "known": 2,
    }  # fmt: skip
    assert client.get(f"{at}/{'0' * 64}").status_code == 404


@pytest.mark.parametrize("fault", ["key", "content", "nothing"])
def test_what_does_not_hold_is_not_kept(
    client: TestClient, system: System, ids: list[str], fault: str
) -> None:
    content, key = handed_over(client, ids[:1]), (system.home / PUBLIC).read_text()
    if fault == "key":
        key = OTHER_KEY
    elif fault == "content":
        middle = len(content) // 2
        content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    else:
        content = b"no zip"
    page = sent(client, content, key)
    assert page.status_code in (409, 422) and 'role="alert"' in page.text
    assert list((system.home / FOLDER).iterdir()) == []
    assert client.get(f"/cases/receive/{'0' * 64}").status_code == 404


def test_a_second_look_with_a_wrong_key_leaves_the_first(
    client: TestClient, system: System, ids: list[str]
) -> None:
    content, key = handed_over(client, ids[:1]), (system.home / PUBLIC).read_text()
    sha256 = put_aside(system, content, key, "Ann")
    with pytest.raises(WardenError, match="another key"):
        put_aside(system, content, OTHER_KEY, "Ann")
    assert len(look(system, sha256).alerts) == 1
    assert look(system, sha256, Limits(frozenset())).hidden == 1


def test_only_who_keeps_cases_receives(system: System) -> None:
    reader = client_of(system, **enroll(system, "Rea", [Role.READER]))
    assert reader.get("/cases/receive").status_code == 403
    assert sent(reader, b"x", "x").status_code == 403
