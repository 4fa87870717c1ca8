"""The way in and out, for browsers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.auth import COOKIE, asker, keep_session
from api.deps import Form, SystemDep
from api.errors import status_of
from api.web.render import render
from detector.people import sessions
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    """The form; whoever is signed in already is sent on."""
    back = own_path(request.query_params.get("next", "/"))
    if asker(request) is not None:
        return RedirectResponse(back, 303)
    return _page(request, back)


@router.post("/sign-in")
def sign_in(request: Request, system: SystemDep, form: Form) -> Response:
    """Opens a session, or shows the form again without saying which of the two was wrong."""
    back = own_path(form.get("next", "/"))
    try:
        token = sessions.sign_in(system, form.get("name", ""), form.get("password", ""))
    except WardenError as error:
        if error.code != "sign_in_refused":
            raise
        return _page(request, back, status_of(error), typed=form.get("name", ""), refused=True)
    response = RedirectResponse(back, 303)
    keep_session(request, response, token)
    return response


@router.get("/sign-in/oidc")
def to_provider(request: Request, system: SystemDep) -> Response:
    """Sends the browser to the identity provider."""
    from detector.people import oidc

    return RedirectResponse(
        oidc.begin(system, own_path(request.query_params.get("next", "/"))), 303
    )


@router.get("/sign-in/oidc/back")
def from_provider(request: Request, system: SystemDep) -> Response:
    """Takes the browser back from the provider; a session opens when all it brings holds."""
    from detector.people import oidc

    asked = request.query_params
    try:
        token, back = oidc.finish(system, asked.get("state", ""), asked.get("code", ""))
    except WardenError as error:
        if error.code != "sign_in_refused":
            raise
        return _page(request, "/", status_of(error), refused=True, why=error.message)
    response = RedirectResponse(back, 303)
    keep_session(request, response, token)
    return response


@router.post("/sign-out")
def sign_out(request: Request, system: SystemDep) -> Response:
    """Ends the session here, not only in the browser."""
    token = request.cookies.get(COOKIE)
    if token:
        sessions.sign_out(system, token)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


def own_path(path: str) -> str:
    """Only a path of ours: an address elsewhere would make this page a springboard."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if safe else "/"


def _page(request: Request, back: str, status: int = 200, **shown: Any) -> Response:
    system: System = request.app.state.system
    provider = system.settings.oidc is not None
    form = {"typed": "", "refused": False, "why": "", "provider": provider} | shown
    return render(request, "sign-in.html", status, back=back, **form)
