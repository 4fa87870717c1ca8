"""Tags of alerts: which of their rules an exception covers, and which only repeat themselves.

A tag changes where an alert comes in the queue and nothing else: nothing is dropped or closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from alerts.connections import ReadConnection, WriteConnection
from alerts.exceptions import RuleException, listed
from alerts.merge import Change
from alerts.model import Alert, AlertEvent, EventKind, Part, Signal
from alerts.ranking import ranked, settle, weights_in_force
from alerts.rows import alert_from
from alerts.store import add_events, lock_merging, update_alerts
from alerts.tables import alert as alert_table
from alerts.weights import NEW, Weights

MATERIAL = 0.25
"""A measured value that moved by more than this share of itself is another finding."""
_DAYS_OF_MONTH = 28

Alike = tuple[str, str, str, str]
"""(typology, subject kind, rule, parts of the key) of firings that repeat one another."""


@dataclass(frozen=True)
class Known:
    """What tags are decided by.

    Attributes:
        exceptions: all of them.
        seen: alerts by what makes firings alike, then by fingerprint, for rules that suppress
            repeats; grows with every alert that is tagged.
    """

    exceptions: Sequence[RuleException]
    seen: dict[Alike, dict[str, Alert]] = field(default_factory=dict)

    def see(self, alert: Alert) -> None:
        """Remembers an alert as it is now."""
        for rule in alert.signal.rules:
            if rule.get("suppress"):
                self.seen.setdefault(alike(alert.signal, rule), {})[alert.fingerprint] = alert


def known_for(connection: ReadConnection, changes: Iterable[Change]) -> Known:
    """What the tags of these alerts rest on."""
    wanted = {
        (c.alert.signal.typology, c.alert.signal.subject_kind)
        for c in changes
        if any(rule.get("suppress") for rule in c.alert.signal.rules)
    }
    known = Known(listed(connection))
    for typology, kind in sorted(wanted):
        columns = alert_table.c
        query = sa.select(alert_table).where(
            columns.typology == typology, columns.subject_kind == kind
        )
        for row in connection.execute(query).mappings():
            known.see(alert_from(row))
    return known


def tagged(changes: Sequence[Change], known: Known) -> list[Change]:
    """Every change with the tags of its alert; an alert whose tags alone differ changes, too."""
    found: dict[str, Change] = {}
    order = sorted(changes, key=lambda c: (c.alert.signal.period_start, c.alert.fingerprint))
    for change in order:
        after = with_tags(change.alert, known)
        known.see(after)
        found[after.fingerprint] = _change(change, after)
    return [found[change.alert.fingerprint] for change in changes]


def _change(change: Change, after: Alert) -> Change:
    old = change.before.tags if change.before is not None else ()
    if list(old) == list(after.tags):
        return replace(change, alert=after)
    names = tuple(f"{tag['kind']}:{tag['rule']}" for tag in after.tags)
    moved = {**change.changed, "tags": (list(old), list(after.tags))}
    kind = change.kind or EventKind.TAGGED
    return replace(change, kind=kind, alert=after, changed=moved, tags=names)


def with_tags(alert: Alert, known: Known) -> Alert:
    """The alert with the tags that hold for it."""
    tags: list[Part] = []
    for rule in alert.signal.rules:
        tags += _exceptions(alert.signal, str(rule["id"]), known.exceptions)
        repeat = _repeat(alert, rule, known)
        tags += [repeat] if repeat is not None else []
    covered = {tag["rule"] for tag in tags}
    rules = {rule["id"] for rule in alert.signal.rules}
    return replace(alert, tags=tuple(tags), set_aside=bool(rules) and rules <= covered)


def retag(connection: WriteConnection, rule_id: str, actor: str, now: datetime) -> int:
    """Brings the alerts of a rule up to its exceptions; returns how many changed."""
    lock_merging(connection)
    named = sa.cast(alert_table.c.rules, sa.Text).contains(f'"{rule_id}"', autoescape=True)
    query = sa.select(alert_table).where(named).order_by(alert_table.c.id).with_for_update()
    alerts = [alert_from(row) for row in connection.execute(query).mappings()]
    mine = [a for a in alerts if any(rule["id"] == rule_id for rule in a.signal.rules)]
    changes = [Change(None, alert, alert, {}) for alert in mine]
    moved = [c for c in tagged(changes, known_for(connection, changes)) if c.kind is not None]
    weights = weights_in_force(connection) or NEW
    after = [_stamped(change.alert, now, weights) for change in moved]
    update_alerts(connection, after)
    add_events(connection, [_event(a, c, actor, now) for a, c in zip(after, moved, strict=True)])
    settle(connection, weights, {alert.fingerprint for alert in after})
    return len(after)


def _stamped(alert: Alert, now: datetime, weights: Weights) -> Alert:
    priority = ranked(alert, weights)
    return replace(alert, version=alert.version + 1, updated_at=now, priority=priority)


def _event(alert: Alert, change: Change, actor: str, now: datetime) -> AlertEvent:
    old, new = change.changed["tags"]
    data = {"changed": {"tags": [old, new]}, "tags": list(change.tags)}
    return AlertEvent(alert.id, alert.version, EventKind.TAGGED, actor, now, None, None, None, data)


def _exceptions(
    signal: Signal, rule_id: str, exceptions: Sequence[RuleException]
) -> list[dict[str, Any]]:
    return [
        {
            "kind": "exception",
            "rule": rule_id,
            "exception": one.id,
            "owner": one.owner,
            "reason": one.reason,
            "until": one.until.isoformat(),
        }
        for one in exceptions
        if one.covers(rule_id, signal)
    ]


def alike(signal: Signal, rule: Part) -> Alike:
    """What makes firings of a rule the same one again."""
    return signal.typology, signal.subject_kind, str(rule["id"]), str(rule["suppress"]["by"])


def _repeat(alert: Alert, rule: Part, known: Known) -> dict[str, Any] | None:
    """The tag of a firing that repeats one of the periods before, which was not tagged itself."""
    quiet = rule.get("suppress")
    if not quiet:
        return None
    signal = alert.signal
    same = known.seen.get(alike(signal, rule), {}).values()
    for before in sorted(same, key=_when, reverse=True):
        if before.signal.period_start >= signal.period_start:
            continue
        if periods_between(before.signal, signal) > int(quiet["periods"]):
            return None
        if any(t["kind"] == "suppressed" and t["rule"] == rule["id"] for t in before.tags):
            continue
        if _reset(before.signal, signal, quiet.get("reset_on") or ()):
            return None
        since = before.signal.period_start.isoformat()
        return {"kind": "suppressed", "rule": rule["id"], "alert": before.id, "since": since}
    return None


def _when(alert: Alert) -> tuple[date, str]:
    return alert.signal.period_start, alert.fingerprint


def periods_between(before: Signal, after: Signal) -> int:
    """How many periods of its own length the later one begins after the earlier one."""
    days = (after.period_end - after.period_start).days + 1
    if days < _DAYS_OF_MONTH:
        return -(-(after.period_start - before.period_start).days // days)
    months = max(1, round(days / 30.4))
    first, then = before.period_start, after.period_start
    return -(-((then.year - first.year) * 12 + then.month - first.month) // months)


def _reset(before: Signal, after: Signal, on: Sequence[str]) -> bool:
    if "severity_up" in on and after.severity > before.severity:
        return True
    return "material_change" in on and material_change(before, after)


def material_change(before: Signal, after: Signal) -> bool:
    """Whether other measures hold, or one of them moved by more than `MATERIAL`."""
    old, new = _holding(before), _holding(after)
    if set(old) != set(new):
        return True
    return any(abs(new[n] - old[n]) > MATERIAL * max(abs(old[n]), 1e-12) for n in new)


def _holding(signal: Signal) -> dict[str, float]:
    held = (fact for fact in signal.facts if fact.get("holds"))
    return {
        str(fact.get("feature")): float(fact["value"])
        for fact in held
        if isinstance(fact.get("value"), int | float)
    }
