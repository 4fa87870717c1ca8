"""A rule with other parameters: what a move of a limit would do, before anybody makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from features.errors import WardenError
from rules.errors import nearest
from rules.load import Rule
from rules.parameters import (
    Figure,
    ParameterBook,
    ParameterSpec,
    ParameterTable,
    ThresholdClass,
)

STEPS = (-2, -1, 1, 2)
"""Steps of the sweep: a tenth each, or one where the limit is a whole number of 3 to 19."""
SMALL = 20


@dataclass(frozen=True, slots=True)
class Variant:
    """One parameter moved one or more steps.

    Attributes:
        value: the new value; None where a dated table holds several.
        parameters: the tables with the rows of that parameter moved.
    """

    parameter: str
    step: int
    value: float | None
    rule: Rule
    parameters: ParameterBook


def with_parameters(rule: Rule, given: Mapping[str, Figure], book: ParameterBook) -> Rule:
    """The rule with fixed values in place of its parameters.

    Raises:
        WardenError: `unknown_parameter`, or `bad_parameter` for a value of another type.
    """
    specs = dict(rule.spec.parameters)
    for name, value in given.items():
        spec = spec_of(rule, name)
        if kind_of(value) != book.kind(spec):
            raise WardenError(
                "bad_parameter",
                f"{name} of rule {rule.id} is a {book.kind(spec)}; {value!r} is none.",
            )
        specs[name] = ParameterSpec.model_validate(
            {"value": value, "class": ThresholdClass.ENG, "unit": book.unit(spec),
             "source": "set by hand", "verified": False}
        )  # fmt: skip
    return replace(rule, spec=rule.spec.model_copy(update={"parameters": specs}))


def spec_of(rule: Rule, name: str) -> ParameterSpec:
    """Raises: WardenError `unknown_parameter`, naming the nearest."""
    try:
        return rule.spec.parameters[name]
    except KeyError:
        raise WardenError(
            "unknown_parameter",
            f"Rule {rule.id} has no parameter `{name}`.",
            nearest(name, rule.spec.parameters)
            or f"It has: {', '.join(rule.spec.parameters) or 'none'}.",
        ) from None


def parsed(rule: Rule, text: str, book: ParameterBook) -> tuple[str, Figure]:
    """Name and value of a text ``name=value``, the value of the parameter's own type.

    Raises:
        WardenError: `bad_parameter`, `unknown_parameter`.
    """
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise WardenError("bad_parameter", f"`{text}` is not name=value.", "For example: min=0.2")
    kind = book.kind(spec_of(rule, name))
    if kind == "text":
        return name, value
    if kind == "boolean" and value in ("true", "false"):
        return name, value == "true"
    try:
        if kind == "number":
            return name, float(value)
    except ValueError:
        pass
    raise WardenError("bad_parameter", f"{name} of rule {rule.id} is a {kind}, not `{value}`.")


def sweep(rule: Rule, book: ParameterBook) -> Iterator[Variant]:
    """Every numeric parameter a few steps down and up, one at a time."""
    for name, spec in rule.spec.parameters.items():
        if book.kind(spec) != "number":
            continue
        for step in STEPS:
            if spec.table is None:
                assert spec.value is not None  # noqa: S101  the spec holds one of both
                value = stepped(float(spec.value), step)
                yield Variant(name, step, value, with_parameters(rule, {name: value}, book), book)
            else:
                table = moved(book.table(spec.table), step)
                values = {float(row.value) for row in table.rows}
                tables = ParameterBook({**book.tables, spec.table: table})
                yield Variant(name, step, values.pop() if len(values) == 1 else None, rule, tables)


def stepped(value: float, step: int) -> float:
    """A limit some steps away: ones for 3 to 19 where whole, else tenths of it (of 1 at zero)."""
    if value == int(value) and 2 < abs(value) < SMALL:
        return value + step
    return value + step * 0.1 * (abs(value) or 1.0)


def moved(table: ParameterTable, step: int) -> ParameterTable:
    """The table with every value moved."""
    rows = tuple(
        row.model_copy(update={"value": stepped(float(row.value), step)}) for row in table.rows
    )
    return table.model_copy(update={"rows": rows})


def kind_of(value: Figure) -> str:
    """What `ParameterBook.kind` calls such a value."""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"
