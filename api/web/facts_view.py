"""Evidence as rows of a table: what a rule compared, what a model weighed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from api.web.figures import NBSP, PERCENTS, SHARES, measure, percent, plain
from api.web.wording import Lang, in_language, known_word, words

Fact = Mapping[str, Any]
_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "<>": "≠", "==": "=", "not_in": "∉", "in": "∈"}
_PREV = re.compile(r"prev\((\w+), (\d+)\)")
_PERIODS = re.compile(r"periods of \d+ in which it held")
_CALL = re.compile(r"(pct_rank|peer_z|peer_median)\((\w+)\)")
_NAME = re.compile(r"[a-z][a-z0-9_]{2,}")
TALLY = "suspicious_tender_share"
"""The fact of a firm whose tenders keep turning up among the most suspicious."""


@dataclass(frozen=True)
class FactRow:
    """One comparison; `first` opens the rows of one figure, `why` says why it has none.

    `beside` marks a figure that was not judged, only told beside those that were.
    """

    title: str
    code: str
    value: str
    note: str
    against: str
    source: str
    rule: str
    beyond: str
    met: bool
    n: str
    why: str
    first: bool = True
    beside: bool = False


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


def is_weight(fact: Fact) -> bool:
    """Whether a fact is a model's contribution and not a leaf of a condition."""
    return "op" not in fact and ("share" in fact or "z" in fact)


def is_condition(fact: Fact) -> bool:
    """Whether a fact is a comparison of a rule that applies to the subject."""
    return not is_weight(fact) and fact.get("part") != "scope"


def fact_rows(
    facts: Iterable[Fact], lang: Lang, rules: Sequence[Mapping[str, Any]] = ()
) -> list[FactRow]:
    """The comparisons of rules, those of one figure together; those not judged last.

    Args:
        rules: the rules that fired; their titles stand beside the limits.
    """
    titles = rule_titles(rules, lang)
    figures: dict[str, list[FactRow]] = {}
    for fact in facts:
        if is_condition(fact):
            row = _fact_row(fact, titles, lang)
            same = figures.setdefault(row.code, [])
            if not any((r.against, r.met) == (row.against, row.met) for r in same):
                same.append(row)
    groups = [sorted(rows, key=lambda r: not r.met) for rows in figures.values()]
    groups.sort(key=lambda rows: (rows[0].beside, bool(rows[0].why), not rows[0].met))
    return [_placed(row, i == 0) for rows in groups for i, row in enumerate(rows)]


def rule_titles(rules: Sequence[Mapping[str, Any]], lang: Lang) -> dict[str, str]:
    """Titles of rules by id; the id where a rule has none."""
    return {str(r.get("id")): in_language(r.get("title"), lang)[0] or str(r["id"]) for r in rules}


def silent_rules(facts: Iterable[Fact], lang: Lang) -> list[str]:
    """Rules that do not apply to the subject, each with what kept it out."""
    kept: dict[str, list[str]] = {}
    for fact in facts:
        if fact.get("part") == "scope" and not fact.get("holds"):
            title = feature_title(str(fact.get("feature") or ""), lang)
            value = measure(fact.get("value"), fact.get("unit"), lang)
            wanted = _against(fact, str(fact.get("op") or ""), _unit(fact), lang)
            told = words(lang)["facts.scope"].format(
                measure=in_sentence(title), value=value, wanted=wanted.removeprefix("=\u00a0")
            )
            kept.setdefault(str(fact.get("rule") or "–"), []).append(told)
    return [f"{rule}{words(lang)['colon']}{'; '.join(why)}" for rule, why in kept.items()]


def _placed(row: FactRow, first: bool) -> FactRow:
    return row if first else replace(row, first=False)


def _fact_row(fact: Fact, titles: Mapping[str, str], lang: Lang) -> FactRow:
    code, value = str(fact.get("expression") or fact.get("feature") or ""), fact.get("value")
    unit, op = _unit(fact), str(fact.get("op") or "")
    reason = str(fact.get("reason") or "missing_input")
    why = f"{known_word(lang, 'why', reason)} ({reason})" if value is None else ""
    tally = fact.get("feature") == TALLY
    # a tally is told only of who fired for it, and carries no condition that could fail
    met = bool(fact.get("holds", tally)) and not why
    told = _tally(fact, lang) if tally else (_value(fact, unit, lang), _note(fact, lang))
    return FactRow(
        title=expression_title(code, lang),
        code=code,
        value=told[0],
        note=told[1],
        against=_against(fact, op, unit, lang),
        source=str(fact.get("class") or ""),
        rule=_whose(fact, titles, lang),
        beyond=_beyond(value, fact.get("threshold"), op, unit, lang) if met else "",
        met=met,
        n=plain(fact["n"]) if isinstance(fact.get("n"), int | float) else "",
        why=why,
        beside=fact.get("part") == "evidence",
    )


