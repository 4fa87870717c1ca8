"""One act on every alert of a filter, in one transaction.

Whoever asks says how many alerts the filter found when they looked: if others have come in or
left since, nothing is done. An alert the act cannot be done to is left out and told, with why.
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
from alerts.lifecycle import Action, checked, decide
from alerts.model import Alert
from alerts.tables import alert as alert_table
from features.errors import WardenError

MOST = 1_000
"""Alerts of one act."""

BulkAction = Literal[
    "acknowledge", "review", "escalate", "close", "reopen",
    "assign", "release", "label", "unlabel",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to every alert of a filter.

    Attributes:
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
    done = Done()
    for alert_id, version in _versions(connection, ids).items():
        try:
            after = one(alert_id, version)
        except WardenError as error:
            if error.kind != "conflict":
                raise
            done.skipped.append(Skipped(alert_id, error.code, str(error)))
            continue
        done.changed.append(alert_id)
        if order.action == "close" and after.pending is not None:
            done.pending.append(alert_id)
    return done


def _versions(connection: WriteConnection, ids: list[str]) -> Mapping[str, int]:
    """The alerts with their versions, held in the order of their ids."""
    c = alert_table.c
    query = sa.select(c.id, c.version).where(c.id.in_(ids)).order_by(c.id).with_for_update()
    return {row.id: row.version for row in connection.execute(query)}


def _act(
    connection: WriteConnection, order: Order, actor: str, now: datetime, deadlines: Deadlines
) -> Callable[[str, int], Alert]:
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
    if order.action == "release":
        return lambda alert_id, version: release(connection, alert_id, Hand(actor, version, now))
    named = [word(order.label or "")]
    add, remove = (named, []) if order.action == "label" else ([], named)
    return lambda alert_id, version: label(
        connection, alert_id, Hand(actor, version, now), add, remove
    )
