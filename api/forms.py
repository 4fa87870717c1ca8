"""Forms in which a field may be given more than once."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from api.deps import FORM
from features.errors import WardenError

MOST_FIELDS = 5_000


async def _pairs(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != FORM:
        raise WardenError("media_type", "This address takes a form.", f"Send it as {FORM}.")
    body = (await request.body()).decode("utf-8", errors="replace")
    return parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)


FormPairs = Annotated[list[tuple[str, str]], Depends(_pairs)]
"""Fields of a form in their order, each as often as it was sent."""
