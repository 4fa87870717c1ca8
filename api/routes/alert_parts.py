"""Parts and further pages of an alert: its figures, its source rows, answers, labels."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from alerts import doubts
from alerts.doubts import Standing
from alerts.inbox import get_alert
from alerts.labels import label
from alerts.model import alert_object, kept_back
from api.auth import somebody
from api.deps import Actor, Form, SystemDep
from api.disclosure import disclosed, hidden
from api.routes.casework import hand
from api.routes.pages import done_page, refused_page
from api.routes.upload_page import file_form
from api.routes.work_pages import act_on_page
from api.web.alert_figures import alert_figures
from api.web.knowledge_view import knowledge_view
from api.web.render import render
from api.web.rows_view import rows_view
from api.web.wording import chosen_lang
from detector.attached import take_in
from detector.database import reading
from detector.knowledge import knowledge
from detector.source_rows import source_rows
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)


@router.get("/alerts/{alert_id}/figures")
def figures_of_alert(request: Request, system: SystemDep, alert_id: str) -> Response:
    """The figures that are computed, as a part of the alert page."""
    found = alert_figures(system, alert_id, somebody(request), chosen_lang(request))
    return render(request, "alert-figures.html", **found)


@router.get("/alerts/{alert_id}/rows")
def rows_of_alert(request: Request, system: SystemDep, alert_id: str) -> Response:
    """The filed rows behind an alert; reading them is audited.

    What a blind review or a restricted limit keeps back could be worked out from them.
    """
    lang, who = chosen_lang(request), somebody(request)
    with reading(system.engine) as connection:
        alert, _ = get_alert(connection, alert_id)
    if kept_back(alert) or hidden(alert.signal.rules, who):
        raise WardenError(
            "not_permitted",
            "The rows behind this alert are not open to your role, or not yet.",
            "Read them once the alert is closed, or ask a regulator.",
        )
    shown = disclosed(alert_object(alert), who)
    view = rows_view(source_rows(system, shown, who.name), shown, lang)
    return render(request, "alert-rows.html", place="queue", alert_id=alert.id, **view)


@router.get("/alerts/{alert_id}/knowledge")
def knowledge_of_alert(request: Request, system: SystemDep, alert_id: str) -> Response:
    """The facts as known when they were judged, and as known now."""
    with reading(system.engine) as connection:
        alert, _ = get_alert(connection, alert_id)
    unsaid = hidden(alert.signal.rules, somebody(request))
    found = {"reason": "restricted"} if unsaid else knowledge(system, alert_id)
    shown = knowledge_view(found, chosen_lang(request))
    return render(
        request, "alert-knowledge.html", place="queue", alert_id=alert.id, known_now=shown
    )


@router.post("/alerts/{alert_id}/explanations/{number}")
def answer_on_page(
    request: Request, system: SystemDep, alert_id: str, number: str, form: Form, actor: Actor
) -> Response:
    """Says how an innocent explanation stands."""
    asked, note = form.get("standing", ""), form.get("note") or None
    place = int(number) if number.isascii() and number.isdigit() else 0

    def standing() -> Standing:
        if asked not in tuple(Standing):
            raise WardenError("unknown_standing", "Say whether the explanation fits.")
        return Standing(asked)

    return act_on_page(
        request, system, alert_id, form | {"number": number}, actor, "answer",
        lambda connection, mine: doubts.answer(
            connection, alert_id, mine, place, standing(), note
        ),
    )  # fmt: skip


@router.post("/alerts/{alert_id}/files")
async def attach_on_page(
    request: Request, system: SystemDep, alert_id: str, actor: Actor
) -> Response:
    """Attaches the file of a form."""
    form: dict[str, str] = {}
    try:
        form, file = await file_form(request)
        data = await file.read()
        mine = hand(system, actor, form.get("version"))
        await run_in_threadpool(take_in, system, alert_id, mine, file.filename or "", data)
    except WardenError as error:
        return await run_in_threadpool(refused_page, request, system, alert_id, form, error)
    return done_page(alert_id, "file")


@router.post("/alerts/{alert_id}/labels")
def label_on_page(
    request: Request, system: SystemDep, alert_id: str, form: Form, actor: Actor
) -> Response:
    """Adds labels, or takes one off."""
    add = [word for word in form.get("label", "").split(",") if word.strip()]
    remove = [form["remove"]] if form.get("remove") else []
    return act_on_page(
        request, system, alert_id, form, actor, "label",
        lambda connection, mine: label(connection, alert_id, mine, add, remove),
    )  # fmt: skip
