"""What routes answer about an alert: the alert as it stands, and events with readable comments."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from alerts.model import Alert as AlertModel
from alerts.model import AlertEvent, EventKind, alert_object, event_object
from api.deps import etag
from api.disclosure import disclosed
from api.schemas.alerts import Alert
from detector.markdown import safe_html
from detector.people.principal import Principal
from detector.system import System


def answer(response: Response, system: System, alert: AlertModel, who: Principal) -> Alert:
    """The alert after a change, with the ETag that the next one must name."""
    response.headers["ETag"] = etag(alert.version)
    return Alert.model_validate(disclosed(alert_object(alert, system.clock().date()), who))


def event_shown(event: AlertEvent, *, blind: bool = False) -> dict[str, Any]:
    """An event as the API gives it; a comment also as HTML that is safe to show."""
    shown = event_object(event, blind=blind)
    written = event.kind is EventKind.COMMENTED and event.note
    return shown | {"html": safe_html(event.note or "") if written else None}
