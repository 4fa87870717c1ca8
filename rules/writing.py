"""A tree back to text: one canonical spelling, used in facts and to compare rules."""

from __future__ import annotations

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

_PEER_NAMES = {"pct": "pct_rank", "median": "peer_median", "z": "peer_z"}


def write(node: Node) -> str:
    """Text of a tree; parsing it again gives an equal tree, offsets aside."""
    match node:
        case Number(value):
            return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
        case Text(value):
            return "'" + value.replace("'", "''") + "'"
        case Truth(value):
            return "TRUE" if value else "FALSE"
        case Column(name):
            return name
        case Parameter(name):
            return f":{name}"
        case Peer(kind, feature):
            return f"{_PEER_NAMES[kind]}({feature})"
        case Prev(feature, periods):
            return f"prev({feature}, {periods})"
        case Negative(operand):
            return f"-({write(operand)})"
        case Call(function, arguments):
            return f"{function}({', '.join(map(write, arguments))})"
        case Arithmetic(sign, left, right):
            return f"{_inside(left)} {sign} {_inside(right)}"
        case Compare(op, left, right):
            return f"{_inside(left)} {op} {_inside(right)}"
        case _:
            return _write_logic(node)


def _write_logic(node: Node) -> str:
    match node:
        case Member(value, options):
            return f"{_inside(value)} IN ({', '.join(map(write, options))})"
        case IsNull(value):
            return f"{_inside(value)} IS NULL"
        case Not(operand):
            return f"NOT ({write(operand)})"
        case And(operands):
            return " AND ".join(map(_inside, operands))
        case Or(operands):
            return " OR ".join(map(_inside, operands))
        case When(condition, value):
            return f"WHEN {write(condition)} THEN {write(value)}"
        case Case(whens, default):
            last = f" ELSE {write(default)}" if default is not None else ""
            return f"CASE {' '.join(map(write, whens))}{last} END"
        case _:
            raise TypeError(f"cannot write {type(node).__name__}")


def _inside(node: Node) -> str:
    """Text of an operand, in parentheses where precedence could change its meaning."""
    single = isinstance(
        node, Number | Text | Truth | Column | Parameter | Peer | Prev | Call | Case
    )
    return write(node) if single else f"({write(node)})"
