"""Thresholds by date and jurisdiction.

A limit of law changes; a row is judged by the limit in force on its event date (`period_start`),
never by the one of the day the run happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import narwhals as nw
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from features.errors import WardenError
from rules.engine import PORTABLE, Engine
from rules.plain import plain_text

Figure = bool | int | float | str
LocalName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


Note = Annotated[str, Field(max_length=1000), AfterValidator(plain_text)]
"""A plain text of moderate length."""


class ThresholdClass(StrEnum):
    """Who may set a threshold (section 1.1 of the domain catalogue)."""

    LEGAL = "LEGAL"
    GUIDE = "GUIDE"
    LIT = "LIT"
    PEER = "PEER"
    ENG = "ENG"


def plain_date(value: object) -> object:
    """A date is written as text ``YYYY-MM-DD``; numbers are not dates."""
    if isinstance(value, str):
        return date.fromisoformat(value)
    if value is None or (isinstance(value, date)):
        return value
    raise ValueError("a date is written as YYYY-MM-DD")


Day = Annotated[date, BeforeValidator(plain_date)]


class Strict(BaseModel):
    """A part of a file: no unknown keys, no silent conversion, never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True,
        use_attribute_docstrings=True,
    )  # fmt: skip


class Words(Strict):
    """A text in both languages."""

    en: Annotated[str, Field(min_length=2, max_length=2000), AfterValidator(plain_text)]
    """English."""
    zh: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(plain_text)]
    """Simplified Chinese."""


