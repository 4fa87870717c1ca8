"""Closings as labels: the last answer counts, one that was taken back counts no more."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.inbox import export_alerts, get_alert
from alerts.lifecycle import decide
from detector.database import reading, writing
from detector.feedback import LABELS, grain_of, labels
from detector.system import System
from tests.alerts.samples import LATER, NOW, run, signal
from tests.detector.homes import opened

REASONS = ("confirmed", "explained", "data_error", "insufficient", "referred")


@pytest.fixture
def system(tmp_path: Path) -> System:
    return opened(tmp_path / "home")


def ids(system: System) -> dict[str, str]:
    """Alert ids by subject."""
    with reading(system.engine) as connection:
        return {one["subject"]["key"]: one["id"] for one in export_alerts(connection)}


def act(system: System, alert_id: str, action: str, **changes: Any) -> None:
    with reading(system.engine) as connection:
        version = get_alert(connection, alert_id).alert.version
    fields = {"actor": "lin", "reason": None, "note": "seen", "now": LATER} | changes
    with writing(system.engine) as connection:
        decide(connection, alert_id, action=action, expected_version=version, **fields)


def test_every_disposition_is_a_row_and_answers_are_labels(system: System) -> None:
    run(system.engine, [signal(f"F{i}") for i in range(6)])
    known = ids(system)
    for i, reason in enumerate(REASONS):
        act(system, known[f"F{i}"], "close", reason=reason, actor=f"r{i}")
    found = labels(system)
    assert dict(found.schema) == dict(LABELS)
    rows = {row["subject_key"]: row for row in found.to_dicts()}
    assert set(rows) == {f"F{i}" for i in range(5)}, "F5 is open"
    assert [rows[f"F{i}"]["disposition"] for i in range(5)] == list(REASONS)
    assert [rows[f"F{i}"]["label"] for i in range(5)] == [1, 0, 0, None, None]
    assert [rows[f"F{i}"]["reviewer"] for i in range(5)] == [f"r{i}" for i in range(5)]
    one = rows["F0"]
    assert (one["at"], one["origin"], one["weight"]) == (LATER, "alert", 1.0)
    assert (one["alert_id"], one["grain"]) == (known["F0"], "firm_y")
    assert (one["rules"], one["models"]) == (["bid-cv"], ["iforest"])


def test_a_closing_taken_back_says_nothing_and_the_last_one_counts(system: System) -> None:
    run(system.engine, [signal("F1"), signal("F2"), signal("F3")])
    known = ids(system)
    for key in known.values():
        act(system, key, "close", reason="explained")
    act(system, known["F1"], "reopen")
    act(system, known["F2"], "reopen")
    act(system, known["F2"], "close", reason="confirmed", actor="wang", now=LATER)
    # a graver finding opens F3 again by itself
    run(system.engine, [signal("F3", severity=5)], "run-2", LATER + timedelta(days=1))
    rows = labels(system).to_dicts()
    assert [(r["subject_key"], r["label"], r["reviewer"]) for r in rows] == [("F2", 1, "wang")]


def test_no_alert_no_rows(system: System) -> None:
    assert labels(system).is_empty()
    run(system.engine, [signal()], now=NOW)
    assert labels(system).is_empty()


@pytest.mark.parametrize(
    ("typology", "kind", "start", "end", "grain"),
    [
        ("MON-BID-CV", "firm", date(2025, 1, 1), date(2025, 12, 31), "firm_y"),
        ("MON-BID-CV", "firm", date(2025, 1, 1), date(2025, 3, 31), "firm_q"),
        ("MON-BID-CV", "tender", date(2025, 2, 1), date(2025, 2, 28), "tender"),
        ("PRIV-OVERCOLLECT", "app", date(2025, 2, 1), date(2025, 2, 28), "app_v"),
        ("PRIV-MINORS", "operator", date(2025, 2, 1), date(2025, 2, 28), "operator_m"),
        ("PRIV-XBORDER", "operator", date(2025, 2, 1), date(2025, 2, 1), "operator_d"),
        ("MON-BID-CV", "nothing", date(2025, 2, 1), date(2025, 2, 1), None),
    ],
)
def test_the_grain_of_an_alert(
    typology: str, kind: str, start: date, end: date, grain: str | None
) -> None:
    assert grain_of(typology, kind, start, end) == grain
