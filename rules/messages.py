"""Sentences of fired rows: a rule's message with the row's own figures in it.

A placeholder is ``{name}`` for a feature, an attribute or a parameter of the rule, or
``{name:pct}``, ``{name:median}``, ``{name:z}``, ``{name:n}`` for what is known about a feature, or
``{name:h}`` for hours filed without a unit. ``{name?so|else}`` is the first text where the yes/no
attribute holds and else the second. The number that counts most stands between ``**``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from rules.checking import SHARE, Vocabulary, unit_of
from rules.parameters import Threshold
from rules.plain import PLACEHOLDER as _PLACEHOLDER
from rules.plain import stray_braces as stray_braces
from rules.terms import told

Language = Literal["en", "zh"]
_SUFFIXES: dict[Language, dict[str, str]] = {
    "en": {"hours": " h", "days": " days", "months": " months", "years": " years"},
    "zh": {"hours": " 小时", "days": " 天", "months": " 个月", "years": " 年"},
}
STATISTICS = frozenset({"pct", "median", "z", "n"})
"""Parts of a placeholder that stand in a column of their own beside the feature."""
_DAYS_FROM_H = 240
"""From here on hours are told as days."""
_RARE: dict[Language, tuple[str, str]] = {
    "en": ("under 1 %", "over 99 %"),
    "zh": ("不到1 %", "99 %以上"),
}
_UNIT_NAMES = {"h": "hours", "hour": "hours", "d": "days", "day": "days"}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One hole of a message: a name and, for a statistic of a feature, which one."""

    name: str
    part: str | None


def placeholders(text: str) -> tuple[Placeholder, ...]:
    """Holes of a message, in order."""
    return tuple(Placeholder(m[1], m[2]) for m in _PLACEHOLDER.finditer(text))


def message_expr(
    text: str, language: Language, names: Vocabulary, thresholds: Mapping[str, Threshold]
) -> pl.Expr:
    """Expression of a message; parameter `p` is read from the column ``_p_{p}``."""
    parts: list[pl.Expr] = []
    last = 0
    for match in _PLACEHOLDER.finditer(text):
        if match.start() > last:
            parts.append(pl.lit(text[last : match.start()]))
        if match[3] is not None:
            holds = pl.when(pl.col(match[1]).cast(pl.Boolean).fill_null(value=False))
            parts.append(holds.then(pl.lit(match[3])).otherwise(pl.lit(match[4])))
        else:
            parts.append(_shown(Placeholder(match[1], match[2]), language, names, thresholds))
        last = match.end()
    parts.append(pl.lit(text[last:]))
    return pl.concat_str(parts, ignore_nulls=False)


def _shown(
    hole: Placeholder, language: Language, names: Vocabulary, thresholds: Mapping[str, Threshold]
) -> pl.Expr:
    if hole.name in thresholds:
        threshold = thresholds[hole.name]
        return show(pl.col(f"_p_{hole.name}"), threshold.type, threshold.unit, language)
    found = names.columns.get(hole.name)
    if found is None:
        return pl.lit("–")
    unit, kind = found.quantity.unit or "", found.quantity.type
    if hole.part is None and kind in ("text", "any"):
        return told(pl.col(hole.name), hole.name, language).fill_null("–")
    if hole.part is None:
        return show(pl.col(hole.name), kind, unit, language)
    if hole.part == "h":
        return show(pl.col(hole.name), "number", "h", language)
    if hole.part == "pct":
        return _rank(pl.col(f"{hole.name}__pct"), language)
    units = {"median": unit, "z": "", "n": ""}
    return show(pl.col(f"{hole.name}__{hole.part}"), "number", units[hole.part], language)


def show(value: pl.Expr, kind: str, unit: str, language: Language) -> pl.Expr:
    """A value as a reader expects it: three digits, per cent for shares, a true minus.

    Null becomes a dash, so that a sentence never vanishes with one missing figure.
    """
    if kind != "number":
        return value.cast(pl.String).fill_null("–")
    name = unit_of(unit) or ""
    name = _UNIT_NAMES.get(name, name)
    suffix = _SUFFIXES[language].get(name, "")
    number = value.cast(pl.Float64)
    if name == "hours":
        return _duration(number, language).fill_null("–")
    if name == SHARE:
        number, suffix = number * 100.0, " %"
    elif name in ("%", "percent", "per cent"):
        suffix = " %"
    return (_digits(number) + suffix).fill_null("–")


def _duration(hours: pl.Expr, language: Language) -> pl.Expr:
    """Hours as they are, from ten days on as days."""
    suffixes = _SUFFIXES[language]
    return (
        pl.when(hours.abs() >= _DAYS_FROM_H)
        .then(_digits(hours / 24.0) + suffixes["days"])
        .otherwise(_digits(hours) + suffixes["hours"])
    )


def _rank(share: pl.Expr, language: Language) -> pl.Expr:
    """A rank among finitely many peers: never none of them and never all."""
    low, high = _RARE[language]
    return (
        pl.when(share < 0.01).then(pl.lit(low))
        .when(share > 0.99).then(pl.lit(high))
        .otherwise(show(share, "number", SHARE, language))
    ).fill_null("–")  # fmt: skip


def _digits(number: pl.Expr) -> pl.Expr:
    """Three significant digits, whole numbers from 100 on, commas between thousands."""
    size = number.abs()
    whole = size.round(0).cast(pl.Int64, strict=False)
    small = size.round_sig_figs(3).cast(pl.String).str.replace(r"\.0$", "")
    shown = (
        pl.when(size < 99.95).then(small)
        .when(size < 999.5).then(whole.cast(pl.String))
        .when(size < 1e15).then(_grouped(whole))
        .otherwise(small)
    )  # fmt: skip
    sign = pl.when(number < 0).then(pl.lit("−")).otherwise(pl.lit(""))
    return sign + shown


def _grouped(whole: pl.Expr) -> pl.Expr:
    """Digits of a whole number from 1,000 up to 10^15 in groups of three."""
    text = whole.cast(pl.String)
    length = text.str.len_chars()
    pieces: list[pl.Expr] = []
    for start in (15, 12, 9, 6, 3):
        inside = length > start
        first = length <= start + 3
        head = (
            pl.when(first)
            .then(text.str.slice(0, length - start))
            .otherwise(text.str.slice(length - start - 3, 3))
        )
        pieces.append(pl.when(inside).then(head + ",").otherwise(pl.lit("")))
    return pl.concat_str([*pieces, text.str.tail(3)])
