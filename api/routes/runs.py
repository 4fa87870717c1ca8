"""What ran, when, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.deps import SystemDep, link_next, problems
from api.paging import offset_cursor, offset_of
from api.schemas.runs import Run, RunPage
from detector.database import reading
from detector.ledger import ledger_rows
from features.errors import WardenError

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


@router.get("/{run_id}", responses=problems(404, 503))
def get_run(system: SystemDep, run_id: str) -> Run:
    """One run by its id."""
    with reading(system.engine) as connection:
        rows = ledger_rows(connection, run_id=run_id, limit=1)
    if not rows:
        raise WardenError("run_not_found", f"There is no run {run_id}.", kind="not_found")
    return Run.model_validate(rows[0].as_dict())
