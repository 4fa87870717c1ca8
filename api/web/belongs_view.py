"""What an alert belongs to: the cases it is in, and where it came from if it was handed over."""

from __future__ import annotations

from typing import Any

from alerts.case_model import reach_of
from alerts.case_store import CaseFilter, list_cases
from alerts.connections import ReadConnection
from alerts.leads import IMPORTED, read_lead
from alerts.limits import Limits
from alerts.model import Alert
from api.web.received_view import origin_view
from api.web.wording import Lang
from detector.people.permissions import Permission
from detector.people.principal import Principal

MOST = 20


def belongs_of(
    connection: ReadConnection, alert: Alert, who: Principal, within: Limits, lang: Lang
) -> dict[str, Any]:
    """The cases the reader may see, the newest first, and the origin of a lead."""
    shown = Permission.CASES_READ in who.may
    reach = reach_of(who.units, who.jurisdictions)
    wanted = CaseFilter(alert=alert.id, reach=reach, within=within)
    found = list_cases(connection, wanted, MOST) if shown else []
    lead = alert.run_id == IMPORTED
    return {
        "shown": shown,
        "cases": [
            {"number": one.number, "title": one.title, "state": one.state.value} for one in found
        ],
        "origin": origin_view(read_lead(connection, alert.id), lang) if lead else None,
    }
