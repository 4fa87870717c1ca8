"""What was decided in a case: corrections of the record, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from alerts.case_corrections import one_intervention
from alerts.case_model import CaseHand, case_object, reach_of
from alerts.case_store import get_case
from api.deps import IfMatch, SystemDep, Who, etag, expected_version, problems
from api.schemas import cases as shapes
from detector.database import reading
from detector.remedies.targets import correct_decision

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])
Decision = Annotated[int, Path(ge=1, le=2**31 - 1, description="number of the decision")]


@router.put(
    "/{number}/interventions/{intervention}",
    responses=problems(401, 403, 404, 409, 412, 422, 428, 503),
)
def correct_intervention(
    response: Response,
    system: SystemDep,
    who: Who,
    number: str,
    intervention: Decision,
    asked: shapes.CorrectedIntervention,
    if_match: IfMatch = None,
) -> shapes.Case:
    """Corrects what was recorded of a decision; the old version stays on record."""
    wanted, goals = asked.recorded()
    reach = reach_of(who.units, who.jurisdictions)
    hand = CaseHand(who.name, system.clock(), expected_version(if_match, "case"), reach)
    case = correct_decision(system, number, intervention, wanted, goals, asked.why, hand)
    response.headers["ETag"] = etag(case.version)
    return shapes.Case.model_validate(case_object(case))


@router.get(
    "/{number}/interventions/{intervention}/follow-up", responses=problems(401, 403, 404, 422, 503)
)
def read_follow_up(
    system: SystemDep, who: Who, number: str, intervention: Decision
) -> shapes.FollowedUp:
    """What the follow-up job found last about each figure a decision is to move."""
    with reading(system.engine) as connection:
        get_case(connection, number, reach_of(who.units, who.jurisdictions))
        found = one_intervention(connection, number, intervention)
    return shapes.FollowedUp.model_validate({**found, "case": number, "intervention": found["id"]})
