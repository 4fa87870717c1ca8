"""An installation whose every link, share and version is known by hand."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from detector.run import run_detection
from detector.system import System
from tests.detector.homes import HONEST, LATER, file, opened, procurement

RENAMED = "R1"
OWNERS = [
    {"owner_id": "HOLD", "owned_id": "R1", "pct": 80, "from": "2019-01-01"},
    {"owner_id": "TOP", "owned_id": "HOLD", "pct": 100, "from": "2018-01-01"},
    {"owner_id": "R1", "owned_id": "SUB", "pct": 51, "from": "2020-01-01"},
    {"owner_id": "OLD", "owned_id": "R1", "pct": 60, "from": "2010-01-01", "to": "2018-12-31"},
]
APPS = [
    {"app_id": "app-1", "version": "1.0", "operator_id": "R1", "released_at": "2025-02-01"},
    {"app_id": "app-2", "version": "1.0", "operator_id": "OTHER", "released_at": "2025-02-01"},
]
RECIPIENTS = {"app-1": ("adnet", "maps", "pay"), "app-2": ("adnet", "pay", "crash")}


def register() -> list[dict[str, object]]:
    """The firms as first filed."""
    rows: list[dict[str, object]] = [
        {"firm_id": "R1", "name": "Ｄｕｎｍｅｒｅ Paving", "name_zh": "顿梅路面", "group_id": "G1"},
        {"firm_id": "R2", "name": "Müller Straßenbau", "name_zh": "米勒道路工程"},
        {"firm_id": "SIS", "name": "Sister Works", "name_zh": "姐妹工程", "group_id": "G1"},
        {"firm_id": "HOLD", "name": "Dunmere Holding"},
    ]
    rows += [{"firm_id": f, "name": f"Honest {f}", "country": "DE"} for f in HONEST]
    return [{"country": "CN", "sector": "works"} | row for row in rows]


def positions(value: float = 40.0) -> list[dict[str, object]]:
    """Sizes of three firms in a market of two quarters; the first quarter also as shares."""
    sizes = {"R1": value, "H00": 35.0, "H01": 25.0}
    return [
        {"market_id": "M1", "firm_id": firm, "period": period, "metric": "units", "value": size}
        | ({"share": size / 100} if period == "2025-Q1" else {})
        for period in ("2025-Q1", "2025-Q2")
        for firm, size in sizes.items()
    ]


def filed_home(home: Path) -> System:
    """Everything above, filed on the first day; a new name and a corrected size later."""
    system, folder = opened(home), home.parent / f"{home.name}-filings"
    notices, bids = procurement(80, 20)
    declared = [
        {"app_id": app, "version": "1.0", "taxonomy": "t", "data_type": "location", "recipient": r}
        for app, recipients in RECIPIENTS.items()
        for r in recipients
    ]
    sold = [
        {"invoice_id": f"I{i}", "seller_id": "R1", "buyer_id": "BUYER", "amount": 100.0,
         "currency": "EUR", "issued": f"2025-0{i}-01"}
        for i in (1, 2, 3)
    ]  # fmt: skip
    for table, rows in (
        ("firms", register()), ("ownership", OWNERS), ("market_positions", positions()),
        ("tenders", notices), ("bids", bids), ("apps", APPS), ("data_declarations", declared),
        ("invoices", sold),
        ("officers", [{"firm_id": f, "person_hash": "Ann", "role": "director"}
                      for f in ("R1", "R5")]),
        ("merchants", [{"merchant_id": "shop-1", "firm_id": "R1", "platform_id": "PLAT"}]),
    ):  # fmt: skip
        file(system, folder, table, rows)
    later = [{"firm_id": RENAMED, "name": "Dunmere Roads", "name_zh": "顿梅路面", "group_id": "G1",
              "country": "CN", "sector": "works"}]  # fmt: skip
    file(system, folder, "firms", later, LATER)
    file(system, folder, "market_positions", positions(44.0)[3:4], LATER + timedelta(days=1))
    return system


def judged(folders: pytest.TempPathFactory) -> System:
    """The same, judged; one for all tests of a session, which leave filings and results alone."""
    return _judged(folders.getbasetemp() / "dossier")


@cache
def _judged(folder: Path) -> System:
    folder.mkdir()
    system = filed_home(folder / "home")
    run_detection(system, typologies=("MON-BID-CV", "MON-DOMINANCE-CN"))
    return system
