"""Addresses as they were asked for: an id may hold a slash, written `%2F`, and any other sign.

A server hands the path over decoded, so a slash inside an id would look like one between
segments, and a `#` or `?` inside it like the end of the path. Registers of firms do hold such ids.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_KEPT = "\ue02f"
"""Stands for a slash inside a segment while routes are matched; assigned to no sign."""
_ENCODED = re.compile("%2f", re.IGNORECASE)
_SIGNS = "/%:@!$&'()*+,;=~"
"""What stays as it was sent: signs an address may hold, and what is encoded already."""


class _Segment(StringConvertor):
    """One segment of a path, with its own slashes."""

    def convert(self, value: str) -> str:
        return value.replace(_KEPT, "/")


# every `{name}` of an address without a kind of its own; read when a route is made
register_url_convertor("str", _Segment())


class Segments:
    """ASGI layer that keeps an encoded slash out of the matching of routes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = (scope.get("raw_path") or b"").decode("latin-1")
            if _ENCODED.search(sent):
                scope = {**scope, "path": unquote(_ENCODED.sub(quote(_KEPT), sent))}
        await self.app(scope, receive, send)


def address_of(request: Request) -> str:
    """The path of a request as a link names it, signs of ids encoded."""
    sent = request.scope.get("raw_path")
    if sent is None:
        return quote(request.scope["path"])
    return quote(sent.decode("latin-1").partition("?")[0], safe=_SIGNS)
