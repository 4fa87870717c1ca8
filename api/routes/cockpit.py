"""The director's view, for programs and as a page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from alerts.case_model import reach_of
from alerts.limits import Limits
from api.auth import Within
from api.deps import SystemDep, Who, problems
from api.schemas.cockpit import Cockpit
from api.web.cockpit_view import cockpit_view
from api.web.render import render
from api.web.wording import chosen_lang
from detector.cockpit.whole import cockpit
from detector.people.permissions import Permission
from detector.people.principal import Principal
from detector.system import System

router = APIRouter()


def _told(system: System, who: Principal, within: Limits) -> dict[str, Any]:
    found = cockpit(system, within, reach_of(who.units, who.jurisdictions))
    if Permission.CASES_READ not in who.may:
        return {**found, "remedies": None}
    return found


@router.get("/api/v1/cockpit", tags=["alerts"], responses=problems(401, 403, 503))
def read_cockpit(system: SystemDep, who: Who, within: Within) -> Cockpit:
    """What waits, how fast it is decided, markets, rules, what was not checked, remedies.

    The figures are at most a minute old, older where computing them takes long; `at` says when.
    """
    return Cockpit.model_validate(_told(system, who, within), from_attributes=True)


@router.get("/cockpit", include_in_schema=False, response_class=Response)
def cockpit_page(request: Request, system: SystemDep, who: Who, within: Within) -> Response:
    """The same as a page."""
    shown = cockpit_view(_told(system, who, within), chosen_lang(request))
    return render(request, "cockpit.html", place="cockpit", **shown)
