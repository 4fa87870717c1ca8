"""An alert as a row of the queue, and its rank in parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from alerts.model import State
from api.web.facts_view import bar_width, fact_rows, in_sentence, weight_rows
from api.web.figures import day, percent, period, plain, spaced
from api.web.queue_flags import Flag, flags
from api.web.wording import HTML_LANG, Lang, in_language, known_word, one_bold, sayer, words
from features.vocabulary import TYPOLOGIES, Lane

Alert = Mapping[str, Any]
"""An alert as `alerts.model.alert_object` gives it."""

MOST_URGENT = 1.5
SOON = 7
"""Days before its day from which an alert is due soon."""
NOTHING = Markup()
NOT_MOVED: Mapping[str, datetime] = MappingProxyType({})
SIGNS = (">", ">=", "<", "<=")
TIMES = ("h", "hours", "d", "days")


@dataclass(frozen=True)
class Part:
    """One factor of the priority; `width` is 0 to 36 for its bar."""

    name: str
    text: str
    width: float


@dataclass(frozen=True)
class QueueRow:
    """What one row of the queue shows; `excess` stands in the legal lane where a score would.

    Attributes:
        token: what a form names the alert by: its id with the version that is shown.
        tone: of the day due: `late`, `soon` or nothing.
        flags: what must be known before anything is decided.
    """

    id: str
    version: int
    severity: int
    lane: str
    subject: str
    typology: str
    period: str
    reason: Markup
    reason_lang: str
    priority: str
    parts: tuple[Part, ...]
    excess: str
    state: str
    closing: str
    owner: str
    quiet: bool
    due: Markup = NOTHING
    tone: str = ""
    age: Markup = NOTHING
    labels: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    set_aside: bool = False

    @property
    def token(self) -> str:
        """The id and the version, as a form sends them."""
        return f"{self.id}:{self.version}"

    @property
    def closed(self) -> bool:
        """Whether nothing is to be done about it any more."""
        return self.state == State.CLOSED


def queue_row(
    alert: Alert, lang: Lang, today: date | None = None, moved: Mapping[str, datetime] = NOT_MOVED
) -> QueueRow:
    """The row of one alert object.

    Args:
        today: the day it is shown on; without one it is neither late nor due soon.
        moved: when a run last `updated` or `reopened` it.
    """
    span, legal = alert["period"], alert["lane"] == Lane.LEGAL
    reason, reason_lang = one_line_reason(alert, lang)
    due, tone = _due(alert, lang, today)
    return QueueRow(
        id=str(alert["id"]),
        version=int(alert["version"]),
        severity=int(alert["severity"]),
        lane=str(alert["lane"]),
        subject=subject_name(alert, lang),
        typology=typology_title(str(alert["typology"]), lang),
        period=period(span["start"], span["end"], lang),
        reason=one_bold(reason),
        reason_lang=reason_lang,
        priority="" if alert["blind"] else f"{float(alert['priority']['value']):.2f}",
        parts=() if legal or alert["blind"] else priority_parts(alert),
        excess=excess(alert, lang) if legal else "",
        state=str(alert["state"]),
        closing=str(alert["close_reason"] or ""),
        owner=str(alert["assignee"] or ""),
        quiet=not alert["firing"],
        due=due,
        tone=tone,
        age=_age(alert, lang),
        labels=tuple(alert["labels"]),
        flags=flags(alert, lang, moved),
        set_aside=bool(alert["set_aside"]),
    )


def _due(alert: Alert, lang: Lang, today: date | None) -> tuple[Markup, str]:
    """The day it is to be decided by, and how near it is."""
    if alert["state"] == State.CLOSED:
        return Markup(), ""
    say, on = sayer(lang), date.fromisoformat(alert["due_on"])
    left = (on - today).days if today else SOON + 1
    if left < 0:
        return say("queue.row.late", n=-left), "late"
    if left == 0:
        return say("queue.row.today"), "late"
    return escape(day(on, lang)), "soon" if left <= SOON else ""


def _age(alert: Alert, lang: Lang) -> Markup:
    n, say = alert["age_days"] or 0, sayer(lang)
    return say("queue.row.age", n=n) if n else say("queue.row.new")


def one_line_reason(alert: Alert, lang: Lang) -> tuple[str, str]:
    """The message of the rule; where only a model spoke, its heaviest measure as a sentence."""
    text, text_lang = in_language(alert["message"], lang)
    if text_lang == HTML_LANG["zh"]:
        text = spaced(text)
    weights = weight_rows(alert["facts"], lang)
    if text or not weights:
        return text, text_lang
    top = weights[0]
    sentence = words(lang)["reason.of_model"].format(
        measure=top.title if top.title == top.code else in_sentence(top.title),
        value=top.value,
        median=top.median,
        z=top.z,
        n=top.peers,
    )
    return sentence[:1].upper() + sentence[1:], HTML_LANG[lang]


def excess(alert: Alert, lang: Lang) -> str:
    """How the limit is passed: the statutory fact first, else any that holds.

    A time past its limit is told as the difference, everything else as value and limit.
    """
    met = [fact for fact in alert["facts"] if fact.get("holds") and fact.get("op") in SIGNS]
    met.sort(key=lambda fact: (fact.get("class") != "LEGAL", fact.get("unit") not in TIMES))
    if not met:
        return ""
    row = fact_rows(met[:1], lang)[0]
    if row.beyond and met[0].get("unit") in TIMES:
        return words(lang)["excess.time"].format(by=row.beyond)
    limit = row.against.lstrip("≥≤<>= \u00a0")
    return words(lang)["excess.value"].format(value=row.value, limit=limit)


def typology_title(typology: str, lang: Lang) -> str:
    """The neutral name of a typology; its id when it is not in the vocabulary."""
    known = TYPOLOGIES.get(typology)
    if known is None:
        return typology
    title = known.title[lang]
    return title[0].upper() + title[1:]


def subject_name(alert: Alert, lang: Lang) -> str:
    """The name in the title, which reads `possible <conduct>: <name>`; else the key."""
    title, _ = in_language(alert["title"], lang)
    for colon in ("：", ": "):
        _, found, name = title.partition(colon)
        if found and name.strip():
            return name.strip()
    return str(alert["subject"]["key"])


def priority_parts(alert: Alert) -> tuple[Part, ...]:
    """Likely, harm and urgency, each with the width of its bar."""
    given = alert["priority"]
    likely, harm, urgency = (float(given[k]) for k in ("likely", "harm", "urgency"))
    return (
        Part("likely", percent(likely), bar_width(likely)),
        Part("harm", f"{harm:.2f}", bar_width(harm)),
        Part("urgent", f"×{plain(urgency)}", bar_width(urgency / MOST_URGENT)),
    )


def state_words(state: str, closing: str, lang: Lang) -> str:
    """The state, with the reason it was closed for."""
    word = known_word(lang, "state", state)
    if not closing:
        return word
    return f"{word}{words(lang)['colon']}{known_word(lang, 'reason', closing)}"
