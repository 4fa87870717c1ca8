"""What waits for a second person, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.approvals import Approval, Kind, Stage
from alerts.changing import same_person
from api.web.wording import Lang
from detector.people.permissions import Permission
from detector.waiting import Elsewhere, Looker, may_answer


@dataclass(frozen=True)
class Card:
    """One request: what it is about in pairs of word and value, and what may be done with it.

    Attributes:
        pairs: key of a phrase, and the value.
        href: where what it is about can be read, empty where nowhere.
        answer, mine: whether the reader may answer it, or asked for it.
    """

    id: int
    kind: str
    stage: str
    pairs: list[tuple[str, str]]
    href: str
    purpose: str
    case: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str | None
    note: str | None
    content: str
    version: int
    answer: bool
    mine: bool


def card(one: Approval, who: Looker) -> Card:
    """A request for its reader."""
    waits = one.stage is Stage.WAITING
    return Card(
        one.id,
        one.kind,
        one.stage.value,
        _pairs(one),
        _href(one),
        one.purpose,
        one.case,
        one.asked_by,
        one.asked_at,
        one.expires_at,
        one.decided_by,
        one.note,
        one.content,
        one.version,
        waits and may_answer(one, who),
        waits and same_person(one.asked_by, who.name),
    )


def ordered(cards: list[Card]) -> list[Card]:
    """What the reader may answer first, then their own, then what was answered already."""
    return sorted(cards, key=lambda one: (not one.answer, not one.mine, -one.id))


def _href(one: Approval) -> str:
    what, key = one.about.get("what"), one.about.get("key")
    places = {"alert_bundle": "alerts", "case_bundle": "cases", "hand_over": "cases"}
    return f"/{places[str(what)]}/{key}" if what in places else ""


def _pairs(one: Approval) -> list[tuple[str, str]]:
    about = one.about
    if one.kind == Kind.REIDENTIFICATION:
        return [("pseudonym", about["pseudonym"]), ("candidates", f"{about['candidates']:,}")]
    chosen: dict[str, Any] = dict(about["options"])
    told = [(name, chosen[name]) for name in ("profile", "form", "party", "to") if chosen.get(name)]
    return [
        (f"what.{about['what']}", str(about["key"])),
        ("alerts", f"{about['alerts']:,}"),
        ("rows", f"{about['rows']:,}"),
        *((name, str(value)) for name, value in told),
    ]


def elsewhere_view(found: Elsewhere, who: Looker, lang: Lang) -> dict[str, Any]:
    """Closures, exceptions and rules, each with whether the reader may answer it."""

    def other(by: str, permission: Permission) -> bool:
        return permission in who.may and not same_person(by, who.name)

    return {
        "closures": [
            {"id": a.id, "title": a.signal.title.get(lang, ""), "severity": a.signal.severity,
             "reason": a.pending["reason"], "note": note, "by": a.pending["by"],
             "version": a.version,
             "at": datetime.fromisoformat(a.pending["at"]),
             "answer": other(a.pending["by"], Permission.ALERTS_APPROVE)}
            for a, note in found.closures if a.pending
        ],
        "exceptions": [
            {"id": e.id, "rule": e.rule_id, "about": e.subject_key or e.subject_kind,
             "reason": e.reason, "by": e.added_by, "at": e.added_at, "version": e.version,
             "answer": other(e.added_by, Permission.EXCEPTIONS_APPROVE)
             and not same_person(e.owner, who.name)}
            for e in found.exceptions
        ],
        "proposed": [
            {"rule": rule, "version": version, "by": event.actor, "at": event.at,
             "answer": other(event.actor, Permission.RULES_APPROVE)}
            for rule, (version, event) in found.rules.items()
        ],
    }  # fmt: skip
