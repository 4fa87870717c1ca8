"""Whose filings have stopped: told by the rhythm of each, against what others filed."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from detector.silence import _silent

QUARTERS = [date(2023 + n // 4, 1 + 3 * (n % 4), 1) for n in range(12)]


def filed(
    periods: dict[str, list[int]], outcome: str = "clear", grain: str = "firm_q"
) -> pl.LazyFrame:
    rows = [
        {
            "typology": "MON-BID-CV", "grain": grain, "subject_kind": "firm", "subject_key": key,
            "period_start": QUARTERS[n],
            "period_end": (QUARTERS[n] + timedelta(days=92)).replace(day=1) - timedelta(days=1),
            "outcome": outcome,
        }
        for key, numbers in periods.items()
        for n in numbers
    ]  # fmt: skip
    return pl.LazyFrame(rows)


def silent(judged: pl.LazyFrame, today: date) -> set[str]:
    keys = judged.select("typology", "subject_kind", "subject_key").unique()
    return set(_silent(judged, keys, pl.lit(today))["subject_key"])


STEADY = list(range(12))


@pytest.mark.parametrize(
    ("mine", "stopped"),
    [
        (list(range(12)), False),
        (list(range(11)), False),  # one quarter late says nothing
        (list(range(10)), True),  # two quarters, of somebody who never missed one
        ([0, 4, 8], False),  # files once a year, and the year is not over
        ([0, 1, 4], True),
        ([9], False),  # seen once, not a year ago
        ([5], True),
    ],
)
def test_silence_is_measured_by_ones_own_rhythm(mine: list[int], stopped: bool) -> None:
    judged = filed({"steady": STEADY, "mine": mine})
    assert silent(judged, date(2026, 6, 1)) == ({"mine"} if stopped else set())


def test_a_period_counts_once_its_filings_are_due() -> None:
    judged = filed({"steady": STEADY, "mine": list(range(10))})
    assert silent(judged, date(2026, 1, 20)) == set()
    assert silent(judged, date(2026, 3, 1)) == {"mine"}


def test_where_nobody_files_nobody_has_stopped() -> None:
    assert silent(filed({"a": [0, 1], "b": [0, 1]}), date(2026, 6, 1)) == set()


def test_what_is_out_of_scope_is_no_filing_and_what_happens_once_does_not_stop() -> None:
    early = {"mine": list(range(6))}
    ghost = filed({"mine": list(range(6, 12))}, outcome="out_of_scope")
    judged = pl.concat([filed({"steady": STEADY} | early), ghost])
    assert silent(judged, date(2026, 6, 1)) == {"mine"}
    once = filed({"steady": STEADY} | early, grain="tender")
    assert silent(once, date(2026, 6, 1)) == set()
