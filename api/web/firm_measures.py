"""A firm's measures over time beside the band of its peers: charts where there is a course to
see, rows of a table where there is one value or a yes or no; and dated events."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from api.visits import firm_address
from api.web.figures import NBSP, PERCENTS, SHARES, measure, period, plain
from api.web.queue_view import typology_title
from api.web.wording import Lang, in_language, known_word, sayer
from features.vocabulary import GRAINS

Row = dict[str, Any]
CHARTS = 6
"""Courses drawn on the first page of a dossier."""
SINGLE = 8
PAGE = 24
EVENTS = 12
COURSE = 3
"""Values from which a line says more than a row."""
MARKED = ("deal_signed", "deal_cleared", "deal_implemented", "owner_from", "owner_to", "amended")
"""Events that stand in the charts."""
YES_NO = frozenset({"bool", "flag", "yes/no"})


def measures_view(
    told: Mapping[str, Any], name: str, lang: Lang, charts: int = CHARTS, start: int = 0
) -> Row:
    """Charts and rows, the most unlike its peers first, and how many more there are."""
    found = [
        (grain, series) for grain in told["grains"] for series in grain["series"] if _kept(series)
    ]
    found = _varied(found)
    drawn = [pair for pair in found if _has_course(pair[1])]
    plainly = [pair for pair in found if not _has_course(pair[1])]
    page = drawn[start : start + charts]
    rows = plainly[:SINGLE] if charts == CHARTS else plainly
    return {
        "charts": [_chart(series, grain, name, told["events"], lang) for grain, series in page],
        "rows": [_single(series, grain, lang) for grain, series in rows],
        "more": len(drawn) - start - len(page),
        "more_rows": len(plainly) - len(rows),
        "in_all": len(found),
        "hidden": sum(grain["hidden"] for grain in told["grains"]),
        "reason": told["reason"] and known_word(lang, "firms.empty", told["reason"]),
    }


def typologies_of(told: Mapping[str, Any], lang: Lang) -> list[tuple[str, str]]:
    """Suspicions the measures belong to, by name."""
    found = {one["typology"] for grain in told["grains"] for one in grain["series"]}
    return sorted(((one, typology_title(one, lang)) for one in found), key=lambda pair: pair[1])


def _kept(series: Mapping[str, Any]) -> bool:
    return any(point["value"] is not None for point in series["points"])


def _numbers(series: Mapping[str, Any]) -> list[float]:
    values = [point["value"] for point in series["points"]]
    return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


def _has_course(series: Mapping[str, Any]) -> bool:
    return len(_numbers(series)) >= COURSE and series["unit"] not in YES_NO


def _unlike(series: Mapping[str, Any]) -> float:
    """How far the last value lies from the peers' median on the suspicious side, in half bands."""
    last = _last(series)
    band, value = last["band"], last["value"]
    if band is None or not isinstance(value, int | float):
        return -math.inf
    sign = {"high": 1, "low": -1}.get(series["direction"], 0)
    away = float(value) - band["median"]
    spread = max(band["p95"] - band["p05"], abs(band["median"]) * 1e-3, 1e-9) / 2
    return float((sign * away if sign else abs(away) / 2) / spread)


def _varied(found: list[tuple[Row, Row]]) -> list[tuple[Row, Row]]:
    """The most unlike of every suspicion first, then the second of each: likes tell the same.

    Whatever lies at the peers' median or on its innocent side comes after all that does not.
    """
    ranked = sorted(found, key=lambda pair: -_unlike(pair[1]))
    seen: Counter[str] = Counter()
    turns = []
    for place, pair in enumerate(ranked):
        turns.append((_unlike(pair[1]) <= 0, seen[pair[1]["typology"]], place))
        seen[pair[1]["typology"]] += 1
    return [ranked[place] for *_, place in sorted(turns)]


def _last(series: Mapping[str, Any]) -> Row:
    filled = [point for point in series["points"] if point["value"] is not None]
    found: Row = filled[-1]
    return found


def _about(series: Mapping[str, Any], grain: Mapping[str, Any], lang: Lang) -> Row:
    """Name of a measure, and whose it is."""
    title, title_lang = in_language(series["title"], lang)
    kind = known_word(lang, "kind", GRAINS[grain["grain"]].subject_kind)
    say = sayer(lang)
    whose = say("firms.measures.median", kind=kind) if grain["gathered"] else series["subject_key"]
    return {
        "code": series["feature"],
        "title": title[:1].upper() + title[1:],
        "title_lang": title_lang,
        "typology": series["typology"],
        "whose": whose,
        "side": known_word(lang, "firms.side", series["direction"]),
    }


def _points(series: Mapping[str, Any], lang: Lang) -> list[Row]:
    """The table twin: every point with its peers, how many they are, and why there is no value."""
    unit = series["unit"]
    told = []
    for point in series["points"]:
        band, why = point["band"], point["reason"] or ""
        told.append(
            {
                "period": period(point["period_start"], point["period_end"], lang),
                "value": measure(point["value"], unit, lang),
                "why": known_word(lang, "why", why) if why else "",
                "n": plain(point["n"]) if point["n"] is not None else "–",
                "median": measure(band["median"], unit, lang) if band else "–",
                "low": measure(band["p05"], unit, lang) if band else "–",
                "high": measure(band["p95"], unit, lang) if band else "–",
                "band": _span(band, unit, lang),
                "peers": point["peers"],
                "no_band": known_word(lang, "why", point["band_reason"])
                if point["band_reason"]
                else "",
            }
        )
    return told


