"""Mutation check: would the examples of a rule notice a wrong threshold or operator?

Every number is nudged up and down by a step, every comparison is made strict or lax and turned
round, AND and OR change places. A nudge no example notices has survived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from features.catalogue import FeatureCatalogue
from rules.cases import nudged, run_cases
from rules.load import Rule
from rules.nodes import (
    And,
    Comparator,
    Compare,
    Node,
    Number,
    Or,
    Peer,
    Prev,
    children,
    parameter_names,
    walk,
)
from rules.parameters import ParameterBook
from rules.writing import write

_NEIGHBOURS: dict[Comparator, tuple[Comparator, ...]] = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
    "=": ("<>",), "<>": ("=",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One nudge and whether an example failed because of it."""

    rule_id: str
    change: str
    noticed: bool


def mutate(rule: Rule, parameters: ParameterBook, catalogue: FeatureCatalogue) -> list[Mutant]:
    """Try every nudge of a rule's condition and scope against its examples."""
    found: list[Mutant] = []
    for name in _nudged_parameters(rule):
        for sign in (-1, 1):
            results = run_cases(rule, parameters, catalogue, nudge=(name, sign))
            change = f":{name} {'up' if sign > 0 else 'down'}"
            found.append(Mutant(rule.id, change, not all(r.passed for r in results)))
    for key in ("scope", "condition"):
        tree: Node | None = getattr(rule, key)
        if tree is None:
            continue
        for changed in _variants(tree):
            results = run_cases(_changed(rule, key, changed), parameters, catalogue)
            change = f"{key}: {write(changed)}"
            found.append(Mutant(rule.id, change, not all(r.passed for r in results)))
    return found


def _changed(rule: Rule, key: str, tree: Node) -> Rule:
    return replace(rule, condition=tree) if key == "condition" else replace(rule, scope=tree)


def _nudged_parameters(rule: Rule) -> list[str]:
    trees = [t for t in (rule.scope, rule.condition) if t is not None]
    used = dict.fromkeys(name for tree in trees for name in parameter_names(tree))
    return list(used)


def _variants(tree: Node) -> Iterator[Node]:
    """Every tree that differs from this one in a single place."""
    for node in walk(tree):
        for other in _alternatives(node):
            yield _replaced(tree, node, other)


def _alternatives(node: Node) -> Iterator[Node]:
    match node:
        case Number(value) if value != 0:
            yield from (replace(node, value=nudged(value, sign)) for sign in (-1, 1))
        case Compare(op):
            yield from (replace(node, op=other) for other in _NEIGHBOURS[op])
        case And(operands):
            yield Or(operands, node.at)
        case Or(operands):
            yield And(operands, node.at)
        case _:
            return


def _replaced(tree: Node, old: Node, new: Node) -> Node:
    """A copy of a tree in which one node, found by identity, is another."""
    if tree is old:
        return new
    if isinstance(tree, Peer | Prev | Number) or not children(tree):
        return tree
    swap: Callable[[Any], Any] = lambda v: _replaced(v, old, new) if hasattr(v, "at") else v  # noqa: E731
    changes: dict[str, Any] = {}
    for item in fields(tree):
        value = getattr(tree, item.name)
        changes[item.name] = tuple(map(swap, value)) if isinstance(value, tuple) else swap(value)
    return replace(tree, **changes)


def survivors(mutants: list[Mutant]) -> list[Mutant]:
    """Nudges no example noticed."""
    return [mutant for mutant in mutants if not mutant.noticed]


def score(mutants: list[Mutant]) -> float:
    """Share of nudges that were noticed; 1 when there are none."""
    return sum(m.noticed for m in mutants) / len(mutants) if mutants else 1.0
