"""One alert with the run that last said something about it, and what that run would say again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from alerts.merge import Moment, merge
from alerts.model import Alert, AlertEvent, EventKind, Priority, Signal, alert_object
from alerts.store import STORM_KIND
from detector import raising, replay_causes, replay_ranking, replay_stored
from detector.database import reading
from detector.false_alarms import FAMILIES
from detector.replay_compare import Difference, counted, differences, shown
from detector.replay_judgement import Again, Asked, Past, grains_asked, storm_again
from detector.replay_pins import code, not_pinned
from detector.storms import storm_signals
from detector.wealth import Block, told
from features.errors import WardenError

if TYPE_CHECKING:
    from datetime import datetime

    from detector.lake import Snapshot
    from detector.system import System

IDENTICAL, DIFFERS = "identical", "differs"
SAID = (EventKind.OPENED, EventKind.UPDATED, EventKind.FIRES_AGAIN, EventKind.REOPENED)
"""Events with which a run says anew what it sees."""


class Judging(Protocol):
    """What gives pasts and judgements, each made once (`detector.replay.Replayer`)."""

    system: System

    def past(self, run_key: str, typology: str) -> Past:
        """What a run judged a typology by."""
        ...

    def again(
        self, past: Past, asked: Asked, snapshot: Snapshot, known_at: datetime | None = None
    ) -> Again:
        """The judgement of an alert's group."""
        ...


@dataclass(frozen=True)
class Replay:
    """What became of one alert judged again.

    Attributes:
        compared: figures and texts that were looked at.
        causes: of the differences, the likeliest first; each with `code` and `text` (en, zh).
        judges: what the run judged by that is another one today (code, rules, models,
            parameters): it moved nothing, and would in a new run.
        as_known_now: the same judgement over today's filings; None where it was not asked for.
    """

    alert_id: str
    version: int
    run_id: str
    snapshot_id: str | None
    differences: tuple[Difference, ...]
    compared: int
    causes: tuple[Mapping[str, Any], ...] = ()
    judges: Mapping[str, Any] = field(default_factory=dict)
    as_known_now: Mapping[str, Any] | None = None
    blind: bool = False

    @property
    def outcome(self) -> str:
        """`identical` or `differs`."""
        return DIFFERS if self.differences else IDENTICAL

    def as_dict(self) -> dict[str, Any]:
        """Plain data; of an alert in blind review without any figure."""
        hidden = self.blind
        return {
            "alert_id": self.alert_id,
            "version": self.version,
            "run_id": self.run_id,
            "snapshot_id": self.snapshot_id,
            "outcome": self.outcome,
            "compared": self.compared,
            "differences": [] if hidden else [one.as_dict() for one in self.differences],
            "causes": [dict(cause) for cause in self.causes],
            "judges": dict(self.judges),
            "as_known_now": None if hidden or not self.as_known_now else dict(self.as_known_now),
            "blind": hidden,
        }


def said_last(alert: Alert, events: Sequence[AlertEvent]) -> AlertEvent:
    """The event with which a run last said what it sees.

    Raises:
        WardenError: `not_pinned` where no run did.
    """
    for event in reversed(events):
        if event.kind in SAID and event.run_id:
            return event
    raise not_pinned(alert.run_id)


