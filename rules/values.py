"""Values of a condition as engine expressions: columns, parameters, arithmetic, functions.

A number that is not finite is null, so that NaN and infinity never reach a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import reduce
from typing import NamedTuple

import narwhals as nw

from features.vocabulary import Reason
from rules.checking import SHARE, Vocabulary
from rules.division import quotient
from rules.engine import PORTABLE, Engine
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
    walk,
)
from rules.parameters import Threshold


def every(parts: list[nw.Expr], join: Callable[[nw.Expr, nw.Expr], nw.Expr]) -> nw.Expr:
    """One expression out of several, joined from the left; `parts` holds at least one."""
    return reduce(join, parts)


class Tested(NamedTuple):
    """A value and what must hold for it to count.

    Kept apart until the value is needed, because an expression that tests itself holds itself
    twice, and each further level would double it.

    Attributes:
        raw: the value, of no meaning where a test fails.
        tests: each must be true; `raw` itself hides that they are not.
        loud: whether `raw` is a number that may be infinite or NaN, and is so wherever a part of
            it is.
    """

    raw: nw.Expr
    tests: tuple[nw.Expr, ...] = ()
    loud: bool = False

    def known(self) -> tuple[nw.Expr, ...]:
        """Everything that must be true, the value's own finiteness too."""
        return (*self.tests, self.raw.is_finite()) if self.loud else self.tests

    def value(self, engine: Engine) -> nw.Expr:
        """The value where its tests hold, else null."""
        tests = self.known()
        if not tests:
            return self.raw
        return engine.when(every([*tests], lambda a, b: a & b)).then(self.raw)


_DTYPES = {"text": "String", "boolean": "Boolean", "number": "Float64"}


class Values:
    """Compiles values over the columns a frame has; a column it lacks reads as null."""

    def __init__(
        self,
        names: Vocabulary,
        thresholds: Mapping[str, Threshold],
        columns: Set[str],
        engine: Engine = PORTABLE,
        finite: Set[str] = frozenset(),
    ) -> None:
        """`finite` names columns known to hold neither NaN nor infinity: they need no test."""
        self.finite = finite
        self.names = names
        self.thresholds = thresholds
        self.columns = columns
        self.engine = engine

    def column(self, name: str, of: str = "") -> nw.Expr:
        """A column by name; one the frame lacks is null, of the type of the feature it is `of`."""
        if name in self.columns:
            return self.engine.col(name)
        found = self.names.columns.get(of or name)
        kind = found.quantity.type if found else "number"
        if kind == "any":
            return self.engine.lit(None)
        return self.engine.lit(None, dtype=getattr(self.engine, _DTYPES[kind]))

    def _typed(self, value: nw.Expr, name: str, column: str) -> Tested:
        """Numbers as floats that must be finite, all else as it is."""
        found = self.names.columns.get(name)
        numeric = found is not None and found.quantity.type == "number"
        if not numeric:
            return Tested(value)
        return Tested(value.cast(self.engine.Float64), loud=column not in self.finite)

    def value(self, node: Node) -> nw.Expr:
        return self.tested(node).value(self.engine)

    def tested(self, node: Node) -> Tested:
        match node:
            case Number(value):
                return Tested(self.engine.lit(value, dtype=self.engine.Float64))
            case Text(value) | Truth(value):
                return Tested(self.engine.lit(value))
            case Column(name):
                return self._typed(self.column(name), name, name)
            case Prev(feature, _):
                return self._typed(self.column(node.column, of=feature), feature, node.column)
            case Peer(kind, feature):
                return Tested(
                    self.column(f"{feature}__{kind}").cast(self.engine.Float64), loud=True
                )
            case Parameter(name):
                return Tested(self.thresholds[name].value)
            case Negative(operand):
                inner = self.tested(operand)
                return inner._replace(raw=-inner.raw)
            case Arithmetic(sign, left, right):
                return _arithmetic(sign, self.tested(left), self.tested(right))
            case Call(function, arguments):
                return _call(function, [self.tested(a) for a in arguments], self.engine)
            case Case(whens, default):
                branches = [(self.judgement(w.condition), self.value(w.value)) for w in whens]
                last = self.value(default) if default is not None else None
                return Tested(choose(branches, last, self.engine))
            case _:
                raise TypeError(f"{type(node).__name__} is not a value")

    def judgement(self, node: Node) -> nw.Expr:
        """Truth of a judgement inside a value (``CASE WHEN ...``), not told as a fact."""
        match node:
            case And(operands):
                return every([self.judgement(o) for o in operands], lambda a, b: a & b)
            case Or(operands):
                return every([self.judgement(o) for o in operands], lambda a, b: a | b)
            case Not(operand):
                return ~self.judgement(operand)
            case Compare(op, left, right):
                return compare(op, self.value(left), self.value(right))
            case Member(value, options):
                hits = [compare("=", self.value(value), self.value(o)) for o in options]
                return every(hits, lambda a, b: a | b)
            case IsNull(value):
                return self.value(value).is_null()
            case Case(whens, default):
                branches = [(self.judgement(w.condition), self.judgement(w.value)) for w in whens]
                return choose(
                    branches, self.judgement(default) if default is not None else None, self.engine
                )
            case _:
                return self.value(node)

    def unit(self, node: Node) -> str:
        match node:
            case Column(name):
                found = self.names.columns.get(name)
                return (found.quantity.unit or "") if found else ""
            case Peer(kind, feature):
                return {"pct": SHARE, "z": "z"}.get(kind) or self.unit(Column(feature))
            case Prev(feature, _):
                return self.unit(Column(feature))
            case _:
                return ""

    def is_text(self, node: Node) -> bool:
        match node:
            case Column(name) | Prev(name, _):
                found = self.names.columns.get(name)
                return found is not None and found.quantity.type == "text"
            case Parameter(name):
                return self.thresholds[name].type == "text"
            case Call(_, arguments):
                return any(self.is_text(a) for a in arguments)
            case Case(whens, _):
                return any(self.is_text(w.value) for w in whens)
            case _:
                return isinstance(node, Text)

    def why(self, node: Node) -> nw.Expr:
        """Why a leaf is unknown: the first null it reads, else the arithmetic."""
        none = self.engine.lit(None, dtype=self.engine.String)
        found: list[nw.Expr] = []
        for item in walk(node):
            match item:
                case Column(name):
                    found.append(
                        self.engine.when(self.column(name).is_null()).then(self._given(name))
                    )
                case Prev(feature, _):
                    absent = self.column(item.column, of=feature).is_null()
                    found.append(self.engine.when(absent).then(self._given(item.column)))
                case Peer(_, feature):
                    found.append(self._peer_reason(item, feature))
                case Parameter(name):
                    absent = self.thresholds[name].value.is_null()
                    found.append(
                        self.engine.when(absent).then(self.engine.lit(Reason.NOT_APPLICABLE.value))
                    )
                case _:
                    pass
        return (
            self.engine.coalesce(*found, self.engine.lit(Reason.ZERO_DENOMINATOR.value))
            if found
            else none
        )

    def _given(self, name: str) -> nw.Expr:
        missing = self.engine.lit(Reason.MISSING_INPUT.value)
        reason = f"{name}__reason"
        return (
            self.engine.coalesce(self.engine.col(reason), missing)
            if reason in self.columns
            else missing
        )

    def _peer_reason(self, node: Peer, feature: str) -> nw.Expr:
        own = self.engine.when(self.column(feature).is_null()).then(self._given(feature))
        median = self.column(f"{feature}__median")
        flat = self.engine.when(~median.is_null()).then(
            self.engine.lit(Reason.CONSTANT_PEERS.value)
        )
        few = self.engine.lit(Reason.TOO_FEW.value)
        why = self.engine.coalesce(flat, few) if node.kind == "z" else few
        return self.engine.when(self.value(node).is_null()).then(self.engine.coalesce(own, why))


