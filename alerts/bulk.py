"""One act on every alert of a filter, or on some that were picked, in one transaction.

Whoever asks says how many alerts the filter found when they looked: if others have come in or
left since, nothing is done. Alerts that were picked are named with the version that was seen. An
alert the act cannot be done to is left out and told, with why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from alerts import store
from alerts.assignment import assign, release
from alerts.changing import Hand, require_actor
from alerts.connections import WriteConnection
from alerts.deadlines import USUAL, Deadlines
from alerts.inbox import QueueFilter, matching
from alerts.labels import label, word
from alerts.lifecycle import Action, checked, comment, decide
from alerts.limits import NONE, Limits
from alerts.model import Alert
from alerts.tables import alert as alert_table
from alerts.undo import undo
from features.errors import WardenError

MOST = 1_000
"""Alerts of one act."""

BulkAction = Literal[
    "acknowledge", "review", "escalate", "close", "reopen",
    "assign", "release", "label", "unlabel", "comment", "undo",
]  # fmt: skip


Act = Callable[[str, int], Alert | None]
"""What is done to one alert, by id and version; the alert after it, None where it stays."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to every alert of a filter.

    Attributes:
        note: with a decision, or the text of a `comment`.
        to: whom they are given to, for `assign`; whoever asks where it is None.
        label: for `label` and `unlabel`.
        expected: how many alerts the filter found when the actor looked.
    """

    wanted: QueueFilter
    action: BulkAction
    expected: int
    reason: str | None = None
    note: str | None = None
    to: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """An alert the act was not done to."""

    alert_id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the alerts of the filter.

    Attributes:
        changed: ids of the alerts the act was done to.
        pending: those of them that wait for a second person.
    """

    changed: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def apply(
    connection: WriteConnection,
    order: Order,
    actor: str,
    now: datetime,
    deadlines: Deadlines = USUAL,
) -> Done:
    """Does the act to every alert of the filter that allows it.

    Raises:
        WardenError: what the act itself refuses whatever the alert (`reason_required`,
            `note_required`, `bad_label`, ...), `too_many` (more than `MOST`), and as a conflict
            `count_changed` (the filter finds another number than expected).
    """
    one = _act(connection, order, actor, now, deadlines)
    # a run holds alerts in an order of its own; both wait here instead of for each other
    store.lock_merging(connection)
    total, ids = matching(connection, order.wanted, MOST)
    if total != order.expected:
        raise WardenError(
            "count_changed",
            f"The filter finds {total:,} alerts, not {order.expected:,}; nothing was done.",
            "Look at the list again, then repeat it with that number.",
            kind="conflict",
        )
    if total > MOST:
        raise WardenError(
            "too_many",
            f"The filter finds {total:,} alerts; at most {MOST:,} are changed at once.",
            "Narrow the filter.",
        )
    return _each(order, one, _versions(connection, ids))


def apply_to(
    connection: WriteConnection,
    order: Order,
    picked: Mapping[str, int],
    actor: str,
    now: datetime,
    deadlines: Deadlines = USUAL,
) -> Done:
    """Does the act to the alerts that were picked, as far as they allow it.

    Args:
        order: its filter says nothing here but what the actor may see.
        picked: version that was seen, by id.

    Raises:
        WardenError: what the act itself refuses whatever the alert, `none_picked`, `too_many`.
    """
    one = _act(connection, order, actor, now, deadlines)
    if not picked:
        raise WardenError("none_picked", "No alert was picked.", "Pick one in the list first.")
    if len(picked) > MOST:
        raise WardenError("too_many", f"At most {MOST:,} alerts are changed at once.")
    store.lock_merging(connection)
    there = _versions(connection, [i for i in picked if store.storable(i)], order.wanted.within)
    done = _each(order, one, {i: picked[i] for i in there})
    for alert_id in sorted(picked.keys() - there.keys()):
        gone = store.alert_not_found(alert_id)
        done.skipped.append(Skipped(alert_id, gone.code, str(gone)))
    return done


def _each(order: Order, one: Act, seen: Mapping[str, int]) -> Done:
    """The act on each alert in turn; what one of them refuses is no matter of the others."""
    done = Done()
    for alert_id, version in seen.items():
        try:
            after = one(alert_id, version)
        except WardenError as error:
            if error.kind != "conflict":
                raise
            done.skipped.append(Skipped(alert_id, error.code, str(error)))
            continue
        done.changed.append(alert_id)
        if order.action == "close" and after is not None and after.pending is not None:
            done.pending.append(alert_id)
    return done


def _versions(
    connection: WriteConnection, ids: list[str], within: Limits = NONE
) -> Mapping[str, int]:
    """The alerts with their versions, held in the order of their ids."""
    c = alert_table.c
    chosen = sa.select(c.id, c.version).where(c.id.in_(ids), *within.conditions())
    query = chosen.order_by(c.id).with_for_update()
    return {row.id: row.version for row in connection.execute(query)}


def _act(
    connection: WriteConnection, order: Order, actor: str, now: datetime, deadlines: Deadlines
) -> Act:
    """The act on one alert; what is wrong with it for every alert is said before the first."""
    require_actor(actor)
    if order.action in tuple(Action):
        checked(actor, order.action, order.reason, order.note)
        return lambda alert_id, version: decide(
            connection, alert_id, actor, order.action, order.reason, order.note, version, now,
            deadlines,
        )  # fmt: skip
    if order.action == "assign":
        to = order.to or actor
        return lambda alert_id, version: assign(connection, alert_id, Hand(actor, version, now), to)
    if order.action == "comment":
        return lambda alert_id, _: _comment(connection, alert_id, actor, order.note or "", now)
    if order.action == "undo":
        return lambda alert_id, version: undo(connection, alert_id, Hand(actor, version, now))
    if order.action == "release":
        return lambda alert_id, version: release(connection, alert_id, Hand(actor, version, now))
    named = [word(order.label or "")]
    add, remove = (named, []) if order.action == "label" else ([], named)
    return lambda alert_id, version: label(
        connection, alert_id, Hand(actor, version, now), add, remove
    )


def _comment(
    connection: WriteConnection, alert_id: str, actor: str, text: str, now: datetime
) -> None:
    """A comment changes nothing of the alert."""
    comment(connection, alert_id, actor, text, now)
