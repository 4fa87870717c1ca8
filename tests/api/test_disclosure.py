"""Limits of a restricted rule reach only those who may see limits, by whatever address."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.permissions import NEEDS
from detector.people.permissions import GRANTS, Permission, Role
from detector.system import System
from tests.api.conftest import client_of, make_system
from tests.api.market import fact, signal
from tests.signed import enroll

LIMIT = 0.024681
RULES = ({"id": "mon-secret", "version": "1.0.0", "disclosure": "restricted"},)


@pytest.fixture
def system(tmp_path: Path) -> System:
    """One alert of a restricted rule, whose limit stands in the sentence too."""
    found = signal(
        "MON-BID-CV", ("close bids", "接近"), ("F-1", "Firm One", "一号"),
        facts=(fact("bid_cv", 0.0135, "<=", LIMIT, n=6),), rules=RULES,
        message={"en": f"Bids vary by 0.0135, below {LIMIT}.", "zh": f"低于 {LIMIT}。"},
    )  # fmt: skip
    return make_system(tmp_path / "home", [found])


@pytest.fixture
def door(system: System) -> TestClient:
    return client_of(system, Accept="text/html, application/json")


def reached(door: TestClient, headers: dict[str, str], alert_id: str) -> dict[str, str]:
    """What every address that reads an alert answers."""
    paths = [p for m, p in sorted(NEEDS) if m == "GET" and ("{alert_id}" in p or p == "/")]
    paths.append("/api/v1/alerts")
    filled = [
        p.replace("{alert_id}", alert_id) for p in paths if "{" not in p.replace("{alert_id}", "")
    ]
    return {path: door.get(path, headers=headers).text for path in filled}


def test_a_reader_sees_the_figure_and_not_the_limit(door: TestClient, system: System) -> None:
    boss = enroll(system, "boss")
    alert_id = door.get("/api/v1/alerts", headers=boss).json()["items"][0]["id"]
    assert Permission.THRESHOLDS_READ not in GRANTS[Role.READER]
    reader = enroll(system, "reader", [Role.READER])
    told = reached(door, reader, alert_id)
    assert not [path for path, text in told.items() if str(LIMIT) in text]
    shown = door.get(f"/api/v1/alerts/{alert_id}", headers=reader).json()
    assert shown["facts"][0]["value"] == 0.0135
    assert shown["facts"][0].get("threshold") is None
    assert shown["suspicion"] is None
    assert shown["explanation"]["reason"] == "restricted"
    assert door.get(f"/api/v1/alerts/{alert_id}/rules", headers=reader).json()["items"] == []
    assert "0.0135" in told[f"/alerts/{alert_id}"]


def test_who_may_see_limits_sees_them(door: TestClient, system: System) -> None:
    for role in (Role.REGULATOR, Role.INVESTIGATOR, Role.RULE_AUTHOR):
        headers = enroll(system, role, [role])
        items = door.get("/api/v1/alerts", headers=headers).json()["items"]
        assert items[0]["facts"][0]["threshold"] == LIMIT
        assert str(LIMIT) in door.get(f"/alerts/{items[0]['id']}", headers=headers).text


def test_rules_that_are_not_restricted_stay_open(tmp_path: Path) -> None:
    found = signal(
        "MON-BID-CV", ("close bids", "接近"), ("F-1", "Firm One", "一号"),
        facts=(fact("bid_cv", 0.0135, "<=", LIMIT, n=6),),
        rules=({"id": "mon-open", "version": "1.0.0"},),
    )  # fmt: skip
    system = make_system(tmp_path / "other", [found])
    reader = client_of(system, **enroll(system, "reader", [Role.READER]))
    assert reader.get("/api/v1/alerts").json()["items"][0]["facts"][0]["threshold"] == LIMIT
