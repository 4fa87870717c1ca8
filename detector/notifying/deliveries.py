"""What was told to whom, and what became of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alerts.notify.tables import delivery, message, notice, webhook
from detector.database import ReadConnection
from detector.people.tables import person

LARGEST_PAGE = 200
_COLUMNS = (
    delivery.c.id,
    delivery.c.message_id,
    notice.c.kind,
    notice.c.about,
    notice.c.key,
    notice.c.at,
    delivery.c.channel,
    sa.func.coalesce(person.c.name, webhook.c.url).label("recipient"),
    message.c.state,
    message.c.due_at,
    message.c.sent_at,
    message.c.attempts,
    (message.c.doubts > 0).label("doubted"),
    message.c.error,
)


def deliveries(
    connection: ReadConnection,
    *,
    recipient: str | None = None,
    state: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Deliveries, the newest first.

    Args:
        recipient: id of a person or an endpoint; None: to everybody.
        state: of the message; `dead` are those that were given up.
    """
    query = (
        sa.select(*_COLUMNS)
        .join(notice, notice.c.id == delivery.c.notice_id)
        .join(message, message.c.id == delivery.c.message_id)
        .outerjoin(person, person.c.id == delivery.c.recipient)
        .outerjoin(webhook, webhook.c.id == delivery.c.recipient)
        .order_by(delivery.c.id.desc())
        .limit(min(limit, LARGEST_PAGE + 1))
        .offset(offset)
    )
    if recipient is not None:
        query = query.where(delivery.c.recipient == recipient)
    if state is not None:
        query = query.where(message.c.state == state)
    return [dict(row) for row in connection.execute(query).mappings()]
