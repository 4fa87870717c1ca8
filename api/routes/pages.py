"""The web pages: the same data as the interface, for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.alike import ended_alike
from alerts.attachments import attachments
from alerts.doubts import Standing, doubts
from alerts.inbox import get_alert
from alerts.lifecycle import comment, decide
from alerts.model import CloseReason, alert_object, event_object, kept_back
from api.auth import limits_of, somebody
from api.deps import Actor, Form, SystemDep, expected_version
from api.disclosure import disclosed, hidden
from api.errors import status_of
from api.web.alert_figures import alert_figures
from api.web.alert_view import act_sentence, alert_view
from api.web.belongs_view import belongs_of
from api.web.doubts_view import alike_view, doubt_rows
from api.web.explained import heap_lines
from api.web.render import render
from api.web.wording import Lang, chosen_lang, sayer, words
from api.web.work_view import work_view
from detector.database import reading, writing
from detector.drift_reports import bunching_at, last_report
from detector.rule_views import fired_texts
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

NOTHING_TYPED = dict.fromkeys(
    ("action", "reason", "note", "text", "to", "rule", "label", "number", "standing"), ""
)
NO_NOTICE = {"tone": "ok", "text": "", "more": "", "last": ""}
DONE = (
    "acknowledge", "review", "escalate", "close", "asked", "reopen", "comment", "assign", "take",
    "release", "undo", "tuning", "approve", "reject", "withdraw", "answer", "label", "file",
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
    lang, who = chosen_lang(request), somebody(request)
    with reading(system.engine) as connection:
        alert, history = get_alert(connection, alert_id)
        files = attachments(connection, alert_id)
        blind = kept_back(alert)
        unsaid = blind or hidden(alert.signal.rules, who)
        texts = [] if unsaid else fired_texts(connection, alert.signal.rules)
        alike = ended_alike(connection, alert, limits_of(request, who))
        belongs = belongs_of(connection, alert, who, limits_of(request, who), lang)
    events = [event_object(event, blind=blind) for event in history]
    if status == status_of(_STALE) and notice and events:
        notice = notice | {"last": act_sentence(events[-1], lang)}
    now = system.clock()
    shown = disclosed(alert_object(alert, now.date()), who)
    whole = request.query_params.get("whole") == "1"
    return render(
        request,
        "alert.html",
        status,
        place="queue",
        alert=alert_view(shown, events, lang),
        work=work_view(shown, history, files, who, now, lang),
        doubts=(told := doubt_rows(doubts(alert.signal.innocent, history), lang)),
        unanswered=sum(one.standing == Standing.NOT_CHECKED for one in told),
        alike=alike_view(alike, lang),
        belongs=belongs,
        heaps={} if unsaid else _heaps(system, shown, lang),
        texts={(one["id"], one["version"]): one for one in texts},
        reasons=[reason.value for reason in CloseReason],
        notice=NO_NOTICE | notice if notice else None,
        typed=NOTHING_TYPED | (typed or {}),
        figures=alert_figures(system, alert_id, who, lang) if whole else None,
    )


def _heaps(system: System, alert: dict[str, Any], lang: Lang) -> dict[str, list[str]]:
    """By rule that fired, what the last report of drift says of its limits."""
    report = last_report(system)
    names = [str(rule["id"]) for rule in alert["rules"]]
    return {name: heap_lines(bunching_at(report, name), lang) for name in names}


_STALE = WardenError("stale_version", "", kind="conflict")
