"""A condition in plain English, for readers who know no SQL."""

from __future__ import annotations

from collections.abc import Mapping

from rules.nodes import (
    And,
    Arithmetic,
    Call,
    Case,
    Column,
    Comparator,
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
from rules.writing import write

_OPERATORS: dict[Comparator, tuple[str, str]] = {
    "=": ("is", "is not"), "<>": ("is not", "is"), "<": ("is below", "is not below"),
    "<=": ("is at most", "is above"), ">": ("is above", "is at most"),
    ">=": ("is at least", "is not at least"),
}  # fmt: skip
_PEERS = {
    "pct": "the rank of {} among its peers",
    "median": "the median of {} among the peers",
    "z": "how far {} lies from its peers' median, in robust deviations",
}
_CALLS = {
    "ABS": "the size of {}", "LN": "the natural logarithm of {}",
    "SQRT": "the square root of {}", "LEAST": "the least of {}",
    "GREATEST": "the greatest of {}", "COALESCE": "the first known of {}",
    "NULLIF": "{}, unless they are equal",
}  # fmt: skip
_SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}


def outline(tree: Node, titles: Mapping[str, str]) -> list[str]:
    """Lines of a Markdown list that say when a condition holds.

    Args:
        titles: short names of features by their code.
    """
    return _Speaker(titles).lines(tree, 0)


class _Speaker:
    def __init__(self, titles: Mapping[str, str]) -> None:
        self.titles = titles

    def lines(self, node: Node, depth: int) -> list[str]:
        pad = "  " * depth
        match node:
            case And(operands) | Or(operands):
                whole = isinstance(node, And)
                heads = ("all of this holds:" if whole else "one of these holds:",)
                below = [line for o in operands for line in self.lines(o, depth + 1)]
                return [f"{pad}- {heads[0]}", *below]
            case Not(Compare() | IsNull() | Member() as leaf):
                return [f"{pad}- {self.leaf(leaf, denied=True)}"]
            case Not(operand):
                return [f"{pad}- this does not hold:", *self.lines(operand, depth + 1)]
            case Case(whens, default):
                return [line for when in whens for line in self.branch(when, depth)] + (
                    [f"{pad}- otherwise:", *self.lines(default, depth + 1)] if default else []
                )
            case _:
                return [f"{pad}- {self.leaf(node)}"]

    def branch(self, when: When, depth: int) -> list[str]:
        pad = "  " * depth
        return [
            f"{pad}- where",
            *self.lines(when.condition, depth + 1),
            f"{pad}  it holds if",
            *self.lines(when.value, depth + 1),
        ]

    def leaf(self, node: Node, *, denied: bool = False) -> str:
        match node:
            case Compare(op, left, right):
                told = _OPERATORS[op][1 if denied else 0]
                return f"{self.value(left)} {told} {self.value(right)}"
            case Member(value, options):
                told = "is none of" if denied else "is one of"
                return f"{self.value(value)} {told} {', '.join(map(self.value, options))}"
            case IsNull(value):
                return f"{self.value(value)} is {'known' if denied else 'not known'}"
            case Truth(value):
                return "always" if value else "never"
            case _:
                return f"{self.value(node)} holds"

    def value(self, node: Node) -> str:
        match node:
            case Column(name):
                return self.name(name)
            case Peer(kind, feature):
                return _PEERS[kind].format(self.name(feature))
            case Prev(feature, periods):
                ago = "one period" if periods == 1 else f"{periods} periods"
                return f"{self.name(feature)} {ago} before"
            case Parameter(name):
                return f"the limit `{name}`"
            case Number() | Text() | Truth():
                return f"`{write(node)}`"
            case Negative(operand):
                return f"minus {self.value(operand)}"
            case Arithmetic(sign, left, right):
                return f"({self.value(left)} {_SIGNS[sign]} {self.value(right)})"
            case Call(function, arguments):
                return _CALLS[function].format(_listed([self.value(a) for a in arguments]))
            case _:
                return f"`{write(node)}`"

    def name(self, code: str) -> str:
        title = self.titles.get(code)
        return f"{title} (`{code}`)" if title else f"`{code}`"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
