"""The page of the audit trail: whether it is whole, and its entries."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from alerts import audit
from alerts.audit_chain import canonical
from alerts.audit_reading import EntryFilter, entries
from api.deps import Actor, SystemDep
from api.routes.audit import export_trail
from api.web.render import render
from detector.audit import trail
from detector.database import reading, writing

router = APIRouter(include_in_schema=False, default_response_class=Response)

FIELDS = ("actor", "action", "kind", "key")
DAYS = ("since", "until")
LONGEST = 200
PAGE = 50
ACTS = (
    "alert.", "attachment.", "audit.", "batch.", "case.", "dossier.", "exception.", "export.",
    "filing.", "key.", "lead.", "models.", "notice.", "person.", "quarantine.", "replay.", "rule.",
    "run.", "session.", "webhook.",
)  # fmt: skip
"""Beginnings of acts, offered for the filter; one with a dot at its end asks for all of them."""
_HASH = re.compile(r"[0-9a-f]{32,}")


@router.get("/audit")
def trail_page(request: Request, system: SystemDep, asking: Actor) -> Response:
    """Entries, newest first; names only when asked for, and then that is an entry, too."""
    asked = {
        name: value[:LONGEST]
        for name in (*FIELDS, *DAYS, "names")
        if (value := request.query_params.get(name, "").strip())
    }
    named = asked.get("names") == "yes"
    if named:
        with writing(system.engine) as writer:
            audit.record(
                writer, actor=asking, action="audit.names_read", kind="audit", key="names",
                data={}, now=system.clock(),
            )  # fmt: skip
    fields = {name: asked.get(name) for name in FIELDS}
    first, last = _day(asked.get("since")), _day(asked.get("until"))
    wanted = EntryFilter(**fields, since=first, until=last and last + timedelta(days=1))
    with reading(system.engine) as connection:
        found = entries(connection, wanted, request.query_params.get("cursor"), PAGE, named=named)
    following = asked | {"cursor": found.next_cursor} if found.next_cursor else None
    filters = {name: asked.get(name, "") for name in FIELDS}
    days = {name: asked.get(name, "") for name in DAYS}
    everything = request.query_params.get("verify") == "yes"
    return render(
        request,
        "audit.html",
        place="audit",
        state=trail.state(system),
        verified=trail.verify_trail(system).as_dict() if everything else None,
        days=days,
        acts=ACTS,
        verify_href=_address(asked | {"verify": "yes"}),
        rows=[_row(one) for one in found.entries],
        filters=filters,
        filtered=any((*filters.values(), *days.values())),
        named=named,
        with_names=_address(asked | {"names": "yes"}),
        following=_address(following) if following else None,
        api_twin=_address(
            {name: value for name, value in asked.items() if name not in (*DAYS, "names")},
            "/api/v1/audit",
        ),
    )


router.add_api_route("/audit/export", export_trail, methods=["POST"])


def _day(text: str | None) -> datetime | None:
    """The beginning of a day in UTC; None for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(text or ""), time(), UTC)
    except ValueError:
        return None


def _address(asked: dict[str, str], path: str = "/audit") -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    href = f"/alerts/{entry['key']}" if entry["kind"] == "alert" else None
    at = f"{entry['at'][:19]}Z".replace("T", " ")
    return entry | {"at": at, "href": href, "data": " · ".join(_told(entry["data"]))}


def _told(data: dict[str, Any]) -> list[str]:
    """What an entry says of the act, hashes and pseudonyms by their beginning."""
    told = []
    for name, value in data.items():
        if name == "changed" and isinstance(value, dict):
            told += [f"{field}: {_arrow(pair)}" for field, pair in value.items()]
        elif value not in (None, [], {}):
            told.append(f"{name}: {value if isinstance(value, str) else canonical(value)}")
    return [_HASH.sub(lambda found: found[0][:12], one) for one in told]


def _arrow(pair: object) -> str:
    if not isinstance(pair, list):
        return canonical(pair)
    return " → ".join("–" if one is None else str(one) for one in pair)
