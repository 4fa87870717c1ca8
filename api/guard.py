"""What stands before every route: host, origin and size of a request, headers of an answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import crash_response, problem_response, warden_problem
from features.errors import WardenError

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_BODY = 1_000_000
"""Bytes of a request body; decisions and comments are text."""
FORM_ROOM = 65_536
"""Bytes around a file in a form: the other fields, and the lines that part them."""
_ATTACHMENT = re.compile(r"/api/v1/alerts/[^/]+/attachments|/alerts/[^/]+/files")
_FILING = re.compile(
    r"/api/v1/filings|/uploads|/quarantine/[0-9a-f]{1,64}/upload"
    r"|/cases/receive|/api/v1/hand-overs"
)
"""The addresses whose requests are files; nowhere else is a body larger than text."""

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer, errors included. Everything but our own scripts and styles is `no-store`."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI layer around the whole application.

    Args:
        app: the application inside.
        hosts: host names it answers to; a page elsewhere that rebinds its own name to this
            address is refused by it. None: any.
        file_bytes: largest file that may be attached to an alert.
        filing_bytes: largest filing that may be handed in.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] | None = LOCAL_HOSTS,
        file_bytes: int = MAX_BODY,
        filing_bytes: int = MAX_BODY,
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.file_bytes = file_bytes
        self.filing_bytes = filing_bytes

    def _most(self, request: Request) -> int:
        """Bytes the body of a request may have."""
        if request.method == "POST" and _ATTACHMENT.fullmatch(request.url.path):
            return self.file_bytes + (FORM_ROOM if request.url.path.endswith("/files") else 0)
        if request.method == "POST" and _FILING.fullmatch(request.url.path):
            return self.filing_bytes + FORM_ROOM
        return MAX_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                static = scope["path"].startswith("/static/")
                message["headers"] = _guarded(message["headers"], static)
            await send(message)

        most = self._most(request)
        try:
            refused = _refusal(request, self.hosts, most)
            if refused is not None:
                answer = problem_response(request, warden_problem(request, refused))
                await answer(scope, receive, send_guarded)
                return
            await self.app(scope, _capped(receive, most), send_guarded)
        except Exception as error:
            if started:
                raise
            await crash_response(request, error)(scope, receive, send_guarded)


def _raw(keep: str) -> list[tuple[bytes, bytes]]:
    told = {**HEADERS, "Cache-Control": keep}
    return [(name.lower().encode(), value.encode()) for name, value in told.items()]


_OF_PAGES, _OF_FILES = _raw("no-store"), _raw("no-cache")
_OURS = frozenset(name for name, _ in _OF_PAGES)


def _guarded(headers: Iterable[tuple[bytes, bytes]], static: bool) -> list[tuple[bytes, bytes]]:
    """Headers of an answer with ours, which no route may set otherwise."""
    theirs = [one for one in headers if one[0] not in _OURS]
    return theirs + (_OF_FILES if static else _OF_PAGES)


def _refusal(request: Request, hosts: Collection[str] | None, most: int) -> WardenError | None:
    if hosts is not None and _host_name(request) not in hosts:
        return WardenError(
            "unknown_host",
            "This server does not answer to that host name.",
            "Use the address it printed when it started.",
        )
    if request.method not in _SAFE and not same_origin(request):
        return WardenError(
            "cross_site_request",
            "A change was asked for from another site and was not made.",
            "Open the page on this server and try again there.",
        )
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        return WardenError("too_large", f"The request body is over {most:,} bytes.")
    return None


def _host_name(request: Request) -> str:
    host = request.headers.get("host", "")
    return host[1:].split("]")[0] if host.startswith("[") else host.rsplit(":", 1)[0]


def same_origin(request: Request) -> bool:
    """Whether a change comes from our own page or from something that is no browser.

    Browsers send `Sec-Fetch-Site`, older ones `Origin`; neither can be forged by a page. A
    request with neither header carries no ambient authority of a browser.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers.get('host')}"


def _capped(receive: Receive, most: int) -> Receive:
    size = 0

    async def receive_capped() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise HTTPException(413, f"The request body is over {most:,} bytes.")
        return message

    return receive_capped
