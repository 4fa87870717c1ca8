"""Who acts. Until sign-in exists, a name given by the client; no name, no act."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from starlette.requests import Request

from features.errors import WardenError

COOKIE = "acting_as"
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")


def known_actor(request: Request) -> str | None:
    """The name in `X-Actor`, else the one remembered by the browser; None without either."""
    name = unquote(request.headers.get("x-actor") or request.cookies.get(COOKIE) or "")
    return name.strip() or None


def actor_of(request: Request, form: Mapping[str, str] | None = None) -> str:
    """The name to write beside an act; a field of the form wins over what is remembered.

    Raises:
        WardenError: `actor_required` without a name, `bad_actor` when it is no plain text.
    """
    name = (form or {}).get("actor", "").strip() or known_actor(request)
    if not name:
        raise WardenError(
            "actor_required",
            "Nobody is named for this act, so it was not done.",
            "Say who you are: the header X-Actor, or the field `acting as` on a page.",
        )
    if not _NAME.fullmatch(name):
        raise WardenError("bad_actor", "A name is 1 to 80 characters of plain text.")
    return name


def cookie_value(actor: str) -> str:
    """The name as a cookie may carry it: headers are Latin-1, names are not."""
    return quote(actor)
