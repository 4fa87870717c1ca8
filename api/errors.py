"""Every error leaves this door as RFC 9457 problem+json, or as a page when a person asked."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.schemas.problem import MEDIA_TYPE, FieldError, Problem
from api.segments import address_of
from features.errors import WardenError

STATUS: dict[str, int] = {
    # by code, for what only a door can refuse
    "actor_required": 401,
    "sign_in_required": 401,
    "sign_in_refused": 401,
    "not_permitted": 403,
    "no_permission_entry": 403,
    "cross_site_request": 403,
    "too_large": 413,
    "media_type": 415,
    "unknown_host": 421,
    "stale_version": 412,
    "precondition_required": 428,
    "too_many_requests": 429,
    # by kind, for everything the packages below raise
    "invalid": 422,
    "not_found": 404,
    "conflict": 409,
    "unavailable": 503,
    "integrity": 500,
}
"""The one table from an error's code, else its kind, to the HTTP status."""

_CODES = {
    400: "bad_request",
    404: "no_such_page",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid_request",
}

log = logging.getLogger("marketwarden.api")

PageOfProblem = Callable[[Request, Problem], Response]


def status_of(error: WardenError) -> int:
    """HTTP status of an error: its code decides, else its kind."""
    return STATUS.get(error.code, STATUS[error.kind])


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    hint: str = "",
    errors: list[FieldError] | None = None,
) -> Problem:
    """Problem details of one refused request."""
    return Problem(
        type=f"urn:marketwarden:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        instance=address_of(request),
        reference=secrets.token_hex(6),
        errors=errors or [],
    )


def problem_response(
    request: Request, body: Problem, headers: Mapping[str, str] | None = None
) -> Response:
    """A page for a person who asked for one, problem+json for everyone else."""
    if _wants_page(request):
        page: PageOfProblem = request.app.state.problem_page
        response = page(request, body)
        response.headers.update(headers or {})
        return response
    return JSONResponse(body.model_dump(), body.status, dict(headers or {}), media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    if request.url.path.startswith(("/api/", "/static/", "/healthz", "/readyz", "/openapi")):
        return False
    return "text/html" in request.headers.get("accept", "")


def warden_problem(request: Request, error: WardenError) -> Problem:
    """Problem details of an error raised on purpose."""
    return problem(request, status_of(error), error.code, error.message, error.hint)


def crash_response(request: Request, error: Exception) -> Response:
    """The answer to a fault of ours: a reference into the log, nothing of the traceback."""
    body = problem(
        request,
        500,
        "internal_error",
        "The server failed on this request; nothing was changed by it.",
        "Try again; if it fails again, give the reference to whoever runs this server.",
    )
    log.error("unhandled error, reference %s", body.reference, exc_info=error)
    try:
        return problem_response(request, body)
    except Exception:  # what failed may be the page itself; the answer must not depend on it
        log.exception("the page for reference %s failed too", body.reference)
        return JSONResponse(body.model_dump(), 500, media_type=MEDIA_TYPE)


def _on_warden_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, WardenError)  # noqa: S101  registered for this class only
    body = warden_problem(request, error)
    if error.code == "sign_in_required" and _wants_page(request):
        asked = request.scope["query_string"].decode("latin-1")
        back = quote(address_of(request) + (f"?{asked}" if asked else ""))
        return RedirectResponse(f"/sign-in?next={back}", 303)
    headers = {"WWW-Authenticate": "Bearer"} if body.status == 401 else {}
    if body.status >= 500:
        log.error("%s, reference %s", error.code, body.reference, exc_info=error)
    return problem_response(request, body, headers)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = _CODES.get(error.status_code, f"http_{error.status_code}")
    details = {
        "no_such_page": (f"There is nothing at {address_of(request)}.", "Start at the queue, /."),
        "method_not_allowed": (f"{request.method} is not possible here.", ""),
    }
    detail, hint = details.get(code, (str(error.detail), ""))
    body = problem(request, error.status_code, code, detail, hint)
    return problem_response(request, body, error.headers)


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [
        FieldError(pointer="#/" + "/".join(str(part) for part in e["loc"]), detail=str(e["msg"]))
        for e in error.errors()
    ]
    detail = f"{found[0].pointer}: {found[0].detail}." if found else "The request is not valid."
    body = problem(request, 422, "invalid_request", detail, errors=found)
    return problem_response(request, body)


def install(app: FastAPI) -> None:
    """Registers the one way errors are answered."""
    app.add_exception_handler(WardenError, _on_warden_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
