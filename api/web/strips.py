"""Where a subject lies among its peers, feature by feature, and how it got there: for the pages.

The shapes are drawn from 0 to 100; the words stand beside them, so they never shrink with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.web.facts_view import feature_title, is_condition, is_rank
from api.web.figures import measure, period, plain
from api.web.wording import Lang, words

BEYOND = 2.0
"""A value farther from the band than so many times its width is drawn at the edge."""
EDGE = 2.0
LEAST = 3
"""Periods from which a line says more than a number."""
MOST = 4

Fact = Mapping[str, Any]
Measured = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Strip:
    """One feature among its peers; lengths are 0 to 100, None for what is not there.

    Attributes:
        limit: where the rule begins to fire; `zone` is where it does, as start and width.
        reach: the ends of the interval of the value.
        beyond: -1 or 1 where the value lies farther out than is drawn.
    """

    title: str
    code: str
    value: str
    interval: str
    peers: str
    against: str
    at: float
    low: float
    high: float
    first: float
    third: float
    middle: float
    limit: float | None
    zone: tuple[float, float] | None
    reach: tuple[float, float] | None
    beyond: int
    text: str


@dataclass(frozen=True)
class Course:
    """One feature over time: the chart as its script reads it, and the same as a table."""

    title: str
    chart: str
    rows: Sequence[tuple[str, str, str, str]]


def strips(facts: Sequence[Fact], measured: Measured, lang: Lang) -> list[Strip]:
    """The features of the facts that have peers, those the rule fires on first."""
    leading = _leading(facts)
    found = [
        _strip(name, leading.get(name), one, lang)
        for name, one in measured.items()
        if one["band"] and _now(one) is not None
    ]
    order = {name: i for i, name in enumerate(leading)}
    return sorted(found, key=lambda strip: order.get(strip.code, len(order)))


def courses(facts: Sequence[Fact], measured: Measured, subject: str, lang: Lang) -> list[Course]:
    """The features of the facts with a past, the leading ones."""
    leading = _leading(facts)
    order = [*leading, *(name for name in measured if name not in leading)]
    able = [n for n in order if n in measured and _told(measured[n]) >= LEAST]
    return [_course(n, leading.get(n), measured[n], subject, lang) for n in able[:MOST]]


def _leading(facts: Sequence[Fact]) -> dict[str, Fact]:
    """For each feature the condition that is shown: one that holds before one that does not.

    A comparison of an expression over a feature has a limit of another kind: it is not drawn.
    """
    conditions = [f for f in facts if is_condition(f) and f.get("part") != "evidence"]
    found: dict[str, Fact] = {}
    for fact in sorted(conditions, key=lambda f: not f.get("holds")):
        found.setdefault(str(fact.get("feature")), fact)
    return found


def _limit(fact: Fact | None) -> tuple[float, str] | None:
    """Threshold and sign of a condition on the feature itself."""
    if fact is None or is_rank(fact) or not isinstance(fact.get("threshold"), int | float):
        return None
    expression = fact.get("expression")
    if expression not in (None, "", fact.get("feature")) or isinstance(fact["threshold"], bool):
        return None
    sign = str(fact.get("op") or "")
    return (float(fact["threshold"]), sign) if sign in ("<", "<=", ">", ">=") else None


def _now(one: Mapping[str, Any]) -> float | None:
    value = one["points"][-1]["value"] if one["points"] else None
    return float(value) if isinstance(value, int | float) else None


def _told(one: Mapping[str, Any]) -> int:
    return sum(isinstance(point["value"], int | float) for point in one["points"])


def _strip(name: str, fact: Fact | None, one: Mapping[str, Any], lang: Lang) -> Strip:
    band, value, say = one["band"], _now(one) or 0.0, words(lang)
    point, unit = one["points"][-1], one["unit"]
    limit, ends = _limit(fact), (point.get("low"), point.get("high"))
    interval = (float(ends[0]), float(ends[1])) if None not in ends else None
    scale = _Scale.over(band, value, limit[0] if limit else None, interval)
    shown = {k: measure(band[k], unit, lang) for k in ("p05", "median", "p95")}
    peers = say["strip.peers"].format(n=plain(band["n"]), **shown)
    against = _against(limit, unit, lang)
    told = measure(value, unit, lang)
    return Strip(
        title=feature_title(name, lang),
        code=name,
        value=told,
        interval=_interval(interval, unit, lang),
        peers=peers,
        against=against,
        at=scale.at(value),
        low=scale.at(band["p05"]),
        high=scale.at(band["p95"]),
        first=scale.at(band["q25"]),
        third=scale.at(band["q75"]),
        middle=scale.at(band["median"]),
        limit=scale.at(limit[0]) if limit else None,
        zone=scale.zone(limit) if limit else None,
        reach=(scale.at(interval[0]), scale.at(interval[1])) if interval else None,
        beyond=scale.beyond(value),
        text=say["strip.text"].format(value=told, peers=peers, against=against),
    )


def _against(limit: tuple[float, str] | None, unit: str, lang: Lang) -> str:
    if limit is None:
        return ""
    sign = {"<=": "≤", ">=": "≥"}.get(limit[1], limit[1])
    return words(lang)["strip.rule"].format(limit=f"{sign} {measure(limit[0], unit, lang)}")


def _interval(interval: tuple[float, float] | None, unit: str, lang: Lang) -> str:
    if interval is None:
        return ""
    ends = [measure(end, unit, lang) for end in interval]
    return words(lang)["strip.interval"].format(low=ends[0], high=ends[1])


@dataclass(frozen=True)
class _Scale:
    """Places values between two ends on 0 to 100, an edge kept free."""

    left: float
    right: float

    @classmethod
    def over(
        cls,
        band: Mapping[str, Any],
        value: float,
        limit: float | None,
        interval: tuple[float, float] | None,
    ) -> _Scale:
        low, high = float(band["p05"]), float(band["p95"])
        width = (high - low) or abs(high) or 1.0
        wanted = [low, high, value, *(interval or ()), *([limit] if limit is not None else [])]
        left = max(min(wanted), low - BEYOND * width)
        right = min(max(wanted), high + BEYOND * width)
        return cls(left, right)

    def at(self, value: float) -> float:
        span = (self.right - self.left) or 1.0
        inside = min(max(float(value), self.left), self.right)
        return round(EDGE + (inside - self.left) / span * (100 - 2 * EDGE), 2)

    def beyond(self, value: float) -> int:
        return -1 if value < self.left else 1 if value > self.right else 0

    def zone(self, limit: tuple[float, str]) -> tuple[float, float]:
        at = self.at(limit[0])
        return (0.0, at) if limit[1].startswith("<") else (at, round(100 - at, 2))


def _course(
    name: str, fact: Fact | None, one: Mapping[str, Any], subject: str, lang: Lang
) -> Course:
    say, unit, points = words(lang), str(one["unit"]), one["points"]
    title = feature_title(name, lang)
    limit = _limit(fact)
    times, shown_unit = _axis_unit(unit)
    spec: dict[str, Any] = {
        "kind": "lines",
        "label": say["course.label"].format(measure=title, subject=subject, n=plain(len(points))),
        "unit": shown_unit,
        "height": 180,
        "small": True,
        "x": [period(p["start"], p["end"], lang) for p in points],
        "series": [
            {
                "name": subject,
                "role": "subject",
                "values": [_times(p["value"], times) for p in points],
            }
        ],
        "y0": all((p["value"] or 0) >= 0 for p in points),
    }
    if limit is not None:
        spec["limit"] = {"value": limit[0] * times, "text": _against(limit, unit, lang)}
    rows = [
        (
            period(p["start"], p["end"], lang),
            measure(p["value"], unit, lang) if p["value"] is not None else "–",
            say.get(f"why.{p['reason']}", p["reason"] or "") if p["value"] is None else "",
            plain(p["n"]) if isinstance(p.get("n"), int | float) else "–",
        )
        for p in points
    ]
    return Course(title, json.dumps(spec, ensure_ascii=False), rows)


def _axis_unit(unit: str) -> tuple[float, str]:
    """Factor and sign of an axis: shares are told in percent."""
    from api.web.figures import PERCENTS, SHARES

    if unit in SHARES:
        return 100.0, "%"
    return (1.0, "%") if unit in PERCENTS else (1.0, unit if len(unit) < 5 else "")


def _times(value: object, factor: float) -> float | None:
    return round(value * factor, 6) if isinstance(value, int | float) else None
