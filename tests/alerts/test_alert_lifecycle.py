"""Decisions: only the transitions of the table, never over somebody else's, always an event."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.deadlines import Deadlines
from alerts.inbox import AlertRecord, export_alerts, get_alert
from alerts.lifecycle import TRANSITIONS, Action, allowed_actions, comment, decide
from alerts.model import Alert, CloseReason, State, alert_object
from detector.database import reading, writing
from features.errors import WardenError
from tests.alerts.samples import LATER, run, signal

ROADS: dict[State, list[Action]] = {
    State.OPEN: [],
    State.ACKNOWLEDGED: [Action.ACKNOWLEDGE],
    State.IN_REVIEW: [Action.ACKNOWLEDGE, Action.REVIEW],
    State.ESCALATED: [Action.ESCALATE],
    State.CLOSED: [Action.CLOSE],
}


@pytest.fixture
def alert_id(engine: sa.Engine) -> str:
    run(engine, [signal()])
    with reading(engine) as connection:
        return str(export_alerts(connection)[0]["id"])


def act(engine: sa.Engine, alert_id: str, action: str, **changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "actor": "lin",
        "reason": "explained" if action == "close" else None,
        "note": "Seen the log." if action in ("close", "escalate") else None,
        "expected_version": look(engine, alert_id).alert.version,
        "now": LATER,
    }
    with writing(engine) as connection:
        return decide(connection, alert_id, action=action, **{**fields, **changes})


def look(engine: sa.Engine, alert_id: str) -> AlertRecord:
    with reading(engine) as connection:
        return get_alert(connection, alert_id)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_only_the_transitions_of_the_table(
    engine: sa.Engine, alert_id: str, state: State, action: Action
) -> None:
    for step in ROADS[state]:
        act(engine, alert_id, step)
    before = look(engine, alert_id)
    assert before.alert.state is state
    if action in allowed_actions(state):
        after = act(engine, alert_id, action)
        assert after.state is TRANSITIONS[state, action]
        assert after == look(engine, alert_id).alert
        assert after.version == before.alert.version + 1
        assert len(look(engine, alert_id).events) == len(before.events) + 1
    else:
        with pytest.raises(WardenError) as caught:
            act(engine, alert_id, action)
        assert (caught.value.code, caught.value.kind) == ("transition_not_allowed", "conflict")
        assert look(engine, alert_id) == before


def test_acknowledging_assigns_and_closing_says_why(engine: sa.Engine, alert_id: str) -> None:
    taken = act(engine, alert_id, "acknowledge", actor="wang")
    assert (taken.state, taken.assignee) == (State.ACKNOWLEDGED, "wang")
    shut = act(engine, alert_id, "close", actor="wang", reason="data_error", note="双重申报")
    assert (shut.close_reason, shut.closed_severity) == (CloseReason.DATA_ERROR, 3)
    back = act(engine, alert_id, "reopen", actor="lin")
    assert (back.state, back.assignee, back.close_reason) == (State.OPEN, None, None)
    events = look(engine, alert_id).events
    assert [event.kind for event in events] == ["opened", "acknowledged", "closed", "reopened"]
    assert [event.version for event in events] == [1, 2, 3, 4]
    closing = events[2]
    assert (closing.actor, closing.reason, closing.note) == ("wang", "data_error", "双重申报")
    assert closing.data == {
        "changed": {
            "state": ["acknowledged", "closed"],
            "close_reason": [None, "data_error"],
            "closed_severity": [None, 3],
        }
    }
    assert closing.at == LATER


@pytest.mark.parametrize(
    ("action", "changes", "code"),
    [
        ("acknowledge", {"actor": ""}, "actor_required"),
        ("acknowledge", {"actor": "  "}, "actor_required"),
        ("erase", {}, "unknown_action"),
        ("close", {"reason": None}, "reason_required"),
        ("close", {"reason": "bored"}, "reason_required"),
        ("close", {"note": None}, "note_required"),
        ("close", {"note": " \n"}, "note_required"),
        ("escalate", {"note": None}, "note_required"),
        ("acknowledge", {"reason": "explained"}, "reason_unexpected"),
        ("acknowledge", {"note": "x" * 10_001}, "note_too_long"),
        ("acknowledge", {"note": "a\0b"}, "note_unreadable"),
        ("acknowledge", {"note": "\ud800"}, "note_unreadable"),
        ("acknowledge", {"expected_version": 7}, "stale_version"),
    ],
)
def test_what_is_refused_leaves_no_trace(
    engine: sa.Engine, alert_id: str, action: str, changes: dict[str, Any], code: str
) -> None:
    before = look(engine, alert_id)
    with pytest.raises(WardenError) as caught:
        act(engine, alert_id, action, **changes)
    assert caught.value.code == code
    assert look(engine, alert_id) == before


def test_a_stale_version_is_a_conflict(engine: sa.Engine, alert_id: str) -> None:
    run(engine, [signal(suspicion=0.99)], "run-2", LATER)
    with pytest.raises(WardenError) as caught:
        act(engine, alert_id, "acknowledge", expected_version=1)
    assert caught.value.kind == "conflict"


def test_an_unknown_alert_is_not_found(engine: sa.Engine, alert_id: str) -> None:
    for nobody in ("A-NOBODY", "", "A\0", "\ud800"):
        with pytest.raises(WardenError) as caught:
            look(engine, nobody)
        assert (caught.value.code, caught.value.kind) == ("alert_not_found", "not_found")
        with pytest.raises(WardenError) as caught:
            act(engine, nobody, "acknowledge", expected_version=1)
        assert caught.value.code == "alert_not_found"


def test_a_comment_is_an_event_and_never_conflicts(engine: sa.Engine, alert_id: str) -> None:
    with writing(engine) as connection:
        comment(connection, alert_id, "lin", "Asked the buyer for the file.", LATER)
    record = look(engine, alert_id)
    assert record.alert.version == 1
    assert record.events[-1].note == "Asked the buyer for the file."
    assert act(engine, alert_id, "acknowledge", expected_version=1).version == 2
    for actor, text, code in (("", "x", "actor_required"), ("lin", " ", "comment_empty")):
        with pytest.raises(WardenError) as caught, writing(engine) as connection:
            comment(connection, alert_id, actor, text, LATER)
        assert caught.value.code == code


def test_the_day_follows_lane_and_severity_and_only_comes_nearer(
    engine: sa.Engine, alert_id: str
) -> None:
    first = look(engine, alert_id).alert
    assert first.due_on == date(2027, 1, 22)  # 60 days for severity 3 in the screen lane
    run(engine, [signal(severity=5)], "run-2", LATER)
    graver = look(engine, alert_id).alert
    assert graver.due_on == date(2026, 12, 8)  # 14 days from then
    run(engine, [signal(severity=1)], "run-3", LATER)
    assert look(engine, alert_id).alert.due_on == graver.due_on
    run(
        engine,
        [signal("F2", lane="legal")],
        "run-3",
        LATER,
        deadlines=Deadlines((9,) * 5, (8,) * 5),
    )
    with reading(engine) as connection:
        days = {a["subject"]["key"]: a["due_on"] for a in export_alerts(connection)}
    assert days["F2"] == "2026-12-03"


def test_what_is_reopened_gets_a_day_anew(engine: sa.Engine, alert_id: str) -> None:
    act(engine, alert_id, "close")
    after = act(engine, alert_id, "reopen", now=LATER + timedelta(days=100))
    assert after.due_on == (LATER + timedelta(days=160)).date()


def test_age_and_lateness_are_told_on_a_day(engine: sa.Engine, alert_id: str) -> None:
    def told(today: date | None) -> tuple[Any, Any]:
        shown = alert_object(look(engine, alert_id).alert, today)
        return shown["age_days"], shown["overdue"]

    assert told(None) == (None, None)
    assert told(date(2027, 1, 22)) == (60, False)
    assert told(date(2027, 1, 23)) == (61, True)
    act(engine, alert_id, "close")
    assert told(date(2027, 1, 23)) == (1, False)


def test_a_graver_signal_reopens_what_was_closed(engine: sa.Engine, alert_id: str) -> None:
    act(engine, alert_id, "close")
    run(engine, [signal(severity=5)], "run-2", LATER)
    record = look(engine, alert_id)
    assert (record.alert.state, record.alert.close_reason) == (State.OPEN, None)
    assert record.events[-1].kind == "reopened"
    assert record.events[-1].actor == "system"


def test_eight_reviewers_at_once_lose_no_update(engine: sa.Engine) -> None:
    """Each insists: reads, decides on what it read, and tries again when somebody was faster."""
    run(engine, [signal(f"F{i}") for i in range(3)])
    with reading(engine) as connection:
        ids = [str(item["id"]) for item in export_alerts(connection)]

    def insist(reviewer: int) -> int:
        done = 0
        while done < 9:
            chosen = ids[done % len(ids)]
            seen = look(engine, chosen).alert
            move = allowed_actions(seen.state)[0]
            try:
                act(engine, chosen, move, actor=f"r{reviewer}", expected_version=seen.version)
            except WardenError as error:
                assert error.code == "stale_version"
            else:
                done += 1
        return done

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(insist, range(8))) == 72
    for chosen in ids:
        record = look(engine, chosen)
        assert record.alert.version == 25
        assert [event.version for event in record.events] == list(range(1, 26))


def test_one_version_is_decided_on_once(engine: sa.Engine, alert_id: str) -> None:
    def once(reviewer: int) -> str:
        try:
            act(engine, alert_id, "acknowledge", actor=f"r{reviewer}", expected_version=1)
        except WardenError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(once, range(8)))
    assert results == ["done"] + ["stale_version"] * 7
    assert len(look(engine, alert_id).events) == 2
