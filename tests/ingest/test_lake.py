"""Snapshots, history, change, and the recovery of an ingest that broke off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from sqlalchemy import Engine

from detector.ingest import load
from features.contracts import CONTRACTS, RECORDED_AT
from features.errors import WardenError
from tests.ingest.homes import Home, figures, open_home

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST = "tender_id,bid_id,amount\nt1,b1,1\nt1,b2,2\n"
SECOND = "tender_id,bid_id,amount\nt2,b1,9\nt1,b3,3\n"


@pytest.fixture
def amended(home: Home) -> Home:
    """Two batches a day apart; the second moves `b1` to another tender."""
    home.load("bids", FIRST, at=START)
    home.load("bids", SECOND, at=START + DAY)
    return home


def test_a_lake_row_is_whole(amended: Home) -> None:
    rows = amended.rows("bids")
    wanted = CONTRACTS["bids"].dtypes
    assert {n: t for n, t in rows.schema.items() if n in wanted} == wanted
    assert set(rows.columns) - set(wanted) == {"_batch_id", "_line", "_key"}
    assert rows[RECORDED_AT].null_count() == 0


def test_as_known_before_and_after(amended: Home) -> None:
    def amounts(at: datetime | None) -> list[float]:
        return amended.rows("bids", at)["amount"].sort().to_list()

    assert amounts(START - DAY) == []
    assert amounts(START) == [1.0, 2.0]
    assert amounts(START + DAY - timedelta(microseconds=1)) == [1.0, 2.0]
    assert amounts(START + DAY) == [2.0, 3.0, 9.0]
    assert amounts(None) == [2.0, 3.0, 9.0]


def test_a_pinned_snapshot_does_not_move(home: Home) -> None:
    home.load("bids", FIRST, at=START)
    pinned = home.lake.pin()
    # learned earlier but told later: it must not slip into what was pinned
    home.load("bids", SECOND, at=START - DAY)
    assert home.lake.scan(pinned, "bids").collect()["amount"].sort().to_list() == [1.0, 2.0]
    assert home.rows("bids")["amount"].sort().to_list() == [1.0, 2.0, 3.0]
    assert home.rows("bids", START - DAY)["amount"].sort().to_list() == [3.0, 9.0]


def test_equal_filings_give_equal_snapshot_ids(tmp_path: Path) -> None:
    ids = set()
    for name in ("a", "b"):
        home = open_home(tmp_path / name / "home")
        home.load("bids", FIRST, at=START)
        if name == "b":
            home.load("bids", FIRST + "\n", at=START)  # nothing new, another version
            home.load("bids", "tender_id,amount\nt,-1\n", at=START)  # quarantined alone
        home.load("bids", SECOND, at=START + DAY)
        ids.add(home.lake.pin().id)
        early = home.lake.pin(START).id
        assert early != home.lake.pin().id
        ids.add(early)
    assert len(ids) == 2


def test_snapshot_id_follows_the_learned_time(tmp_path: Path) -> None:
    ids = []
    for day in (0, 1):
        home = open_home(tmp_path / str(day) / "home")
        home.load("bids", FIRST, at=START + day * DAY)
        ids.append(home.lake.pin().id)
    assert ids[0] != ids[1]


def test_history_of_a_key(amended: Home) -> None:
    history = amended.lake.history("bids", {"bid_id": "b1"}).collect()
    assert history["tender_id"].to_list() == ["t1", "t2"]
    assert history[RECORDED_AT].to_list() == [START, START + DAY]
    assert amended.lake.history("bids", {"lot_id": None}).collect().height == 4


def test_changes_name_both_sides_of_a_correction(amended: Home) -> None:
    old, new = amended.lake.pin(START), amended.lake.pin()
    changed = amended.lake.changed_since(old, new)
    assert list(changed) == ["bids"]
    rows = changed["bids"].collect()
    pairs = sorted(rows.select("bid_id", "tender_id").iter_rows())
    assert pairs == [("b1", "t1"), ("b1", "t2"), ("b3", "t1")]
    assert amended.lake.changed_since(new, new) == {}


def test_absent_tables_are_empty_and_unknown_ones_refused(home: Home) -> None:
    assert home.lake.tables() == ()
    assert home.rows("firms").height == 0
    assert set(CONTRACTS["firms"].dtypes) <= set(home.rows("firms").columns)
    with pytest.raises(WardenError, match="no table"):
        home.rows("nonsense")


def test_quarantine_has_the_exported_columns_and_its_own_time(home: Home) -> None:
    names = ["batch_id", "table", "source_file", "line", "rule", "message", "row"]
    assert home.lake.quarantine().columns == names
    home.load("bids", "tender_id,amount\nt,-1\nt,5\n", at=START)
    home.load("tenders", "tender_id,estimate\nt,-1\n", at=START + DAY)
    assert home.lake.quarantine().columns == names
    assert home.lake.quarantine()["table"].to_list() == ["bids", "tenders"]
    assert home.lake.quarantine(START)["table"].to_list() == ["bids"]
    assert home.lake.tables() == ("bids",)


@pytest.mark.parametrize("broken", ["_append_quarantine", "_record"])
def test_an_ingest_that_breaks_off_leaves_nothing_visible(
    amended: Home, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    before, rows = amended.lake.pin(), amended.rows("bids")
    third = "tender_id,bid_id,amount\nt3,b4,4\nt3,b5,-1\n"

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(load, broken, fail)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                amended.load("bids", third, at=START + 2 * DAY)
            assert amended.lake.pin() == before
            assert amended.rows("bids").equals(rows)
            assert amended.lake.quarantine().height == 0
    assert "bids" in amended.lake.unfinished()
    assert figures(amended.load("bids", third, at=START + 2 * DAY)) == (2, 1, 0, 0, 1)
    assert amended.lake.unfinished() == ()
    assert amended.rows("bids")["amount"].sort().to_list() == [2.0, 3.0, 4.0, 9.0]
    assert amended.lake.quarantine().height == 1


def test_a_first_ingest_that_breaks_off(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(load, "_record", lambda *_: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            home.load("bids", FIRST)
    assert home.lake.tables() == ()
    assert figures(home.load("bids", SECOND)) == (2, 2, 0, 0, 0)
    assert home.rows("bids")["amount"].sort().to_list() == [3.0, 9.0]


def test_a_database_ahead_of_its_lake_is_refused(amended: Home) -> None:
    import shutil

    shutil.rmtree(amended.path / "lake")
    with pytest.raises(WardenError) as caught:
        amended.load("bids", "tender_id,bid_id,amount\nt3,b4,4\n")
    assert caught.value.kind == "integrity"


def test_an_unbalanced_batch_is_not_taken_in(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from detector.ingest.classify import Classified

    monkeypatch.setattr(
        load, "classify", lambda *args: Classified(args[5], accepted=1, corrected=0, repeated=0)
    )
    with pytest.raises(WardenError, match="does not balance"):
        home.load("bids", FIRST)
    assert home.lake.tables() == ()


def test_commits_carry_the_batch_id(home: Home) -> None:
    balance = home.load("bids", FIRST)
    (last, *_) = DeltaTable(home.path / "lake" / "bids").history(1)
    assert last["warden.batch_id"] == balance.batch_id


def test_a_column_added_to_the_contract_reads_as_empty(home: Home) -> None:
    from detector.ingest import commit

    home.load("firms", "firm_id\nf1\n")
    path = commit.table_path(home.path, "firms")
    stored = pl.read_delta(str(path)).drop("sector")
    from deltalake import write_deltalake

    write_deltalake(path, stored, mode="overwrite", schema_mode="overwrite")
    from detector.database import writing

    with writing(home.engine) as connection:
        commit.point(connection, "firms", DeltaTable(path).version())
    assert home.rows("firms").select("firm_id", "sector").rows() == [("f1", None)]
    assert figures(home.load("firms", "firm_id,sector\nf2,x\nf1,\n")) == (2, 1, 0, 1, 0)
    assert home.rows("firms").sort("firm_id")["sector"].to_list() == [None, "x"]


def test_the_books_are_kept_on_either_database(engine: Engine, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", engine)
    home.path.mkdir()
    assert figures(home.load("bids", FIRST, at=START)) == (2, 2, 0, 0, 0)
    assert figures(home.load("bids", SECOND, at=START + DAY)) == (2, 1, 1, 0, 0)
    assert home.load("bids", FIRST).already_known
    assert home.rows("bids", START)["amount"].sort().to_list() == [1.0, 2.0]
    assert home.lake.pin().amended == {"bids"}