def _value(fact: Fact, unit: str | None, lang: Lang) -> str:
    value = fact.get("value")
    if is_rank(fact) and isinstance(value, int | float):
        return percent(value if 0.01 <= value <= 0.99 else min(max(value, 1e-6), 1 - 1e-6))
    return measure(value, unit, lang)


def is_rank(fact: Fact) -> bool:
    """Whether a fact compares a rank among finitely many peers: never none of them, never all."""
    return str(fact.get("expression") or "").startswith("pct_rank(")


def _unit(fact: Fact) -> str | None:
    """The unit told, else that of the catalogue; a rank is a share of peers."""
    unit, expression = fact.get("unit"), str(fact.get("expression") or "")
    if is_rank(fact):
        return "0-1"
    if unit:
        return str(unit)
    code = str(fact.get("feature") or "")
    return _units().get(code) if expression in ("", code) else None


def _against(fact: Fact, op: str, unit: str | None, lang: Lang) -> str:
    threshold = fact.get("threshold")
    if threshold is None:
        return ""
    if op in ("in", "not_in"):
        listed = [part.strip().strip("'") for part in str(threshold).split(",")]
        limit = words(lang)["facts.or"].join(known_word(lang, "value", one) for one in listed)
        return limit if op == "in" else f"{_SIGNS[op]} {limit}"
    sign = _SIGNS.get(op, op)
    return f"{sign}{NBSP}{measure(threshold, unit, lang)}".strip()


def _whose(fact: Fact, titles: Mapping[str, str], lang: Lang) -> str:
    rule = str(fact.get("rule") or "")
    if str(fact.get("feature")) == TALLY:
        return words(lang)["tally.usual"]
    if not rule:
        return ""
    if rule in titles:
        return titles[rule]
    return words(lang)["facts.other_rule"].format(rule=rule)


def _note(fact: Fact, lang: Lang) -> str:
    """What a rank or a z-value was computed from."""
    if fact.get("actual") is None or fact.get("peer_median") is None:
        return ""
    unit = _units().get(str(fact.get("feature")))
    return words(lang)["facts.rank_of"].format(
        value=measure(fact["actual"], unit, lang), median=measure(fact["peer_median"], unit, lang)
    )


def _tally(fact: Fact, lang: Lang) -> tuple[str, str]:
    count, n, value = fact.get("count"), fact.get("n"), fact.get("value")
    share = measure(value, "share", lang)
    if count is None or n is None:
        return share, ""
    return words(lang)["tally.value"].format(count=plain(count), n=plain(n)), share


def _beyond(value: Any, threshold: Any, op: str, unit: str | None, lang: Lang) -> str:
    numbers = [x for x in (value, threshold) if isinstance(x, int | float) and type(x) is not bool]
    if len(numbers) < 2 or op not in (">", ">=", "<", "<="):
        return ""
    by = value - threshold if op.startswith(">") else threshold - value
    if unit in SHARES or unit in PERCENTS:
        points = by if unit in PERCENTS else by * 100
        return f"{plain(points)}{NBSP}{known_word(lang, 'unit', 'pp')}"
    return measure(by, unit, lang)


def weight_rows(facts: Iterable[Fact], lang: Lang) -> list[WeightRow]:
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


def expression_title(expression: str, lang: Lang) -> str:
    """The name of what was compared: a feature, its rank among peers, or a reckoning of several."""
    call = _CALL.fullmatch(expression)
    if call:
        phrase = words(lang)[f"expression.{call[1]}"]
        return phrase.format(measure=feature_title(call[2], lang))
    earlier = _PREV.fullmatch(expression)
    if earlier:
        measured = feature_title(earlier[1], lang)
        phrase = words(lang)["expression.prev_one" if earlier[2] == "1" else "expression.prev"]
        return phrase.format(measure=measured, periods=earlier[2])
    if _PERIODS.fullmatch(expression):
        return feature_title("periods", lang)
    if _NAME.fullmatch(expression) or not expression:
        return feature_title(expression, lang)
    parts = [part.strip() for part in expression.split("/")]
    if len(parts) == 2 and all(_NAME.fullmatch(part) for part in parts):
        over, under = (feature_title(part, lang) for part in parts)
        return words(lang)["expression.ratio"].format(over=over, under=in_sentence(under))
    return expression


def feature_title(code: str, lang: Lang) -> str:
    """The name of a feature or attribute, or its code when nobody knows it."""
    title = _titles().get(code, {}).get(lang) or known_word(lang, "attribute", code)
    if title == f"attribute.{code}" or title == code:
        return code
    return title[:1].upper() + title[1:]


def in_sentence(title: str) -> str:
    """A title as it stands inside a sentence; abbreviations keep their capitals."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


@cache
def _titles() -> Mapping[str, Mapping[str, str]]:
    from features.catalogue import catalogue

    return {name: feature.title for name, feature in catalogue().features.items()}


@cache
def _units() -> Mapping[str, str]:
    from features.catalogue import catalogue

    return {name: feature.unit for name, feature in catalogue().features.items()}
