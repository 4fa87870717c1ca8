"""The queue: its page, and what is done from it to one alert or to many at once."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from alerts.bulk import Done
from alerts.inbox import get_alert
from alerts.limits import Limits
from alerts.model import CloseReason, alert_object, event_object, kept_back
from alerts.picked import alerts_by_id, moved_by_runs
from api.auth import Within, somebody
from api.deps import FORM, Actor, SystemDep
from api.disclosure import disclosed
from api.errors import status_of
from api.web import queue_act as acts
from api.web.alert_view import act_sentence
from api.web.figures import moment
from api.web.queue_page import queue_page
from api.web.queue_view import QueueRow, queue_row
from api.web.render import render
from api.web.wording import chosen_lang, words
from detector.casework import bulk_picked, workers
from detector.database import reading, writing
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

PART = "X-Desk"
"""Sent by the script of the page, which wants the rows that changed and not another page."""


async def _pairs(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != FORM:
        raise WardenError("media_type", "This address takes a form.", f"Send it as {FORM}.")
    body = (await request.body()).decode("utf-8", errors="replace")
    return parse_qsl(body, keep_blank_values=True, max_num_fields=5_000)


Pairs = Annotated[list[tuple[str, str]], Depends(_pairs)]


@router.get("/")
def queue_of_alerts(request: Request, system: SystemDep) -> Response:
    """The queue."""
    return render(request, "queue.html", place="queue", **queue_page(request, system))


@router.get("/queue/act")
def form_of_act(request: Request, system: SystemDep, within: Within) -> Response:
    """The form of an act that needs more than a button, for whoever has no script."""
    asked = acts.asked_of(request.query_params.multi_items())
    if asked.action not in acts.ASKED or not asked.picked:
        return RedirectResponse(acts.back_of(asked.fields), 303)
    return _form_page(request, system, asked, within)


@router.post("/queue/act")
def act_on_picked(
    request: Request, system: SystemDep, pairs: Pairs, actor: Actor, within: Within
) -> Response:
    """Does one act to the alerts that were picked."""
    asked = acts.Asked({}, dict(pairs))
    try:
        asked = acts.asked_of(pairs)
        with writing(system.engine) as connection:
            done = bulk_picked(system, connection, asked.order(within), asked.picked, actor)
        if not done.changed:
            only = done.skipped[0]
            raise WardenError(only.code, only.detail, kind="conflict")
    except WardenError as error:
        return _refused(request, system, asked, within, error)
    if PART in request.headers:
        return _done_part(request, system, asked, within, done)
    address = acts.told_address(acts.back_of(asked.fields), done, asked.action)
    return RedirectResponse(address, 303)


def _done_part(
    request: Request, system: System, asked: acts.Asked, within: Limits, done: Done
) -> Response:
    """The rows as they are now, what was done, and the way to undo it."""
    lang = chosen_lang(request)
    rows = _rows(request, system, asked, within)
    tokens = acts.undo_tokens(done, asked.action, {row.id: row.version for row in rows})
    sentences = acts.told(done, asked.action, lang)
    return render(request, "parts/done.html", rows=rows, tokens=tokens, sentences=sentences)


def _refused(
    request: Request, system: System, asked: acts.Asked, within: Limits, error: WardenError
) -> Response:
    """Why it was not done, the rows as they are now, and what was typed."""
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    notice = _notice(request, system, asked, within, error)
    status = status_of(error)
    if PART in request.headers:
        rows = _rows(request, system, asked, within) if status != 503 else []
        return render(request, "parts/not_done.html", status, rows=rows, notice=notice)
    return _form_page(request, system, asked, within, status, notice)


def _notice(
    request: Request, system: System, asked: acts.Asked, within: Limits, error: WardenError
) -> dict[str, Any]:
    """What a refusal says: the reason, and of one alert that changed who did what when."""
    lang, status = chosen_lang(request), status_of(error)
    key = "stale" if status == 412 else "writes" if status == 503 else "plain"
    notice: dict[str, Any] = {"key": key, "code": error.code, "last": "", "at": "", "alert": ""}
    notice["why"] = words(lang).get(f"refused.{error.code}", str(error))
    if status == 412 and len(asked.picked) == 1:
        alert_id = next(iter(asked.picked))
        with reading(system.engine) as connection:
            if alerts_by_id(connection, [alert_id], within):
                alert, events = get_alert(connection, alert_id)
                last = event_object(events[-1], blind=kept_back(alert))
                notice |= {"last": act_sentence(last, lang), "alert": alert_id}
                notice["at"] = moment(last["at"], lang)
    return notice


def _rows(request: Request, system: System, asked: acts.Asked, within: Limits) -> list[QueueRow]:
    """The alerts that were picked as rows of the queue, as they are now."""
    lang, who, today = chosen_lang(request), somebody(request), system.clock().date()
    with reading(system.engine) as connection:
        found = alerts_by_id(connection, asked.picked, within)
        moved = moved_by_runs(connection, [one.id for one in found])
    return [
        queue_row(disclosed(alert_object(one, today), who), lang, today, moved.get(one.id, {}))
        for one in found
    ]


def _form_page(
    request: Request,
    system: System,
    asked: acts.Asked,
    within: Limits,
    status: int = 200,
    notice: dict[str, Any] | None = None,
) -> Response:
    with reading(system.engine) as connection:
        people = workers(connection)
    return render(
        request,
        "act.html",
        status,
        place="queue",
        action=asked.action if asked.action in acts.ASKED else "",
        rows=_rows(request, system, asked, within),
        typed=asked.fields,
        notice=notice,
        people=people,
        back=acts.back_of(asked.fields),
        reasons=[reason.value for reason in CloseReason],
    )
