"""One's own account: keys of one's own, the password by whoever knows the old one, sessions."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from api.web.keymap import checked_keys, chosen_keys, kept_keys
from detector.database import writing
from detector.people import accounts
from detector.system import System
from features.errors import WardenError
from tests.api.conftest import client_of
from tests.people.test_people import GOOD
from tests.signed import enroll

NEW = "five pale rivers by dawn"


@pytest.fixture
def browser(system: System) -> TestClient:
    with writing(system.engine) as connection:
        accounts.add(connection, "Cy", ["regulator"], "setup", system.clock(), password=GOOD)
    return signed_in(system, GOOD)


def signed_in(system: System, password: str) -> TestClient:
    client = client_of(system)
    client.post("/sign-in", data={"name": "Cy", "password": password})
    return client


def test_keys_of_ones_own_hold_on_every_page(browser: TestClient) -> None:
    assert '<kbd aria-hidden="true">a</kbd>' in alert_of(browser)
    done = browser.post("/profile/keys", data={"key.acknowledge": "w", "key.close": ""})
    assert "Your keys are kept." in done.text
    shown = alert_of(browser)
    assert '<kbd aria-hidden="true">w</kbd>' in shown
    assert "&#34;w&#34;: &#34;acknowledge&#34;" in shown
    refused = browser.post("/profile/keys", data={"key.acknowledge": "e"})
    assert (refused.status_code, "same key" in refused.text) == (422, True)
    assert '<kbd aria-hidden="true">w</kbd>' in alert_of(browser)
    browser.post("/profile/keys", data={"key.acknowledge": ""})
    assert '<kbd aria-hidden="true">a</kbd>' in alert_of(browser)


def alert_of(browser: TestClient) -> str:
    found = re.search(r'data-id="([^"]+)"', browser.get("/").text)
    assert found
    return browser.get(f"/alerts/{found[1]}").text


def test_a_password_is_changed_by_whoever_knows_it(system: System, browser: TestClient) -> None:
    other = signed_in(system, GOOD)
    for form, why in (
        ({"old": "not it at all", "new": NEW, "again": NEW}, "is not right"),
        ({"old": GOOD, "new": NEW, "again": NEW + "!"}, "not the same"),
        ({"old": GOOD, "new": "short", "again": "short"}, "too short"),
    ):
        refused = browser.post("/profile/password", data=form)
        assert (refused.status_code >= 400, why in refused.text) == (True, True), why
    done = browser.post("/profile/password", data={"old": GOOD, "new": NEW, "again": NEW})
    assert "The password is changed" in done.text
    assert "Signed in 1 times" in done.text
    assert other.get("/").status_code == 401
    assert signed_in(system, NEW).get("/").status_code == 200
    assert signed_in(system, GOOD).get("/").status_code == 401


def test_other_sessions_end_and_this_one_goes_on(system: System, browser: TestClient) -> None:
    other = signed_in(system, GOOD)
    done = browser.post("/profile/sessions/end")
    assert "Every other session has ended." in done.text
    assert other.get("/").status_code == 401


def test_a_program_settles_sessions_and_only_a_person_the_password(
    system: System, browser: TestClient
) -> None:
    change = {"old": GOOD, "new": NEW}
    by_key = browser.post("/api/v1/me/password", json=change, headers=enroll(system, "Ann"))
    assert by_key.status_code == 403
    assert len(browser.get("/api/v1/me/sessions").json()["items"]) == 1
    signed_in(system, GOOD)
    assert browser.post("/api/v1/me/sessions/end").json() == {"sessions": 2}
    again = signed_in(system, GOOD)
    wrong = again.post("/api/v1/me/password", json={"old": NEW, "new": GOOD})
    assert wrong.status_code >= 400 and again.get("/").status_code == 200
    assert again.post("/api/v1/me/password", json=change).status_code == 204
    assert again.get("/").status_code == 401 and signed_in(system, NEW).get("/").is_success


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"acknowledge": "aa"}, "bad_key"),
        ({"acknowledge": " "}, "bad_key"),
        ({"open": "o"}, "bad_key"),
        ({"nothing": "o"}, "bad_key"),
        ({"close": "j"}, "key_taken"),
        ({"close": "x", "select": "x"}, "key_taken"),
    ],
)
def test_keys_that_cannot_be_are_refused(wanted: dict[str, str], code: str) -> None:
    with pytest.raises(WardenError) as caught:
        checked_keys(wanted)
    assert caught.value.code == code


def test_kept_keys_come_back_and_nonsense_is_left_out() -> None:
    swapped = {"close": "e", "escalate": "d"}
    assert chosen_keys(kept_keys(checked_keys(swapped))) == swapped
    assert checked_keys({"close": "d"}) == {}
    assert chosen_keys("close=e") == {}
    assert chosen_keys("close=%00&nothing=q") == {}
    assert chosen_keys("x" * 5_000) == {}


def test_help_tells_every_key(browser: TestClient) -> None:
    page = browser.get("/help").text
    assert "tuning" in page
    assert page.count("<kbd>") > 20
