"""Views of the queue that people keep: by program, and by the forms of the queue's page."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from alerts import views as kept
from api.deps import Actor, Form, SystemDep, problems
from api.schemas import views as shapes
from api.web.queue_act import LAST
from api.web.queue_filters import filters_of
from detector.database import reading, writing
from features.errors import WardenError

router = APIRouter(tags=["alerts"])


@router.get("/api/v1/views", responses=problems(401, 403, 503))
def list_views(system: SystemDep, actor: Actor) -> shapes.Views:
    """The views of the queue you keep, in the order you kept them."""
    with reading(system.engine) as connection:
        return shapes.Views.model_validate({"items": kept.views_of(connection, actor)})


@router.post("/api/v1/views", status_code=201, responses=problems(401, 403, 409, 422, 503))
def keep_view(system: SystemDep, actor: Actor, asked: shapes.NewView) -> shapes.View:
    """Keeps a view; what the queue does not know of its query is left out."""
    query = filters_of(asked.query).query
    with writing(system.engine) as connection:
        view = kept.keep_view(connection, actor, asked.name, query, system.clock())
    return shapes.View.model_validate(view)


@router.delete("/api/v1/views/{view_id}", status_code=204, responses=problems(401, 403, 404, 503))
def drop_view(system: SystemDep, actor: Actor, view_id: str) -> Response:
    """Forgets a view."""
    with writing(system.engine) as connection:
        kept.drop_view(connection, actor, view_id, system.clock())
    return Response(status_code=204)


@router.post("/queue/views", include_in_schema=False)
def keep_view_on_page(system: SystemDep, form: Form, actor: Actor) -> Response:
    """Keeps the view that is on the screen."""
    query = filters_of(form.get("query", "")).query
    try:
        with writing(system.engine) as connection:
            kept.keep_view(connection, actor, form.get("name", ""), query, system.clock())
    except WardenError as error:
        if error.kind == "unavailable":
            raise
        return _queue(query, refused=error.code)
    return _queue(query, done="kept")


@router.post("/queue/views/{view_id}/drop", include_in_schema=False)
def drop_view_on_page(system: SystemDep, actor: Actor, view_id: str) -> Response:
    """Forgets a view."""
    with writing(system.engine) as connection:
        view = kept.drop_view(connection, actor, view_id, system.clock())
    return _queue(view.query, done="dropped")


def _queue(query: str, **told: str) -> Response:
    said = urlencode({f"{LAST}{name}": value for name, value in told.items()})
    return RedirectResponse(f"/?{query}&{said}" if query else f"/?{said}", 303)
