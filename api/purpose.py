"""Why a dossier is opened: asked of every request for one, as query fields or headers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Query

from api.deps import Actor
from detector.dossier.access import LONGEST_CASE, LONGEST_PURPOSE, Visit, visit_of


def _visit(
    actor: Actor,
    purpose: Annotated[
        str | None, Query(max_length=LONGEST_PURPOSE, examples=["review of an alert"])
    ] = None,
    case: Annotated[str | None, Query(max_length=LONGEST_CASE, examples=["C-118"])] = None,
    x_purpose: Annotated[str | None, Header(description="The same as `purpose`.")] = None,
    x_case: Annotated[str | None, Header(description="The same as `case`.")] = None,
) -> Visit:
    return visit_of(actor, purpose or x_purpose, case or x_case)


Purpose = Annotated[Visit, Depends(_visit)]
"""Who asks and why; without purpose and case refused with `purpose_required`."""
