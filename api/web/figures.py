"""Numbers, dates and periods as people read them, in each language of the pages."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, date, datetime

from api.web.wording import Lang, known_word

NBSP = "\u00a0"
_MEASURE = re.compile(
    r"(?<![\w.,/@#-])[−-]?\d[\d,]*(?:\.\d+)?"
    r"(?:[\s\u00a0]?(?:%|pp\b|h\b|sd\b|个百分点|小时|天|人|倍|万|亿|days?\b|hours?\b|months?\b))?"
    r"(?![\w/])(?!-\d)"
)
_WEEKDAYS = "一二三四五六日"


def first_measure(text: str) -> tuple[int, int] | None:
    """Span of the first number in a sentence that is no year and no part of a name."""
    for match in _MEASURE.finditer(text):
        if not re.fullmatch(r"(19|20)\d\d", match.group().strip()):
            return match.span()
    return None


_BEFORE = re.compile(r"([\u4e00-\u9fff])(\*\*)?(?=[0-9A-Za-z−])")
_AFTER = re.compile(r"([0-9A-Za-z%])(\*\*)?(?=[\u4e00-\u9fff])")


def spaced(text: str) -> str:
    """Chinese with a space between its characters and digits or Latin letters."""
    return _AFTER.sub(
        lambda m: f"{m[1]}{m[2] or ''} ", _BEFORE.sub(lambda m: f"{m[1]} {m[2] or ''}", text)
    )


def plain(value: float, digits: int = 3) -> str:
    """A number to `digits` significant digits, thousands with commas, a true minus."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    if value == int(value) and abs(value) < 1e15:
        decimals = 0
    elif abs(value) < 1e-4:
        return tiny(value)
    text = f"{value:,.{min(decimals, 6)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def tiny(value: float) -> str:
    """A small number with a power of ten: 4 × 10⁻¹⁵."""
    mantissa, exponent = f"{value:.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{raised}".replace("-", "−")


SHARES = frozenset({"share", "0-1", "probability"})
PERCENTS = frozenset({"%", "percent", "per cent"})
_HOURS = frozenset({"h", "hour", "hours"})
_DAYS_FROM_H = 240
_BARE = frozenset(
    {"", "ratio", "count", "number", "1", "none", "score", "index", "points", "z", "distance"}
    | {"g1", "g2", "class", "chi-square", "ln ratio", "bit", "money"}
)
"""Units that say nothing a reader needs beside the number."""


def measure(value: object, unit: str | None, lang: Lang) -> str:
    """A value with its unit: shares as percent, ten days and more of hours as days, classes and
    yes/no in words."""
    if value is None:
        return "–"
    if isinstance(value, bool) or unit in ("bool", "flag", "yes/no"):
        return known_word(lang, "bool", "yes" if value else "no")
    if not isinstance(value, int | float):
        return known_word(lang, "value", str(value))
    if unit in SHARES or unit in PERCENTS:
        return f"{plain(value if unit in PERCENTS else value * 100)}{NBSP}%"
    if unit in _HOURS and abs(value) >= _DAYS_FROM_H:
        value, unit = value / 24, "days"
    if (unit or "").lower() in _BARE:
        return plain(value)
    word = known_word(lang, "unit", str(unit))
    if lang == "en" and value == 1 and len(word) > 2:
        word = word.removesuffix("es" if word.endswith("sses") else "s")
    return f"{plain(value)}{NBSP}{word}"


def percent(value: float) -> str:
    """A share from 0 to 1 as whole percent; 0 and 100 only where it is exactly that."""
    shown = f"{value * 100:.0f}"
    if shown == "100" and value < 1:
        return f">99{NBSP}%"
    return f"<1{NBSP}%" if shown == "0" and value > 0 else f"{shown}{NBSP}%"


def below_one(value: object, digits: int = 2) -> str:
    """A score from 0 to 1 to two decimals; what is not quite 1 is not called 1."""
    if not isinstance(value, int | float):
        return ""
    highest = 1 - 10**-digits
    if value >= 1:
        return "1"
    return f">{highest:.{digits}f}" if value > highest else f"{value:.{digits}f}"


def as_date(value: object) -> date | None:
    """A date, or ISO text of one, as a date."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10]) if value else None


def as_moment(value: object) -> datetime | None:
    """A moment, or ISO text of one, in UTC."""
    if not value:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def moment(value: object, lang: Lang) -> str:
    """A moment as records show it: 2 Mar 2026, 08:41 or 2026-03-02 08:41, always UTC."""
    at = as_moment(value)
    if at is None:
        return "–"
    if lang == "zh":
        return f"{at:%Y-%m-%d %H:%M}"
    return f"{at.day} {calendar.month_abbr[at.month]} {at:%Y, %H:%M}"


def day(value: object, lang: Lang) -> str:
    """A day as lists show it: Fri 6 Mar or 3月6日 周五."""
    on = as_date(value)
    if on is None:
        return "–"
    if lang == "zh":
        return f"{on.month}月{on.day}日{NBSP}周{_WEEKDAYS[on.weekday()]}"
    return f"{calendar.day_abbr[on.weekday()]}{NBSP}{on.day}{NBSP}{calendar.month_abbr[on.month]}"


def period(start: object, end: object, lang: Lang) -> str:
    """A period by its usual name: a month, quarter or year, else both days; `end` is included."""
    first, last = as_date(start), as_date(end)
    if first is None:
        return "–"
    if last is None or last == first:
        return _whole_day(first, lang)
    ends_month = last.day == calendar.monthrange(last.year, last.month)[1]
    if first.day == 1 and ends_month and first.year == last.year:
        months = last.month - first.month + 1
        if months == 12:
            return f"{first.year}{NBSP}年" if lang == "zh" else str(first.year)
        if months == 3 and first.month % 3 == 1:
            quarter = first.month // 3 + 1
            zh = f"{first.year} 年第 {quarter} 季度"
            return zh if lang == "zh" else f"Q{quarter}{NBSP}{first.year}"
        if months == 1:
            name = f"{calendar.month_abbr[first.month]}{NBSP}{first.year}"
            return f"{first.year} 年 {first.month} 月" if lang == "zh" else name
    joint = " 至 " if lang == "zh" else " to "
    return _whole_day(first, lang) + joint + _whole_day(last, lang)


def _whole_day(on: date, lang: Lang) -> str:
    if lang == "zh":
        return on.isoformat()
    return f"{on.day}{NBSP}{calendar.month_abbr[on.month]}{NBSP}{on.year}"


def short_run(run_id: str) -> str:
    """The first eight characters of a run's id, enough to tell runs apart on a page."""
    return run_id[:8]
