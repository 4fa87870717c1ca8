"""What routes are given: the installation, and the parts of a request they have in common."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Header, Request, Response

from api.auth import somebody
from api.schemas.problem import MEDIA_TYPE, Problem
from detector.people.principal import Principal
from detector.system import System
from features.errors import WardenError

FORM = "application/x-www-form-urlencoded"


async def _system(request: Request) -> System:
    system: System = request.app.state.system
    return system


SystemDep = Annotated[System, Depends(_system)]


async def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != FORM:
        raise WardenError("media_type", "This address takes a form.", f"Send it as {FORM}.")
    body = (await request.body()).decode("utf-8", errors="replace")
    return {name: value.strip() for name, value in parse_qsl(body, keep_blank_values=True)}


Form = Annotated[dict[str, str], Depends(_form)]
"""Fields of a form; of a repeated field the last."""

IfMatch = Annotated[
    str | None, Header(description='The ETag the change was decided on, for example "3".')
]


async def _who(request: Request) -> Principal:
    # recognised already, before the address: nothing to wait for
    return somebody(request)


Who = Annotated[Principal, Depends(_who)]
"""Whoever asks, with what they may."""


async def _actor(who: Who) -> str:
    return who.name


Actor = Annotated[str, Depends(_actor)]
"""The name written beside an act."""


def etag(version: int) -> str:
    """The ETag of what is changed here: its version."""
    return f'"{version}"'


def expected_version(if_match: str | None, what: str = "alert") -> int:
    """The version a change was decided on.

    Raises:
        WardenError: `precondition_required` without If-Match; `stale_version` for a tag that no
            version can have.
    """
    if if_match is None:
        raise WardenError(
            "precondition_required",
            f"A change must say which version of the {what} it was decided on.",
            f'Send the ETag of the {what} in If-Match, for example If-Match: "3".',
        )
    tag = if_match.strip().strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 10):
        raise WardenError(
            "stale_version",
            f"No version of the {what} has the tag {if_match!r}.",
            f"Read the {what} again and send its ETag.",
            kind="conflict",
        )
    return int(tag)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI text of the errors an operation answers."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {s: {"model": Problem, "content": content} for s in statuses}


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Adds the RFC 8288 link to the next page; the last page has none."""
    if cursor is not None:
        following = request.url.include_query_params(cursor=cursor)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
