"""The two years the simulated market covers, and its seeded streams of randomness."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

START = date(2024, 11, 1)
END = date(2026, 10, 31)
DAYS = (END - START).days + 1
MONTHS = 24
WEEKS = DAYS // 7
QUARTERS = ("2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3")
QUARTER_ENDS = tuple((date(2024 + q // 4, 1 + 3 * (q % 4), 1) - START).days for q in range(4, 12))
"""Day number of the first day after each quarter."""

_MICROSECONDS_PER_DAY = 86_400_000_000
_EPOCH_DAY = (START - date(1970, 1, 1)).days


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each part, so that one part never shifts another's numbers."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def instants(days: Floats) -> pl.Series:
    """Instants (UTC, whole seconds) from days since the start; NaN becomes null."""
    known = np.isfinite(days)
    seconds = np.floor(np.where(known, days, 0.0) * 86_400.0).astype(np.int64)
    micros = seconds * 1_000_000 + _EPOCH_DAY * _MICROSECONDS_PER_DAY
    series = pl.Series(micros).cast(pl.Datetime("us", "UTC"))
    return _null_where(series, ~known)


def dates(days: Floats) -> pl.Series:
    """Calendar dates from days since the start (rounded down); NaN becomes null."""
    known = np.isfinite(days)
    whole = np.floor(np.where(known, days, 0.0)).astype(np.int32) + np.int32(_EPOCH_DAY)
    return _null_where(pl.Series(whole).cast(pl.Date), ~known)


def month_start_day(month: int) -> int:
    """Day number of the first day of a month of the period, month 0 being the first."""
    year, zero_based = divmod(START.year * 12 + START.month - 1 + month, 12)
    return (date(year, zero_based + 1, 1) - START).days


def iso_month(month: int) -> str:
    """``2025-03`` for a month of the period, month 0 being the first."""
    year, zero_based = divmod(START.year * 12 + START.month - 1 + month, 12)
    return f"{year}-{zero_based + 1:02d}"


def take(values: Sequence[str] | pl.Series, index: Ints) -> pl.Series:
    """The texts at an index, as one column."""
    series = values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
    return series.gather(index)


def numbered(prefix: str, count: int, width: int) -> pl.Series:
    """``prefix`` followed by 1, 2, ... padded with zeros to a fixed width."""
    return pl.select(
        pl.lit(prefix) + pl.int_range(1, count + 1).cast(pl.String).str.zfill(width)
    ).to_series()


def only_where(series: pl.Series, keep: Bools) -> pl.Series:
    """The series with null where `keep` is false."""
    return _null_where(series, ~keep)


def cents(amount: Floats) -> Floats:
    """Money rounded to the smallest coin."""
    return np.asarray(np.round(amount, 2), dtype=np.float64)


def _null_where(series: pl.Series, mask: Bools) -> pl.Series:
    empty = pl.Series([None], dtype=series.dtype)
    return series.zip_with(pl.Series(~mask), empty) if mask.any() else series
