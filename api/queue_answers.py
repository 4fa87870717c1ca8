"""The queue as JSON, for the many who ask for the same few lists again and again.

A query that has been answered once is known: its parameters need not be read and checked anew,
nor its statements made, only the place in the list is another. Who asks is asked every time, in
the database: a key that is revoked is refused at once.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.routing import APIRoute

from alerts.answer_pages import AnsweredPage, PageQuery, answered_page, page_query
from alerts.inbox import QueueFilter, Sort, Spread, spread
from alerts.limits import NONE, Limits
from api.auth import let_through, limits_of, seen_with, somebody
from api.permissions import needed
from api.tallies import Tallies, key_of
from detector.database import ReadConnection, reading
from detector.people.permissions import Permission
from detector.system import System

MOST_KNOWN = 1000
THREADS = 16
AT_ONCE = 0.003
"""Seconds below which a page is not worth a thread."""
_CURSOR = re.compile(r"(?:^|&)cursor=([A-Za-z0-9_-]{1,400})(?=&|$)")
_READABLE = "%=&+;,:@/!$'()*-._~"


class Filter:
    """A filter to be known again by: lists have no hash."""

    def __init__(self, wanted: QueueFilter) -> None:
        self.wanted = wanted
        self.mark = repr(wanted)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self.mark == other.mark

    def __hash__(self) -> int:
        return hash(self.mark)


@dataclass(slots=True)
class Asked:
    """A list that was asked for.

    Attributes:
        filter: without what the asker may see.
        link: the address without its cursor.
        took: seconds its last page took.
    """

    filter: Filter
    sort: Sort
    limit: int
    link: str
    took: float = math.inf


class Known:
    """Lists asked for today, by the text of their query without the cursor."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, date], Asked] = {}
        self._lock = Lock()

    def of(self, query: str, today: date) -> Asked | None:
        """A list that was asked for before."""
        return self._asked.get((query, today))

    def keep(self, query: str, today: date, asked: Asked) -> None:
        """Keeps a list whose parameters were found right; the day is part of some filters."""
        with self._lock:
            while len(self._asked) >= MOST_KNOWN:
                self._asked.pop(next(iter(self._asked)))
            self._asked[query, today] = asked


def parted(query: bytes) -> tuple[str, str | None]:
    """The text of a query without its cursor, and the cursor; a second one is left where it is."""
    text = query.decode("latin-1")
    found = _CURSOR.search(text)
    if found is None:
        return text, None
    return (text[: found.start()] + text[found.end() :]).lstrip("&"), found[1]


class QueueRoute(APIRoute):
    """The route of the queue: what is known goes past the reading of parameters.

    A page that took next to no time the last time is read at once, where it is asked for: handing
    it to a thread and back would take longer. Only of SQLite, whose readers never wait for anybody.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        full = super().get_route_handler()
        pool = ThreadPoolExecutor(THREADS, "queue")

        async def handle(request: Request) -> Response:
            system: System = request.app.state.system
            query, cursor = parted(request.scope["query_string"])
            asked = request.app.state.known_queries.of(query, system.clock().date())
            if asked is None or "cursor=" in query:
                return await full(request)
            loop = asyncio.get_running_loop()
            if system.engine.dialect.name != "sqlite" or asked.took > AT_ONCE:
                return await loop.run_in_executor(pool, _admitted, request, asked, cursor)
            with reading(system.engine) as connection:
                _let_through(request, connection)
                found = _page(connection, request, asked, cursor)
            tallies: Tallies = request.app.state.tallies
            spreads = tallies.kept(found.tally)
            if spreads is None:
                spreads = await loop.run_in_executor(pool, _counted, request, found)
            return _answer(asked, found, spreads)

        return handle


def first_answer(
    request: Request, wanted: QueueFilter, sort: Sort, limit: int, cursor: str | None
) -> Response:
    """A page of a list whose parameters have just been read; from now on it is known.

    Raises:
        WardenError: `bad_cursor`.
    """
    system: System = request.app.state.system
    query, _ = parted(request.scope["query_string"])
    link = f"{request.url.path}?{quote(query, safe=_READABLE)}{'&' if query else ''}cursor="
    asked = Asked(Filter(replace(wanted, within=NONE)), sort, limit, link)
    request.app.state.known_queries.keep(query, system.clock().date(), asked)
    with reading(system.engine) as connection:
        return _whole(connection, request, asked, cursor)


def _admitted(request: Request, asked: Asked, cursor: str | None) -> Response:
    with reading(request.app.state.system.engine) as connection:
        _let_through(request, connection)
        return _whole(connection, request, asked, cursor)


def _let_through(request: Request, connection: ReadConnection) -> None:
    seen_with(request, connection)
    let_through(request, needed(request.method, request.scope["route"].path))


def _whole(
    connection: ReadConnection, request: Request, asked: Asked, cursor: str | None
) -> Response:
    found = _page(connection, request, asked, cursor)
    tallies: Tallies = request.app.state.tallies
    spreads = tallies.of(found.tally, lambda: spread(connection, found.wanted))
    if tallies.kept(found.tally) is None:
        asked.took = math.inf  # a small queue is counted for every page, of the same moment
    return _answer(asked, found, spreads)


class _Found(NamedTuple):
    page: AnsweredPage
    wanted: QueueFilter
    tally: Hashable


def _page(connection: ReadConnection, request: Request, asked: Asked, cursor: str | None) -> _Found:
    who = somebody(request)
    may_see = Permission.THRESHOLDS_READ in who.may
    given = (limits_of(request, who), asked.sort, may_see)
    if asked.filter.wanted.text:  # what says a text now is looked up now
        wanted, tally, query = _prepare(connection, asked.filter, *given)
    else:
        wanted, tally, query = _prepared(asked.filter, *given)
    began = time.perf_counter()
    today = request.app.state.system.clock().date()
    page = answered_page(connection, query, cursor, asked.limit, today)
    asked.took = time.perf_counter() - began
    return _Found(page, wanted, tally)


def _counted(request: Request, found: _Found) -> Spread:
    tallies: Tallies = request.app.state.tallies
    with reading(request.app.state.system.engine) as connection:
        return tallies.of(found.tally, lambda: spread(connection, found.wanted))


def _answer(asked: Asked, found: _Found, spreads: Spread) -> Response:
    counts = spreads.counts(found.wanted.states, found.wanted.lanes)
    told = {"total": counts.total, "by_state": counts.by_state, "by_lane": counts.by_lane}
    following = found.page.next_cursor
    body = b'{"items":[%b],"next_cursor":%b,"counts":%b}' % (
        b",".join(found.page.items), json.dumps(following).encode(), json.dumps(told).encode(),
    )  # fmt: skip
    headers = {"Link": f'<{asked.link}{following}>; rel="next"'} if following else None
    return Response(body, headers=headers, media_type="application/json")


@lru_cache(MOST_KNOWN)
def _prepared(
    asked: Filter, within: Limits, sort: Sort, limits: bool
) -> tuple[QueueFilter, Hashable, PageQuery]:
    return _prepare(None, asked, within, sort, limits)


def _prepare(
    connection: ReadConnection | None, asked: Filter, within: Limits, sort: Sort, limits: bool
) -> tuple[QueueFilter, Hashable, PageQuery]:
    wanted = replace(asked.wanted, within=within)
    return wanted, key_of(wanted), page_query(connection, wanted, sort, limits=limits)
