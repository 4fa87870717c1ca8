"""An installation with alerts on tenders and incidents, formulas in its filings, and decisions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.lifecycle import Action, comment, decide
from alerts.model import CloseReason
from alerts.tables import alert as alert_table
from detector.bundle.build import Asked, build
from detector.bundle.gather import Evidence, gather
from detector.database import reading, writing
from detector.run import run_detection
from detector.system import System, open_system
from tests.detector.homes import HONEST, NOW, RING, breaches, file, opened, procurement

PAYLOADS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0")
NAMES = {firm: f"{word} Paving" for firm, word in zip(RING, ("Alder", "Birch", "Cedar", "Dogwood",
                                                             "Elm"), strict=True)}  # fmt: skip
LATER = NOW + timedelta(days=1)
SECRET = "Asked the buyer; call Oskar back."


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home, made once; to be copied."""
    home = tmp_path_factory.mktemp("bundled") / "home"
    system, folder = opened(home), home.parent / "filings"
    notices, bids = procurement(90, 22)
    text = ("buyer_id", "region", "award_criteria", "source")
    for number, row in enumerate(notices):
        row |= {name: PAYLOADS[(number + n) % len(PAYLOADS)] for n, name in enumerate(text)}
    file(system, folder, "tenders", notices)
    file(system, folder, "bids", bids)
    firms = [{"firm_id": f, "name": n, "name_zh": f"{n[:3]}路桥"} for f, n in NAMES.items()]
    file(system, folder, "firms", [*firms, *({"firm_id": h, "name": f"{h} Ltd"} for h in HONEST)])
    file(system, folder, "breach_notifications", [
        {**row, "operator_id": "R1"} for row in breaches()
    ])  # fmt: skip
    run_detection(system)
    for alert_id in (a_tender(system), an_incident(system)):
        with writing(system.engine) as connection:
            comment(connection, alert_id, "Ann Commentator", SECRET, NOW)
        with writing(system.engine) as connection:
            why = (CloseReason.EXPLAINED, "Birch told us why.")
            decide(connection, alert_id, "Ben Decider", Action.CLOSE, *why, 1, NOW)
    system.engine.dispose()
    return home


@pytest.fixture
def system(bundled: Path, tmp_path: Path) -> Iterator[System]:
    """A copy of it, a day later."""
    home = Path(shutil.copytree(bundled, tmp_path / "home"))
    found = open_system(home, clock=lambda: LATER)
    yield found
    found.engine.dispose()


@pytest.fixture(scope="session")
def tender(bundled: Path) -> Evidence:
    """Everything about an alert that concerns several firms."""
    found = open_system(bundled, clock=lambda: LATER)
    told = gather(found, a_tender(found), LATER)
    found.engine.dispose()
    return told


@pytest.fixture(scope="session")
def incident(bundled: Path) -> Evidence:
    """Everything about an alert that concerns one."""
    found = open_system(bundled, clock=lambda: LATER)
    told = gather(found, an_incident(found), LATER)
    found.engine.dispose()
    return told


@pytest.fixture(scope="session")
def whole(bundled: Path) -> bytes:
    """Its bundle for whoever works on it."""
    found = open_system(bundled, clock=lambda: LATER)
    made = build(found, Asked(a_tender(found)), LATER)
    found.engine.dispose()
    return made


def first(system: System, kind: str) -> str:
    """Id of the first alert about a kind of subject."""
    columns = alert_table.c
    query = sa.select(columns.id).where(columns.subject_kind == kind).order_by(columns.id)
    with reading(system.engine) as connection:
        return str(connection.scalars(query).first())


def a_tender(system: System) -> str:
    """An alert that concerns several firms."""
    return first(system, "tender")


def an_incident(system: System) -> str:
    """An alert that concerns one firm."""
    return first(system, "incident")
