"""`python -m benchmarks audit`: what the audit trail costs to write and to verify.

A log of `--entries` entries (a million) is written as an export and as rows of a database, SQLite
or the one at `--database`; both are verified. `verify` is the best of three, `append` the rate of
transactions with one entry each by `--threads` threads, durable on the disk of the scratch folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alerts import audit
from alerts.audit_chain import GENESIS, Entry, body_of, canonical, linked, stamp
from alerts.audit_export import export_lines
from alerts.audit_tables import audit_entry, audit_head
from alerts.audit_verify import entry_line
from detector.audit.keys import signing_key
from detector.audit.offline import verify_file
from detector.audit.trail import verify_trail
from detector.database import connect, upgrade, writing
from detector.settings import Settings
from detector.system import System, create_home

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
CHUNK = 10_000


def entries(count: int) -> Iterator[Entry]:
    """Decisions as an office makes them, a second apart."""
    last = GENESIS
    for seq in range(1, count + 1):
        at = stamp(START + timedelta(seconds=seq))
        data = canonical(
            {
                "changed": {"state": ["open", "closed"]},
                "note": f"{seq:064x}",
                "reason": "explained",
                "version": seq % 9,
            }
        )
        told = (seq, at, f"{seq % 40:032x}", "alert.closed", "alert", f"A{seq % 50_000}", data)
        entry = Entry(*told, previous=last, hash=linked(last, body_of(*told)))
        yield entry
        last = entry.hash


def filled(system: System, count: int) -> None:
    """Puts the entries into the database in one go, as no act could."""
    waiting = entries(count)
    end = None
    with writing(system.engine) as connection:
        while rows := [asdict(one) for one in islice(waiting, CHUNK)]:
            connection.execute(sa.insert(audit_entry), rows)
            end = rows[-1]
        if end:
            values = {"seq": end["seq"], "hash": end["hash"]}
            connection.execute(sa.update(audit_head).values(values))


def best(run: Callable[[], Any], rounds: int = 3) -> tuple[float, float]:
    """Shortest of several runs, in seconds by the wall and of the processor."""
    walls, works = [], []
    for _ in range(rounds):
        wall, work = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - work)
    return min(walls), min(works)


def append_rate(system: System, threads: int, seconds: float) -> float:
    """Transactions a second, each with one entry."""
    end = time.perf_counter() + seconds

    def work(worker: int) -> int:
        done = 0
        while time.perf_counter() < end:
            with writing(system.engine) as connection:
                audit.record(
                    connection, actor=f"worker {worker}", action="alert.acknowledged",
                    kind="alert", key=str(done), data={"version": done}, now=START,
                )  # fmt: skip
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads))) / seconds


def main(words: Sequence[str] | None = None) -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks audit")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--database", default="", help="an empty database; SQLite by default")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        create_home(home)
        engine = connect(asked.database or f"sqlite:///{home / 'warden.db'}")
        upgrade(engine)
        system = System(Settings(), home, engine, None, lambda: START)  # type: ignore[arg-type]
        out, key = Path(scratch) / "trail.jsonl", signing_key(home)
        with out.open("wb") as file:
            lines = (entry_line(one.body, one.hash) for one in entries(asked.entries))
            file.writelines(export_lines(lines, key, stamp(START)))
        told = verify_file(out, key.public_key())
        assert told["intact"] and told["entries"] == asked.entries, told
        export = best(lambda: verify_file(out, key.public_key()))
        filled(system, asked.entries)
        database = best(lambda: verify_trail(system))
        assert verify_trail(system).fault is None
        found = {
            "entries": asked.entries,
            "export_mb": round(out.stat().st_size / 1e6),
            "verify_export_s": round(export[0], 2),
            "verify_export_cpu_s": round(export[1], 2),
            "verify_database_s": round(database[0], 2),
            "verify_database_cpu_s": round(database[1], 2),
            "append_per_s": round(append_rate(system, asked.threads, asked.seconds)),
        }
        engine.dispose()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
