"""Parts of a dossier, each as a page of its own or as a panel the first page fetches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.auth import somebody
from api.deps import SystemDep
from api.disclosure import told_lines
from api.paging import offset_cursor, offset_of
from api.routes.firm_page import PARTS, ask_purpose
from api.visits import firm_address, kept_visit
from api.web import firm_filings as filed
from api.web import firm_measures as measured
from api.web import firm_view as view
from api.web.firm_coverage import coverage_view
from api.web.firm_network import FEW, MANY, SOME, network_view, similar_view
from api.web.firms_view import both_names
from api.web.render import render
from api.web.wording import Lang, chosen_lang
from detector.database import reading
from detector.dossier import whole
from detector.dossier.access import open_dossier
from detector.dossier.alerts import alerts_about
from detector.dossier.subject import Subject
from detector.dossier.visited import NAMELESS, names_in_index
from detector.system import System

router = APIRouter(
    prefix="/firms/{firm_id}", include_in_schema=False, default_response_class=Response
)

PERIODS = {"measures": 12, "coverage": 12}
"""Last periods on the first page; a page of its own shows twice as many."""
ROWS = 20
Gather = Callable[[Subject, Lang, bool], dict[str, Any]]
"""What a part shows: of whom, in which language, and whether it is a page of its own."""


@router.get("/alerts")
def alerts(request: Request, system: SystemDep, firm_id: str) -> Response:
    """Every alert about the firm, at most the newest 200."""

    def gather(subject: Subject, lang: Lang, _whole: bool) -> dict[str, Any]:
        with reading(system.engine) as connection:
            told = alerts_about(connection, subject)
        items = told_lines(told["items"], somebody(request))
        rows = view.alert_rows(items, firm_id, system.clock(), lang)
        return {"alerts": rows, "alerts_in_all": told["n"]}

    return _part(request, system, firm_id, "alerts", gather)


@router.get("/measures")
def measures(request: Request, system: SystemDep, firm_id: str) -> Response:
    """Features over time beside the band of the peers, and dated events."""
    asked = request.query_params
    typology, start = asked.get("typology") or None, offset_of(asked.get("cursor"))

    def gather(subject: Subject, lang: Lang, whole_page: bool) -> dict[str, Any]:
        periods = PERIODS["measures"] * (2 if whole_page else 1)
        told = whole.timeline(system, subject, periods, typology)
        name = _firm(system, firm_id, lang)["name"]
        charts = measured.PAGE if whole_page else measured.CHARTS
        shown = measured.measures_view(told, name, lang, charts, start)
        following = None
        if whole_page and shown["more"] > 0:
            query = {"typology": typology or "", "cursor": offset_cursor(start + charts)}
            following = f"{firm_address(firm_id, 'measures')}?{urlencode(query)}"
        return {
            "measures": shown,
            "events": measured.event_rows(told["events"], lang),
            "typologies": measured.typologies_of(told, lang),
            "typology": typology,
            "next_href": following,
        }

    return _part(request, system, firm_id, "measures", gather)


@router.get("/coverage")
def coverage(request: Request, system: SystemDep, firm_id: str) -> Response:
    """What was checked, rule by period, and why not where it was not."""

    def gather(subject: Subject, lang: Lang, whole_page: bool) -> dict[str, Any]:
        periods = PERIODS["coverage"] * (2 if whole_page else 1)
        return {"coverage": coverage_view(whole.coverage_map(system, subject, periods), lang)}

    return _part(request, system, firm_id, "coverage", gather)


@router.get("/network")
def network(request: Request, system: SystemDep, firm_id: str) -> Response:
    """Whom the firm meets, owns, trades with and shares data with, to two steps."""
    asked = request.query_params
    nodes, kind = asked.get("nodes", ""), asked.get("kind") or None

    def gather(subject: Subject, lang: Lang, _whole: bool) -> dict[str, Any]:
        most = min(int(nodes), MANY) if nodes.isdecimal() and len(nodes) < 4 else FEW
        most = max(most, SOME) if kind else most
        told = whole.network_of(system, subject, max(1, most))
        known = kind if kind in told["kinds"] else None
        sizes = [size for size in (SOME, MANY) if size > most]
        return {"network": network_view(told, firm_id, known, lang), "sizes": sizes}

    return _part(request, system, firm_id, "network", gather)


@router.get("/similar")
def similar(request: Request, system: SystemDep, firm_id: str) -> Response:
    """The ten firms most like this one."""

    def gather(subject: Subject, lang: Lang, _whole: bool) -> dict[str, Any]:
        return {"similar": similar_view(whole.peers_of(system, subject), lang)}

    return _part(request, system, firm_id, "similar", gather, "peers")


@router.get("/filings")
def filings(request: Request, system: SystemDep, firm_id: str) -> Response:
    """Every table that names the firm, and what was amended last."""

    def gather(subject: Subject, lang: Lang, _whole: bool) -> dict[str, Any]:
        told = whole.filings_of(system, subject)["items"]
        return {
            "tables": view.table_rows(told, firm_id, lang),
            "amended": sum(one["amended"] for one in told),
            "changes": filed.latest_changes(system, subject, told, lang),
            "more_tables": 0,
        }

    return _part(request, system, firm_id, "filings", gather)


@router.get("/filings/{table}")
def rows(request: Request, system: SystemDep, firm_id: str, table: str) -> Response:
    """Rows of one table with every version: as filed, and what was restated."""
    asked = request.query_params
    amended, start = asked.get("amended") == "1", offset_of(asked.get("cursor"))

    def gather(subject: Subject, lang: Lang, _whole: bool) -> dict[str, Any]:
        told = whole.rows_of(system, subject, table, amended=amended, limit=ROWS, offset=start)
        query = {"amended": "1"} if amended else {}
        here = firm_address(firm_id, f"filings/{table}")
        following = urlencode(query | {"cursor": offset_cursor(start + ROWS)})
        return {
            "table": table,
            "only_amended": amended,
            "table_href": here,
            "rows": [filed.row_view(row, lang) for row in told["items"]],
            "next_href": f"{here}?{following}" if told["more"] else None,
        }

    return _part(request, system, firm_id, "rows", gather, "filings")


def _part(
    request: Request,
    system: System,
    firm_id: str,
    part: str,
    gather: Gather,
    read: str | None = None,
) -> Response:
    """The part as a page, or as a panel where a page of ours fetches it.

    Args:
        read: what the audit trail calls it; the name of the part unless given.
    """
    visit = kept_visit(request, firm_id)
    if visit is None:
        return ask_purpose(request, system, firm_id, part)
    lang, whole_page = chosen_lang(request), request.headers.get("HX-Request") != "true"
    names = {"alerts": "dossier", "measures": "timeline"}
    subject = open_dossier(system, firm_id, visit, read or names.get(part, part))
    shown: dict[str, Any] = {"next_href": None} | gather(subject, lang, whole_page)
    shown |= {"part": part, "href": firm_address(firm_id), "whole_page": whole_page}
    if not whole_page:
        panel = render(request, "firm-panel.html", **shown)
        panel.headers["X-Part"] = part
        return panel
    firm = _firm(system, firm_id, lang)
    return render(request, "firm-part.html", place="firms", firm=firm, parts=PARTS, **shown)


def _firm(system: System, firm_id: str, lang: Lang) -> dict[str, Any]:
    with reading(system.engine) as connection:
        named = names_in_index(connection, [firm_id])
    return both_names({"firm_id": firm_id} | named.get(firm_id, NAMELESS), lang)
