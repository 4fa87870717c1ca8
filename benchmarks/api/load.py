"""`python -m benchmarks api`: pages of a queue of a million alerts, over HTTP, signed in.

The server is a process of its own with one event loop; `--clients` connections ask for it without
a pause, every request for another place of the queue where a page has places. `cpu_ms` is what the
server process spent on an answer, which a busy machine does not move as it moves `per_s`; of
PostgreSQL the database's own processes are not in it. `of_peer` is the share of the rate of a bare
FastAPI route that answers a constant body of the same size, in the same run. Then eight threads
decide about the same alerts, and what is lost is counted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import sqlalchemy as sa

from alerts.ordering import cursor_at
from alerts.pipeline import process
from alerts.tables import alert
from benchmarks.api.decisions import decisions
from benchmarks.api.filling import fill
from detector.database import reading, writing
from detector.system import System, create_home, open_system, utc_now
from tests.api.market import RUN, signals
from tests.servers import postgres_server
from tests.signed import enroll

QUEUE = "/api/v1/alerts?limit=50"
FILTERS = (
    "", "&state=open", "&lane=legal", "&lane=screen&state=open", "&severity=4&severity=5",
    "&typology=MON-BID-CV", "&typology=PRIV-BREACH-LATE&state=open", "&set_aside=false",
    "&state=open&state=acknowledged", "&sort=queue&lane=screen&severity=3",
)  # fmt: skip
PLACES = 500


def cpu_seconds(process: int) -> float:
    """Of all threads of a process, so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(application: str, **settings: str) -> Iterator[tuple[int, int]]:
    """A server of an application: its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "uvicorn", application, "--factory", "--port",
             str(port), "--log-level", "warning"]  # fmt: skip
    rates = {f"WARDEN_RATES__{kind}_PER_MINUTE": "0" for kind in ("READ", "CHANGE")}
    server = subprocess.Popen(words, env={**os.environ, **rates, **settings})
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(20)


def settled(process: int, seconds: int = 120) -> None:
    """Waits until a server has read ahead what it reads beside its start."""
    for _ in range(seconds):
        before = cpu_seconds(process)
        time.sleep(1)
        if cpu_seconds(process) - before < 0.05:
            return


def ask(
    port: int, paths: Sequence[str], headers: dict[str, str], seconds: float,
    found: list[tuple[float, int]],
) -> None:  # fmt: skip
    """Asks again and again over one connection, in turn for every path; seconds and bytes."""
    line = http.client.HTTPConnection("127.0.0.1", port)
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        line.request("GET", random.choice(paths), headers=headers)
        answer = line.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:300]
        found.append((time.perf_counter() - began, len(body)))
    line.close()


def measured(
    server: tuple[int, int], paths: Sequence[str], headers: dict[str, str], clients: int,
    seconds: float,
) -> dict[str, float]:  # fmt: skip
    """Rates and times of some addresses."""
    port, process_id = server
    for path in paths[: len(FILTERS)]:
        ask(port, [path], headers, 0.05, [])
    found: list[tuple[float, int]] = []
    before, began = cpu_seconds(process_id), time.perf_counter()
    threads = [
        Thread(target=ask, args=(port, paths, headers, seconds, found)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, spent = time.perf_counter() - began, cpu_seconds(process_id) - before
    cuts = quantiles([took for took, _ in found], n=100)
    return {
        "requests": len(found),
        "bytes": round(sum(size for _, size in found) / len(found)),
        "per_s": round(len(found) / wall),
        "cpu_ms": round(spent / len(found) * 1000, 2),
        "per_cpu_s": round(len(found) / spent),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p95_ms": round(cuts[94] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
    }


def prepared(home: Path, alerts: int, url: str = "") -> None:
    """A home with that many alerts."""
    create_home(home)
    if url:
        config = home / "config.toml"
        text = config.read_text().replace('database_url = ""', f'database_url = "{url}"')
        config.write_text(text)
    system = open_system(home)
    with writing(system.engine) as connection:
        process(connection, signals(), run_id=RUN, now=utc_now())
    fill(system, alerts)
    system.engine.dispose()


def pages(system: System) -> dict[str, list[str]]:
    """Addresses by what is asked for, most at many places of the queue."""
    places = sa.select(alert.c.queue_rank, alert.c.id)
    with reading(system.engine) as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(alert)) or 1
        ids = [f"A-0{n}" for n in range(1, total - 100, max(total // PLACES, 1))]
        rows = connection.execute(places.where(alert.c.id.in_(ids))).all()
    after = [f"&cursor={cursor_at(rank, alert_id)}" for rank, alert_id in rows]
    varied = zip(FILTERS * (len(after) // len(FILTERS) + 1), after, strict=False)
    return {
        "queue, first page": [QUEUE],
        "queue, any place": [QUEUE, *(QUEUE + one for one in after)],
        "queue, filters and places": [QUEUE + one for one in FILTERS]
        + [QUEUE + given + one for given, one in varied],
        "alert": [f"/api/v1/alerts/{alert_id}?explain=false" for _, alert_id in rows],
        "firms": ["/api/v1/firms?q=paving"],
        "page /": ["/"],
        "page /alerts/ID": [f"/alerts/{alert_id}" for _, alert_id in rows],
        "page /audit": ["/audit"],
        "page /cases": ["/cases"],
    }


def compared(
    home: Path, about: dict[str, Any], clients: int, seconds: float, only: str
) -> Iterator[dict[str, Any]]:
    """Every page of one home beside the peer, then decisions."""
    system = open_system(home)
    headers = enroll(system, "Reader") | {"Accept": "application/json, text/html"}
    asked = {name: paths for name, paths in pages(system).items() if only in name}
    with served("api.app:application", WARDEN_HOME=str(home)) as server:
        settled(server[1])
        for name, paths in asked.items():
            ours = measured(server, paths, headers, clients, seconds)
            with served("benchmarks.api.peer:application", PEER_BYTES=str(ours["bytes"])) as bare:
                peer = measured(bare, ["/"], {}, clients, min(seconds, 3))
            share = round(ours["per_cpu_s"] / peer["per_cpu_s"], 2)
            load = round(os.getloadavg()[0], 1)
            yield about | {"asked": name} | ours | {"of_peer": share, "load": load}
    if only in "decisions":
        for among in (200, 20_000):
            yield about | {"asked": "decisions"} | decisions(system, 8, seconds, among)
    system.engine.dispose()


def main(words: Sequence[str] | None = None) -> None:
    """Prints a table a store, or JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks api")
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--home", type=Path, help="kept and used again; a scratch folder else")
    parser.add_argument(
        "--postgres", action="store_true", help="a PostgreSQL made for it, not SQLite"
    )
    parser.add_argument("--only", default="", help="part of the name of what is asked for")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(words)
    with ExitStack() as stack:
        home: Path = asked.home or Path(stack.enter_context(TemporaryDirectory())) / "home"
        url = ""
        if asked.postgres:
            socket_folder = stack.enter_context(postgres_server())
            url = f"postgresql://postgres@/postgres?host={socket_folder}"
        if not (home / "config.toml").exists():
            prepared(home, asked.alerts, url)
        about = {"store": "postgresql" if url else "sqlite", "alerts": asked.alerts}
        rows = compared(home, about, asked.clients, asked.seconds, asked.only)
        for row in rows:
            print(json.dumps(row) if asked.json else _line(row), flush=True)


def _line(row: dict[str, Any]) -> str:
    start = f"{row['store']:11}{row['alerts']:>10,}  {row['asked']:28}"
    times = f"{row['p50_ms']:>8} {row['p99_ms']:>8} ms"
    if "decisions" in row:
        lost = row["lost"] + row["events_lost"]
        return f"{start}{row['per_s']:>6}/s {times}  {row['conflicts']} conflicts, {lost} lost"
    speed = f"{row['per_cpu_s']:>6}/core s {row['of_peer']:>5} of peer"
    return f"{start}{speed} {row['per_s']:>6}/s {times} {row['bytes']:>8} B  load {row['load']}"


if __name__ == "__main__":
    main()
