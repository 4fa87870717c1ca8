"""The pages of what is filed: all tables with their balance, and one table with its columns."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.auth import somebody
from api.deps import SystemDep
from api.paging import offset_cursor, offset_of
from api.web.data_view import LATE_SHOWN, batch_row, contract_view, late_rows, size_text, table_row
from api.web.render import render
from api.web.wording import chosen_lang
from detector.database import reading
from detector.expected import missing_filings
from detector.filings import batches, table_states
from detector.ledger import ledger_rows
from detector.people.permissions import Permission
from detector.quarantine import batches_waiting
from detector.system import System
from detector.templates import csv_template, mapping_template
from detector.uploads import uploads
from features.contracts import CONTRACTS, contract

router = APIRouter(include_in_schema=False, default_response_class=Response)

RECENT = 8
PAGE = 50
DONE = ("discarded",)


@router.get("/tables")
def all_tables(request: Request, system: SystemDep) -> Response:
    """Every table: what was filed, how fresh it is, whether it balances, what is late."""
    now = system.clock()
    with reading(system.engine) as connection:
        states = table_states(connection, now)
        recent = batches(connection, limit=RECENT)
        last = ledger_rows(connection, job="detect", limit=1)
        quarantined = sum(one["waiting"] for one in batches_waiting(connection))
    late = late_rows(missing_filings(system.home, system.engine, now.date()), states)
    filed = [table_row(one, now) for one in states if one.batches]
    return render(
        request,
        "tables.html",
        place="tables",
        filed=filed,
        empty=[table_row(one, now) for one in states if not one.batches],
        recent=[batch_row(one) for one in recent],
        late=late[:LATE_SHOWN],
        late_more=max(0, len(late) - LATE_SHOWN),
        quarantined=quarantined,
        last=last[0] if last else None,
        done=_done(request),
        refused=getattr(request.state, "refused", None),
        **upload_parts(request, system),
    )


@router.get("/tables/{name}")
def one_table(request: Request, system: SystemDep, name: str) -> Response:
    """One table: its batches, who filed them and when, and its columns with unit and meaning."""
    wanted, now = contract(name), system.clock()
    start = offset_of(request.query_params.get("cursor"))
    with reading(system.engine) as connection:
        state = next(one for one in table_states(connection, now) if one.table == name)
        found = batches(connection, name, limit=PAGE + 1, offset=start)
    return render(
        request,
        "table.html",
        place="tables",
        table=name,
        state=table_row(state, now),
        quarantined=state.waiting,
        rows=[batch_row(one) for one in found[:PAGE]],
        following=offset_cursor(start + PAGE) if len(found) > PAGE else None,
        new_batch=request.query_params.get("batch", "")[:64],
        known_before=request.query_params.get("known") == "yes",
        **contract_view(wanted, chosen_lang(request)),
    )


@router.get("/tables/{name}/template")
def table_template(request: Request, name: str) -> Response:
    """An empty CSV with the columns, or with `?kind=mapping` a mapping file to fill in."""
    wanted = contract(name)
    mapping = request.query_params.get("kind") == "mapping"
    text = mapping_template(wanted) if mapping else csv_template(wanted)
    saved_as = f"{wanted.name}.mapping.yaml" if mapping else f"{wanted.name}.csv"
    kind = "application/yaml" if mapping else "text/csv"
    headers = {"Content-Disposition": f'attachment; filename="{saved_as}"'}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


def upload_parts(request: Request, system: System) -> dict[str, Any]:
    """What the part for handing in needs: whether the reader may, the tables, what waits."""
    may = Permission.DATA_WRITE in somebody(request).may
    return {
        "may_file": may,
        "tables": list(CONTRACTS),
        "largest": size_text(system.settings.upload_bytes),
        "waiting": uploads(system) if may else [],
        "size_text": size_text,
    }


def _done(request: Request) -> str:
    done = request.query_params.get("done", "")
    return done if done in DONE else ""
