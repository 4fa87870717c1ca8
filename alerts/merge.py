"""What a run changes: signals against remembered alerts, without touching either.

Pure, free of order and idempotent: the same signals twice change nothing the second time. Nothing
is ever closed here; what stops firing is marked and stays with its reviewer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from alerts.deadlines import USUAL, Deadlines
from alerts.identity import fingerprint, short_id
from alerts.model import Alert, EventKind, Priority, Signal, State

Cell = tuple[str, str, date]
"""(typology, subject kind, period start): a set of subjects a run judged completely."""

UNRANKED = Priority(0.0, 0.0, 1.0, 0.0)
_NO_CONTENT = frozenset({"run_id", "snapshot_id", "q_value", "budget"})
"""Fields that may differ without a restatement. A q-value, and with it the place in the budget,
moves with every other subject of the run; it is that of the run named beside it."""
_RESTATABLE = tuple(f.name for f in fields(Signal) if f.name not in _NO_CONTENT)
_DIGITS = 9
"""Significant digits compared: sums of floats differ in the last ones between equal runs."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one alert; `kind` None means nothing.

    Attributes:
        before: None for a new alert.
        changed: old and new value of every restated field.
        tags: set by the later stages of the pipeline.
    """

    kind: EventKind | None
    before: Alert | None
    alert: Alert
    changed: Mapping[str, tuple[Any, Any]]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """The run that changes things, its time, and how long people have for what it finds."""

    run_id: str
    now: datetime
    deadlines: Deadlines = USUAL

    def due(self, signal: Signal) -> date:
        """The day by which a signal found now is to be decided."""
        return self.deadlines.day(signal.lane, signal.severity, self.now.date())


def merge(
    signals: Iterable[Signal],
    existing: Mapping[str, Alert],
    moment: Moment,
    judged: Collection[Cell] = frozenset(),
    taken: Mapping[str, str] | None = None,
) -> list[Change]:
    """One change per alert concerned, in the order of fingerprints.

    Args:
        signals: everything that fired; of two with one identity the graver counts.
        existing: remembered alerts by fingerprint: those of the signals, and those in `judged`.
        moment: stamped on whatever changes.
        judged: cells judged completely; an alert in one of them without a signal fires no more.
        taken: fingerprints by short id already given out.
    """
    found = _by_fingerprint(signals)
    ids = dict(taken or {})
    changes = {}
    for mark in sorted(found):
        alert = existing.get(mark)
        if alert is None:
            changes[mark] = _opened(mark, found[mark], moment, ids)
            ids[changes[mark].alert.id] = mark
        else:
            changes[mark] = _seen_again(alert, found[mark], moment)
    for mark, alert in existing.items():
        if mark not in found and alert.firing and _cell(alert.signal) in judged:
            changes[mark] = _gone_quiet(alert, moment)
    return [changes[mark] for mark in sorted(changes)]


def content(signal: Signal) -> dict[str, Any]:
    """What a signal says, as plain data with rounded floats: equal content, equal suspicion."""
    plain = {name: getattr(signal, name) for name in _RESTATABLE}
    loaded: dict[str, Any] = json.loads(json.dumps(plain, default=_plain), parse_float=_rounded)
    return loaded


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} cannot be kept in an alert")


def _rounded(text: str) -> float:
    return float(f"{float(text):.{_DIGITS}g}")


def _by_fingerprint(signals: Iterable[Signal]) -> dict[str, Signal]:
    found: dict[str, Signal] = {}
    for signal in signals:
        mark = fingerprint(
            signal.typology, signal.subject_kind, signal.subject_key, signal.period_start
        )
        rival = found.get(mark)
        found[mark] = signal if rival is None else max(signal, rival, key=_weight)
    return found


def _weight(signal: Signal) -> tuple[int, float, str]:
    return signal.severity, signal.suspicion, json.dumps(content(signal), sort_keys=True)


def _cell(signal: Signal) -> Cell:
    return signal.typology, signal.subject_kind, signal.period_start


def _opened(mark: str, signal: Signal, moment: Moment, taken: Mapping[str, str]) -> Change:
    alert = Alert(
        id=short_id(mark, taken),
        fingerprint=mark,
        signal=signal,
        state=State.OPEN,
        close_reason=None,
        closed_severity=None,
        firing=True,
        assignee=None,
        version=1,
        opened_at=moment.now,
        updated_at=moment.now,
        run_id=moment.run_id,
        priority=UNRANKED,
        due_on=moment.due(signal),
    )
    return Change(EventKind.OPENED, None, alert, {})


def _seen_again(alert: Alert, signal: Signal, moment: Moment) -> Change:
    old, new = content(alert.signal), content(signal)
    changed: dict[str, tuple[Any, Any]] = {
        name: (old[name], new[name]) for name in _RESTATABLE if old[name] != new[name]
    }
    if alert.firing and not changed:
        return Change(None, alert, alert, {})
    kind = EventKind.UPDATED
    if not alert.firing:
        kind = EventKind.FIRES_AGAIN
        changed["firing"] = (False, True)
    after = replace(alert, signal=signal, firing=True)
    if changed.keys() & {"severity", "lane"}:
        # what has become graver is due sooner; nobody gets more time than was said
        after = replace(after, due_on=min(alert.due_on, moment.due(signal)))
    if alert.closed_severity is not None and signal.severity > alert.closed_severity:
        # graver than what was closed: a person must look again
        kind = EventKind.REOPENED
        changed["state"] = (alert.state.value, State.OPEN.value)
        after = replace(
            after,
            state=State.OPEN,
            close_reason=None,
            closed_severity=None,
            assignee=None,
            due_on=moment.due(signal),
        )
    return Change(kind, alert, _stamped(after, moment), changed)


def _gone_quiet(alert: Alert, moment: Moment) -> Change:
    after = _stamped(replace(alert, firing=False), moment)
    return Change(EventKind.NO_LONGER_FIRES, alert, after, {"firing": (True, False)})


def _stamped(alert: Alert, moment: Moment) -> Alert:
    return replace(alert, version=alert.version + 1, updated_at=moment.now, run_id=moment.run_id)
