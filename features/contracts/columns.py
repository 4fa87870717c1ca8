"""Column kinds of the canonical tables: one constructor for each meaning a column can have.

Every constructor returns a dataframely column whose metadata carries what dataframely has no
field for: ``unit``, ``person`` (values are replaced by keyed hashes at the door), ``allowed``
(the closed list of words), ``kind`` (how text is read), ``default`` and ``derived_from``.

Money is Float64: a screen compares ratios and spreads, and 2**53 units of the smallest coin
covers every filing; amounts are never summed across currencies. `_at` columns are UTC instants
(a plain date is read as midnight UTC), `_on` columns are civil dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import dataframely as dy
import polars as pl

Kind = Literal["text", "number", "whole", "flag", "date", "instant", "period", "list", "object"]


def _meta(kind: Kind, unit: str, **extra: Any) -> dict[str, Any]:
    return {"kind": kind, "unit": unit, **extra}


def ident(description: str, *, required: bool = False, alias: str | None = None) -> dy.String:
    """Identifier of an organisation, product or filing; text, never a number."""
    return dy.String(
        nullable=not required, alias=alias, description=description, metadata=_meta("text", "id")
    )


def person(
    description: str, *, required: bool = False, derived_from: str | None = None
) -> dy.String:
    """Identifier of a natural person: stored only as a keyed hash of 32 hex digits."""
    return dy.String(
        nullable=not required,
        description=description,
        metadata=_meta("text", "keyed hash", person=True, derived_from=derived_from),
    )


def text(
    description: str, *, unit: str = "text", required: bool = False, default: str | None = None
) -> dy.String:
    """Short text without a closed list."""
    return dy.String(
        nullable=not required,
        description=description,
        metadata=_meta("text", unit, default=default),
    )


def word(description: str, allowed: Sequence[str], *, default: str | None = None) -> dy.String:
    """Text out of a closed list; read without regard to case."""
    words = tuple(allowed)
    return dy.String(
        nullable=True,
        description=description,
        check={"allowed": lambda column: column.is_in(words)},
        metadata=_meta("text", "word", allowed=words, default=default),
    )


def currency(description: str = "Currency of the amounts, ISO 4217") -> dy.String:
    """Three-letter currency code."""
    return dy.String(
        nullable=True,
        regex="^[A-Z]{3}$",
        description=description,
        metadata=_meta("text", "ISO 4217"),
    )


def period(description: str = "2024, 2024-Q1, 2024-03 or a date") -> dy.String:
    """A year, quarter, month or day as canonical text."""
    return dy.String(
        regex=r"^\d{4}(-Q[1-4]|-\d{2}(-\d{2})?)?$",
        description=description,
        metadata=_meta("period", "period"),
    )


def listing(description: str) -> dy.String:
    """A list, kept as JSON text such as ``["a", "b"]``."""
    return dy.String(nullable=True, description=description, metadata=_meta("list", "JSON list"))


def fields(description: str, *, required: bool = False) -> dy.String:
    """Named values, kept as JSON text with sorted names: ``{"age": "30-39", "sex": "M"}``."""
    return dy.String(
        nullable=not required, description=description, metadata=_meta("object", "JSON object")
    )


def money(description: str, *, above_zero: bool = False) -> dy.Float64:
    """Amount in the row's currency, at least zero."""
    return dy.Float64(
        nullable=True,
        min=None if above_zero else 0,
        min_exclusive=0 if above_zero else None,
        description=description,
        metadata=_meta("number", "money"),
    )


def quantity(description: str, unit: str, *, above_zero: bool = False) -> dy.Float64:
    """Measured number, at least zero."""
    return dy.Float64(
        nullable=True,
        min=None if above_zero else 0,
        min_exclusive=0 if above_zero else None,
        description=description,
        metadata=_meta("number", unit),
    )


def figure(description: str, unit: str) -> dy.Float64:
    """Any number, also below zero."""
    return dy.Float64(nullable=True, description=description, metadata=_meta("number", unit))


def share(description: str) -> dy.Float64:
    """Part of a whole, 0 to 1."""
    return dy.Float64(
        nullable=True, min=0, max=1, description=description, metadata=_meta("number", "share 0..1")
    )


def percent(description: str) -> dy.Float64:
    """Percentage, 0 to 100."""
    return dy.Float64(
        nullable=True, min=0, max=100, description=description, metadata=_meta("number", "percent")
    )


def whole(description: str, unit: str, *, minimum: int = 0, required: bool = False) -> dy.Int64:
    """Whole number."""
    return dy.Int64(
        nullable=not required,
        min=minimum,
        description=description,
        metadata=_meta("whole", unit),
    )


def flag(description: str, *, default: bool | None = None) -> dy.Bool:
    """True, false or not known."""
    return dy.Bool(
        nullable=True, description=description, metadata=_meta("flag", "bool", default=default)
    )


def day(description: str, *, required: bool = False, alias: str | None = None) -> dy.Date:
    """Civil date."""
    return dy.Date(
        nullable=not required, alias=alias, description=description, metadata=_meta("date", "date")
    )


def instant(description: str, *, required: bool = False) -> dy.Datetime:
    """UTC instant; a plain date means midnight UTC."""
    return dy.Datetime(
        nullable=not required,
        time_unit="us",
        time_zone="UTC",
        description=description,
        metadata=_meta("instant", "UTC instant"),
    )


def source() -> dy.String:
    """Where the filing came from; optional in every table."""
    return text("Where the filing came from")


def at_most(small: str, large: str) -> Any:
    """Row rule: `small` does not exceed `large` (a part its whole, a start its end)."""
    return dy.rule()(lambda _cls: pl.col(small) <= pl.col(large))
