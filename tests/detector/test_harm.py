"""Sizes of what suspicions touch, against filings added up by hand."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alerts.identity import fingerprint
from alerts.inbox import queue
from alerts.model import Signal
from detector.database import reading
from detector.harm import about, sizes_of
from detector.run import run_detection
from tests.alerts.samples import LATER, run, signal
from tests.detector.homes import file, opened, procurement

YEAR = {"period_start": date(2025, 1, 1), "period_end": date(2025, 12, 31)}


def tables() -> dict[str, pl.LazyFrame]:
    day = datetime(2025, 5, 1, tzinfo=UTC)
    late = datetime(2026, 5, 1, tzinfo=UTC)
    tenders = pl.LazyFrame(
        {
            "tender_id": ["T1", "T2", "T3", "T4"],
            "lot_id": [None, None, "L1", None],
            "award_value": [1000.0, None, None, 7777.0],
            "awarded_at": [day, None, day, late],
            "deadline_at": [None, day, None, None],
            "published_at": [None, None, None, None],
        },
        schema_overrides={"published_at": pl.Datetime("us", "UTC"), "lot_id": pl.String},
    )
    bids = pl.LazyFrame(
        {
            "tender_id": ["T1", "T1", "T2", "T2", "T3", "T4", "T4"],
            "lot_id": [None, None, None, None, "L1", None, None],
            "bidder_id": ["F1", "F2", "F1", "F3", "F1", "F1", "F2"],
            "amount": [900.0, 950.0, 300.0, 200.0, 50.0, 1.0, 2.0],
            "won": [True, False, True, False, None, True, False],
        }
    )
    positions = pl.LazyFrame(
        {
            "market_id": ["M1"] * 4,
            "firm_id": ["F1", "F2", "F1", "F1"],
            "period": ["2025-Q1", "2025-Q1", "2025-Q2", "2024-Q4"],
            "metric": ["turnover"] * 4,
            "value": [10.0, 30.0, 25.0, 999.0],
        }
    )
    incidents = pl.LazyFrame({"incident_id": ["I1"], "persons": [1000], "sensitive_persons": [100]})
    deals = pl.LazyFrame({"deal_id": ["D1"], "deal_value": [5e6]})
    return {
        "tenders": tenders,
        "bids": bids,
        "market_positions": positions,
        "breach_notifications": incidents,
        "merger_notifications": deals,
    }


def asked(kind: str, key: str, typology: str = "MON-BID-CV") -> Signal:
    return signal(key, subject_kind=kind, typology=typology, **YEAR)


@pytest.mark.parametrize(
    ("one", "size", "of"),
    [
        (asked("tender", "T1"), 1000.0, "turnover"),
        (asked("tender", "T2"), 300.0, "turnover"),
        (asked("tender", "T3/L1"), 50.0, "turnover"),
        (asked("firm", "F1"), 1000.0 + 300.0 + 50.0, "turnover"),
        (asked("pair", "F1|F2"), 1000.0, "turnover"),
        (asked("group", "F1|F2|F3"), 1000.0 + 300.0, "turnover"),
        (asked("market", "M1", "MON-PRICE-VARIANCE"), 40.0, "turnover"),
        (asked("market_firm", "M1/F1", "MON-DOMINANCE-CN"), 25.0, "turnover"),
        (asked("incident", "I1", "PRIV-BREACH-LATE"), 1000 + 9 * 100, "persons"),
        (asked("deal", "D1", "MON-HHI-MERGER"), 5e6, "turnover"),
        (asked("firm", "F1", "PRIV-MINORS"), None, None),
        (asked("firm", "F9"), None, None),
        (asked("app", "A1", "PRIV-MINORS"), None, None),
    ],
)
def test_the_size_of_each_kind(one: Signal, size: float | None, of: str | None) -> None:
    mark = fingerprint(one.typology, one.subject_kind, one.subject_key, one.period_start)
    found = sizes_of(tables(), about([one, asked("tender", "T4")])).get(mark)
    assert found == (None if size is None else {"size": pytest.approx(size), "of": of})


def test_tables_that_are_not_filed_are_left_out() -> None:
    assert sizes_of({}, about([asked("firm", "F1")])) == {}
    assert sizes_of(tables(), about([])) == {}


def test_a_run_ranks_by_the_value_of_the_tenders_and_keeps_it(tmp_path: Path) -> None:
    system = opened(tmp_path / "home")
    notices, bids = procurement()
    file(system, tmp_path / "filings", "tenders", notices)
    file(system, tmp_path / "filings", "bids", bids)
    run_detection(system)

    def alerts() -> list[Any]:
        with reading(system.engine) as connection:
            return queue(connection, limit=200).alerts

    firm = next(a for a in alerts() if a.signal.subject_kind == "firm")
    mine = {str(b["tender_id"]) for b in bids if b["bidder_id"] == firm.signal.subject_key}
    day = {str(n["tender_id"]): date.fromisoformat(str(n["awarded_at"])) for n in notices}
    won: dict[str, float] = {}
    for bid in bids:
        tender, amount = str(bid["tender_id"]), float(str(bid["amount"]))
        if tender in mine and day[tender].year == firm.signal.period_start.year:
            won[tender] = min(amount, won.get(tender, math.inf))
    touched = firm.priority.evidence["affected"]
    assert touched == {"size": pytest.approx(sum(won.values())), "of": "turnover"}
    assert firm.priority.harm == pytest.approx(math.log10(1 + sum(won.values())) / 9)
    run(system.engine, [signal("X")], "run-2", LATER)
    again = next(a for a in alerts() if a.id == firm.id)
    assert again.priority.harm == firm.priority.harm
