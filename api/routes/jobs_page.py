"""The pages of jobs: a calendar of what fell due, each run, a run asked for, a slot tried again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.auth import somebody
from api.deps import Actor, Form, SystemDep, expected_version
from api.errors import status_of
from api.routes.upload_page import says
from api.web.jobs_view import LEGEND, MARKS, calendar_view, failures_view, run_view, slot_text
from api.web.render import render
from api.web.wording import chosen_lang
from detector import job_requests
from detector.database import reading
from detector.job_calendar import calendar, failed_runs, latest_runs
from detector.people.permissions import Permission
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

FAILURES = 3
"""Different failures shown beside the calendar."""
DONE = ("asked", "retried")


@router.get("/jobs")
def jobs(request: Request, system: SystemDep) -> Response:
    """The calendar, what failed, and the last runs."""
    return _page(request, system)


@router.get("/jobs/{run_id}")
def one_run(request: Request, system: SystemDep, run_id: str) -> Response:
    """One run: its stages, counts, messages and errors."""
    return _run_page(request, system, run_id)


@router.post("/jobs/{job}/run")
def run_now(request: Request, system: SystemDep, job: str, actor: Actor) -> Response:
    """Asks for a run now; the next free worker takes it."""
    try:
        made = job_requests.ask(system, job, actor)
    except WardenError as error:
        if error.kind != "conflict":
            raise
        return _page(request, system, status_of(error), says(request, error))
    return RedirectResponse(f"/jobs/{made.run_id}?done=asked", 303)


@router.post("/jobs/{run_id}/retry")
def retry(request: Request, system: SystemDep, run_id: str, form: Form, actor: Actor) -> Response:
    """Puts a failed slot back in line."""
    try:
        version = expected_version(form.get("version"), "run")
        made = job_requests.retry(system, run_id, actor, version)
    except WardenError as error:
        if error.kind in ("not_found", "unavailable", "integrity"):
            raise
        return _run_page(request, system, run_id, status_of(error), says(request, error))
    return RedirectResponse(f"/jobs/{made.run_id}?done=retried", 303)


def _page(
    request: Request, system: System, status: int = 200, notice: dict[str, str] | None = None
) -> Response:
    lang, found = chosen_lang(request), calendar(system)
    with reading(system.engine) as connection:
        failed = failed_runs(connection)
        recent = latest_runs(connection)
    return render(
        request,
        "jobs.html",
        status,
        place="jobs",
        calendar=calendar_view(found, lang),
        idle_since=found.idle_since,
        legend=[(name, MARKS[name]) for name in LEGEND],
        failed=failures_view(failed, lang)[:FAILURES],
        recent=[one.as_dict() | {"slot_text": slot_text(one.slot, lang)} for one in recent],
        may_run=Permission.DATA_WRITE in somebody(request).may,
        notice=notice,
    )


def _run_page(
    request: Request,
    system: System,
    run_id: str,
    status: int = 200,
    notice: dict[str, str] | None = None,
) -> Response:
    lang = chosen_lang(request)
    with reading(system.engine) as connection:
        found = job_requests.one_run(connection, run_id)
    done = request.query_params.get("done", "")
    return render(
        request,
        "run.html",
        status,
        place="jobs",
        run=found,
        view=run_view(found, lang),
        may_run=Permission.DATA_WRITE in somebody(request).may,
        done=done if done in DONE else "",
        notice=notice,
    )
