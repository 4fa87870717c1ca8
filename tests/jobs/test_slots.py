"""When slots fall due, and what becomes of those missed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import slots
from features.errors import WardenError


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", [22]),  # cron counts from Sunday
        ("7", [22]),
        ("1", [23]),
        ("1-5", [23, 24, 25, 26, 27]),
        ("0-6/3", [22, 25, 28]),
        ("5,6", [27, 28]),
        ("*/3", [22, 25, 28]),
        ("mon-wed", [23, 24, 25]),
        ("*", [22, 23, 24, 25, 26, 27, 28]),
    ],
)
def test_weekdays_are_those_of_cron(weekday: str, days: list[int]) -> None:
    trigger = slots.cron(f"0 3 * * {weekday}")
    due = slots.slots_between(trigger, at("2026-11-21T12:00"), at("2026-11-28T12:00"))
    assert [moment.day for moment in due] == days


@pytest.mark.parametrize(
    "text", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "0 0 * * 9", "0 0 * * 5-1", "at noon"]
)
def test_a_bad_schedule_is_named(text: str) -> None:
    with pytest.raises(WardenError) as refusal:
        slots.cron(text)
    assert refusal.value.code == "bad_schedule"
    assert f"`{text}`" in str(refusal.value)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.integers(0, 5000),
    st.integers(0, 5000),
)
def test_windows_that_meet_give_every_slot_once(begin: datetime, one: int, two: int) -> None:
    trigger = slots.cron("*/15 * * * *")
    start = begin.replace(tzinfo=UTC)
    middle = start + timedelta(minutes=one)
    end = middle + timedelta(minutes=two)
    whole = slots.slots_between(trigger, start, end)
    parts = slots.slots_between(trigger, start, middle) + slots.slots_between(trigger, middle, end)
    assert parts == whole
    assert len(whole) == int(end.timestamp() // 900 - start.timestamp() // 900)


def test_the_latest_slot_may_be_years_back() -> None:
    assert slots.latest_slot(slots.cron("0 4 1 * *"), at("2026-11-23")) == at("2026-11-01T04:00")
    leap = slots.cron("0 0 29 2 *")
    assert slots.latest_slot(leap, at("2026-11-23")) == at("2024-02-29")
    assert slots.latest_slot(slots.cron("0 10 * * *"), at("2026-11-23T10:00")) == at(
        "2026-11-23T10:00"
    )
    assert slots.next_slot(leap, at("2026-11-23")) == at("2028-02-29")


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"])
def test_summer_time_neither_doubles_nor_drops_a_slot(change: str) -> None:
    begin = at(change) - timedelta(days=1)
    daily = slots.slots_between(slots.cron("30 2 * * *"), begin, begin + timedelta(days=3))
    assert [m.strftime("%H:%M") for m in daily] == ["02:30"] * 3
    assert [b - a for a, b in pairwise(daily)] == [timedelta(days=1)] * 2
    quarter = slots.slots_between(slots.cron("*/15 * * * *"), begin, begin + timedelta(days=3))
    assert len(quarter) == len({slots.slot_text(m) for m in quarter}) == 3 * 96


def test_policies() -> None:
    now = at("2026-11-23T10:00")
    due = [now - timedelta(days=n) for n in (3, 2, 1)]

    def run(policy: slots.CatchUp, grace: timedelta | None) -> list[bool]:
        decided = slots.decide(due, policy, grace, now)
        assert [moment for moment, _ in decided] == due
        return [why is None for _, why in decided]

    assert run("each", None) == [True, True, True]
    assert run("latest", None) == [False, False, True]
    assert run("each", timedelta(days=2)) == [False, True, True]
    assert run("latest", timedelta(hours=1)) == [False, False, False]


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
def test_a_slot_is_named_by_its_moment(moment: datetime) -> None:
    whole = moment.replace(microsecond=0, tzinfo=UTC)
    assert slots.slot_time(slots.slot_text(whole)) == whole
    later = slots.slot_text(whole + timedelta(seconds=1))
    assert slots.slot_text(whole) < later < "manual:"
