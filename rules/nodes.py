"""The typed tree of a condition: small, frozen, without any engine.

Every node knows `at`, the character offset of its beginning in the condition text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]
ArithmeticSign = Literal["+", "-", "*", "/"]
PeerKind = Literal["pct", "median", "z"]

PEER_FUNCTIONS: dict[str, PeerKind] = {
    "pct_rank": "pct",
    "peer_median": "median",
    "peer_z": "z",
}
"""Name in a condition to the suffix of the column that holds the peer statistic."""

PREVIOUS = "prev"
"""Function of a feature and a number of periods: its value that long ago."""
MOST_PERIODS_BACK = 60

SCALAR_FUNCTIONS: dict[str, tuple[int, int]] = {
    "ABS": (1, 1),
    "LN": (1, 1),
    "SQRT": (1, 1),
    "NULLIF": (2, 2),
    "COALESCE": (2, 20),
    "LEAST": (2, 20),
    "GREATEST": (2, 20),
}
"""Function name to the least and the largest number of arguments."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written in the condition."""

    value: float
    at: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Text between single quotes, compared letter by letter."""

    value: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Truth:
    """``TRUE`` or ``FALSE`` as written."""

    value: bool
    at: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """A feature or an attribute of the row."""

    name: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Peer:
    """A statistic of a feature among the peers of the row."""

    kind: PeerKind
    feature: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Prev:
    """A feature of the same subject `periods` periods before this one."""

    feature: str
    periods: int
    at: int = 0

    @property
    def column(self) -> str:
        """Name of the column that holds it."""
        return f"{self.feature}__{PREVIOUS}{self.periods}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """``:name``, a threshold resolved at the event date of the row."""

    name: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers joined by a sign; null where either is null or the result is not finite."""

    sign: ArithmeticSign
    left: Node
    right: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with its sign turned."""

    operand: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One of `SCALAR_FUNCTIONS` with its arguments in order."""

    function: str
    arguments: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class When:
    """One branch of a `Case`: its value counts where its condition holds."""

    condition: Node
    value: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch that holds, else the default; null without one."""

    whens: tuple[When, ...]
    default: Node | None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values compared; a leaf that a rule reports as a fact."""

    op: Comparator
    left: Node
    right: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """``value IN (options)``; options are literals or parameters."""

    value: Node
    options: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class IsNull:
    """``value IS NULL``: true or false, never unknown."""

    value: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    """True where its operand is false; unknown stays unknown."""

    operand: Node
    at: int = 0


@dataclass(frozen=True, slots=True)
class And:
    """True where every operand is; false where one is false, whatever is unknown."""

    operands: tuple[Node, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Or:
    """True where one operand is, whatever is unknown; false where all are false."""

    operands: tuple[Node, ...]
    at: int = 0


Node: TypeAlias = (
    Number
    | Text
    | Truth
    | Column
    | Peer
    | Prev
    | Parameter
    | Arithmetic
    | Negative
    | Call
    | When
    | Case
    | Compare
    | Member
    | IsNull
    | Not
    | And
    | Or
)


def children(node: Node) -> tuple[Node, ...]:
    """Direct children of a node, in the order of the text."""
    found: list[Node] = []
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, tuple):
            found.extend(value)
        elif value is not None and not isinstance(value, (str, int, float)):
            found.append(value)
    return tuple(found)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def column_names(node: Node) -> tuple[str, ...]:
    """Features and attributes a tree reads, each once, in the order of the text."""
    names = (
        n.name if isinstance(n, Column) else n.feature
        for n in walk(node)
        if isinstance(n, Column | Peer | Prev)
    )
    return tuple(dict.fromkeys(names))


def parameter_names(node: Node) -> tuple[str, ...]:
    """Parameters a tree reads, each once, in the order of the text."""
    return tuple(dict.fromkeys(n.name for n in walk(node) if isinstance(n, Parameter)))


def leaves(node: Node) -> tuple[Node, ...]:
    """The judgements of a boolean tree: what And, Or, Not and Case are built from."""
    match node:
        case And(operands) | Or(operands):
            return tuple(leaf for operand in operands for leaf in leaves(operand))
        case Not(operand):
            return leaves(operand)
        case Case(whens, default):
            found = [leaf for w in whens for leaf in (*leaves(w.condition), *leaves(w.value))]
            return (*found, *(leaves(default) if default is not None else ()))
        case Truth():
            return ()
        case _:
            return (node,)
