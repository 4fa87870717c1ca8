"""The work on an alert as its page shows it: its day, its labels and files, what may be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from alerts.attachments import Attachment
from alerts.changing import same_person
from alerts.model import AlertEvent, State
from alerts.undo import can_undo
from api.schemas.casework import attachment_shown
from api.web.wording import Lang, known_word, sayer
from detector.people.permissions import Permission
from detector.people.principal import Principal


@dataclass(frozen=True)
class WorkView:
    """What the decision bar needs beside the alert itself.

    Attributes:
        pending: a closure that waits, as a sentence; empty without one.
        asked_by_me: whether the reader asked for it.
        may_approve: whether the reader's role may answer it.
        mine: whether the alert is the reader's.
    """

    closed: bool
    due: Markup
    late: bool
    stale: bool
    labels: Sequence[str]
    files: Sequence[Mapping[str, str]]
    rules: Sequence[str]
    pending: Markup
    asked_by_me: bool
    may_approve: bool
    mine: bool
    owned: bool
    can_undo: bool
    may_decide: bool
    may_export: bool


def work_view(
    alert: Mapping[str, Any],
    history: Sequence[AlertEvent],
    files: Sequence[Attachment],
    who: Principal,
    now: datetime,
    lang: Lang,
) -> WorkView:
    """The view of one alert object, told as of today, for whoever reads."""
    say, asked, owner = sayer(lang), alert["pending"], alert["assignee"]
    late, closed = bool(alert["overdue"]), alert["state"] == State.CLOSED
    due = (
        say("decide.late", day=alert["due_on"]) if late else say("decide.due", day=alert["due_on"])
    )
    sentence = Markup()
    if asked:
        reason = known_word(lang, "reason", asked["reason"])
        sentence = say("pending.asked", who=asked["by"], reason=reason)
    return WorkView(
        closed=closed,
        due=Markup() if closed else due,
        late=late,
        stale=alert["stale_since"] is not None,
        labels=alert["labels"],
        files=[{"name": one.name, "href": attachment_shown(one).href} for one in files],
        rules=[str(rule["id"]) for rule in alert["rules"]],
        pending=sentence,
        asked_by_me=bool(asked) and same_person(asked["by"], who.name),
        may_approve=Permission.ALERTS_APPROVE in who.may,
        mine=owner == who.name,
        owned=owner is not None,
        can_undo=bool(history) and can_undo(history[-1], who.name, now),
        may_decide=Permission.ALERTS_DECIDE in who.may,
        may_export=Permission.EVIDENCE_EXPORT in who.may,
    )
