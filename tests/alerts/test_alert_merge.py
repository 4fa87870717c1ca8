"""The pure merge: idempotent, free of order, and nothing is ever closed or lost by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.identity import fingerprint, short_id
from alerts.merge import Cell, Change, Moment, merge
from alerts.model import Alert, CloseReason, EventKind, Signal, State
from features.errors import WardenError
from tests.alerts.samples import LATER, NOW, YEAR, signal

FIRST, SECOND = Moment("run-1", NOW), Moment("run-2", LATER)
CELL: Cell = ("MON-BID-CV", "firm", YEAR)

SIGNALS = st.lists(
    st.builds(
        lambda subject, typology, severity, suspicion, lane, value: signal(
            subject,
            typology=typology,
            severity=severity,
            suspicion=suspicion,
            lane=lane,
            facts=({"feature": "bid_cv", "value": value},),
        ),
        st.sampled_from("ABCDEF"),
        st.sampled_from(["MON-BID-CV", "MON-BID-KS"]),
        st.integers(1, 5),
        st.floats(0, 1),
        st.sampled_from(["legal", "screen"]),
        st.floats(-1e9, 1e9),
    ),
    max_size=12,
)
STATES = st.sampled_from(list(State))


def applied(changes: Sequence[Change]) -> dict[str, Alert]:
    return {change.alert.fingerprint: change.alert for change in changes}


def remembered(signals: Sequence[Signal], states: Sequence[State]) -> dict[str, Alert]:
    """Alerts of the signals, each moved by hand into one of the states."""
    alerts = {}
    for (mark, alert), state in zip(
        applied(merge(signals, {}, FIRST)).items(), states, strict=False
    ):
        shut = state is State.CLOSED
        alerts[mark] = replace(
            alert,
            state=state,
            close_reason=CloseReason.EXPLAINED if shut else None,
            closed_severity=alert.signal.severity if shut else None,
        )
    return alerts


def only(changes: Sequence[Change]) -> Change:
    assert len(changes) == 1
    return changes[0]


@settings(deadline=None)
@given(SIGNALS, SIGNALS, st.lists(STATES, min_size=12, max_size=12))
def test_the_same_signals_twice_change_nothing(
    before: list[Signal], now: list[Signal], states: list[State]
) -> None:
    known = remembered(before, states)
    cells = {CELL}
    after = {**known, **applied(merge(now, known, FIRST, cells))}
    again = merge(now, after, SECOND, cells)
    assert [change.kind for change in again] == [None] * len(again)
    assert {**after, **applied(again)} == after


@settings(deadline=None)
@given(SIGNALS, SIGNALS, st.lists(STATES, min_size=12, max_size=12), st.randoms())
def test_order_does_not_matter(
    before: list[Signal], now: list[Signal], states: list[State], random: Any
) -> None:
    known = remembered(before, states)
    shuffled = random.sample(now, len(now))
    turned = dict(random.sample(list(known.items()), len(known)))
    assert merge(now, known, FIRST, {CELL}) == merge(shuffled, turned, FIRST, {CELL})


@settings(deadline=None)
@given(SIGNALS, SIGNALS, st.lists(STATES, min_size=12, max_size=12))
def test_a_run_never_closes_and_steps_one_version_per_event(
    before: list[Signal], now: list[Signal], states: list[State]
) -> None:
    known = remembered(before, states)
    changes = merge(now, known, SECOND, {CELL})
    assert {s.subject_key for s in now} <= {c.alert.signal.subject_key for c in changes}
    for change in changes:
        if change.before is None:
            assert (change.kind, change.alert.version) == (EventKind.OPENED, 1)
            continue
        moved = change.kind is not None
        assert change.alert.version == change.before.version + moved
        assert change.alert.state in (change.before.state, State.OPEN)
        assert (change.alert.state is State.OPEN) >= (change.before.state is State.OPEN)
        assert change.alert.opened_at == change.before.opened_at
        assert (change.alert.run_id == "run-2") == moved


def one_alert(**changes: Any) -> dict[str, Alert]:
    alert = only(merge([signal()], {}, FIRST)).alert
    return {alert.fingerprint: replace(alert, **changes)}


SHUT = {"state": State.CLOSED, "close_reason": CloseReason.EXPLAINED, "closed_severity": 3}


@pytest.mark.parametrize(
    ("known", "now", "kind", "changed"),
    [
        ({}, {}, None, {}),
        ({}, {"run_id": "x", "snapshot_id": "y", "q_value": 0.5}, None, {}),
        ({}, {"suspicion": 0.91 + 1e-12}, None, {}),
        ({}, {"suspicion": 0.95}, "updated", {"suspicion": (0.91, 0.95)}),
        ({}, {"severity": 4}, "updated", {"severity": (3, 4)}),
        ({"firing": False}, {}, "fires_again", {"firing": (False, True)}),
        (SHUT, {}, None, {}),
        (SHUT, {"suspicion": 0.95}, "updated", {"suspicion": (0.91, 0.95)}),
        (SHUT, {"severity": 2}, "updated", {"severity": (3, 2)}),
        (
            SHUT,
            {"severity": 4},
            "reopened",
            {"severity": (3, 4), "state": ("closed", "open")},
        ),
        ({**SHUT, "firing": False}, {}, "fires_again", {"firing": (False, True)}),
    ],
)
def test_what_becomes_of_a_known_alert(
    known: dict[str, Any],
    now: dict[str, Any],
    kind: str | None,
    changed: dict[str, tuple[Any, Any]],
) -> None:
    change = only(merge([signal(**now)], one_alert(**known), SECOND))
    assert change.kind == kind
    assert change.changed == changed
    reopened = kind == "reopened"
    assert change.alert.state is (State.OPEN if reopened else known.get("state", State.OPEN))
    if reopened:
        assert (change.alert.close_reason, change.alert.closed_severity) == (None, None)


def test_a_closed_alert_reopens_only_beyond_the_severity_it_was_closed_at() -> None:
    known = one_alert(**{**SHUT, "closed_severity": 4})
    milder = applied(merge([signal(severity=2)], known, FIRST))
    back = only(merge([signal(severity=4)], milder, SECOND))
    assert (back.kind, back.alert.state) == (EventKind.UPDATED, State.CLOSED)
    worse = only(merge([signal(severity=5)], milder, SECOND))
    assert (worse.kind, worse.alert.state) == (EventKind.REOPENED, State.OPEN)


def test_what_stops_firing_is_marked_once_and_stays_open() -> None:
    known = one_alert()
    assert merge([], known, SECOND) == []
    assert merge([], known, SECOND, {("MON-BID-KS", "firm", YEAR)}) == []
    change = only(merge([], known, SECOND, {CELL}))
    assert change.kind is EventKind.NO_LONGER_FIRES
    assert (change.alert.state, change.alert.firing) == (State.OPEN, False)
    assert merge([], applied([change]), SECOND, {CELL}) == []


def test_a_new_rule_version_attaches_to_the_open_alert() -> None:
    change = only(
        merge([signal(rules=({"id": "bid-cv", "version": "2.0.0"},))], one_alert(), SECOND)
    )
    assert change.kind is EventKind.UPDATED
    assert set(change.changed) == {"rules"}


def test_of_two_signals_with_one_identity_the_graver_counts() -> None:
    mild, grave = signal(severity=2, suspicion=0.99), signal(severity=5, suspicion=0.2)
    for pair in ([mild, grave], [grave, mild]):
        assert only(merge(pair, {}, FIRST)).alert.signal is grave


def test_a_taken_short_id_is_avoided() -> None:
    mark = fingerprint("MON-BID-CV", "firm", "F1", YEAR)
    plain = short_id(mark, {})
    change = only(merge([signal()], {}, FIRST, taken={plain: "another"}))
    assert change.alert.id.startswith(plain)
    assert change.alert.id != plain


@pytest.mark.parametrize(
    "wrong",
    [
        {"severity": 0},
        {"severity": 6},
        {"suspicion": 1.01},
        {"suspicion": float("nan")},
        {"p_value": -0.1},
        {"lane": "fast"},
        {"subject_key": ""},
        {"period_end": YEAR.replace(year=2024)},
    ],
)
def test_an_unusable_signal_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WardenError) as caught:
        signal(**wrong)
    assert caught.value.code == "bad_signal"
