"""The jobs that run by the clock or on demand, and the registry they are entered in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from detector.leases import Claim
from detector.slots import CatchUp
from features.errors import WardenError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from detector.system import System

OFF = "off"


class Schedules(Protocol):
    """Cron text by job name, as the installation sets it."""

    def schedules(self) -> dict[str, str]:
        """Jobs not named keep their own default; ``off`` disables one."""
        ...


class JobSettings(Protocol):
    """The settings a job system needs."""

    @property
    def jobs(self) -> Schedules:
        """The section on jobs."""
        ...


class JobSystem(Protocol):
    """What jobs and scheduler need of an opened installation (`detector.system.System`)."""

    @property
    def settings(self) -> JobSettings: ...
    @property
    def home(self) -> Path: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def clock(self) -> Callable[[], datetime]: ...


@dataclass(frozen=True)
class JobResult:
    """What a job reports into the ledger; `counts` is plain JSON data."""

    counts: Mapping[str, Any] = field(default_factory=dict)
    inputs_hash: str | None = None
    outputs_hash: str | None = None
    note: str | None = None


JobFunction = Callable[[JobSystem, Claim, str], JobResult]


@dataclass(frozen=True)
class Job:
    """A piece of recurring work.

    The function either makes its effects safe to repeat, or commits them together with
    `ledger.finish`; a run it left unfinished is finished for it.

    Attributes:
        schedule: default cron text in UTC.
        catch_up: after an outage, run `each` slot missed or only the `latest`.
        grace: how late a slot may start; None is any time.
        exclusive: no two slots of this job at one time.
    """

    name: str
    title: Mapping[str, str]
    schedule: str
    function: JobFunction
    catch_up: CatchUp = "latest"
    grace: timedelta | None = None
    exclusive: bool = True


_registry: dict[str, Job] = {}


def job(
    name: str,
    *,
    title: Mapping[str, str],
    schedule: str,
    catch_up: CatchUp = "latest",
    grace: timedelta | None = None,
    exclusive: bool = True,
) -> Callable[[JobFunction], JobFunction]:
    """Enters the decorated function under `name`; two jobs of one name are refused."""

    def enter(function: JobFunction) -> JobFunction:
        if name in _registry:
            raise ValueError(f"two jobs are named {name!r}")
        _registry[name] = Job(name, title, schedule, function, catch_up, grace, exclusive)
        return function

    return enter


def all_jobs() -> dict[str, Job]:
    """Every job by name, in the order they were entered."""
    return dict(_registry)


def get_job(name: str) -> Job:
    """One job.

    Raises:
        WardenError: `unknown_job`.
    """
    try:
        return _registry[name]
    except KeyError:
        raise unknown_job(name, _registry) from None


def unknown_job(name: str, known: Mapping[str, Job]) -> WardenError:
    """The error for a name nobody entered."""
    names = ", ".join(known)
    return WardenError(
        "unknown_job", f"There is no job `{name}`.", f"Known jobs: {names}.", kind="not_found"
    )


@job(
    "ingest-folder",
    title={"en": "load files dropped into the inbox", "zh": "导入收件目录中的文件"},
    schedule="*/15 * * * *",
)
def ingest_folder(system: JobSystem, _claim: Claim, _slot: str) -> JobResult:
    """Loads what lies in `inbox/<table>/`; a file is safe to load twice, by its content hash."""
    from detector.inbox_folder import load_folder

    counts = load_folder(system)
    return JobResult(counts=counts, note=None if counts["files"] else "nothing in the inbox")


@job(
    "detect",
    title={"en": "judge new and changed data", "zh": "研判新增与变更数据"},
    schedule="30 2 * * *",
)
def detect(system: JobSystem, claim: Claim, _slot: str) -> JobResult:
    """The main job; it publishes and finishes the run in one transaction of its own."""
    from detector.run import run_detection

    return JobResult(counts=run_detection(cast("System", system), claim=claim).counts)


@job(
    "refit",
    title={"en": "fit the outlier models anew", "zh": "重新拟合异常模型"},
    schedule="0 4 1 * *",
)
def refit(system: JobSystem, claim: Claim, _slot: str) -> JobResult:
    """Freezes a new reference for every model on what is known now."""
    from detector.run import refit as fit_again

    return JobResult(counts=fit_again(cast("System", system), claim=claim).counts)


@job(
    "sample-reviews",
    title={
        "en": "draw subjects without an alert for blind review",
        "zh": "随机抽取无预警对象供盲审",
    },
    schedule="0 5 * * 1",
)
def sample_reviews(system: JobSystem, _claim: Claim, _slot: str) -> JobResult:
    """Queues the week's blind sample; a week that was drawn already is left as it is."""
    from detector.sampling import draw_sample

    told = draw_sample(cast("System", system))
    note = f"{told['slot']} was drawn before" if told["already"] else None
    return JobResult(counts={"queued": told["queued"]}, note=note)


