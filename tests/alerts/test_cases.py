"""Cases: numbers without gaps, the table of states, one event and one entry for each act."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from itertools import product

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from alerts.audit_tables import audit_entry
from alerts.case_model import (
    NEXT,
    Case,
    CaseHand,
    CaseOutcome,
    CaseReach,
    CaseState,
    NewCase,
    PartyRole,
)
from alerts.case_reading import case_detail, timeline
from alerts.case_remedies import Intervention, InterventionKind, Target, intervene
from alerts.case_store import CaseFilter, get_case, list_cases
from alerts.case_tables import case_event
from alerts.case_work import add_note, add_task, change_task
from alerts.cases import CaseChange, add_alerts, change_case, open_case, remove_alert
from alerts.lifecycle import comment
from alerts.limits import Limits
from detector.case_parties import firms_in, subjects_of
from detector.database import WriteConnection, reading, writing
from features.errors import WardenError
from tests.alerts.samples import LATER, NOW, run, signal

ANA = CaseHand("Ana", NOW)


def at(version: int | None, actor: str = "Ana", reach: CaseReach = CaseReach()) -> CaseHand:  # noqa: B008
    return CaseHand(actor, LATER, version, reach)


def ids_of(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(sa.text("SELECT id FROM alert ORDER BY subject_key")))


def opened(engine: Engine, title: str = "road works", **more: str) -> Case:
    with writing(engine) as connection:
        return open_case(connection, NewCase(title, **more), [], {}, ANA)


def moved(engine: Engine, number: str, *states: CaseState) -> Case:
    for state in states:
        outcome = CaseOutcome.MEASURES_TAKEN if state is CaseState.CLOSED else None
        with writing(engine) as connection:
            case = change_case(
                connection, number, CaseChange(state=state, outcome=outcome, note="So."), at(None)
            )
    return case


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(WardenError) as error:
        act()
    return error.value.code


def test_numbers_have_no_gap_and_none_is_given_twice(engine: Engine) -> None:
    def one(place: int) -> None:
        with suppress(ZeroDivisionError), writing(engine) as connection:
            open_case(connection, NewCase(f"case {place}"), [], {}, ANA)
            if place % 3 == 0:
                raise ZeroDivisionError

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(24)))
    with reading(engine) as connection:
        numbers = [case.number for case in list_cases(connection, CaseFilter())]
    assert numbers == [f"C-2026-{serial:04}" for serial in range(16, 0, -1)]
    with writing(engine) as connection:
        later = CaseHand("Ana", NOW.replace(year=2027))
        assert open_case(connection, NewCase("x"), [], {}, later).number == "C-2027-0001"


WAYS = {
    CaseState.OPEN: (),
    CaseState.IN_PROGRESS: (CaseState.IN_PROGRESS,),
    CaseState.DECIDED: (CaseState.IN_PROGRESS, CaseState.DECIDED),
    CaseState.CLOSED: (CaseState.CLOSED,),
}


def test_a_case_goes_where_the_table_says_and_nowhere_else(engine: Engine) -> None:
    for before, after in product(CaseState, CaseState):
        number = opened(engine).number
        if WAYS[before]:
            moved(engine, number, *WAYS[before])
        if after in NEXT[before]:
            assert moved(engine, number, after).state is after
        elif after is not before:
            assert refused(lambda n=number, a=after: moved(engine, n, a)) == "bad_transition"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (CaseChange(state=CaseState.CLOSED, note="Nothing in it."), "outcome_required"),
        (CaseChange(state=CaseState.CLOSED, outcome=CaseOutcome.REFERRED), "note_required"),
        (CaseChange(outcome=CaseOutcome.REFERRED), "outcome_without_closing"),
        (CaseChange(title="road works"), "nothing_changed"),
        (CaseChange(title=" "), "text_required"),
    ],
)
def test_a_case_closes_with_an_outcome_and_a_note(
    engine: Engine, change: CaseChange, code: str
) -> None:
    number = opened(engine).number

    def act() -> None:
        with writing(engine) as connection:
            change_case(connection, number, change, at(1))

    assert refused(act) == code
    with reading(engine) as connection:
        assert get_case(connection, number).version == 1


def test_what_is_in_a_closed_case_stays(engine: Engine) -> None:
    number = opened(engine).number
    moved(engine, number, CaseState.CLOSED)
    acts: list[Callable[[WriteConnection], object]] = [
        lambda c: add_task(c, number, "ask the buyer", at(2)),
        lambda c: add_alerts(c, number, [], {}, at(2)),
        lambda c: change_case(c, number, CaseChange(title="other"), at(2)),
    ]
    for act in acts:
        with writing(engine) as connection:
            assert refused(lambda a=act, c=connection: a(c)) == "case_closed"
    with writing(engine) as connection:
        add_note(connection, number, "A letter came.", at(None))


def test_each_act_is_one_event_and_one_entry_and_nobody_acts_on_an_old_version(
    engine: Engine,
) -> None:
    run(engine, [signal("F1"), signal("F2"), signal("F3|F4", subject_kind="pair")])
    first, second, third = ids_of(engine)
    with writing(engine) as connection:
        firms = subjects_of(connection, [first, third])
        case = open_case(connection, NewCase("bids", owner="Ben"), [first, third], firms, ANA)
    number = case.number
    goal = Target("bid_cv", "firm_y", "F1", "up", date(2027, 1, 1))
    decided = Intervention(
        InterventionKind.FINE, date(2026, 11, 1), "Stop.", "art. 17", 5e4, "CNY", [goal]
    )
    acts: list[Callable[[WriteConnection, CaseHand], object]] = [
        lambda c, h: add_alerts(c, number, [first, second], {"F2": PartyRole.SUBJECT}, h),
        lambda c, h: remove_alert(c, number, third, h, "Another market."),
        lambda c, h: add_task(c, number, "ask", h, assignee="Ben", due_on=date(2026, 12, 1)),
        lambda c, h: change_task(c, number, 1, h, done=True),
        lambda c, h: change_case(c, number, CaseChange(parties={"F9": PartyRole.WITNESS}), h),
        lambda c, h: change_case(c, number, CaseChange(state=CaseState.IN_PROGRESS), h),
        lambda c, h: change_case(c, number, CaseChange(state=CaseState.DECIDED), h),
        lambda c, h: intervene(c, number, decided, h),
    ]
    for version, act in enumerate(acts, 1):
        with writing(engine) as connection:
            if version > 1:
                assert refused(lambda a=act, c=connection: a(c, at(1))) == "stale_version"
            act(connection, at(version))
    with writing(engine) as connection:
        add_note(connection, number, "**Called** the buyer.", at(None))
        comment(connection, first, "Ben", "Seen.", LATER + timedelta(hours=1))
    with reading(engine) as connection:
        events = list(connection.scalars(sa.select(case_event.c.kind).order_by(case_event.c.id)))
        query = sa.select(audit_entry.c.action, audit_entry.c.data).where(
            audit_entry.c.kind == "case"
        )
        entries = connection.execute(query.order_by(audit_entry.c.seq)).all()
        told = case_detail(connection, number)
        line = timeline(connection, number)
    assert [f"case.{kind}" for kind in events] == [action for action, _ in entries]
    assert len(events) == len(acts) + 2
    # neither names nor texts are in the trail
    assert not any(word in str(entries) for word in ("Ben", "Ana", "Stop", "buyer", "bids"))
    assert [one["id"] for one in told["alerts"]] == sorted([first, second])
    assert told["parties"] == [{"firm": "F9", "role": "witness"}]
    assert told["tasks"][0]["done_by"] == "Ana"
    assert told["interventions"][0]["targets"][0]["feature"] == "bid_cv"
    assert told["version"] == len(acts) + 1
    # of its alerts everything, of the one taken out nothing
    assert {one["alert"] for one in line} == {None, first, second}
    assert [one["at"] for one in line] == sorted(one["at"] for one in line)
    assert (line[-1]["kind"], line[-1]["alert"], line[-1]["note"]) == ("commented", first, "Seen.")
    with reading(engine) as connection:
        limited = case_detail(connection, number, limits=Limits(frozenset({"MON-HHI-MERGER"})))
        hidden = timeline(connection, number, limits=Limits(frozenset()))
    assert (limited["alerts"], limited["hidden_alerts"]) == ([], 2)
    assert {one["alert"] for one in hidden} == {None}


def test_an_intervention_needs_a_decision_and_holds_together(engine: Engine) -> None:
    number = opened(engine).number
    day = date(2026, 11, 1)
    early = Target("bid_cv", "firm_y", "F1", "up", date(2026, 10, 1))
    given = (InterventionKind.ORDER, day, "Stop.", "art. 17")
    cases = {
        "bad_amount": Intervention(*given, 50.0),
        "bad_target": Intervention(*given, targets=[early]),
        "text_required": Intervention(InterventionKind.ORDER, day, " ", "art. 17"),
    }
    for wanted in [*cases.values(), Intervention(*given)]:
        with writing(engine) as connection:
            code = refused(lambda c=connection, w=wanted: intervene(c, number, w, at(None)))
            assert code == "not_decided"
    moved(engine, number, CaseState.IN_PROGRESS, CaseState.DECIDED)
    for code, wanted in cases.items():
        with writing(engine) as connection:
            assert refused(lambda c=connection, w=wanted: intervene(c, number, w, at(None))) == code


def test_a_case_of_another_unit_or_place_does_not_exist(engine: Engine) -> None:
    mine = CaseReach(frozenset({"bids"}), frozenset({"CN"}))
    numbers = [
        opened(engine, unit=unit, jurisdiction=place).number
        for unit, place in (("bids", "CN"), ("bids", "EU"), ("privacy", "CN"), ("", ""))
    ]
    with reading(engine) as connection:
        seen = [case.number for case in list_cases(connection, CaseFilter(reach=mine))]
        assert seen == numbers[:1]
        for number in numbers[1:]:
            for read in (get_case, case_detail, timeline):
                assert refused(lambda r=read, n=number: r(connection, n, mine)) == "case_not_found"
    with writing(engine) as connection:
        hand, change = at(1, reach=mine), CaseChange(unit="privacy")
        assert refused(lambda: add_note(connection, numbers[1], "x", hand)) == "case_not_found"
        assert refused(lambda: change_case(connection, numbers[0], change, hand)) == "beyond_reach"
        assert refused(lambda: open_case(connection, NewCase("x"), [], {}, hand)) == "beyond_reach"
        assert (
            refused(lambda: add_note(connection, numbers[0], "x", at(1, " "))) == "actor_required"
        )


@pytest.mark.parametrize(
    ("kind", "key", "firms"),
    [
        ("firm", "F1", ["F1"]),
        ("pair", "F1|F2", ["F1", "F2"]),
        ("market_firm", "M1/F1", ["F1"]),
        ("tender", "T1/L1", []),
        ("market", "M1", []),
    ],
)
def test_firms_are_read_from_keys(kind: str, key: str, firms: list[str]) -> None:
    assert list(firms_in(kind, key)) == firms
