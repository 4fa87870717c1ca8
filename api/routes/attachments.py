"""Files of alerts: handed in as they are, handed out only to be saved."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from alerts.attachments import attachments
from alerts.inbox import get_alert
from api.deps import Actor, IfMatch, SystemDep, etag, expected_version, problems
from api.routes.casework import CHANGES, hand
from api.schemas.casework import Attachment, Attachments, attachment_shown
from detector.attached import LONGEST_NAME, hand_out, take_in
from detector.database import reading

router = APIRouter(prefix="/api/v1/alerts/{alert_id}/attachments", tags=["alerts"])

BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
HANDED_OUT: dict[int | str, dict[str, Any]] = {200: {"content": BINARY}}
Number = Annotated[int, Path(ge=1, lt=2**31)]


async def _bytes(request: Request) -> bytes:
    return await request.body()


@router.get("", responses=problems(401, 403, 404, 503))
def list_attachments(system: SystemDep, alert_id: str) -> Attachments:
    """Files of an alert, oldest first."""
    with reading(system.engine) as connection:
        get_alert(connection, alert_id)
        found = attachments(connection, alert_id)
    return Attachments(items=[attachment_shown(one) for one in found])


@router.post(
    "",
    status_code=201,
    responses=CHANGES | problems(413),
    openapi_extra={"requestBody": {"content": BINARY, "required": True}},
)
def add_attachment(
    response: Response,
    system: SystemDep,
    alert_id: str,
    name: Annotated[str, Query(max_length=4 * LONGEST_NAME, examples=["record.pdf"])],
    data: Annotated[bytes, Depends(_bytes)],
    actor: Actor,
    if_match: IfMatch = None,
) -> Attachment:
    """Attaches a file, sent as the body: PDF, PNG, JPEG, XLSX without macros, CSV or plain text.

    What it is, its bytes say; the name must agree.
    """
    expected_version(if_match)
    alert, made = take_in(system, alert_id, hand(system, actor, if_match), name, data)
    response.headers["ETag"] = etag(alert.version)
    return attachment_shown(made)


@router.get(
    "/{number}",
    response_class=Response,
    responses=HANDED_OUT | problems(401, 403, 404, 500, 503),
)
def read_attachment(system: SystemDep, alert_id: str, number: Number, actor: Actor) -> Response:
    """A file, to be saved: no browser shows or runs it (every answer says `nosniff`).

    That it was read is in the audit trail.
    """
    found, data = hand_out(system, alert_id, number, actor)
    # a name for those who read only ASCII, and the name itself (RFC 6266)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in found.name)
    saved_as = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(found.name, safe='')}"
    headers = {"Content-Disposition": saved_as}
    return Response(data, media_type=found.media_type, headers=headers)
