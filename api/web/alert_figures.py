"""What an alert page computes and does not only read: peers, time, what would clear it.

It comes after the page, or with it for whoever has no script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.inbox import get_alert
from alerts.model import alert_object, kept_back
from api.disclosure import disclosed, hidden
from api.web.around import Table, around
from api.web.explained import explain_view
from api.web.facts_view import weight_rows
from api.web.queue_view import subject_name
from api.web.strips import courses, strips
from api.web.wording import Lang
from detector.database import reading
from detector.explanation import explanation, measured, nothing
from detector.people.principal import Principal
from detector.surroundings import Surroundings
from detector.system import System


def alert_figures(system: System, alert_id: str, who: Principal, lang: Lang) -> Mapping[str, Any]:
    """What the figures of an alert show, for a person.

    Raises:
        WardenError: `alert_not_found`.
    """
    with reading(system.engine) as connection:
        alert, _ = get_alert(connection, alert_id)
    blind = kept_back(alert)
    unsaid = blind or hidden(alert.signal.rules, who)
    shown = disclosed(alert_object(alert, system.clock().date()), who)
    found = nothing("blind" if blind else "restricted") if unsaid else explanation(system, shown)
    explained = explain_view(found, lang)
    figures = {} if unsaid else measured(system, shown)
    tables = [] if unsaid and not blind else _around(system, shown, lang)
    subject = subject_name(shown, lang)
    return {
        "explained": explained,
        "around": tables + ([explained.peers] if explained.peers else []),
        "weights": weight_rows(shown["facts"], lang),
        "strips": strips(shown["facts"], figures, lang),
        "courses": courses(shown["facts"], figures, subject, lang),
        "figured": shown,
    }


def _around(system: System, alert: dict[str, Any], lang: Lang) -> list[Table]:
    """The tables around the subject; results that were cleared away leave the page without them."""
    try:
        return around(alert, Surroundings(system, str(alert["run_id"])), lang)
    except OSError:
        return []
