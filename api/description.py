"""The OpenAPI text: what FastAPI writes, with our one shape of errors in place of its own, what
each address needs, the errors that the door itself answers, and examples."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.examples import example
from api.permissions import OPEN, needed
from api.repeats import applies
from api.schemas.problem import MEDIA_TYPE, Problem
from detector.people.permissions import Permission

SUMMARY = """\
Alerts, evidence and decisions of one installation, with the runs behind them.

**Who may.** Send a key as `Authorization: Bearer mw_...`, or the cookie of a session. The scope an
operation needs stands in its `security` and as `x-scope`.

**Changes** name the version they were decided on in `If-Match`. Any change under `/api/v1` may be
sent with an `Idempotency-Key`, a random text of up to 128 characters: for 24 hours the same request
with the same key of the same person is given the first answer again (`Idempotency-Replayed: true`)
and changes nothing. Another request under the key is refused with 422 `idempotency_mismatch`, a
repeat before the first has an answer with 409 `in_progress`. An answer that shows a secret is not
kept: its repeat is refused with 409 `answer_withheld`.

**Limits** hold by person and for reading and changing apart, attempts to sign in by address; by
default {read:,} requests to read, {change:,} changes and {sign_in:,} attempts a minute and server
process. Answers say in `RateLimit` what is left; beyond it the answer is 429 with `Retry-After`.

**Errors** are RFC 9457 problems; scripts may rely on their `code`.
"""
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
OWN_SHAPE = frozenset({"readyz_readyz_get"})
"""Readiness answers 503 in its own shape, with the checks."""
WRITTEN = ("application/json", "text/")
REPEAT_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes the change once, however often it is sent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
    "example": "6f1d2c9e-0d2b-4a0e-9a53-0c5a4f0f3c11",
}
WAIT = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}

Operation = dict[str, Any]


def describe(app: FastAPI, limits: dict[str, int]) -> None:
    """Makes the application describe itself in OpenAPI 3.1.

    Args:
        limits: requests a minute: `read`, `change`, `sign_in`.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app, SUMMARY.format(**limits))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI, summary: str) -> dict[str, Any]:
    text = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=summary,
        routes=app.routes,
    )
    schemas = text["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Problem"].pop("$defs", {})
    for path, method, operation in operations(text):
        _say_who(operation, needed(method, path))
        if applies(method, path):
            operation.setdefault("parameters", []).append(REPEAT_KEY)
        _add_errors(operation, method, path)
        _add_examples(operation, schemas)
    return text


def operations(text: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    """Every operation of a description, with path and method."""
    for path, methods in text["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _say_who(operation: Operation, need: Permission | str | None) -> None:
    if need == OPEN:
        operation["security"] = []
        return
    scopes = [str(need)] if isinstance(need, Permission) else []
    ways = [next(iter(way)) for way in operation.get("security", [])]
    operation["security"] = [{way: scopes} for way in ways]
    if scopes:
        operation["x-scope"] = scopes[0]


def _add_errors(operation: Operation, method: str, path: str) -> None:
    """What the door answers before a route is asked, beside what the route says of itself."""
    answers = operation["responses"]
    for status in _door_errors(operation, method, path):
        answers.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    for status, answer in answers.items():
        if int(status) >= 400 and operation["operationId"] not in OWN_SHAPE:
            answer["content"] = PROBLEM
    if "429" in answers:
        answers["429"]["headers"] = WAIT
    operation["responses"] = dict(sorted(answers.items()))


def _door_errors(operation: Operation, method: str, path: str) -> Iterator[int]:
    yield 421
    if operation["security"]:
        yield from (401, 429, 503)
        if "x-scope" in operation:
            yield 403
    if operation.get("parameters"):
        yield 422
    if "{" in path:
        yield 404
    if method not in ("GET", "HEAD"):
        yield from (403, 413)
    if applies(method, path):
        yield from (409, 422)
    if "requestBody" in operation:
        yield from (400, 422)


def _add_examples(operation: Operation, schemas: dict[str, Any]) -> None:
    contents = [operation["requestBody"]["content"]] if "requestBody" in operation else []
    contents += [a.get("content", {}) for s, a in operation["responses"].items() if int(s) < 300]
    for kind, told in ((k, t) for content in contents for k, t in content.items()):
        if not kind.startswith(WRITTEN):
            # a file: nothing of it can be shown as text
            told.setdefault("schema", {"type": "string", "contentMediaType": kind})
        elif "example" not in told and "examples" not in told:
            # a route that writes its own answer has told no shape
            schema = told.setdefault("schema", {}) or {"type": "object"}
            told |= {"schema": schema, "example": example(schema, schemas)}
