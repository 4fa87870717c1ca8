"""The page of one rule, and what people decide about it there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.exceptions import Wanted, exception_object, listed
from alerts.limits import Limits
from alerts.tuning import sent_back
from api.auth import Within
from api.deps import Form, SystemDep, Who, expected_version
from api.disclosure import open_text
from api.errors import status_of
from api.web.render import render
from api.web.rule_study_view import asked_of_history
from api.web.rule_view import (
    acts_of,
    body_of,
    case_rows,
    cases_of,
    diff_lines,
    exception_rows,
    head_of,
    possible,
    versions_of,
)
from api.web.rules_list import unproposed
from api.web.wording import chosen_lang, sayer, words
from detector import promotion, rule_exceptions
from detector.database import reading
from detector.people.permissions import Permission
from detector.people.principal import Principal
from detector.rule_drafts import draft_of
from detector.rule_figures import rule_figures
from detector.rulebook import Rulebook, rulebook
from detector.shadow_rules import beside
from detector.system import System
from features.errors import WardenError
from rules.load import Rule

router = APIRouter(include_in_schema=False, default_response_class=Response)

DONE = ("shadow", "active", "retired", "rolledback", "excepted", "approved", "ended", "discarded")
TYPED = {"action": "", "note": "", "reason": "", "subject_kind": "", "subject_key": "",
         "expires": "", "owner": ""}  # fmt: skip


@router.get("/rules/{rule_id}")
def one_rule(
    request: Request, system: SystemDep, rule_id: str, who: Who, within: Within
) -> Response:
    """One rule; after an act, with the news that it is done."""
    done = request.query_params.get("done")
    notice = None
    if done in DONE:
        text = sayer(chosen_lang(request))(f"studio.done.{done}")
        notice = {"tone": "ok", "text": text, "more": ""}
    return _page(request, system, rule_id, who, within, notice=notice)


@router.post("/rules/{rule_id}/approve")
def approve_on_page(
    request: Request, system: SystemDep, rule_id: str, form: Form, who: Who, within: Within
) -> Response:
    """Makes the version in shadow live, as a second person who has read it."""

    def act() -> object:
        who.require(Permission.RULES_APPROVE)
        return promotion.to_active(
            system, rule_id, who.name, note=_reason(form), version=form.get("of"),
            expected=_number(form), content_hash=form.get("hash"),
        )  # fmt: skip

    return _done(request, system, rule_id, form, who, within, "active", act)


@router.post("/rules/{rule_id}/retire")
def retire_on_page(
    request: Request, system: SystemDep, rule_id: str, form: Form, who: Who, within: Within
) -> Response:
    """Takes the rule out of use, or only what is in shadow."""

    def act() -> object:
        return promotion.retire(
            system, rule_id, who.name, note=_reason(form), version=form.get("of") or None,
            expected=_number(form),
        )  # fmt: skip

    return _done(request, system, rule_id, form, who, within, "retired", act)


@router.post("/rules/{rule_id}/rollback")
def roll_back_on_page(
    request: Request, system: SystemDep, rule_id: str, form: Form, who: Who, within: Within
) -> Response:
    """Makes live again what was live before."""

    def act() -> object:
        number = _number(form)
        return promotion.roll_back(
            system, rule_id, who.name, note=_reason(form), expected=number
        )  # fmt: skip

    return _done(request, system, rule_id, form, who, within, "rolledback", act)


@router.post("/rules/{rule_id}/exceptions")
def except_on_page(
    request: Request, system: SystemDep, rule_id: str, form: Form, who: Who, within: Within
) -> Response:
    """Asks for an exception."""

    def act() -> object:
        wanted = Wanted(
            rule_id=rule_id,
            owner=form.get("owner") or who.name,
            reason=form.get("reason", ""),
            subject_kind=form.get("subject_kind") or None,
            subject_key=form.get("subject_key") or None,
            expires=_day(form.get("expires", "")),
        )
        return rule_exceptions.add_exception(system, wanted, who.name)

    return _done(request, system, rule_id, form, who, within, "excepted", act)


@router.post("/rules/{rule_id}/exceptions/{number}/approve")
def approve_exception_on_page(
    request: Request, system: SystemDep, rule_id: str, number: int, form: Form, who: Who,
    within: Within,
) -> Response:  # fmt: skip
    """The second person's word on an exception of a severe rule."""

    def act() -> object:
        version = expected_version(form.get("version"), "exception")
        return rule_exceptions.approve_exception(system, number, who.name, version)

    return _done(request, system, rule_id, form, who, within, "approved", act)