def _span(band: Mapping[str, float] | None, unit: str, lang: Lang) -> str:
    """From the fifth to the ninety-fifth of a hundred peers."""
    if band is None:
        return "–"
    say = sayer(lang)
    low, high = (measure(band[end], unit, lang) for end in ("p05", "p95"))
    return low if low == high else str(say("firms.measures.span", low=low, high=high))


def _sentence(point: Row, lang: Lang) -> str:
    """The last point in words: value, peers' median and band, how many peers, n."""
    say = sayer(lang)
    if point["median"] == "–":
        return str(say("firms.measures.alone", why=point["no_band"], **_known(point)))
    return str(say("firms.measures.beside", **_known(point)))


def _known(point: Row) -> Row:
    names = ("value", "median", "low", "high", "peers", "n", "period")
    return {name: point[name] for name in names}


def _single(series: Mapping[str, Any], grain: Mapping[str, Any], lang: Lang) -> Row:
    points = _points(series, lang)
    last = next(p for p in reversed(points) if p["value"] != "–")
    return _about(series, grain, lang) | last


def _chart(
    series: Mapping[str, Any],
    grain: Mapping[str, Any],
    name: str,
    events: Sequence[Row],
    lang: Lang,
) -> Row:
    about, points = _about(series, grain, lang), _points(series, lang)
    last = next(p for p in reversed(points) if p["value"] != "–")
    scale, unit = _axis(series["unit"], lang)

    def shown(value: Any) -> float | None:
        known = isinstance(value, int | float) and not isinstance(value, bool)
        return round(float(value) * scale, 6) if known else None

    bands = [point["band"] for point in series["points"]]
    values = [shown(point["value"]) for point in series["points"]]
    say = sayer(lang)
    spec: Row = {
        "kind": "lines",
        "small": True,
        "height": 132,
        "x": [point["period"] for point in points],
        "series": [
            {"name": str(say("firms.measures.peers")), "role": "peer",
             "values": [shown(band["median"]) if band else None for band in bands]},
            {"name": name, "role": "subject", "values": values},
        ],
        "band": {"name": str(say("firms.measures.band")),
                 "low": [shown(band["p05"]) if band else None for band in bands],
                 "high": [shown(band["p95"]) if band else None for band in bands]},
        "events": _marks(series["points"], points, events, lang),
        "y0": series["unit"] in SHARES | PERCENTS and min(v or 0 for v in values) >= 0,
        "unit": unit,
        "label": f"{about['title']}{say('colon')}{_sentence(last, lang)}",
    }  # fmt: skip
    return about | {
        "spec": json.dumps(spec, ensure_ascii=False),
        "points": list(reversed(points)),
        "marks": [f"{mark['text']} {mark['x']}" for mark in spec["events"]],
        "sentence": _sentence(last, lang),
    }


def _axis(unit: str, lang: Lang) -> tuple[float, str]:
    """What values are multiplied by for the axis, and the unit beside its numbers."""
    if unit in SHARES | PERCENTS:
        return (100.0 if unit in SHARES else 1.0), "%"
    return 1.0, measure(2.0, unit, lang).partition(NBSP)[2]


def _marks(
    points: Sequence[Row], shown: Sequence[Row], events: Sequence[Row], lang: Lang
) -> list[Row]:
    """Events that fall into a period of the chart; several in one period are one mark."""
    placed: dict[str, str] = {}
    for event in events:
        for point, told in zip(points, shown, strict=True):
            if event["kind"] in MARKED and _within(event["on"], point):
                placed.setdefault(told["period"], known_word(lang, "firms.mark", event["kind"]))
    return [{"x": place, "text": text} for place, text in placed.items()]


def _within(on: date, point: Row) -> bool:
    return bool(point["period_start"] <= on <= point["period_end"])


def event_rows(events: Sequence[Row], lang: Lang, most: int = EVENTS) -> list[Row]:
    """What happened, the latest first; alerts of one day are one line."""
    say, told = sayer(lang), []
    latest = sorted(events, key=lambda e: (e["on"], e["kind"]), reverse=True)
    for (on, kind), same in groupby(latest, key=lambda e: (e["on"], e["kind"])):
        several = list(same)
        if kind.startswith("alert_") and len(several) > 1:
            told.append(_event(on, say(f"firms.event.{kind}.n", n=len(several)), "", ""))
            continue
        for one in several:
            words = say(f"firms.event.{kind}", n=one["n"])
            told.append(_event(on, words, _named(one, lang), _href(one)))
    return told[:most]


def _event(on: date, words: str, about: str, href: str) -> Row:
    return {"on": on.isoformat(), "words": words, "about": about, "href": href}


def _named(event: Row, lang: Lang) -> str:
    amended = event["kind"] == "amended"
    return known_word(lang, "firms.table", event["about"]) if amended else str(event["about"])


def _href(event: Row) -> str:
    kind = event["kind"]
    if kind.startswith("alert_"):
        return f"/alerts/{event['about']}"
    return firm_address(event["about"]) if kind.startswith(("owner_", "holding_")) else ""
