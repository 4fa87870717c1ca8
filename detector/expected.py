"""What was expected and is not here: the calendar of filings, and the rules that wait for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl
from sqlalchemy import Engine

from detector.lake import Lake, Snapshot
from features.catalogue import catalogue
from features.contracts import CONTRACTS
from features.library.missing_filings import of_calendar
from features.tables import Tables
from features.vocabulary import RunContext
from rules.nodes import column_names
from rules.ruleset import load_library
from rules.spec import Status

CALENDAR = "expected_filings"


@dataclass(frozen=True, slots=True)
class Missing:
    """A filing of the calendar that is due and did not come.

    Attributes:
        filing: a table, a report or a metric.
        rules: active rules that read the table; 0 where the filing is no table.
    """

    operator_id: str
    filing: str
    period_start: date
    period_end: date | None
    due_on: date
    late_days: int
    rules: int


@lru_cache(maxsize=1)
def rules_by_table() -> Mapping[str, int]:
    """How many active shipped rules read each table."""
    known = catalogue().features
    found: dict[str, int] = dict.fromkeys(CONTRACTS, 0)
    for rule in load_library().rules:
        if rule.spec.status != Status.ACTIVE:
            continue
        inputs = {
            one.split(".")[0]
            for name in column_names(rule.condition)
            if name in known
            for one in known[name].inputs
        }
        for table in inputs & found.keys():
            found[table] += 1
    return found


def missing_filings(home: Path, engine: Engine, today: date) -> list[Missing]:
    """Filings past their day, the longest first; read anew only when something was filed."""
    lake = Lake(home, engine)
    snapshot = lake.pin()
    if CALENDAR not in snapshot.filled:
        return []
    return list(_missing(home, snapshot.id, today, _Reader(lake, snapshot)))


class _Reader:
    """A lake and a snapshot; equal to any other, since the id of the snapshot says what is read."""

    def __init__(self, lake: Lake, snapshot: Snapshot) -> None:
        self.lake, self.snapshot = lake, snapshot

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reader)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4)
def _missing(_home: Path, _snapshot_id: str, today: date, reader: _Reader) -> tuple[Missing, ...]:
    lake, snapshot = reader.lake, reader.snapshot
    due = lake.scan(snapshot, CALENDAR).filter(pl.col("due_on") < today)
    wanted = set(due.select("filing").unique().collect()["filing"])
    names = {*(wanted & CONTRACTS.keys()), "compliance_events", "metric_filings"} & snapshot.filled
    frames = {CALENDAR: due} | {name: lake.scan(snapshot, name) for name in names}
    rows = of_calendar(Tables(frames, RunContext(today), catalogue()))
    late = rows.filter(~pl.col("came")).sort("due_on", "operator_id", "filing")
    reads = rules_by_table()
    return tuple(
        Missing(
            row["operator_id"], row["filing"], row["period_start"], row["period_end"],
            row["due_on"], (today - row["due_on"]).days, reads.get(row["filing"], 0),
        )
        for row in late.iter_rows(named=True)
    )  # fmt: skip
