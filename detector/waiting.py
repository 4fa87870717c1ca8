"""What waits for a second person, of whatever kind, for one person who looks.

Somebody sees what they asked for, and what they may answer: by permission, and within the limits
of unit and jurisdiction. The rest is not there for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alerts import approvals
from alerts.approvals import Approval, Kind, Stage
from alerts.case_model import CaseReach
from alerts.case_store import get_case
from alerts.changing import same_person
from alerts.closures import note_of
from alerts.exceptions import RuleException, listed
from alerts.inbox import QueueFilter, queue
from alerts.limits import NONE, Limits, require_visible
from alerts.model import WAITING, Alert
from detector.people.permissions import Permission
from detector.rule_records import RELEASE, RuleAct, RuleEvent, kept_events
from detector.rule_states import standing
from features.errors import WardenError

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.connections import ReadConnection

NEEDS: Mapping[str, Permission] = {
    Kind.EXPORT: Permission.EXPORTS_APPROVE,
    Kind.REIDENTIFICATION: Permission.REIDENTIFY_APPROVE,
}
"""What whoever answers a request needs."""


MOST = 50
"""Closures listed."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks: name, permissions, and what of alerts and cases the person may see."""

    name: str
    may: Collection[Permission]
    within: Limits
    reach: CaseReach


def requests(
    connection: ReadConnection, who: Looker, now: datetime, stages: Collection[Stage] = ()
) -> list[Approval]:
    """Requests the person made, or may answer; the newest first."""
    found = approvals.listed(connection, now, stages)
    return [one for one in found if _sees(connection, one, who)]


def request(connection: ReadConnection, number: int, who: Looker, now: datetime) -> Approval:
    """One of them.

    Raises:
        WardenError: `approval_not_found`, also for one that is not for the person.
    """
    found = approvals.get(connection, number, now)
    if not _sees(connection, found, who):
        raise approvals.not_found(number)
    return found


def may_answer(one: Approval, who: Looker) -> bool:
    """Whether the person is another than whoever asked, and may answer such a request."""
    return NEEDS[one.kind] in who.may and not same_person(one.asked_by, who.name)


def require_answer(one: Approval, who: Looker) -> None:
    """Raises WardenError `not_permitted` without the permission the answer needs."""
    if NEEDS[one.kind] not in who.may:
        raise WardenError(
            "not_permitted",
            f"{who.name} may not answer this: it needs `{NEEDS[one.kind]}`.",
            "Ask whoever keeps the accounts for a role that has it.",
        )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What waits for a second person where it was asked for.

    Attributes:
        closures: severe alerts somebody wants to close, `MOST` of them, each with the note of
            whoever asked.
        exceptions: of severe rules, not approved yet.
        rules: versions people put into shadow, by rule: who did, and when.
    """

    closures: list[tuple[Alert, str]]
    exceptions: list[RuleException]
    rules: dict[str, tuple[str, RuleEvent]]


def elsewhere(connection: ReadConnection, who: Looker) -> Elsewhere:
    """What the person may answer besides requests, and what of it they asked for themselves."""
    may, found = who.may, Elsewhere([], [], {})
    if Permission.ALERTS_APPROVE in may or Permission.ALERTS_DECIDE in may:
        wanted = QueueFilter(states=WAITING, pending=True, within=who.within)
        alerts = queue(connection, wanted, limit=MOST).alerts
        found.closures.extend((one, note_of(connection, one.id)) for one in alerts)
    if Permission.EXCEPTIONS_APPROVE in may or Permission.EXCEPTIONS_WRITE in may:
        found.exceptions.extend(
            one for one in listed(connection) if not one.in_force and one.ended_on is None
        )
    if Permission.RULES_APPROVE in may or Permission.RULES_WRITE in may:
        found.rules.update(_proposed(kept_events(connection)))
    return found


def _proposed(events: Iterable[RuleEvent]) -> dict[str, tuple[str, RuleEvent]]:
    """Versions in shadow by decision of a person, each with the event that put it there."""
    by_rule: dict[str, list[RuleEvent]] = {}
    for event in events:
        by_rule.setdefault(event.rule_id, []).append(event)
    found = {}
    for rule_id, mine in sorted(by_rule.items()):
        shadow = standing(mine).shadow
        put = [e for e in mine if e.kind is RuleAct.SHADOWED and e.actor != RELEASE]
        last = next((e for e in reversed(put) if shadow and e.version == shadow.version), None)
        if last is not None:
            found[rule_id] = (last.version, last)
    return found


def _sees(connection: ReadConnection, one: Approval, who: Looker) -> bool:
    if same_person(one.asked_by, who.name):
        return True
    if NEEDS[one.kind] not in who.may:
        return False
    return one.kind == Kind.REIDENTIFICATION or _within(connection, one.about, who)


def _within(connection: ReadConnection, about: Mapping[str, Any], who: Looker) -> bool:
    """Whether what would leave lies within the person's limits: an alert, a case, a whole table."""
    what, key = about["what"], str(about["key"])
    try:
        if what == "alert_bundle":
            require_visible(connection, key, who.within)
        elif what in ("case_bundle", "hand_over"):
            get_case(connection, key, who.reach)
        else:
            return who.within == NONE
    except WardenError:
        return False
    return True
