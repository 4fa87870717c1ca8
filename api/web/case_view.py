"""One case as its page shows it: parties, tasks, notes, what happened, what may be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from alerts.case_model import NEXT, CaseState
from alerts.model import SYSTEM
from api.web.alert_view import act_sentence
from api.web.cases_view import firm_row
from api.web.figures import as_moment, day, moment
from api.web.wording import Lang, known_word, sayer, words
from detector.markdown import safe_html

Row = dict[str, Any]
EVENTS = ("all", "case")
MOST_EVENTS = 80
"""Shown at once, the newest; the rest through the address."""


def head(case: Mapping[str, Any], today: date, lang: Lang) -> Row:
    """What the case says of itself, and where it may go."""
    opened = as_moment(case["opened_at"])
    state = CaseState(case["state"])
    return {
        **{name: case[name] or "" for name in
           ("number", "title", "state", "outcome", "unit", "jurisdiction", "owner")},
        "version": case["version"],
        "href": f"/cases/{case['number']}",
        "opened": moment(opened, lang),
        "opened_by": case["opened_by"],
        "updated": moment(as_moment(case["updated_at"]), lang),
        "age": (today - opened.date()).days if opened else 0,
        "next": [one.value for one in CaseState if one in NEXT[state]],
        "closed": state is CaseState.CLOSED,
        "decided": state in (CaseState.DECIDED, CaseState.CLOSED),
    }  # fmt: skip


def party_rows(
    parties: Sequence[Mapping[str, Any]], names: Mapping[str, Mapping[str, Any]], lang: Lang
) -> list[Row]:
    """Parties, those the case is against first."""
    order = ("subject", "complainant", "witness")
    rows = [
        firm_row(one["firm"], names, lang) | {"role": one["role"], "firm": one["firm"]}
        for one in parties
    ]
    return sorted(rows, key=lambda one: (order.index(one["role"]), one["name"]))


def task_rows(tasks: Sequence[Mapping[str, Any]], today: date, lang: Lang) -> list[Row]:
    """Tasks: those to be done by their day, then those that are done."""
    rows = [
        {
            "id": one["id"],
            "text": one["text"],
            "assignee": one["assignee"] or "",
            "due": day(one["due_on"], lang) if one["due_on"] else "",
            "due_on": one["due_on"] or "",
            "late": (
                (today - date.fromisoformat(one["due_on"])).days
                if one["due_on"] and not one["done"]
                else 0
            ),
            "done": one["done"],
            "done_by": one["done_by"] or "",
            "done_at": moment(as_moment(one["done_at"]), lang) if one["done"] else "",
        }
        for one in tasks
    ]
    return sorted(rows, key=lambda one: (one["done"], one["due_on"] or "9999", one["id"]))


def note_rows(notes: Sequence[Mapping[str, Any]], lang: Lang) -> list[Row]:
    """Notes, the newest first; Markdown, cleaned."""
    return [
        {
            "id": one["id"],
            "text": Markup(safe_html(one["text"])),  # noqa: S704
            "author": one["author"],
            "at": moment(as_moment(one["at"]), lang),
        }
        for one in reversed(notes)
    ]


def event_rows(events: Sequence[Mapping[str, Any]], lang: Lang) -> list[Row]:
    """What happened, the newest first."""
    return [_event(event, lang) for event in reversed(events)]


def _event(event: Mapping[str, Any], lang: Lang) -> Row:
    own = event["alert"] is None
    at = as_moment(event["at"])
    what = _act(event, lang) if own else act_sentence(event, lang)
    return {
        "at": moment(at, lang),
        "iso": at.isoformat() if at else "",
        "alert": event["alert"] or "",
        "what": what,
        # a note stands among the notes
        "note": "" if event["kind"] == "noted" else event["note"] or "",
    }


def _act(event: Mapping[str, Any], lang: Lang) -> Markup:
    """An act on the case as one sentence."""
    data, kind = event["data"], str(event["kind"])
    changed = data.get("changed") or {}
    to = changed.get("state", ["", ""])[1] if isinstance(changed, Mapping) else ""
    ids = data.get("alerts") or []
    who = str(event["actor"])
    return sayer(lang)(
        f"cases.act.{kind}",
        who=words(lang)["act.system"] if who == SYSTEM else who,
        state=known_word(lang, "cases.state", str(to)),
        outcome=known_word(lang, "cases.outcome", _outcome(changed)),
        fields=_fields(data, lang),
        n=len(ids),
        ids=", ".join(ids[:3]) + (" …" if len(ids) > 3 else ""),
        text=str(data.get("text") or ""),
        task=str(data.get("task") or ""),
        done=known_word(lang, "cases.task", "done" if data.get("done_at") else "changed"),
        decision=str(data.get("intervention") or ""),
        kind=known_word(lang, "cases.kind", str(data.get("kind") or "")),
        verdict=known_word(lang, "cases.verdict", str(data.get("verdict") or "")),
        to=str(data.get("to") or ""),
        sha=str(data.get("sha256") or "")[:12],
    )


def _outcome(changed: object) -> str:
    pair = changed.get("outcome", ["", ""]) if isinstance(changed, Mapping) else ["", ""]
    return str(pair[1] or "")


def _fields(data: Mapping[str, Any], lang: Lang) -> str:
    names = data.get("fields") or data.get("changed") or ()
    return ", ".join(known_word(lang, "cases.field", str(name)) for name in names)
