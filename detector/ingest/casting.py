"""Text to values. What cannot be read becomes null here and is told apart from empty by the caller.

Numbers are plain (`1234.5`), dates ISO 8601, unless the mapping says otherwise. A time without an
offset is in the mapping's time zone (default UTC); a plain date as an instant is midnight UTC.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import polars as pl

from detector.ingest.mapping import Mapping
from features.contracts import INSTANT, Column

FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2199, 12, 31)
"""Days outside are typing errors or placeholders."""

_FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0", "是"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0", "否"), False),
}

WANTED = {
    "number": "a plain number such as 1234.5",
    "whole": "a whole number such as 1234",
    "flag": "true or false",
    "date": "a date such as 2024-03-31",
    "instant": "a time such as 2024-03-31T14:05:00Z, or a date",
    "period": "a period such as 2024, 2024-Q1, 2024-03 or 2024-03-31",
    "list": 'a JSON list such as ["a", "b"]',
    "object": 'a JSON object such as {"age": "30-39", "sex": "M"}',
    "text": "text without control characters",
}
"""What a column of each kind wants, for messages."""


def clean(values: pl.Series) -> pl.Series:
    """Text without white space around it; nothing left is empty."""
    stripped = values.str.strip_chars()
    return stripped.set(stripped.str.len_bytes() == 0, None)


def cast(values: pl.Series, column: Column, mapping: Mapping) -> pl.Series:
    """Values of a column out of clean text; null where empty or not readable."""
    words = mapping.values.get(column.name)
    if words:
        values = values.replace(words)
    readers: dict[str, Callable[[], pl.Series]] = {
        "text": lambda: _text(values, column),
        "number": lambda: _number(values, column, mapping),
        "whole": lambda: _whole(values, column, mapping),
        "flag": lambda: _flag(values),
        "date": lambda: _date(values, mapping.formats(column.name)),
        "instant": lambda: _instant(values, mapping.formats(column.name), mapping.timezone),
        "period": lambda: _period(values, mapping.formats(column.name)),
        "list": lambda: _json(values, list),
        "object": lambda: _json(values, dict),
    }
    return readers[column.kind]().alias(column.name)


def _text(values: pl.Series, column: Column) -> pl.Series:
    if column.allowed:
        values = values.str.to_lowercase()
    elif column.unit == "ISO 4217":
        values = values.str.to_uppercase()
    odd = values.str.contains(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
    return values.set(odd.fill_null(False), None) if odd.any() else values


def _plain(values: pl.Series, mapping: Mapping) -> pl.Series:
    """Numbers with the mapping's marks as plain ones."""
    if mapping.thousands:
        values = values.str.replace_all(mapping.thousands, "", literal=True)
    if mapping.decimal == ",":
        # a point would be read as the decimal mark: without `thousands` it is not readable
        values = values.str.replace_all(".", "?", literal=True)
        values = values.str.replace_all(",", ".", literal=True)
    return values


def _number(values: pl.Series, column: Column, mapping: Mapping) -> pl.Series:
    numbers = _plain(values, mapping).cast(pl.Float64, strict=False)
    numbers = numbers.set(~numbers.is_finite().fill_null(True), None)
    factor = mapping.units.get(column.name)
    # adding zero makes -0.0 plain zero, so that both are the same content
    return numbers * float(factor) + 0.0 if factor else numbers + 0.0


def _whole(values: pl.Series, column: Column, mapping: Mapping) -> pl.Series:
    plain = _plain(values, mapping)
    factor = mapping.units.get(column.name)
    if not factor:
        numbers = plain.cast(pl.Int64, strict=False)
        if numbers.null_count() == values.null_count():
            return numbers
    wide = _number(values, column, mapping)
    exact = (wide == wide.round()) & (wide.abs() < 2**53)
    return wide.set(~exact.fill_null(True), None).cast(pl.Int64)


def _flag(values: pl.Series) -> pl.Series:
    return values.str.to_lowercase().replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)


def _possible(days: pl.Series) -> pl.Series:
    inside = days.is_between(FIRST_DAY, LAST_DAY)
    return days.set(~inside.fill_null(True), None)


