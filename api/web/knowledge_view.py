"""An alert as known then and as known now, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from api.web.facts_view import expression_title
from api.web.figures import below_one, measure, moment, plain
from api.web.wording import Lang, known_word, sayer, words

Found = Mapping[str, Any]


@dataclass(frozen=True)
class KnownRow:
    """One fact at both moments."""

    title: str
    code: str
    then: str
    now: str
    against: str
    changed: bool


@dataclass(frozen=True)
class KnowledgeView:
    """What the page shows; without rows `why` says why there is nothing to compare."""

    sentence: Markup
    why: str
    then: Mapping[str, str]
    now: Mapping[str, str]
    rows: Sequence[KnownRow]
    filings: Sequence[tuple[str, str]]


def knowledge_view(found: Found, lang: Lang) -> KnowledgeView:
    """The view of one comparison (`detector.knowledge`)."""
    if found["reason"]:
        why = words(lang).get(f"known_now.why.{found['reason']}", str(found["reason"]))
        return KnowledgeView(Markup(), why, {}, {}, (), ())
    say, changed = sayer(lang), int(found["changed"])
    if found["same_filings"]:
        sentence = say("known_now.same")
    elif changed:
        sentence = say("known_now.changed", n=plain(changed), of=plain(len(found["facts"])))
    else:
        sentence = say("known_now.unchanged")
    return KnowledgeView(
        sentence=sentence,
        why="",
        then=_moment(found["then"], lang),
        now=_moment(found["now"], lang),
        rows=[_row(fact, lang) for fact in found["facts"]],
        filings=[(table, plain(n)) for table, n in sorted(found["filings"].items())],
    )


def _moment(one: Found, lang: Lang) -> dict[str, str]:
    outcome = one["outcome"]
    told = known_word(lang, "outcome", outcome) if outcome else words(lang)["known_now.gone"]
    return {
        "at": moment(one["known_at"], lang) if one["known_at"] else "–",
        "snapshot": str(one["snapshot_id"] or "–"),
        "outcome": told,
        "mark": str(outcome or ""),
        "suspicion": below_one(one["suspicion"]) or "–",
    }


def _row(fact: Found, lang: Lang) -> KnownRow:
    code = str(fact.get("expression") or fact["feature"])
    unit = fact.get("unit")
    then, now = fact["then"] or {}, fact["now"] or {}
    limits = {measure(one.get("threshold"), unit, lang) for one in (then, now) if one}
    return KnownRow(
        title=expression_title(code, lang),
        code=code,
        then=_value(then, unit, lang),
        now=_value(now, unit, lang),
        against=" → ".join(sorted(limits - {"–"})) or "–",
        changed=bool(fact["changed"]),
    )


def _value(one: Found, unit: str | None, lang: Lang) -> str:
    if one.get("value") is None:
        reason = one.get("reason")
        return known_word(lang, "why", str(reason)) if reason else "–"
    return measure(one["value"], unit, lang)
