"""What takes a second person: large exports and re-identification, asked for and answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from alerts import approvals
from alerts.approvals import Stage, approval_object
from alerts.case_model import reach_of
from alerts.limits import require_visible
from api.auth import Within
from api.deps import IfMatch, SystemDep, Who, etag, expected_version, problems
from api.schemas import approvals as shapes
from detector import reidentification, second_person
from detector.bundle.build import Asked, outgoing
from detector.bundle.case_build import AskedCase, outgoing_case
from detector.bundle.wording import LANGS
from detector.database import reading, writing
from detector.handover import HandOver
from detector.handover import outgoing as outgoing_hand_over
from detector.people.permissions import Permission
from detector.second_person import Outgoing
from detector.system import System
from detector.waiting import Looker, may_answer, request, requests, require_answer

router = APIRouter(prefix="/api/v1", tags=["approvals"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
READ = problems(401, 403, 404, 422, 503)
CHANGES = problems(401, 403, 404, 409, 412, 422, 428, 503)


def _looker(who: Who, within: Within) -> Looker:
    return Looker(who.name, who.may, within, reach_of(who.units, who.jurisdictions))


Looking = Annotated[Looker, Depends(_looker)]


@router.get("/approvals", responses=problems(401, 403, 422, 503))
def list_approvals(
    system: SystemDep,
    who: Looking,
    stage: Annotated[list[Stage], Query()] = [],  # noqa: B006  FastAPI copies defaults
) -> shapes.Approvals:
    """Requests you made or may answer, the newest first."""
    with reading(system.engine) as connection:
        found = requests(connection, who, system.clock(), stage)
    return shapes.Approvals(items=[_shown(one, who) for one in found])


@router.post("/approvals", status_code=201, responses=CHANGES)
def ask_for_export(
    response: Response,
    system: SystemDep,
    principal: Who,
    who: Looking,
    asked: shapes.NewExport,
) -> shapes.Approval:
    """Asks for an export above the limit; with the number of the approved request it is made."""
    limits = Permission.THRESHOLDS_READ in principal.may
    out = _measured(system, who, asked, limits=limits)
    made = second_person.ask(system, out, asked.purpose, asked.case, who.name)
    return _told(response, made, who)


@router.get("/approvals/{number}", responses=READ)
def read_approval(
    response: Response, system: SystemDep, who: Looking, number: Number
) -> shapes.Approval:
    """One request; its ETag is what an answer must name in If-Match."""
    with reading(system.engine) as connection:
        found = request(connection, number, who, system.clock())
    return _told(response, found, who)


@router.post("/approvals/{number}/approve", responses=CHANGES)
def approve(
    response: Response,
    system: SystemDep,
    who: Looking,
    number: Number,
    asked: shapes.Answer,
    if_match: IfMatch = None,
) -> shapes.Approval:
    """The second person's word, on exactly what was read."""
    version, now = expected_version(if_match, "request"), system.clock()
    with writing(system.engine) as connection:
        require_answer(request(connection, number, who, now), who)
        made = approvals.approve(connection, number, who.name, now, version, asked.content)
    return _told(response, made, who)


@router.post("/approvals/{number}/reject", responses=CHANGES)
def reject(
    response: Response,
    system: SystemDep,
    who: Looking,
    number: Number,
    asked: shapes.Refusal,
    if_match: IfMatch = None,
) -> shapes.Approval:
    """Refuses a request, and says why."""
    version, now = expected_version(if_match, "request"), system.clock()
    with writing(system.engine) as connection:
        require_answer(request(connection, number, who, now), who)
        made = approvals.reject(connection, number, who.name, now, version, asked.note)
    return _told(response, made, who)


@router.post("/approvals/{number}/withdraw", responses=CHANGES)
def withdraw(
    response: Response, system: SystemDep, who: Looking, number: Number, if_match: IfMatch = None
) -> shapes.Approval:
    """Takes back one's own request."""
    version, now = expected_version(if_match, "request"), system.clock()
    with writing(system.engine) as connection:
        request(connection, number, who, now)
        made = approvals.withdraw(connection, number, who.name, now, version)
    return _told(response, made, who)


@router.post("/reidentifications", status_code=201, responses=CHANGES)
def ask_who(
    response: Response, system: SystemDep, who: Looking, asked: shapes.NewQuestion
) -> shapes.Approval:
    """Asks whether it may be told which candidate a pseudonym stands for; nothing is told yet."""
    made = reidentification.ask(
        system, asked.pseudonym, asked.candidates, asked.purpose, asked.case, who.name
    )
    return _told(response, made, who)


@router.post("/reidentifications/{number}/resolve", responses=CHANGES)
def tell_who(
    system: SystemDep, who: Looking, number: Number, asked: shapes.Question
) -> shapes.Match:
    """Tells it, once, to whoever asked, for the question another person has approved."""
    found = reidentification.resolve(system, number, asked.pseudonym, asked.candidates, who.name)
    return shapes.Match.model_validate(found)


def _measured(system: System, who: Looker, asked: shapes.NewExport, *, limits: bool) -> Outgoing:
    """What would leave, as whoever asks would get it.

    Raises:
        WardenError: `alert_not_found`, `case_not_found` and those of each kind of export.
    """
    langs = tuple(one for one in LANGS if asked.lang in (one, "both"))
    if asked.what == "alert_bundle":
        with reading(system.engine) as connection:
            require_visible(connection, asked.key, who.within)
        wanted = Asked(asked.key, asked.profile, langs, asked.party, limits)
        return outgoing(system, wanted, asked.format)
    if asked.what == "case_bundle":
        whole = AskedCase(
            asked.key, asked.profile, langs, asked.party, limits, who.reach, who.within
        )
        return outgoing_case(system, whole, asked.format)
    order = HandOver(asked.key, asked.to or "", asked.notes)
    return outgoing_hand_over(system, order, who.reach, who.within)


def _shown(one: approvals.Approval, who: Looker) -> shapes.Approval:
    mine = one.stage is Stage.WAITING and may_answer(one, who)
    return shapes.Approval.model_validate(approval_object(one) | {"yours": mine})


def _told(response: Response, one: approvals.Approval, who: Looker) -> shapes.Approval:
    response.headers["ETag"] = etag(one.version)
    return _shown(one, who)