class ParameterRow(Strict):
    """One value of a table and when and where it holds; `valid_to` is the last day."""

    jurisdiction: str | None = None
    value: Figure
    comparator: Literal["=", "<>", "<", "<=", ">", ">="]
    class_: Annotated[ThresholdClass, Field(alias="class", strict=False)]
    valid_from: Day
    valid_to: Day | None = None
    source: Annotated[Note, Field(min_length=2)]
    verified: bool

    @model_validator(mode="after")
    def _in_order(self) -> ParameterRow:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class ParameterTable(Strict):
    """A dated threshold."""

    table: LocalName
    title: Words
    unit: Note
    rows: Annotated[tuple[ParameterRow, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _one_type(self) -> ParameterTable:
        if len({_type_name(row.value) for row in self.rows}) > 1:
            raise ValueError("all values of a table have one type")
        for index, row in enumerate(self.rows):
            for other in self.rows[:index]:
                if row.jurisdiction == other.jurisdiction and _overlap(row, other):
                    raise ValueError(
                        f"two rows hold for {row.jurisdiction or 'everywhere'} "
                        f"on {max(row.valid_from, other.valid_from)}"
                    )
        return self

    def in_force(self, day: date, jurisdiction: str | None) -> ParameterRow | None:
        """The row that holds on a day: the jurisdiction itself, its parent, then everywhere."""
        names = [jurisdiction, jurisdiction.split("-")[0]] if jurisdiction else []
        for name in (*names, None):
            for row in self.rows:
                if row.jurisdiction == name and row.holds_on(day):
                    return row
        return None


def _overlap(a: ParameterRow, b: ParameterRow) -> bool:
    last = date.max
    return a.valid_from <= (b.valid_to or last) and b.valid_from <= (a.valid_to or last)


def _type_name(value: Figure) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


class ParameterSpec(Strict):
    """A parameter as a rule writes it: a value of its own, or a reference to a table.

    With `jurisdiction` the reference always reads that jurisdiction's rows; without, the row's own
    attribute ``jurisdiction`` decides.
    """

    value: Figure | None = None
    """The limit itself; then `class`, `unit`, `source` and `verified` stand beside it."""
    table: LocalName | None = None
    """Name of a dated table instead."""
    jurisdiction: str | None = None
    """Always this place's rows of the table; else the row's own."""
    class_: Annotated[ThresholdClass | None, Field(alias="class", strict=False)] = None
    """Who may set it: LEGAL, GUIDE, LIT, PEER or ENG."""
    unit: Note | None = None
    """Unit, as of the feature it is compared with."""
    source: Note | None = None
    """Where it comes from."""
    verified: bool | None = None
    """Whether somebody has read the source."""

    @model_validator(mode="after")
    def _one_origin(self) -> ParameterSpec:
        if (self.value is None) == (self.table is None):
            raise ValueError("give either `value` or `table`")
        if self.table is None:
            missing = [
                name
                for name, found in (
                    ("class", self.class_), ("unit", self.unit),
                    ("source", self.source), ("verified", self.verified),
                )
                if found is None
            ]  # fmt: skip
            if missing:
                raise ValueError("a value needs " + ", ".join(missing))
        elif self.class_ or self.source or self.verified is not None or self.unit:
            raise ValueError("class, unit, source and verified stand in the table")
        return self


@dataclass(frozen=True, slots=True)
class Threshold:
    """A parameter ready for evaluation: engine expressions of one row's threshold.

    Attributes:
        name: as in the condition, without the colon.
        type: number, text or boolean.
        unit: unit of the value.
        value: expression of the value; null where none is in force.
        class_: expression of the threshold class.
        fixed: the value when it is the same for every row.
    """

    name: str
    type: Literal["number", "text", "boolean"]
    unit: str
    value: nw.Expr
    class_: nw.Expr
    fixed: Figure | None = None


@dataclass(frozen=True)
class ParameterBook:
    """All dated tables of one installation."""

    tables: Mapping[str, ParameterTable] = field(default_factory=dict)

    def table(self, name: str) -> ParameterTable:
        """Raises: WardenError `unknown_parameter_table`."""
        try:
            return self.tables[name]
        except KeyError:
            raise WardenError(
                "unknown_parameter_table", f"There is no parameter table `{name}`."
            ) from None

    def unit(self, spec: ParameterSpec) -> str:
        return spec.unit or "" if spec.table is None else self.table(spec.table).unit

    def kind(self, spec: ParameterSpec) -> Literal["number", "text", "boolean"]:
        sample = spec.value if spec.table is None else self.table(spec.table).rows[0].value
        assert sample is not None  # noqa: S101  the spec holds one of both
        name = _type_name(sample)
        return "boolean" if name == "boolean" else "text" if name == "text" else "number"

    def threshold(
        self,
        name: str,
        spec: ParameterSpec,
        *,
        keyed: bool,
        given: Figure | None = None,
        engine: Engine = PORTABLE,
    ) -> Threshold:
        """Expressions of a parameter over columns `period_start` and `jurisdiction`.

        Args:
            name: the parameter.
            spec: as written in the rule.
            keyed: whether the frame has an attribute `jurisdiction`.
            given: a value that stands in for whatever is in force (tests, what-if).
        """
        kind, unit = self.kind(spec), self.unit(spec)
        fixed = given if given is not None else spec.value
        if fixed is not None:
            class_ = spec.class_ or ThresholdClass.ENG
            if spec.table is not None:
                class_ = self.table(spec.table).rows[0].class_
            return Threshold(
                name,
                kind,
                unit,
                _literal(fixed, kind, engine),
                engine.lit(str(class_)),
                fixed=fixed,
            )
        rows = self.table(spec.table or "").rows
        value: nw.Expr | None = None
        class_text: nw.Expr | None = None
        for row in _by_precision(rows):
            here = _holds(row, spec.jurisdiction, keyed, engine)
            if here is None:
                continue
            one = engine.when(here).then(_literal(row.value, kind, engine))
            name_of_class = engine.when(here).then(engine.lit(str(row.class_)))
            value = one if value is None else one.otherwise(value)
            class_text = (
                name_of_class if class_text is None else name_of_class.otherwise(class_text)
            )
        if value is None or class_text is None:
            value, class_text = _literal(None, kind, engine), engine.lit(None, dtype=engine.String)
        return Threshold(name, kind, unit, value, class_text)


def _by_precision(rows: tuple[ParameterRow, ...]) -> list[ParameterRow]:
    """Widest first, so that the most precise row is the outermost condition and wins."""
    return sorted(rows, key=lambda r: -1 if r.jurisdiction is None else r.jurisdiction.count("-"))


def _holds(row: ParameterRow, pinned: str | None, keyed: bool, engine: Engine) -> nw.Expr | None:
    """Whether a row is in force for a row of the frame; None when it can never be."""
    start = engine.col("period_start")
    here = start >= engine.lit(row.valid_from)
    if row.valid_to is not None:
        here = here & (start <= engine.lit(row.valid_to))
    if row.jurisdiction is None:
        return here
    if pinned is not None:
        return here if _covers(row.jurisdiction, pinned) else None
    if not keyed:
        return None
    own = engine.col("jurisdiction").cast(engine.String)
    return here & ((own == row.jurisdiction) | own.str.starts_with(row.jurisdiction + "-"))


def _covers(jurisdiction: str, pinned: str) -> bool:
    return pinned == jurisdiction or pinned.startswith(jurisdiction + "-")


def _literal(value: Figure | None, kind: str, engine: Engine) -> nw.Expr:
    if kind == "number":
        number = None if value is None else float(value)
        return engine.lit(number, dtype=engine.Float64)
    return engine.lit(value, dtype=engine.String if kind == "text" else engine.Boolean)
