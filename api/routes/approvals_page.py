"""The page of what waits for a second person, with the second person's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from alerts import approvals
from alerts.approvals import Approval, Stage
from alerts.connections import WriteConnection
from api.deps import Form, SystemDep, expected_version
from api.errors import status_of
from api.routes.approvals import Looking
from api.web.approvals_view import card, elsewhere_view, ordered
from api.web.render import render
from api.web.wording import chosen_lang, words
from detector.database import reading, writing
from detector.system import System
from detector.waiting import Looker, elsewhere, request, requests, require_answer
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Act = Callable[[WriteConnection, int], Approval]
DONE = ("approved", "rejected", "withdrawn")
PAST = 20
"""Answered requests shown, the newest."""


@router.get("/approvals")
def waiting(request: Request, system: SystemDep, who: Looking) -> Response:
    """Everything that waits for the reader, or that the reader waits for."""
    return _page(request, system, who)


@router.post("/approvals/{number}/approve")
def approve(
    request: Request, system: SystemDep, who: Looking, number: Number, form: Form
) -> Response:
    """The second person's word, on exactly what was read."""
    content = form.get("content", "")

    def act(connection: WriteConnection, version: int) -> Approval:
        now = system.clock()
        return approvals.approve(connection, number, who.name, now, version, content)

    return _answered(request, system, who, number, form, "approved", act)


@router.post("/approvals/{number}/reject")
def reject(
    request: Request, system: SystemDep, who: Looking, number: Number, form: Form
) -> Response:
    """Refuses a request, and says why."""
    note = form.get("note", "")

    def act(connection: WriteConnection, version: int) -> Approval:
        return approvals.reject(connection, number, who.name, system.clock(), version, note)

    return _answered(request, system, who, number, form, "rejected", act)


@router.post("/approvals/{number}/withdraw")
def withdraw(
    request: Request, system: SystemDep, who: Looking, number: Number, form: Form
) -> Response:
    """Takes back one's own request."""

    def act(connection: WriteConnection, version: int) -> Approval:
        return approvals.withdraw(connection, number, who.name, system.clock(), version)

    return _answered(request, system, who, number, form, "withdrawn", act)


def _answered(
    asked: Request,
    system: System,
    who: Looker,
    number: int,
    form: dict[str, str],
    done: str,
    act: Act,
) -> Response:
    """Does it and goes back to the list; what is refused for a reason comes back with it."""
    version = expected_version(form.get("version"), "request")
    try:
        with writing(system.engine) as connection:
            found = request(connection, number, who, system.clock())
            if done != "withdrawn":
                require_answer(found, who)
            act(connection, version)
    except WardenError as error:
        if error.kind in ("not_found", "unavailable", "integrity") or error.code == "not_permitted":
            raise
        return _page(asked, system, who, error, {"number": number, "note": form.get("note", "")})
    return RedirectResponse(f"/approvals?done={done}", 303)


def _page(
    asked: Request,
    system: System,
    who: Looker,
    error: WardenError | None = None,
    typed: dict[str, object] | None = None,
) -> Response:
    lang, now = chosen_lang(asked), system.clock()
    with reading(system.engine) as connection:
        found = requests(connection, who, now)
        others = elsewhere(connection, who)
    live = (Stage.WAITING, Stage.APPROVED)
    own = words(lang).get(f"approvals.refused.{error.code}") if error else None
    done = asked.query_params.get("done", "")
    return render(
        asked,
        "approvals.html",
        status_of(error) if error else 200,
        place="approvals",
        open=ordered([card(one, who) for one in found if one.stage in live]),
        past=[card(one, who) for one in found if one.stage not in live][:PAST],
        refused=(own or str(error.message)) if error else "",
        typed=typed or {"number": 0, "note": ""},
        done=done if done in DONE else "",
        **elsewhere_view(others, who, lang),
    )
