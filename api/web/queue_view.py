"""An alert as a row of the queue, and its rank in parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from api.web.facts_view import bar_width, fact_rows, in_sentence, weight_rows
from api.web.figures import percent, period, plain, spaced
from api.web.wording import HTML_LANG, Lang, in_language, known_word, one_bold, words
from features.vocabulary import TYPOLOGIES, Lane

Alert = Mapping[str, Any]
"""An alert as `alerts.model.alert_object` gives it."""

MOST_URGENT = 1.5
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
    """What one row of the queue shows; `excess` stands in the legal lane where a score would."""

    id: str
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
    unchecked: int
    quiet: bool
    tags: tuple[str, ...] = ()
    set_aside: bool = False


def queue_row(alert: Alert, lang: Lang) -> QueueRow:
    """The row of one alert object."""
    span, legal = alert["period"], alert["lane"] == Lane.LEGAL
    reason, reason_lang = one_line_reason(alert, lang)
    return QueueRow(
        id=str(alert["id"]),
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
        unchecked=len(alert["not_checked"]),
        quiet=not alert["firing"],
        tags=tuple(tag_name(tag) for tag in alert["tags"]),
        set_aside=bool(alert["set_aside"]),
    )


def tag_name(tag: Mapping[str, Any]) -> str:
    """What a tag rests on: an exception by its number, a repeat by the alert it repeats."""
    return f"E-{tag['exception']}" if tag["kind"] == "exception" else str(tag["alert"])


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
