"""Where new filings lie in time, and which windows bases share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl
import pytest

from features.contracts import conform
from features.places import months_of
from features.reach import Months
from features.windows import shared

LEARNED = datetime(2026, 12, 1, tzinfo=UTC)
MAY, AUGUST, NOVEMBER = (12 * 2026 + m - 1 for m in (5, 8, 11))

Version = tuple[str, str | None, int | None, str | None]
"""App, version, month of release in 2026, kind."""


def apps(*versions: Version) -> pl.LazyFrame:
    rows = [
        {
            "app_id": app,
            "version": version,
            "released_at": month and datetime(2026, month, 9, tzinfo=UTC),
            "app_type": kind,
            "recorded_at": LEARNED,
        }
        for app, version, month, kind in versions
    ]
    texts = [pl.col(c).cast(pl.String) for c in ("app_id", "version", "app_type")]
    days = pl.col("released_at", "recorded_at").cast(pl.Datetime("us", "UTC"))
    return conform("apps", pl.DataFrame(rows).with_columns(*texts, days).lazy())


def months(new: Version, *old: Version) -> Months:
    before = {"apps": apps(*old)}
    return months_of("apps", apps(new), {"apps": apps(*old, new)}, before)


OLD: tuple[Version, ...] = (("a", "1", 5, "maps"), ("a", "2", 8, "maps"))


def test_a_new_version_of_an_app_moves_its_own_month() -> None:
    assert months(("a", "3", 11, "maps"), *OLD) == {NOVEMBER}


def test_a_version_filed_late_moves_those_that_came_after_it() -> None:
    assert months(("a", "1.5", 6, "maps"), *OLD) == {MAY + 1, AUGUST}


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(("a", "3", 11, "navigation"), id="described in another way"),
        pytest.param(("a", "3", None, "maps"), id="without a release"),
        pytest.param(("a", None, 11, "maps"), id="without a name"),
    ],
)
def test_all_months_of_an_app_count_where_its_versions_may_change(new: Version) -> None:
    assert months(new, *OLD) >= {MAY, AUGUST, NOVEMBER}


def test_a_first_name_takes_the_nameless_version_away() -> None:
    assert months(("a", "3", 11, "maps"), ("a", None, 5, "maps")) >= {MAY, NOVEMBER}


def test_a_correction_moves_the_month_it_left() -> None:
    old, new = (apps(("a", "1", month, "maps")) for month in (5, 8))
    changed: Mapping[str, pl.LazyFrame] = {"apps": pl.concat([old, new])}
    assert months_of("apps", changed["apps"], {"apps": new}, {"apps": old}) == {MAY, AUGUST}


def test_windows_nearly_the_same_are_one() -> None:
    year, more = frozenset(range(100, 112)), frozenset(range(96, 114))
    one, two = frozenset({110}), frozenset({110, 111})
    found = shared([year, more, one, two], today=111)
    assert found[year] == found[more] == more
    assert found[two] == two
    assert found[one] == one


def test_months_to_come_make_no_window_wide() -> None:
    month, ahead = frozenset({110}), frozenset(range(110, 130))
    assert set(shared([month, ahead], today=110).values()) == {ahead}