@dataclass(frozen=True)
class Case:
    """An alert to be replayed.

    Attributes:
        said: the event with which a run last said what it sees.
        drawn: grain of a subject that was drawn for blind review and that no run has raised.
    """

    by: Judging
    alert: Alert
    events: Sequence[AlertEvent]
    said: AlertEvent
    drawn: str | None

    @property
    def run_key(self) -> str:
        """The run whose judgement is made again."""
        return str(self.said.run_id)

    def replayed(self, *, as_known_now: bool) -> Replay:
        """The whole comparison.

        Raises:
            WardenError: where something recorded is gone, changed or unreadable.
        """
        seen, system = self.alert.signal, self.by.system
        past = self._past(self.run_key)
        then, asked = past.pins.pinned(system.lake), self._asked(past)
        recorded = shown(alert_object(self.alert))
        found = list(past.faults)
        signal = self._signal(past, asked, then)
        if signal is None:
            found.append(Difference("raised", True, False))
        else:
            size = replay_ranking.affected(system, self.events, signal)
            found += differences(recorded, self._as_shown(signal, self._priority(signal, size)))
        stored = self._stored(past, asked, then)
        found += stored.differences
        today = code()
        return Replay(
            self.alert.id,
            self.alert.version,
            self.run_key,
            seen.snapshot_id,
            tuple(found),
            counted(recorded) + stored.compared,
            tuple(replay_causes.causes(past, found, today)) if found else (),
            replay_causes.judges_today(system, past, today),
            self._now(past, asked, recorded, then) if as_known_now else None,
        )

    def stands_on(self) -> tuple[Past, Asked]:
        """What the alert was judged by, and the row it is about.

        Raises:
            WardenError: as `replayed`.
        """
        past = self._past(self.run_key)
        return past, self._asked(past)

    def broken(self, error: WardenError) -> Replay:
        """What is recorded cannot be read any more: that is a difference in itself."""
        fault = Difference(error.code, "as recorded", error.message)
        text = {"en": error.message, "zh": error.message}
        return Replay(
            self.alert.id, self.alert.version, self.run_key, self.alert.signal.snapshot_id,
            (fault,), 0, ({"code": error.code, "text": text},),
        )  # fmt: skip

    def _past(self, run_key: str) -> Past:
        """What the alert was judged by: as a rule, by the run that said so.

        A draw cites the results in force; what it drew may stand in them from an earlier run.
        """
        seen = self.alert.signal
        past = self.by.past(run_key, seen.typology)
        if self.drawn is None:
            return past
        cell = (seen.typology, self.drawn, seen.period_start)
        for below in ("", *reversed(past.pins.below)):
            found = past if not below else self.by.past(below, seen.typology)
            if found.pins.speaks_for(*cell):
                return found
        if not past.pins.below:
            raise not_pinned(run_key)
        return self._past(past.pins.below[0])

    def _asked(self, past: Past) -> Asked:
        seen = self.alert.signal
        kind, start = seen.subject_kind, seen.period_start
        grains = (
            (self.drawn,) if self.drawn else grains_asked(past.pins, seen.typology, kind, start)
        )
        return Asked(seen.typology, kind, seen.subject_key, start, seen.period_end, grains)

    def _as_shown(self, signal: Signal, priority: Priority) -> dict[str, Any]:
        return shown(alert_object(replace(self.alert, signal=signal, priority=priority)))

    def _priority(self, signal: Signal, size: Mapping[str, Any] | None) -> Priority:
        with reading(self.by.system.engine) as connection:
            return replay_ranking.priority(connection, self.alert, signal, size)

    def _signal(
        self, past: Past, asked: Asked, snapshot: Snapshot, known_at: datetime | None = None
    ) -> Signal | None:
        """What the run would say; None where it would raise nothing."""
        if asked.kind == STORM_KIND:
            return self._storm(past, snapshot, known_at)
        again = self.by.again(past, asked, snapshot, known_at)
        rows = again.rows(asked) if self.drawn else again.raised(asked)
        rules, names = {f"{r.id}@{r.version}": r for r in past.ruleset}, again.names()
        if self.drawn:
            rows = [replay_ranking.as_drawn(row) for row in rows]
        found = [raising.to_signal(r, names, rules, self.run_key, snapshot.id) for r in rows]
        if self.drawn:
            # a draw cites the filings in force when it was made
            cited = self.alert.signal.snapshot_id
            graver = [replay_ranking.graver(signal, rules.values()) for signal in found]
            found = [replace(signal, snapshot_id=cited) for signal in graver]
        else:
            found = told(found, self._levels(found))
        moment = Moment(self.run_key, self.alert.updated_at)
        return merge(found, {}, moment)[0].alert.signal if found else None

    def _storm(
        self, past: Past, snapshot: Snapshot, known_at: datetime | None = None
    ) -> Signal | None:
        """The alert about a rule: it began with its first storm and grows with further ones."""
        seen = self.alert.signal
        found = storm_again(self.by.system, past, seen.subject_key, snapshot, known_at)
        if found is None:
            return None
        rule, storm = found
        before = self.said.data.get("changed", {}).get("period_end")
        last = date.fromisoformat(before[0]) if before else seen.period_end
        first = self.said.kind is EventKind.OPENED
        known = {} if first else {rule.id: (seen.period_start, last)}
        label = f"{rule.id}@{rule.version}"
        return storm_signals({label: storm}, [rule], known, self.run_key, snapshot.id)[0]

    def _levels(self, signals: Sequence[Signal]) -> dict[Block, float]:
        blocks = [
            Block(FAMILIES.get(s.typology, s.typology), str(s.budget["grain"]), s.period_start)
            for s in signals
            if s.budget is not None
        ]
        with reading(self.by.system.engine) as connection:
            return replay_ranking.levels(connection, blocks)

    def _stored(self, past: Past, asked: Asked, snapshot: Snapshot) -> replay_stored.Stored:
        if asked.kind == STORM_KIND or not asked.grains:
            return replay_stored.Stored()
        again = self.by.again(past, asked, snapshot)
        return replay_stored.compare(self.by.system, past, asked, again)

    def _now(
        self, past: Past, asked: Asked, recorded: Mapping[str, Any], then: Snapshot
    ) -> dict[str, Any]:
        """The same judgement over what is filed today."""
        system = self.by.system
        today = system.lake.pin()
        same: dict[str, Any] = {"snapshot_id": today.id, "same_filings": today.id == then.id}
        if today.id == then.id:
            return {**same, "raised": True, "differences": [], "filings": {}}
        signal = self._signal(past, asked, today, system.clock())
        found: list[Difference] = []
        if signal is not None:
            size = replay_ranking.size_of(system, today, signal)
            again = self._as_shown(signal, self._priority(signal, size))
            found = differences(recorded, again | {"snapshot_id": recorded["snapshot_id"]})
        return {
            **same,
            "raised": signal is not None,
            "differences": [one.as_dict() for one in found],
            "filings": replay_causes.filed_since(system, past, then, today),
        }
