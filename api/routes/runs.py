"""What ran, when, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.deps import Actor, IfMatch, SystemDep, etag, expected_version, link_next, problems
from api.paging import offset_cursor, offset_of
from api.schemas.runs import Run, RunPage
from detector import job_requests
from detector.database import reading
from detector.ledger import ledger_rows

router = APIRouter(prefix="/api/v1/runs", tags=["runs"])


@router.get("", responses=problems(422, 503))
def list_runs(
    request: Request,
    response: Response,
    system: SystemDep,
    job: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[str | None, Query(max_length=16)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> RunPage:
    """Runs of all jobs, latest planned first."""
    start = offset_of(cursor)
    with reading(system.engine) as connection:
        rows = ledger_rows(connection, job=job, state=state, limit=limit + 1, offset=start)
    following = offset_cursor(start + limit) if len(rows) > limit else None
    link_next(request, response, following)
    items = [Run.model_validate(row.as_dict()) for row in rows[:limit]]
    return RunPage(items=items, next_cursor=following)


@router.post("/{job}/ask", status_code=202, responses=problems(401, 403, 404, 409, 503))
def ask_for_run(system: SystemDep, actor: Actor, job: Annotated[str, Path(max_length=64)]) -> Run:
    """Asks for a run of a job now; the next free worker takes it."""
    return Run.model_validate(job_requests.ask(system, job, actor).as_dict())


@router.post(
    "/{run_id}/retry", status_code=202, responses=problems(401, 403, 404, 409, 412, 428, 503)
)
def retry_run(
    system: SystemDep,
    actor: Actor,
    run_id: Annotated[str, Path(max_length=64)],
    if_match: IfMatch = None,
) -> Run:
    """Puts a failed slot back in line; its ETag is the attempt that failed."""
    version = expected_version(if_match, "run")
    return Run.model_validate(job_requests.retry(system, run_id, actor, version).as_dict())


@router.get("/{run_id}", responses=problems(404, 503))
def get_run(response: Response, system: SystemDep, run_id: str) -> Run:
    """One run by its id; its ETag is what a retry must name."""
    with reading(system.engine) as connection:
        found = job_requests.one_run(connection, run_id)
    response.headers["ETag"] = etag(found.attempt)
    return Run.model_validate(found.as_dict())
