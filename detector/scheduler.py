"""The worker: plans what is due, takes it, carries it out, and ends in good order.

APScheduler is only the clock that wakes it; which slots exist and who runs them is in the ledger,
so any number of workers may share one database, and a late wake-up loses nothing.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from detector import ledger, slots
from detector.database import reading, writing
from detector.jobs import OFF, Job, JobResult, JobSystem, all_jobs, unknown_job
from detector.leases import HEARTBEAT_S, LEASE_S, MAX_ATTEMPTS
from features.errors import WardenError

log = structlog.get_logger(__name__)

POLL_S = 5.0
DRAIN_S = 20.0


def schedules(system: JobSystem, jobs: Mapping[str, Job]) -> dict[str, CronTrigger]:
    """The trigger of every job that is not off.

    Raises:
        WardenError: `bad_schedule`, or `unknown_job` for a schedule of no job.
    """
    texts = {name: job.schedule for name, job in jobs.items()}
    for name, text in system.settings.jobs.schedules().items():
        if name not in jobs:
            raise unknown_job(name, jobs)
        texts[name] = text
    return {name: slots.cron(text) for name, text in texts.items() if text.strip() != OFF}


@dataclass
class Worker:
    """One process's hands: everything it does goes through the ledger.

    Attributes:
        lease_s, heartbeat_s: the lease lasts by the system's clock, the beat by real seconds.
    """

    system: JobSystem
    jobs: Mapping[str, Job] = field(default_factory=all_jobs)
    lease_s: float = LEASE_S
    heartbeat_s: float = HEARTBEAT_S
    max_attempts: int = MAX_ATTEMPTS
    name: str = field(default_factory=ledger.worker_name)
    ended: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._triggers = schedules(self.system, self.jobs)
        self._stopping = threading.Event()
        self._awake = threading.Event()
        self._current: ledger.Claim | None = None

    def plan(self) -> None:
        """Gives every slot that fell due a row, and takes back what dead workers held."""
        for name, trigger in self._triggers.items():
            plan_due(self.system, self.jobs[name], trigger, self.system.clock())
        for run_id in ledger.reap(
            self.system.engine, self.system.clock, max_attempts=self.max_attempts
        ):
            log.warning("lease ended, run taken back", run_id=run_id, worker=self.name)

    def take(self) -> ledger.Claim | None:
        """Claims the oldest slot ready, or None when nothing is ready or others were faster."""
        now = self.system.clock()
        with reading(self.system.engine) as conn:
            ready = ledger.due(conn, list(self._triggers), now=now)
        for name, slot in ready:
            mine = ledger.claim(
                self.system.engine, name, slot, self.name, self.lease_s,
                clock=self.system.clock, exclusive=self.jobs[name].exclusive,
            )  # fmt: skip
            if mine is not None:
                return mine
        return None

    def execute(self, mine: ledger.Claim) -> str:
        """Carries out a claimed run to its end in the ledger; returns how it ended."""
        bound = log.bind(job=mine.job, slot=mine.slot, run_id=mine.run_id, token=mine.token)
        bound.info("run started", attempt=mine.attempt, worker=self.name)
        self._current = mine
        try:
            with ledger.Heartbeat(self.system.engine, mine, self.system.clock, self.heartbeat_s):
                result = self.jobs[mine.job].function(self.system, mine, mine.slot)
            ended = self._finish(mine, result)
        except Exception as error:  # noqa: BLE001 - whatever a job raises belongs in the ledger
            ended = self._failed(mine, error)
            bound.warning("run broke off", ended=ended, error=str(error), exc_info=True)
        except BaseException:
            self._release("the worker was told to end")
            raise
        finally:
            self._current = None
        self.ended[ended] += 1
        bound.info("run ended", ended=ended)
        return ended

    def _finish(self, mine: ledger.Claim, result: JobResult) -> str:
        """Finishes the run unless its function did so in the transaction of its effects."""
        with writing(self.system.engine) as conn:
            rows = ledger.ledger_rows(conn, run_id=mine.run_id)
            if rows[0].state == "done" and rows[0].token == mine.token:
                return "done"
            ledger.finish(
                conn, mine, now=self.system.clock(), counts=result.counts, note=result.note,
                inputs_hash=result.inputs_hash, outputs_hash=result.outputs_hash,
            )  # fmt: skip
        return "done"

    def _failed(self, mine: ledger.Claim, error: Exception) -> str:
        """Records the failure, unless the run is no longer ours to speak of."""
        text = f"{error.code}: {error}" if isinstance(error, WardenError) else repr(error)
        with writing(self.system.engine) as conn:
            if not ledger.still_held(conn, mine):
                return "lost"
            again = ledger.fail(
                conn, mine, text, now=self.system.clock(), max_attempts=self.max_attempts
            )
        return "retry" if again else "failed"

    def _release(self, why: str) -> None:
        mine = self._current
        if mine is None:
            return
        with writing(self.system.engine) as conn:
            if ledger.still_held(conn, mine):
                ledger.release(conn, mine, why, now=self.system.clock())
                log.info("run given back", run_id=mine.run_id, worker=self.name)

    def run_ready(self) -> int:
        """Takes and executes until nothing is ready or the worker is to end; returns how many."""
        count = 0
        while not self._stopping.is_set() and (mine := self.take()) is not None:
            self.execute(mine)
            count += 1
        return count

    def tick(self) -> int:
        """Plans, then works off what is ready; returns how many runs were executed."""
        self.plan()
        return self.run_ready()

    def wake(self) -> None:
        """What APScheduler calls: plans, and lets the working thread look. Short on purpose."""
        self.plan()
        self._awake.set()

    def loop(self) -> None:
        """The working thread: one run at a time, whenever woken."""
        while not self._stopping.is_set():
            self._awake.wait()
            self._awake.clear()
            try:
                self.run_ready()
            except Exception:  # the database may be away for a while; the next wake tries again
                log.exception("work interrupted", worker=self.name)

    def drain(self, thread: threading.Thread, seconds: float) -> None:
        """Lets the run under way end; gives it back when it takes longer than `seconds`."""
        self._stopping.set()
        self._awake.set()
        thread.join(timeout=seconds)
        if thread.is_alive():
            self._release(f"the worker ended after waiting {seconds:.0f} s")


def plan_due(system: JobSystem, job: Job, trigger: CronTrigger, now: datetime) -> None:
    """Writes a row for every slot of `job` due since the last known one.

    A job seen for the first time starts with its latest slot. With `latest`, slots that wait for a
    worker when a newer one falls due are coalesced into it, too.
    """
    with reading(system.engine) as conn:
        last = ledger.last_slot(conn, job.name)
    if last is None:
        first = slots.latest_slot(trigger, now)
        due = [first] if first else []
    else:
        due = slots.slots_between(trigger, slots.slot_time(last), now)
    if not due:
        return
    skipped = 0
    with writing(system.engine) as conn:
        for moment, why in slots.decide(due, job.catch_up, job.grace, now):
            new = ledger.plan(conn, job.name, slots.slot_text(moment), now=now, skipped=why)
            skipped += new and why is not None
        if job.catch_up == "latest":
            skipped += ledger.supersede(conn, job.name, slots.slot_text(due[-1]), now=now)
    if skipped:
        log.warning("slots skipped", job=job.name, count=skipped, until=slots.slot_text(due[-1]))


def run_now(system: JobSystem, name: str, jobs: Mapping[str, Job] | None = None) -> ledger.Run:
    """Runs one job by hand, under a slot of its own; returns its row of the ledger.

    Raises:
        WardenError: `unknown_job`.
    """
    known = all_jobs() if jobs is None else jobs
    if name not in known:
        raise unknown_job(name, known)
    worker = Worker(system, known)
    mine = ledger.begin_manual(system.engine, name, worker=worker.name, clock=system.clock)
    worker.execute(mine)
    with reading(system.engine) as conn:
        return ledger.ledger_rows(conn, run_id=mine.run_id)[0]


def work(
    system: JobSystem,
    *,
    once: bool = False,
    poll_seconds: float = POLL_S,
    drain_seconds: float = DRAIN_S,
    stop: threading.Event | None = None,
    worker: Worker | None = None,
) -> Counter[str]:
    """The scheduler process. Returns how many runs ended how (done, retry, failed, lost).

    SIGTERM and SIGINT let the run under way end, or give it back after `drain_seconds`.

    Args:
        once: work off what is due now and return.
        stop: ends the work when set, in place of signals (for a thread of another process).
    """
    worker = worker or Worker(system)
    if once:
        with _signals(_terminate) if stop is None else _no_signals():
            while worker.tick():
                pass
        return worker.ended
    ending = stop or threading.Event()
    with _signals(lambda *_: ending.set()) if stop is None else _no_signals():
        _run_until(ending, worker, poll_seconds, drain_seconds)
    return worker.ended


def _run_until(
    ending: threading.Event, worker: Worker, poll_seconds: float, drain_seconds: float
) -> None:
    # a skipped wake-up is no news here: the ledger remembers what is due
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    clock = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    clock.add_job(
        worker.wake, "interval", seconds=poll_seconds, next_run_time=datetime.now(UTC), id="wake"
    )
    clock.add_listener(_wake_failed, EVENT_JOB_ERROR)
    thread = threading.Thread(target=worker.loop, name="work", daemon=True)
    log.info("worker started", worker=worker.name, jobs=sorted(worker.jobs))
    thread.start()
    clock.start()
    try:
        ending.wait()
    finally:
        clock.shutdown(wait=True)
        worker.drain(thread, drain_seconds)
        log.info("worker ended", worker=worker.name, **worker.ended)


def _wake_failed(event: JobExecutionEvent) -> None:
    log.error("planning failed", error=repr(event.exception))


def _terminate(*_: object) -> None:
    raise SystemExit(143)


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """`handler` on SIGTERM and SIGINT while the body runs."""
    before = {s: signal.signal(s, handler) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def _no_signals() -> Iterator[None]:
    yield
