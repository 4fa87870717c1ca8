"""Dossiers over real filings, against counts made straight from the files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from detector.dossier import whole
from detector.dossier.identity import markets
from detector.dossier.network import network
from detector.dossier.subject import find_subject
from detector.firm_index import keep_index
from detector.firm_search import FirmFilter, search_firms
from detector.ingest.load import load_files
from detector.system import System
from tests.conftest import shared_data
from tests.detector.homes import NOW, opened

pytestmark = pytest.mark.real


def filed(tmp_path: Path, name: str, *tables: str) -> System:
    """An installation that has taken in one real data set, and judged nothing."""
    data, system = shared_data(name), opened(tmp_path / "home")
    for table in tables:
        files = [data / f"{table}.csv"]
        load_files(
            home=system.home, engine=system.engine, table=table, files=files, recorded_at=NOW
        )
    return system


def test_a_bidder_is_known_by_its_bids_alone(tmp_path: Path) -> None:
    system = filed(tmp_path, "bids-japan", "tenders", "bids")
    bids = pl.read_csv(shared_data("bids-japan") / "bids.csv", infer_schema_length=0)
    busiest = bids["bidder_id"].drop_nulls().value_counts(sort=True)["bidder_id"][0]
    mine = bids.filter(pl.col("bidder_id") == busiest)
    told = whole.dossier(system, find_subject(system, busiest))
    rows = {row["table"]: row for row in told["filings"]["items"]}
    assert rows["bids"]["roles"] == {"bidder_id": mine.height}
    assert told["coverage"]["reason"] == "nothing_judged"
    assert (told["firm"]["name"], told["markets"]["reason"]) == (None, "no_filings")
    others = bids.join(mine.select("tender_id").unique(), on="tender_id", how="semi")
    met = others.group_by("bidder_id").agg(pl.col("tender_id").n_unique()).drop_nulls()
    expected = dict(met.filter(pl.col("bidder_id") != busiest).iter_rows())
    edges = network(system, find_subject(system, busiest), nodes=400)["edges"]
    found = {
        ({e["a"], e["b"]} - {busiest}).pop(): e["weight"]
        for e in edges
        if busiest in (e["a"], e["b"])
    }
    assert found.items() <= expected.items()
    assert len(found) >= 0.4 * min(400, len(expected))
    similar = whole.peers_of(system, find_subject(system, busiest))["similar"]
    assert similar["candidates"] >= 20
    keep_index(system)
    first = search_firms(system, FirmFilter(busiest[:8]))["items"][0]
    assert (first["firm_id"], "bidder" in first["roles"]) == (busiest, True)


def test_shares_over_time_are_those_published(tmp_path: Path) -> None:
    system = filed(tmp_path, "shares-nevo", "market_positions")
    filed_rows = pl.read_csv(shared_data("shares-nevo") / "market_positions.csv")
    firm = filed_rows["firm_id"].value_counts(sort=True)["firm_id"][0]
    expected = {
        (row["market_id"], row["period"]): row["share"]
        for row in filed_rows.filter(pl.col("firm_id") == firm).iter_rows(named=True)
    }
    told = {
        (market["market_id"], point["period"]): point["share"]
        for market in markets(system.lake, find_subject(system, firm))
        for point in market["points"]
    }
    assert told == pytest.approx(expected)
