"""`python -m benchmarks desk`: every page, with a million alerts and a hundred thousand firms.

The demonstration's home is filled up: firms are ingested as a filing, alerts are copied over them
by the database. One person then opens each page again and again, one page at a time, at other
alerts and firms every time, half of them the demonstration's own, whose filings and features are
there. `first_ms` is the first request of that page to a server that has read ahead, `p95_ms` of
all that follow; `cpu_ms` is what the server process spent on one, which a busy machine does not
move.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa

from alerts.tables import alert
from benchmarks.api.filling import CHANGED, fill
from benchmarks.api.load import cpu_seconds, served, settled
from detector.database import reading
from detector.system import System, open_system
from tests.signed import enroll

GOAL_MS = 300
VARIED = 40
PARTS = ("", "/alerts", "/measures", "/coverage", "/network", "/similar", "/filings")
PAGES: dict[str, str] = {
    "queue": "/", "queue, legal lane": "/?lane=legal&state=open", "queue, severe": "/?severity=5",
    "queue, text": "/?q=tender+{n}", "queue, common text": "/?q=cement",
    "queue, one typology": "/?typology={typology}",
    "alert": "/alerts/{alert}", "alert, whole": "/alerts/{alert}?whole=1",
    "alert, figures": "/alerts/{alert}/figures", "alert, preview": "/alerts/{alert}/preview",
    "alert, source rows": "/alerts/{alert}/rows",
    "alert, then and now": "/alerts/{alert}/knowledge", "own acts": "/activity",
    "firms": "/firms", "firms, text": "/firms?q=firm+{n}",
    "firms, word": "/firms?q=paving", "purpose": "/firms/{firm}/purpose",
    **{f"dossier{part.replace('/', ', ')}": f"/firms/{{firm}}{part}" for part in PARTS},
    "cases": "/cases", "approvals": "/approvals", "cockpit": "/cockpit", "rules": "/rules",
    "rule": "/rules/{rule}", "rule, editor": "/rules/{rule}/edit", "tables": "/tables",
    "table": "/tables/bids", "quarantine": "/quarantine", "jobs": "/jobs", "models": "/models",
    "people": "/people", "notices": "/notices", "audit": "/audit", "help": "/help",
    "profile": "/profile",
}  # fmt: skip


def prepared(home: Path, alerts: int, firms: int) -> None:
    """A home with that many of both, from the demonstration."""
    command = [str(Path(sys.executable).parent / "warden"), "--home", str(home)]
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([*command, "demo", "--small", "--no-serve"], **quiet)
    place = demonstration(home)
    filing = home / "many-firms.csv"
    with filing.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["firm_id", "name", "name_zh", "country", "sector", "group_id"])
        for n in range(firms):
            group = f"GROUP-{n // 3}" if n % 5 == 0 else ""
            name = f"Firm {n} Trading"
            lines.writerow([firm_at(n), name, f"第{n}商贸", "CN", f"sector-{n % 90}", group])
    subprocess.run([command[0], "--home", str(place), "ingest", "firms", str(filing)], **quiet)
    subprocess.run([command[0], "--home", str(place), "firms", "index"], **quiet)
    system = open_system(place)
    of_a_firm = f"printf('MANY-%06d', n.n % {firms})"
    key = f"CASE a.subject_kind WHEN 'firm' THEN {of_a_firm} ELSE {CHANGED['subject_key']} END"
    fill(system, alerts, {**CHANGED, "subject_key": key})
    system.engine.dispose()
    with closing(sqlite3.connect(place / "warden.db")) as bare:
        # or every entry of the audit trail would move a part of what was just filled in
        bare.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def firm_at(n: int) -> str:
    """Id of one of the many firms."""
    return f"MANY-{n:06d}"


def demonstration(home: Path) -> Path:
    """Where the command puts the home it makes."""
    return next(home.rglob("warden.db")).parent


def drawn(system: System, rng: random.Random) -> dict[str, list[str]]:
    """Values for the places of an address, half of them the demonstration's own."""
    one = sa.select(alert.c.id, alert.c.subject_key, alert.c.subject_kind)
    with reading(system.engine) as connection:
        own = connection.execute(one.where(~alert.c.id.like("A-0%")).order_by(alert.c.id)).all()
        wanted = [f"A-0{rng.randrange(1, 900_000)}" for _ in range(VARIED)]
        copies = connection.execute(one.where(alert.c.id.in_(wanted))).all()
        kinds = sa.select(alert.c.typology).where(~alert.c.id.like("A-0%")).distinct()
        typologies = list(connection.execute(kinds).scalars())
    half = VARIED // 2
    mine = rng.sample(own, min(half, len(own)))
    firms = sorted({row.subject_key for row in own if row.subject_kind == "firm"})
    return {
        "alert": [row.id for row in (*mine, *copies[:half])],
        "firm": rng.sample(firms, min(half, len(firms)))
        + [row.subject_key for row in copies if row.subject_kind == "firm"][:half],
        "rule": ["mon-bid-cv-low"],
        "typology": typologies,
        "n": [str(rng.randrange(100_000)) for _ in range(VARIED)],
    }


