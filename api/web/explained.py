"""An explanation as people read it: one sentence, then what moves it, and where the peers lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.web.around import Cell, Table, subject_link
from api.web.facts_view import feature_title, in_sentence
from api.web.figures import NBSP, PERCENTS, SHARES, measure, percent, period, plain
from api.web.wording import LANGS, Lang, known_word, words

Found = Mapping[str, Any]
WIDTH = 120
"""Length of the picture of a band."""
EDGE = 6
BEYOND = 2.0
"""A value farther from the band than so many times its width is drawn at the edge."""
MOST = 3
"""Features a table of peers has room for."""


@dataclass(frozen=True)
class InputRow:
    """One input and the change of it alone that clears; `clears` is empty where none does."""

    title: str
    code: str
    now: str
    clears: str
    change: str
    judge: str


@dataclass(frozen=True)
class BandView:
    """Where the peers lie and where the subject does, in units of the picture.

    `beyond` tells that the subject lies outside it: -1 to the left, 1 to the right.
    """

    low: float
    first: float
    middle: float
    third: float
    high: float
    at: float
    beyond: int
    text: str


@dataclass(frozen=True)
class ExplainView:
    """What the alert page shows of an explanation."""

    sentence: str
    gone: str
    inputs: Sequence[InputRow]
    bands: Mapping[str, BandView]
    peers: Table | None


def sentences(found: Found) -> dict[str, str]:
    """The one plain sentence, by language."""
    return {lang: sentence(found, lang) for lang in LANGS}


def sentence(found: Found, lang: Lang) -> str:
    """What would have cleared the subject with the least change, as one sentence."""
    say = words(lang)
    tally, rules, model = found["excess"], found["rules"], found["model"]
    if tally is not None:
        if tally["fewer"] is None:
            return say["explain.sentence.none"]
        values = {k: plain(tally[k]) for k in ("fewer", "clears_at", "n", "count")}
        return say["explain.sentence.excess"].format(**values)
    if rules:
        listed = found["together"] if len(rules) > 1 else rules[0]["inputs"]
        best = _first(listed)
        if best is not None:
            return say["explain.sentence.rule"].format(**_words_of(best, lang))
        several = len(rules) > 1 and all(_first(r["inputs"]) for r in rules)
        if several:
            return say["explain.sentence.several"].format(n=len(rules))
        return say["explain.sentence.none"]
    if model is not None and model["in_tail"]:
        best = _first(sorted(model["features"], key=_size))
        if best is None:
            return say["explain.sentence.model_none"]
        return say["explain.sentence.model"].format(**_words_of(best, lang))
    return say["explain.sentence.gone"].format(why=_why(found, lang))


def explain_view(found: Found, lang: Lang) -> ExplainView:
    """The page's view of an explanation."""
    model, nothing = found["model"], found["reason"] is not None
    features = model["features"] if model else []
    return ExplainView(
        sentence="" if nothing else sentence(found, lang),
        gone=sentence(found, lang) if nothing else "",
        inputs=_inputs(found, lang),
        bands={
            f["feature"]: band_view(f["band"], f["value"], f["unit"], lang)
            for f in features
            if f["band"] is not None and f["value"] is not None
        },
        peers=_peers(found, lang),
    )


def _why(found: Found, lang: Lang) -> str:
    return known_word(lang, "gone", str(found["reason"] or "nothing"))


def _first(inputs: Sequence[Found]) -> Found | None:
    return next((one for one in inputs if one["clears_at"] is not None), None)


def _size(one: Found) -> tuple[bool, float]:
    return one["change_share"] is None, abs(one["change_share"] or 0.0)


def _words_of(one: Found, lang: Lang) -> dict[str, str]:
    return {
        "measure": in_sentence(feature_title(str(one["feature"]), lang)),
        "limit": _limit(one, lang),
        "value": measure(one["value"], one["unit"], lang),
    }


def _limit(one: Found, lang: Lang) -> str:
    """`below 72 h`, `at most 72 h` and the like."""
    say, limit = words(lang), one["clears_at"]
    shown = measure(limit, one["unit"], lang)
    if one["unit"] in ("bool", "flag", "yes/no") or known_bool(one):
        return measure(bool(limit), "bool", lang)
    down = one["change"] < 0 or (one["change"] == 0 and one["down"])
    if down:
        key = say["explain.at_most"] if one["clears_at_limit"] else say["explain.below"]
    else:
        key = say["explain.at_least"] if one["clears_at_limit"] else say["explain.above"]
    return key.format(value=shown)


def known_bool(one: Found) -> bool:
    """Whether an input is a yes or no."""
    return isinstance(one["value"], bool)


