"""Cases: opened on alerts, worked on, decided, handed over, followed up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from alerts import case_work, cases
from alerts.case_list import summaries, summary_object
from alerts.case_model import (
    Case,
    CaseHand,
    CaseOutcome,
    CaseReach,
    CaseState,
    NewCase,
    PartyRole,
    case_object,
    reach_of,
)
from alerts.case_reading import case_detail
from alerts.case_reading import timeline as whole_timeline
from alerts.case_store import LARGEST_PAGE, CaseFilter
from alerts.case_store import list_cases as find_cases
from api.auth import Within
from api.deps import IfMatch, SystemDep, Who, etag, expected_version, link_next, problems
from api.paging import offset_cursor, offset_of
from api.schemas import cases as shapes
from detector.case_parties import add_to_case, open_on_alerts
from detector.database import reading, writing
from detector.handover import HandOver, hand_over
from detector.people.principal import Principal
from detector.remedies import targets
from detector.system import System

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])

READ = problems(401, 403, 404, 422, 503)
CHANGE = problems(401, 403, 404, 409, 412, 422, 428, 503)
TaskId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _reach(who: Who) -> CaseReach:
    return reach_of(who.units, who.jurisdictions)


Reach = Annotated[CaseReach, Depends(_reach)]
"""The cases whoever asks may see; to the others there are no others."""


def _hand(system: System, who: Principal, if_match: str | None) -> CaseHand:
    version = expected_version(if_match, "case")
    return CaseHand(who.name, system.clock(), version, _reach(who))


def _told(response: Response, case: Case) -> shapes.Case:
    response.headers["ETag"] = etag(case.version)
    return shapes.Case.model_validate(case_object(case))


def _roles(parties: list[shapes.Party] | None) -> dict[str, PartyRole] | None:
    return None if parties is None else {one.firm: PartyRole(one.role) for one in parties}


@router.get("", responses=problems(401, 403, 422, 503))
def list_cases(
    request: Request,
    response: Response,
    system: SystemDep,
    reach: Reach,
    within: Within,
    state: Annotated[list[shapes.State], Query()] = [],  # noqa: B006  FastAPI copies defaults
    unit: Annotated[str | None, Query(max_length=64)] = None,
    owner: Annotated[str | None, Query(max_length=128)] = None,
    firm: Annotated[str | None, Query(max_length=255, description="a party")] = None,
    alert: Annotated[str | None, Query(max_length=64, description="an alert in it")] = None,
    q: Annotated[str | None, Query(max_length=200, description="anywhere in the title")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> shapes.CasePage:
    """Cases you may see, the newest first."""
    wanted = CaseFilter(tuple(state), unit, owner, firm, alert, q, reach, within)
    offset = offset_of(cursor)
    with reading(system.engine) as connection:
        found = find_cases(connection, wanted, limit + 1, offset)
        numbers = [case.number for case in found[:limit]]
        told = summaries(connection, numbers, system.clock().date(), within)
    more = offset_cursor(offset + limit) if len(found) > limit else None
    link_next(request, response, more)
    items = [case_object(one) | summary_object(told[one.number]) for one in found[:limit]]
    return shapes.CasePage.model_validate({"items": items, "next_cursor": more})


@router.post("", status_code=201, responses=problems(401, 403, 404, 409, 422, 503))
def open_case(
    response: Response,
    system: SystemDep,
    who: Who,
    reach: Reach,
    within: Within,
    asked: shapes.NewCase,
) -> shapes.Case:
    """Opens a case; without parties, the firms its alerts are about are its subjects."""
    unit = asked.unit or (next(iter(reach.units)) if len(reach.units) == 1 else None)
    wanted = NewCase(asked.title, unit, asked.jurisdiction, asked.owner)
    hand = CaseHand(who.name, system.clock(), reach=reach)
    parties = _roles(asked.parties)
    return _told(response, open_on_alerts(system, wanted, asked.alerts, hand, parties, within))


@router.get("/{number}", responses=READ)
def read_case(
    response: Response, system: SystemDep, reach: Reach, within: Within, number: str
) -> shapes.CaseDetail:
    """One case with what belongs to it; its ETag is what a change must name in If-Match."""
    with reading(system.engine) as connection:
        found = case_detail(connection, number, reach, within)
    response.headers["ETag"] = etag(found["version"])
    return shapes.CaseDetail.model_validate(found)


@router.patch("/{number}", responses=CHANGE)
def change_case(
    response: Response,
    system: SystemDep,
    who: Who,
    number: str,
    asked: shapes.CaseChange,
    if_match: IfMatch = None,
) -> shapes.Case:
    """Changes what a case says of itself, or moves it on, closes or reopens it."""
    change = cases.CaseChange(
        title=asked.title,
        unit=asked.unit,
        jurisdiction=asked.jurisdiction,
        owner=asked.owner,
        state=CaseState(asked.state) if asked.state else None,
        outcome=CaseOutcome(asked.outcome) if asked.outcome else None,
        note=asked.note,
        parties=_roles(asked.parties),
    )
    hand = _hand(system, who, if_match)
    with writing(system.engine) as connection:
        return _told(response, cases.change_case(connection, number, change, hand))


@router.post("/{number}/alerts", responses=CHANGE)
def add_alerts(
    response: Response,
    system: SystemDep,
    who: Who,
    within: Within,
    number: str,
    asked: shapes.Selection,
    if_match: IfMatch = None,
) -> shapes.Case:
    """Adds alerts to a case, and the firms they are about to its parties."""
    hand = _hand(system, who, if_match)
    return _told(response, add_to_case(system, number, asked.alerts, hand, within))


@router.post("/{number}/alerts/{alert_id}/remove", responses=CHANGE)
def remove_alert(
    response: Response,
    system: SystemDep,
    who: Who,
    number: str,
    alert_id: str,
    asked: shapes.Removal,
    if_match: IfMatch = None,
) -> shapes.Case:
    """Takes an alert out of a case again."""
    hand = _hand(system, who, if_match)
    with writing(system.engine) as connection:
        return _told(response, cases.remove_alert(connection, number, alert_id, hand, asked.note))


@router.post("/{number}/tasks", status_code=201, responses=CHANGE)
def add_task(
    response: Response,
    system: SystemDep,
    who: Who,
    number: str,
    asked: shapes.NewTask,
    if_match: IfMatch = None,
) -> shapes.Case:
    """Adds something to be done."""
    hand = _hand(system, who, if_match)
    with writing(system.engine) as connection:
        case, _ = case_work.add_task(
            connection, number, asked.text, hand, assignee=asked.assignee, due_on=asked.due_on
        )
        return _told(response, case)


@router.patch("/{number}/tasks/{task}", responses=CHANGE)
def change_task(
    response: Response,
    system: SystemDep,
    who: Who,
    number: str,
    task: TaskId,
    asked: shapes.TaskChange,
    if_match: IfMatch = None,
) -> shapes.Case:
    """Ticks a task off or on again, or gives it to somebody else or another day."""
    hand = _hand(system, who, if_match)
    with writing(system.engine) as connection:
        case = case_work.change_task(
            connection, number, task, hand,
            done=asked.done, assignee=asked.assignee, due_on=asked.due_on,
        )  # fmt: skip
        return _told(response, case)


@router.post("/{number}/notes", status_code=201, responses=READ)
def add_note(
    system: SystemDep, who: Who, reach: Reach, number: str, asked: shapes.NewNote
) -> shapes.Note:
    """Adds a note; it never conflicts with a change, so it needs no If-Match."""
    hand = CaseHand(who.name, system.clock(), reach=reach)
    with writing(system.engine) as connection:
        made = case_work.add_note(connection, number, asked.text, hand)
    return shapes.Note(id=made, text=asked.text, author=who.name, at=hand.now)


@router.post("/{number}/interventions", status_code=201, responses=CHANGE)
def intervene(
    response: Response,
    system: SystemDep,
    who: Who,
    number: str,
    asked: shapes.NewIntervention,
    if_match: IfMatch = None,
) -> shapes.Case:
    """Records what was decided, and which features it is to move by when."""
    hand = _hand(system, who, if_match)
    case, _ = targets.decide(system, number, *asked.recorded(), hand)
    return _told(response, case)


@router.get("/{number}/timeline", responses=READ)
def read_timeline(system: SystemDep, reach: Reach, within: Within, number: str) -> shapes.Timeline:
    """Every event of the case and of its alerts, oldest first."""
    with reading(system.engine) as connection:
        found = whole_timeline(connection, number, reach, within)
    return shapes.Timeline.model_validate({"items": found})


@router.post(
    "/{number}/hand-over",
    response_class=Response,
    responses=problems(401, 403, 404, 409, 422, 503)
    | {200: {"content": {"application/zip": {}}, "description": "The signed file."}},
)
def hand_case_over(
    system: SystemDep,
    who: Who,
    reach: Reach,
    within: Within,
    number: str,
    asked: shapes.HandOverTo,
) -> Response:
    """A signed file of the case for another installation; see `warden cases import`."""
    wanted = HandOver(number, asked.to, tuple(asked.notes), asked.approval)
    hand = CaseHand(who.name, system.clock(), reach=reach)
    content = hand_over(system, wanted, hand, within)
    headers = {"Content-Disposition": f'attachment; filename="{number}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)
