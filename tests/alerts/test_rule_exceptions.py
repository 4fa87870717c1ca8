"""Exceptions and suppressions: they tag and set aside, by the days of the period, drop nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import exceptions
from alerts.exceptions import RuleException, Wanted
from alerts.inbox import export_alerts, get_alert, queue
from alerts.model import Alert, EventKind
from alerts.tagging import retag
from detector.database import reading, writing
from features.errors import WardenError
from tests.alerts.samples import CELL, LATER, NOW, run, signal

RULE = "bid-cv"
LONG_AFTER = NOW + timedelta(days=4000)


def added(engine: sa.Engine, severity: int = 3, **more: Any) -> RuleException:
    asked = {"rule_id": RULE, "owner": "Office 7", "reason": "a regulated price"}
    wanted = Wanted(**{**asked, "subject_key": "F1", **more})
    with writing(engine) as connection:
        found = exceptions.add(connection, wanted, severity, "Ann", NOW)
        retag(connection, RULE, "Ann", NOW)
    return found


def alerts(engine: sa.Engine) -> dict[str, Alert]:
    with reading(engine) as connection:
        return {a.signal.subject_key: a for a in queue(connection, limit=200).alerts}


def test_an_excepted_alert_exists_last_and_says_why(engine: sa.Engine) -> None:
    run(engine, [signal("F1", suspicion=0.99), signal("F2", suspicion=0.6)])
    assert list(alerts(engine)) == ["F1", "F2"]
    one = added(engine)
    found = alerts(engine)
    assert list(found) == ["F2", "F1"]
    assert found["F1"].set_aside
    assert found["F1"].state == "open"
    assert [t["exception"] for t in found["F1"].tags] == [one.id]
    assert found["F1"].tags[0]["reason"] == "a regulated price"
    assert not found["F2"].tags
    with reading(engine) as connection:
        told = get_alert(connection, found["F1"].id).events[-1]
    assert (told.kind, told.actor) == (EventKind.TAGGED, "Ann")


def test_a_run_opens_it_tagged_and_a_second_run_changes_nothing(engine: sa.Engine) -> None:
    added(engine)
    first = run(engine, [signal("F1"), signal("F2")])
    assert (first.opened, first.tagged) == (2, 0)
    assert alerts(engine)["F1"].set_aside
    before = alerts(engine)
    second = run(engine, [signal("F1"), signal("F2")], "run-2", LONG_AFTER)
    assert (second.unchanged, second.tagged, second.updated) == (2, 0, 0)
    assert alerts(engine) == before


def test_the_expiry_counts_on_the_day_the_period_ends_whatever_the_clock_says(
    engine: sa.Engine,
) -> None:
    ends = date(2026, 12, 31)
    added(engine, expires=ends)
    inside = {"period_start": date(2026, 10, 1), "period_end": ends}
    after = {"period_start": date(2026, 12, 1), "period_end": ends + timedelta(days=1)}
    run(engine, [signal("F1", **inside)], now=LONG_AFTER)
    assert alerts(engine)["F1"].set_aside
    run(engine, [signal("F1", **after)], "run-2", NOW)
    with reading(engine) as connection:
        found = {a.signal.period_end: a.set_aside for a in queue(connection).alerts}
    assert found == {ends: True, ends + timedelta(days=1): False}


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ({}, True),
        ({"rule_id": "other"}, False),
        ({"subject_key": "F2"}, False),
        ({"subject_kind": "firm"}, True),
        ({"subject_kind": "tender"}, False),
        ({"subject_key": None, "subject_kind": "firm"}, True),
        ({"subject_key": None, "subject_kind": "tender"}, False),
        ({"first_day": date(2025, 12, 31)}, True),
        ({"first_day": date(2026, 1, 1)}, False),
        ({"last_day": date(2025, 12, 31)}, True),
        ({"last_day": date(2025, 12, 30)}, False),
    ],
)
def test_the_scope_is_exact(engine: sa.Engine, scope: dict[str, Any], covered: bool) -> None:
    one = added(engine, **scope)
    assert one.covers(RULE, signal("F1")) is covered


def test_without_days_it_expires_after_ninety(engine: sa.Engine) -> None:
    assert added(engine).expires == NOW.date() + timedelta(days=90)


def test_a_severe_rule_takes_a_second_person(engine: sa.Engine) -> None:
    run(engine, [signal("F1", severity=4)])
    one = added(engine, severity=4)
    assert not alerts(engine)["F1"].tags
    for same in ("Ann", " ann ", "office 7"):
        with pytest.raises(WardenError) as refused, writing(engine) as connection:
            exceptions.approve(connection, one.id, same, LATER)
        assert refused.value.code == "second_person"
    with writing(engine) as connection:
        exceptions.approve(connection, one.id, "Ben", LATER)
        assert retag(connection, RULE, "Ben", LATER) == 1
    assert alerts(engine)["F1"].set_aside
    with pytest.raises(WardenError) as again, writing(engine) as connection:
        exceptions.approve(connection, one.id, "Cy", LATER)
    assert again.value.code == "nothing_to_approve"


def test_ending_brings_the_alert_back_to_its_place(engine: sa.Engine) -> None:
    run(engine, [signal("F1", suspicion=0.99), signal("F2", suspicion=0.6)])
    place = alerts(engine)["F1"].priority
    one = added(engine)
    assert alerts(engine)["F1"].priority.rank < 0
    with writing(engine) as connection:
        exceptions.end(connection, one.id, "Ben", LATER, on=date(2020, 1, 1))
        retag(connection, RULE, "Ben", LATER)
    back = alerts(engine)["F1"]
    assert (back.tags, back.set_aside, back.priority) == ((), False, place)
    with pytest.raises(WardenError) as refused, writing(engine) as connection:
        exceptions.end(connection, one.id, "Ben", LATER)
    assert refused.value.code == "already_ended"


def test_only_the_covered_rule_stops_raising_the_place(engine: sa.Engine) -> None:
    both = ({"id": RULE, "version": "1.0.0", "strength": 0.99, "severity": 5},
            {"id": "other", "version": "1.0.0", "strength": 0.6, "severity": 2})  # fmt: skip
    run(engine, [signal("F1", rules=both, severity=5), signal("F2", rules=both[1:], severity=2)])
    added(engine)
    found = alerts(engine)
    assert len(found["F1"].tags) == 1
    assert not found["F1"].set_aside
    assert found["F1"].priority == found["F2"].priority
    assert found["F1"].signal.severity == 5


def test_the_legal_lane_is_set_aside_too(engine: sa.Engine) -> None:
    run(engine, [signal("F1", lane="legal"), signal("F2")])
    added(engine)
    assert list(alerts(engine)) == ["F2", "F1"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"owner": " "}, "owner_required"),
        ({"reason": ""}, "reason_required"),
        ({"subject_key": None}, "scope_required"),
        ({"first_day": date(2026, 2, 1), "last_day": date(2026, 1, 1)}, "bad_period"),
        ({"expires": date(2026, 11, 22)}, "bad_expiry"),
        ({"expires": date(2029, 1, 1)}, "bad_expiry"),
    ],
)
def test_what_is_missing_is_named(engine: sa.Engine, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(WardenError) as refused:
        added(engine, **wrong)
    assert refused.value.code == code


def test_a_stale_change_is_refused(engine: sa.Engine) -> None:
    one = added(engine)
    with writing(engine) as connection:
        exceptions.end(connection, one.id, "Ben", LATER, on=date(2026, 12, 1), expected=1)
    with pytest.raises(WardenError) as refused, writing(engine) as connection:
        exceptions.end(connection, one.id, "Ben", LATER, on=date(2026, 11, 1), expected=1)
    assert refused.value.code == "stale_version"


def test_every_alert_is_in_the_export_with_its_tags(engine: sa.Engine) -> None:
    added(engine)
    run(engine, [signal("F1"), signal("F2")], judged=[CELL])
    with reading(engine) as connection:
        told = {a["subject"]["key"]: a for a in export_alerts(connection)}
    assert {k: a["set_aside"] for k, a in told.items()} == {"F1": True, "F2": False}
    assert told["F1"]["firing"]


QUIET = {"by": ["F1"], "periods": 2, "reset_on": ["severity_up", "material_change"]}


def month(number: int, severity: int = 3, value: float = 0.01, **suppress: Any) -> Any:
    first = date(2026, number, 1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    rule = {"id": RULE, "version": "1.0.0", "suppress": {**QUIET, **suppress}}
    fact = {"feature": "bid_cv", "value": value, "holds": True}
    return signal(
        "F1", period_start=first, period_end=last, rules=(rule,), facts=(fact,), severity=severity
    )


def set_aside(engine: sa.Engine) -> list[int]:
    with reading(engine) as connection:
        found = queue(connection, limit=200).alerts
    return sorted(a.signal.period_start.month for a in found if a.set_aside)


def test_repeats_are_quiet_for_so_many_periods_after_the_first(engine: sa.Engine) -> None:
    run(engine, [month(n) for n in (1, 2, 3, 4, 5)])
    # 4 is the first again, three periods after 1
    assert set_aside(engine) == [2, 3, 5]
    again = run(engine, [month(n) for n in (5, 4, 3, 2, 1)], "run-2", LATER)
    assert (again.unchanged, again.tagged) == (5, 0)


def test_one_by_one_gives_what_all_at_once_gives(engine: sa.Engine) -> None:
    for number in (1, 2, 3, 4, 5):
        run(engine, [month(number)], f"run-{number}", NOW + timedelta(days=number))
    assert set_aside(engine) == [2, 3, 5]


def test_what_is_graver_or_another_finding_counts_at_once(engine: sa.Engine) -> None:
    run(engine, [month(1), month(2, severity=4), month(3, severity=4, value=0.02)])
    assert set_aside(engine) == []


def test_without_a_reset_it_stays_quiet(engine: sa.Engine) -> None:
    run(engine, [month(1, reset_on=[]), month(2, severity=5, reset_on=[])])
    assert set_aside(engine) == [2]


def test_another_subject_is_no_repeat(engine: sa.Engine) -> None:
    other = replace(month(2, by=["F2"]), subject_key="F2")
    run(engine, [month(1), other])
    assert set_aside(engine) == []


def test_moments_are_kept_in_utc(engine: sa.Engine) -> None:
    assert added(engine).added_at == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
