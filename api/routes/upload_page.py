"""Handing in a filing: the file aside, a look at it, its mapping, and taking it in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from api.deps import Actor, Form, SystemDep, expected_version
from api.errors import status_of
from api.routes.tables_page import all_tables, upload_parts
from api.web.render import render
from api.web.upload_view import column_views, mapping_of_form
from api.web.wording import chosen_lang, words
from detector import uploads
from detector.database import reading
from detector.filings import table_states
from detector.ingest.preview import Preview
from detector.system import System
from features.contracts import contract
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

MULTIPART = "multipart/form-data"
FIELDS = 10
"""Fields of a form with a file, besides the file."""


async def file_form(request: Request) -> tuple[dict[str, str], UploadFile]:
    """The fields and the one file of a form; the file is on the disk, not in memory.

    Raises:
        WardenError: `media_type`, `no_file`.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != MULTIPART:
        raise WardenError("media_type", "This address takes a form.", f"Send it as {MULTIPART}.")
    form = await request.form(max_files=1, max_fields=FIELDS)
    fields = {k: v.strip() for k, v in form.items() if isinstance(v, str)}
    files = [v for v in form.values() if isinstance(v, UploadFile) and v.filename]
    if not files:
        raise WardenError("no_file", "No file was chosen.", "Choose a file, then hand it in.")
    return fields, files[0]


@router.post("/uploads")
async def hand_in(request: Request, system: SystemDep, actor: Actor) -> Response:
    """A file from the page; what it is comes next, before anything is taken in."""
    try:
        fields, file = await file_form(request)
        one = await run_in_threadpool(
            uploads.receive, system, fields.get("table", ""), file.filename or "", file.file, actor
        )
    except WardenError as error:
        if error.kind in ("unavailable", "integrity") or error.code == "media_type":
            raise
        return await run_in_threadpool(_refused, request, system, error)
    finally:
        await request.close()  # what was spooled to the disk goes
    return RedirectResponse(f"/uploads/{one.id}", 303)


def _refused(request: Request, system: System, error: WardenError) -> Response:
    request.state.refused = says(request, error)
    response = all_tables(request, system)
    response.status_code = status_of(error)
    return response


def says(request: Request, error: WardenError) -> dict[str, str]:
    """Why something was refused, in the reader's language where there are words for it."""
    own = words(chosen_lang(request)).get(f"data.refused.{error.code}")
    return {"text": own or str(error.message), "more": "" if own else error.hint or ""}


@router.get("/uploads/{upload_id}")
def look_at(request: Request, system: SystemDep, upload_id: str) -> Response:
    """Where each column goes, its first values, and what its check says."""
    return _page(request, system, upload_id)


@router.post("/uploads/{upload_id}/mapping")
def change_mapping(
    request: Request, system: SystemDep, upload_id: str, form: Form, actor: Actor
) -> Response:
    """Another mapping or another table; nothing is stored but the mapping."""
    try:
        one = uploads.get_upload(system, upload_id)
        version, table = expected_version(form.get("version"), "filing"), form.get("table", "")
        told: dict[str, Any] = {}
        if table == one.table:
            before = uploads.mapping_of(system, one).mapping
            names = uploads.columns(system, one)
            told = mapping_of_form(form, names, contract(table), before)
        uploads.change(system, upload_id, told, table, version, actor)
    except WardenError as error:
        return _again(request, system, upload_id, error)
    return RedirectResponse(f"/uploads/{upload_id}", 303)


@router.post("/uploads/{upload_id}/ingest")
def take_in(
    request: Request, system: SystemDep, upload_id: str, form: Form, actor: Actor
) -> Response:
    """Takes the filing in, as it was looked at."""
    try:
        version = expected_version(form.get("version"), "filing")
        balance = uploads.confirm(system, upload_id, actor, version)
    except WardenError as error:
        return _again(request, system, upload_id, error)
    known = "&known=yes" if balance.already_known else ""
    return RedirectResponse(f"/tables/{balance.table}?batch={balance.batch_id}{known}", 303)


@router.post("/uploads/{upload_id}/discard")
def throw_away(system: SystemDep, upload_id: str, actor: Actor) -> Response:
    """Throws the file away; nothing of it was taken in."""
    uploads.discard(system, upload_id, actor)
    return RedirectResponse("/tables?done=discarded", 303)


def _again(request: Request, system: System, upload_id: str, error: WardenError) -> Response:
    if error.kind in ("not_found", "unavailable", "integrity"):
        raise error
    return _page(request, system, upload_id, status_of(error), says(request, error))


def _page(
    request: Request,
    system: System,
    upload_id: str,
    status: int = 200,
    notice: dict[str, str] | None = None,
) -> Response:
    one = uploads.get_upload(system, upload_id)
    wanted = contract(one.table)
    seen, broken = _seen(request, system, one)
    mapping = uploads.mapping_of(system, one).mapping
    with reading(system.engine) as connection:
        states = table_states(connection, system.clock())
    shown = upload_parts(request, system)
    return render(
        request,
        "upload.html",
        status,
        place="tables",
        one=one,
        seen=seen,
        broken=broken,
        notice=notice,
        columns=column_views(seen, mapping) if seen else [],
        targets=[c for c in wanted.columns if c.derived_from is None],
        missing=[wanted.column(name) for name in seen.missing] if seen else [],
        required=len(wanted.required),
        mapping=mapping,
        quarantined=sum(s.waiting for s in states),
        **shown,
    )


def _seen(
    request: Request, system: System, one: uploads.Upload
) -> tuple[Preview | None, dict[str, str] | None]:
    try:
        return uploads.look(system, one), None
    except WardenError as error:
        if error.kind in ("unavailable", "integrity"):
            raise
        return None, says(request, error)
