"""Everything the queue page shows for one address: filters, views, sections, counts, pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from alerts.connections import ReadConnection
from alerts.inbox import QueueCounts, QueueFilter, counts, queue
from alerts.limits import Limits
from alerts.model import WAITING as STILL_WAITING
from alerts.model import CloseReason, State, alert_object
from alerts.picked import moved_by_runs
from api.auth import limits_of, somebody
from api.disclosure import disclosed
from api.web.queue_act import here, outcome_told
from api.web.queue_view import QueueRow, queue_row, typology_title
from api.web.wording import Lang, chosen_lang
from detector.casework import workers
from detector.database import reading
from detector.people.permissions import Permission
from detector.system import System
from features.vocabulary import TYPOLOGIES, Lane

PAGE = 50
WAITING: tuple[str, ...] = STILL_WAITING
ANY_STATE = "any"
LONGEST = 200


@dataclass(frozen=True)
class Filters:
    """What the address asks for; None where it asks for nothing or for nonsense."""

    state: str | None
    lane: str | None
    severity: int | None
    typology: str | None
    subject: str | None
    q: str | None
    owner: str | None

    @property
    def any_set(self) -> bool:
        """Whether anything narrows the queue."""
        return any(value is not None for value in vars(self).values())

    def wanted(self) -> QueueFilter:
        """The same for the inbox; without a state, what waits for somebody."""
        states = () if self.state == ANY_STATE else (self.state,) if self.state else WAITING
        return QueueFilter(
            states=states,
            lanes=(self.lane,) if self.lane else (),
            typologies=(self.typology,) if self.typology else (),
            severities=range(self.severity, 6) if self.severity else (),
            subject=self.subject,
            text=self.q,
            assignee=self.owner,
        )


@dataclass(frozen=True)
class Section:
    """The rows of one lane on this page, with the lane's total."""

    lane: str
    rows: list[QueueRow]
    total: int | None


@dataclass(frozen=True)
class View:
    """A ready-made set of filters, as a tab; `n` is its count where it is cheap."""

    name: str
    href: str
    current: bool
    n: int | None


def read_filters(asked: Mapping[str, str]) -> Filters:
    """Filters of an address; what is not known is ignored, so old links still open."""

    def one_of(name: str, values: Iterable[str]) -> str | None:
        return asked.get(name) if asked.get(name) in tuple(values) else None

    def text(name: str) -> str | None:
        return asked.get(name, "").replace("\0", "").strip()[:LONGEST] or None

    severity = one_of("severity", "12345")
    return Filters(
        state=one_of("state", (*State, ANY_STATE)),
        lane=one_of("lane", Lane),
        severity=int(severity) if severity else None,
        typology=one_of("typology", TYPOLOGIES),
        subject=text("subject"),
        q=text("q"),
        owner=text("owner"),
    )


def queue_page(request: Request, system: System) -> dict[str, Any]:
    """What the template of the queue needs beside the frame."""
    lang, filters = chosen_lang(request), read_filters(request.query_params)
    wanted, cursor = filters.wanted(), request.query_params.get("cursor")
    who = somebody(request)
    wanted = replace(wanted, within=limits_of(request, who))
    with reading(system.engine) as connection:
        page = queue(connection, wanted, cursor, PAGE)
        found = counts(connection, wanted)
        views = _views(connection, filters, who.name, wanted.within)
        moved = moved_by_runs(connection, [alert.id for alert in page.alerts])
        people = workers(connection) if Permission.ALERTS_DECIDE in who.may else []
    today = system.clock().date()
    rows = [
        queue_row(disclosed(alert_object(one, today), who), lang, today, moved.get(one.id, {}))
        for one in page.alerts
    ]
    asked = {k: v for k, v in vars(filters).items() if v is not None}
    following = {**asked, "cursor": page.next_cursor} if page.next_cursor else None
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
        "state_codes": [state.value for state in State],
        "typologies": _typologies(lang),
        "limit": PAGE,
        "next_href": f"/?{urlencode(following)}" if following else None,
        "first_href": f"/?{urlencode(asked)}" if cursor else None,
        "api_twin": f"/api/v1/alerts?{urlencode(_api_query(wanted), doseq=True)}",
    }


ASIDE = "aside"
"""Heading of what is set aside; it stands under both lanes."""


def _sections(rows: list[QueueRow], found: QueueCounts) -> list[Section]:
    return [
        Section(lane, list(group), found.by_lane.get(lane))
        for lane, group in groupby(rows, key=lambda row: ASIDE if row.set_aside else row.lane)
    ]


def _views(connection: ReadConnection, filters: Filters, actor: str, within: Limits) -> list[View]:
    waiting = counts(connection, QueueFilter(states=WAITING, within=within))
    mine = counts(connection, QueueFilter(states=WAITING, assignee=actor, within=within))
    everything = counts(connection, QueueFilter(within=within))
    choices: list[tuple[str, dict[str, str], int | None]] = [
        ("waiting", {}, waiting.total),
        ("legal", {"lane": "legal"}, waiting.by_lane.get("legal", 0)),
        ("screen", {"lane": "screen"}, waiting.by_lane.get("screen", 0)),
        ("mine", {"owner": actor}, mine.total),
        ("closed", {"state": "closed"}, everything.by_state.get("closed", 0)),
        ("all", {"state": ANY_STATE}, everything.total),
    ]
    asked = {k: v for k, v in vars(filters).items() if v is not None}
    return [
        View(name, f"/?{urlencode(query)}" if query else "/", asked == query, n)
        for name, query, n in choices
    ]


def _typologies(lang: Lang) -> list[dict[str, str]]:
    listed = [{"id": t.id, "title": typology_title(t.id, lang)} for t in TYPOLOGIES.values()]
    return sorted(listed, key=lambda one: one["title"])


def _api_query(wanted: QueueFilter) -> dict[str, Any]:
    query = {
        "state": wanted.states,
        "lane": wanted.lanes,
        "typology": wanted.typologies,
        "severity": wanted.severities,
        "subject": wanted.subject,
        "q": wanted.text,
    }
    return {name: value for name, value in query.items() if value}
