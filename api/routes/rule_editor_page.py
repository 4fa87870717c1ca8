"""The editor of rules: a draft written, checked, asked of history and submitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.deps import Form, SystemDep, Who, expected_version
from api.errors import status_of
from api.routes.rule_page import opened, refusal
from api.web.render import part, render
from api.web.rule_edit_view import editor, first_text, next_text, text_like
from api.web.rule_form import with_fields
from api.web.rule_study_view import study_view
from api.web.rules_list import unproposed
from api.web.wording import chosen_lang, sayer
from detector.people.principal import Principal
from detector.rule_desk import checked, proposed, readable
from detector.rule_drafts import Draft, discard_draft, draft_of, save_draft
from detector.rule_studies import Studies, study_id
from detector.rulebook import Rulebook, rulebook
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

DONE = ("saved", "asked", "values")


@router.get("/rules/new")
def new_rule(request: Request, system: SystemDep) -> Response:
    """Asks for the id of a new rule and what it starts from."""
    like = request.query_params.get("like", "")[:80]
    return render(
        request, "rule-new.html", place="rules", typed={"id": "", "like": like},
        taken=rulebook(system).ids(), notice=None,
    )  # fmt: skip


@router.post("/rules/new")
def start_rule(request: Request, system: SystemDep, form: Form, who: Who) -> Response:
    """Begins a draft."""
    rule_id, like = form.get("id", ""), form.get("like", "")
    book, today = rulebook(system), system.clock().date()
    try:
        if rule_id in book.ids() or draft_of(system, rule_id) is not None:
            raise WardenError(
                "rule_exists", f"There is a rule {rule_id[:80]} already.",
                "Open it, or choose another id.", "conflict",
            )  # fmt: skip
        if like:
            opened(book, like, who)
        text = text_like(book, rule_id, like, today) if like else first_text(rule_id, today)
        save_draft(system, rule_id, text, who.name, 0)
    except WardenError as error:
        if error.kind in ("unavailable", "integrity"):
            raise
        return render(
            request, "rule-new.html", status_of(error), place="rules",
            typed={"id": rule_id, "like": like}, taken=book.ids(),
            notice=refusal(request, error),
        )  # fmt: skip
    return RedirectResponse(f"/rules/{rule_id}/edit", 303)


@router.get("/rules/{rule_id}/edit")
def edit_rule(request: Request, system: SystemDep, rule_id: str, who: Who) -> Response:
    """The draft of a rule, or the text its next version begins with."""
    done = request.query_params.get("done")
    notice = None
    if done in DONE:
        text = sayer(chosen_lang(request))(f"studio.done.{done}")
        notice = {"tone": "ok", "text": text, "more": ""}
    return _page(request, system, rule_id, who, notice=notice)


@router.post("/rules/{rule_id}/check")
def check_rule(request: Request, system: SystemDep, rule_id: str, form: Form, who: Who) -> Response:
    """Form and text brought together, with what lint and the examples say; nothing is kept."""
    book, lang, text = _may_read(system, rule_id, who), chosen_lang(request), _text(form)
    draft = draft_of(system, rule_id)
    shown = editor(book, rule_id, text, draft, checked(system, book, text, rule_id), lang)
    return JSONResponse(
        {
            "text": text,
            "hash": shown["hash"],
            "grain": shown["grain"],
            "ready": shown["ready"],
            "lines": {str(i.line): i.severity for i in reversed(shown["issues"])},
            "form": part(request, "parts/rule_edit_form.html", edit=shown),
            "lint": part(request, "parts/rule_edit_lint.html", edit=shown),
            "cases": part(request, "parts/rule_edit_cases.html", edit=shown),
            "found": sayer(lang)(
                "studio.step.found", errors=shown["errors"], failed=shown["failed"]
            ),
        }
    )


@router.post("/rules/{rule_id}/edit")
def change_rule(
    request: Request, system: SystemDep, rule_id: str, form: Form, who: Who
) -> Response:
    """Saves, checks, asks history or submits, as the button says."""
    act = form.get("do", "save")
    try:
        _may_read(system, rule_id, who)
        text = _text(form)
        if act == "check":
            return _page(request, system, rule_id, who, text=text)
        draft = save_draft(system, rule_id, text, who.name, _revision(form))
        if act == "backtest":
            _studies(request).start(readable(draft), who.name)
        elif act == "submit":
            return _submitted(request, system, draft, form, who)
    except WardenError as error:
        if error.kind in ("not_found", "unavailable", "integrity"):
            raise
        return _page(
            request, system, rule_id, who, status_of(error), text=form.get("text"), typed=form,
            notice=refusal(request, error),
        )  # fmt: skip
    done, at = ("asked", "#backtest") if act == "backtest" else ("saved", "")
    return RedirectResponse(f"/rules/{rule_id}/edit?done={done}{at}", 303)


@router.post("/rules/{rule_id}/discard")
def discard_rule(system: SystemDep, rule_id: str, form: Form, who: Who) -> Response:
    """Throws the draft away."""
    discard_draft(system, rule_id, who.name, _revision(form))
    known = rule_id in rulebook(system).ids()
    return RedirectResponse(f"/rules/{rule_id}?done=discarded" if known else "/rules", 303)


@router.get("/rules/{rule_id}/moved")
def moved_rule(request: Request, system: SystemDep, rule_id: str, who: Who) -> Response:
    """The part of the editor that shows a limit moved, for the slider."""
    _may_read(system, rule_id, who)
    draft = draft_of(system, rule_id)
    if draft is None:
        raise WardenError("unknown_draft", f"Nobody is writing on {rule_id}.", kind="not_found")
    shown = _study(request, draft)
    return Response(part(request, "parts/rule_moved.html", study=shown), media_type="text/html")


def _submitted(
    request: Request, system: System, draft: Draft, form: dict[str, str], who: Principal
) -> Response:
    study = _studies(request).of(study_id(readable(draft)))
    if study is None or study.report is None:
        raise WardenError("report_required", "The text has no backtest yet.", "Ask history first.")
    proposed(
        system, draft.rule_id, study.content(), who.name, form.get("note") or None, draft.revision
    )
    return RedirectResponse(f"/rules/{draft.rule_id}?done=shadow", 303)


def _page(
    request: Request,
    system: System,
    rule_id: str,
    who: Principal,
    status: int = 200,
    *,
    text: str | None = None,
    typed: Mapping[str, str] | None = None,
    notice: dict[str, Any] | None = None,
) -> Response:
    lang, book = chosen_lang(request), _may_read(system, rule_id, who)
    draft = draft_of(system, rule_id)
    # a draft that was proposed is a version now: what is written next begins from what counts today
    open_draft = draft if draft is not None and unproposed(book, draft) else None
    written = open_draft.text if open_draft else next_text(book, rule_id, system.clock().date())
    shown = written if text is None else text
    found = editor(book, rule_id, shown, draft, checked(system, book, shown, rule_id), lang)
    found |= {} if open_draft else {"saved": None}
    return render(
        request,
        "rule-edit.html",
        status,
        place="rules",
        edit=found,
        clean=open_draft is not None and open_draft.text == shown,
        study=_study(request, open_draft) if open_draft else None,
        note=(typed or {}).get("note", ""),
        notice=notice,
    )


def _study(request: Request, draft: Draft) -> dict[str, Any] | None:
    """The backtest of the last readable draft, with the limits the address moves."""
    if draft.rule is None:
        return None
    lang = chosen_lang(request)
    return study_view(_studies(request), draft.rule, request.query_params, lang)


def _may_read(system: System, rule_id: str, who: Principal) -> Rulebook:
    """What is known of the rules, to whoever may read this one."""
    book = rulebook(system)
    if rule_id in book.ids():
        opened(book, rule_id, who)
    elif draft_of(system, rule_id) is None:
        book.candidate(rule_id)
    return book


def _text(form: Mapping[str, str]) -> str:
    """The text, with what was changed in the form written into it."""
    text = form.get("text", "").replace("\r\n", "\n").rstrip() + "\n"
    changed = {
        name.removeprefix("f."): value
        for name, value in form.items()
        if name.startswith("f.") and _plain(value) != _plain(form.get(f"o.{name[2:]}", ""))
    }
    return with_fields(text, changed)


def _plain(value: str) -> str:
    return value.replace("\r\n", "\n").strip()


def _revision(form: Mapping[str, str]) -> int:
    return expected_version(form.get("revision"), "draft")


def _studies(request: Request) -> Studies:
    found: Studies = request.app.state.studies
    return found
