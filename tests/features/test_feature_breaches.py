"""Breach deadlines: dated, by jurisdiction, in the authority's calendar."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from features.parameters.breach_deadlines import BREACH_DEADLINES
from tests.features.filings import compute, incident, row


def judged(
    jurisdiction: str | None, aware: str | None, told: str | None, **m: Any
) -> dict[str, Any]:
    filed = incident(jurisdiction=jurisdiction, aware_at=aware, notified_at=told, **m)
    return row(compute(filed), "incident")


def test_golden_numbers() -> None:
    times = ("2026-02-01T10:00:00Z", "2026-02-05T09:00:00Z")
    europe = judged("EU", *times, persons=2_500_000)
    assert (europe["breach_delay_h"], europe["breach_overdue_h"]) == (95, 23)
    china = judged("CN", *times, persons=2_500_000)
    assert china["breach_overdue_h"] == 91
    assert china["cac_incident_level"] == china["level"] == "relatively_major"
    assert judged("CN", *times, persons=2_500_000, is_ciio=True)["breach_overdue_h"] == 94


@pytest.mark.parametrize(
    ("persons", "level"),
    [(999_999, "general"), (1_000_000, "relatively_major"), (10_000_000, "major"),
     (100_000_000, "particularly_major")],
)  # fmt: skip
def test_levels_are_inclusive(persons: int, level: str) -> None:
    found = judged("EU", "2026-02-01", "2026-02-02", persons=persons)
    assert found["cac_incident_level"] == level


@pytest.mark.parametrize(
    ("jurisdiction", "aware", "told", "overdue"),
    [
        ("US-WA", "2020-02-29", "2020-04-14", 0),
        ("US-WA", "2020-02-29", "2020-04-15", 24),
        ("US-WA", "2020-03-01", "2020-03-31", 0),
        ("US-WA", "2020-03-01", "2020-04-02", 48),
        ("US-CA", "2026-01-01", "2026-02-01", 24),
        ("US-HIPAA", "2021-01-01", "2021-03-02", 0),
        ("US-HIPAA", "2021-01-01", "2021-03-03", 24),
        ("DE", "2026-02-01", "2026-02-04", 0),
        ("DE", "2026-02-01", "2026-02-05", 24),
        ("DE", "2026-02-01T10:00:00Z", "2026-02-04T10:00:00Z", 0),
        # Evening of 1 March 2020 in Washington is 2 March in UTC; the 30th day ends locally.
        ("US-WA", "2020-03-02T05:00:00Z", "2020-04-01T06:30:00Z", 0),
        ("US-WA", "2020-03-02T05:00:00Z", "2020-04-01T07:30:00Z", 24),
        # A day and an hour limit: late only if late at any hour of the days filed.
        ("CN", "2026-02-01", "2026-02-02", 0),
        ("CN", "2026-02-01", "2026-02-03", 44),
    ],
)  # fmt: skip
def test_limits(jurisdiction: str, aware: str, told: str, overdue: float) -> None:
    found = judged(jurisdiction, aware, told, persons=1_000_000)
    assert found["breach_overdue_h"] == pytest.approx(overdue)


@pytest.mark.parametrize(
    ("jurisdiction", "aware", "told", "persons", "reason"),
    [
        ("US-CA", "2025-12-31", "2026-03-01", 9, "not_applicable"),
        ("CN", "2025-10-31", "2025-12-01", 2_000_000, "not_applicable"),
        ("CN", "2026-02-01", "2026-02-09", 10, "not_applicable"),
        ("CN", "2026-02-01", "2026-02-09", None, "missing_input"),
        ("XX", "2026-02-01", "2026-02-09", 10, "not_applicable"),
        (None, "2026-02-01", "2026-02-09", 10, "missing_input"),
        ("EU", None, "2026-02-09", 10, "missing_input"),
        ("EU", "2026-02-09", "2026-02-01", 10, "missing_input"),
        ("EU", "2027-02-09", None, 10, "censored"),
    ],
)
def test_no_judgement_without_its_ground(
    jurisdiction: str | None, aware: str | None, told: str, persons: int | None, reason: str
) -> None:
    found = judged(jurisdiction, aware, told, persons=persons)
    assert (found["breach_overdue_h"], found["breach_overdue_h__reason"]) == (None, reason)


def test_an_open_case_runs_to_the_day_of_the_judgement() -> None:
    found = judged("EU", "2026-11-18T12:00:00Z", None)
    assert found["censored"] is True
    assert (found["breach_delay_h"], found["breach_overdue_h"]) == (108, 36)
    # As seen on 23 November, a notice of December has not been made.
    later = judged("EU", "2026-11-18T12:00:00Z", "2026-12-24T12:00:00Z")
    assert later["breach_delay_h"] == 108
    assert judged("EU", "2026-11-23T05:00:00Z", None)["breach_delay_h"] == 0


def test_limit_about_persons_reads_their_notice() -> None:
    found = judged("US-CA", "2026-02-01", "2026-04-05", users_notified_at="2026-03-03")
    assert (found["breach_overdue_h"], found["user_notice_delay_d"]) == (0, 30)
    assert found["breach_delay_h"] == 63 * 24
    assert found["deadline_notice"] == "individuals"
    assert (found["deadline_h"], found["deadline_class"]) == (720, "LEGAL")
    assert (found["notice_delay_h"], found["notice_open"], found["to_persons"]) == (
        720,
        False,
        True,
    )


def test_the_delay_told_is_that_of_the_notice_the_limit_is_about() -> None:
    persons_waiting = judged("US-CA", "2026-02-01", "2026-02-04")
    assert (persons_waiting["notice_delay_h"], persons_waiting["to_persons"]) == (72, False)
    late = judged("US-CA", "2026-05-16T19:00:00Z", "2026-05-17", users_notified_at="2026-07-29")
    assert (late["breach_overdue_h"], late["notice_delay_h"]) == (44 * 24, 74 * 24)
    authority = judged("EU", "2026-11-18T12:00:00Z", None, users_notified_at="2026-11-19")
    assert (authority["notice_open"], authority["to_persons"]) == (True, False)
    assert authority["notice_delay_h"] - authority["deadline_h"] == authority["breach_overdue_h"]


def test_period_is_the_month_of_awareness() -> None:
    assert judged("EU", "2024-01-31", "2024-02-01")["period_start"] == date(2024, 1, 1)
    assert judged("EU", None, "2024-02-01")["period_end"] == date(2024, 2, 29)
    assert judged("EU", None, None)["period_start"] == date(2026, 1, 1)


def test_at_most_one_limit_fits_and_each_names_its_source() -> None:
    far_past, far_future = date(1900, 1, 1), date(2999, 1, 1)
    for k, one in enumerate(BREACH_DEADLINES):
        assert one.source and one.limit > 0
        for two in BREACH_DEADLINES[k + 1 :]:
            if one.jurisdiction != two.jurisdiction:
                continue
            apart = {one.ciio, two.ciio} == {True, False}
            before = (one.valid_to or far_future) < (two.valid_from or far_past)
            after = (two.valid_to or far_future) < (one.valid_from or far_past)
            assert apart or before or after, (one, two)
            assert one.time_zone == two.time_zone
