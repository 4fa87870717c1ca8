"""Parts the script of the queue asks for: an alert beside the list, and what has come in since."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from alerts.inbox import come_in, get_alert
from alerts.model import alert_object
from alerts.picked import moved_by_runs
from api.auth import Within, somebody
from api.deps import SystemDep
from api.disclosure import disclosed
from api.web.preview_view import preview
from api.web.queue_filters import read_filters
from api.web.queue_view import queue_row
from api.web.render import render
from api.web.wording import chosen_lang
from detector.database import reading
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

MOST_NEW = 100
"""New alerts are counted no further."""


@router.get("/alerts/{alert_id}/preview")
def alert_beside_queue(request: Request, system: SystemDep, alert_id: str) -> Response:
    """The parts of an alert the side column of the queue shows."""
    lang, today = chosen_lang(request), system.clock().date()
    with reading(system.engine) as connection:
        alert, _ = get_alert(connection, alert_id)
        moved = moved_by_runs(connection, [alert.id]).get(alert.id, {})
    shown = disclosed(alert_object(alert, today), somebody(request))
    row = queue_row(shown, lang, today, moved)
    return render(request, "parts/preview.html", **preview(shown, row, lang))


@router.get("/queue/news")
def what_came_in(request: Request, system: SystemDep, within: Within, since: str) -> Response:
    """How many alerts of the filters were opened since a moment; nothing where there is none."""
    filters = read_filters(request.query_params)
    wanted = filters.wanted(system.clock(), within)
    moment = _moment(since)
    with reading(system.engine) as connection:
        n = come_in(connection, wanted, moment, MOST_NEW)
    if not n:
        return Response(status_code=204)
    told = f"{n}" if n < MOST_NEW else f"{MOST_NEW}+"
    href = f"/?{filters.query}" if filters.any_set else "/"
    return render(
        request, "parts/news.html", n=n if n == 1 else told, at=f"{moment:%H:%M}", href=href
    )


def _moment(since: str) -> datetime:
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise WardenError("bad_moment", "The moment is not one with a time zone.")
    return moment
