"""Exceptions of rules: what is set aside, by whom, until when, and what it has hidden."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from alerts.exceptions import RuleException as Found
from alerts.exceptions import Wanted, exception_object
from api.deps import Actor, IfMatch, SystemDep, etag, expected_version, problems
from api.schemas.rules import (
    RULE_ID,
    Ending,
    NewException,
    RuleException,
    RuleExceptionReport,
    RuleExceptions,
)
from detector.rule_exceptions import (
    add_exception,
    approve_exception,
    end_exception,
    exceptions_report,
)
from features.errors import WardenError

router = APIRouter(prefix="/api/v1/exceptions", tags=["rules"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
CHANGES = problems(401, 403, 404, 409, 412, 422, 428, 503)


@router.get("", responses=problems(422, 503))
def list_exceptions(
    system: SystemDep,
    rule: Annotated[str | None, Query(pattern=RULE_ID, max_length=80)] = None,
) -> RuleExceptions:
    """Every exception, and what each has hidden."""
    found = exceptions_report(system, rule)
    return RuleExceptions(items=[RuleExceptionReport.model_validate(one) for one in found])


@router.get("/{number}", responses=problems(404, 422, 503))
def read_exception(response: Response, system: SystemDep, number: Number) -> RuleExceptionReport:
    """One exception; its ETag is what a change must name in If-Match."""
    for one in exceptions_report(system):
        if one["id"] == number:
            response.headers["ETag"] = etag(one["version"])
            return RuleExceptionReport.model_validate(one)
    raise WardenError("exception_not_found", f"There is no exception {number}.", kind="not_found")


@router.post("", status_code=201, responses=problems(401, 403, 404, 422, 503))
def new_exception(
    response: Response, system: SystemDep, asked: NewException, actor: Actor
) -> RuleException:
    """Adds an exception; that of a severe rule holds once another person has approved it."""
    wanted = Wanted(
        rule_id=asked.rule,
        owner=asked.owner or actor,
        reason=asked.reason,
        subject_kind=asked.subject_kind,
        subject_key=asked.subject_key,
        first_day=asked.first_day,
        last_day=asked.last_day,
        expires=asked.expires,
    )
    return _told(response, add_exception(system, wanted, actor))


@router.post("/{number}/approve", responses=CHANGES)
def approve(
    response: Response, system: SystemDep, number: Number, actor: Actor, if_match: IfMatch = None
) -> RuleException:
    """The second person's word on an exception of a severe rule."""
    version = expected_version(if_match, "exception")
    return _told(response, approve_exception(system, number, actor, version))


@router.post("/{number}/end", responses=CHANGES)
def end(
    response: Response,
    system: SystemDep,
    number: Number,
    asked: Ending,
    actor: Actor,
    if_match: IfMatch = None,
) -> RuleException:
    """Ends an exception; periods that end later are covered no more."""
    version = expected_version(if_match, "exception")
    return _told(response, end_exception(system, number, actor, asked.on, version))


def _told(response: Response, found: Found) -> RuleException:
    response.headers["ETag"] = etag(found.version)
    return RuleException.model_validate(exception_object(found))
