"""The work on alerts: assignment, labels, second person, undo, back to the author, many at once."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from alerts import closures, doubts
from alerts.assignment import assign, release
from alerts.bulk import Order
from alerts.changing import Hand
from alerts.inbox import QueueFilter
from alerts.labels import label
from alerts.limits import Limits
from alerts.tuning import send_back, sent_back
from alerts.undo import undo
from api.answers import answer
from api.auth import Within
from api.deps import IfMatch, SystemDep, Who, expected_version, problems
from api.schemas.alerts import Alert
from api.schemas.casework import (
    Assignment,
    Bulk,
    BulkDone,
    BulkFilter,
    Finding,
    Labels,
    Rejection,
    Skipped,
    Tuning,
    TuningRequest,
    TuningRequests,
)
from detector import casework
from detector.database import reading, writing
from detector.system import System
from features.errors import WardenError

router = APIRouter(prefix="/api/v1", tags=["alerts"])
CHANGES = problems(401, 403, 404, 409, 412, 422, 428, 503)


def hand(system: System, actor: str, if_match: str | None) -> Hand:
    """Whoever acts, on the version they name."""
    return Hand(actor, expected_version(if_match), system.clock())


async def _mine(system: SystemDep, who: Who, if_match: IfMatch = None) -> Hand:
    return hand(system, who.name, if_match)


Mine = Annotated[Hand, Depends(_mine)]
"""Whoever asks, with the version they name in If-Match."""


@router.post("/alerts/bulk", responses=problems(401, 403, 409, 422, 503))
def change_many(system: SystemDep, asked: Bulk, who: Who, within: Within) -> BulkDone:
    """Does one act to every alert of a filter, in one transaction; at most 1,000 alerts.

    What the act cannot be done to is left as it is and told, with the reason.
    """
    order = Order(
        wanted=_wanted(asked.filter, within, system.clock().date()),
        action=asked.action,
        expected=asked.expected,
        reason=asked.reason,
        note=asked.note,
        to=asked.to,
        label=asked.label,
    )
    with writing(system.engine) as connection:
        done = casework.bulk(system, connection, order, who.name)
    skipped = [Skipped.model_validate(one) for one in done.skipped]
    return BulkDone(changed=len(done.changed), pending=len(done.pending), skipped=skipped)


def _wanted(asked: BulkFilter, within: Limits, today: date) -> QueueFilter:
    return QueueFilter(
        states=asked.state,
        lanes=asked.lane,
        typologies=asked.typology,
        severities=asked.severity,
        subject=asked.subject,
        text=asked.q,
        assignee=asked.assignee,
        set_aside=asked.set_aside,
        labels=[word.casefold() for word in asked.label],
        overdue_on=today if asked.overdue else None,
        stale=asked.stale,
        pending=asked.pending,
        jurisdictions=asked.jurisdiction,
        within=within,
    )


@router.post("/alerts/{alert_id}/assignment", responses=CHANGES)
def change_assignment(
    response: Response,
    system: SystemDep,
    alert_id: str,
    asked: Assignment,
    who: Who,
    mine: Mine,
) -> Alert:
    """Gives the alert to a person, takes it oneself, or hands it back to everyone."""
    if (asked.action == "assign") != (asked.to is not None):
        raise WardenError(
            "bad_assignment", "To assign takes a name in `to`; to take and to release take none."
        )
    with writing(system.engine) as connection:
        if asked.action == "release":
            alert = release(connection, alert_id, mine)
        elif asked.to is None:
            alert = assign(connection, alert_id, mine, who.name)
        else:
            alert = casework.assign_to(connection, alert_id, mine, asked.to)
    return answer(response, system, alert, who)


@router.post("/alerts/{alert_id}/labels", responses=CHANGES)
def change_labels(
    response: Response,
    system: SystemDep,
    alert_id: str,
    asked: Labels,
    who: Who,
    mine: Mine,
) -> Alert:
    """Adds and removes labels."""
    with writing(system.engine) as connection:
        alert = label(connection, alert_id, mine, asked.add, asked.remove)
    return answer(response, system, alert, who)


@router.post("/alerts/{alert_id}/undo", responses=CHANGES)
def undo_last(
    response: Response,
    system: SystemDep,
    alert_id: str,
    who: Who,
    mine: Mine,
) -> Alert:
    """Takes back one's own last decision, for ten minutes and while nothing else has happened."""
    with writing(system.engine) as connection:
        alert = undo(connection, alert_id, mine)
    return answer(response, system, alert, who)


@router.post("/alerts/{alert_id}/closure/approve", responses=CHANGES)
def approve_closure(
    response: Response,
    system: SystemDep,
    alert_id: str,
    who: Who,
    mine: Mine,
) -> Alert:
    """Closes a severe alert as another person has asked, if it still says what it said then."""
    with writing(system.engine) as connection:
        alert = closures.approve(connection, alert_id, mine)
    return answer(response, system, alert, who)


@router.post("/alerts/{alert_id}/closure/reject", responses=CHANGES)
def reject_closure(
    response: Response,
    system: SystemDep,
    alert_id: str,
    asked: Rejection,
    who: Who,
    mine: Mine,
) -> Alert:
    """Leaves a severe alert open that another person has asked to close, and says why."""
    with writing(system.engine) as connection:
        alert = closures.reject(connection, alert_id, mine, asked.note)
    return answer(response, system, alert, who)


@router.post("/alerts/{alert_id}/closure/withdraw", responses=CHANGES)
def withdraw_closure(
    response: Response,
    system: SystemDep,
    alert_id: str,
    who: Who,
    mine: Mine,
) -> Alert:
    """Takes back one's own request to close a severe alert."""
    with writing(system.engine) as connection:
        alert = closures.withdraw(connection, alert_id, mine)
    return answer(response, system, alert, who)


@router.post("/alerts/{alert_id}/explanations/{number}", responses=CHANGES)
def answer_explanation(
    response: Response,
    system: SystemDep,
    alert_id: str,
    number: Annotated[int, Path(ge=1, le=1000)],
    asked: Finding,
    who: Who,
    mine: Mine,
) -> Alert:
    """Says whether an innocent explanation of the alert fits, and what showed it."""
    with writing(system.engine) as connection:
        alert = doubts.answer(connection, alert_id, mine, number, asked.standing, asked.note)
    return answer(response, system, alert, who)


@router.post("/alerts/{alert_id}/tuning", responses=CHANGES)
def ask_for_tuning(
    response: Response,
    system: SystemDep,
    alert_id: str,
    asked: Tuning,
    who: Who,
    mine: Mine,
) -> Alert:
    """Sends the alert back to the author of a rule that fired for it; its state stays."""
    with writing(system.engine) as connection:
        alert = send_back(connection, alert_id, mine, asked.rule, asked.note)
    return answer(response, system, alert, who)


@router.get("/rules/{rule_id}/tuning", tags=["rules"], responses=problems(401, 403, 503))
def list_tuning(system: SystemDep, rule_id: str, within: Within) -> TuningRequests:
    """Alerts that were sent back to the author of the rule, newest first."""
    with reading(system.engine) as connection:
        found = sent_back(connection, rule_id, within)
    return TuningRequests(items=[TuningRequest.model_validate(one) for one in found])
