"""Backtests asked for at the desk: run in the background, kept by what they are of.

A study is named by the hash of the text it is about, so its figures can never be taken for those
of another text. The file beside the home's results says where it stands; what it looked at stays
in memory for a while, so that a limit can be moved without computing features again.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from alerts import audit
from detector.backtesting import beside, plain, report_over
from detector.database import writing
from detector.hindsight import look_back
from detector.rule_moves import Facts, closings_of, moved
from detector.rulebook import rulebook
from detector.whole_files import replace_text
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System
    from rules.load import Rule

FOLDER = "backtests"
KEPT = 2
"""Studies whose facts stay in memory."""
LOST = timedelta(hours=1)
"""After this a study that another process began and never ended counts as lost."""

State = Literal["running", "done", "failed"]


@dataclass(frozen=True)
class Study:
    """One backtest of one text over all of history.

    Attributes:
        id: the hash of the text.
        error: why it failed, empty else.
        report: what a promotion asks for, None until it is done.
    """

    id: str
    rule: str
    version: str
    state: State
    asked_by: str
    started: datetime
    finished: datetime | None = None
    error: str = ""
    report: Mapping[str, Any] | None = None

    def content(self) -> bytes:
        """The report as a promotion takes it."""
        return json.dumps(self.report, sort_keys=True).encode()

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        shown = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return dict(plain(shown))


def study_id(rule: Rule) -> str:
    """What the study of a text is called."""
    return rule.content_hash


class Studies:
    """The studies of one installation; one at a time is computed."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._folder = system.home / FOLDER
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backtest")
        self._running: set[str] = set()
        self._facts: OrderedDict[str, Facts] = OrderedDict()
        self._lock = Lock()

    def start(self, rule: Rule, actor: str) -> Study:
        """Begins the study of a text, anew where there was one; one already running goes on.

        Raises:
            WardenError: `actor_required`.
        """
        from detector.promotion import named

        name, found = study_id(rule), self.of(study_id(rule))
        if found is not None and found.state == "running":
            return found
        now = self._system.clock()
        study = Study(name, rule.id, rule.version, "running", named(actor), now)
        with writing(self._system.engine) as connection:
            audit.record(
                connection, actor=study.asked_by, action="rule.backtested", kind="rule",
                key=rule.id, data={"version": rule.version, "text": rule.content_hash}, now=now,
            )  # fmt: skip
        # only once the act is entered for good
        self._keep(study)
        with self._lock:
            self._running.add(name)
        self._pool.submit(self._work, study, rule)
        return study

    def of(self, name: str) -> Study | None:
        """A study by its name; None when nobody asked for it."""
        if not name.isalnum():
            return None
        try:
            data = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        for day in ("started", "finished"):
            data[day] = datetime.fromisoformat(data[day]) if data[day] else None
        found = Study(**data)
        mine = name in self._running
        if found.state == "running" and not mine and self._system.clock() - found.started > LOST:
            return replace(found, state="failed", error="its process ended before it did")
        return found

    def moved(self, rule: Rule, given: Mapping[str, float], along: str | None) -> dict[str, Any]:
        """What other limits of a studied text would do, from what the study looked at.

        Raises:
            WardenError: `not_studied`, `study_stale`, `unknown_parameter`, `bad_parameter`.
        """
        return moved(self.facts(rule), given, along)

    def facts(self, rule: Rule) -> Facts:
        """What a study looked at; looked up again where memory has let go of it.

        Raises:
            WardenError: `not_studied`; `study_stale` when more is filed since.
        """
        name = study_id(rule)
        study = self.of(name)
        if study is None or study.report is None:
            raise WardenError(
                "not_studied", "History was not asked about this text yet.", "Run the backtest.",
                "conflict",
            )  # fmt: skip
        with self._lock:
            kept = self._facts.get(name)
            if kept is not None:
                self._facts.move_to_end(name)
                return kept
        found = self._look(rule)
        if found.hindsight.plan.snapshot.id != study.report["snapshot_id"]:
            raise WardenError(
                "study_stale", "More was filed since the backtest ran.", "Run it again.",
                "conflict",
            )  # fmt: skip
        self._remember(name, found)
        return found

    def close(self) -> None:
        """Waits for what is being computed and begins nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, study: Study, rule: Rule) -> None:
        try:
            found = self._look(rule)
            report = report_over(found.hindsight, rule)
            ended = replace(study, state="done", report=report.as_dict())
            self._remember(study.id, found)
        except Exception as error:  # noqa: BLE001  whatever it is, whoever asked is told
            ended = replace(study, state="failed", error=str(error)[:500] or type(error).__name__)
        self._keep(replace(ended, finished=self._system.clock()))
        with self._lock:
            self._running.discard(study.id)

    def _look(self, rule: Rule) -> Facts:
        system = self._system
        book = rulebook(system)
        ruleset, now = book.in_force(), book.standing(rule.id)
        live = book.version(rule.id, now.live.version) if now.live else None
        if live is not None and live.spec.grain != rule.spec.grain:
            live = None
        asked = [rule, *([live] if live else []), *beside(ruleset, [rule])]
        hindsight = look_back(system, ruleset, asked)
        return Facts(hindsight, rule, live, closings_of(system, rule))

    def _remember(self, name: str, found: Facts) -> None:
        with self._lock:
            self._facts[name] = found
            while len(self._facts) > KEPT:
                self._facts.popitem(last=False)

    def _keep(self, study: Study) -> None:
        self._folder.mkdir(exist_ok=True)
        text = json.dumps(study.as_dict(), sort_keys=True)
        replace_text(self._folder / f"{study.id}.json", text)
