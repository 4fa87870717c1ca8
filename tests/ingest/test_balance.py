"""Random sequences of filing, amending and sending again, against an independent reckoning."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.ingest.limits import Limits
from tests.ingest.homes import Home, figures, open_home

START = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[str, str, str, str]
"""tender, bid, bidder, amount as filed."""

rows = st.tuples(
    st.sampled_from(["t1", "t2"]),
    st.sampled_from(["b1", "b2", ""]),
    st.sampled_from(["f1", ""]),
    st.sampled_from(["1", "2", "bad"]),
)
files = st.lists(rows, min_size=1, max_size=6)
steps = st.lists(
    st.tuples(st.one_of(files, st.integers(0, 3)), st.integers(0, 3)), min_size=1, max_size=5
)


@dataclass
class Oracle:
    """The reckoning: a list of versions a key, in plain Python."""

    versions: dict[Any, list[tuple[int, int, Row]]] = field(default_factory=dict)
    seen: dict[tuple[Row, ...], int] = field(default_factory=dict)
    count: int = 0

    def key(self, row: Row, before: list[Row]) -> Any:
        """Own id, else natural key, else the content and its number inside the file."""
        tender, bid, bidder, _ = row
        if bid:
            return ("id", bid)
        return ("key", tender, bidder) if bidder else ("row", row, before.count(row))

    def take(self, batch: tuple[Row, ...], day: int) -> tuple[int, int, int, int, int]:
        """What a batch should give."""
        if batch in self.seen:
            return (len(batch), 0, 0, len(batch), 0)
        self.seen[batch] = day
        accepted = corrected = repeated = bad = 0
        before: list[Row] = []
        for row in batch:
            if row[3] == "bad":
                bad += 1
                continue
            key = self.key(row, before)
            before.append(row)
            known = self.versions.setdefault(key, [])
            force = max((v for v in known if v[0] <= day), default=None)
            if force and force[2] == row:
                repeated += 1
                continue
            corrected += bool(known)
            accepted += not known
            self.count += 1
            known.append((day, self.count, row))
        return (len(batch), accepted, corrected, repeated, bad)

    def known_on(self, day: int) -> list[Row]:
        """Rows in force as known on a day."""
        force = (
            max((v for v in known if v[0] <= day), default=None) for known in self.versions.values()
        )
        return sorted(v[2] for v in force if v)


def _ingest(home: Home, batch: tuple[Row, ...], day: int, partition: int) -> tuple[int, ...]:
    text = "tender_id,bid_id,bidder_id,amount\n" + "".join(",".join(row) + "\n" for row in batch)
    at = START + timedelta(days=day)
    return figures(home.load("bids", text, at=at, limits=Limits(partition_rows=partition)))


def _in_force(home: Home, day: int) -> list[Row]:
    frame = home.rows("bids", START + timedelta(days=day))
    names = ("tender_id", "bid_id", "bidder_id")
    return sorted(
        (*(row[name] or "" for name in names), str(int(row["amount"])))  # type: ignore[misc]
        for row in frame.iter_rows(named=True)
    )


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(steps=steps, partition=st.sampled_from([1, 2, 1_000_000]))
def test_balance_and_what_was_known_when(
    steps: list[tuple[list[Row] | int, int]], partition: int
) -> None:
    oracle = Oracle()
    sent: list[tuple[Row, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = open_home(Path(folder) / "home")
        for what, day in steps:
            if isinstance(what, int):
                if not sent:
                    continue
                batch = sent[what % len(sent)]
            else:
                batch = tuple(what)
            sent.append(batch)
            assert _ingest(home, batch, day, partition) == oracle.take(batch, day)
        for day in range(4):
            assert _in_force(home, day) == oracle.known_on(day)
        home.engine.dispose()


def test_two_equal_anonymous_bids_are_two_bids_and_a_resent_file_none(home: Home) -> None:
    text = "tender_id,amount\nt1,5\nt1,5\nt1,6\n"
    assert figures(home.load("bids", text)) == (3, 3, 0, 0, 0)
    again = home.load("bids", text + "\n")
    assert figures(again) == (3, 0, 0, 3, 0)
    assert not again.already_known
    assert figures(home.load("bids", text + "t1,5\n")) == (4, 1, 0, 3, 0)
    assert home.rows("bids")["amount"].sort().to_list() == [5.0, 5.0, 5.0, 6.0]


def test_two_files_of_one_batch_count_like_two_batches(home: Home) -> None:
    one = home.file("a.csv", "tender_id,amount\nt1,5\n")
    two = home.file("b.csv", "tender_id,amount,source\nt1,5,\nt1,7,\n")
    assert figures(home.load_files("bids", [one, two])) == (3, 2, 0, 1, 0)


def test_the_later_line_wins_and_the_earlier_stays(home: Home) -> None:
    balance = home.load("bids", "tender_id,bid_id,amount\nt,b,1\nt,b,2\nt,b,2\nt,b,1\nt,b,3\n")
    assert figures(balance) == (5, 1, 3, 1, 0)
    assert home.rows("bids")["amount"].to_list() == [3.0]
    history = home.lake.history("bids", {"bid_id": "b"}).collect()
    assert history["amount"].to_list() == [1.0, 2.0, 1.0, 3.0]
    assert history["_line"].to_list() == [2, 3, 5, 6]


def test_the_same_bytes_change_nothing_even_after_a_correction(home: Home) -> None:
    first = "tender_id,bid_id,amount\nt,b,1\n"
    home.load("bids", first, at=START)
    home.load("bids", "tender_id,bid_id,amount\nt,b,2\n", at=START + timedelta(days=1))
    before = home.lake.pin()
    balance = home.load("bids", first, "other-name.csv", at=START + timedelta(days=2))
    assert balance.already_known
    assert figures(balance) == (1, 0, 0, 1, 0)
    assert home.lake.pin() == before
    assert home.rows("bids")["amount"].to_list() == [2.0]


def test_another_mapping_or_table_is_another_batch(home: Home) -> None:
    text = "tender_id,estimate\nt,1\n"
    first = home.load("tenders", text)
    second = home.load("tenders", text, mapping="units: {estimate: 10}")
    assert first.batch_id != second.batch_id
    assert figures(second) == (1, 0, 1, 0, 0)
