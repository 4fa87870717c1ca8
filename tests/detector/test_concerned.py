"""Whose authorities an alert concerns: by its own filing, else by seats, else by what names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.jurisdictions import About, reach
from detector.concerned import concerned
from detector.system import System
from features.jurisdictions import covering
from tests.detector.homes import file, opened

SEATS = {"A": "CN", "B": "DE", "G1": "US-CA", "M": "CN"}
ABOUT = {
    ("tender", "T1"): {"CN"},
    ("tender", "T1/L2"): {"CN"},
    ("tender", "T/2"): {"DE"},  # nothing filed with it: its buyer
    ("tender", "T9"): set(),
    ("firm", "A"): {"CN"},
    ("firm", "G"): {"US-CA"},  # a group: its firms
    ("firm", "X"): {"CN", "FR"},  # no seat filed: the tender it bid for, the incident it had
    ("firm", "nobody"): set(),
    ("pair", "A|B"): {"CN", "DE"},
    ("pair_tender", "A|B/T1"): {"CN"},
    ("market_firm", "M1/B"): {"DE"},
    ("market", "M1"): {"CN", "DE"},
    ("category", "works"): {"CN"},
    ("incident", "I1"): {"FR"},
    ("app", "app-1"): {"DE"},
    ("app_data_type", "app-1/location"): {"DE"},
    ("merchant", "shop"): {"CN"},
    ("rule", "mon-bid-cv"): set(),
}


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> System:
    """A register, tenders, an incident, an app, a market and a shop."""
    home = tmp_path_factory.mktemp("concerned") / "home"
    system, folder = opened(home), Path(home.parent / "filings")
    firms = [
        {"firm_id": firm, "group_id": "G" if firm == "G1" else None, "jurisdiction": place}
        for firm, place in SEATS.items()
    ]
    file(system, folder, "firms", firms)
    file(system, folder, "tenders", [
        {"tender_id": "T1", "category": "works", "jurisdiction": "CN", "buyer_id": "B"},
        {"tender_id": "T/2", "category": "works", "jurisdiction": None, "buyer_id": "B"},
    ])  # fmt: skip
    file(system, folder, "bids", [{"tender_id": "T1", "bidder_id": "X", "amount": 1.0}])
    when = "2025-05-01T08:00:00+00:00"
    file(system, folder, "breach_notifications", [
        {"incident_id": "I1", "operator_id": "X", "aware_at": when, "jurisdiction": "FR"},
    ])  # fmt: skip
    app = {"app_id": "app-1", "version": "1", "operator_id": "B", "released_at": "2025-01-01"}
    file(system, folder, "apps", [app])
    file(system, folder, "market_positions", [
        {"market_id": "M1", "firm_id": f, "period": "2025-Q1", "metric": "units", "value": 1.0}
        for f in "AB"
    ])  # fmt: skip
    file(system, folder, "merchants", [
        {"merchant_id": "shop", "platform_id": "P", "firm_id": "M", "registered_on": "2024-01-01"},
    ])  # fmt: skip
    return system


def test_what_filings_say_and_nothing_else(filed: System) -> None:
    asked = [About(f"{kind} {key}", kind, key) for kind, key in ABOUT]
    found = concerned(filed.lake, filed.lake.pin(), asked)
    told = {place: found[f"{place[0]} {place[1]}"] for place in ABOUT}
    assert told == ABOUT


def test_an_empty_lake_says_nothing(tmp_path: Path) -> None:
    system = opened(tmp_path / "home")
    about = [About("1", "firm", "A"), About("2", "tender", "T1")]
    assert concerned(system.lake, system.lake.pin(), about) == {"1": set(), "2": set()}


def test_places_lie_in_larger_ones() -> None:
    assert covering("US-CA") == ("US-CA", "US")
    assert covering("DE") == ("DE", "EU")
    assert covering("DE-BY") == ("DE-BY", "DE", "EU")
    assert covering("CN") == ("CN",)
    assert reach({"FR", "US-CA"}) == {"FR", "EU", "US-CA", "US"}
