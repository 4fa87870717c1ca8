"""Firms: the search, and the dossier of one with its parts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.auth import Within
from api.deps import SystemDep, Who, link_next, problems
from api.disclosure import told_lines
from api.paging import offset_cursor, offset_of
from api.purpose import Purpose
from api.schemas import firm_parts as parts
from api.schemas import firms as shapes
from detector.database import reading
from detector.dossier import whole
from detector.dossier.access import open_dossier
from detector.dossier.filings import LARGEST_PAGE
from detector.dossier.network import LARGEST
from detector.dossier.notes import add_note, notes_on
from detector.firm_search import LARGEST_PAGE as LARGEST_SEARCH
from detector.firm_search import LONGEST, FirmFilter, search_firms

router = APIRouter(prefix="/api/v1/firms", tags=["firms"])

Periods = Annotated[int, Query(ge=1, le=120, description="the last ones")]
Word = Annotated[str | None, Query(max_length=LONGEST)]
READ = problems(401, 403, 404, 422, 503)
WRITE = problems(401, 403, 404, 409, 422, 503)


@router.get("", responses=problems(401, 403, 422, 503))
def find_firms(
    system: SystemDep,
    within: Within,
    q: Annotated[
        str,
        Query(
            max_length=LONGEST,
            description="parts of a name in either language, an id or its beginning",
            examples=["阳伞"],
        ),
    ] = "",
    country: Word = None,
    sector: Word = None,
    group: Word = None,
    role: Word = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_SEARCH)] = 20,
) -> shapes.FirmPage:
    """Firms that fit, the best first. No dossier is opened, so no purpose is asked."""
    wanted = FirmFilter(q, country, sector, group, role)
    return shapes.FirmPage.model_validate(search_firms(system, wanted, limit, within))


@router.get("/{firm_id}", responses=READ)
def read_dossier(system: SystemDep, firm_id: str, visit: Purpose, who: Who) -> shapes.Dossier:
    """Who the firm is, key figures, markets, filings, alerts, and how much was checked."""
    subject = open_dossier(system, firm_id, visit, "dossier")
    told = whole.dossier(system, subject)
    told["alerts"]["items"] = told_lines(told["alerts"]["items"], who)
    return shapes.Dossier.model_validate(told)


@router.get("/{firm_id}/timeline", responses=READ)
def read_timeline(
    system: SystemDep,
    firm_id: str,
    visit: Purpose,
    periods: Periods = 24,
    typology: Annotated[str | None, Query(max_length=40, description="only its features")] = None,
) -> parts.Timeline:
    """Measures over time, each beside the band of its peers, and dated events."""
    subject = open_dossier(system, firm_id, visit, "timeline")
    return parts.Timeline.model_validate(whole.timeline(system, subject, periods, typology))


@router.get("/{firm_id}/coverage", responses=READ)
def read_coverage(
    system: SystemDep, firm_id: str, visit: Purpose, periods: Periods = 24
) -> parts.Coverage:
    """What was checked, rule by period, and why not where it was not."""
    subject = open_dossier(system, firm_id, visit, "coverage")
    return parts.Coverage.model_validate(whole.coverage_map(system, subject, periods))


@router.get("/{firm_id}/network", responses=READ)
def read_network(
    system: SystemDep,
    firm_id: str,
    visit: Purpose,
    nodes: Annotated[int, Query(ge=1, le=LARGEST, description="organisations shown")] = 100,
) -> parts.Network:
    """Organisations up to two links away: bids, owners, trade, shared recipients of data."""
    subject = open_dossier(system, firm_id, visit, "network")
    return parts.Network.model_validate(whole.network_of(system, subject, nodes))


@router.get("/{firm_id}/peers", responses=READ)
def read_peers(
    system: SystemDep,
    firm_id: str,
    visit: Purpose,
    typology: Annotated[
        str | None, Query(max_length=40, description="compare by its features", examples=[None])
    ] = None,
) -> parts.Peers:
    """The ten firms most like this one, its economic group left out."""
    subject = open_dossier(system, firm_id, visit, "peers")
    return parts.Peers.model_validate(whole.peers_of(system, subject, typology))


@router.get("/{firm_id}/notes", responses=READ)
def read_notes(system: SystemDep, firm_id: str, visit: Purpose) -> parts.Notes:
    """What people who worked on the firm wrote down, as far as you may see what they could."""
    open_dossier(system, firm_id, visit, "notes")
    with reading(system.engine) as connection:
        return parts.Notes.model_validate({"items": notes_on(connection, firm_id, visit.actor)})


@router.post("/{firm_id}/notes", status_code=201, responses=WRITE)
def write_note(
    system: SystemDep, firm_id: str, visit: Purpose, wanted: parts.NewNote
) -> parts.Note:
    """Adds a note; it is never changed."""
    subject = open_dossier(system, firm_id, visit, "notes")
    return parts.Note.model_validate(add_note(system, subject, visit, wanted.text))


@router.get("/{firm_id}/filings", responses=READ)
def read_filings(system: SystemDep, firm_id: str, visit: Purpose) -> shapes.FilingsPart:
    """The tables that name the firm, with counts, first and last, and amendments."""
    subject = open_dossier(system, firm_id, visit, "filings")
    return shapes.FilingsPart.model_validate(whole.filings_of(system, subject))


@router.get("/{firm_id}/filings/{table}", responses=READ)
def read_rows(
    request: Request,
    response: Response,
    system: SystemDep,
    firm_id: str,
    table: str,
    visit: Purpose,
    amended: Annotated[bool, Query(description="only rows with several versions")] = False,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> shapes.RowPage:
    """Source rows that name the firm, with every version: when it happened, when it was learned."""
    start = offset_of(cursor)
    subject = open_dossier(system, firm_id, visit, "filings")
    told = whole.rows_of(system, subject, table, amended=amended, limit=limit, offset=start)
    following = offset_cursor(start + limit) if told.pop("more") else None
    link_next(request, response, following)
    return shapes.RowPage.model_validate(told | {"next_cursor": following})
