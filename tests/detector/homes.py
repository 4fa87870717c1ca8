"""Small installations for tests of the whole job: a few tenders, a market, apps, breaches."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from detector.export import write_table
from detector.extracts import extract
from detector.ingest.load import load_files
from detector.system import System, open_system

FIRST = datetime(2026, 1, 10, tzinfo=UTC)
LATER = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RING = ("R1", "R2", "R3", "R4", "R5")
HONEST = tuple(f"H{i:02}" for i in range(40))


def opened(home: Path, now: datetime = NOW) -> System:
    """An installation whose clock stands still."""
    return open_system(home, create=True, clock=lambda: now)


def file(
    system: System,
    folder: Path,
    table: str,
    rows: Iterable[Mapping[str, object]],
    recorded_at: datetime = FIRST,
) -> None:
    """Files rows as a CSV through the door every filing takes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{table}-{recorded_at:%Y%m%d}-{len(list(folder.iterdir()))}.csv"
    pl.DataFrame(list(rows), infer_schema_length=None).write_csv(path)
    balance = load_files(
        home=system.home,
        engine=system.engine,
        table=table,
        files=[path],
        mapping=None,
        recorded_at=recorded_at,
        progress=None,
    )
    assert balance.quarantined == 0


def procurement(
    tenders: int = 160, ring: int = 30, seed: int = 7
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Tenders with honest bids, and some that a ring of five covers for its member in turn."""
    draw = random.Random(seed)
    notices: list[dict[str, object]] = []
    bids: list[dict[str, object]] = []
    for number in range(tenders):
        day = date(2025, 1, 5) + timedelta(days=2 * number)
        tender = f"T{number:03}"
        cost = draw.uniform(1e5, 1e6)
        if number < ring:
            best = cost * 1.1
            amounts = [best] + [best * draw.uniform(1.03, 1.035) for _ in RING[1:]]
            turn = number % len(RING)
            bidders = [*RING[turn:], *RING[:turn]]
        else:
            bidders = draw.sample(HONEST, draw.randint(4, 7))
            amounts = [cost * draw.uniform(0.9, 1.4) for _ in bidders]
        pairs = sorted(zip(amounts, bidders, strict=True))
        notices.append(
            {
                "tender_id": tender,
                "category": "works",
                "awarded_at": day.isoformat(),
                "winner_id": pairs[0][1],
                "award_rule": "lowest",
            }
        )
        bids += [
            {"tender_id": tender, "bidder_id": who, "amount": round(a, 2), "currency": "EUR"}
            for a, who in pairs
        ]
    return notices, bids


def breaches() -> list[dict[str, object]]:
    """Four incidents under the 72 hours of the GDPR: early, late, late by a minute, open."""
    aware = datetime(2025, 5, 1, 8, tzinfo=UTC)
    hours = {"I-early": 10, "I-late": 95, "I-limit": 72}
    rows: list[dict[str, object]] = [
        {
            "incident_id": name,
            "aware_at": aware.isoformat(),
            "notified_at": (aware + timedelta(hours=h)).isoformat(),
            "persons": 1000,
            "jurisdiction": "EU",
        }
        for name, h in hours.items()
    ]
    rows.append(
        {
            "incident_id": "I-open",
            "aware_at": aware.isoformat(),
            "notified_at": "",
            "persons": 1000,
            "jurisdiction": "EU",
        }
    )
    return rows


def small_market(home: Path, tenders: int = 160, ring: int = 30) -> System:
    """An installation with everything above filed on the first day."""
    system = opened(home)
    folder = home.parent / f"{home.name}-filings"
    notices, bids = procurement(tenders, ring)
    file(system, folder, "tenders", notices)
    file(system, folder, "bids", bids)
    file(system, folder, "breach_notifications", breaches())
    return system


def exported(system: System, kind: str, out: Path, as_of: date | None = None) -> bytes:
    """The bytes of an export as CSV."""
    path = out / f"{kind.replace(':', '-')}.csv"
    write_table(extract(system, kind, as_of=as_of), path)
    return path.read_bytes()
