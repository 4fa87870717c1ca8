"""Where an alert came from that another installation handed over."""

from __future__ import annotations

from fastapi import APIRouter

from alerts.leads import read_lead
from api.deps import SystemDep, problems
from api.schemas.cases import Lead
from detector.database import reading

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.get("/{alert_id}/origin", responses=problems(401, 403, 404, 503))
def read_origin(system: SystemDep, alert_id: str) -> Lead:
    """The installation, case and alert it was there, and what was sent; 404 for one of ours."""
    with reading(system.engine) as connection:
        return Lead.model_validate(read_lead(connection, alert_id))
