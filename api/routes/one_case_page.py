"""The page of one case, and what is done on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts import case_work, cases
from alerts.case_model import CaseHand, CaseOutcome, CaseState, PartyRole, reach_of
from alerts.case_reading import alerts_of, case_detail, timeline
from alerts.connections import WriteConnection
from api.auth import Within, limits_of, somebody
from api.deps import Form, SystemDep, Who, expected_version
from api.errors import status_of
from api.forms import FormPairs
from api.routes.cases_page import picked
from api.web import case_view as view
from api.web.cases_view import alert_rows
from api.web.decisions_view import decision_rows
from api.web.render import render
from api.web.wording import chosen_lang, sayer, words
from detector.bundle.case_build import AskedCase, make_case
from detector.bundle.profiles import Profile
from detector.case_parties import add_to_case
from detector.casework import workers
from detector.database import reading, writing
from detector.dossier.visited import names_in_index
from detector.handover import HandOver, hand_over
from detector.people.permissions import Permission
from detector.people.principal import Principal
from detector.system import System
from features.errors import WardenError

router = APIRouter(prefix="/cases", include_in_schema=False, default_response_class=Response)

DONE = ("opened", "added", "changed", "removed", "task", "task_changed", "note", "decision",
        "corrected")  # fmt: skip
TYPED = ("act", "note", "text", "title", "unit", "jurisdiction", "owner", "outcome", "assignee",
         "due_on", "to", "alerts", "kind", "decided_on", "legal_basis", "amount", "currency",
         "targets", "why", "state", "parties", "profile", "party", "approval")  # fmt: skip
"""Fields that come back with what was typed when an act is refused."""


@router.get("/{number}")
def one_case(request: Request, system: SystemDep, number: str) -> Response:
    """A case; after an act, with the news that it is done."""
    done, notice = request.query_params.get("done"), None
    if done in DONE:
        notice = {"tone": "ok", "text": sayer(chosen_lang(request))(f"cases.done.{done}")}
    return case_page(request, system, number, notice=notice)


@router.post("/{number}/change")
def change(request: Request, system: SystemDep, who: Who, number: str, form: Form) -> Response:
    """Changes what the case says of itself, or moves it on."""

    def act(connection: WriteConnection, hand: CaseHand) -> object:
        state, outcome = form.get("state"), form.get("outcome")
        told = cases.CaseChange(
            title=form.get("title"),
            unit=form.get("unit"),
            jurisdiction=form.get("jurisdiction"),
            owner=form.get("owner"),
            state=a_state(state) if state else None,
            outcome=CaseOutcome(outcome) if outcome in list(CaseOutcome) else None,
            note=form.get("note"),
            parties=parties_from(form["parties"]) if form.get("parties") is not None else None,
        )
        return cases.change_case(connection, number, told, hand)

    return do(request, system, who, number, form, "changed", act)


@router.post("/{number}/alerts")
def add_alerts(
    request: Request, system: SystemDep, who: Who, within: Within, number: str, pairs: FormPairs
) -> Response:
    """Adds alerts, named one by one or separated by spaces or commas."""
    form = {name: value.strip() for name, value in pairs}
    ids = [*picked(pairs), *form.get("alerts", "").replace(",", " ").split()]
    try:
        version = expected_version(form.get("version"), "case") if "version" in form else None
        add_to_case(system, number, ids, hand_of(system, who, version), within)
    except WardenError as error:
        return refused(request, system, number, form | {"act": "alerts"}, error)
    return RedirectResponse(f"/cases/{number}?done=added", 303)


@router.post("/{number}/alerts/{alert_id}/remove")
def remove_alert(
    request: Request, system: SystemDep, who: Who, number: str, alert_id: str, form: Form
) -> Response:
    """Takes an alert out of the case again."""
    return do(
        request, system, who, number, form, "removed",
        lambda c, hand: cases.remove_alert(c, number, alert_id, hand, form.get("note", "")),
    )  # fmt: skip


@router.post("/{number}/tasks")
def add_task(request: Request, system: SystemDep, who: Who, number: str, form: Form) -> Response:
    """Adds something to be done."""
    return do(
        request, system, who, number, form, "task",
        lambda c, hand: case_work.add_task(
            c, number, form.get("text", ""), hand,
            assignee=form.get("assignee") or None, due_on=a_day(form.get("due_on")),
        ),
    )  # fmt: skip


@router.post("/{number}/tasks/{task}")
def change_task(
    request: Request, system: SystemDep, who: Who, number: str, task: int, form: Form
) -> Response:
    """Ticks a task off or on again."""
    return do(
        request, system, who, number, form, "task_changed",
        lambda c, hand: case_work.change_task(
            c, number, min(task, 2**31 - 1), hand, done=form.get("done") == "yes"
        ),
    )  # fmt: skip


@router.post("/{number}/notes")
def add_note(request: Request, system: SystemDep, who: Who, number: str, form: Form) -> Response:
    """Adds a note."""
    return do(
        request, system, who, number, form, "note",
        lambda c, hand: case_work.add_note(c, number, form.get("text", ""), hand), versioned=False,
    )  # fmt: skip


@router.post("/{number}/hand-over")
def hand_case_over(
    request: Request, system: SystemDep, who: Who, within: Within, number: str, pairs: FormPairs
) -> Response:
    """A signed file of the case for another installation."""
    form = {name: value.strip() for name, value in pairs}
    notes = tuple(int(value) for name, value in pairs if name == "with" and value.isdigit())
    try:
        wanted = HandOver(number, form.get("to", ""), notes, an_approval(form.get("approval")))
        content = hand_over(system, wanted, hand_of(system, who, None), within)
    except WardenError as error:
        return refused(request, system, number, form | {"act": "hand-over"}, error)
    headers = {"Content-Disposition": f'attachment; filename="{number}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


@router.get("/{number}/bundle")
def take_bundle(
    request: Request, system: SystemDep, who: Who, within: Within, number: str
) -> Response:
    """The evidence bundle of the case; where it is refused, the page says why."""
    form = {name: value.strip() for name, value in request.query_params.items()}
    try:
        asked = AskedCase(
            number,
            a_profile(form.get("profile", "")),
            party=form.get("party") or None,
            limits=Permission.THRESHOLDS_READ in who.may,
            reach=reach_of(who.units, who.jurisdictions),
            within=within,
        )
        approval = an_approval(form.get("approval"))
        content = make_case(system, asked, who.name, approval=approval)
    except WardenError as error:
        return refused(request, system, number, form | {"act": "bundle"}, error)
    name = f"{number}-{asked.profile}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/zip", headers=headers)


def a_profile(text: str) -> Profile:
    """A profile by its name. Raises: WardenError `unknown_word`."""
    if text not in list(Profile):
        raise WardenError("unknown_word", f"There is no profile {text[:40]!r}.")
    return Profile(text)


def an_approval(text: str | None) -> int | None:
    """The number of an approved request; None for none. Raises: WardenError `unknown_word`."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise WardenError("unknown_word", f"{text[:40]!r} is no number of a request.")
    return int(text)


