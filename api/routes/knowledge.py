"""An alert as known when it was judged, and as known now that filings were corrected."""

from __future__ import annotations

from fastapi import APIRouter

from alerts.inbox import get_alert
from api.deps import SystemDep, Who, problems
from api.disclosure import hidden
from api.schemas.knowledge import Knowledge
from detector.database import reading
from detector.knowledge import knowledge, nothing

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.get("/{alert_id}/knowledge", responses=problems(401, 403, 404, 422, 503))
def read_knowledge(system: SystemDep, who: Who, alert_id: str) -> Knowledge:
    """Its facts by the filings of then and of now, told by the same judges; the alert stays."""
    with reading(system.engine) as connection:
        alert = get_alert(connection, alert_id).alert
    if hidden(alert.signal.rules, who):
        return Knowledge.model_validate(nothing(alert.id, alert.version, "restricted"))
    return Knowledge.model_validate(knowledge(system, alert_id))
