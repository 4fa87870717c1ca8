"""Signals to test with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from alerts.model import Signal
from alerts.pipeline import Counts, process
from detector.database import writing

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
YEAR = date(2025, 1, 1)
CELL = ("MON-BID-CV", "firm_y", YEAR)


def signal(subject: str = "F1", **changes: Any) -> Signal:
    """A screen signal about a firm's year."""
    fields: dict[str, Any] = {
        "typology": "MON-BID-CV",
        "subject_kind": "firm",
        "subject_key": subject,
        "period_start": YEAR,
        "period_end": date(2025, 12, 31),
        "suspicion": 0.91,
        "p_value": 0.01,
        "q_value": 0.08,
        "severity": 3,
        "lane": "screen",
        "rules": ({"id": "bid-cv", "version": "1.0.0"},),
        "models": ({"id": "iforest", "version": "1"},),
        "facts": ({"feature": "bid_cv", "value": 0.01, "op": "<", "threshold": 0.03, "n": 5},),
        "title": {
            "en": f"possible bids too close: {subject}",
            "zh": f"涉嫌报价异常集中：{subject}",
        },
        "message": {"en": "Bids differ by **1 %**.", "zh": "报价仅差 **1 %**。"},
        "legal_basis": ({"jurisdiction": "CN", "article": "17"},),
        "innocent": ({"en": "a regulated price", "zh": "政府定价"},),
        "not_checked": ({"rule": "bid-kurtosis@1.0.0", "reason": "too_few"},),
        "run_id": "run-1",
        "snapshot_id": "snap-1",
    }
    return Signal(**{**fields, **changes})


def run(
    engine: sa.Engine,
    signals: Iterable[Signal],
    run_id: str = "run-1",
    now: datetime = NOW,
    **options: Any,
) -> Counts:
    """One run's signals in one transaction."""
    with writing(engine) as connection:
        return process(connection, signals, run_id=run_id, now=now, **options)
