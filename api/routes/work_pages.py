"""The buttons of the alert page: whose it is, the second person, undo, back to the author."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import Response

from alerts import closures
from alerts.assignment import assign, release
from alerts.changing import Hand
from alerts.connections import WriteConnection
from alerts.tuning import send_back
from alerts.undo import undo
from api.deps import Actor, Form, SystemDep
from api.routes.casework import hand
from api.routes.pages import done_page, refused_page
from detector import casework
from detector.database import writing
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)


def act_on_page(
    request: Request,
    system: System,
    alert_id: str,
    form: dict[str, str],
    actor: str,
    done: str,
    act: Callable[[WriteConnection, Hand], object],
) -> Response:
    """Does one act of a form; when it is refused the page comes back with what was typed."""
    try:
        mine = hand(system, actor, form.get("version"))
        with writing(system.engine) as connection:
            act(connection, mine)
    except WardenError as error:
        return refused_page(request, system, alert_id, form | {"action": done}, error)
    return done_page(alert_id, done)


@router.post("/alerts/{alert_id}/assignment")
def assign_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """Takes, hands back, or gives the alert to the person named."""
    action = form.get("action", "")
    if action == "release":
        return act_on_page(
            request, system, alert_id, form, actor, action,
            lambda connection, mine: release(connection, alert_id, mine),
        )  # fmt: skip
    if action == "take":
        return act_on_page(
            request, system, alert_id, form, actor, action,
            lambda connection, mine: assign(connection, alert_id, mine, actor),
        )  # fmt: skip
    return act_on_page(
        request, system, alert_id, form, actor, "assign",
        lambda connection, mine: casework.assign_to(connection, alert_id, mine, form.get("to", "")),
    )  # fmt: skip


@router.post("/alerts/{alert_id}/undo")
def undo_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """Takes back one's own last decision."""
    return act_on_page(
        request, system, alert_id, form, actor, "undo",
        lambda connection, mine: undo(connection, alert_id, mine),
    )  # fmt: skip


@router.post("/alerts/{alert_id}/tuning")
def tune_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """Sends the alert back to the author of a rule."""
    rule, note = form.get("rule", ""), form.get("note", "")
    return act_on_page(
        request, system, alert_id, form, actor, "tuning",
        lambda connection, mine: send_back(connection, alert_id, mine, rule, note),
    )  # fmt: skip


@router.post("/alerts/{alert_id}/closure/approve")
def approve_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """Approves a closure another person has asked for."""
    return act_on_page(
        request, system, alert_id, form, actor, "approve",
        lambda connection, mine: closures.approve(connection, alert_id, mine),
    )  # fmt: skip


@router.post("/alerts/{alert_id}/closure/reject")
def reject_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """Rejects a closure another person has asked for."""
    note = form.get("note", "")
    return act_on_page(
        request, system, alert_id, form, actor, "reject",
        lambda connection, mine: closures.reject(connection, alert_id, mine, note),
    )  # fmt: skip


@router.post("/alerts/{alert_id}/closure/withdraw")
def withdraw_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """Takes back one's own request to close."""
    return act_on_page(
        request, system, alert_id, form, actor, "withdraw",
        lambda connection, mine: closures.withdraw(connection, alert_id, mine),
    )  # fmt: skip
