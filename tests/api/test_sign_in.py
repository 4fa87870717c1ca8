"""The way in: pages send there, a session opens with the password alone, and ends for good."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from api.permissions import NEEDS, OPEN, SIGNED_IN, needed
from detector.database import writing
from detector.people import accounts
from detector.people.permissions import Permission
from detector.system import System
from tests.api.conftest import client_of
from tests.people.test_people import GOOD

PAGE = {"Accept": "text/html"}


@pytest.fixture
def browser(system: System) -> TestClient:
    """A browser in which nobody is signed in; Ann has an account."""
    with writing(system.engine) as connection:
        accounts.add(connection, "Ann", ["regulator"], "setup", system.clock(), password=GOOD)
    return client_of(system, Accept="text/html")


def test_pages_lead_to_the_form_and_back(browser: TestClient) -> None:
    sent = browser.get("/?q=F1", follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/%3Fq%3DF1")
    page = browser.get(sent.headers["location"])
    assert 'name="password"' in page.text
    assert "Judged" not in page.text, "nothing is told to nobody"
    form = {"name": "Ann", "password": GOOD, "next": "/?q=F1"}
    done = browser.post("/sign-in", data=form, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/?q=F1")
    cookie = done.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Ann" in browser.get("/").text
    assert browser.get("/sign-in", follow_redirects=False).status_code == 303
    browser.post("/sign-out")
    browser.cookies.set("session", cookie.split("=", 1)[1].split(";")[0])
    assert browser.get("/", follow_redirects=False).status_code == 303, "ended here too"


def test_a_wrong_password_keeps_the_name_and_says_no_more(browser: TestClient) -> None:
    for name in ("Ann", "Nobody"):
        page = browser.post("/sign-in", data={"name": name, "password": "wrong" * 4})
        assert page.status_code == 401
        assert "do not belong together" in page.text
        assert f'value="{name}"' in page.text
        assert "set-cookie" not in page.headers


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil", "x", "/\n"])
def test_signing_in_leads_nowhere_else(browser: TestClient, back: str) -> None:
    form = {"name": "Ann", "password": GOOD, "next": back}
    done = browser.post("/sign-in", data=form, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/")


def test_nobody_gets_a_problem_and_not_a_page_from_the_interface(system: System) -> None:
    for path in ("/api/v1/alerts", "/api/v1/me", "/api/v1/rules"):
        answer = client_of(system).get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
        assert answer.headers["www-authenticate"] == "Bearer"
    for text in ("Bearer x", "Bearer mw_a_b", "Basic QW5uOng=", "Bearer", "mw_a_b"):
        assert client_of(system, Authorization=text).get("/api/v1/me").status_code == 401


def test_a_key_that_does_not_hold_is_not_mended_by_a_session(browser: TestClient) -> None:
    browser.post("/sign-in", data={"name": "Ann", "password": GOOD})
    assert browser.get("/api/v1/me").status_code == 200
    refused = browser.get("/api/v1/me", headers={"Authorization": "Bearer mw_0_x"})
    assert refused.status_code == 401


def test_keys_are_made_by_a_person_and_used_by_a_program(
    browser: TestClient, system: System
) -> None:
    browser.post("/sign-in", data={"name": "Ann", "password": GOOD})
    asked = {"title": "nightly", "scopes": ["alerts.read"], "days": 3}
    made = browser.post("/api/v1/me/keys", json=asked)
    assert made.status_code == 201
    program = client_of(system, Authorization=f"Bearer {made.json()['key']}")
    assert program.get("/api/v1/alerts").status_code == 200
    assert program.get("/api/v1/rules").json()["code"] == "not_permitted"
    again = program.post("/api/v1/me/keys", json=asked)
    assert again.json()["code"] == "not_permitted", "a key makes no keys"
    assert made.json()["key"] not in browser.get("/api/v1/me/keys").text
    browser.post(f"/api/v1/me/keys/{made.json()['id']}/revoke")
    assert program.get("/api/v1/alerts").status_code == 401


def test_an_address_nobody_has_listed_is_refused(system: System) -> None:
    client = client_of(system, actor="Ann")

    @client.app.get("/api/v1/secret")  # type: ignore[attr-defined]
    def secret() -> str:
        return "told"

    answer = client.get("/api/v1/secret")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_permission_entry")
    assert needed("GET", "/api/v1/secret") is None


def test_every_entry_is_a_permission_or_says_that_it_is_open() -> None:
    assert {type(n) for n in NEEDS.values() if n not in (OPEN, SIGNED_IN)} == {Permission}
    assert [path for (_, path), need in NEEDS.items() if need == OPEN] == [
        "/healthz", "/readyz", "/openapi.json", "/sign-in", "/sign-in", "/sign-in/oidc",
        "/sign-in/oidc/back", "/sign-out",
    ]  # fmt: skip


def test_accounts_are_kept_by_administrators(system: System) -> None:
    keeper = client_of(system, actor="Keeper")
    made = keeper.post("/api/v1/people", json={"name": "Bo", "roles": ["reader"]})
    assert (made.status_code, made.json()["version"]) == (201, 1)
    tag = {"If-Match": made.headers["ETag"]}
    changed = keeper.patch("/api/v1/people/Bo", json={"enabled": False}, headers=tag)
    assert (changed.status_code, changed.json()["enabled"]) == (200, False)
    stale = keeper.patch("/api/v1/people/Bo", json={"enabled": True}, headers=tag)
    assert stale.status_code == 412
    assert keeper.patch("/api/v1/people/Bo", json={"enabled": True}).status_code == 428
    assert "password" not in keeper.get("/api/v1/people").text
    assert keeper.get("/api/v1/people/Nobody").status_code == 404
    again = keeper.post("/api/v1/people", json={"name": "Bo", "roles": ["reader"]})
    assert again.status_code == 409