def _date(values: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    if formats:
        return _possible(_first(values, formats, lambda v, f: v.str.to_date(f, strict=False)))
    days = values.str.to_date("%Y-%m-%d", strict=False)
    if days.null_count() > values.null_count():
        # a full time where a date is asked: the civil day as it was written
        timed = values.str.contains(r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}").fill_null(False)
        heads = values.set(~timed, None).str.slice(0, 10)
        whole = _instant(values.set(~timed, None), (), "UTC").is_not_null()
        days = _either(days, heads.set(~whole, None).str.to_date("%Y-%m-%d", strict=False))
    return _possible(days)


def _instant(values: pl.Series, formats: tuple[str, ...], zone: str) -> pl.Series:
    if formats:
        found = _first(values, formats, lambda v, f: _by_format(v, f, zone))
    else:
        found = _iso_instant(values, zone)
    days = found.dt.date()
    inside = days.is_between(FIRST_DAY, LAST_DAY)
    return found.set(~inside.fill_null(True), None)


def _by_format(values: pl.Series, text: str, zone: str) -> pl.Series:
    if not any(mark in text for mark in ("%H", "%I", "%T", "%R", "%X", "%s")):
        return values.str.to_date(text, strict=False).cast(INSTANT)
    if "%z" in text or "%:z" in text or "%#z" in text:
        return values.str.to_datetime(text, strict=False, time_unit="us", time_zone="UTC")
    return _in_zone(values.str.to_datetime(text, strict=False, time_unit="us"), zone)


def _in_zone(naive: pl.Series, zone: str) -> pl.Series:
    placed = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


def _iso_instant(values: pl.Series, zone: str) -> pl.Series:
    """Fast for the two usual shapes; every other ISO shape is brought to one first."""
    found = values.str.to_datetime(
        "%Y-%m-%dT%H:%M:%SZ", strict=False, time_unit="us"
    ).dt.replace_time_zone("UTC")
    if found.null_count() == values.null_count():
        return found
    found = _either(found, values.str.to_date("%Y-%m-%d", strict=False).cast(INSTANT))
    if found.null_count() == values.null_count():
        return found
    rest = values.set(found.is_not_null(), None)
    rest = (
        rest.str.replace(r"^(\d{4}-\d{2}-\d{2})[ t]", "${1}T")
        .str.replace(r"(?:[Zz]| ?UTC)$", "+00:00")
        .str.replace(r"^([^T]+T\d{2}:\d{2})([+-]|$)", "${1}:00$2")
        .str.replace(r" ?([+-]\d{2}):?(\d{2})$", "$1:$2")
    )
    aware = rest.str.contains(r"[+-]\d{2}:\d{2}$").fill_null(False)
    shaped = rest.str.contains(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2})?$")
    rest = rest.set(~shaped.fill_null(True), None)
    with_offset = rest.set(~aware, None).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us", time_zone="UTC"
    )
    without = rest.set(aware, None).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us"
    )
    return _either(_either(found, with_offset), _in_zone(without, zone))


def _period(values: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    """Canonical text of a period: 2024, 2024-Q1, 2024-03, 2024-03-31."""
    if formats:
        return _date(values, formats).dt.strftime("%Y-%m-%d")
    plain = (
        values.str.to_uppercase()
        .str.replace(r"^(\d{4})\.0$", "$1")
        .str.replace(r"^(\d{4})-?Q([1-4])$", "${1}-Q$2")
        .str.replace(r"^(\d{4}-\d{2}-\d{2})T00:00:00(\.0+)?(Z|\+00:00)?$", "$1")
    )
    year = plain.str.slice(0, 4).cast(pl.Int32, strict=False)
    known = plain.str.contains(r"^\d{4}(-Q[1-4]|-(0[1-9]|1[0-2]))?$")
    day = _date(plain.set(known.fill_null(False), None), ()).is_not_null()
    known = known & year.is_between(FIRST_DAY.year, LAST_DAY.year)
    return plain.set(~(known | day).fill_null(True), None)


def _json(values: pl.Series, kind: type) -> pl.Series:
    """JSON lists or objects in one spelling; each distinct text is read once."""
    unique = values.drop_nulls().unique()
    read = pl.Series([_spelled(v, kind) for v in unique], dtype=pl.String)
    return values.replace_strict(unique, read, default=None, return_dtype=pl.String)


def _spelled(text: str, kind: type) -> str | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    sort = kind is dict
    return (
        json.dumps(found, ensure_ascii=False, sort_keys=sort) if isinstance(found, kind) else None
    )


def _first(
    values: pl.Series, formats: tuple[str, ...], read: Callable[[pl.Series, str], pl.Series]
) -> pl.Series:
    """The first format that reads a value wins."""
    found = read(values, formats[0])
    for text in formats[1:]:
        found = _either(found, read(values, text))
    return found


def _either(first: pl.Series, second: pl.Series) -> pl.Series:
    return first.zip_with(first.is_not_null(), second)
