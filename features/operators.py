"""Expressions the library shares: periods, keys, exact fractions, shape statistics.

Estimators follow section 1.2 of the domain catalogue: ddof = 1, adjusted skewness G1,
bias-corrected excess kurtosis G2, linear quantiles.
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

import narwhals as nw
import polars as pl

Lazy: TypeAlias = nw.LazyFrame[Any]
"""A lazy frame of whichever engine the run uses."""


def civil_day(*columns: str, fallback: date) -> nw.Expr:
    """The first filed of several date or time columns as a civil date (UTC for instants).

    Args:
        columns: tried in order.
        fallback: the day used when none is filed, so that every row has a period.
    """
    return nw.coalesce(*(nw.col(c).cast(nw.Date) for c in columns), nw.lit(fallback))


def month_start(day: nw.Expr) -> nw.Expr:
    """First day of the month of a date."""
    return day.dt.truncate("1mo").cast(nw.Date)


def month_end(day: nw.Expr) -> nw.Expr:
    """Last day of the month of a date."""
    return _last_day(day, "1mo")


def quarter_start(day: nw.Expr) -> nw.Expr:
    """First day of the calendar quarter of a date."""
    return day.dt.truncate("1q").cast(nw.Date)


def quarter_end(day: nw.Expr) -> nw.Expr:
    """Last day of the calendar quarter of a date."""
    return _last_day(day, "1q")


def year_start(day: nw.Expr) -> nw.Expr:
    """First day of the calendar year of a date."""
    return day.dt.truncate("1y").cast(nw.Date)


def year_end(day: nw.Expr) -> nw.Expr:
    """Last day of the calendar year of a date."""
    return _last_day(day, "1y")


def _last_day(day: nw.Expr, unit: str) -> nw.Expr:
    return day.dt.truncate(unit).dt.offset_by(unit).dt.offset_by("-1d").cast(nw.Date)


def day_number(day: nw.Expr) -> nw.Expr:
    """Days since 0001-01-01 of a date or an instant, as Int64.

    Counted by the calendar: engines agree about year and day of the year, not about the numbers
    behind dates, nor about durations.
    """
    before = day.dt.year().cast(nw.Int64) - 1
    leap = before // 4 - before // 100 + before // 400
    return (before * 365 + leap + day.dt.ordinal_day().cast(nw.Int64) - 1).cast(nw.Int64)


def days_between(start: nw.Expr, end: nw.Expr) -> nw.Expr:
    """Civil days from one date to another, as Int64; negative where the end is earlier."""
    return day_number(end) - day_number(start)


def seconds_between(start: nw.Expr, end: nw.Expr) -> nw.Expr:
    """Seconds from one instant to another, with their fraction, as Float64."""
    days = day_number(end) - day_number(start)
    micros = _microseconds_of_day(end) - _microseconds_of_day(start)
    return (days * 86_400_000_000 + micros).cast(nw.Float64) / 1_000_000.0


def _microseconds_of_day(at: nw.Expr) -> nw.Expr:
    parts = at.dt.hour().cast(nw.Int64) * 3600 + at.dt.minute().cast(nw.Int64) * 60
    whole = parts + at.dt.second().cast(nw.Int64)
    return whole * 1_000_000 + at.dt.microsecond().cast(nw.Int64)


def both(first: nw.Expr, second: nw.Expr) -> nw.Expr:
    """``first/second``, or ``first`` alone where there is no second part."""
    joined = nw.concat_str([first, nw.lit("/"), second])
    return nw.when(second.is_null() | (second == "")).then(first).otherwise(joined)


def pair_key(a: nw.Expr, b: nw.Expr) -> nw.Expr:
    """The key of an unordered pair: the two ids sorted, joined by ``|``."""
    lower = nw.concat_str([a, nw.lit("|"), b])
    upper = nw.concat_str([b, nw.lit("|"), a])
    return nw.when(a <= b).then(lower).otherwise(upper)


def nearest_whole(value: nw.Expr) -> nw.Expr:
    """Round half up to an integer; engines disagree about ROUND, none about FLOOR."""
    return (value + 0.5).floor().cast(nw.Int64)


def skew_g1(n: nw.Expr, m2: nw.Expr, m3: nw.Expr) -> nw.Expr:
    """Adjusted Fisher-Pearson skewness from sums of squared and cubed deviations (n >= 3)."""
    sd = (m2 / (n - 1)).sqrt()
    return n / ((n - 1) * (n - 2)) * m3 / (sd * sd * sd)


def kurt_g2(n: nw.Expr, m2: nw.Expr, m4: nw.Expr) -> nw.Expr:
    """Bias-corrected excess kurtosis from sums of squared and fourth-power deviations (n >= 4)."""
    variance = m2 / (n - 1)
    lead = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3))
    return lead * m4 / (variance * variance) - 3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3))


def with_code(rows: Lazy, column: str, into: str, *, day: str | None = None) -> Lazy:
    """Add a number for a long text id, to narrow rows down before the text itself is compared.

    A 64-bit hash: two of a million ids share one with a chance of 3e-8, so it may let a row too
    many pass, never too few, and no result may be keyed by it. An engine without one keeps the
    text. Null has a code of its own: leave it out first.

    Args:
        day: a date whose month is part of the code, where rows must agree in both.
    """
    if not rows.implementation.is_polars():
        code = nw.col(column)
        if day is not None:
            month = month_start(nw.col(day)).cast(nw.String)
            code = nw.concat_str([code, nw.lit("|"), month])
        return rows.with_columns(code.alias(into))
    native: pl.LazyFrame = nw.to_native(rows)
    number = pl.col(column).hash()
    if day is not None:
        number ^= pl.col(day).dt.year().cast(pl.UInt64) * 12 + pl.col(day).dt.month()
    return nw.from_native(native.with_columns(number.alias(into)))


FEW_CODES = 200_000
"""Up to so many codes a filter is cheaper than a join: it looks them up anew for every batch."""


def with_code_among(rows: Lazy, column: str, codes: Lazy) -> Lazy:
    """The rows whose text has a code among those of the column ``_code`` of `codes`.

    A code lets a row too many pass now and then (see `with_code`), never too few. Where this
    process reads the rows, the filter goes down into the reading: the other columns of the rows it
    leaves out are never made.
    """
    if rows.implementation.is_polars():
        known: pl.DataFrame = nw.to_native(codes.select("_code")).collect()
        if known.height <= FEW_CODES:
            native: pl.LazyFrame = nw.to_native(rows)
            among = pl.col(column).hash().is_in(known["_code"].implode())
            return nw.from_native(native.filter(pl.col(column).is_not_null() & among))
    filed = rows.filter(~nw.col(column).is_null())
    return with_code(filed, column, "_code").join(codes, on="_code", how="semi").drop("_code")
