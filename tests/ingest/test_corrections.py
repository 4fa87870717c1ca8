"""Rows of the quarantine, corrected and sent again: only what changed, as the batch was read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector import uploads
from detector.database import reading
from detector.filings import batches, table_states
from detector.quarantine import batches_waiting, rejected_csv, rejected_rows
from detector.retries import corrections_in, retry
from detector.system import System, open_system
from features.errors import WardenError

ROWS = [
    f"T{i},B{i},{'x' if i < 3 else i + 1},{'RMBX' if 3 <= i < 6 else 'CNY'},m" for i in range(9)
]
FILE = "\n".join(["Tender ID,bidder_id,amount_wan,currency,memo", *ROWS]) + "\n"
MAPPING = {
    "rename": {"Tender ID": "tender_id", "amount_wan": "amount"},
    "units": {"amount": 10_000},
}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    opened = open_system(tmp_path / "home", create=True)
    yield opened
    opened.engine.dispose()


def hand_in(system: System, text: str = FILE, name: str = "bids.csv") -> uploads.Upload:
    return uploads.receive(system, "", name, io.BytesIO(text.encode()), "Ann")


def filed(system: System) -> str:
    one = hand_in(system)
    uploads.change(system, one.id, MAPPING, "bids", one.version, "Ann")
    return uploads.confirm(system, one.id, "Ann").batch_id


def test_a_filing_is_looked_at_before_anything_is_taken_in(system: System) -> None:
    one = hand_in(system)
    assert (one.table, one.mapped_by) == ("bids", "names")
    seen = uploads.look(system, one)
    at = {c.name: c for c in seen.columns}
    assert at["memo"].target is None
    assert (seen.rows, seen.whole, seen.faulty, at["currency"].unread) == (9, True, 3, 3)
    one = uploads.change(system, one.id, {"rename": MAPPING["rename"]}, "bids", 1, "Ann")
    seen = uploads.look(system, one)
    assert {c.name: c.scale for c in seen.columns}["amount_wan"] == 10_000
    assert seen.faulty == 6
    with pytest.raises(WardenError, match="meanwhile"):
        uploads.change(system, one.id, {}, "bids", 1, "Ann")
    with reading(system.engine) as connection:
        assert batches(connection) == []
    uploads.discard(system, one.id, "Ann")
    assert uploads.uploads(system) == []


def test_what_cannot_be_a_filing_leaves_nothing_behind(system: System) -> None:
    for name, text, code in (
        ("a.exe", "x", "unknown_file_type"),
        ("a.csv", "one,two\n1,2\n", "table_not_told"),
        ("a.parquet", "no parquet", "unreadable_parquet"),
    ):
        with pytest.raises(WardenError) as refused:
            hand_in(system, text, name)
        assert refused.value.code == code
    assert not list((system.home / "uploads").glob("*"))


def test_only_changed_rows_are_sent_and_every_batch_balances(
    system: System, tmp_path: Path
) -> None:
    first = filed(system)
    rows = rejected_rows(system.home, system.engine, first)
    download = "".join(rejected_csv("bids", rows))
    told = retry(
        system,
        first,
        {
            rows[0].place: {"amount": "12"},
            rows[1].place: {"amount": "y"},
            rows[2].place: {"amount": "x"},
        },
        "Ben",
    )
    assert (told.sent, told.unchanged, told.refused) == (2, 1, 1)
    with pytest.raises(WardenError, match="does not wait"):
        retry(system, first, {rows[0].place: {"amount": "13"}}, "Ben")
    with pytest.raises(WardenError, match="nothing was sent"):
        retry(system, first, {rows[2].place: {"amount": " x "}}, "Ben")
    path = tmp_path / "corrected.csv"
    path.write_text(download.replace("RMBX", "CNY"), "utf-8")
    told = retry(system, first, corrections_in(path, "bids"), "Ben", settled_too=True)
    assert (told.sent, told.balance.accepted) == (3, 3)
    # units of the first reading hold for the second, and the line is the one filed
    lake = system.lake.scan(system.lake.pin(), "bids").collect()
    amounts = dict(lake.select("tender_id", "amount").iter_rows())
    assert (amounts["T0"], amounts["T3"]) == (120_000, 40_000)
    assert lake.filter(tender_id="T3")["_line"].to_list() == [5]
    with reading(system.engine) as connection:
        kept = batches(connection)
        assert all(one.balances for one in kept)
        assert [one.retry_of for one in kept] == [first, first, None]
        assert (kept[2].read, kept[2].quarantined, kept[2].waiting) == (9, 6, 1)
        state = next(one for one in table_states(connection, system.clock()) if one.batches)
        assert (state.rows, state.quarantined, state.waiting) == (7, 7, 2)
        assert [one["waiting"] for one in batches_waiting(connection)] == [1, 1]
    assert len(rejected_rows(system.home, system.engine, first)) == 6


def test_persons_stay_who_they_are(system: System) -> None:
    """A hash in the quarantine is not hashed again when its row is corrected."""
    text = "tx_id,ts,buyer_hash,qty\n1,2026-01-02,ann,x\n2,2026-01-02,ann,5\n"
    one = uploads.receive(system, "transactions", "t.csv", io.BytesIO(text.encode()), "Ann")
    first = uploads.confirm(system, one.id, "Ann").batch_id
    (row,) = rejected_rows(system.home, system.engine, first)
    retry(system, first, {row.place: {"qty": "7"}}, "Ann")
    kept = system.lake.scan(system.lake.pin(), "transactions").collect()
    assert kept.height == 2
    assert kept["buyer_hash"].n_unique() == 1


def test_a_download_runs_no_formula_and_comes_back_as_it_was(
    system: System, tmp_path: Path
) -> None:
    text = "tender_id,bidder_id,amount\n=1+1,-B,x\n"
    one = uploads.receive(system, "bids", "b.csv", io.BytesIO(text.encode()), "Ann")
    first = uploads.confirm(system, one.id, "Ann").batch_id
    rows = rejected_rows(system.home, system.engine, first)
    download = "".join(rejected_csv("bids", rows))
    assert "'=1+1,'-B" in download
    path = tmp_path / "back.csv"
    path.write_text(download, "utf-8")
    with pytest.raises(WardenError, match="No value differs"):
        retry(system, first, corrections_in(path, "bids"), "Ann")
