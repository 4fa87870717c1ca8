"""What a table contract is: columns, natural key, row checks, and how a frame is made to fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

RECORDED_AT = "recorded_at"
"""When we learned the row; set at ingest, never filed."""

INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    Attributes:
        kind: how text is read: text number whole flag date instant period list object.
        unit: unit of the value, in words.
        nullable: a required column (not nullable) must be in every file and row.
        person: values name a natural person and are stored only as keyed hashes.
        allowed: the closed list of words, or None.
        default: value of an empty cell, or None.
        derived_from: computed at ingest from that column (the same keyed hash), never filed.
        span: values a number may have, in words ("0 to 1", "above 0"); empty: any.
    """

    name: str
    dtype: pl.DataType
    kind: str
    unit: str
    description: str
    nullable: bool
    person: bool = False
    allowed: tuple[str, ...] | None = None
    default: str | bool | None = None
    derived_from: str | None = None
    span: str = ""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """Words for a schema rule over several columns.

    Attributes:
        columns: columns whose values are shown, the one to correct first.
        says: what is wrong and what would be right, following "Line 17: ".
    """

    columns: tuple[str, ...]
    says: str


def earlier(later: str, first: str, why: str) -> RowCheck:
    """Words for a row whose `later` comes before its `first`."""
    return RowCheck((later, first), f"`{later}` is before `{first}`; {why}")


def exceeds(small: str, large: str) -> RowCheck:
    """Words for a row whose part `small` is larger than its whole `large`."""
    says = f"`{small}` is larger than `{large}`; a part cannot exceed the whole"
    return RowCheck((small, large), says)


@dataclass(frozen=True, slots=True)
class Caution:
    """An odd but possible row: kept, counted and reported.

    Attributes:
        when: true for the rows to count.
        says: sentence after the count of rows.
    """

    name: str
    when: pl.Expr
    says: str


@dataclass(frozen=True, slots=True)
class TableContract:
    """A canonical table.

    Attributes:
        keys: natural key columns; all may be empty but the required ones.
        own_key: column that is the whole key by itself where it is filled (``bids.bid_id``).
        anonymous_without: where this column and `own_key` are both empty, a row is known only by
            its whole content and its occurrence number inside its file.
        event_time: date columns that say when it happened, tried in order.
    """

    name: str
    title: str
    schema: type[dy.Schema]
    keys: tuple[str, ...]
    event_time: tuple[str, ...] = ()
    own_key: str | None = None
    anonymous_without: str | None = None
    checks: Mapping[str, RowCheck] = field(default_factory=dict)
    cautions: tuple[Caution, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in file order."""
        return _columns_of(self.schema)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns every file must have."""
        return tuple(c.name for c in self.columns if not c.nullable)

    @property
    def persons(self) -> tuple[str, ...]:
        """Columns stored as keyed hashes."""
        return tuple(c.name for c in self.columns if c.person)

    def column(self, name: str) -> Column:
        """The column of that name; raises KeyError."""
        return {c.name: c for c in self.columns}[name]

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """Polars types of a lake row: the contract's columns and `recorded_at`."""
        return {c.name: c.dtype for c in self.columns} | {RECORDED_AT: INSTANT}


@cache
def _columns_of(schema: type[dy.Schema]) -> tuple[Column, ...]:
    return tuple(_column(name, col) for name, col in schema.columns().items())


def _column(name: str, column: dy.Column) -> Column:
    meta: dict[str, Any] = column.metadata or {}
    return Column(
        name=name,
        dtype=column.dtype,
        kind=meta["kind"],
        unit=meta["unit"],
        description=column.description or "",
        nullable=column.nullable,
        person=bool(meta.get("person")),
        allowed=meta.get("allowed"),
        default=meta.get("default"),
        derived_from=meta.get("derived_from"),
        span=_span(column),
    )


def _span(column: dy.Column) -> str:
    """The limits of a number in words."""
    least, above, most = (getattr(column, name, None) for name in ("min", "min_exclusive", "max"))
    if least is not None and most is not None:
        return f"{least:g} to {most:g}"
    if above is not None:
        return f"above {above:g}"
    return "" if least is None else f"{least:g} or more"


def fit(contract: TableContract, frame: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Makes a frame a lake frame: all columns, right types, defaults filled, nothing else.

    Missing columns become null (or their default). Text dates must be ISO 8601.

    Raises:
        polars.exceptions.PolarsError: on collect, when a value does not fit its type.
    """
    lazy = frame.lazy()
    given = lazy.collect_schema()
    defaults = {c.name: c.default for c in contract.columns}
    exprs: list[pl.Expr] = []
    for name, dtype in contract.dtypes.items():
        expr = _as(name, given[name], dtype) if name in given else pl.lit(None, dtype=dtype)
        default = defaults.get(name)
        if default is not None:
            expr = expr.fill_null(default)
        exprs.append(expr.alias(name))
    return lazy.select(exprs)


def _as(name: str, given: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Expression that brings column `name` from one type to the other."""
    column = pl.col(name)
    if given == wanted:
        return column
    if given == pl.String and wanted == pl.Date:
        return column.str.slice(0, 10).str.to_date("%Y-%m-%d")
    if given == pl.String and wanted == INSTANT:
        plain = column.str.len_chars() == 10
        padded = pl.when(plain).then(column + "T00:00:00").otherwise(column)
        return padded.str.strip_suffix("Z").str.to_datetime(time_zone="UTC", time_unit="us")
    if isinstance(given, pl.Datetime) and given.time_zone is None and wanted == INSTANT:
        return column.dt.replace_time_zone("UTC").cast(INSTANT)
    return column.cast(wanted)
