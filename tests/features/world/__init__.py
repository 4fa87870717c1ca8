"""One small, deterministic world: filings for every canonical table, as read from the lake.

Twenty-four months (2024 and 2025), seeded, no clock; ids agree between tables. Rich enough that
every registered feature has a value for some row, and small enough to compute them all in seconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import polars as pl

from features.contracts import CONTRACTS
from features.vocabulary import RunContext
from tests.features.filings import Filing, table
from tests.features.world import (
    apps,
    edges,
    operators,
    platforms,
    prices,
    procurement,
    structure,
    trade,
)
from tests.features.world.calendar import TODAY

CONTEXT = RunContext(TODAY)
"""The day the world is judged for."""
_REGISTERED = datetime(2024, 1, 2, tzinfo=UTC)
"""When registers without a date of their own were filed."""
_DELAY = timedelta(days=5)
_FAMILIES = (structure, procurement, trade, prices, platforms, apps, operators, edges)


def world() -> dict[str, pl.DataFrame]:
    """Every canonical table, rows in a fixed order, with all columns and `recorded_at`."""
    return dict(_world())


@cache
def _world() -> dict[str, pl.DataFrame]:
    rows: dict[str, list[Filing]] = {name: [] for name in CONTRACTS}
    for family in _FAMILIES:
        for name, filed in family.rows().items():
            rows[name] += filed
    return {name: _filed(name, rows[name]) for name in CONTRACTS}


def _filed(name: str, rows: list[Filing]) -> pl.DataFrame:
    """Rows learned a few days after what they tell."""
    dated = [{"recorded_at": _learned(name, row)} | row for row in rows]
    return table(name, dated).collect()


def _learned(name: str, row: Filing) -> datetime:
    """When a filing came in: five days after its event, a register's at the beginning."""
    for column in ("filed_on", *CONTRACTS[name].event_time):
        told = row.get(column)
        if isinstance(told, str):
            told = _last_day(told)
        if told is not None:
            day = told.date() if isinstance(told, datetime) else told
            return datetime.combine(day, time(), tzinfo=UTC) + _DELAY
    return _REGISTERED


def _last_day(period: str) -> date:
    """The last day of a filed year, quarter or month."""
    year = int(period[:4])
    month = 12 if len(period) == 4 else 3 * int(period[6]) if "Q" in period else int(period[5:])
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
