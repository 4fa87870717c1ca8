"""Innocent explanations as a checklist, and how alerts of one kind ended, for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from alerts.alike import Alike
from alerts.doubts import Doubt, Standing
from api.web.figures import moment, percent, plain
from api.web.wording import Lang, in_language, known_word, sayer

MARKS = {
    Standing.NOT_CHECKED: "not_evaluable",
    Standing.DOES_NOT_FIT: "clear",
    Standing.FITS: "fired",
}


@dataclass(frozen=True)
class DoubtRow:
    """One innocent explanation with its newest answer."""

    number: int
    text: str
    text_lang: str
    standing: str
    mark: str
    note: str
    by: str


@dataclass(frozen=True)
class EndedRow:
    """One closed alert of the same kind."""

    id: str
    what: str
    lang: str
    reason: str
    days: Markup
    same: bool


@dataclass(frozen=True)
class AlikeView:
    """The newest of them and what all of them say."""

    rows: Sequence[EndedRow]
    sentence: Markup


def doubt_rows(doubts: Sequence[Doubt], lang: Lang) -> list[DoubtRow]:
    """The rows of the checklist."""
    return [_doubt(one, lang) for one in doubts]


def _doubt(one: Doubt, lang: Lang) -> DoubtRow:
    text, text_lang = in_language(one.text, lang)
    by = str(sayer(lang)("doubt.by", who=one.by, at=moment(one.at, lang))) if one.by else ""
    return DoubtRow(
        number=one.number,
        text=text[:1].upper() + text[1:],
        text_lang=text_lang,
        standing=one.standing.value,
        mark=MARKS[one.standing],
        note=one.note,
        by=by,
    )


def alike_view(found: Alike, lang: Lang) -> AlikeView:
    """The panel of like alerts."""
    rows, say = [], sayer(lang)
    for one in found.latest:
        title, title_lang = in_language(one.title, lang)
        for colon in ("：", ": "):
            _, cut, name = title.partition(colon)
            if cut:
                title = name
                break
        reason = known_word(lang, "reason", one.reason)
        days = say("alike.days", n=plain(one.days))
        rows.append(EndedRow(one.id, title, title_lang, reason, days, one.same_subject))
    return AlikeView(rows, _sentence(found, lang))


def _sentence(found: Alike, lang: Lang) -> Markup:
    say = sayer(lang)
    if found.share is None or found.low is None or found.high is None:
        return say("alike.undecided", n=plain(found.looked_at)) if found.looked_at else Markup()
    k = round(found.share * found.decided)
    told = say(
        "alike.share",
        k=plain(k), n=plain(found.decided), low=percent(found.low), high=percent(found.high),
    )  # fmt: skip
    return told if found.enough else told + " " + say("alike.few")
