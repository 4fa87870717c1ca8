"""Acts on alerts that need to know more than the alert: who there is, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.assignment import assign
from alerts.bulk import Done, Order, apply, apply_to
from alerts.changing import Hand
from alerts.connections import ReadConnection, WriteConnection
from alerts.model import Alert
from alerts.store import storable
from detector.people.accounts import Account, account, accounts
from detector.people.permissions import Permission, granted, roles_of
from detector.system import System
from features.errors import WardenError


def assign_to(connection: WriteConnection, alert_id: str, hand: Hand, to: str) -> Alert:
    """Gives an alert to a named person who works on alerts.

    Raises:
        WardenError: `not_assignable` (no such person, closed account, or no role for it), and
            whatever `alerts.assignment.assign` raises.
    """
    return assign(connection, alert_id, hand, worker(connection, to))


def bulk(system: System, connection: WriteConnection, order: Order, actor: str) -> Done:
    """One act on every alert of a filter (`alerts.bulk`).

    Raises:
        WardenError: `not_assignable`, and whatever `alerts.bulk.apply` raises.
    """
    if order.action == "assign" and order.to is not None:
        worker(connection, order.to)
    return apply(connection, order, actor, system.clock(), system.settings.due.deadlines())


def bulk_picked(
    system: System,
    connection: WriteConnection,
    order: Order,
    picked: Mapping[str, int],
    actor: str,
) -> Done:
    """One act on alerts that were picked, by id with the version that was seen.

    Raises:
        WardenError: `not_assignable`, and whatever `alerts.bulk.apply_to` raises.
    """
    if order.action == "assign" and order.to is not None:
        worker(connection, order.to)
    deadlines = system.settings.due.deadlines()
    return apply_to(connection, order, picked, actor, system.clock(), deadlines)


def workers(connection: ReadConnection) -> list[str]:
    """Names of those alerts may be given to, sorted."""
    return [one.name for one in accounts(connection) if _works(one)]


def _works(one: Account) -> bool:
    return one.enabled and Permission.ALERTS_DECIDE in granted(roles_of(one.roles))


def worker(connection: WriteConnection, name: str) -> str:
    """The name of somebody with an open account who may decide on alerts.

    Raises:
        WardenError: `not_assignable`.
    """
    try:
        known = account(connection, name) if storable(name) else None
    except WardenError as error:
        if error.code != "unknown_person":
            raise
        known = None
    if known is None or not _works(known):
        raise WardenError(
            "not_assignable",
            f"{name[:80]} is nobody who works on alerts here.",
            "Name a person with an open account and a role that decides on alerts.",
        )
    return known.name
