"""A checked tree to engine expressions, in three steps a lazy frame takes one after the other.

Step one computes the two sides of every leaf, step two whether each leaf holds and how strongly,
step three the truth, the strength and the reason of the whole. Logic is Kleene's: unknown stays
unknown unless the other operands decide.

The columns of a leaf `i` are ``{prefix}v{i}`` (value), ``t`` (threshold), ``h`` (holds), ``s``
(strength), ``r`` (reason of being unknown) and ``n`` (sample size).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

import narwhals as nw

from features.vocabulary import Reason
from rules.checking import SHARE, Vocabulary
from rules.engine import PORTABLE, Engine
from rules.nodes import (
    And,
    Case,
    Comparator,
    Compare,
    IsNull,
    Member,
    Node,
    Not,
    Or,
    Peer,
    Truth,
    column_names,
    leaves,
    parameter_names,
)
from rules.parameters import Threshold
from rules.strength import FALLING, RISING, certain, margin
from rules.values import Values, choose, compare, every
from rules.writing import write

_FLIPPED: dict[Comparator, Comparator] = {
    "=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<=",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One judgement of a condition and how it is told as a fact.

    Attributes:
        index: number of the leaf inside its condition; names its columns.
        feature: the feature or attribute it is about.
        expression: the judged side in the words of the language.
        op: comparison as read from the feature's side.
        unit: unit of the judged side.
        parameter: the parameter of the threshold, if it has one.
        is_text: whether value and threshold are texts.
        has_threshold: false for ``is null``.
        peer: whether the judged side is a statistic among peers.
    """

    index: int
    feature: str
    expression: str
    op: str
    unit: str
    parameter: str | None
    is_text: bool
    has_threshold: bool
    peer: bool = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """Expressions of one boolean tree, to be applied in order, and its leaves."""

    leaves: tuple[Leaf, ...]
    sides: tuple[nw.Expr, ...]
    judgements: tuple[nw.Expr, ...]
    truth: nw.Expr
    strength: nw.Expr
    reason: nw.Expr


def compile_condition(
    tree: Node,
    names: Vocabulary,
    thresholds: Mapping[str, Threshold],
    columns: Set[str],
    prefix: str = "_c",
    engine: Engine = PORTABLE,
) -> Compiled:
    """Compile a tree that has passed `check_condition`.

    Args:
        tree: the boolean tree.
        names: features and attributes of the grain.
        thresholds: every parameter the tree names.
        columns: columns the frame has; others read as null.
        prefix: beginning of the names of helper columns, ``_`` and a letter.
        engine: portable expressions, or those of Polars.
    """
    return _Compiler(names, thresholds, columns, prefix, engine).compile(tree)


