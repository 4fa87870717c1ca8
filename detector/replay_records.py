"""What replays gave: one row each, written with an entry in the audit trail, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import audit
from alerts.changing import require_actor
from detector.database import ReadConnection, writing
from detector.replay import replay
from detector.tables import alert_replay

if TYPE_CHECKING:
    from datetime import datetime

    from detector.database import WriteConnection
    from detector.replay_case import Replay
    from detector.system import System

ACTION = "alert.replayed"


def replay_and_keep(
    system: System, alert_id: str, actor: str, *, as_known_now: bool = True
) -> dict[str, Any]:
    """Judges an alert again and keeps what came of it.

    Returns:
        `Replay.as_dict` with ``actor`` and ``at``.

    Raises:
        WardenError: `actor_required`, `alert_not_found`, `not_pinned`, `audit_unavailable`.
    """
    require_actor(actor)
    found = replay(system, alert_id, as_known_now=as_known_now)
    with writing(system.engine) as connection:
        return keep(connection, found, actor.strip(), system.clock())


def keep(connection: WriteConnection, found: Replay, actor: str, now: datetime) -> dict[str, Any]:
    """Writes one replay, in the caller's transaction."""
    data = found.as_dict()
    row = {
        "alert_id": found.alert_id,
        "version": found.version,
        "outcome": found.outcome,
        "differences": len(found.differences),
        "data": data,
        "actor": actor,
        "at": now,
    }
    connection.execute(sa.insert(alert_replay), [row])
    audit.record(
        connection,
        actor=actor,
        action=ACTION,
        kind="alert",
        key=found.alert_id,
        data={
            "version": found.version,
            "run_id": found.run_id,
            "outcome": found.outcome,
            "differences": len(found.differences),
        },
        now=now,
    )
    return {**data, "actor": actor, "at": now.isoformat()}


def last_replay(connection: ReadConnection, alert_id: str) -> dict[str, Any] | None:
    """The newest replay of an alert, as `replay_and_keep` gave it; None before the first."""
    columns = alert_replay.c
    query = sa.select(alert_replay).where(columns.alert_id == alert_id)
    newest = query.order_by(columns.id.desc()).limit(1)
    row = connection.execute(newest).mappings().one_or_none()
    if row is None:
        return None
    data: Mapping[str, Any] = row["data"]
    return {**data, "actor": row["actor"], "at": row["at"].isoformat()}
