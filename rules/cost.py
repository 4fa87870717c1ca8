"""How much work a condition asks of an engine, known before anything is compiled.

A value is written into its expression as often as it is looked at: once for itself and once for
each test whether it is a finite number. Nested deep enough, functions that look twice would double
without end, so the language has a cap and this module counts against it.
"""

from __future__ import annotations

from typing import NamedTuple

from rules.nodes import (
    And,
    Arithmetic,
    Call,
    Case,
    Compare,
    IsNull,
    Member,
    Negative,
    Node,
    Not,
    Or,
    When,
    children,
)

_LOOKS = {"LN": 3, "SQRT": 2}
"""How often the widest engine writes the argument of a function."""


class Cost(NamedTuple):
    """Size of a value's expression, and of the tests that go with it."""

    value: int
    tests: int = 0

    @property
    def whole(self) -> int:
        return 2 * self.value + self.tests


def work(tree: Node) -> int:
    """Operations an engine is asked for by a tree; an upper bound, the same for all engines."""
    match tree:
        case And() | Or() | Not() | When() | IsNull():
            return 1 + sum(map(work, children(tree)))
        case Case():
            return 1 + sum(map(work, children(tree)))
        case Compare(_, left, right):
            return 1 + work(left) + work(right)
        case Member(value, options):
            return (work(value) + 1) * len(options)
        case _:
            return _cost(tree).whole


def _cost(node: Node) -> Cost:
    match node:
        case Negative(operand):
            inner = _cost(operand)
            return Cost(inner.value + 1, inner.tests)
        case Arithmetic(sign, left, right):
            a, b = _cost(left), _cost(right)
            if sign == "/":
                return Cost(a.value + 2 * b.value + 1, a.tests + b.tests + b.value)
            return Cost(a.value + b.value + 1, a.tests + b.tests)
        case Call(function, arguments):
            return _call(function, [_cost(a) for a in arguments])
        case Case():
            return Cost(work(node))
        case _:
            return Cost(1 + sum(map(work, children(node))))


def _call(function: str, found: list[Cost]) -> Cost:
    values, tests = sum(c.value for c in found), sum(c.tests for c in found)
    match function:
        case "ABS" | "LN" | "SQRT":
            return Cost(values * _LOOKS.get(function, 1) + 1, tests)
        case "NULLIF":
            return Cost(found[0].value, tests + found[0].value + 2 * found[1].value + 1)
        case "COALESCE":
            return Cost(sum(c.whole for c in found) + 1)
        case _:
            return Cost(values + 1, tests + values)
