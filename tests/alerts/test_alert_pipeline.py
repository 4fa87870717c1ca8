"""A run's signals in the database: idempotent, whole or not at all, every change an event."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import inbox
from alerts.model import event_object
from alerts.pipeline import Counts
from alerts.tables import alert_event
from detector.database import connect, reading, upgrade, writing
from tests.alerts.samples import CELL, LATER, YEAR, run, signal


def exported(engine: sa.Engine) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return inbox.export_alerts(connection)


def events(engine: sa.Engine) -> Counter[str]:
    with reading(engine) as connection:
        return Counter(connection.scalars(sa.select(alert_event.c.kind)))


def test_an_identical_run_changes_nothing(engine: sa.Engine) -> None:
    signals = [signal(f"F{i}", suspicion=i / 40) for i in range(40)]
    assert run(engine, signals) == Counts(opened=40)
    first = exported(engine)
    again = [
        signal(f"F{i}", suspicion=i / 40, run_id="run-2", snapshot_id="snap-2") for i in range(40)
    ]
    counts = run(engine, reversed(again), "run-2", LATER, judged={CELL})
    assert counts == Counts(unchanged=40)
    assert exported(engine) == first
    assert events(engine) == {"opened": 40}


def test_a_correction_changes_only_what_depends_on_it(engine: sa.Engine) -> None:
    run(engine, [signal("A"), signal("B"), signal("C")])
    first = {item["subject"]["key"]: item for item in exported(engine)}
    corrected = signal("B", suspicion=0.97, run_id="run-2", snapshot_id="snap-2")
    counts = run(engine, [signal("A"), corrected], "run-2", LATER, judged={CELL})
    assert counts == Counts(updated=1, unchanged=1, no_longer_fires=1)
    now = {item["subject"]["key"]: item for item in exported(engine)}
    assert now["A"] == first["A"]
    assert (now["B"]["suspicion"], now["B"]["version"]) == (0.97, 2)
    assert (now["B"]["run_id"], now["B"]["snapshot_id"]) == ("run-2", "snap-2")
    assert (now["C"]["firing"], now["C"]["state"], now["C"]["version"]) == (False, "open", 2)
    with reading(engine) as connection:
        history = inbox.get_alert(connection, now["B"]["id"]).events
    assert [event.kind for event in history] == ["opened", "updated"]
    assert event_object(history[1])["data"] == {
        "snapshot_id": "snap-2",
        "changed": {"suspicion": [0.91, 0.97]},
    }
    assert {event.actor for event in history} == {"system"}


@pytest.mark.parametrize(
    "cell",
    [
        ("MON-BID-KS", "firm_y", YEAR),
        ("MON-BID-CV", "tender", YEAR),
        ("MON-BID-CV", "firm_y", YEAR.replace(year=2024)),
    ],
)
def test_what_a_run_did_not_judge_keeps_firing(engine: sa.Engine, cell: Any) -> None:
    run(engine, [signal("A")])
    assert run(engine, [], "run-2", LATER, judged={cell}) == Counts()
    assert exported(engine)[0]["firing"]


def test_going_quiet_and_firing_again_are_events(engine: sa.Engine) -> None:
    run(engine, [signal("A")])
    for _ in range(2):
        run(engine, [], "run-2", LATER, judged={CELL})
    for _ in range(2):
        run(engine, [signal("A")], "run-3", LATER, judged={CELL})
    assert events(engine) == {"opened": 1, "no_longer_fires": 1, "fires_again": 1}


def test_everything_survives_the_database(engine: sa.Engine) -> None:
    odd = signal(
        "91310000-企业/甲|乙 %_'\"",
        suspicion=0.1 + 0.2,
        p_value=1e-300,
        facts=({"feature": "x", "value": 1e-17, "day": YEAR, "list": [1, None], "文": "🙂"},),
    )
    run(engine, [odd])
    found = exported(engine)[0]
    assert found["subject"]["key"] == odd.subject_key
    assert (found["suspicion"], found["p_value"]) == (0.1 + 0.2, 1e-300)
    assert found["facts"] == [
        {"feature": "x", "value": 1e-17, "day": "2025-01-01", "list": [1, None], "文": "🙂"}
    ]
    assert found["title"] == dict(odd.title)
    assert found["opened_at"] == found["updated_at"] == "2026-11-23T08:00:00+00:00"
    assert run(engine, [odd], "run-2", LATER) == Counts(unchanged=1)


def test_a_run_that_fails_leaves_nothing(engine: sa.Engine) -> None:
    from alerts.pipeline import process

    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        process(connection, [signal("A")], "run-1", LATER)
        _ = 1 / 0
    assert exported(engine) == []
    assert events(engine) == {}


def test_two_runs_at_once_open_each_alert_once(engine: sa.Engine) -> None:
    signals = [signal(f"F{i}") for i in range(50)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda n: run(engine, signals, f"run-{n}"), range(4)))
    assert sum(counts.opened for counts in done) == 50
    assert sum(counts.unchanged for counts in done) == 150
    assert events(engine) == {"opened": 50}


def test_no_event_without_an_actor(engine: sa.Engine) -> None:
    run(engine, [signal("A")])
    row = {"alert_id": exported(engine)[0]["id"], "version": 1, "kind": "closed", "data": {}}
    for actor in (None, ""):
        with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
            connection.execute(sa.insert(alert_event), {**row, "actor": actor, "at": LATER})


def statements(url: str, subjects: int) -> int:
    """How often the database is asked while that many signals become alerts."""
    engine = connect(url)
    upgrade(engine)
    asked: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    counts = run(engine, [signal(f"F{i}") for i in range(subjects)])
    assert counts.opened == subjects
    return len(asked)


def test_signals_become_alerts_in_blocks_not_one_by_one(tmp_path: Path) -> None:
    few = statements(f"sqlite:///{tmp_path / 'few.db'}", 100)
    many = statements(f"sqlite:///{tmp_path / 'many.db'}", 5_000)
    assert many < few + 5_000 / 50
