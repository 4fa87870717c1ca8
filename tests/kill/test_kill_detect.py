"""Kill -9 a detection at random moments: nothing half-visible, and the rerun ends the same."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from pathlib import Path

import polars as pl
import pytest

from detector import publishing
from detector.database import reading
from detector.extracts import extract
from detector.ledger import ledger_rows
from detector.results import Results
from detector.run import run_detection
from detector.system import System
from features.errors import WardenError
from tests.detector.homes import LATER, file, opened, procurement, small_market
from tests.kill.detect_process import detect

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.kill.detect_process"])
KILLS, KILLS_IN_A_ROW = 30, 3
MARKET = (60, 12)
"""Tenders in all, and those of the ring: enough for alerts of every lane."""
OF_THE_RUN = ("run_id", "opened_at", "updated_at")


def killed(home: Path, after: float) -> bool:
    """Starts a detection and kills it some seconds into its work; whether it was still at work."""
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=detect, args=(home, there))
    process.start()
    there.close()
    assert here.recv() == "at work"
    at_work = not here.poll(after)
    process.kill()
    process.join()
    here.close()
    return at_work


def state(system: System) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Everything a reader sees, without the names and times of runs."""
    alerts = extract(system, "alerts").drop(OF_THE_RUN, strict=False)
    return extract(system, "scores"), extract(system, "outcomes"), alerts


def seen(system: System) -> str:
    """Which of the whole states is visible: a published run is complete or not there at all."""
    current = publishing.current(system)
    if current is None:
        return "nothing"
    manifest = Results(system.home).manifest(current)
    alerts = extract(system, "alerts")
    assert alerts.height > 0
    assert extract(system, "scores").height > 0
    assert set(manifest.layers) >= set(alerts["run_id"])
    return current


def kills(system: System, draw: random.Random, length: float) -> tuple[int, int]:
    """Kills detections until one is published; how many were at work, how many left no trace."""
    before = seen(system)
    was = state(system) if before != "nothing" else None
    hits = traceless = 0
    for _ in range(KILLS_IN_A_ROW):
        hits += killed(system.home, draw.uniform(0.0, length))
        if seen(system) != before:
            break
        traceless += 1
        if was:
            same(state(system), was)
    return hits, traceless


def timed(system: System) -> float:
    """Seconds a detection takes."""
    began = time.perf_counter()
    run_detection(system)
    return time.perf_counter() - began


def test_thirty_kills_leave_the_state_of_the_unbroken_run(tmp_path: Path) -> None:
    filed = small_market(tmp_path / "filed", *MARKET).home
    whole = tmp_path / "whole"
    shutil.copytree(filed, whole)
    unbroken = opened(whole)
    lengths = [timed(unbroken)]
    first = state(unbroken)
    amend(unbroken, tmp_path)
    lengths.append(timed(unbroken))
    second = state(unbroken)
    assert not first[0].equals(second[0])

    draw, hits, traceless, number = random.Random(11), 0, [0, 0], 0
    while hits < KILLS:
        number += 1
        assert number < KILLS, "the kills came too late to prove anything"
        home = tmp_path / f"broken-{number}"
        shutil.copytree(filed, home)
        system = opened(home)
        assert seen(system) == "nothing"
        for stage, expected in enumerate((first, second)):
            if stage:  # detections killed on top of a published one
                amend(system, tmp_path)
            more, without = kills(system, draw, lengths[stage])
            hits += more
            traceless[stage] += without
            run_detection(system)
            same(state(system), expected)
        system.engine.dispose()
        shutil.rmtree(home)
    assert min(traceless) > 0
    with reading(unbroken.engine) as connection:
        assert {r.state for r in ledger_rows(connection, job="detect")} == {"done"}


def amend(system: System, folder: Path) -> None:
    """One tender's bids are corrected."""
    _, bids = procurement(*MARKET)
    mine = [{**b, "amount": 100000 + i} for i, b in enumerate(bids) if b["tender_id"] == "T050"]
    assert mine
    file(system, folder / system.home.name, "bids", mine, LATER)


def same(found: tuple[pl.DataFrame, ...], expected: tuple[pl.DataFrame, ...]) -> None:
    """Every table equal to the last digit."""
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.equals(theirs)


def test_a_broken_run_is_told_in_the_ledger(tmp_path: Path) -> None:
    system = small_market(tmp_path / "home")
    with pytest.raises(WardenError):
        run_detection(system, typologies=["MON-NONE"])
    with reading(system.engine) as connection:
        row = ledger_rows(connection, job="detect")[0]
    assert row.state == "failed"
    assert "MON-NONE" in (row.error or "")
