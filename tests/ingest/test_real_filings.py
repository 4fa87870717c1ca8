"""Real filings are taken in whole, with the repeats they are known to have."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import shared_data
from tests.ingest.homes import Home, figures

pytestmark = pytest.mark.real


def _load(home: Home, table: str, path: Path) -> tuple[int, ...]:
    balance = home.load_files(table, [path])
    assert balance.unknown_columns == ()
    return figures(balance)


@pytest.mark.parametrize(
    ("name", "tenders", "bids"),
    [("bids-japan", 1080, 13_515), ("bids-ticino", 224, 1629), ("bids-tsuchiura", 1565, 6013)],
)
def test_tenders_and_bids(home: Home, name: str, tenders: int, bids: int) -> None:
    folder = shared_data(name)
    assert _load(home, "tenders", folder / "tenders.csv") == (tenders, tenders, 0, 0, 0)
    assert _load(home, "bids", folder / "bids.csv") == (bids, bids, 0, 0, 0)
    filed = pl.read_csv(folder / "bids.csv").sort("bid_id")
    kept = home.rows("bids").sort("bid_id")
    assert kept["amount"].to_list() == filed["amount"].to_list()
    assert kept["won"].to_list() == filed["won"].to_list()


def test_android_labels(home: Home) -> None:
    folder = shared_data("app-labels-android-2022")
    sizes = {"apps": 442, "data_declarations": 2652, "observed_flows": 5080, "data_type_map": 34}
    for table, size in sizes.items():
        assert _load(home, table, folder / f"{table}.csv") == (size, size, 0, 0, 0)


def test_ios_declarations_count_each_row_once(home: Home) -> None:
    folder = shared_data("app-labels-ios-declarations")
    path = folder / "data_declarations.parquet"
    known = json.loads((folder / "expected.json").read_text())
    filed = pl.read_parquet(path)
    nothing = filed.filter(pl.col("data_type") == "*")
    assert filed.height - nothing.height == known["declaration_rows"] == 90_756
    distinct = known["declaration_rows_distinct"] + nothing.unique().height
    assert _load(home, "data_declarations", path) == (
        filed.height,
        distinct,
        0,
        filed.height - distinct,
        0,
    )
    rows = home.rows("data_declarations")
    assert rows.filter(pl.col("data_type") != "*").height == 72_765
    assert rows.filter(pl.col("data_type") == "*")["declared"].any() is False


def test_breaches_of_the_open_list_are_in_the_archive(home: Home) -> None:
    folder = shared_data("breaches-hhs")
    archive = folder / "breach_notifications_archive.csv"
    assert _load(home, "breach_notifications", archive) == (3793, 3789, 0, 4, 0)
    current = folder / "breach_notifications_open.csv"
    assert _load(home, "breach_notifications", current) == (733, 0, 0, 733, 0)
    rows = home.rows("breach_notifications")
    assert rows.height == 3789
    assert rows["persons"].is_in([500, 501]).sum() == 81


def test_other_filings(home: Home) -> None:
    for name, table, wanted in (
        ("breaches-wa", "breach_notifications", (659, 659, 0, 0, 0)),
        ("shares-nevo", "market_positions", (470, 470, 0, 0, 0)),
        ("consent-traffic", "observed_flows", (4349, 3777, 0, 572, 0)),
        ("prices-jec", "listing_prices", (328, 328, 0, 0, 0)),
    ):
        assert _load(home, table, shared_data(name) / f"{table}.csv") == wanted
