"""What people found about the innocent explanations of an alert: answers, the newest counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.changing import Hand, changed, check_note, held
from alerts.connections import WriteConnection
from alerts.model import Alert, AlertEvent, EventKind
from features.errors import WardenError


class Standing(StrEnum):
    """How an innocent explanation stands."""

    NOT_CHECKED = "not_checked"
    DOES_NOT_FIT = "does_not_fit"
    FITS = "fits"


@dataclass(frozen=True)
class Doubt:
    """One innocent explanation and how it stands.

    Attributes:
        number: from 1, in the order the alert tells them.
        text: by language.
        note: what was looked at and what it showed; empty where nobody has answered.
    """

    number: int
    text: Mapping[str, str]
    standing: Standing
    note: str = ""
    by: str | None = None
    at: datetime | None = None


def answer(
    connection: WriteConnection,
    alert_id: str,
    hand: Hand,
    number: int,
    standing: Standing,
    note: str | None,
) -> Alert:
    """Says how an innocent explanation stands; an answer is taken back by a newer one.

    Args:
        number: of the explanation, from 1.
        note: what was looked at; not needed to say that it is not checked.

    Raises:
        WardenError: `explanation_not_found`, `note_required`, `note_too_long`, `actor_required`,
            `alert_not_found`, `stale_version` (conflict).
    """
    check_note(note, needed=standing != Standing.NOT_CHECKED)
    alert = held(connection, alert_id, hand)
    told = alert.signal.innocent
    if not 1 <= number <= len(told):
        raise WardenError(
            "explanation_not_found",
            f"Alert {alert_id} has {len(told)} innocent explanations; there is no number {number}.",
            kind="not_found",
        )
    # the text and not the number: a later run may tell them in another order
    about = {"explanation": _name(told[number - 1]), "standing": standing.value}
    return changed(connection, alert, hand, EventKind.ANSWERED, note=note, data=about)


def doubts(innocent: Sequence[Any], history: Iterable[AlertEvent]) -> list[Doubt]:
    """The innocent explanations of an alert, each with its newest answer.

    Args:
        innocent: texts by language, as the signal has them.
        history: events of the alert, oldest first.
    """
    newest = {
        str(event.data.get("explanation")): event
        for event in history
        if event.kind == EventKind.ANSWERED
    }
    return [_doubt(i, dict(text), newest.get(_name(text))) for i, text in enumerate(innocent, 1)]


def _doubt(number: int, text: Mapping[str, str], event: AlertEvent | None) -> Doubt:
    if event is None:
        return Doubt(number, text, Standing.NOT_CHECKED)
    standing = Standing(str(event.data["standing"]))
    return Doubt(number, text, standing, event.note or "", event.actor, event.at)


def _name(text: Mapping[str, str]) -> str:
    return str(text.get("en") or next(iter(text.values()), ""))
