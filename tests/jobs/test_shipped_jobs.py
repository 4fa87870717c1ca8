"""The jobs that ship: the inbox folder, detection, refitting."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from detector import ledger
from detector.database import connect, upgrade, writing
from detector.jobs import JobResult, all_jobs, get_job, job
from detector.scheduler import Worker, run_now
from detector.settings import Jobs
from features.errors import WardenError
from tests.ledger.support import Clock, TestSystem, make_system, rows_of

BALANCE = {"read": 5, "accepted": 3, "corrected": 1, "repeated": 0, "quarantined": 1}


@pytest.fixture
def system(sqlite_url: str, tmp_path: Path) -> TestSystem:
    engine = connect(sqlite_url)
    upgrade(engine)
    return make_system(engine, Clock(), tmp_path)


def drop(system: TestSystem, name: str, *, fresh: bool = False) -> Path:
    path = system.home / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    if not fresh:
        os.utime(path, (time.time() - 60,) * 2)
    return path


def inbox_of(system: TestSystem) -> list[str]:
    inbox = system.home / "inbox"
    return sorted(str(p.relative_to(inbox)) for p in inbox.rglob("*") if p.is_file())


def loader(monkeypatch: pytest.MonkeyPatch, faults: dict[str, Exception]) -> list[dict[str, Any]]:
    """Puts a loader in place that fails on the named files; returns what it is asked."""
    asked: list[dict[str, Any]] = []

    def load_files(**request: Any) -> SimpleNamespace:
        asked.append(request)
        if fault := faults.get(request["files"][0].name):
            raise fault
        return SimpleNamespace(**BALANCE)

    replace(monkeypatch, "detector.ingest.load", load_files=load_files)
    return asked


def replace(monkeypatch: pytest.MonkeyPatch, name: str, **members: Callable[..., object]) -> None:
    module = ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    monkeypatch.setitem(sys.modules, name, module)


def test_the_settings_name_every_job_and_agree_on_its_default() -> None:
    assert Jobs().schedules() == {name: job.schedule for name, job in all_jobs().items()}
    assert all(set(job.title) == {"en", "zh"} for job in all_jobs().values())


def test_names_are_taken_once() -> None:
    with pytest.raises(ValueError, match="two jobs"):
        job("detect", title={}, schedule="* * * * *")(lambda *_: JobResult())
    with pytest.raises(WardenError, match=r"no job `detekt`.*ingest-folder, detect, refit"):
        get_job("detekt")


def test_good_files_are_loaded_and_moved(
    system: TestSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = loader(monkeypatch, {})
    for name in ("bids/a.csv", "bids/b.PARQUET", "tenders/c.jsonl.gz"):
        drop(system, name)
    for name in ("bids/notes.txt", "bids/.hidden.csv", "loose.csv"):
        drop(system, name)
    drop(system, "bids/growing.csv", fresh=True)
    drop(system, "tenders/mapping.yaml")
    row = run_now(system, "ingest-folder")
    assert row.counts == {
        "files": 3, "faulty": 0, "waiting": 1, **{k: 3 * v for k, v in BALANCE.items()}
    }  # fmt: skip
    assert [(a["table"], a["files"][0].name, bool(a["mapping"])) for a in asked] == [
        ("bids", "a.csv", False), ("bids", "b.PARQUET", False), ("tenders", "c.jsonl.gz", True),
    ]  # fmt: skip
    assert {a["recorded_at"] for a in asked} == {system.clock()}
    assert inbox_of(system) == [
        "bids/.hidden.csv", "bids/growing.csv", "bids/notes.txt",
        "done/bids/2026-11-23/a.csv", "done/bids/2026-11-23/b.PARQUET",
        "done/tenders/2026-11-23/c.jsonl.gz", "loose.csv", "tenders/mapping.yaml",
    ]  # fmt: skip
    drop(system, "bids/a.csv")
    run_now(system, "ingest-folder")
    assert "done/bids/2026-11-23/1-a.csv" in inbox_of(system), "nothing is overwritten"
    assert run_now(system, "ingest-folder").note == "nothing in the inbox"


def test_a_faulty_file_is_put_aside_with_a_sentence(
    system: TestSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader(monkeypatch, {"a.csv": WardenError("not_text", "The file is not text.", "Export it.")})
    for name in ("bids/a.csv", "bids/b.csv"):
        drop(system, name)
    row = run_now(system, "ingest-folder")
    assert row.state == "done" and row.counts is not None
    assert (row.counts["files"], row.counts["faulty"], row.counts["read"]) == (2, 1, 5)
    faulty = system.home / "inbox" / "faulty" / "bids"
    assert (faulty / "a.csv").exists()
    said = (faulty / "a.csv.error.txt").read_text()
    assert said == "not_text: The file is not text. Export it.\n"


def test_a_fault_of_the_machine_leaves_the_file_and_fails_the_run(
    system: TestSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader(monkeypatch, {"a.csv": OSError("disk full")})
    for name in ("bids/a.csv", "bids/b.csv"):
        drop(system, name)
    row = run_now(system, "ingest-folder")
    assert (row.state, row.error) == ("failed", "OSError('disk full')")
    assert inbox_of(system) == ["bids/a.csv", "done/bids/2026-11-23/b.csv"]


def test_the_real_loader_takes_what_the_folder_gives(system: TestSystem) -> None:
    path = drop(system, "tenders/t.csv")
    path.write_text("tender_id\nT1\nT2\n")
    os.utime(path, (time.time() - 60,) * 2)
    row = run_now(system, "ingest-folder")
    assert row.counts is not None, row.error
    assert (row.state, row.counts["accepted"], row.counts["faulty"]) == ("done", 2, 0)
    drop(system, "no-such-table/t.csv")
    again = run_now(system, "ingest-folder")
    assert again.counts is not None and again.counts["faulty"] == 1


@pytest.mark.parametrize(("name", "function"), [("detect", "run_detection"), ("refit", "refit")])
def test_jobs_of_the_main_path_run_under_their_claim(
    system: TestSystem, monkeypatch: pytest.MonkeyPatch, name: str, function: str
) -> None:
    def detection(given: TestSystem, *, claim: ledger.Claim) -> SimpleNamespace:
        assert given is system
        with writing(given.engine) as conn:
            ledger.publish(conn, "live", claim.run_id, claim.token, now=given.clock())
            ledger.finish(conn, claim, now=given.clock(), counts={"fired": 2}, inputs_hash="s")
        return SimpleNamespace(counts={"fired": 2})

    replace(monkeypatch, "detector.run", **{function: detection})
    hands = Worker(system, {name: get_job(name)})
    assert hands.tick() == 1
    (row,) = rows_of(system.engine)
    assert (row.job, row.state, row.counts, row.inputs_hash) == (name, "done", {"fired": 2}, "s")
