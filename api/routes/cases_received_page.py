"""Receiving a case that another installation handed over: the file, a look at it, taking it in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from alerts.limits import Limits
from api.auth import Within
from api.deps import Actor, SystemDep
from api.errors import status_of
from api.routes.upload_page import file_form
from api.web.received_view import look_view
from api.web.render import render
from api.web.wording import chosen_lang, words
from detector.handover_reading import LARGEST
from detector.received import LONGEST_KEY, look, put_aside, receive_held
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)


@router.get("/cases/receive")
def form_of_file(request: Request) -> Response:
    """Where a file is handed in, with the key it is to be trusted by."""
    return _form(request)


@router.post("/cases/receive")
async def hand_in(request: Request, system: SystemDep, actor: Actor) -> Response:
    """Verifies a file and puts it aside; what it would raise comes next."""
    fields: dict[str, str] = {}
    try:
        fields, file = await file_form(request)
        content = await file.read(LARGEST + 1)
        sha256 = await run_in_threadpool(put_aside, system, content, fields.get("key", ""), actor)
    except WardenError as error:
        if error.kind == "unavailable" or error.code == "media_type":
            raise
        return await run_in_threadpool(_form, request, fields.get("key", ""), error)
    finally:
        await request.close()  # what was spooled to the disk goes
    return RedirectResponse(f"/cases/receive/{sha256}", 303)


@router.get("/cases/receive/{sha256}")
def look_at(request: Request, system: SystemDep, within: Within, sha256: str) -> Response:
    """Who sent what, and what taking it in would raise."""
    return _page(request, system, within, sha256)


@router.post("/cases/receive/{sha256}")
def take_in(system: SystemDep, actor: Actor, sha256: str) -> Response:
    """Raises the alerts of the file as leads; those received before are left as they are."""
    found = receive_held(system, sha256, actor)
    return RedirectResponse(f"/cases/receive/{sha256}?raised={len(found.alerts)}", 303)


def _form(request: Request, key: str = "", error: WardenError | None = None) -> Response:
    notice: dict[str, Any] | None = None
    if error is not None:
        why = words(chosen_lang(request)).get(f"cases.receive.refused.{error.code}", str(error))
        notice = {"tone": "bad", "text": why}
    # a file of somebody else that does not hold is no fault of this server
    status = 200 if error is None else 422 if error.kind == "integrity" else status_of(error)
    return render(
        request,
        "case-receive.html",
        status,
        place="cases",
        key=key,
        longest_key=LONGEST_KEY,
        notice=notice,
    )


def _page(request: Request, system: System, within: Limits, sha256: str) -> Response:
    lang, found = chosen_lang(request), look(system, sha256, within)
    raised = request.query_params.get("raised", "")
    return render(
        request,
        "case-received.html",
        place="cases",
        look=look_view(found, lang),
        raised=int(raised) if raised.isdecimal() and len(raised) < 7 else None,
    )
