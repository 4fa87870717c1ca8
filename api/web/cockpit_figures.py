"""The key figures of the director's view: six at most, each with its comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from api.web.figures import percent, plain
from api.web.wording import Lang, sayer

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A number with its unit and what it is to be compared with."""

    label: Markup
    number: str
    unit: str | Markup
    beside: Markup
    href: str = ""


def key_figures(found: Row, lang: Lang) -> list[Figure]:
    """The figures in the order they are read."""
    return [
        _waiting(found["load"], lang),
        *_touched(found["load"]["touched"], lang),
        *_delays(found["pace"], lang),
        _confirmed(found["rules"] or (), lang),
    ]


def days(value: float | None) -> str:
    """Days, to one digit below ten."""
    if value is None:
        return "–"
    return plain(round(value, 1) if value < 10 else round(value))


def large(value: float, lang: Lang) -> str:
    """A large number in words: 12.4 m, 1,240 万."""
    steps = ((1e8, "亿"), (1e4, "万")) if lang == "zh" else ((1e9, "bn"), (1e6, "m"))
    for size, word in steps:
        if value >= size:
            return f"{plain(value / size)}\u00a0{word}"
    return plain(round(value))


def _waiting(load: Row, lang: Lang) -> Figure:
    say, (came, before) = sayer(lang), load["opened"]
    beside = say(
        "cockpit.waiting.beside",
        legal=plain(load["waiting"]["legal"]), came=plain(came), before=plain(before),
    )  # fmt: skip
    return Figure(say("cockpit.waiting"), plain(load["total"]), "", beside, "/")


def _touched(touched: Row, lang: Lang) -> list[Figure]:
    say, turnover, persons = sayer(lang), touched["turnover"], touched["persons"]
    untold = say("cockpit.untold")
    of_money = say("cockpit.turnover.beside", n=plain(turnover["alerts"])) if turnover else untold
    of_people = say("cockpit.persons.beside", n=plain(persons["alerts"])) if persons else untold
    money = large(turnover["largest"], lang) if turnover else "–"
    people = large(persons["sum"], lang) if persons else "–"
    return [
        Figure(say("cockpit.turnover"), money, "", of_money),
        Figure(say("cockpit.persons"), people, "", of_people),
    ]


def _delays(pace: Row, lang: Lang) -> list[Figure]:
    say, seen, decided = sayer(lang), pace["seen"], pace["decided"]
    unit, closed = say("cockpit.days"), decided["n"] - decided["waiting"]
    of_seen = say("cockpit.seen.beside", p90=days(seen["p90"]), n=plain(seen["n"]))
    of_decided = say("cockpit.decided.beside", closed=plain(closed), n=plain(decided["n"]))
    return [
        Figure(say("cockpit.seen"), days(seen["median"]), unit, of_seen),
        Figure(say("cockpit.decided"), days(decided["median"]), unit, of_decided),
    ]


def _confirmed(rules: Any, lang: Lang) -> Figure:
    say = sayer(lang)
    k, n = (sum(row["precision"][part] for row in rules) for part in ("k", "n"))
    if not n:
        return Figure(say("cockpit.confirmed"), "–", "", say("cockpit.confirmed.none"))
    beside = say("cockpit.confirmed.beside", k=plain(k), n=plain(n))
    return Figure(say("cockpit.confirmed"), percent(k / n), "", beside)
