"""Kill -9 at random moments, and two ingests at once: nothing half-visible, nothing lost."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.ingest.homes import Home, figures, open_home
from tests.kill.ingest_process import ingest

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.kill.ingest_process"])
START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=1)
KILLS, KILLS_IN_A_ROW = 30, 3
FIGURES = ("read", "accepted", "corrected", "repeated", "quarantined")
ROWS = 20_000


class Ingest:
    """An ingest in a process of its own, at work from the start."""

    def __init__(self, home: Path, file: Path, at: datetime | None = None) -> None:
        self._balance, there = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=ingest, args=(home, "bids", file, at, there))
        self._process.start()
        there.close()

    def end(self) -> dict[str, Any]:
        """Waits for the balance."""
        found: dict[str, Any] = self._balance.recv()
        self._process.join()
        return found

    def kill(self) -> bool:
        """Ends the process without a word; whether it was still at work."""
        at_work = not self._balance.poll()
        self._process.kill()
        self._process.join()
        self._balance.close()
        return at_work


def _base() -> str:
    rows = (f"t{i % 500},b{i},f{i % 40},{i + 1},2024-01-02,10.0.0.{i % 250}" for i in range(2000))
    return _HEADER + "\n".join(rows) + "\n"


def _amendment() -> str:
    """New bids, corrections of old ones, repetitions, and bad rows."""
    rows = []
    for i in range(ROWS):
        amount = -1 if i % 97 == 0 else i + 1 + (i % 3 == 0)
        rows.append(f"t{i % 500},b{i},f{i % 40},{amount},2024-01-02,10.0.0.{i % 250}")
    return _HEADER + "\n".join(rows) + "\n"


_HEADER = "tender_id,bid_id,bidder_id,amount,submitted_at,ip_hash\n"


def _state(home: Home) -> tuple[str, pl.DataFrame, pl.DataFrame]:
    """All a reader can see: the snapshot, the rows, the quarantine."""
    rows = home.rows("bids").sort("_key")
    return home.lake.pin().id, rows, home.lake.quarantine().sort("batch_id", "line")


def _same(
    left: tuple[str, pl.DataFrame, pl.DataFrame], right: tuple[str, pl.DataFrame, pl.DataFrame]
) -> bool:
    return left[0] == right[0] and left[1].equals(right[1]) and left[2].equals(right[2])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a first batch, and the file to be amended with beside it."""
    folder = tmp_path_factory.mktemp("kill")
    home = open_home(folder / "home")
    home.load("bids", _base(), at=START)
    home.engine.dispose()
    (folder / "amendment.csv").write_text(_amendment())
    # the fork server loads everything once, before any clock starts
    warm = FORKS.Process(target=print)
    warm.start()
    warm.join()
    yield folder


@pytest.mark.slow
def test_thirty_kills_end_where_an_unbroken_run_ends(template: Path, tmp_path: Path) -> None:
    file = template / "amendment.csv"
    shutil.copytree(template / "home", tmp_path / "whole")
    whole = open_home(tmp_path / "whole")
    before = _state(whole)
    started = time.monotonic()
    expected = Ingest(whole.path, file, LATER).end()
    length = time.monotonic() - started
    after = _state(whole)
    assert expected["quarantined"] > 0 < expected["corrected"]
    assert expected["repeated"] > 0 < expected["accepted"]

    chance = random.Random(20261123)
    caught = tries = 0
    while caught < KILLS:
        tries += 1
        assert tries < 4 * KILLS, "the kills came too late to prove anything"
        shutil.copytree(template / "home", tmp_path / str(tries))
        home = open_home(tmp_path / str(tries))
        known = False
        for _ in range(KILLS_IN_A_ROW):
            running = Ingest(home.path, file, LATER)
            time.sleep(chance.uniform(0, length))
            caught += running.kill()
            state = _state(home)
            known = _same(state, after)
            assert known or _same(state, before)
            if known:
                break
        balance = home.load_files("bids", [file], at=LATER)
        assert _same(_state(home), after)
        assert balance.already_known == known
        assert known or list(figures(balance)) == [expected[name] for name in FIGURES]
        assert home.lake.unfinished() == ()
        if known:  # killed while it tidied up: the next ingest that stages anything does
            home.load("bids", f"{_HEADER}t0,next,f0,1,2024-01-02,\n", at=LATER)
        assert list((home.path / "staging").iterdir()) == []
        home.engine.dispose()


@pytest.mark.slow
def test_ingests_at_once_all_count_and_equal_bytes_once(template: Path, tmp_path: Path) -> None:
    shutil.copytree(template / "home", tmp_path / "home")
    home = open_home(tmp_path / "home")
    files = []
    for number in range(2):
        lines = (f"t{number},c{number}-{i},f,{i + 1},," for i in range(5000))
        path = tmp_path / f"{number}.csv"
        path.write_text(_HEADER + "\n".join(lines) + "\n")
        files.append(path)
    runs = [Ingest(home.path, path) for path in (files[0], files[1], files[0])]
    balances = [run.end() for run in runs]
    assert balances[1]["accepted"] == 5000
    assert sorted(b["accepted"] for b in (balances[0], balances[2])) == [0, 5000]
    assert sorted(b["repeated"] for b in (balances[0], balances[2])) == [0, 5000]
    assert home.rows("bids").height == 2000 + 10_000
    assert home.lake.unfinished() == ()
