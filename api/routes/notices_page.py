"""The page of notices: endpoints of other programs, and what was sent to whom."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.notify.kinds import Kind
from api.deps import Actor, Form, SystemDep, expected_version
from api.errors import status_of
from api.paging import offset_cursor, offset_of
from api.web.render import render
from api.web.wording import chosen_lang, words
from detector.database import reading
from detector.notifying import endpoints
from detector.notifying.deliveries import deliveries
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

PAGE = 50
STATES = ("waiting", "sending", "sent", "unsure", "dead", "cancelled")
DONE = ("removed", "tested", "retried")
_KIND = "kind."


@router.get("/notices")
def notices(request: Request, system: SystemDep) -> Response:
    """Endpoints, and messages with what became of them."""
    return _page(request, system)


@router.post("/notices/webhooks")
def add_webhook(request: Request, system: SystemDep, form: Form, actor: Actor) -> Response:
    """Adds an endpoint; its secret is shown this once."""
    kinds = [name.removeprefix(_KIND) for name in form if name.startswith(_KIND)]
    try:
        _, secret = endpoints.add(system, form.get("url", ""), kinds, actor)
    except WardenError as error:
        return _refused(request, system, error, form)
    return _page(request, system, secret=secret)


@router.post("/notices/webhooks/{webhook_id}/rotate")
def rotate(
    request: Request, system: SystemDep, webhook_id: str, form: Form, actor: Actor
) -> Response:
    """A new secret, shown this once; the old one signs beside it for a week."""
    try:
        version = expected_version(form.get("version"), "endpoint")
        _, secret = endpoints.rotate(system, webhook_id, actor, version)
    except WardenError as error:
        return _refused(request, system, error)
    return _page(request, system, secret=secret)


@router.post("/notices/webhooks/{webhook_id}/remove")
def remove(
    request: Request, system: SystemDep, webhook_id: str, form: Form, actor: Actor
) -> Response:
    """Ends an endpoint."""
    try:
        version = expected_version(form.get("version"), "endpoint")
        endpoints.remove(system, webhook_id, actor, version)
    except WardenError as error:
        return _refused(request, system, error)
    return RedirectResponse("/notices?done=removed", 303)


@router.post("/notices/webhooks/{webhook_id}/test")
def try_out(system: SystemDep, webhook_id: str, actor: Actor) -> Response:
    """A message that says nothing but that it is a test."""
    endpoints.try_out(system, webhook_id, actor)
    return RedirectResponse("/notices?done=tested", 303)


@router.post("/notices/messages/{message_id}/retry")
def retry(request: Request, system: SystemDep, message_id: str, actor: Actor) -> Response:
    """Tries a message again that was given up."""
    try:
        endpoints.revive(system, message_id, actor)
    except WardenError as error:
        return _refused(request, system, error)
    return RedirectResponse("/notices?done=retried", 303)


def _refused(
    request: Request, system: System, error: WardenError, typed: dict[str, str] | None = None
) -> Response:
    if error.kind in ("not_found", "unavailable", "integrity"):
        raise error
    own = words(chosen_lang(request)).get(f"notices.refused.{error.code}")
    said = {"text": own or str(error.message), "more": "" if own else error.hint or ""}
    return _page(request, system, status_of(error), refused=said, typed=typed)


def _page(
    request: Request,
    system: System,
    status: int = 200,
    *,
    secret: str = "",
    refused: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    asked = request.query_params
    state = asked.get("state") if asked.get("state") in STATES else None
    start = offset_of(asked.get("cursor"))
    with reading(system.engine) as connection:
        hooks = endpoints.webhooks(connection)
        sent = deliveries(connection, state=state, limit=PAGE + 1, offset=start)
    return render(
        request,
        "notices.html",
        status,
        place="people",
        hooks=hooks,
        kinds=[kind for kind in Kind if kind != Kind.TEST],
        hosts=system.settings.notify.hosts,
        messages=sent[:PAGE],
        following=offset_cursor(start + PAGE) if len(sent) > PAGE else None,
        state=state or "",
        states=STATES,
        secret=secret,
        refused=refused,
        typed=typed or {},
        done=asked.get("done", "") if asked.get("done") in DONE else "",
    )
