"""The page of one alert judged again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.inbox import get_alert
from api.deps import Actor, SystemDep
from api.web.render import render
from api.web.replay_view import replay_view
from api.web.wording import chosen_lang
from detector.database import reading
from detector.replay_records import last_replay, replay_and_keep

router = APIRouter(include_in_schema=False, default_response_class=Response)


@router.get("/alerts/{alert_id}/replay")
def replayed(request: Request, system: SystemDep, alert_id: str) -> Response:
    """What judging the alert again gave the last time, and a button to do it now."""
    with reading(system.engine) as connection:
        alert, _ = get_alert(connection, alert_id)
        found = last_replay(connection, alert_id)
    lang = chosen_lang(request)
    shown = replay_view(alert, found, lang)
    return render(request, "replay.html", place="queue", replay=shown)


@router.post("/alerts/{alert_id}/replay")
def replay_on_page(system: SystemDep, alert_id: str, actor: Actor) -> Response:
    """Judges it again, then shows what came of it."""
    replay_and_keep(system, alert_id, actor)
    return RedirectResponse(f"/alerts/{alert_id}/replay", 303)
