"""Filings over HTTP: handed in, their batches, tables, and the quarantine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.deps import Actor, SystemDep, link_next, problems
from api.paging import offset_cursor, offset_of
from api.schemas import filings as shapes
from detector import uploads
from detector.attached import LONGEST_NAME
from detector.database import reading
from detector.expected import rules_by_table
from detector.filings import Batch, batches, one_batch, table_states
from detector.quarantine import rejected_rows
from detector.retries import retry
from features.contracts import CONTRACTS, contract
from features.errors import WardenError

router = APIRouter(prefix="/api/v1", tags=["filings"])

BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
IN_MEMORY = 1 << 20
BatchId = Annotated[str, Path(min_length=1, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=64)]


async def spooled(request: Request) -> AsyncIterator[BinaryIO]:
    """The body on the disk, never whole in memory."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        async for part in request.stream():
            file.write(part)
        file.seek(0)
        yield file  # type: ignore[misc]


@router.post(
    "/filings",
    status_code=201,
    responses=problems(401, 403, 404, 409, 413, 422, 500, 503),
    openapi_extra={"requestBody": {"content": BINARY, "required": True}},
)
def file_now(
    system: SystemDep,
    actor: Actor,
    file: Annotated[BinaryIO, Depends(spooled)],
    table: Annotated[str, Query(max_length=64, examples=["bids"])],
    name: Annotated[str, Query(max_length=4 * LONGEST_NAME, examples=["bids.csv"])],
) -> shapes.BalanceReport:
    """Takes a file in, sent as the body: CSV, JSONL or Parquet by the ending of its name, also .gz.

    A mapping that an earlier filing of the table was read by is used again where it fits. The
    same bytes sent twice change nothing.
    """
    wanted = contract(table).name
    one = uploads.receive(system, wanted, name, file, actor)
    try:
        balance = uploads.confirm(system, one.id, actor)
    except WardenError:
        uploads.discard(system, one.id, actor)
        raise
    return shapes.BalanceReport.model_validate(balance.as_dict())


@router.get("/tables", responses=problems(503))
def list_tables(system: SystemDep) -> shapes.TableReports:
    """Every canonical table: how much was filed, how fresh it is, whether it is late."""
    with reading(system.engine) as connection:
        states = table_states(connection, system.clock())
    reads = rules_by_table()
    items = [
        {**asdict(one), "title": CONTRACTS[one.table].title, "rules": reads.get(one.table, 0)}
        for one in states
    ]
    return shapes.TableReports.model_validate({"items": items})


@router.get("/tables/{name}", responses=problems(404, 422, 503))
def list_batches(
    request: Request,
    response: Response,
    system: SystemDep,
    name: Annotated[str, Path(max_length=64)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> shapes.BatchPage:
    """Batches of one table, the newest first, each with its balance."""
    wanted, start = contract(name).name, offset_of(cursor)
    with reading(system.engine) as connection:
        found = batches(connection, wanted, limit=limit + 1, offset=start)
    following = offset_cursor(start + limit) if len(found) > limit else None
    link_next(request, response, following)
    items = [_batch(one) for one in found[:limit]]
    return shapes.BatchPage.model_validate({"items": items, "next_cursor": following})


@router.get("/quarantine", responses=problems(401, 403, 404, 422, 503))
def list_rejected(
    request: Request,
    response: Response,
    system: SystemDep,
    batch: Annotated[str, Query(min_length=1, max_length=64)],
    waiting: bool = True,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> shapes.RejectedPage:
    """Quarantined rows of one batch: what is wrong with each and what to do."""
    start = offset_of(cursor)
    with reading(system.engine) as connection:
        filed = one_batch(connection, batch)
    total = filed.waiting if waiting else filed.quarantined
    rows = rejected_rows(
        system.home, system.engine, batch, waiting=waiting, limit=limit, offset=start
    )
    following = offset_cursor(start + limit) if total > start + limit else None
    link_next(request, response, following)
    shown = {"items": [asdict(one) for one in rows], "total": total, "next_cursor": following}
    return shapes.RejectedPage.model_validate(shown)


@router.post(
    "/quarantine/{batch_id}/retry",
    status_code=201,
    responses=problems(401, 403, 404, 409, 422, 500, 503),
)
def retry_rows(
    system: SystemDep, actor: Actor, batch_id: BatchId, asked: shapes.Corrections
) -> shapes.RetriedReport:
    """Sends corrected rows again, only those that changed; the originals stay."""
    wanted = {(one.source_file, one.line): one.values for one in asked.rows}
    return shapes.RetriedReport.model_validate(asdict(retry(system, batch_id, wanted, actor)))


def _batch(one: Batch) -> dict[str, Any]:
    return asdict(one) | {"waiting": one.waiting, "source_files": json.loads(one.source_files)}