def _inputs(found: Found, lang: Lang) -> list[InputRow]:
    say, rows = words(lang), []
    if len(found["rules"]) > 1:
        told = say["explain.all_rules"].format(n=len(found["rules"]))
        rows += [_input(one, told, lang) for one in found["together"]]
    for rule in found["rules"]:
        rows += [_input(one, str(rule["id"]), lang) for one in rule["inputs"]]
    model = found["model"]
    if model is not None and model["in_tail"]:
        rows += [
            _input(one, say["explain.model"], lang)
            for one in sorted(model["features"], key=_size)
            if one["value"] is not None
        ]
    # what clears all rules at once need not be said again of each
    said = {(row.code, row.clears): row for row in reversed(rows)}
    return [row for row in rows if said[row.code, row.clears] is row]


def _input(one: Found, judge: str, lang: Lang) -> InputRow:
    code = str(one["feature"])
    clears = _limit(one, lang) if one["clears_at"] is not None else ""
    return InputRow(
        title=feature_title(code, lang),
        code=code,
        now=measure(one["value"], one["unit"], lang),
        clears=clears,
        change=_change(one, lang) if clears and not known_bool(one) else "",
        judge=judge,
    )


def _change(one: Found, lang: Lang) -> str:
    by, share = one["change"], one["change_share"]
    if by == 0:
        return words(lang)["explain.least"]
    told = f"{'+' if by > 0 else ''}{_difference(by, str(one['unit']), lang)}"
    if share is None or abs(share) > 10:
        return told
    return f"{told} ({'+' if share > 0 else '−'}{percent(abs(share))})"


def _difference(by: float, unit: str, lang: Lang) -> str:
    """A difference in the unit of what differs; of shares, in points of percent."""
    if unit in SHARES or unit in PERCENTS:
        points = by if unit in PERCENTS else by * 100
        return f"{plain(points)}{NBSP}{known_word(lang, 'unit', 'pp')}"
    return measure(by, unit, lang)


def band_view(band: Found, value: float, unit: str, lang: Lang) -> BandView:
    """The peers' band and the value, drawn to one scale."""
    low, high = float(band["p05"]), float(band["p95"])
    width = (high - low) or abs(high) or 1.0
    left, right = min(low, value), max(high, value)
    beyond = 0
    if low - value > BEYOND * width:
        left, beyond = low - BEYOND * width, -1
    elif value - high > BEYOND * width:
        right, beyond = high + BEYOND * width, 1
    scale = (WIDTH - 2 * EDGE) / ((right - left) or 1.0)

    def at(x: float) -> float:
        return round(EDGE + (min(max(x, left), right) - left) * scale, 1)

    shown = {k: measure(band[k], unit, lang) for k in ("p05", "q25", "median", "q75", "p95")}
    text = words(lang)["explain.band"].format(
        value=measure(value, unit, lang), n=plain(band["n"]), **shown
    )
    return BandView(
        low=at(low),
        first=at(float(band["q25"])),
        middle=at(float(band["median"])),
        third=at(float(band["q75"])),
        high=at(high),
        at=at(value),
        beyond=beyond,
        text=text,
    )


def heap_lines(heaps: Sequence[Found], lang: Lang) -> list[str]:
    """What stands just inside the limits of a rule, where it is worth a look."""
    say, lines = words(lang), []
    for heap in heaps:
        if heap["state"] not in ("watch", "act"):
            continue
        limit = say["rule.limits"] if heap["limit"] is None else plain(float(heap["limit"]))
        lines.append(
            say["rule.heap"].format(
                measure=in_sentence(feature_title(str(heap["feature"]), lang)),
                limit=limit,
                inside=plain(heap["inside"]),
                n=plain(heap["n"]),
                usual=plain(heap["n"] * heap["expected"], 2),
                q=plain(float(heap["q"]), 2),
            )
        )
    return lines


def _peers(found: Found, lang: Lang) -> Table | None:
    peers, about, say = found["peers"], found["about"], words(lang)
    if peers is None or not peers["nearest"]:
        return None
    names = [str(n) for n in peers["features"]][:MOST]
    units = _units()
    heads = [
        Cell(say["explain.peer"]),
        Cell(say["explain.period"]),
        *(Cell(feature_title(n, lang), num=True) for n in names),
        Cell(say["explain.distance"], num=True),
    ]
    rows = [
        [
            Cell(str(row["subject_key"]), subject_link(str(row["subject_key"])), mono=True),
            Cell(period(row["period_start"], None, lang)),
            *(Cell(measure(row[n], units.get(n, ""), lang), num=True) for n in names),
            Cell(plain(row["distance"], 2), num=True),
        ]
        for row in peers["nearest"]
    ]
    level = say["explain.everybody"] if peers["level"] == "all" else str(peers["level"])
    note = say["explain.peers_note"].format(
        n=plain(peers["candidates"]), level=level, key=about["subject_key"]
    )
    return Table(say["explain.peers"], heads, rows, [note])


def _units() -> Mapping[str, str]:
    from features.catalogue import catalogue

    return {name: feature.unit for name, feature in catalogue().features.items()}
