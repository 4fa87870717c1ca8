"""What Prometheus scrapes, with a key: `authorization: {credentials: mw_...}`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from api.deps import SystemDep, problems
from api.measures import Measures

router = APIRouter(tags=["health"])

SAMPLE = 'warden_alerts{state="open"} 40.0\n'


class MetricsText(Response):
    """The text format of Prometheus."""

    media_type = CONTENT_TYPE_LATEST


@router.get("/metrics", response_class=MetricsText, responses=problems(401, 403, 503))
def metrics(request: Request, system: SystemDep) -> Response:
    """Requests by route, status and duration; alerts, last run, quarantine, audit trail."""
    measures: Measures = request.app.state.measures
    return MetricsText(measures.text(system))
