"""What the list of cases shows, and the form that makes one of a selection of alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from alerts.case_list import Summary
from alerts.case_model import Case
from alerts.leads import IMPORTED
from alerts.model import Alert, alert_object
from api.disclosure import disclosed
from api.web.figures import day, period
from api.web.firms_view import both_names
from api.web.queue_view import one_line_reason, subject_name, typology_title
from api.web.wording import Lang, known_word, one_bold
from detector.people.principal import Principal

Row = dict[str, Any]
VIEWS: Mapping[str, tuple[str, ...]] = {
    "open": ("open", "in_progress", "decided"),
    "mine": ("open", "in_progress", "decided"),
    "closed": ("closed",),
    "all": (),
}
"""States by view; `mine` also asks for the owner."""
FILTERS = ("q", "state", "owner", "firm", "unit")
SHOWN_FIRMS = 3


def address(view: str, asked: Mapping[str, str], **more: str) -> str:
    """The address of a list."""
    told = {"view": view} if view != "open" else {}
    told |= {name: value for name, value in asked.items() if value} | more
    return f"/cases?{urlencode(told)}" if told else "/cases"


def case_rows(
    found: Sequence[Case],
    told: Mapping[str, Summary],
    names: Mapping[str, Mapping[str, Any]],
    today: date,
    lang: Lang,
) -> list[Row]:
    """One row a case."""
    return [_row(case, told[case.number], names, today, lang) for case in found]


def _row(
    case: Case, told: Summary, names: Mapping[str, Mapping[str, Any]], today: date, lang: Lang
) -> Row:
    firms = [firm_row(firm, names, lang) for firm, _ in told.parties[:SHOWN_FIRMS]]
    return {
        "number": case.number,
        "href": f"/cases/{case.number}",
        "title": case.title,
        "state": case.state.value,
        "outcome": case.outcome.value if case.outcome else "",
        "firms": firms,
        "more_firms": max(0, len(told.parties) - SHOWN_FIRMS),
        "alerts": told.alerts,
        "tasks": told.open_tasks,
        "overdue": told.overdue,
        "due": day(told.next_due.isoformat(), lang) if told.next_due else "",
        "owner": case.owner or "",
        "unit": case.unit or "",
        "age": (today - case.opened_at.date()).days,
        "opened": day(case.opened_at.date().isoformat(), lang),
    }


def firm_row(firm: str, names: Mapping[str, Mapping[str, Any]], lang: Lang) -> Row:
    """A firm by its names, where the search knows them, with the way to its dossier."""
    known = names.get(firm, {"name": None, "name_zh": None})
    return both_names({"firm_id": firm, **known}, lang)


def alert_rows(alerts: Sequence[Alert], who: Principal, today: date, lang: Lang) -> list[Row]:
    """Alerts of a case, or those a case is to be made of: the gravest first."""
    told = [disclosed(alert_object(alert, today), who) for alert in alerts]
    told.sort(key=lambda one: (-int(one["severity"]), str(one["id"])))
    return [object_row(one, lang) for one in told]


def object_row(alert: Mapping[str, Any], lang: Lang) -> Row:
    """One alert object, of ours or as another installation sent it."""
    reason, reason_lang = one_line_reason(alert, lang)
    return {
        "id": str(alert["id"]),
        "href": f"/alerts/{alert['id']}",
        "severity": int(alert["severity"]),
        "lane": str(alert["lane"]),
        "subject": subject_name(alert, lang),
        "typology": typology_title(str(alert["typology"]), lang),
        "period": period(alert["period"]["start"], alert["period"]["end"], lang),
        "reason": one_bold(reason),
        "reason_lang": reason_lang,
        "state": str(alert["state"]),
        "closing": str(alert["close_reason"] or ""),
        "lead": alert.get("run_id") == IMPORTED,
    }


def chosen_words(asked: Mapping[str, str], lang: Lang) -> list[tuple[str, str]]:
    """Filters that are set, each with what it is set to."""
    return [
        (name, known_word(lang, "cases.state", value) if name == "state" else value)
        for name, value in asked.items()
        if value
    ]
