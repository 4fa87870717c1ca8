"""Everything the queue page shows for one address: views, sections, counts, pages."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from alerts.connections import ReadConnection
from alerts.inbox import QueueCounts, QueueFilter, Spread, queue, spread
from alerts.limits import NONE, Limits
from alerts.model import CloseReason, State, alert_object
from alerts.picked import moved_by_runs
from alerts.views import View as Kept
from alerts.views import views_of
from api.auth import limits_of, somebody
from api.disclosure import disclosed
from api.tallies import Tallies, key_of
from api.web.queue_act import here, outcome_told
from api.web.queue_filters import ANY_STATE, WAITING, Filters, filters_of, read_filters
from api.web.queue_options import options
from api.web.queue_view import QueueRow, queue_row
from api.web.wording import chosen_lang
from detector.casework import workers
from detector.database import reading
from detector.people.principal import Principal
from detector.system import System
from features.vocabulary import Lane

PAGE = 50


@dataclass(frozen=True)
class Section:
    """The rows of one lane on this page, with the lane's total."""

    lane: str
    rows: list[QueueRow]
    total: int | None


@dataclass(frozen=True)
class View:
    """A ready-made set of filters, as a tab, or one the reader kept, which has an id."""

    name: str
    href: str
    current: bool
    n: int
    id: str = ""


def queue_page(request: Request, system: System) -> dict[str, Any]:
    """What the template of the queue needs beside the frame."""
    lang, filters, now = chosen_lang(request), read_filters(request.query_params), system.clock()
    cursor, who = request.query_params.get("cursor"), somebody(request)
    within = limits_of(request, who)
    wanted = filters.wanted(now, within)
    with reading(system.engine) as connection:
        page = queue(connection, wanted, cursor, PAGE)
        count = _counting(request, connection)
        found = count(wanted)
        kept = views_of(connection, who.name)
        views = _views(filters, kept, lambda f: count(f.wanted(now, within)), who)
        others = _others(count, within)
        moved = moved_by_runs(connection, [alert.id for alert in page.alerts])
        people = workers(connection)
    rows = [
        queue_row(
            disclosed(alert_object(one, now.date()), who), lang, now.date(), moved.get(one.id, {})
        )
        for one in page.alerts
    ]
    return {
        "sections": _sections(rows, found),
        "people": people,
        "back": here(request),
        "done": outcome_told(request, lang),
        "reasons": [reason.value for reason in CloseReason],
        "shown": len(rows),
        "total": found.total,
        "filters": filters,
        "filtered": filters.any_set or cursor is not None,
        "views": views,
        "units": ", ".join((*who.units, *who.jurisdictions)),
        "others": others,
        **options(lang, people),
        "limit": PAGE,
        "since": now.isoformat(),
        **_addresses(filters, wanted, cursor, page.next_cursor),
    }


def _addresses(
    filters: Filters, wanted: QueueFilter, cursor: str | None, following: str | None
) -> dict[str, Any]:
    """Where else the reader may go on from a page of the queue."""
    after = urlencode({**filters.asked, "cursor": following})
    return {
        "next_href": f"/?{after}" if following else None,
        "first_href": f"/?{filters.query}" if cursor else None,
        "view_query": filters.query,
        "without_text": f"/?{urlencode({k: v for k, v in filters.asked.items() if k != 'q'})}",
        "view_href": f"/?{filters.query}" if filters.any_set else "/",
        "api_twin": f"/api/v1/alerts?{urlencode(_api_query(wanted), doseq=True)}",
    }


Count = Callable[[QueueFilter], QueueCounts]


def _counting(request: Request, connection: ReadConnection) -> Count:
    """Counts of a filter, those of a large queue as old as they may be; filters of one page that
    differ in state and lane alone are counted once."""
    tallies: Tallies = request.app.state.tallies
    seen: dict[Hashable, Spread] = {}

    def count(wanted: QueueFilter) -> QueueCounts:
        key = key_of(wanted)
        if key not in seen:
            seen[key] = tallies.of(key, partial(spread, connection, wanted))
        return seen[key].counts(wanted.states, wanted.lanes)

    return count


def _others(count: Count, within: Limits) -> int:
    """Waiting alerts that a reader with limits does not see."""
    if within == NONE:
        return 0
    mine = count(QueueFilter(states=WAITING, within=within))
    return count(QueueFilter(states=WAITING)).total - mine.total


ASIDE = "aside"
"""Heading of what is set aside; it stands under both lanes."""


def _sections(rows: list[QueueRow], found: QueueCounts) -> list[Section]:
    return [
        Section(lane, list(group), found.by_lane.get(lane))
        for lane, group in groupby(rows, key=lambda row: ASIDE if row.set_aside else row.lane)
    ]


def _views(
    filters: Filters, kept: list[Kept], count: Callable[[Filters], QueueCounts], who: Principal
) -> list[View]:
    """The tabs: ours, then those the reader kept."""
    ready = [
        ("waiting", Filters()),
        ("mine", Filters(owner=who.name)),
        ("legal", Filters(lane=Lane.LEGAL.value)),
        ("due", Filters(due="week")),
        ("closed", Filters(state=State.CLOSED.value)),
        ("all", Filters(state=ANY_STATE)),
    ]
    tabs = [(name, one, "") for name, one in ready]
    tabs += [(one.name, filters_of(one.query), one.id) for one in kept]
    return [
        View(name, f"/?{one.query}" if one.any_set else "/", one == filters, count(one).total, mark)
        for name, one, mark in tabs
    ]


def _api_query(wanted: QueueFilter) -> dict[str, Any]:
    query = {
        "state": wanted.states,
        "lane": wanted.lanes,
        "typology": wanted.typologies,
        "severity": wanted.severities,
        "jurisdiction": wanted.jurisdictions,
        "subject": wanted.subject,
        "q": wanted.text,
        "assignee": wanted.assignee,
        "label": wanted.labels,
        "due_by": wanted.due_by,
        "opened_since": wanted.opened_since and wanted.opened_since.isoformat(),
        "opened_before": wanted.opened_before and wanted.opened_before.isoformat(),
    }
    flags = {
        "overdue": wanted.overdue_on is not None or None,
        "assigned": wanted.assigned,
        "pending": wanted.pending,
        "stale": wanted.stale,
    }
    told = {name: str(value).lower() for name, value in flags.items() if value is not None}
    return {name: value for name, value in query.items() if value} | told
