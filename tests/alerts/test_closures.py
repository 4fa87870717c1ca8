"""Closing a severe alert: one asks, another approves exactly that, and nobody gets around it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from alerts import closures, store
from alerts.changing import Hand
from alerts.inbox import QueueFilter, export_alerts, get_alert, queue
from alerts.lifecycle import comment, decide, second_review
from alerts.model import Alert, AlertEvent, CloseReason, State
from alerts.undo import undo
from detector.database import reading, writing
from features.errors import WardenError
from tests.alerts.samples import LATER, run, signal

RACES = 30


def asked(engine: sa.Engine, subject: str = "F1", severity: int = 4) -> Alert:
    """An alert whose closing lin has asked for."""
    run(engine, [signal(subject, severity=severity)])
    with reading(engine) as connection:
        mine = next(a for a in export_alerts(connection) if a["subject"]["key"] == subject)
    return closing(engine, mine["id"], "explained", "A regulated price.")


def closing(engine: sa.Engine, alert_id: str, reason: str, note: str, actor: str = "lin") -> Alert:
    version = now_of(engine, alert_id).version
    with writing(engine) as connection:
        return decide(connection, alert_id, actor, "close", reason, note, version, LATER)


def now_of(engine: sa.Engine, alert_id: str) -> Alert:
    with reading(engine) as connection:
        return get_alert(connection, alert_id).alert


def events_of(engine: sa.Engine, alert_id: str) -> list[AlertEvent]:
    with reading(engine) as connection:
        return get_alert(connection, alert_id).events


def refused(engine: sa.Engine, act: str, alert: Alert, actor: str) -> str:
    """Code of the refusal of an act on the version given."""
    with pytest.raises(WardenError) as caught:
        done(engine, act, alert, actor)
    return caught.value.code


def done(engine: sa.Engine, act: str, alert: Alert, actor: str) -> Alert:
    mine = Hand(actor, alert.version, LATER)
    with writing(engine) as connection:
        if act == "reject":
            return closures.reject(connection, alert.id, mine, "Not the whole period.")
        return getattr(closures, act)(connection, alert.id, mine)


@pytest.mark.parametrize(
    ("severity", "reason", "waits"),
    [
        (3, "explained", False),
        (4, "confirmed", False),
        (4, "referred", True),
        (5, "data_error", True),
    ],
)
def test_only_letting_go_of_a_severe_alert_waits(
    engine: sa.Engine, severity: int, reason: str, waits: bool
) -> None:
    run(engine, [signal(severity=severity)])
    with reading(engine) as connection:
        alert_id = export_alerts(connection)[0]["id"]
    after = closing(engine, alert_id, reason, "Seen.")
    assert (after.pending is not None) is waits
    assert after.state is (State.OPEN if waits else State.CLOSED)


def test_another_person_closes_as_asked_and_both_stand_in_the_record(engine: sa.Engine) -> None:
    alert = asked(engine)
    assert alert.pending is not None
    assert (alert.state, alert.pending["by"], alert.version) == (State.OPEN, "lin", 2)
    with reading(engine) as connection:
        assert [a.id for a in queue(connection, QueueFilter(pending=True)).alerts] == [alert.id]
    after = done(engine, "approve", alert, "wang")
    assert (after.state, after.close_reason) == (State.CLOSED, CloseReason.EXPLAINED)
    assert (after.assignee, after.closed_severity, after.pending) == ("lin", 4, None)
    last = events_of(engine, alert.id)[-1]
    assert (last.kind, last.actor, last.note) == ("closed", "wang", "A regulated price.")
    assert last.data["asked_by"] == "lin"
    with writing(engine) as connection:
        # whoever found it and whoever approved it have both spoken
        assert store.reviewers(connection, alert.id) == {"lin", "wang"}
    for again in ("lin", "wang"):
        with pytest.raises(WardenError) as caught, writing(engine) as connection:
            second_review(connection, alert.id, again, "explained", None, LATER)
        assert caught.value.code == "same_person"


def test_whoever_asked_cannot_approve_under_any_spelling(engine: sa.Engine) -> None:
    alert = asked(engine)
    for spelling in ("lin", " lin ", "LIN"):
        assert refused(engine, "approve", alert, spelling) == "same_person"
    assert refused(engine, "reject", alert, "lin") == "same_person"
    assert refused(engine, "withdraw", alert, "wang") == "other_person"
    assert now_of(engine, alert.id) == alert


def test_what_changed_since_cannot_be_approved(engine: sa.Engine) -> None:
    alert = asked(engine)
    run(engine, [signal(severity=4, suspicion=0.97)], "run-2", LATER)
    assert refused(engine, "approve", alert, "wang") == "stale_version"
    fresh = now_of(engine, alert.id)
    assert refused(engine, "approve", fresh, "wang") == "content_changed"
    rejected = done(engine, "reject", fresh, "wang")
    assert (rejected.state, rejected.pending) == (State.OPEN, None)
    again = closing(engine, alert.id, "explained", "Still a regulated price.")
    assert done(engine, "approve", again, "wang").state is State.CLOSED


def test_a_run_that_says_the_same_leaves_the_request_as_it_is(engine: sa.Engine) -> None:
    alert = asked(engine)
    run(engine, [signal(severity=4)], "run-2", LATER)
    assert done(engine, "approve", alert, "wang").state is State.CLOSED


def test_a_request_whose_note_was_changed_behind_its_back_is_not_approved(
    engine: sa.Engine,
) -> None:
    alert = asked(engine)
    with writing(engine) as connection:
        connection.execute(
            sa.text("UPDATE alert_event SET note = 'x' WHERE kind = 'closure_asked'")
        )
    assert refused(engine, "approve", alert, "wang") == "content_changed"


def test_while_it_waits_nothing_else_is_decided(engine: sa.Engine) -> None:
    alert = asked(engine)
    for action, reason in (("acknowledge", None), ("close", "confirmed"), ("escalate", None)):
        with pytest.raises(WardenError) as caught, writing(engine) as connection:
            decide(connection, alert.id, "wang", action, reason, "n", alert.version, LATER)
        assert caught.value.code == "closure_pending"
    back = done(engine, "withdraw", alert, "lin")
    assert back.pending is None
    assert refused(engine, "approve", back, "wang") == "nothing_pending"


def test_undoing_takes_back_the_last_step_alone(engine: sa.Engine) -> None:
    alert = asked(engine)
    shut = done(engine, "approve", alert, "wang")
    with writing(engine) as connection:
        back = undo(connection, alert.id, Hand("wang", shut.version, LATER))
    assert (back.state, back.pending, back.assignee) == (State.OPEN, alert.pending, None)
    with writing(engine) as connection:
        assert store.reviewers(connection, alert.id) == set()
    with pytest.raises(WardenError) as caught, writing(engine) as connection:
        undo(connection, alert.id, Hand("lin", back.version, LATER))
    assert caught.value.code == "nothing_to_undo"


def test_only_ones_own_last_decision_is_undone_and_soon(engine: sa.Engine) -> None:
    run(engine, [signal()])
    with reading(engine) as connection:
        alert_id = export_alerts(connection)[0]["id"]

    def undone(actor: str, minutes: int) -> str:
        version = now_of(engine, alert_id).version
        try:
            with writing(engine) as connection:
                at = LATER + timedelta(minutes=minutes)
                undo(connection, alert_id, Hand(actor, version, at))
        except WardenError as error:
            return error.code
        return "done"

    assert undone("lin", 0) == "nothing_to_undo"  # a run opened it
    closing(engine, alert_id, "explained", "Seen.")
    assert undone("wang", 0) == "nothing_to_undo"
    assert undone("lin", 11) == "nothing_to_undo"
    assert undone("lin", 10) == "done"
    alert = now_of(engine, alert_id)
    assert (alert.state, alert.close_reason, alert.closed_severity) == (State.OPEN, None, None)
    assert [e.kind for e in events_of(engine, alert_id)] == ["opened", "closed", "undone"]
    assert undone("lin", 10) == "nothing_to_undo"
    closing(engine, alert_id, "explained", "Seen.")
    with writing(engine) as connection:
        comment(connection, alert_id, "wang", "Wait.", LATER)
    assert undone("lin", 0) == "nothing_to_undo"


def test_each_race_is_won_by_one_other_person(engine: sa.Engine) -> None:
    """At once: whoever asked approves twice, two others approve, a third rejects."""
    run(engine, [signal(f"F{i}", severity=5) for i in range(RACES)])
    with reading(engine) as connection:
        ids = [a["id"] for a in export_alerts(connection)]
    waiting = []
    with writing(engine) as connection:
        for alert_id in ids:
            waiting.append(decide(connection, alert_id, "lin", "close", "explained", "n", 1, LATER))

    def attempt(job: tuple[Alert, str, str]) -> str:
        alert, act, actor = job
        try:
            done(engine, act, alert, actor)
        except WardenError as error:
            return error.code
        return f"{act} {actor}"

    moves = (("approve", "lin"), ("approve", "Wang"), ("approve", "zhao"), ("reject", "sun"))
    jobs = [(alert, act, actor) for alert in waiting for act, actor in moves]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(attempt, jobs))
    for place, alert in enumerate(waiting):
        outcomes = told[4 * place : 4 * place + 4]
        won = [one for one in outcomes if " " in one]
        assert len(won) == 1
        assert won[0] != "approve lin"
        assert set(outcomes) - set(won) <= {"same_person", "stale_version"}
        state = now_of(engine, alert.id)
        assert state.version == 3
        assert (state.state is State.CLOSED) is won[0].startswith("approve")
