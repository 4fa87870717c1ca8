"""Pages of kept answers: what the schema promises, to whom it may be told, and at once."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from api.schemas.alerts import AlertPage
from detector.database import writing
from detector.people import accounts, keys
from detector.people.permissions import Role
from detector.settings import RateLimits
from detector.system import System
from tests.api.conftest import START, client_of
from tests.signed import bearer, enroll

ALERTS = "/api/v1/alerts"


@pytest.fixture
def door(system: System) -> TestClient:
    return client_of(system)


def known(door: TestClient, headers: dict[str, str], query: str = "limit=7") -> TestClient:
    """The door, once it knows a list."""
    assert door.get(f"{ALERTS}?{query}", headers=headers).status_code == 200
    return door


@pytest.mark.parametrize(
    "query", ["limit=200", "state=open&severity=3&severity=4", "q=dunmere", "sort=due&overdue=true"]
)
def test_a_known_list_is_told_as_the_schema_has_it(client: TestClient, query: str) -> None:
    first, again = (client.get(f"{ALERTS}?{query}") for _ in range(2))
    assert first.content == again.content
    assert first.headers["content-type"] == again.headers["content-type"] == "application/json"
    page = again.json()
    assert AlertPage.model_validate(page).model_dump(mode="json") == page


def test_an_alert_in_the_list_is_the_alert_by_itself(client: TestClient) -> None:
    for shown in client.get(f"{ALERTS}?limit=200").json()["items"]:
        alone = client.get(f"{ALERTS}/{shown['id']}?explain=false").json()
        assert shown == {k: v for k, v in alone.items() if k not in ("events", "explanation")}


def test_links_of_a_known_list_lead_on_with_its_filters(client: TestClient) -> None:
    query = "limit=5&lane=screen&q=%E9%A1%BF%E6%A2%85+%26"
    known(client, {}, "limit=5&lane=screen")
    known(client, {}, query)
    for asked in ("limit=5&lane=screen", query):
        answer = client.get(f"{ALERTS}?{asked}")
        if answer.json()["next_cursor"]:
            link = f'<{ALERTS}?{asked}&cursor={answer.json()["next_cursor"]}>; rel="next"'
            assert answer.headers["link"] == link
    assert client.get(f"{ALERTS}?cursor=no&limit=5&lane=screen").json()["code"] == "bad_cursor"
    assert client.get(f"{ALERTS}?limit=5&lane=screen&cursor=%00").status_code == 422


def test_who_may_no_longer_is_refused_at_once(door: TestClient, system: System) -> None:
    for name in ("Ann", "Ben"):
        known(door, enroll(system, name, [Role.READER]))
    with writing(system.engine) as connection:
        keys.revoke_key(connection, bearer("Ann")["Authorization"].split("_")[1], "test", START)
        accounts.change(connection, "Ben", "test", START, enabled=False)
    for name in ("Ann", "Ben"):
        answer = door.get(f"{ALERTS}?limit=7", headers=bearer(name))
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")


def test_a_known_list_is_open_to_nobody_else(door: TestClient, system: System) -> None:
    known(door, enroll(system, "Ann"))
    auditor = enroll(system, "Otto", [Role.AUDITOR])
    forged = {"Authorization": bearer("Ann")["Authorization"] + "x"}
    told = [door.get(f"{ALERTS}?limit=7", headers=h).status_code for h in ({}, auditor, forged)]
    assert told == [401, 403, 401]


def test_limits_hold_for_each_asker_of_a_known_list(door: TestClient, system: System) -> None:
    everything = known(door, enroll(system, "Ann")).get(f"{ALERTS}?limit=7", headers=bearer("Ann"))
    nobody = enroll(system, "Una", units=["a unit without typologies"])
    seen = [door.get(f"{ALERTS}?limit=7", headers=h).json() for h in (nobody, bearer("Ann"))]
    assert (seen[0]["items"], seen[0]["counts"]["total"]) == ([], 0)
    assert json.dumps(seen[1]) == json.dumps(everything.json())


def test_a_known_list_counts_against_the_rate(system: System) -> None:
    rates = RateLimits(read_per_minute=3, change_per_minute=3, sign_in_per_minute=3)
    settings = system.settings.model_copy(update={"rates": rates})
    slow = System(settings, system.home, system.engine, system.lake, system.clock)
    door, ann = client_of(slow), enroll(system, "Ann")
    told = [door.get(f"{ALERTS}?limit=7", headers=ann).status_code for _ in range(4)]
    assert told == [200, 200, 200, 429]