@router.post("/rules/{rule_id}/exceptions/{number}/end")
def end_exception_on_page(
    request: Request, system: SystemDep, rule_id: str, number: int, form: Form, who: Who,
    within: Within,
) -> Response:  # fmt: skip
    """Ends an exception today."""

    def act() -> object:
        version = expected_version(form.get("version"), "exception")
        return rule_exceptions.end_exception(system, number, who.name, None, version)

    return _done(request, system, rule_id, form, who, within, "ended", act)


def _done(
    request: Request,
    system: System,
    rule_id: str,
    form: dict[str, str],
    who: Principal,
    within: Limits,
    done: str,
    act: Callable[[], object],
) -> Response:
    """Does one act of a form; when it is refused the page comes back with what was typed."""
    try:
        act()
    except WardenError as error:
        if error.kind in ("not_found", "unavailable", "integrity"):
            raise
        notice = refusal(request, error)
        typed = form | {"action": done}
        return _page(
            request, system, rule_id, who, within, status_of(error), typed=typed, notice=notice
        )
    return RedirectResponse(f"/rules/{rule_id}?done={done}", 303)


def refusal(request: Request, error: WardenError) -> dict[str, Any]:
    """Why something was not done, in the reader's language where there are words for it."""
    lang = chosen_lang(request)
    more = words(lang).get(f"studio.refused.{error.code}", str(error))
    return {"tone": "bad", "text": sayer(lang)("refused.plain"), "more": more}


def _reason(form: dict[str, str]) -> str:
    note = form.get("note", "").strip()
    if not note:
        raise WardenError("note_required", "To say why is part of the act.", "Write a reason.")
    return note


def _number(form: dict[str, str]) -> int:
    return expected_version(form.get("version"), "rule")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError:
        raise WardenError("bad_expiry", f"{text[:20]} is no day.", "Write YYYY-MM-DD.") from None


def opened(book: Rulebook, rule_id: str, who: Principal) -> None:
    """Refuses what was restricted once to whoever may not see limits."""
    for version in book.versions(rule_id):
        open_text(book.version(rule_id, version), who)


def _page(
    request: Request,
    system: System,
    rule_id: str,
    who: Principal,
    within: Limits,
    status: int = 200,
    *,
    typed: dict[str, str] | None = None,
    notice: dict[str, Any] | None = None,
) -> Response:
    lang, book, draft = chosen_lang(request), rulebook(system), draft_of(system, rule_id)
    if draft is not None and rule_id not in book.ids():
        return RedirectResponse(f"/rules/{rule_id}/edit", 303)
    book.candidate(rule_id)
    opened(book, rule_id, who)
    rule = _shown(book, rule_id, request.query_params.get("version"))
    with reading(system.engine) as connection:
        sent = sent_back(connection, rule_id, within)
        excepted = [exception_object(one) for one in listed(connection, rule_id)]
    library = book.library
    return render(
        request,
        "rule.html",
        status,
        place="rules",
        rule=head_of(book, rule, rule_figures(system), lang),
        body=body_of(rule, library.parameters, lang),
        cases=case_rows(cases_of(rule, library.parameters, library.digest), lang),
        versions=versions_of(book, rule_id, lang),
        diff=_diff(book, rule_id, request),
        acts=acts_of(book.events.get(rule_id, ()), lang),
        can=possible(book, rule, who),
        beside=beside(system, book, rule_id),
        asked=asked_of_history(book, rule, request.app.state.studies, lang),
        draft=draft if draft is not None and unproposed(book, draft) else None,
        sent=sent,
        excepted=exception_rows(excepted, lang),
        kinds=sorted({_kind(rule), "firm"}),
        typed=TYPED | (typed or {}),
        notice=notice,
    )


def _shown(book: Rulebook, rule_id: str, version: str | None) -> Rule:
    now = book.standing(rule_id)
    if version is None and now.live is not None:
        version = now.live.version
    return book.version(rule_id, version) if version else book.candidate(rule_id)


def _kind(rule: Rule) -> str:
    from features.vocabulary import GRAINS

    return GRAINS[rule.spec.grain].subject_kind


def _diff(book: Rulebook, rule_id: str, request: Request) -> dict[str, Any] | None:
    """From one version to another, as the address asks."""
    old, new = request.query_params.get("from"), request.query_params.get("to")
    if not old or not new:
        return None
    lines = diff_lines(book.text(rule_id, old), book.text(rule_id, new))
    return {"old": old, "new": new, "lines": lines}
