"""The dossier of one firm as pages: the purpose, the first page, its parts, notes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.auth import limits_of, somebody
from api.deps import Actor, Form, SystemDep
from api.disclosure import told_lines
from api.errors import status_of
from api.visits import firm_address, keep_visit, kept_visit
from api.web import firm_view as view
from api.web.firms_view import both_names
from api.web.render import render
from api.web.wording import chosen_lang, sayer, words
from detector.database import reading
from detector.dossier import whole
from detector.dossier.access import LONGEST_CASE, LONGEST_PURPOSE, Visit, open_dossier, visit_of
from detector.dossier.notes import LONGEST, add_note, notes_on
from detector.dossier.visited import NAMELESS, names_in_index
from detector.people.permissions import Permission
from detector.system import System
from features.errors import WardenError

router = APIRouter(
    prefix="/firms/{firm_id}", include_in_schema=False, default_response_class=Response
)

PARTS = ("alerts", "measures", "coverage", "network", "similar", "filings")
"""Pages of a dossier besides the first; the first fetches most of them as one comes to them."""


@router.get("")
def dossier(request: Request, system: SystemDep, firm_id: str) -> Response:
    """The first page of a dossier; before a purpose is said, the question for it."""
    visit = kept_visit(request, firm_id)
    if visit is None:
        return ask_purpose(request, system, firm_id)
    notice = None
    if request.query_params.get("done") == "noted":
        say = sayer(chosen_lang(request))
        notice = {"tone": "ok", "text": say("firms.note.kept")}
    return _dossier(request, system, firm_id, visit, notice=notice)


@router.post("/notes")
def write_note(request: Request, system: SystemDep, firm_id: str, form: Form) -> Response:
    """Adds a note; when it is refused the page comes back with what was typed."""
    visit = kept_visit(request, firm_id)
    if visit is None:
        return ask_purpose(request, system, firm_id)
    subject = open_dossier(system, firm_id, visit, "notes")
    try:
        add_note(system, subject, visit, form.get("text", ""))
    except WardenError as error:
        if error.kind != "invalid":
            raise
        why = words(chosen_lang(request)).get(f"firms.refused.{error.code}", str(error))
        notice, status = {"tone": "bad", "text": why}, status_of(error)
        typed = form.get("text", "")
        return _dossier(request, system, firm_id, visit, status, notice=notice, typed=typed)
    return RedirectResponse(f"{firm_address(firm_id)}?done=noted#notes", 303)


def _dossier(
    request: Request,
    system: System,
    firm_id: str,
    visit: Visit,
    status: int = 200,
    *,
    notice: dict[str, str] | None = None,
    typed: str = "",
) -> Response:
    lang, who = chosen_lang(request), somebody(request)
    subject = open_dossier(system, firm_id, visit, "dossier")
    told = whole.dossier(system, subject)
    with reading(system.engine) as connection:
        notes = notes_on(connection, firm_id, who.name)
    alerts = told_lines(told["alerts"]["items"], who)
    return render(
        request,
        "firm.html",
        status,
        place="firms",
        firm=view.head(told, lang),
        href=firm_address(firm_id),
        who=view.who(told, lang),
        visit=visit,
        notice=notice,
        notes=view.note_rows(notes, lang),
        typed=typed,
        longest_note=LONGEST,
        permit_note=Permission.CASES_WRITE in who.may,
        figures=view.figures(told, lang),
        alerts=view.alert_rows(alerts, firm_id, system.clock(), lang)[: view.ALERTS],
        alerts_in_all=told["alerts"]["n"],
        markets=view.market_rows(told["markets"]["items"], lang),
        more_markets=max(0, len(told["markets"]["items"]) - view.MARKETS),
        tables=view.table_rows(told["filings"]["items"], firm_id, lang)[: view.TABLES],
        more_tables=max(0, len(told["filings"]["items"]) - view.TABLES),
        amended=sum(one["amended"] for one in told["filings"]["items"]),
    )


@router.get("/purpose")
def purpose(request: Request, system: SystemDep, firm_id: str) -> Response:
    """The question why the dossier is opened, with what was said before."""
    kept = kept_visit(request, firm_id)
    typed = {"purpose": kept.purpose, "case": kept.case} if kept else {}
    return ask_purpose(request, system, firm_id, typed=typed)


@router.post("/purpose")
def say_purpose(
    request: Request, system: SystemDep, firm_id: str, actor: Actor, form: Form
) -> Response:
    """Keeps the purpose for this firm and session, and opens the dossier."""
    try:
        visit = visit_of(actor, form.get("purpose"), form.get("case"))
    except WardenError as error:
        return ask_purpose(request, system, firm_id, typed=form, error=error)
    part = form.get("part", "")
    response = RedirectResponse(firm_address(firm_id, part if part in PARTS else ""), 303)
    keep_visit(request, response, firm_id, visit)
    return response


def ask_purpose(
    request: Request,
    system: System,
    firm_id: str,
    part: str = "",
    *,
    typed: dict[str, str] | None = None,
    error: WardenError | None = None,
) -> Response:
    """The form that asks for it; a link may bring a purpose along, but only the reader says it."""
    asked, lang = request.query_params, chosen_lang(request)
    with reading(system.engine) as connection:
        # a name is told to whoever would find the firm by it
        within = limits_of(request, somebody(request))
        named = names_in_index(connection, [firm_id], within)
    firm = both_names({"firm_id": firm_id} | named.get(firm_id, NAMELESS), lang)
    given = {name: asked.get(name, "") for name in ("purpose", "case")} | {"part": part}
    why = words(lang).get("firms.refused.purpose_required", str(error)) if error else ""
    return render(
        request,
        "firm-purpose.html",
        status_of(error) if error else 200,
        place="firms",
        firm=firm,
        typed=given | (typed or {}),
        notice={"text": why} if error else None,
        longest_purpose=LONGEST_PURPOSE,
        longest_case=LONGEST_CASE,
    )
