"""Evidence as rows of a table: what a rule compared, what a model weighed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.web.figures import NBSP, measure, percent, plain
from api.web.wording import Lang, known_word

_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "<>": "≠", "==": "=", "not_in": "∉", "in": "∈"}


@dataclass(frozen=True)
class FactRow:
    """One leaf of a rule's condition; `why` is set when it could not be judged."""

    title: str
    code: str
    value: str
    against: str
    source: str
    beyond: str
    met: bool
    n: str
    why: str


@dataclass(frozen=True)
class WeightRow:
    """One feature as the outlier model weighed it; `width` is 0 to 36 for the bar."""

    title: str
    code: str
    value: str
    median: str
    z: str
    share: str
    width: float
    peers: str


def is_weight(fact: Mapping[str, Any]) -> bool:
    """Whether a fact is a model's contribution and not a leaf of a condition."""
    return "op" not in fact and ("share" in fact or "z" in fact)


def fact_rows(facts: Iterable[Mapping[str, Any]], lang: Lang) -> list[FactRow]:
    """The leaves of conditions, met ones first, those not judged last; repeats once."""
    rows: dict[tuple[object, ...], FactRow] = {}
    for fact in facts:
        if not is_weight(fact):
            key = tuple(str(fact.get(k)) for k in ("feature", "op", "threshold"))
            rows.setdefault(key, _fact_row(fact, lang))
    return sorted(rows.values(), key=lambda row: (bool(row.why), not row.met))


def _fact_row(fact: Mapping[str, Any], lang: Lang) -> FactRow:
    code, unit, value = str(fact.get("feature", "")), fact.get("unit"), fact.get("value")
    threshold, op = fact.get("threshold"), str(fact.get("op") or "")
    limit = measure(threshold, unit, lang) if threshold is not None else ""
    reason = str(fact.get("reason") or "missing_input")
    why = f"{known_word(lang, 'why', reason)} ({reason})" if value is None else ""
    met = bool(fact.get("holds")) and not why
    return FactRow(
        title=feature_title(code, lang),
        code=code,
        value=measure(value, unit, lang),
        against=f"{_SIGNS.get(op, op)} {limit}".strip() if limit else "",
        source=str(fact.get("class") or ""),
        beyond=_beyond(value, threshold, op, unit, lang) if met else "",
        met=met,
        n=plain(fact["n"]) if isinstance(fact.get("n"), int | float) else "",
        why=why,
    )


def _beyond(value: Any, threshold: Any, op: str, unit: str | None, lang: Lang) -> str:
    numbers = [x for x in (value, threshold) if isinstance(x, int | float) and type(x) is not bool]
    if len(numbers) < 2 or op not in (">", ">=", "<", "<="):
        return ""
    by = value - threshold if op.startswith(">") else threshold - value
    if unit in ("share", "percent"):
        points = by if unit == "percent" else by * 100
        return f"{plain(points)}{NBSP}{known_word(lang, 'unit', 'pp')}"
    return measure(by, unit, lang)


def weight_rows(facts: Iterable[Mapping[str, Any]], lang: Lang) -> list[WeightRow]:
    """What the model weighed, largest share first."""
    weights = [fact for fact in facts if is_weight(fact)]
    return [
        WeightRow(
            title=feature_title(str(fact.get("feature", "")), lang),
            code=str(fact.get("feature", "")),
            value=measure(fact.get("value"), fact.get("unit"), lang),
            median=measure(fact.get("peer_median"), fact.get("unit"), lang),
            z=measure(fact.get("z"), None, lang),
            share=percent(float(fact.get("share") or 0)),
            width=bar_width(float(fact.get("share") or 0)),
            peers=measure(fact.get("peers"), None, lang),
        )
        for fact in sorted(weights, key=lambda f: -float(f.get("share") or 0))
    ]


def bar_width(share: float) -> float:
    """Length of a bar for a share from 0 to 1; the whole is 36 wide."""
    return round(36 * min(1.0, max(0.0, share)), 1)


def feature_title(code: str, lang: Lang) -> str:
    """The name of a feature, or its code when the catalogue does not know it."""
    title = _titles().get(code, {}).get(lang) or code
    return title if title == code else title[:1].upper() + title[1:]


@cache
def _titles() -> Mapping[str, Mapping[str, str]]:
    from features.catalogue import catalogue

    return {name: feature.title for name, feature in catalogue().features.items()}
