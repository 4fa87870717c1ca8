"""As known then, as known now: facts of an alert beside those of corrected filings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detector.extracts import extract
from detector.knowledge import knowledge
from detector.run import run_detection
from detector.system import System
from features.errors import WardenError
from tests.detector.homes import LATER, breaches, file, opened

AWARE = datetime(2025, 5, 1, 8, tzinfo=UTC)


def corrected(hours: float | None) -> list[dict[str, object]]:
    """The incidents, the late one notified after so many hours, or not filed as one of them."""
    rows = breaches()
    for row in rows:
        if row["incident_id"] == "I-late" and hours is not None:
            row["notified_at"] = (AWARE + timedelta(hours=hours)).isoformat()
    return rows


@pytest.fixture
def judged(tmp_path: Path) -> tuple[System, str]:
    """Incidents judged, and the alert about the late one: 95 hours, 23 over."""
    system = opened(tmp_path / "home")
    file(system, tmp_path / "filings", "breach_notifications", breaches())
    run_detection(system)
    alerts = extract(system, "alerts").to_dicts()
    return system, next(a["id"] for a in alerts if "I-late" in a["subject"])


def overdue(found: dict[str, Any]) -> tuple[Any, Any, list[str]]:
    one = next(f for f in found["facts"] if f.get("feature") == "breach_overdue_h")
    return one["then"]["value"], one["now"]["value"], one["changed"]


def test_without_later_filings_both_are_one(judged: tuple[System, str]) -> None:
    found = knowledge(*judged)
    assert (found["reason"], found["same_filings"], found["changed"]) == (None, True, 0)
    assert overdue(found) == (23.0, 23.0, [])
    assert found["then"] == found["now"]


@pytest.mark.parametrize(
    ("hours", "now", "outcome"),
    [(50.0, 0.0, "clear"), (80.0, 8.0, "fired"), (200.0, 128.0, "fired")],
)
def test_a_correction_shows_beside_what_was_known(
    judged: tuple[System, str], tmp_path: Path, hours: float, now: float, outcome: str
) -> None:
    system, alert = judged
    before = extract(system, "alerts")
    file(system, tmp_path / "filings", "breach_notifications", corrected(hours), LATER)
    found = knowledge(system, alert)
    assert overdue(found) == (23.0, now, ["value"])
    assert (found["then"]["outcome"], found["now"]["outcome"]) == ("fired", outcome)
    assert found["filings"]["breach_notifications"] == 1
    assert found["then"]["snapshot_id"] != found["now"]["snapshot_id"]
    persons = [f for f in found["facts"] if f.get("feature") == "persons"]
    assert all(f["changed"] == [] for f in persons)
    # the alert itself is as it was
    assert extract(system, "alerts").equals(before)


def test_of_what_no_run_judged_it_says_why(judged: tuple[System, str]) -> None:
    system, _ = judged
    alerts = extract(system, "alerts").to_dicts()
    told = {
        a["id"]: knowledge(system, a["id"])["reason"] for a in alerts if '"rule"' in a["subject"]
    }
    assert set(told.values()) <= {"rule_in_storm"}
    with pytest.raises(WardenError) as refused:
        knowledge(system, "A-NONE")
    assert refused.value.code == "alert_not_found"
