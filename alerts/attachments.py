"""Files attached to alerts: which there are; the files themselves lie under their hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts import audit
from alerts.changing import Hand, changed, held
from alerts.connections import ReadConnection, WriteConnection
from alerts.model import Alert, EventKind
from alerts.tables import attachment
from features.errors import WardenError

MOST = 100
"""Files of one alert."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it was handed in; `sha256` of its bytes."""

    id: int
    alert_id: str
    sha256: str
    name: str
    media_type: str
    size: int
    added_by: str
    added_at: datetime


def attach(
    connection: WriteConnection,
    alert_id: str,
    hand: Hand,
    *,
    sha256: str,
    name: str,
    media_type: str,
    size: int,
) -> tuple[Alert, Attachment]:
    """Notes a file that lies in its place.

    Raises:
        WardenError: `too_many_attachments`, `actor_required`, `alert_not_found`, and as conflicts
            `stale_version`, `attached_already` (the same bytes).
    """
    alert = held(connection, alert_id, hand)
    known = attachments(connection, alert_id)
    if any(one.sha256 == sha256 for one in known):
        raise WardenError(
            "attached_already", f"Alert {alert_id} has this very file already.", kind="conflict"
        )
    if len(known) >= MOST:
        raise WardenError("too_many_attachments", f"An alert has at most {MOST} files.")
    row: dict[str, Any] = {
        "alert_id": alert_id,
        "sha256": sha256,
        "name": name,
        "media_type": media_type,
        "size": size,
        "added_by": hand.actor,
        "added_at": hand.now,
    }
    made = connection.execute(sa.insert(attachment).returning(attachment.c.id), row)
    number = made.scalar_one()
    about = {"attachment": number, "sha256": sha256, "media_type": media_type, "size": size}
    after = changed(connection, alert, hand, EventKind.ATTACHED, data=about)
    return after, Attachment(id=number, **row)


def attachments(connection: ReadConnection | WriteConnection, alert_id: str) -> list[Attachment]:
    """Files of an alert, oldest first."""
    query = sa.select(attachment).where(attachment.c.alert_id == alert_id).order_by(attachment.c.id)
    return [Attachment(**row) for row in connection.execute(query).mappings()]


def taken_out(
    connection: WriteConnection, alert_id: str, number: int, actor: str, now: datetime
) -> Attachment:
    """One file of an alert that is about to be handed out, with the entry that says to whom.

    Raises:
        WardenError: `attachment_not_found`, `audit_unavailable`.
    """
    query = sa.select(attachment).where(
        attachment.c.alert_id == alert_id, attachment.c.id == number
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise WardenError(
            "attachment_not_found", f"The alert has no file {number}.", kind="not_found"
        )
    audit.record(
        connection,
        actor=actor,
        action="attachment.read",
        kind="alert",
        key=alert_id,
        data={"attachment": number, "sha256": row["sha256"]},
        now=now,
    )
    return Attachment(**row)