@job(
    "learn-order",
    title={"en": "order the waiting alerts by what reviews taught", "zh": "按审查结果调整待办顺序"},
    schedule="20 * * * *",
)
def learn_order(system: JobSystem, claim: Claim, _slot: str) -> JobResult:
    """Learns from the reviews since the last time; without new ones nothing changes."""
    from detector.lessons import learn

    taught = learn(cast("System", system), claim.key)
    note = None if taught else "no review teaches anything yet"
    counts = {"lessons": len(taught), "moved": sum(row["moved"] for row in taught)}
    return JobResult(counts=counts, note=note)


@job(
    "drift",
    title={"en": "measure the drift of features and scores", "zh": "测量特征与得分的漂移"},
    schedule="0 5 * * 1",
)
def drift(system: JobSystem, _claim: Claim, _slot: str) -> JobResult:
    """Compares what is judged now with what peers and models were frozen on; keeps the report."""
    from detector.drift import drift_report
    from detector.drift_reports import keep_report
    from features.errors import WardenError

    try:
        report = drift_report(cast("System", system))
    except WardenError as error:
        if error.code != "nothing_judged":
            raise
        return JobResult(note="nothing judged yet")
    keep_report(cast("System", system), report)
    return JobResult(counts=report["counts"])


@job(
    "audit-checkpoint",
    title={"en": "verify and sign the audit trail", "zh": "校验并签署审计链"},
    schedule="10 * * * *",
)
def audit_checkpoint(system: JobSystem, _claim: Claim, _slot: str) -> JobResult:
    """Verifies every entry and writes a signed checkpoint; fails when something is wrong."""
    from detector.audit.trail import make_checkpoint

    one = make_checkpoint(cast("System", system))
    return JobResult(
        counts={"entries": one.seq - one.since if one else 0},
        note=None if one else "nothing was entered since the last checkpoint",
    )


@job(
    "searches",
    title={"en": "index firms and run saved searches", "zh": "更新企业索引并运行已存检索"},
    schedule="5,20,35,50 * * * *",
)
def searches(system: JobSystem, _claim: Claim, _slot: str) -> JobResult:
    """Takes what was filed into the index of firms, then looks for what people asked to hear of."""
    from detector.firm_index import keep_index
    from detector.saved_searches import run_searches

    indexed = keep_index(cast("System", system))
    found = run_searches(cast("System", system))
    note = "nothing was filed since the last time" if indexed.current else None
    return JobResult(counts=indexed.as_dict() | found, note=note)


@job(
    "follow-up",
    title={"en": "follow up what cases decided", "zh": "跟踪案件处理措施的效果"},
    schedule="0 6 * * *",
)
def follow_up(system: JobSystem, _claim: Claim, _slot: str) -> JobResult:
    """Compares what interventions were to move with peers, before and after; keeps what is new."""
    from collections import Counter

    from alerts.model import SYSTEM
    from detector.remedies.follow_up import follow_up as pursue

    told = pursue(cast("System", system), None, SYSTEM)
    counts = {**Counter(one["verdict"] for one in told), "kept": sum(one["kept"] for one in told)}
    return JobResult(counts=counts, note=None if told else "no case has anything to follow up")


@job(
    "notify",
    title={"en": "tell people and programs what happened", "zh": "向人员和程序发送通知"},
    schedule="* * * * *",
)
def notify(system: JobSystem, claim: Claim, _slot: str) -> JobResult:
    """Sends e-mail and webhooks; what is taken from a dead worker is told at most once more."""
    from detector.notifying.sending import notify as send

    counts = send(cast("System", system), claim.worker)
    return JobResult(counts=counts, note=None if any(counts.values()) else "nothing to tell")