class Door:
    """One person's connection; the purpose of a dossier is said once for a firm."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = headers | {"Accept": "text/html"}
        self.visits: dict[str, str] = {}

    def visit(self, firm: str) -> None:
        """Says why the dossier is opened."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"purpose": "measuring pages", "case": "C-1"})
        at = f"/firms/{quote(firm, safe='')}"
        self.line.request("POST", f"{at}/purpose", body, self.headers | form)
        answer = self.line.getresponse()
        answer.read()
        assert answer.status == 303, answer.status
        self.visits[at] = answer.headers["Set-Cookie"].split(";")[0]

    def open(self, path: str) -> tuple[float, int]:
        """Seconds and bytes of one page."""
        kept = [cookie for at, cookie in self.visits.items() if path.startswith(at)]
        headers = self.headers | ({"Cookie": kept[0]} if kept else {})
        began = time.perf_counter()
        self.line.request("GET", path, headers=headers)
        answer = self.line.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:300])
        return time.perf_counter() - began, len(body)


def addresses(pattern: str, values: dict[str, list[str]]) -> list[str]:
    """An address at every place it has."""
    for name, known in values.items():
        if f"{{{name}}}" in pattern:
            return [pattern.replace(f"{{{name}}}", quote(one, safe="")) for one in known]
    return [pattern]


def measured(
    home: Path, requests: int, only: str, rng: random.Random
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """One row a page."""
    system = open_system(home)
    headers = enroll(system, "Reader")
    values = drawn(system, rng)
    with served("api.app:application", WARDEN_HOME=str(home)) as (port, process):
        door = Door(port, headers)
        settled(process)
        for name, pattern in PAGES.items():
            if only not in name:
                continue
            if "{firm}" in pattern:
                for firm in values["firm"]:
                    door.visit(firm)
            at = addresses(pattern, values)
            first, _ = door.open(at[0])
            before = cpu_seconds(process)
            found = [door.open(at[n % len(at)]) for n in range(1, requests + 1)]
            spent = cpu_seconds(process) - before
            took = sorted(seconds * 1000 for seconds, _ in found)
            yield {
                "page": name, "places": len(at), "requests": requests,
                "first_ms": round(first * 1000), "p50_ms": round(took[len(took) // 2]),
                "p95_ms": round(quantiles(took, n=20)[18]), "most_ms": round(took[-1]),
                "cpu_ms": round(spent / requests * 1000),
                "bytes": round(sum(size for _, size in found) / requests),
                "load": round(os.getloadavg()[0], 1),
            }  # fmt: skip
    system.engine.dispose()


def main(words: Sequence[str] | None = None) -> None:
    """Prints a line a page, or JSON lines; ends with 1 where a page missed the goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks desk")
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--firms", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=60, help="of each page")
    parser.add_argument("--home", type=Path, required=True, help="made when it is not there")
    parser.add_argument("--only", default="", help="part of the name of a page")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(words)
    if not asked.home.exists():
        prepared(asked.home, asked.alerts, asked.firms)
    missed = 0
    for row in measured(demonstration(asked.home), asked.requests, asked.only, random.Random(1)):
        missed += row["p95_ms"] > GOAL_MS
        print(json.dumps(row) if asked.json else _line(row), flush=True)
    raise SystemExit(1 if missed else 0)


def _line(row: dict[str, Any]) -> str:
    times = f"p50 {row['p50_ms']:>5}  p95 {row['p95_ms']:>5}  most {row['most_ms']:>5} ms"
    first = f"first {row['first_ms']:>5}  cpu {row['cpu_ms']:>5}"
    mark = "  over" if row["p95_ms"] > GOAL_MS else ""
    return f"{row['page']:24}{times}  {first}  {row['bytes']:>8} B  load {row['load']}{mark}"


if __name__ == "__main__":
    main()