class _Compiler:
    def __init__(
        self,
        names: Vocabulary,
        thresholds: Mapping[str, Threshold],
        columns: Set[str],
        prefix: str,
        engine: Engine,
    ) -> None:
        self.values = Values(names, thresholds, columns, engine)
        self.engine = engine
        self.columns = columns
        self.prefix = prefix
        self.index: dict[int, int] = {}
        self.truths: dict[int, nw.Expr] = {}
        self.sides: list[nw.Expr] = []
        self.judgements: list[nw.Expr] = []
        self.leaves: list[Leaf] = []

    def compile(self, tree: Node) -> Compiled:
        for number, node in enumerate(leaves(tree)):
            self.index[id(node)] = number
            self._leaf(node, number)
        return Compiled(
            tuple(self.leaves), tuple(self.sides), tuple(self.judgements),
            self._truth(tree), self._strength(tree), self._reason(tree),
        )  # fmt: skip

    def _name(self, kind: str, number: int) -> str:
        return f"{self.prefix}{kind}{number}"

    # --- step one and two: leaves

    def _leaf(self, node: Node, number: int) -> None:
        value, threshold = (
            self.engine.col(self._name("v", number)),
            self.engine.col(self._name("t", number)),
        )
        leaf = Leaf(number, "", write(node), "", "", None, is_text=False, has_threshold=True)
        match node:
            case Compare(op, left, right):
                if not column_names(left) and column_names(right):
                    left, right, op = right, left, _FLIPPED[op]
                self._side("t", number, right)
                holds = compare(op, value, threshold)
                leaf = replace(leaf, op=op, parameter=next(iter(parameter_names(right)), None))
                judged = left
                leaf = replace(leaf, is_text=self.values.is_text(right))
            case Member(judged, options):
                self.sides.append(
                    self.engine.lit(", ".join(map(write, options))).alias(self._name("t", number))
                )
                hits = [compare("=", value, self.values.value(option)) for option in options]
                holds = every(hits, lambda a, b: a | b)
                leaf = replace(leaf, op="in")
            case IsNull(judged):
                holds = value.is_null()
                leaf = replace(leaf, op="is null", has_threshold=False)
            case _:
                judged, holds = node, value
                leaf = replace(leaf, op="=", has_threshold=False)
        leaf = replace(
            leaf, feature=next(iter(column_names(judged)), ""), expression=write(judged),
            unit=self.values.unit(judged), is_text=leaf.is_text or self.values.is_text(judged),
            peer=isinstance(judged, Peer),
        )  # fmt: skip
        self.leaves.append(leaf)
        self._side("v", number, judged)
        self.sides.append(self._sample(leaf.feature).alias(self._name("n", number)))
        self.sides.append(self.values.why(node).alias(self._name("r", number)))
        strength = certain(holds, self.engine)
        if leaf.op in RISING | FALLING:
            share = leaf.unit == SHARE
            strength = margin(value, threshold, leaf.op, is_share=share, engine=self.engine)
        self.judgements.append(holds.alias(self._name("h", number)))
        self.judgements.append(strength.alias(self._name("s", number)))

    def _side(self, kind: str, number: int, node: Node) -> None:
        self.sides.append(self.values.value(node).alias(self._name(kind, number)))

    def _sample(self, feature: str) -> nw.Expr:
        name = f"{feature}__n"
        return (
            self.engine.col(name)
            if name in self.columns
            else self.engine.lit(None, dtype=self.engine.Int64)
        )

    # --- step three: the whole

    def _truth(self, node: Node) -> nw.Expr:
        """Truth of a node; made once, since strength and reason of every level ask for it."""
        found = self.truths.get(id(node))
        if found is None:
            found = self.truths[id(node)] = self._logic(node)
        return found

    def _logic(self, node: Node) -> nw.Expr:
        match node:
            case And(operands):
                return every([self._truth(o) for o in operands], lambda a, b: a & b)
            case Or(operands):
                return every([self._truth(o) for o in operands], lambda a, b: a | b)
            case Not(operand):
                return ~self._truth(operand)
            case Case(whens, default):
                branches = [(self._truth(w.condition), self._truth(w.value)) for w in whens]
                return choose(
                    branches, self._truth(default) if default is not None else None, self.engine
                )
            case Truth(value):
                return self.engine.lit(value)
            case _:
                return self.engine.col(self._name("h", self.index[id(node)]))

    def _strength(self, node: Node) -> nw.Expr:
        """Least strength of AND, greatest of OR, over the operands that are known."""
        match node:
            case And(operands) | Or(operands):
                pick = (
                    self.engine.min_horizontal
                    if isinstance(node, And)
                    else self.engine.max_horizontal
                )
                known = ~self._truth(node).is_null()
                return self.engine.when(known).then(pick(*map(self._strength, operands)))
            case Not(operand):
                return 1.0 - self._strength(operand)
            case Case(whens, default):
                branches = [(self._truth(w.condition), self._strength(w.value)) for w in whens]
                last = self._strength(default) if default is not None else None
                return choose(branches, last, self.engine)
            case Truth(value):
                return self.engine.lit(float(value))
            case _:  # null wherever the leaf is
                return self.engine.col(self._name("s", self.index[id(node)]))

    def _reason(self, node: Node) -> nw.Expr:
        """Reason of the first leaf that left the whole unknown; null when it is known."""
        unknown = self._truth(node).is_null()
        match node:
            case And(operands) | Or(operands):
                return self.engine.when(unknown).then(
                    self.engine.coalesce(*map(self._reason, operands))
                )
            case Not(operand):
                return self._reason(operand)
            case Case():
                parts = [self._reason(leaf) for leaf in leaves(node)]
                missing = self.engine.lit(Reason.MISSING_INPUT.value)
                return self.engine.when(unknown).then(self.engine.coalesce(*parts, missing))
            case Truth():
                return self.engine.lit(None, dtype=self.engine.String)
            case _:
                return self.engine.when(unknown).then(
                    self.engine.col(self._name("r", self.index[id(node)]))
                )
