"""An installation with forty alerts, and a client at its door."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from alerts.model import Signal
from alerts.pipeline import process
from api.app import create_app
from detector.database import connect, upgrade, writing
from detector.settings import Settings
from detector.system import System, create_home
from tests.api.market import RUN, signals
from tests.signed import enroll

START = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
KNOWN = {
    "data_as_of": START,
    "run_id": RUN,
    "run_finished_at": START + timedelta(minutes=22),
    "outcomes": {
        "fired": 40,
        "clear": 40912,
        "not_evaluable": 702,
        "out_of_scope": 181,
        "error": 12,
    },
    "by_typology": {
        "MON-BID-DISTANCE": {"fired": 10, "clear": 2890, "not_evaluable": 95, "out_of_scope": 5},
        "PRIV-BREACH-LATE": {"fired": 6, "clear": 112, "not_evaluable": 9, "error": 12},
    },
    "quarantined": 14,
}


def make_system(home: Path, found: list[Signal]) -> System:
    """An opened installation whose one run raised the signals; its clock ticks by seconds."""
    create_home(home)
    system = open_database(home)
    upgrade(system.engine)
    with writing(system.engine) as connection:
        process(connection, found, run_id=RUN, now=START)
    return system


def open_database(home: Path) -> System:
    """The installation at `home`, without a lake."""
    ticks = iter(range(10**9))
    engine = connect(f"sqlite:///{home / 'warden.db'}")

    def clock() -> datetime:
        return START + timedelta(seconds=next(ticks))

    return System(Settings(), home, engine, None, clock)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with forty alerts, made once and copied for each test."""
    home = tmp_path_factory.mktemp("forty") / "home"
    make_system(home, signals()).engine.dispose()
    return home


@pytest.fixture
def system(forty: Path, tmp_path: Path) -> Iterator[System]:
    """The installation with forty alerts."""
    opened = open_database(Path(shutil.copytree(forty, tmp_path / "home")))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def client(system: System) -> TestClient:
    """A client that is no browser, acting for Reviewer 3."""
    return client_of(system, actor="Reviewer 3")


def client_of(
    system: System, known: Any = KNOWN, actor: str | None = None, **headers: str
) -> TestClient:
    """A client with headers of its own, signed in where somebody is named."""
    if actor is not None:
        headers |= enroll(system, actor)
    app = create_app(system, known=lambda: known)
    return TestClient(app, base_url="http://127.0.0.1:8000", headers=headers)


@pytest.fixture
def ids(client: TestClient) -> list[str]:
    """Alert ids in queue order."""
    return [a["id"] for a in client.get("/api/v1/alerts?limit=200").json()["items"]]
