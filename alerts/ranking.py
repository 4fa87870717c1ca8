"""The place of alerts in the queue: each by itself, then beside others about the same subject.

Ranks follow from what fires and from the weights of the run, so they are brought up to both
without a new version of the alert: nothing about the suspicion itself has changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa

from alerts.answers import keep_again
from alerts.connections import ReadConnection, WriteConnection
from alerts.likelihood import Companion, conduct, own_log, rules_log
from alerts.model import Alert, CloseReason, Priority, Signal, State
from alerts.priority import prioritise
from alerts.rows import alert_from
from alerts.store import CHUNK, unraised
from alerts.tables import alert as alert_table
from alerts.tables import weights as weights_table
from alerts.weights import NEW, Weights, weights_from
from features.vocabulary import Lane

LAST = -1.0
"""Rank of an alert that is set aside: below everything that is not."""
OF_FIRMS = frozenset({"firm", "pair", "group", "cluster", "path"})
"""Kinds whose key names firms: a closed circle of bidders and one of them concern each other."""
DISMISSED = (CloseReason.EXPLAINED.value, CloseReason.DATA_ERROR.value)
MOST = 12
"""Companions of one alert that count at most, the strongest first."""

Token = tuple[str, str, str]
"""(conduct, kind of name, name)."""


class Seen(NamedTuple):
    """What of an alert decides whose companion it is."""

    id: str
    fingerprint: str
    typology: str
    subject_kind: str
    subject_key: str
    start: date
    end: date
    lends: bool

    def tokens(self) -> list[Token]:
        """The names it is about, by conduct."""
        about = conduct(self.typology)
        if self.subject_kind not in OF_FIRMS:
            return [(about, self.subject_kind, self.subject_key)]
        return [(about, "firm", name) for name in re.split(r"[|/]", self.subject_key)]


def ranked(alert: Alert, weights: Weights = NEW, companions: Sequence[Companion] = ()) -> Priority:
    """The place of an alert by what is left of it without its tagged rules.

    What it touches is what was known when a run last changed it.
    """
    affected = alert.priority.evidence.get("affected")
    priority = prioritise(left_of(alert), weights, companions, affected)
    return replace(priority, rank=LAST) if alert.set_aside else priority


def left_of(alert: Alert) -> Signal:
    """The signal of an alert without its tagged rules."""
    covered = {tag["rule"] for tag in alert.tags}
    if not covered:
        return alert.signal
    left = [rule for rule in alert.signal.rules if rule["id"] not in covered]
    graves = [int(rule["severity"]) for rule in left if "severity" in rule]
    severity = min(alert.signal.severity, max(graves)) if graves else alert.signal.severity
    return replace(alert.signal, rules=left, severity=severity)


def weights_in_force(connection: ReadConnection) -> Weights | None:
    """What alerts are ranked by now; None before the first run."""
    columns = weights_table.c
    query = sa.select(columns.data).order_by(columns.id.desc()).limit(1)
    data = connection.scalar(query)
    return weights_from(data) if data else None


def enforce(connection: WriteConnection, weights: Weights, run_id: str, now: datetime) -> bool:
    """Ranks by these weights from now on; returns whether they are others than before."""
    before = weights_in_force(connection)
    if before is not None and before.mark == weights.mark:
        return False
    row = {"mark": weights.mark, "data": weights.as_dict(), "run_id": run_id, "at": now}
    connection.execute(sa.insert(weights_table), [row])
    return True


def settle(
    connection: WriteConnection, weights: Weights, touched: Collection[str] | None = None
) -> int:
    """Brings the ranks of screen alerts up to the weights and to their companions.

    Args:
        touched: fingerprints of alerts that changed; those about the same subjects follow. All
            alerts when None.

    Returns:
        How many ranks moved.
    """
    if touched is not None and not touched:
        return 0
    seen = _seen(connection, None if touched is None else _typologies(connection, touched))
    beside = _neighbours(seen)
    chosen = set(seen) if touched is None else _reached(seen, beside, touched)
    if touched is not None:  # without company the pipeline has ranked them already
        chosen = {mark for mark in chosen if beside.get(mark) or mark not in touched}
    wanted = chosen | {other for mark in chosen for other in beside.get(mark, ())}
    alerts = _load(connection, wanted)
    lent = {mark: _companion(alert, weights) for mark, alert in alerts.items() if seen[mark].lends}
    drawn = unraised(connection)
    moved = []
    for mark in sorted(chosen & alerts.keys()):
        alert = alerts[mark]
        if alert.state is State.CLOSED:  # as it was when somebody decided
            continue
        company = [lent[other] for other in beside.get(mark, ()) if other in lent]
        company.sort(key=lambda c: (-c.total, c.alert_id))
        priority = ranked(alert, weights, company[:MOST])
        if alert.id in drawn:  # its place was drawn; only its figures follow
            priority = replace(priority, rank=alert.priority.rank)
        if priority != alert.priority:
            moved.append((alert.id, priority))
    _write(connection, moved)
    return len(moved)


def _typologies(connection: ReadConnection, touched: Collection[str]) -> set[str]:
    """Conducts of the touched alerts."""
    found: set[str] = set()
    marks = sorted(touched)
    for at in range(0, len(marks), CHUNK):
        part = marks[at : at + CHUNK]
        query = sa.select(alert_table.c.typology).distinct()
        found |= set(connection.scalars(query.where(alert_table.c.fingerprint.in_(part))))
    return {conduct(typology) for typology in found}


def _seen(connection: ReadConnection, conducts: Collection[str] | None) -> dict[str, Seen]:
    """Screen alerts of the conducts by fingerprint."""
    c = alert_table.c
    drawn = unraised(connection)
    query = sa.select(
        c.id, c.fingerprint, c.typology, c.subject_kind, c.subject_key, c.period_start,
        c.period_end, c.firing, c.close_reason, c.set_aside,
    ).where(c.lane == Lane.SCREEN.value)  # fmt: skip
    found = {}
    for row in connection.execute(query):
        if conducts is not None and conduct(row.typology) not in conducts:
            continue
        lends = row.firing and not row.set_aside and row.close_reason not in DISMISSED
        lends = lends and row.id not in drawn
        found[row.fingerprint] = Seen(*row[:7], lends)
    return found


def _neighbours(seen: Mapping[str, Seen]) -> dict[str, list[str]]:
    """By fingerprint, the other typologies' alerts on a shared name in overlapping periods."""
    by_token: dict[Token, list[str]] = {}
    for mark, one in seen.items():
        for token in one.tokens():
            by_token.setdefault(token, []).append(mark)
    found: dict[str, set[str]] = {}
    for marks in by_token.values():
        if len({seen[mark].typology for mark in marks}) < 2:
            continue
        marks.sort(key=lambda mark: (seen[mark].start, mark))
        for at, mark in enumerate(marks):
            mine = seen[mark]
            for other in marks[at + 1 :]:
                if seen[other].start > mine.end:
                    break
                if seen[other].typology != mine.typology:
                    found.setdefault(mark, set()).add(other)
                    found.setdefault(other, set()).add(mark)
    return {mark: sorted(others) for mark, others in found.items()}


