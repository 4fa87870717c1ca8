"""Changes sent with an `Idempotency-Key` are made once; a repeat is given the first answer.

Two halves: a dependency of every route, which runs once it is known that the person may, and a
layer around the application, which sees the answer. The routes between know of neither.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import asker
from detector import repeats
from detector.database import writing
from detector.people.principal import Principal
from detector.repeats import Answer
from detector.system import System
from features.errors import WardenError

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT_HEADERS = ("content-type", "etag", "location")
LARGEST = 1_000_000
"""Bytes of an answer that is kept; of a larger one only that the change was made."""

SHOWN_ONCE = frozenset(
    {
        ("POST", "/api/v1/me/keys"),
        ("POST", "/api/v1/webhooks"),
        ("POST", "/api/v1/webhooks/{webhook_id}/rotate"),
    }
)
"""Addresses whose answers hold a secret: keeping them would keep what is only kept as a hash."""

log = logging.getLogger("marketwarden.api")

_NOT_MADE = frozenset({401, 403, 413, 429, 503})
"""Answers that say nothing about the change itself: the same request may be tried again."""


class Repeated(Exception):  # noqa: N818  no fault: it carries the first answer past the route
    """The change was made already."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def applies(method: str, path: str) -> bool:
    """Whether an address takes idempotency keys."""
    return method in CHANGING and path.startswith("/api/v1/")


async def once(request: Request) -> None:
    """Claims the key of a change; a dependency that comes after the check of permissions.

    Raises:
        Repeated: with the first answer.
        WardenError: see `detector.repeats.claim`.
    """
    key = request.headers.get(HEADER)
    if key is None or not applies(request.method, request.url.path):
        return
    body = await request.body()
    await run_in_threadpool(_claim, request, key, body)


def _claim(request: Request, key: str, body: bytes) -> None:
    system: System = request.app.state.system
    who = asker(request)
    if who is None:  # an address open to anybody has nobody to keep an answer for
        return
    with writing(system.engine) as connection:
        found = repeats.claim(connection, who.person_id, key, _mark(request, body), system.clock())
    if found is not None:
        raise Repeated(found)
    request.state.claim = (who, key)


def _mark(request: Request, body: bytes) -> str:
    """Hash of what makes a change this one; the version it was decided on is part of it."""
    parts = (
        request.method, request.url.path, request.url.query,
        request.headers.get("if-match", ""), request.headers.get("content-type", ""),
    )  # fmt: skip
    told = hashlib.sha256(body).hexdigest()
    return hashlib.sha256("\n".join((*parts, told)).encode()).hexdigest()


def _on_repeated(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Repeated)  # noqa: S101  registered for this class only
    headers = {**error.answer.headers, REPLAYED: "true"}
    return Response(error.answer.body or None, error.answer.status, headers)


def install(app: FastAPI) -> None:
    """Registers how a repeat is answered."""
    app.add_exception_handler(Repeated, _on_repeated)


@dataclass
class _Caught:
    """An answer held back until it is kept."""

    status: int = 0
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    messages: list[Message] = field(default_factory=list)

    def add(self, message: Message) -> None:
        """Notes one part of the answer."""
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = Headers(raw=message["headers"])
        elif len(self.body) <= LARGEST:
            self.body += message.get("body", b"")

    def answer(self, address: tuple[str, str]) -> Answer | None:
        """What is to be kept; None where it may not be, or is no text."""
        kind = self.headers.get("content-type", "")
        if (address in SHOWN_ONCE and self.status < 400) or len(self.body) > LARGEST:
            return None
        if self.body and "json" not in kind:
            return None
        kept = {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}
        return Answer(self.status, kept, self.body.decode())


class Keeper:
    """ASGI layer that keeps answers to claimed changes before they are sent.

    An answer of a fault of ours leaves the claim: whether the change was made is not known.
    """

    def __init__(self, app: ASGIApp, system: System) -> None:
        self.app = app
        self.system = system

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _keyed(scope):
            await self.app(scope, receive, send)
            return
        caught = _Caught()

        async def hold(message: Message) -> None:
            caught.add(message)

        await self.app(scope, receive, hold)
        claim = scope.get("state", {}).get("claim")
        if claim is not None:
            try:
                await run_in_threadpool(self._settle, scope, claim, caught)
            except WardenError:  # the change was made; a repeat will be told to look
                log.exception("the answer to %s was not kept", scope["path"])
        for message in caught.messages:
            await send(message)

    def _settle(self, scope: Scope, claim: tuple[Principal, str], caught: _Caught) -> None:
        who, key = claim
        if caught.status >= 500 and caught.status not in _NOT_MADE:
            return
        address = (scope["method"], scope["route"].path)
        with writing(self.system.engine) as connection:
            if caught.status in _NOT_MADE:
                repeats.release(connection, who.person_id, key)
            else:
                repeats.keep(connection, who.person_id, key, caught.answer(address))


def _keyed(scope: Scope) -> bool:
    return applies(scope["method"], scope["path"]) and any(
        name == HEADER.encode() for name, _ in scope["headers"]
    )
