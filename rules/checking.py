"""Types and units of a condition tree, checked against what a grain offers.

Collects every fault of a tree instead of stopping at the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from features.vocabulary import GRAINS
from rules.errors import nearest
from rules.nodes import (
    And,
    Arithmetic,
    Call,
    Case,
    Column,
    Compare,
    IsNull,
    Member,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Parameter,
    Peer,
    Prev,
    Text,
    Truth,
    When,
)

ValueType = Literal["number", "text", "boolean", "any"]
PLAIN_UNITS = frozenset({"", "1", "none", "flag", "bool", "yes/no"})
"""Units that agree with every other: a bare figure."""
SHARE = "0-1"
SHARE_NAMES = frozenset({"share", "0–1", "proportion", "probability"})
"""Other names of the unit of values between 0 and 1."""
ORDERED = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Quantity:
    """Type and unit of a value; unit None agrees with every unit."""

    type: ValueType
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A name a condition may use."""

    name: str
    kind: Literal["feature", "attribute"]
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where in the condition text, what, and what to do."""

    at: int
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """Everything a rule of one grain may name."""

    grain: str
    columns: Mapping[str, ColumnInfo]

    def features(self) -> tuple[str, ...]:
        return tuple(n for n, c in self.columns.items() if c.kind == "feature")


def vocabulary(
    grain: str, features: Iterable[tuple[str, str, bool]], attributes: Mapping[str, ValueType]
) -> Vocabulary:
    """Vocabulary from (feature name, unit, is text) and attribute types."""
    columns = {
        name: ColumnInfo(name, "attribute", Quantity(kind)) for name, kind in attributes.items()
    }
    for name, unit, is_text in features:
        quantity = Quantity("text") if is_text else Quantity("number", unit_of(unit))
        columns[name] = ColumnInfo(name, "feature", quantity)
    return Vocabulary(grain, columns)


def unit_of(text: str | None) -> str | None:
    """A unit as the checker compares it; bare figures have none."""
    unit = (text or "").strip().lower()
    unit = SHARE if unit in SHARE_NAMES else unit
    return None if unit in PLAIN_UNITS else unit


def check_score(
    tree: Node, names: Vocabulary, parameters: Mapping[str, Quantity]
) -> tuple[Fault, ...]:
    """Faults of an expression that must give a number."""
    checker = _Checker(names, parameters)
    checker.number(tree)
    return tuple(dict.fromkeys(checker.faults))


def check_condition(
    tree: Node, names: Vocabulary, parameters: Mapping[str, Quantity]
) -> tuple[Fault, ...]:
    """Faults of a boolean tree: unknown names, mixed types, mixed units."""
    checker = _Checker(names, parameters)
    checker.boolean(tree)
    return tuple(dict.fromkeys(checker.faults))


class _Checker:
    def __init__(self, names: Vocabulary, parameters: Mapping[str, Quantity]) -> None:
        self.names = names
        self.parameters = parameters
        self.faults: list[Fault] = []

    def boolean(self, node: Node) -> None:
        """A place where true, false or unknown is expected."""
        match node:
            case And(operands) | Or(operands):
                for operand in operands:
                    self.boolean(operand)
            case Not(operand):
                self.boolean(operand)
            case Case(whens, default):
                for when in whens:
                    self.boolean(when.condition)
                    self.boolean(when.value)
                if default is not None:
                    self.boolean(default)
            case Compare():
                self._compare(node)
            case Member():
                self._member(node)
            case IsNull(value):
                self.value(value)
            case Truth():
                pass
            case _:
                if self.value(node).type not in ("boolean", "any"):
                    self._fault(node, "a comparison is expected here", "Compare it: `x > 0`.")

    def value(self, node: Node) -> Quantity:
        """A place where a value is expected; its type and unit."""
        match node:
            case Number():
                return Quantity("number")
            case Text():
                return Quantity("text")
            case Truth():
                return Quantity("boolean")
            case Column():
                return self._column(node)
            case Peer():
                return self._peer(node)
            case Prev():
                return self._previous(node)
            case Parameter(name):
                if name in self.parameters:
                    return self.parameters[name]
                self._fault(node, f"unknown parameter `:{name}`", nearest(name, self.parameters))
                return Quantity("any")
            case Arithmetic():
                return self._arithmetic(node)
            case Negative(operand):
                return self.number(operand)
            case Call():
                return self._call(node)
            case Case(whens, default):
                return self._case(whens, default)
            case _:
                self._fault(node, "a value is expected here, not a judgement")
                return Quantity("any")

    def _column(self, node: Column) -> Quantity:
        found = self.names.columns.get(node.name)
        if found is not None:
            return found.quantity
        self._fault(
            node,
            f"unknown name `{node.name}` at grain {self.names.grain}",
            nearest(node.name, self.names.columns),
        )
        return Quantity("any")

    def _peer(self, node: Peer) -> Quantity:
        found = self.names.columns.get(node.feature)
        if found is None or found.kind != "feature" or found.quantity.type == "text":
            self._fault(
                node,
                f"`{node.feature}` is not a numeric feature of grain {self.names.grain}",
                nearest(node.feature, self.names.features()),
            )
            return Quantity("number")
        units = {"pct": SHARE, "z": "z", "median": found.quantity.unit}
        return Quantity("number", units[node.kind])

    def _previous(self, node: Prev) -> Quantity:
        found = self.names.columns.get(node.feature)
        if found is None or found.kind != "feature":
            self._fault(
                node,
                f"`{node.feature}` is not a feature of grain {self.names.grain}",
                nearest(node.feature, self.names.features()),
            )
            return Quantity("any")
        grain = GRAINS.get(self.names.grain)
        if grain is not None and not grain.recurs:
            self._fault(node, f"`prev` is unknown at grain {self.names.grain}: judged only once")
        return found.quantity

    def number(self, node: Node) -> Quantity:
        """A place where a number is expected."""
        found = self.value(node)
        if found.type not in ("number", "any"):
            self._fault(node, f"a number is expected here, not {found.type}")
            return Quantity("number")
        return found

    def _arithmetic(self, node: Arithmetic) -> Quantity:
        left, right = self.number(node.left), self.number(node.right)
        if node.sign in "+-":
            return self._same(node, (left, right), f"`{node.sign}`")
        if isinstance(node.right, Number):
            return left
        if isinstance(node.left, Number) and node.sign == "*":
            return right
        return Quantity("number")

    def _call(self, node: Call) -> Quantity:
        if node.function in ("ABS", "LN", "SQRT"):
            found = self.number(node.arguments[0])
            return found if node.function == "ABS" else Quantity("number")
        found_all = tuple(self.value(a) for a in node.arguments)
        if any(q.type == "boolean" for q in found_all):
            self._fault(node, f"{node.function} takes numbers or texts")
        return self._same(node, found_all, node.function)

    def _case(self, whens: tuple[When, ...], default: Node | None) -> Quantity:
        for when in whens:
            self.boolean(when.condition)
        values = [when.value for when in whens] + ([default] if default is not None else [])
        return self._same(whens[0], tuple(self.value(v) for v in values), "CASE")

    def _compare(self, node: Compare) -> None:
        both = (self.value(node.left), self.value(node.right))
        found = self._same(node, both, f"`{node.op}`")
        if node.op in ORDERED and found.type in ("text", "boolean"):
            self._fault(node, f"`{node.op}` needs numbers, not {found.type}")

    def _member(self, node: Member) -> None:
        self._same(node, (self.value(node.value), *map(self.value, node.options)), "IN")

    def _same(self, node: Node, found: tuple[Quantity, ...], where: str) -> Quantity:
        types = tuple(dict.fromkeys(q.type for q in found if q.type != "any"))
        if len(types) > 1:
            self._fault(node, f"{where} mixes {types[0]} and {types[1]}")
            return Quantity("any")
        units = tuple(dict.fromkeys(q.unit for q in found if q.unit is not None))
        if len(units) > 1:
            self._fault(
                node,
                f"{where} mixes the units {units[0]} and {units[1]}",
                "Give the parameter the unit of the feature.",
            )
        return Quantity(types[0] if types else "any", units[0] if len(units) == 1 else None)

    def _fault(self, node: Node, message: str, hint: str = "") -> None:
        self.faults.append(Fault(node.at, message, hint))
