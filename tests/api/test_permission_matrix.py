"""Every address by every role, by nobody, by a key past its day, revoked, or of a closed account,
and by somebody of another unit or jurisdiction. An address without an entry in the table fails
here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from alerts.jurisdictions import keep
from api.permissions import NEEDS, OPEN, SIGNED_IN
from detector.database import writing
from detector.people.permissions import GRANTS, Permission, Role
from detector.people.tables import api_key, person
from detector.system import System
from tests.api.conftest import client_of
from tests.signed import LONG_AGO, bearer, enroll

ADDRESSES = sorted(NEEDS)
UNITS = {"bidding": ["MON-BID-*"], "privacy": ["PRIV-*"]}


def filled(path: str, alert_id: str) -> str:
    """An address with something in its places."""
    return re.sub(r"{(\w+)}", lambda m: alert_id if m[1] == "alert_id" else "1", path)


def asked(client: TestClient, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and code of an answer, without a body of ours."""
    answer = client.request(method, path, headers=headers, follow_redirects=False)
    kind = answer.headers.get("content-type", "")
    return answer.status_code, answer.json().get("code", "") if "problem" in kind else ""


@pytest.fixture
def door(system: System) -> TestClient:
    return client_of(replace(system, settings=system.settings.model_copy(update={"units": UNITS})))


@pytest.fixture
def alert_id(system: System) -> str:
    items = client_of(system, actor="Somebody").get("/api/v1/alerts?limit=1").json()["items"]
    return str(items[0]["id"])


def test_every_address_there_is_has_an_entry_and_every_entry_an_address(door: TestClient) -> None:
    there = {
        (method, route.path)
        for route in iter_route_contexts(door.app.routes)  # type: ignore[attr-defined]
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert there == set(NEEDS)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_it_grants_and_nothing_else(
    door: TestClient, system: System, alert_id: str, role: Role
) -> None:
    headers = enroll(system, f"the {role}", [role])
    wrong = []
    for method, path in ADDRESSES:
        need = NEEDS[method, path]
        status, code = asked(door, method, filled(path, alert_id), headers)
        opened = (status, code) != (403, "not_permitted") and status != 401
        # a key may not make keys, whoever it acts for; signing in without a name is refused
        own = (method, path) in (("POST", "/api/v1/me/keys"), ("POST", "/sign-in"))
        expected = need in (OPEN, SIGNED_IN) or need in GRANTS[role]
        if opened != expected and not own:
            wrong.append((method, path, status, code))
    assert not wrong


def test_nobody_and_keys_that_hold_no_more_open_nothing(
    door: TestClient, system: System, alert_id: str
) -> None:
    for name in ("late", "revoked", "closed"):
        enroll(system, name)
    with writing(system.engine) as connection:
        for name, table, values in (
            ("late", api_key, {"expires_at": LONG_AGO + timedelta(days=1)}),
            ("revoked", api_key, {"revoked_at": LONG_AGO}),
            ("closed", person, {"enabled": False}),
        ):
            mine = sa.select(person.c.id).where(person.c.name == name).scalar_subquery()
            whose = table.c.person_id if table is api_key else table.c.id
            connection.execute(sa.update(table).where(whose == mine).values(values))
    strangers = [{}, bearer("late"), bearer("revoked"), bearer("closed"), bearer("never seen")]
    wrong = [
        (method, path)
        for method, path in ADDRESSES
        if NEEDS[method, path] != OPEN
        for headers in strangers
        if asked(door, method, filled(path, alert_id), headers) != (401, "sign_in_required")
    ]
    assert not wrong


def test_a_key_opens_its_scopes_and_nothing_else(
    door: TestClient, system: System, alert_id: str
) -> None:
    headers = enroll(system, "all of them")
    for scope in Permission:
        with writing(system.engine) as connection:
            connection.execute(sa.update(api_key).values(scopes=[str(scope)]))
        for method, path in ADDRESSES:
            need = NEEDS[method, path]
            if method == "GET" and need not in (OPEN, SIGNED_IN):
                status, code = asked(door, method, filled(path, alert_id), headers)
                assert ((status, code) != (403, "not_permitted")) == (need == scope), (path, scope)


PLACES = ("CN", "DE", "US-CA")
"""Filed in turn under every three of four alerts; under the fourth nothing is filed."""


def place_alerts(system: System, everything: list[dict[str, Any]]) -> None:
    """Says of the alerts whom they concern, so that every place has some of every lane."""
    named = {a["fingerprint"]: [*PLACES, ""][i % 4] for i, a in enumerate(everything)}
    with writing(system.engine) as connection:
        keep(connection, {mark: {place} if place else set() for mark, place in named.items()})


Mine = Callable[[dict[str, Any]], bool]


def limited(kind: str, everything: list[dict[str, Any]]) -> list[tuple[dict[str, list[str]], Mine]]:
    """People limited by one thing: the limits of their account, and what is theirs."""
    if kind == "unit":
        return [
            ({"units": [unit]}, lambda a, p=patterns[0][:-1]: a["typology"].startswith(p))
            for unit, patterns in UNITS.items()
        ]
    turn = {a["id"]: [*PLACES, ""][i % 4] for i, a in enumerate(everything)}
    within = {"CN": {"CN"}, "EU": {"DE"}, "FR": set()}
    return [
        ({"jurisdictions": [asked]}, lambda a, p=places: turn[a["id"]] in p)
        for asked, places in within.items()
    ]


@pytest.mark.parametrize("kind", ["unit", "jurisdiction"])
def test_alerts_beyond_the_limits_are_as_if_they_were_not_there(
    door: TestClient, system: System, kind: str
) -> None:
    """By every address that names an alert 200 times for each of the limits, and all in every
    list; of alerts under which nothing is filed, nobody who is limited to places sees one."""
    everything = client_of(system, actor="Boss").get("/api/v1/alerts?limit=200").json()["items"]
    place_alerts(system, everything)
    below = [(m, p) for m, p in ADDRESSES if "{alert_id}" in p]
    probes = 0
    for place, (limits, is_mine) in enumerate(limited(kind, everything)):
        headers = enroll(system, f"limited {place}", **limits)  # type: ignore[arg-type]
        listed = door.get("/api/v1/alerts?limit=200", headers=headers).json()
        mine = {a["id"] for a in everything if is_mine(a)}
        assert {a["id"] for a in listed["items"]} == mine
        assert listed["counts"]["total"] == len(mine)
        assert sum(listed["counts"]["by_lane"].values()) == len(mine)
        others = [a for a in everything if a["id"] not in mine]
        page = door.get("/?state=any", headers=headers).text
        for nth, alert in enumerate(others):
            assert alert["id"] not in page
            if nth < 8:
                asked_for = f"/api/v1/alerts?subject={alert['subject']['key']}"
                assert alert["id"] not in door.get(asked_for, headers=headers).text
            for method, path in below if nth < 200 / len(below) else ():
                answer = door.request(method, filled(path, alert["id"]), headers=headers)
                assert answer.status_code == 404, (method, path)
                assert alert["subject"]["key"] not in answer.text
                probes += 1
    assert probes >= 400


def test_a_unit_nobody_has_described_sees_nothing(door: TestClient, system: System) -> None:
    headers = enroll(system, "lost", units=["elsewhere"])
    assert door.get("/api/v1/alerts", headers=headers).json()["counts"]["total"] == 0
