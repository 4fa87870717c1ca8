"""`python -m benchmarks api`: pages of a queue of a million alerts, over HTTP, signed in by a key.

The server is a process of its own with one event loop; `--clients` connections ask for it without
a pause. `cpu_ms` is what the server process spent on an answer, which a busy machine does not move
as it moves `per_s`. The first pages, pages further on and the counts are those of the same queue.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from alerts.pipeline import process
from benchmarks.api.filling import fill
from detector.database import connect, upgrade, writing
from detector.lake import Lake
from detector.settings import Settings
from detector.system import System, create_home, open_system, utc_now
from tests.api.market import RUN, signals
from tests.signed import enroll

ASKED = {"queue page": "/api/v1/alerts?limit=50", "one state": "/api/v1/alerts?limit=50&state=open"}


def cpu_seconds(process: int) -> float:
    """Of all threads of a process, so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(home: Path) -> Iterator[tuple[int, int]]:
    """A server over the home: its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "uvicorn", "api.app:application", "--factory", "--port",
             str(port), "--log-level", "warning"]  # fmt: skip
    rates = {f"WARDEN_RATES__{kind}_PER_MINUTE": "0" for kind in ("READ", "CHANGE")}
    server = subprocess.Popen(words, env={**os.environ, **rates, "WARDEN_HOME": str(home)})
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


def ask(port: int, path: str, headers: dict[str, str], seconds: float, times: list[float]) -> None:
    """Asks again and again over one connection."""
    line = http.client.HTTPConnection("127.0.0.1", port)
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:300]
        times.append(time.perf_counter() - began)
    line.close()


def measured(
    server: tuple[int, int], path: str, headers: dict[str, str], clients: int, seconds: float
) -> dict[str, float]:
    """Rates and times of one address."""
    port, process_id = server
    ask(port, path, headers, 1, [])
    times: list[float] = []
    before, began = cpu_seconds(process_id), time.perf_counter()
    threads = [
        Thread(target=ask, args=(port, path, headers, seconds, times)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, spent = time.perf_counter() - began, cpu_seconds(process_id) - before
    cuts = quantiles(times, n=100)
    return {
        "requests": len(times),
        "per_s": round(len(times) / wall),
        "cpu_ms": round(spent / len(times) * 1000, 2),
        "per_cpu_s": round(len(times) / spent),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
    }


def prepared(home: Path, alerts: int) -> dict[str, str]:
    """A home with that many alerts; headers of somebody who may read them."""
    create_home(home)
    engine = connect(f"sqlite:///{home / 'warden.db'}")
    upgrade(engine)
    system = System(Settings(), home, engine, Lake(home, engine), utc_now)
    with writing(engine) as connection:
        process(connection, signals(), run_id=RUN, now=utc_now())
    fill(system, alerts)
    with writing(engine) as connection:
        connection.exec_driver_sql("ANALYZE")
    headers = enroll(system, "Reader")
    engine.dispose()
    return headers


def main(words: Sequence[str] | None = None) -> None:
    """Prints one JSON object an address."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks api")
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--home", type=Path, help="kept and used again; a scratch folder else")
    asked = parser.parse_args(words)
    with TemporaryDirectory() as scratch:
        home: Path = asked.home or Path(scratch) / "home"
        if (home / "warden.db").exists():
            headers = enroll(open_system(home), "Reader")
        else:
            headers = prepared(home, asked.alerts)
        with served(home) as server:
            for name, path in ASKED.items():
                found: dict[str, Any] = {"asked": name, "alerts": asked.alerts}
                found |= measured(server, path, headers, asked.clients, asked.seconds)
                print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
