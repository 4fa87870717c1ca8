"""The audit trail: who did and read what, and whether the trail is whole."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from alerts import audit
from alerts.audit_reading import LARGEST_PAGE, LONGEST_CURSOR, EntryFilter, entries
from api.deps import Actor, SystemDep, link_next, problems
from api.schemas.audit import AuditPage, AuditState
from detector.audit import trail
from detector.database import reading, writing
from features.errors import WardenError

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

LINES = "application/x-ndjson"
EXPORTED = {"description": "The file.", "content": {LINES: {}}}
Moment = Annotated[datetime | None, Query(description="with a time zone")]


@router.get("", responses=problems(401, 403, 422, 503))
def list_entries(
    request: Request,
    response: Response,
    system: SystemDep,
    asking: Actor,
    actor: Annotated[str | None, Query(max_length=128, description="name or pseudonym")] = None,
    action: Annotated[
        str | None, Query(max_length=64, description="an act; `rule.` is every act on rules")
    ] = None,
    kind: Annotated[str | None, Query(max_length=32)] = None,
    key: Annotated[str | None, Query(max_length=200)] = None,
    since: Moment = None,
    until: Moment = None,
    names: Annotated[bool, Query(description="tell names; that is entered as a read")] = False,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR)] = None,
) -> AuditPage:
    """Entries, newest first."""
    wanted = EntryFilter(actor, action, kind, key, _aware(since), _aware(until))
    if names:
        with writing(system.engine) as writer:
            audit.record(
                writer, actor=asking, action="audit.names_read", kind="audit", key="names",
                data={}, now=system.clock(),
            )  # fmt: skip
    with reading(system.engine) as connection:
        page = entries(connection, wanted, cursor, limit, named=names)
    link_next(request, response, page.next_cursor)
    return AuditPage.model_validate({"items": page.entries, "next_cursor": page.next_cursor})


@router.post(
    "/export", response_class=Response, responses={**problems(401, 403, 503), 200: EXPORTED}
)
def export_trail(system: SystemDep, asking: Actor) -> Response:
    """Every entry in one signed file that is verified elsewhere; the export is an entry, too."""
    with writing(system.engine) as writer:
        # asked for before anything is read: an act that cannot be entered is not done
        audit.record(
            writer, actor=asking, action="audit.export_asked", kind="audit", key="export",
            data={}, now=system.clock(),
        )  # fmt: skip
    folder = Path(tempfile.mkdtemp())
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        out = folder / f"audit-{system.clock():%Y%m%d-%H%M}.jsonl"
        trail.export_trail(system, out, asking)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(out, media_type=LINES, filename=out.name, background=gone)


@router.get("/state", responses=problems(401, 403, 503))
def read_state(system: SystemDep, _asking: Actor) -> AuditState:
    """Whether the trail is whole and what is signed of it."""
    return AuditState.model_validate(trail.state(system))


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise WardenError(
            "bad_date", "A moment needs its time zone.", "For example 2026-11-23T09:30:00Z."
        )
    return moment
