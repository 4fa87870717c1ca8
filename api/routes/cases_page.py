"""The page of cases, and the way from a selection of alerts to a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.case_list import summaries
from alerts.case_model import MOST_ALERTS, CaseHand, NewCase, reach_of
from alerts.case_store import CaseFilter, list_cases
from alerts.limits import Limits
from alerts.picked import alerts_by_id
from api.auth import Within, somebody
from api.deps import SystemDep, Who
from api.errors import status_of
from api.forms import FormPairs
from api.paging import offset_cursor, offset_of
from api.web.cases_view import FILTERS, VIEWS, address, alert_rows, case_rows, chosen_words
from api.web.render import render
from api.web.wording import chosen_lang, words
from detector.case_parties import add_to_case, open_on_alerts
from detector.database import reading
from detector.dossier.visited import names_in_index
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

LIMIT = 50
LONGEST = 200
STATES = ("open", "in_progress", "decided", "closed")


@router.get("/cases")
def cases(request: Request, system: SystemDep, who: Who, within: Within) -> Response:
    """Cases of a view, narrowed by what the address asks for."""
    given, lang = request.query_params, chosen_lang(request)
    view = given.get("view", "open") if given.get("view") in VIEWS else "open"
    asked = {name: given.get(name, "").strip()[:LONGEST] for name in FILTERS}
    asked["state"] = asked["state"] if asked["state"] in STATES else ""
    reach, today = reach_of(who.units, who.jurisdictions), system.clock().date()
    offset = offset_of(given.get("cursor"))
    wanted = CaseFilter(
        states=(asked["state"],) if asked["state"] else VIEWS[view],
        unit=asked["unit"] or None,
        owner=who.name if view == "mine" else asked["owner"] or None,
        firm=asked["firm"] or None,
        text=asked["q"] or None,
        reach=reach,
        within=within,
    )
    with reading(system.engine) as connection:
        found = list_cases(connection, wanted, LIMIT + 1, offset)
        shown = found[:LIMIT]
        told = summaries(connection, [case.number for case in shown], today, within)
        firms = sorted({firm for one in told.values() for firm, _ in one.parties})
        names = names_in_index(connection, firms)
    more = offset_cursor(offset + LIMIT) if len(found) > LIMIT else None
    return render(
        request,
        "cases.html",
        place="cases",
        rows=case_rows(shown, told, names, today, lang),
        view=view,
        views=[(name, address(name, asked)) for name in VIEWS],
        asked=asked,
        chosen=chosen_words(asked, lang),
        clear=address(view, {}),
        states=STATES,
        next_href=address(view, asked, cursor=more) if more else "",
        first_href=address(view, asked) if offset else "",
        query="",
    )


@router.get("/cases/new")
def form_of_case(request: Request, system: SystemDep, within: Within) -> Response:
    """The form that makes a case, or adds to one, of the alerts named in the address."""
    pairs = list(request.query_params.multi_items())
    return _form(request, system, within, pairs)


@router.post("/cases")
def make_case(
    request: Request, system: SystemDep, who: Who, within: Within, pairs: FormPairs
) -> Response:
    """Opens a case on a selection, or adds the selection to a case; without a title or a number,
    as the queue sends it, the form that asks for one."""
    form = dict(pairs)
    title, number = form.get("title", "").strip(), form.get("number", "").strip().upper()
    if not title and not number:
        return _form(request, system, within, pairs, asked="asked" in form)
    hand = CaseHand(who.name, system.clock(), reach=reach_of(who.units, who.jurisdictions))
    ids = picked(pairs)
    try:
        if number:
            case = add_to_case(system, number, ids, hand, within)
        else:
            place, unit = form.get("jurisdiction", "").strip(), form.get("unit", "").strip()
            own = next(iter(who.units)) if len(who.units) == 1 else None
            owner = form.get("owner", "").strip() or who.name
            wanted = NewCase(title, unit or own, place or None, owner)
            case = open_on_alerts(system, wanted, ids, hand, None, within)
    except WardenError as error:
        if error.kind in ("unavailable", "integrity"):
            raise
        return _form(request, system, within, pairs, error=error)
    return RedirectResponse(f"/cases/{case.number}?done={'added' if number else 'opened'}", 303)


def picked(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Ids of the alerts a form names, with or without the version that was seen."""
    tokens = [value for name, value in pairs if name == "alert" and value.strip()]
    return list(dict.fromkeys(token.partition(":")[0].strip() for token in tokens))


def _form(
    request: Request,
    system: System,
    within: Limits,
    pairs: Sequence[tuple[str, str]],
    *,
    asked: bool = False,
    error: WardenError | None = None,
) -> Response:
    """The form with what was typed, what it is about, and why it was refused."""
    lang, who, ids = chosen_lang(request), somebody(request), picked(pairs)[:MOST_ALERTS]
    reach = reach_of(who.units, who.jurisdictions)
    today, form = system.clock().date(), dict(pairs)
    with reading(system.engine) as connection:
        alerts = alerts_by_id(connection, ids, within)
        others = list_cases(connection, CaseFilter(VIEWS["open"], reach=reach), LIMIT)
    notice: dict[str, Any] | None = None
    if error is not None:
        why = words(lang).get(f"cases.refused.{error.code}", str(error))
        notice = {"tone": "bad", "text": why}
    elif asked:
        notice = {"tone": "bad", "text": words(lang)["cases.refused.title_or_number"]}
    typed = {name: form.get(name, "") for name in
             ("title", "number", "unit", "jurisdiction", "owner")}  # fmt: skip
    status = status_of(error) if error else 422 if asked else 200
    return render(
        request, "case-new.html", status, place="cases",
        alerts=alert_rows(alerts, who, today, lang), missing=len(ids) - len(alerts),
        others=others, typed=typed, notice=notice, units=sorted(who.units), me=who.name,
    )  # fmt: skip
