"""Notices: what one wants to hear of, what was told, and the endpoints of other programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.deps import Actor, IfMatch, SystemDep, Who, etag, expected_version, link_next, problems
from api.paging import offset_cursor, offset_of
from api.schemas import notices as shapes
from detector.database import reading
from detector.notifying import choices, endpoints
from detector.notifying.deliveries import LARGEST_PAGE, deliveries
from detector.people.permissions import Permission

router = APIRouter(prefix="/api/v1", tags=["notices"])

WebhookId = Annotated[str, Path(max_length=32)]
CHANGE = problems(401, 403, 404, 409, 412, 422, 428, 503)


@router.get("/me/notifications", responses=problems(401, 503))
def read_choice(response: Response, system: SystemDep, who: Who) -> shapes.NoticeChoiceReport:
    """What you want to hear of; its ETag is what a change must name."""
    with reading(system.engine) as connection:
        return _choice(response, choices.choice_of(connection, who.person_id))


@router.put("/me/notifications", responses=problems(401, 409, 412, 422, 428, 503))
def change_choice(
    response: Response,
    system: SystemDep,
    who: Who,
    wanted: shapes.NoticeChoice,
    if_match: IfMatch = None,
) -> shapes.NoticeChoiceReport:
    """Chooses what you want to hear of, when and where."""
    version = expected_version(if_match, "choice")
    given = wanted.model_dump(mode="json")
    chosen = choices.choose(system, who.person_id, who.name, choices.Choice(**given), version)
    return _choice(response, chosen)


@router.get("/notifications", responses=problems(401, 422, 503))
def list_deliveries(
    request: Request,
    response: Response,
    system: SystemDep,
    who: Who,
    state: shapes.State | None = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> shapes.Deliveries:
    """What was told and what became of it: to you, or to all for whoever keeps the accounts."""
    everybody = Permission.PEOPLE_MANAGE in who.may
    offset = offset_of(cursor)
    with reading(system.engine) as connection:
        found = deliveries(
            connection, recipient=None if everybody else who.person_id, state=state,
            limit=limit + 1, offset=offset,
        )  # fmt: skip
    following = offset_cursor(offset + limit) if len(found) > limit else None
    link_next(request, response, following)
    return shapes.Deliveries.model_validate({"items": found[:limit], "next_cursor": following})


@router.post("/notifications/{message_id}/retry", status_code=202, responses=CHANGE)
def retry(
    system: SystemDep, actor: Actor, message_id: Annotated[str, Path(max_length=40)]
) -> shapes.Sent:
    """Tries a message again that was given up."""
    endpoints.revive(system, message_id, actor)
    return shapes.Sent(message_id=message_id)


@router.get("/webhooks", responses=problems(401, 403, 503))
def list_webhooks(system: SystemDep) -> shapes.Webhooks:
    """Every endpoint."""
    with reading(system.engine) as connection:
        return shapes.Webhooks.model_validate({"items": endpoints.webhooks(connection)})


@router.post("/webhooks", status_code=201, responses=problems(401, 403, 409, 422, 503))
def add_webhook(
    response: Response, system: SystemDep, actor: Actor, wanted: shapes.NewWebhook
) -> shapes.ShownWebhook:
    """Adds an endpoint; the answer shows its secret this once."""
    return _shown(response, *endpoints.add(system, wanted.url, wanted.kinds, actor))


@router.delete("/webhooks/{webhook_id}", status_code=204, responses=CHANGE)
def remove_webhook(
    system: SystemDep, actor: Actor, webhook_id: WebhookId, if_match: IfMatch = None
) -> Response:
    """Ends an endpoint; what waits for it is not sent any more."""
    endpoints.remove(system, webhook_id, actor, expected_version(if_match, "endpoint"))
    return Response(status_code=204)


@router.post("/webhooks/{webhook_id}/rotate", responses=CHANGE)
def rotate_webhook(
    response: Response,
    system: SystemDep,
    actor: Actor,
    webhook_id: WebhookId,
    if_match: IfMatch = None,
) -> shapes.ShownWebhook:
    """Gives an endpoint a new secret, shown this once; the old one signs beside it for a week."""
    version = expected_version(if_match, "endpoint")
    return _shown(response, *endpoints.rotate(system, webhook_id, actor, version))


@router.post("/webhooks/{webhook_id}/test", status_code=202, responses=CHANGE)
def test_webhook(system: SystemDep, actor: Actor, webhook_id: WebhookId) -> shapes.Sent:
    """Makes a message that says nothing but that it is a test; the next round sends it."""
    return shapes.Sent(message_id=endpoints.try_out(system, webhook_id, actor))


def _choice(response: Response, found: choices.Choice) -> shapes.NoticeChoiceReport:
    response.headers["ETag"] = etag(found.version)
    return shapes.NoticeChoiceReport.model_validate(asdict(found))


def _shown(response: Response, row: dict[str, Any], secret: str) -> shapes.ShownWebhook:
    response.headers["ETag"] = etag(row["version"])
    return shapes.ShownWebhook.model_validate(row | {"secret": secret})
