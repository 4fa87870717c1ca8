"""Which truth values a condition can take at all, found by trying values around its limits.

Every judged side is one variable with a value below, at, between and above the limits it is
compared with, and missing; what cannot be told so is a variable that is true, false or unknown.
Variables are tried independently, so more is tried than can occur: what never happens here never
happens in data either.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from rules.nodes import (
    And,
    Case,
    Comparator,
    Compare,
    IsNull,
    Member,
    Node,
    Not,
    Number,
    Or,
    Parameter,
    Text,
    Truth,
    leaves,
)
from rules.parameters import Figure
from rules.writing import write

MOST_TRIALS = 4096
"""Conditions with more combinations are not looked into."""
_OTHER = "\x00another text"
_COMPARE: dict[Comparator, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FLIPPED: dict[Comparator, Comparator] = {
    "=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<=",
}  # fmt: skip

Verdict = bool | None
Judge = Callable[[Any], Verdict]


@dataclass(frozen=True, slots=True)
class Atom:
    """A leaf as a question about one variable."""

    variable: str
    limits: tuple[Figure, ...]
    judge: Judge


def verdicts(tree: Node, limits: Mapping[str, Figure]) -> set[Verdict] | None:
    """Truth values the tree can take; None when there is too much to try.

    Args:
        limits: parameters with one value for all rows; others are variables.
    """
    found: set[Verdict] = set()
    for values in _trials(tree, limits) or ():
        found.add(_truth(tree, iter(values)))
    return found or None


def redundant(tree: Node, limits: Mapping[str, Figure]) -> list[Node]:
    """Leaves that could be left out without any row ending otherwise, the later of equals."""
    whole = leaves(tree)
    trials = _trials(tree, limits)
    if trials is None or len(whole) < 2:
        return []
    outcomes = [_truth(tree, iter(values)) for values in trials]
    found: list[Node] = []
    for index in reversed(range(len(whole))):
        for fixed in (True, False):
            if all(
                _truth(tree, iter([*values[:index], fixed, *values[index + 1 :]])) == outcome
                for values, outcome in zip(trials, outcomes, strict=True)
            ):
                found.append(whole[index])
                trials = [[*v[:index], fixed, *v[index + 1 :]] for v in trials]
                break
    return found[::-1]


def _trials(tree: Node, limits: Mapping[str, Figure]) -> list[list[Verdict]] | None:
    """For every combination of values, whether each leaf holds."""
    atoms = [_atom(leaf, limits) for leaf in leaves(tree)]
    known: dict[str, list[Figure]] = {}
    for atom in atoms:
        known.setdefault(atom.variable, []).extend(atom.limits)
    domains = {name: _domain(values) for name, values in known.items()}
    size = 1
    for domain in domains.values():
        size *= len(domain)
    if size > MOST_TRIALS:
        return None
    found = []
    for values in product(*domains.values()):
        row = dict(zip(domains, values, strict=True))
        found.append([atom.judge(row[atom.variable]) for atom in atoms])
    return found


def _atom(leaf: Node, limits: Mapping[str, Figure]) -> Atom:
    if isinstance(leaf, IsNull):
        return Atom(write(leaf.value), (), lambda v: v is None)
    if isinstance(leaf, Member):
        options = [_constant(option, limits) for option in leaf.options]
        told = tuple(o for o in options if o is not None)
        if len(told) == len(options):
            return Atom(write(leaf.value), told, lambda v: None if v is None else v in told)
    if isinstance(leaf, Compare):
        left, right = _constant(leaf.left, limits), _constant(leaf.right, limits)
        if left is not None and right is not None:
            fixed = _safe(_COMPARE[leaf.op], left, right)
            return Atom("", (), lambda _: fixed)
        if right is not None:
            return _comparison(leaf.op, leaf.left, right)
        if left is not None:
            return _comparison(_FLIPPED[leaf.op], leaf.right, left)
    return Atom(f"whether {write(leaf)}", (True, False), lambda v: v)


def _comparison(op: Comparator, judged: Node, limit: Figure) -> Atom:
    compare = _COMPARE[op]
    return Atom(write(judged), (limit,), lambda v: None if v is None else _safe(compare, v, limit))


def _safe(compare: Callable[[Any, Any], bool], value: Figure, limit: Figure) -> Verdict:
    """Sides of different type are another check's finding; here they are unknown."""
    if isinstance(value, str) is not isinstance(limit, str):
        return None
    return compare(value, limit)


def _constant(node: Node, limits: Mapping[str, Figure]) -> Figure | None:
    if isinstance(node, Number | Text | Truth):
        return node.value
    return limits.get(node.name) if isinstance(node, Parameter) else None


def _domain(limits: Sequence[Figure]) -> list[Figure | None]:
    """Values around the limits of a variable, and none."""
    if any(isinstance(v, str) for v in limits):
        return [*dict.fromkeys(v for v in limits if isinstance(v, str)), _OTHER, None]
    if limits and all(isinstance(v, bool) for v in limits):
        return [True, False, None]
    numbers = sorted({float(v) for v in limits if not isinstance(v, str)})
    if not numbers:
        return [1.0, None]
    between = [(a + b) / 2 for a, b in pairwise(numbers)]
    reach = 1 + abs(numbers[0]) + abs(numbers[-1])
    return [numbers[0] - reach, *numbers, *between, numbers[-1] + reach, None]


def _truth(node: Node, held: Iterator[Verdict]) -> Verdict:
    """Kleene's truth of a tree; `held` gives its leaves in order."""
    match node:
        case And(operands):
            return _all([_truth(o, held) for o in operands])
        case Or(operands):
            return _not(_all([_not(_truth(o, held)) for o in operands]))
        case Not(operand):
            return _not(_truth(operand, held))
        case Truth(value):
            return value
        case Case(whens, default):
            branches = [(_truth(w.condition, held), _truth(w.value, held)) for w in whens]
            last = _truth(default, held) if default is not None else None
            return next((value for holds, value in branches if holds), last)
        case _:
            return next(held)


def _all(parts: list[Verdict]) -> Verdict:
    return False if False in parts else None if None in parts else True


def _not(part: Verdict) -> Verdict:
    return None if part is None else not part
