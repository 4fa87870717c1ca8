"""Queues alerts for blind review: subjects drawn by chance, each beside an alert of a run.

Nobody can tell them apart: both kinds show the facts and keep the machine's opinion back until
they are closed, and a drawn subject takes the place in the queue of the alert it is paired with.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from alerts import audit, store
from alerts.answers import keep_again
from alerts.connections import ReadConnection, WriteConnection
from alerts.deadlines import USUAL, Deadlines
from alerts.identity import fingerprint, short_id
from alerts.merge import Moment, merge
from alerts.model import SYSTEM, Alert, AlertEvent, EventKind, Signal, State
from alerts.ranking import ranked, weights_in_force
from alerts.rows import alert_from
from alerts.tables import alert as alert_table
from alerts.tables import review_draw as draw_table
from alerts.weights import NEW
from features.vocabulary import Lane

SAMPLE, DECOY = "sample", "decoy"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A subject drawn for blind review.

    Attributes:
        population: subjects of its stratum without an alert; `alerted` those with one.
        probability: that the draw took it.
        suspicion: what the run thought of it, None where it gave no figure.
    """

    signal: Signal
    grain: str
    population: int
    alerted: int
    probability: float
    suspicion: float | None


def drawn_in(connection: ReadConnection, slot: str) -> int:
    """How many subjects were drawn in a slot."""
    query = (
        sa.select(sa.func.count())
        .select_from(draw_table)
        .where(draw_table.c.slot == slot, draw_table.c.role == SAMPLE)
    )
    return connection.scalar(query) or 0


def queue_blind(
    connection: WriteConnection,
    drawn: Sequence[Drawn],
    slot: str,
    actor: str,
    now: datetime,
    deadlines: Deadlines = USUAL,
) -> int:
    """Queues what was drawn in a slot, once; returns how many alerts are new.

    Raises nothing for a subject that has an alert by now: it is left out.
    """
    store.lock_merging(connection)
    if not drawn or drawn_in(connection, slot):
        return 0
    by_mark = {_mark(one.signal): one for one in drawn}
    known = store.lock_alerts(connection, by_mark)
    fresh = {mark: one for mark, one in by_mark.items() if mark not in known}
    decoys = _decoys(connection, len(fresh), slot)
    alerts = _opened(connection, list(fresh.values()), now, deadlines)
    places = [*decoys, *([None] * (len(alerts) - len(decoys)))]
    weights = weights_in_force(connection) or NEW
    queued = []
    for alert, beside in zip(alerts, places, strict=True):
        priority = ranked(alert, weights)
        if beside is not None:
            priority = replace(priority, rank=beside.priority.rank)
        queued.append(replace(alert, priority=priority, blind=True))
    store.insert_alerts(connection, queued)
    store.add_events(connection, [_event(alert) for alert in queued])
    about = {"slot": slot, "drawn_by": actor, "drawn_at": now}
    rows = [
        {"alert_id": a.id, "role": SAMPLE, "run_id": a.run_id, **_of(fresh[a.fingerprint]), **about}
        for a in queued
    ]
    rows += [
        {"alert_id": a.id, "role": DECOY, "run_id": a.run_id, **_of_decoy(a), **about}
        for a in decoys
    ]
    if rows:
        connection.execute(sa.insert(draw_table), rows)
    hide = sa.update(alert_table).where(alert_table.c.id.in_([a.id for a in decoys]))
    connection.execute(hide.values(blind=True))
    keep_again(connection, [a.id for a in decoys])
    # which alerts is not told here: whoever reviews them may read the trail
    drawn_now = {"queued": len(queued), "drawn": audit.digest(" ".join(a.id for a in queued))}
    audit.record(
        connection,
        actor=actor,
        action="reviews.drawn",
        kind="draw",
        key=slot,
        data=drawn_now,
        now=now,
    )
    return len(queued)


def _mark(signal: Signal) -> str:
    return fingerprint(
        signal.typology, signal.subject_kind, signal.subject_key, signal.period_start
    )


def _opened(
    connection: WriteConnection, drawn: Sequence[Drawn], now: datetime, deadlines: Deadlines
) -> list[Alert]:
    """New alerts about the subjects, as a run would open them."""
    signals = [one.signal for one in drawn]
    marks = {_mark(signal) for signal in signals}
    taken = store.ids_taken(connection, {short_id(mark, {}) for mark in marks})
    moment = Moment(signals[0].run_id if signals else "", now, deadlines)
    return [change.alert for change in merge(signals, {}, moment, (), taken)]


def _decoys(connection: WriteConnection, n: int, slot: str) -> list[Alert]:
    """Open screen alerts of runs that nobody has taken up, chosen by chance."""
    c = alert_table.c
    query = (
        sa.select(alert_table)
        .where(
            c.state == State.OPEN.value,
            c.lane == Lane.SCREEN.value,
            c.firing,
            ~c.blind,
            ~c.set_aside,
            c.subject_kind != store.STORM_KIND,
        )
        .order_by(c.id)
    )
    ids = list(connection.scalars(query.with_only_columns(c.id)))
    # chance that cannot be guessed is not needed here, a repeatable one is
    chosen = random.Random(f"decoys:{slot}").sample(ids, min(n, len(ids)))  # noqa: S311
    rows = connection.execute(sa.select(alert_table).where(c.id.in_(chosen))).mappings()
    found = {row["id"]: alert_from(row) for row in rows}
    return [found[alert_id] for alert_id in chosen]


def _event(alert: Alert) -> AlertEvent:
    data = {"snapshot_id": alert.signal.snapshot_id}
    return AlertEvent(
        alert.id, 1, EventKind.OPENED, SYSTEM, alert.opened_at, alert.run_id, None, None, data
    )


def _of(drawn: Drawn) -> dict[str, object]:
    return {
        "grain": drawn.grain,
        "population": drawn.population,
        "alerted": drawn.alerted,
        "probability": drawn.probability,
        "suspicion": drawn.suspicion,
    }


def _of_decoy(alert: Alert) -> dict[str, object]:
    return {
        "grain": alert.signal.subject_kind,
        "population": 0,
        "alerted": 0,
        "probability": 1.0,
        "suspicion": alert.signal.suspicion,
    }
