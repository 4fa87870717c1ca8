"""How the priority of an alert came about, as a small table: prior, evidence, likely, the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.web.facts_view import feature_title
from api.web.figures import percent, plain
from api.web.wording import Lang, in_language, known_word, sayer
from features.vocabulary import TYPOLOGIES

PRIOR = "prior suspicion"
"""A lesson's name for the order before it; no figure of the subject."""


@dataclass(frozen=True)
class Step:
    """One line: what, what is said of it, and its figure (``×8``, ``14 %``)."""

    name: str
    note: str
    figure: str
    total: bool = False


def likelihood_steps(alert: Mapping[str, Any], lang: Lang) -> tuple[Step, ...]:
    """The lines of one alert object; none where nothing was estimated or it is kept back."""
    given = alert["priority"]
    found = given.get("evidence")
    if not found or given["likely"] is None:
        return ()
    say = sayer(lang)
    steps = [_prior(found, lang)]
    steps += [_piece(piece, alert, lang) for piece in found["pieces"]]
    total = sum(float(p["log"]) * float(p["share"]) for p in found["pieces"])
    if abs(total - float(found["log_ratio"])) > 1e-9:
        bound = math.exp(float(found["log_ratio"]))
        steps.append(Step(str(say("rank.bounded")), str(say("rank.bounded.note")), times(bound)))
    fitted = found["method"] == "fitted"
    note = str(say("rank.fitted.note")) if fitted else str(say("rank.likely.note"))
    steps.append(Step(str(say("part.likely")), note, percent(float(given["likely"])), total=True))
    harm, urgency = float(given["harm"]), float(given["urgency"])
    steps.append(Step(str(say("part.harm")), _harm_note(given, lang), f"×{harm:.2f}"))
    steps.append(Step(str(say("part.urgent")), str(say("rank.urgent.note")), times(urgency)))
    value = f"{float(given['value']):.2f}"
    steps.append(Step(str(say("part.priority")), "", value, total=True))
    return tuple(steps)


def learned_line(alert: Mapping[str, Any], lang: Lang) -> str:
    """From which place reviews of its kind moved an alert, and by what; empty without a lesson."""
    told = alert["priority"].get("learned")
    if not told:
        return ""
    say = sayer(lang)
    names = [feature_title(n, lang) for n in told["numbers"] if n != PRIOR]
    n, now, of = told["reviews"], told["place"], told["of"]
    if now == told["place_before"]:
        return str(say("rank.learned.same", n=n, now=now, of=of))
    what = (", " if lang == "en" else "、").join(names)
    return str(say("rank.learned", n=n, now=now, of=of, before=told["place_before"], what=what))


def times(ratio: float) -> str:
    """A factor, short: below 10 with two digits."""
    return f"×{plain(ratio, 2)}"


def _harm_note(given: Mapping[str, Any], lang: Lang) -> str:
    say, touched = sayer(lang), given.get("affected")
    if not touched:
        return str(say("rank.harm.note"))
    n = plain(float(touched["size"]), 3)
    return str(
        say("rank.harm.persons", n=n)
        if touched["of"] == "persons"
        else say("rank.harm.turnover", n=n)
    )


def _prior(found: Mapping[str, Any], lang: Lang) -> Step:
    say, where = sayer(lang), found["prior_of"]
    note = say("rank.prior.assumed")
    if where:
        known = TYPOLOGIES.get(where)
        name = known.title[lang] if known else str(where).removeprefix("market:")
        note = say("rank.prior.measured", where=name)
    return Step(str(say("rank.prior")), str(note), percent(float(found["prior"])))


def _piece(piece: Mapping[str, Any], alert: Mapping[str, Any], lang: Lang) -> Step:
    say, share = sayer(lang), float(piece["share"])
    counted = math.exp(float(piece["log"]) * share)
    name, note = _told(piece, alert, lang)
    if share < 1:
        note = str(say("rank.quarter", note=note, ratio=plain(float(piece["ratio"]), 2)))
    return Step(name, note, times(counted))


def _told(piece: Mapping[str, Any], alert: Mapping[str, Any], lang: Lang) -> tuple[str, str]:
    say = sayer(lang)
    if piece["kind"] == "model":
        p = plain(float(piece["p"]), 2)
        note = say("rank.model.joint", p=p, n=piece["of"]) if piece["of"] > 1 else f"p = {p}"
        return str(say("rank.model")), str(note)
    if piece["kind"] == "rule":
        titles = {str(rule.get("id")): rule.get("title") for rule in alert["rules"]}
        name = in_language(titles.get(piece["id"]), lang)[0] or str(piece["id"])
        if not piece["reviewed"]:
            return name, str(say("rank.rule.new"))
        told = say("rank.rule.measured", k=piece["confirmed"], n=piece["reviewed"])
        return name, str(told)
    known = TYPOLOGIES.get(str(piece["typology"]))
    name = known.title[lang] if known else known_word(lang, "typology", str(piece["typology"]))
    return name, str(say("rank.other", alert=piece["alert"]))
