"""Numbers and days as the report shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NBSP = "\u00a0"
SHARES = frozenset({"share", "0-1", "probability"})
PERCENTS = frozenset({"%", "percent", "per cent"})
BARE = frozenset(
    {"", "ratio", "count", "number", "1", "none", "score", "index", "points", "z", "distance"}
    | {"g1", "g2", "class", "chi-square", "ln ratio", "bit", "money"}
)
"""Units that say nothing a reader needs beside the number."""
SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "<>": "≠", "==": "=", "not_in": "∉", "in": "∈"}


def plain(value: float, digits: int = 4) -> str:
    """A number with some significant digits, thousands apart, no exponent unless it is tiny."""
    if value == 0:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    text = f"{value:,.{digits}g}"
    return text.replace("-", "−")


def measure(value: object, unit: object, say: Mapping[str, str]) -> str:
    """A value with its unit: shares as percent, yes and no in words, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool) or (unit in ("bool", "flag", "yes/no") and value in (0, 1)):
        return say["yes" if value else "no"]
    if not isinstance(value, int | float):
        return say.get(f"value.{value}", str(value))
    if unit in SHARES or unit in PERCENTS:
        return f"{plain(value if unit in PERCENTS else value * 100)}{NBSP}%"
    word = str(unit or "")
    if word.lower() in BARE:
        return plain(value)
    return f"{plain(value)}{NBSP}{say.get(f'unit.{word}', word)}"


def difference(value: float, unit: object, say: Mapping[str, str]) -> str:
    """How far one value lies from another: of shares in percentage points."""
    if unit in SHARES or unit in PERCENTS:
        points = value if unit in PERCENTS else value * 100
        return f"{plain(points, 3)}{NBSP}{say['points']}"
    return measure(value, unit, say)


def limit(row: Mapping[str, Any], say: Mapping[str, str]) -> str:
    """What a value was held against."""
    if row.get("hidden"):
        return say["restricted"]
    threshold, op = row.get("threshold"), str(row.get("op") or "")
    if threshold is None:
        return "–"
    if op in ("in", "not_in"):
        return f"{SIGNS[op]}{NBSP}{threshold}"
    unit = "0-1" if is_rank(row) else row.get("unit")
    return f"{SIGNS.get(op, op)}{NBSP}{measure(threshold, unit, say)}".strip()


def is_rank(row: Mapping[str, Any]) -> bool:
    """Whether a comparison is of a rank among peers, a share from 0 to 1."""
    return str(row.get("expression") or "").startswith("pct_rank(")


def span(low: object, high: object, unit: object, say: Mapping[str, str]) -> str:
    """From one value to another."""
    return f"{measure(low, unit, say)} – {measure(high, unit, say)}"


def moment(text: object) -> str:
    """A moment in UTC to the minute, from ISO text."""
    if not text:
        return "–"
    at = datetime.fromisoformat(str(text))
    return f"{at.astimezone(UTC) if at.tzinfo else at:%Y-%m-%d %H:%M} UTC"
