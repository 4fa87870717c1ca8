"""No filing about a later time changes a feature of an earlier period, for every feature.

A row happened on the first filed of its contract's event times, a period's on its last day. What
is filed about a tender, a deal or a version of an app belongs to that one and happened with it;
registers and dictionaries without a time of their own are known throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import narwhals as nw
import polars as pl
import pytest

from features.catalogue import catalogue
from features.contracts import CONTRACTS
from features.periods import with_period
from features.vocabulary import RunContext
from tests.features.world import CONTEXT, world
from tests.features.world.compare import KEY, as_it_is, computed, differing, frames, parts_of

BELONGS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "bids": ("tenders", ("tender_id",)),
    "subcontracts": ("tenders", ("tender_id",)),
    "deal_parties": ("merger_notifications", ("deal_id",)),
    "data_declarations": ("apps", ("app_id", "version")),
    "permission_scans": ("apps", ("app_id", "version")),
    "sdk_inventory": ("apps", ("app_id", "version")),
    "observed_flows": ("apps", ("app_id", "version")),
}
"""Tables of details: what they belong to, and by which columns."""

RETROSPECTIVE: Mapping[str, str] = {
    "metric_cells": "what later publications did to a figure",
    "expected_filings": "whether a filing came by now, however late",
    "deal_price_sync": "what the parties to a deal did from its signing to its clearance",
    "deal_bid_sync": "what the parties to a deal did from its signing to its clearance",
}
"""Bases of the features that are declared to look ahead, and at what."""

DAYS = (date(2024, 8, 31), date(2025, 5, 31), date(2024, 12, 31), date(2025, 9, 30))


@cache
def _whole() -> dict[str, pl.DataFrame]:
    return frames(as_it_is())


def _moment(name: str, frame: pl.DataFrame) -> pl.Series:
    """The day every row happened; null where its table has no time."""
    days = [pl.lit(None, dtype=pl.Date)]
    for column in CONTRACTS[name].event_time:
        if frame.schema[column] != pl.String:
            days.append(pl.col(column).cast(pl.Date))
            continue
        read = with_period(nw.from_native(frame.lazy().select(period=column)))
        days.append(pl.lit(nw.to_native(read).collect()["period_end"]))
    return frame.with_columns(_day=pl.coalesce(days))["_day"]


@cache
def _happened() -> dict[str, pl.DataFrame]:
    """Every table with the day of each row as `_day`."""
    own = {name: frame.with_columns(_moment(name, frame)) for name, frame in world().items()}
    for name, (of, key) in BELONGS.items():
        heads = own[of].group_by(key).agg(pl.col("_day").max().alias("_of"))
        rows = own[name].join(heads, on=key, how="left", maintain_order="left")
        own[name] = rows.with_columns(pl.coalesce("_of", "_day").alias("_day")).drop("_of")
    return own


def _until(day: date) -> dict[str, pl.DataFrame]:
    """The world as it was on a day."""
    past = pl.col("_day").is_null() | (pl.col("_day") <= day)
    return {name: frame.filter(past).drop("_day") for name, frame in _happened().items()}


def _moved(day: date, context: RunContext, names: set[str]) -> dict[str, object]:
    """Features of periods over by a day that differ once everything later is filed."""
    then, moved = frames(computed(_until(day), context)), {}
    for grain, frame in _whole().items():
        over = frame.filter(pl.col("period_end") <= day)
        before = then.get(grain, over.clear())
        asked = [f.name for f in catalogue().of_grain(grain) if f.name in names]
        known = [name for name in asked if name in before.columns]
        moved |= differing(over, before.select(*KEY, *parts_of(known)), parts_of(known))
        for name in asked:
            # Rows that say something, on one side only.
            gone = over.drop_nulls(name).join(before, on=KEY, how="anti")
            if name not in known:
                gone = over.drop_nulls(name)
            if gone.height:
                moved[name] = gone.select(KEY).row(0)
        ended = before.filter(pl.col("period_end") <= day)
        for name in known:
            if (no_more := ended.drop_nulls(name).join(frame, on=KEY, how="anti")).height:
                moved[name] = no_more.select(KEY).row(0)
    return moved


def _steady(*, clock: bool) -> set[str]:
    """Features that may not look ahead; without those that read the day of the judgement."""
    return {
        f.name
        for f in catalogue().features.values()
        if not f.retrospective and (clock or not f.uses_as_of)
    }


def test_only_these_features_look_ahead() -> None:
    declared = {f.base for f in catalogue().features.values() if f.retrospective}
    assert declared == set(RETROSPECTIVE)


@pytest.mark.parametrize("day", DAYS[:2])
def test_later_filings_leave_earlier_periods(day: date) -> None:
    assert _moved(day, CONTEXT, _steady(clock=True)) == {}


@pytest.mark.parametrize("day", DAYS[2:])
def test_what_was_computed_on_the_day_still_holds(day: date) -> None:
    """Also the day of the judgement moves only what is declared to read it."""
    assert _moved(day, RunContext(day), _steady(clock=False)) == {}
