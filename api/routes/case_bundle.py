"""Handing out the evidence of a case: a signed bundle, or one OCSF event."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from alerts.case_model import reach_of
from api.auth import Within
from api.deps import SystemDep, Who, problems
from api.routes.bundle import ENDINGS, SIGNED, TYPES, ApprovalNumber
from detector.bundle.case_build import AskedCase, make_case
from detector.bundle.profiles import Profile
from detector.bundle.wording import LANGS
from detector.people.permissions import Permission

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])


@router.get(
    "/{number}/bundle",
    response_class=Response,
    responses={**problems(401, 403, 404, 409, 422, 503), 200: SIGNED},
)
def read_case_bundle(
    system: SystemDep,
    who: Who,
    within: Within,
    number: str,
    profile: Annotated[Profile, Query(description="who it is for")] = Profile.INTERNAL,
    lang: Annotated[Literal["en", "zh", "both"], Query()] = "both",
    format: Annotated[Literal["zip", "ocsf"], Query()] = "zip",  # noqa: A002  the name asked for
    party: Annotated[
        str | None, Query(max_length=200, description="the party a `party` bundle is for")
    ] = None,
    approval: ApprovalNumber = None,
) -> Response:
    """The case with all evidence behind its alerts in one file; entered in the audit trail."""
    asked = AskedCase(
        number,
        profile,
        tuple(one for one in LANGS if lang in (one, "both")),
        party,
        limits=Permission.THRESHOLDS_READ in who.may,
        reach=reach_of(who.units, who.jurisdictions),
        within=within,
    )
    content = make_case(system, asked, who.name, format, approval)
    name = f"{number}-{profile}.{ENDINGS[format]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=TYPES[format], headers=headers)