def hand_of(system: System, who: Principal, version: int | None) -> CaseHand:
    """Who acts on the case as they saw it."""
    return CaseHand(who.name, system.clock(), version, reach_of(who.units, who.jurisdictions))


def do(
    request: Request,
    system: System,
    who: Principal,
    number: str,
    form: dict[str, str],
    done: str,
    act: Callable[[WriteConnection, CaseHand], object],
    *,
    versioned: bool = True,
) -> Response:
    """One act on the case; the page again with what was typed where it is refused."""
    try:
        version = expected_version(form.get("version"), "case") if versioned else None
        hand = hand_of(system, who, version)
        with writing(system.engine) as connection:
            act(connection, hand)
    except WardenError as error:
        return refused(request, system, number, form, error)
    return RedirectResponse(f"/cases/{number}?done={done}", 303)


def refused(
    request: Request, system: System, number: str, form: dict[str, str], error: WardenError
) -> Response:
    """The case as it is now, with what was typed and why it was refused."""
    if error.kind in ("unavailable", "integrity") or error.code == "case_not_found":
        raise error
    told = words(chosen_lang(request))
    if error.code == "stale_version":
        notice = {"tone": "bad", "text": told["refused.stale"], "more": told["refused.stale.next"]}
    else:
        why = told.get(f"cases.refused.{error.code}", str(error))
        notice = {"tone": "bad", "text": told["refused.plain"], "more": why}
    return case_page(request, system, number, status_of(error), typed=form, notice=notice)


def case_page(
    request: Request,
    system: System,
    number: str,
    status: int = 200,
    *,
    typed: dict[str, str] | None = None,
    notice: dict[str, Any] | None = None,
) -> Response:
    """The page."""
    lang, who = chosen_lang(request), somebody(request)
    within, reach = limits_of(request, who), reach_of(who.units, who.jurisdictions)
    today = system.clock().date()
    with reading(system.engine) as connection:
        told = case_detail(connection, number, reach, within)
        alerts, hidden = alerts_of(connection, number, within)
        events = timeline(connection, number, reach, within)
        names = names_in_index(connection, [one["firm"] for one in told["parties"]])
        people = workers(connection)
    chosen = request.query_params.get("events")
    chosen = chosen if chosen in view.EVENTS else "all"
    shown = [one for one in events if chosen == "all" or one["alert"] is None]
    every = request.query_params.get("show") == "every"
    return render(
        request, "case.html", status, place="cases",
        case=view.head(told, today, lang),
        parties=view.party_rows(told["parties"], names, lang),
        alerts=alert_rows(alerts, who, today, lang), hidden=hidden,
        tasks=view.task_rows(told["tasks"], today, lang),
        notes=view.note_rows(told["notes"], lang),
        decisions=decision_rows(told["interventions"], lang),
        events=view.event_rows(shown if every else shown[-view.MOST_EVENTS:], lang),
        events_chosen=chosen, events_total=len(shown),
        typed={name: (typed or {}).get(name, "") for name in TYPED},
        notice={"more": "", **notice} if notice else None,
        people=people, outcomes=list(CaseOutcome), roles_of_party=list(PartyRole),
        party_lines="\n".join(f"{one['firm']} {one['role']}" for one in told["parties"]),
        query="",
    )  # fmt: skip


def a_state(text: str) -> CaseState:
    """A state by its name. Raises: WardenError `unknown_word`."""
    if text not in list(CaseState):
        raise WardenError("unknown_word", f"There is no state {text[:40]!r}.")
    return CaseState(text)


def a_day(text: str | None) -> date | None:
    """A day as a form gives it; None for none. Raises: WardenError `bad_date`."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WardenError(
            "bad_date", f"{text[:40]!r} is no day.", "For example 2026-12-01."
        ) from None


def parties_from(text: str) -> dict[str, PartyRole]:
    """Parties as the form gives them, one a line: the id of a firm and its role.

    Raises:
        WardenError: `bad_party`.
    """
    found = {}
    for line in text.splitlines():
        firm, _, role = line.strip().rpartition(" ")
        if not line.strip():
            continue
        if not firm.strip() or role not in list(PartyRole):
            raise WardenError("bad_party", f"{line.strip()[:80]!r} is no firm with a role.")
        found[firm.strip()] = PartyRole(role)
    return found
