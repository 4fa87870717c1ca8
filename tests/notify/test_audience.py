"""Who is told of what, without any server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.limits import Limits
from alerts.model import AlertEvent, EventKind
from alerts.notify import outbox
from alerts.notify.audience import Endpoint, Listener, endpoints_of, listeners_of, next_digest
from alerts.notify.kinds import CHOSEN, NEEDS, Kind, Mode, Notice
from alerts.notify.tables import notice
from alerts.notify.words import WORDS, link_of, mail_of
from api.permissions import NEEDS as ADDRESSES
from detector.database import writing
from detector.people.permissions import Permission
from tests.notify.conftest import Desk

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ALL = {str(one) for one in Permission}
ANN = Listener("p1", "Ann", ALL, Limits(), dict.fromkeys(CHOSEN, "immediate"), 1, 6)
OPENED = Notice(1, Kind.ALERT_OPENED, "alert", "A-1", "system", None, AT, "MON-BID-CV", 3)


def told(one: Notice, listener: Listener = ANN) -> list[Mode]:
    return [mode for _, mode in listeners_of(one, [listener])]


@pytest.mark.parametrize("kind", CHOSEN)
def test_each_kind_needs_its_permission_and_has_words(kind: Kind) -> None:
    one = replace(OPENED, kind=kind)
    assert told(one) == [Mode.IMMEDIATE]
    assert told(one, replace(ANN, may=ALL - {NEEDS[kind]})) == []
    assert told(one, replace(ANN, kinds={kind: "off"})) == []
    assert told(one, replace(ANN, kinds={})) == [CHOSEN[kind]]
    assert set(NEEDS) == set(CHOSEN) and set(NEEDS.values()) <= ALL
    assert all(kind in WORDS[language] for language in ("en", "zh"))


def test_what_is_addressed_reaches_that_person_whatever_its_severity() -> None:
    mine = replace(OPENED, kind=Kind.ALERT_ASSIGNED, person="Ann", actor="Ben", severity=1)
    choosy = replace(ANN, least_severity=5)
    assert told(mine, choosy) == [Mode.IMMEDIATE]
    assert told(mine, replace(choosy, name="Cleo")) == []
    assert told(replace(mine, actor="Ann")) == []
    assert told(replace(OPENED, severity=4), choosy) == []
    assert told(replace(OPENED, kind=Kind.CLOSURE_PENDING, actor="Ann")) == []


def test_alerts_of_another_unit_are_not_told() -> None:
    limited = replace(ANN, limits=Limits(frozenset({"PRIV-BREACH-LATE"})))
    assert told(OPENED, limited) == []
    assert told(replace(OPENED, typology="PRIV-BREACH-LATE"), limited) == [Mode.IMMEDIATE]


def test_what_is_drawn_for_blind_review_opens_silently() -> None:
    assert told(replace(OPENED, blind=True)) == []
    assert endpoints_of(replace(OPENED, blind=True), [Endpoint("e", ())]) == []
    assert told(replace(OPENED, blind=True, kind=Kind.ALERT_ESCALATED)) == [Mode.IMMEDIATE]


def test_endpoints_are_told_of_their_kinds_and_tests_reach_one() -> None:
    ends = [Endpoint("a", ()), Endpoint("b", ("job.failed",)), Endpoint("c", ("alert.opened",))]
    assert [one.id for one in endpoints_of(OPENED, ends)] == ["a", "c"]
    tried = Notice(2, Kind.TEST, "webhook", "b", "Ann", None, AT)
    assert [one.id for one in endpoints_of(tried, ends)] == ["b"]
    assert told(tried) == []


@pytest.mark.parametrize(("hour", "day"), [(7, 24), (8, 24), (9, 23)])
def test_the_next_digest_is_later_than_now(hour: int, day: int) -> None:
    assert next_digest(AT, hour) == datetime(2026, 11, day, hour, tzinfo=UTC)


def test_every_link_leads_to_an_address_there_is() -> None:
    for about, key in (("alert", "{alert_id}"), ("run", "{run_id}"), ("webhook", "")):
        link = link_of(replace(OPENED, about=about, key=key), "https://w.example/")
        assert ("GET", link.removeprefix("https://w.example")) in ADDRESSES
    subject, text = mail_of([OPENED], "zh", "https://w.example/")
    assert subject == "Marketwarden: 新预警: A-1"
    assert "https://w.example/alerts/A-1\n" in text


CASE = {"case_number": "C-2026-0001", "version": 2, "kind": "changed", "actor": "Ben", "at": AT}
DATA: dict[str, tuple[dict[str, Any], str | None]] = {
    "opened with an owner": ({"title": "x", "owner": "Ann"}, "Ann"),
    "opened without": ({"title": "x", "owner": None}, None),
    "given to another": ({"changed": {"owner": [None, "Ann"]}}, "Ann"),
    "taken from somebody": ({"changed": {"owner": ["Ann", None]}}, None),
    "renamed": ({"changed": {"title": ["a", "b"]}}, None),
    "a task": ({"task": 3, "text": "call", "assignee": "Ann"}, "Ann"),
    "a task is done": ({"task": 3, "done_at": "2026"}, None),
}


@pytest.mark.parametrize(("data", "person"), DATA.values(), ids=DATA)
def test_a_case_is_told_to_whom_it_is_given(
    desk: Desk, data: dict[str, Any], person: str | None
) -> None:
    for _ in range(2):
        with writing(desk.system.engine) as connection:
            outbox.note_case_event(connection, {**CASE, "data": data})
    found = [(row.kind, row.key, row.person, row.at) for row in desk.rows(notice)]
    assert found == ([("case.assigned", "C-2026-0001", person, AT)] if person else [])


EVENTS: dict[str, tuple[str, str | None, dict[str, Any], tuple[str, str | None] | None]] = {
    "a lead": ("opened", "lead", {}, ("lead.received", None)),
    "assigned": ("assigned", None, {"changed": {"assignee": [None, "Ann"]}},
                 ("alert.assigned", "Ann")),
    "closing asked": ("closure_asked", "explained", {}, ("alert.closure_pending", None)),
    "escalated": ("escalated", None, {}, ("alert.escalated", None)),
    "no data": ("went_stale", None, {}, ("data.late", None)),
    "a comment": ("commented", None, {}, None),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "reason", "data", "expected"), EVENTS.values(), ids=EVENTS)
def test_an_event_of_an_alert_is_noted_as_what_it_is(
    desk: Desk,
    kind: str,
    reason: str | None,
    data: dict[str, Any],
    expected: tuple[str, str | None] | None,
) -> None:
    if kind not in list(EventKind):
        pytest.skip(f"alerts know no {kind} yet")
    event = AlertEvent("A-1", 2, EventKind(kind), "Ben", AT, None, reason, "a note", data)
    with writing(desk.system.engine) as connection:
        outbox.note_alert_events(connection, [event])
    found = [(row.kind, row.person) for row in desk.rows(notice)]
    assert found == ([expected] if expected else [])


def test_nobody_is_told_of_another_jurisdiction() -> None:
    lin = replace(ANN, limits=Limits(None, frozenset({"CN"})))
    assert told(replace(OPENED, reach=frozenset({"DE", "EU", "CN"})), lin) == [Mode.IMMEDIATE]
    assert told(replace(OPENED, reach=frozenset({"DE", "EU"})), lin) == []
    # whom it concerns is not known: nobody who is limited hears of it
    assert told(OPENED, lin) == []
    assert told(OPENED) == [Mode.IMMEDIATE]
