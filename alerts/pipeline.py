"""From the signals of a run to the queue: merge, exceptions, priority, persist.

Each stage takes changes and returns changes, so one more is one more entry in `stages`. Stages
tag and rank; none of them may drop a change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from types import MappingProxyType

from alerts import store
from alerts.connections import WriteConnection
from alerts.deadlines import USUAL, Deadlines
from alerts.identity import fingerprint, short_id
from alerts.merge import UNRANKED, Cell, Change, Moment, merge
from alerts.model import SYSTEM, Alert, AlertEvent, EventKind, Part, Signal
from alerts.ranking import enforce, ranked, settle
from alerts.tagging import known_for, tagged
from alerts.weights import NEW, Weights
from features.vocabulary import GRAINS

Stage = Callable[[Sequence[Change]], list[Change]]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the alerts a run touched; each is counted once."""

    opened: int = 0
    updated: int = 0
    unchanged: int = 0
    reopened: int = 0
    fires_again: int = 0
    no_longer_fires: int = 0
    tagged: int = 0


def process(
    connection: WriteConnection,
    signals: Iterable[Signal],
    run_id: str,
    now: datetime,
    judged: Collection[tuple[str, str, date]] = (),
    held: Collection[tuple[str, str, str, date]] = (),
    weights: Weights = NEW,
    affected: Mapping[str, Part] | None = None,
    deadlines: Deadlines = USUAL,
) -> Counts:
    """Brings the alerts up to a run's signals, in the caller's transaction; idempotent.

    Args:
        signals: everything that fired.
        run_id: stamped on every alert that changes.
        now: the moment of the run.
        judged: (typology, grain, period start) cells the run judged completely: an alert in one
            of them without a signal no longer fires. It is marked, never closed.
        held: (typology, subject kind, subject key, period start) that fired and raise no alert
            while their rule is in a storm: what is known of them stays as it is.
        weights: what evidence is worth, frozen for the run; others than before rank every alert
            anew.
        affected: by fingerprint, how much a signal touches (`alerts.priority.prioritise`).
        deadlines: how long people have for what is found.
    """
    fired, paused = list(signals), {fingerprint(*subject) for subject in held}
    cells, moment = _cells(judged), Moment(run_id, now, deadlines)
    changes = _merge_with_remembered(connection, fired, moment, cells, paused)
    for stage in stages(connection, moment, weights, affected or {}):
        changes = stage(changes)
    _persist(connection, changes)
    if enforce(connection, weights, run_id, now):
        settle(connection, weights)
    else:
        settle(connection, weights, {c.alert.fingerprint for c in changes if c.kind is not None})
    return _counted(changes)


def rank(
    changes: Sequence[Change],
    weights: Weights = NEW,
    affected: Mapping[str, Part] = MappingProxyType({}),
) -> list[Change]:
    """Gives every changed alert its place, by what is left of it without tagged rules.

    Its companions are looked at once all changes are written (`alerts.ranking.settle`).
    """

    def placed(alert: Alert) -> Alert:
        size = affected.get(alert.fingerprint) or alert.priority.evidence.get("affected")
        known = replace(UNRANKED, evidence={"affected": dict(size)} if size else {})
        return replace(alert, priority=ranked(replace(alert, priority=known), weights))

    return [
        change if change.kind is None else replace(change, alert=placed(change.alert))
        for change in changes
    ]


def stages(
    connection: WriteConnection,
    moment: Moment,
    weights: Weights = NEW,
    affected: Mapping[str, Part] = MappingProxyType({}),
) -> tuple[Stage, ...]:
    """The stages after the merge, in order."""

    def tag_exceptions(changes: Sequence[Change]) -> list[Change]:
        """Exceptions and suppressions: they add tags and nothing else."""
        found = tagged(changes, known_for(connection, changes))
        return [_stamped(change, moment) for change in found]

    return (tag_exceptions, partial(rank, weights=weights, affected=affected))


def _stamped(change: Change, moment: Moment) -> Change:
    """A change of tags alone is a change of the alert like any other."""
    if change.kind is not EventKind.TAGGED:
        return change
    after = replace(
        change.alert,
        version=change.alert.version + 1,
        updated_at=moment.now,
        run_id=moment.run_id,
    )
    return replace(change, alert=after)


def _cells(judged: Collection[tuple[str, str, date]]) -> frozenset[Cell]:
    """Cells by subject kind, as alerts know it; a kind may be judged at several grains.

    With the subjects of a cell its rules are judged, too: whether one is in a storm there.
    """
    return frozenset(
        (typology, kind, start)
        for typology, grain, start in judged
        for kind in (GRAINS[grain].subject_kind, store.STORM_KIND)
    )


def _merge_with_remembered(
    connection: WriteConnection,
    signals: Sequence[Signal],
    moment: Moment,
    cells: frozenset[Cell],
    paused: Collection[str],
) -> list[Change]:
    store.lock_merging(connection)
    marks = {
        fingerprint(s.typology, s.subject_kind, s.subject_key, s.period_start) for s in signals
    }
    quiet = store.firing_in(connection, cells) - set(paused)
    drawn = store.unraised(connection)
    known = {
        # drawn for blind review and found by no run before: now it is an alert like any other
        mark: replace(alert, firing=False, blind=False) if alert.id in drawn else alert
        for mark, alert in store.lock_alerts(connection, marks | quiet).items()
    }
    wanted = {short_id(mark, {}) for mark in marks - known.keys()}
    return merge(signals, known, moment, cells, store.ids_taken(connection, wanted))


def _persist(connection: WriteConnection, changes: Sequence[Change]) -> None:
    moved = [change for change in changes if change.kind is not None]
    store.insert_alerts(connection, (c.alert for c in moved if c.before is None))
    store.update_alerts(connection, (c.alert for c in moved if c.before is not None))
    store.add_events(connection, (_event(change, change.kind) for change in moved if change.kind))


def _event(change: Change, kind: EventKind) -> AlertEvent:
    after = change.alert
    data: dict[str, object] = {"snapshot_id": after.signal.snapshot_id}
    if change.changed:
        data["changed"] = {name: list(pair) for name, pair in sorted(change.changed.items())}
    if change.tags:
        data["tags"] = list(change.tags)
    return AlertEvent(
        alert_id=after.id,
        version=after.version,
        kind=kind,
        actor=SYSTEM,
        at=after.updated_at,
        run_id=after.run_id,
        reason=None,
        note=None,
        data=data,
    )


def _counted(changes: Iterable[Change]) -> Counts:
    kinds = Counter(change.kind.value if change.kind else "unchanged" for change in changes)
    return Counts(**kinds)
