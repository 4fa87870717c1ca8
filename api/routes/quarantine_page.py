"""The page of quarantined rows: what is wrong, corrected in place or as a file, sent again."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response, StreamingResponse

from alerts import audit
from api.deps import Actor, Form, SystemDep
from api.errors import status_of
from api.paging import offset_cursor, offset_of
from api.routes.upload_page import file_form, says
from api.web.data_view import batch_row
from api.web.quarantine_view import corrections_of_form, rejected_row, with_typed
from api.web.render import render
from api.web.wording import chosen_lang
from detector.database import reading, writing
from detector.filings import one_batch
from detector.quarantine import batches_waiting, rejected_csv, rejected_rows
from detector.retries import Retried, corrections_in, retry
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

PAGE = 50


@router.get("/quarantine")
def quarantine(request: Request, system: SystemDep) -> Response:
    """Rows of one batch that wait; without a batch the newest that has any."""
    return _page(request, system, request.query_params.get("batch"))


@router.get("/quarantine/{batch_id}/rows.csv")
def download(system: SystemDep, batch_id: str, actor: Actor) -> Response:
    """The rows that wait as CSV, to be corrected and handed in again."""
    with writing(system.engine) as connection:
        filed = one_batch(connection, batch_id)
        audit.record(
            connection, actor=actor, action="quarantine.downloaded", kind="batch", key=batch_id,
            data={"rows": filed.waiting}, now=system.clock(),
        )  # fmt: skip
    rows = rejected_rows(system.home, system.engine, batch_id, waiting=True)
    saved_as = f"{filed.table}-{batch_id[:8]}-rejected.csv"
    # with its mark, so that a spreadsheet reads Chinese
    text = (part.encode() for part in ("\ufeff", *rejected_csv(filed.table, rows)))
    headers = {"Content-Disposition": f'attachment; filename="{saved_as}"'}
    return StreamingResponse(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/quarantine/{batch_id}/retry")
def retry_on_page(
    request: Request, system: SystemDep, batch_id: str, form: Form, actor: Actor
) -> Response:
    """The rows whose values were corrected in the page, sent again."""
    try:
        told = retry(system, batch_id, corrections_of_form(form), actor)
    except WardenError as error:
        return _refused(request, system, batch_id, error, form)
    return _done(batch_id, told)


@router.post("/quarantine/{batch_id}/upload")
async def retry_by_file(
    request: Request, system: SystemDep, batch_id: str, actor: Actor
) -> Response:
    """A download that was corrected, handed in again; rows that were not changed stay."""
    try:
        _, file = await file_form(request)
        told = await run_in_threadpool(_retry_file, system, batch_id, file, actor)
    except WardenError as error:
        if error.code == "media_type":
            raise
        return await run_in_threadpool(_refused, request, system, batch_id, error, {})
    finally:
        await request.close()
    return _done(batch_id, told)


def _retry_file(system: System, batch_id: str, file: UploadFile, actor: str) -> Retried:
    with reading(system.engine) as connection:
        filed = one_batch(connection, batch_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corrected.csv"
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        wanted = corrections_in(path, filed.table)
    return retry(system, batch_id, wanted, actor, settled_too=True)


def _done(batch_id: str, told: Retried) -> Response:
    counts = f"sent={told.sent}&refused={told.refused}&same={told.unchanged}"
    return RedirectResponse(f"/quarantine?batch={batch_id}&{counts}", 303)


def _refused(
    request: Request, system: System, batch_id: str, error: WardenError, form: dict[str, str]
) -> Response:
    if error.kind in ("not_found", "unavailable", "integrity"):
        raise error
    return _page(request, system, batch_id, status_of(error), says(request, error), form)


def _page(
    request: Request,
    system: System,
    batch_id: str | None,
    status: int = 200,
    notice: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    asked, lang = request.query_params, chosen_lang(request)
    table, everything = asked.get("table") or None, asked.get("all") == "yes"
    start = offset_of(asked.get("cursor"))
    with reading(system.engine) as connection:
        waiting = batches_waiting(connection)
        of_table = [one for one in waiting if table in (None, one["table"])]
        batch_id = batch_id or (of_table[0]["batch_id"] if of_table else None)
        filed = one_batch(connection, batch_id) if batch_id else None
    rows, total = [], 0
    if filed is not None:
        total = filed.quarantined if everything else filed.waiting
        rows = rejected_rows(
            system.home, system.engine, filed.batch_id, waiting=not everything, limit=PAGE,
            offset=start,
        )  # fmt: skip
    shown = [rejected_row(n, one, lang) for n, one in enumerate(rows)]
    return render(
        request,
        "quarantine.html",
        status,
        place="tables",
        batches=[_choice(one) for one in waiting],
        batch=batch_row(filed) if filed else None,
        rows=with_typed(shown, typed or {}),
        total=total,
        everything=everything,
        following=offset_cursor(start + PAGE) if total > start + PAGE else None,
        notice=notice,
        told=_told(asked),
        quarantined=sum(one["waiting"] for one in waiting),
    )


def _choice(one: dict[str, Any]) -> dict[str, Any]:
    files = ", ".join(json.loads(one["source_files"]))
    return one | {"short": one["batch_id"][:8], "files": files}


def _told(asked: Any) -> dict[str, int] | None:
    """What a retry gave, out of the address."""
    names = ("sent", "refused", "same")
    counts = {name: asked.get(name, "") for name in names}
    if not all(value.isdecimal() and len(value) < 10 for value in counts.values()):
        return None
    return {name: int(value) for name, value in counts.items()}