def _reached(
    seen: Mapping[str, Seen], beside: Mapping[str, Sequence[str]], touched: Collection[str]
) -> set[str]:
    """The touched alerts and those about the same subjects."""
    here = [mark for mark in touched if mark in seen]
    return {*here, *(other for mark in here for other in beside.get(mark, ()))}


def _load(connection: ReadConnection, marks: Collection[str]) -> dict[str, Alert]:
    ordered, found = sorted(marks), {}
    for at in range(0, len(ordered), CHUNK):
        part = ordered[at : at + CHUNK]
        query = sa.select(alert_table).where(alert_table.c.fingerprint.in_(part))
        for row in connection.execute(query).mappings():
            found[row["fingerprint"]] = alert_from(row)
    return found


def _companion(alert: Alert, weights: Weights) -> Companion:
    signal = left_of(alert)
    return Companion(
        alert_id=alert.id,
        typology=signal.typology,
        p_value=signal.p_value,
        rules=rules_log(signal, weights),
        total=own_log(signal, weights),
    )


def _write(connection: WriteConnection, moved: Iterable[tuple[str, Priority]]) -> None:
    rows = [
        {
            "of": alert_id,
            "new_priority": one.value,
            "new_likely": one.likely,
            "new_harm": one.harm,
            "new_urgency": one.urgency,
            "new_rank": one.rank,
            "new_evidence": dict(one.evidence) or None,
        }
        for alert_id, one in moved
    ]
    if not rows:
        return
    statement = (
        sa.update(alert_table)
        .where(alert_table.c.id == sa.bindparam("of"))
        .values(
            priority=sa.bindparam("new_priority"),
            likely=sa.bindparam("new_likely"),
            harm=sa.bindparam("new_harm"),
            urgency=sa.bindparam("new_urgency"),
            queue_rank=sa.bindparam("new_rank"),
            evidence=sa.bindparam("new_evidence"),
        )
    )
    connection.execute(statement, rows)
    keep_again(connection, [str(row["of"]) for row in rows])
