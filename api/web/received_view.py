"""What another installation handed over, as its page and the page of a lead show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from api.web.cases_view import object_row
from api.web.figures import as_moment, moment
from api.web.wording import Lang
from detector.markdown import safe_html
from detector.received import Look

Row = dict[str, Any]


def look_view(found: Look, lang: Lang) -> Row:
    """A file that was put aside: who sent it, and what it would raise."""
    alerts = [
        object_row(sent, lang) | {"lead": found.known.get(str(sent["id"]), "")}
        for sent in found.alerts
    ]
    new = len(alerts) + found.hidden - len(found.known)
    leads = [("alert", lead) for lead in found.known.values()]
    return {
        "sha256": found.sha256,
        "sender": " ".join(found.sender[at : at + 8] for at in range(0, 32, 8)),
        "whole_sender": found.sender,
        "installation": found.installation,
        "case": found.case.get("number", "–"),
        "title": found.case.get("title", "–"),
        "jurisdiction": found.case.get("jurisdiction") or "",
        "parties": found.parties,
        "notes": _notes(found.notes),
        "alerts": sorted(alerts, key=lambda one: (bool(one["lead"]), -one["severity"], one["id"])),
        "hidden": found.hidden,
        "new": new,
        "known": len(found.known),
        "case_href": f"/cases/new?{urlencode(leads)}" if leads else "",
    }


def origin_view(origin: Mapping[str, Any], lang: Lang) -> Row:
    """Where a lead came from, as the page of the alert shows it."""
    sent = origin["sent"]
    return {
        "installation": origin["installation"],
        "sender": origin["sender"][:16],
        "case": origin["case"],
        "title": (sent.get("case") or {}).get("title") or "",
        "alert": origin["alert"],
        "at": moment(as_moment(origin["received_at"]), lang),
        "notes": _notes(sent.get("notes") or ()),
    }


def _notes(sent: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """Notes that came along; Markdown, cleaned."""
    return [Markup(safe_html(str(note.get("text") or ""))) for note in sent]  # noqa: S704