def compare(op: Comparator, left: nw.Expr, right: nw.Expr) -> nw.Expr:
    """The comparison as an expression; null where either side is null."""
    match op:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def _arithmetic(sign: str, left: Tested, right: Tested) -> Tested:
    """A part that is not finite leaves a result that is not, save below the line."""
    tests = (*left.tests, *right.tests)
    match sign:
        case "+":
            return Tested(left.raw + right.raw, tests, loud=True)
        case "-":
            return Tested(left.raw - right.raw, tests, loud=True)
        case "*":
            return Tested(left.raw * right.raw, tests, loud=True)
        case _:
            ratio = quotient(left.raw, right.raw)
            return Tested(ratio, (*left.tests, *right.known()), loud=True)


def _call(function: str, arguments: list[Tested], engine: Engine) -> Tested:
    """A function of the language; unknown in, unknown out, save for COALESCE."""
    first = arguments[0]
    match function:
        case "ABS":
            return first._replace(raw=first.raw.abs())
        case "LN":
            return Tested(first.raw.log(), first.tests, loud=True)
        case "SQRT":
            return Tested(first.raw.sqrt(), first.tests, loud=True)
        case "NULLIF":
            same = (first.raw == arguments[1].value(engine)).fill_null(value=False)
            return first._replace(tests=(*first.tests, ~same))
        case "COALESCE":
            return Tested(engine.coalesce(*(a.value(engine) for a in arguments)))
        case _:
            known = [t for a in arguments for t in (*a.known(), ~a.raw.is_null())]
            pick = engine.min_horizontal if function == "LEAST" else engine.max_horizontal
            return Tested(pick(*(a.raw for a in arguments)), tuple(known))


def choose(
    branches: list[tuple[nw.Expr, nw.Expr]], default: nw.Expr | None, engine: Engine = PORTABLE
) -> nw.Expr:
    """First branch whose condition is true; an unknown condition is passed over."""
    found = default
    for condition, value in reversed(branches):
        chosen = engine.when(condition.fill_null(value=False)).then(value)
        found = chosen if found is None else chosen.otherwise(found)
    if found is None:
        raise TypeError("CASE without branches")
    return found
