"""Judging an alert again by what its run recorded, and what that gave the last time."""

from __future__ import annotations

from fastapi import APIRouter

from alerts.inbox import get_alert
from api.deps import Actor, SystemDep, problems
from api.schemas.replay import Replayed
from detector.database import reading
from detector.replay_records import last_replay, replay_and_keep
from features.errors import WardenError

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.post("/{alert_id}/replay", responses=problems(401, 403, 404, 409, 422, 503))
def replay_alert(system: SystemDep, alert_id: str, actor: Actor) -> Replayed:
    """Judges the alert again from its snapshot, rules, parameters, models and peers as recorded,
    and compares every figure; beside that, the same judgement over what is filed today."""
    return Replayed.model_validate(replay_and_keep(system, alert_id, actor))


@router.get("/{alert_id}/replay", responses=problems(404, 503))
def read_replay(system: SystemDep, alert_id: str) -> Replayed:
    """What judging the alert again gave the last time."""
    with reading(system.engine) as connection:
        get_alert(connection, alert_id)
        found = last_replay(connection, alert_id)
    if found is None:
        raise WardenError(
            "not_replayed",
            f"Alert {alert_id} was not replayed yet.",
            "POST to the same address judges it again.",
            "not_found",
        )
    return Replayed.model_validate(found)
