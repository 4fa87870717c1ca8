"""The web pages: the same data as the interface, for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.attachments import attachments
from alerts.inbox import get_alert
from alerts.lifecycle import comment, decide
from alerts.model import CloseReason, alert_object, event_object, kept_back
from api.auth import somebody
from api.deps import Actor, Form, SystemDep, expected_version
from api.disclosure import disclosed, hidden
from api.errors import status_of
from api.web.alert_view import act_sentence, alert_view
from api.web.around import Table, around
from api.web.explained import explain_view, heap_lines
from api.web.render import render
from api.web.wording import Lang, chosen_lang, sayer, words
from api.web.work_view import work_view
from detector.database import reading, writing
from detector.drift_reports import bunching_at, last_report
from detector.explanation import explanation, nothing
from detector.rule_views import fired_texts
from detector.surroundings import Surroundings
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

NOTHING_TYPED = {"action": "", "reason": "", "note": "", "text": "", "to": "", "rule": ""}
NO_NOTICE = {"tone": "ok", "text": "", "more": "", "last": ""}
DONE = (
    "acknowledge", "review", "escalate", "close", "asked", "reopen", "comment", "assign", "take",
    "release", "undo", "tuning", "approve", "reject", "withdraw",
)  # fmt: skip


@router.get("/alerts/{alert_id}")
def one_alert(request: Request, system: SystemDep, alert_id: str) -> Response:
    """One alert; after an act, with the news that it is done."""
    done = request.query_params.get("done")
    notice = None
    if done in DONE:
        notice = {"tone": "ok", "text": sayer(chosen_lang(request))(f"done.{done}")}
    return _alert_page(request, system, alert_id, notice=notice)


@router.post("/alerts/{alert_id}/decisions")
def decide_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """A decision from the page; when it is refused the page comes back with what was typed."""
    try:
        action, reason = form.get("action", ""), form.get("reason") or None
        version = expected_version(form.get("version"))
        with writing(system.engine) as connection:
            note, deadlines = form.get("note"), system.settings.due.deadlines()
            now = system.clock()
            after = decide(
                connection, alert_id, actor, action, reason, note, version, now, deadlines
            )
    except WardenError as error:
        return refused_page(request, system, alert_id, form, error)
    return done_page(alert_id, "asked" if after.pending else action)


@router.post("/alerts/{alert_id}/comments")
def comment_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """A comment from the page."""
    try:
        with writing(system.engine) as connection:
            comment(connection, alert_id, actor, form.get("text", ""), system.clock())
    except WardenError as error:
        return refused_page(request, system, alert_id, form | {"action": "comment"}, error)
    return done_page(alert_id, "comment")


def done_page(alert_id: str, action: str) -> Response:
    """To the alert, with the news that something is done."""
    return RedirectResponse(f"/alerts/{alert_id}?done={action}", 303)


def refused_page(
    request: Request, system: SystemDep, alert_id: str, form: dict[str, str], error: WardenError
) -> Response:
    """The alert as it is now, with what was typed and why it was refused."""
    if error.kind in ("not_found", "unavailable", "integrity"):
        raise error
    say, notice = sayer(chosen_lang(request)), {"tone": "bad"}
    if error.code == "stale_version":
        notice |= {"text": say("refused.stale"), "more": say("refused.stale.next")}
    else:
        more = words(chosen_lang(request)).get(f"refused.{error.code}", str(error))
        notice |= {"text": say("refused.plain"), "more": more}
    status = status_of(error)
    return _alert_page(request, system, alert_id, status, typed=form, notice=notice)


def _alert_page(
    request: Request,
    system: SystemDep,
    alert_id: str,
    status: int = 200,
    *,
    typed: dict[str, str] | None = None,
    notice: dict[str, Any] | None = None,
) -> Response:
    lang = chosen_lang(request)
    with reading(system.engine) as connection:
        alert, history = get_alert(connection, alert_id)
        files = attachments(connection, alert_id)
        blind = kept_back(alert)
        who = somebody(request)
        unsaid = blind or hidden(alert.signal.rules, who)
        texts = [] if unsaid else fired_texts(connection, alert.signal.rules)
    events = [event_object(event, blind=blind) for event in history]
    if status == status_of(_STALE) and notice and events:
        notice = notice | {"last": act_sentence(events[-1], lang)}
    now = system.clock()
    shown = disclosed(alert_object(alert, now.date()), who)
    found = nothing("blind" if blind else "restricted") if unsaid else explanation(system, shown)
    explained = explain_view(found, lang)
    tables = [] if unsaid and not blind else _around(system, shown, lang)
    tables += [explained.peers] if explained.peers else []
    return render(
        request,
        "alert.html",
        status,
        place="queue",
        alert=alert_view(shown, events, tables, lang, found["jurisdiction"]),
        work=work_view(shown, history, files, who, now, lang),
        explained=explained,
        heaps={} if unsaid else _heaps(system, shown, lang),
        texts={(one["id"], one["version"]): one for one in texts},
        reasons=[reason.value for reason in CloseReason],
        notice=NO_NOTICE | notice if notice else None,
        typed=NOTHING_TYPED | (typed or {}),
    )


def _heaps(system: System, alert: dict[str, Any], lang: Lang) -> dict[str, list[str]]:
    """By rule that fired, what the last report of drift says of its limits."""
    report = last_report(system)
    names = [str(rule["id"]) for rule in alert["rules"]]
    return {name: heap_lines(bunching_at(report, name), lang) for name in names}


def _around(system: System, alert: dict[str, Any], lang: Lang) -> list[Table]:
    """The tables around the subject; results that were cleared away leave the page without them."""
    try:
        return around(alert, Surroundings(system, str(alert["run_id"])), lang)
    except OSError:
        return []


_STALE = WardenError("stale_version", "", kind="conflict")
