"""Handing out the evidence behind an alert: a signed bundle, or one OCSF event."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field

from api.deps import SystemDep, Who, problems
from detector.bundle.build import Asked, make
from detector.bundle.profiles import Profile
from detector.bundle.wording import LANGS
from detector.people.permissions import Permission

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

TYPES = {"zip": "application/zip", "ocsf": "application/json"}
ENDINGS = {"zip": "zip", "ocsf": "json"}
SIGNED = {"description": "The file.", "content": {kind: {} for kind in TYPES.values()}}
ApprovalNumber = Annotated[
    Annotated[int, Field(ge=1, le=2**31 - 1)] | None,
    # a form sends an empty field where nothing was typed
    BeforeValidator(lambda given: given or None),
    Query(description="approved request, above the limit"),
]


@router.get(
    "/{alert_id}/bundle",
    response_class=Response,
    responses={**problems(401, 403, 404, 409, 422, 503), 200: SIGNED},
)
def read_bundle(
    system: SystemDep,
    who: Who,
    alert_id: str,
    profile: Annotated[Profile, Query(description="who it is for")] = Profile.INTERNAL,
    lang: Annotated[Literal["en", "zh", "both"], Query()] = "both",
    format: Annotated[Literal["zip", "ocsf"], Query()] = "zip",  # noqa: A002  the name asked for
    party: Annotated[
        str | None, Query(max_length=200, description="the firm a `party` bundle is for")
    ] = None,
    approval: ApprovalNumber = None,
) -> Response:
    """All evidence behind the alert in one file; entered in the audit trail."""
    langs = tuple(one for one in LANGS if lang in (one, "both"))
    limits = Permission.THRESHOLDS_READ in who.may
    asked = Asked(alert_id, profile, langs, party, limits)
    content = make(system, asked, who.name, format, approval)
    name = f"{_plain(alert_id)}-{profile}.{ENDINGS[format]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=TYPES[format], headers=headers)


def _plain(alert_id: str) -> str:
    """The id as a name of a file."""
    return "".join(c for c in alert_id if c.isascii() and (c.isalnum() or c == "-"))[:64]
