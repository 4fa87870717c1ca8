"""The page of firms: the search in both languages, saved searches, dossiers opened last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.limits import Limits
from api.auth import limits_of, somebody
from api.deps import Actor, Form, SystemDep, expected_version
from api.errors import status_of
from api.web.firms_view import FIELDS, hit_rows, search_rows, visit_rows
from api.web.render import render
from api.web.wording import chosen_lang, sayer, words
from detector import saved_searches as kept
from detector.database import reading
from detector.dossier.alerts import open_alerts_of
from detector.dossier.visited import last_visits
from detector.firm_index import KNOWN_AS
from detector.firm_search import LONGEST, FirmFilter, search_firms
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

DONE = ("saved", "stopped", "started", "dropped", "seen")
LONGEST_NAME = 120
ROLES = tuple(sorted({*KNOWN_AS.values(), "group"}))


@router.get("/firms")
def firms(request: Request, system: SystemDep, actor: Actor) -> Response:
    """Firms that fit what the address asks for; without a question, where to begin."""
    return _page(request, system, actor)


@router.post("/firms/searches")
def save(request: Request, system: SystemDep, actor: Actor, form: Form) -> Response:
    """Keeps the search the page shows."""
    asked = {name: form[name] for name in FIELDS if form.get(name)}
    query = {"text" if name == "q" else name: value for name, value in asked.items()}
    try:
        name = form.get("name", "")
        if not 0 < len(name) <= LONGEST_NAME:
            raise WardenError("search_unnamed", f"A name has 1 to {LONGEST_NAME} characters.")
        kept.save_search(system, actor, name, "firms", query)
    except WardenError as error:
        return _refused(request, system, actor, asked, form.get("name", ""), error)
    return RedirectResponse(f"/firms?{urlencode(asked | {'done': 'saved'})}", 303)


@router.post("/firms/searches/{search_id}/change")
def change(
    request: Request, system: SystemDep, actor: Actor, search_id: str, form: Form
) -> Response:
    """Stops a search or starts it again."""
    enabled = form.get("enabled") == "yes"

    def act() -> None:
        version = expected_version(form.get("version"), "search")
        kept.change_search(system, actor, search_id, version, enabled=enabled)

    return _act(request, system, actor, act, "started" if enabled else "stopped")


@router.post("/firms/searches/{search_id}/drop")
def drop(request: Request, system: SystemDep, actor: Actor, search_id: str, form: Form) -> Response:
    """Forgets a search and what it found."""

    def act() -> None:
        version = expected_version(form.get("version"), "search")
        kept.drop_search(system, actor, search_id, version)

    return _act(request, system, actor, act, "dropped")


@router.post("/firms/searches/{search_id}/seen")
def seen(request: Request, system: SystemDep, actor: Actor, search_id: str) -> Response:
    """Marks everything a search found as seen."""
    return _act(request, system, actor, lambda: kept.mark_seen(system, actor, search_id), "seen")


def _act(
    request: Request, system: System, actor: str, act: Callable[[], object], done: str
) -> Response:
    try:
        act()
    except WardenError as error:
        return _refused(request, system, actor, {}, "", error)
    return RedirectResponse(f"/firms?done={done}#searches", 303)


def _refused(
    request: Request,
    system: System,
    actor: str,
    asked: dict[str, str],
    name: str,
    error: WardenError,
) -> Response:
    """The page again, with what was typed and why it was refused."""
    if error.kind in ("not_found", "unavailable", "integrity"):
        raise error
    why = words(chosen_lang(request)).get(f"firms.refused.{error.code}", str(error))
    notice = {"tone": "bad", "text": why}
    status = status_of(error)
    return _page(request, system, actor, status, asked=asked, name=name, notice=notice)


def _page(
    request: Request,
    system: System,
    actor: str,
    status: int = 200,
    *,
    asked: dict[str, str] | None = None,
    name: str = "",
    notice: dict[str, str] | None = None,
) -> Response:
    lang, given = chosen_lang(request), request.query_params
    if asked is None:
        asked = {n: v for n in FIELDS if (v := given.get(n, "").replace("\0", "").strip())}
    if given.get("done") in DONE and notice is None:
        notice = {"tone": "ok", "text": sayer(lang)(f"firms.done.{given['done']}")}
    within = limits_of(request, somebody(request))
    found = _found(system, asked, within)
    with reading(system.engine) as connection:
        ids = [item["firm_id"] for item in found["items"]] if found else []
        waiting = open_alerts_of(connection, ids, within)
        searches = kept.searches_of(connection, actor, within)
        hits = kept.hits_of(connection, actor, within=within)
        visits = last_visits(connection, actor, within)
    shown: dict[str, Any] = {
        "asked": {field: asked.get(field, "") for field in FIELDS},
        "found": found,
        "rows": hit_rows(found["items"], waiting, lang) if found else [],
        "searches": search_rows(searches, hits, lang),
        "visits": visit_rows(visits, lang),
        "roles_known": ROLES,
        "typed": name,
        "notice": notice,
        "query": "",
        "longest": LONGEST,
        "longest_name": LONGEST_NAME,
        "api_twin": f"/api/v1/firms?{urlencode(asked)}",
    }
    return render(request, "firms.html", status, place="firms", **shown)


def _found(system: System, asked: dict[str, str], within: Limits) -> dict[str, Any] | None:
    """What fits; None where nothing is asked."""
    if not asked:
        return None
    text, rest = asked.get("q", "")[:LONGEST], {n: v for n, v in asked.items() if n != "q"}
    return search_firms(system, FirmFilter(text, **rest), within=within)
