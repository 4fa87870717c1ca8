"""A worker in a process of its own: `python -m tests.ledger.worker_process URL JOB FOLDER ...`.

Its clock runs `speed` times as fast as the wall from a shared moment on, so a minute's slot takes
a fraction of a second. It prints how its runs ended when it is told to end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from detector import ledger
from detector.database import connect
from detector.jobs import JobResult, JobSystem
from detector.scheduler import Worker, work
from tests.ledger.support import START, make_system, minutely, take_effect


def main() -> None:
    url, kind, folder, speed, epoch, poll, drain = sys.argv[1:8]
    place, factor, began = Path(folder), float(speed), float(epoch)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

    def clock() -> datetime:
        return START + timedelta(seconds=(time.time() - began) * factor)

    def quick(system: JobSystem, claim: ledger.Claim, slot: str) -> JobResult:
        """Whoever takes its first slot holds it until a second worker has taken one, too."""
        (place / f"took-{os.getpid()}").touch()
        while len(list(place.glob("took-*"))) < 2:
            time.sleep(0.01)
        time.sleep(0.01)
        return take_effect(system, claim, slot)

    def slow_at_first(system: JobSystem, claim: ledger.Claim, slot: str) -> JobResult:
        """The first worker to come by says so and waits to be told on; the others go ahead."""
        try:
            (place / "first").touch(exist_ok=False)
        except FileExistsError:
            return take_effect(system, claim, slot)
        (place / "started").write_text(slot)
        while not (place / "go").exists():
            time.sleep(0.02)
        return take_effect(system, claim, slot)

    # `* * * * *` for many slots; once a year for exactly one
    functions = {"quick": quick, "slow": slow_at_first}
    job = minutely(functions[kind])
    texts = {"every": "* * * * *" if kind == "quick" else "0 0 1 1 *"}
    system = make_system(connect(url), clock, **texts)
    lease = {"quick": 3600.0, "slow": ledger.LEASE_S}[kind]
    beat = {"quick": 0.5, "slow": ledger.HEARTBEAT_S / factor}[kind]
    worker = Worker(system, {"every": job}, lease_s=lease, heartbeat_s=beat)
    (place / f"ready-{worker.name.split(':')[1]}").touch()
    ended = work(system, poll_seconds=float(poll), drain_seconds=float(drain), worker=worker)
    print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    main()
