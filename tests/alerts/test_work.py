"""The work on alerts: whose they are, labels, orders to read them in, many at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import bulk as many
from alerts.assignment import assign, release
from alerts.bulk import Order
from alerts.changing import Hand
from alerts.inbox import QueueFilter, Sort, counts, export_alerts, get_alert, queue
from alerts.labels import label, word
from alerts.lifecycle import decide
from alerts.merge import Moment
from alerts.model import Alert
from alerts.stale import mark
from alerts.tuning import send_back, sent_back
from alerts.undo import undo
from detector.database import reading, writing
from features.errors import WardenError
from tests.alerts.samples import LATER, NOW, run, signal


def ids(engine: sa.Engine) -> dict[str, str]:
    with reading(engine) as connection:
        return {a["subject"]["key"]: a["id"] for a in export_alerts(connection)}


def look(engine: sa.Engine, alert_id: str) -> Alert:
    with reading(engine) as connection:
        return get_alert(connection, alert_id).alert


def found(engine: sa.Engine, **wanted: Any) -> list[str]:
    with reading(engine) as connection:
        page = queue(connection, QueueFilter(**wanted))
    return sorted(alert.signal.subject_key for alert in page.alerts)


def code_of(engine: sa.Engine, act: Any, *parts: Any, **more: Any) -> str:
    with pytest.raises(WardenError) as caught, writing(engine) as connection:
        act(connection, *parts, **more)
    return caught.value.code


@pytest.fixture
def first(engine: sa.Engine) -> str:
    run(engine, [signal("F1"), signal("F2", severity=5), signal("F3", lane="legal")])
    return ids(engine)["F1"]


def test_labels_are_words_found_again_and_taken_back(engine: sa.Engine, first: str) -> None:
    with writing(engine) as connection:
        alert = label(connection, first, Hand("lin", 1, LATER), ["Ring 7", "串标", "ring  7"])
    assert alert.labels == ("ring 7", "串标")
    assert look(engine, first) == alert
    assert found(engine, labels=["串标", "other"]) == ["F1"]
    assert found(engine, labels=["other"]) == []
    again = Hand("lin", 2, LATER)
    assert code_of(engine, label, first, again, ["ring 7"]) == "labels_unchanged"
    with writing(engine) as connection:
        label(connection, first, again, (), ["ring 7"])
    assert found(engine, labels=["ring 7"]) == []
    with writing(engine) as connection:
        undo(connection, first, Hand("lin", 3, LATER))
    assert found(engine, labels=["ring 7"]) == ["F1"]


@pytest.mark.parametrize("text", ["", " ", "x" * 41, "<b>", "a\0b", "-", "\ud800", "a;b"])
def test_what_is_no_word_is_no_label(text: str) -> None:
    with pytest.raises(WardenError) as caught:
        word(text)
    assert caught.value.code == "bad_label"


def test_an_alert_is_given_and_handed_back_whatever_its_state(
    engine: sa.Engine, first: str
) -> None:
    with writing(engine) as connection:
        given = assign(connection, first, Hand("lin", 1, LATER), "wang")
    assert (given.assignee, given.state) == ("wang", "open")
    assert found(engine, assignee="wang") == ["F1"]
    assert code_of(engine, assign, first, Hand("lin", 2, LATER), "wang") == "already_assigned"
    with writing(engine) as connection:
        assert release(connection, first, Hand("wang", 2, LATER)).assignee is None
    assert code_of(engine, release, first, Hand("wang", 3, LATER)) == "not_assigned"
    with writing(engine) as connection:
        decide(connection, first, "lin", "close", "explained", "Seen.", 3, LATER)
    assert code_of(engine, assign, first, Hand("lin", 4, LATER), "wang") == "already_closed"
    assert code_of(engine, assign, first, Hand("lin", 3, LATER), "wang") == "stale_version"


def test_alerts_are_read_by_day_due_and_by_age_over_pages(engine: sa.Engine, first: str) -> None:
    run(engine, [signal("F0", severity=1)], "run-0", NOW - timedelta(days=9))

    def read(sort: Sort) -> list[str]:
        keys, cursor = [], None
        while True:
            with reading(engine) as connection:
                page = queue(connection, cursor=cursor, limit=1, sort=sort)
            keys += [alert.signal.subject_key for alert in page.alerts]
            cursor = page.next_cursor
            if cursor is None:
                return keys

    assert read(Sort.DUE) == ["F2", "F3", "F1", "F0"]
    assert read(Sort.AGE)[0] == "F0"
    assert sorted(read(Sort.AGE)) == ["F0", "F1", "F2", "F3"]
    with reading(engine) as connection:
        cursor = queue(connection, limit=1, sort=Sort.DUE).next_cursor
        with pytest.raises(WardenError) as caught:
            queue(connection, cursor=cursor, sort=Sort.AGE)
    assert caught.value.code == "bad_cursor"
    day = look(engine, ids(engine)["F2"]).due_on
    assert found(engine, overdue_on=day) == []
    assert found(engine, overdue_on=day + timedelta(days=1)) == ["F2"]


def test_an_alert_goes_back_to_the_author_of_a_rule_that_fired(
    engine: sa.Engine, first: str
) -> None:
    mine = Hand("lin", 1, LATER)
    assert code_of(engine, send_back, first, mine, "other", "Odd.") == "rule_not_fired"
    assert code_of(engine, send_back, first, mine, "bid-cv", " ") == "note_required"
    with writing(engine) as connection:
        after = send_back(connection, first, mine, "bid-cv", "A ceiling price.")
    assert (after.state, after.version) == ("open", 2)
    with reading(engine) as connection:
        [one] = sent_back(connection, "bid-cv")
        assert sent_back(connection, "other") == []
    assert (one.rule_version, one.alert_id, one.note) == ("1.0.0", first, "A ceiling price.")


def order(action: Any, expected: int, **changes: Any) -> Order:
    return Order(QueueFilter(lanes=["screen"]), action, expected, **changes)


def test_many_at_once_are_changed_skipped_and_counted(engine: sa.Engine, first: str) -> None:
    with writing(engine) as connection:
        decide(connection, first, "wang", "acknowledge", None, None, 1, LATER)
    assert code_of(engine, many.apply, order("acknowledge", 3), "lin", LATER) == "count_changed"
    with writing(engine) as connection:
        done = many.apply(connection, order("acknowledge", 2), "lin", LATER)
    names = ids(engine)
    assert done.changed == [names["F2"]]
    assert [(s.alert_id, s.code) for s in done.skipped] == [(first, "transition_not_allowed")]
    assert found(engine, assignee="lin") == ["F2"]
    with writing(engine) as connection:
        shut = many.apply(
            connection, order("close", 2, reason="explained", note="A ceiling price."), "lin", LATER
        )
    # the severe one waits for a second person, as it would alone
    assert sorted(shut.changed) == sorted([first, names["F2"]])
    assert shut.pending == [names["F2"]]
    assert look(engine, names["F2"]).state == "acknowledged"
    assert look(engine, names["F3"]).version == 1


@pytest.mark.parametrize(
    ("action", "changes", "code"),
    [
        ("close", {"note": "n"}, "reason_required"),
        ("close", {"reason": "explained"}, "note_required"),
        ("label", {}, "bad_label"),
    ],
)
def test_what_is_wrong_for_every_alert_changes_none(
    engine: sa.Engine, first: str, action: Any, changes: Any, code: str
) -> None:
    assert code_of(engine, many.apply, order(action, 2, **changes), "lin", LATER) == code
    assert look(engine, first).version == 1


def test_more_than_fit_are_refused(
    engine: sa.Engine, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MOST", 1)
    assert code_of(engine, many.apply, order("acknowledge", 2), "lin", LATER) == "too_many"


def test_an_error_in_the_middle_leaves_all_as_they_were(
    engine: sa.Engine, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def failing(connection: Any, alert_id: str, *parts: Any) -> Alert:
        if done:
            raise WardenError("audit_unavailable", "gone", kind="unavailable")
        done.append(alert_id)
        return assign(connection, alert_id, *parts)

    monkeypatch.setattr(many, "assign", failing)
    assert code_of(engine, many.apply, order("assign", 2), "lin", LATER) == "audit_unavailable"
    assert found(engine, assignee="lin") == []


def test_what_falls_silent_is_marked_once_and_unmarked(engine: sa.Engine, first: str) -> None:
    with writing(engine) as connection:
        decide(connection, ids(engine)["F2"], "lin", "close", "confirmed", "Seen.", 1, LATER)
    silent = {("MON-BID-CV", "firm", key) for key in ("F1", "F2")}
    for moved in (1, 0):
        with writing(engine) as connection:
            assert mark(connection, silent, Moment("run-2", LATER)) == moved
    assert found(engine, stale=True) == ["F1"]
    assert look(engine, first).stale_since == LATER
    with writing(engine) as connection:
        assert mark(connection, set(), Moment("run-3", LATER)) == 1
    assert found(engine, stale=False) == ["F1", "F2", "F3"]
    with reading(engine) as connection:
        kinds = [e.kind for e in get_alert(connection, first).events]
        assert counts(connection, QueueFilter(stale=True)).total == 0
    assert kinds == ["opened", "went_stale", "filed_again"]
