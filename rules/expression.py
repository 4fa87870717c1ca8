"""Condition text to a checked tree: the only door by which author text enters.

The text is refused before it is parsed when it holds a character, a token or a function name that
the language does not have; sqlglot then parses it once and what it made is walked against an
allow-list. The text itself never reaches another parser.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from rules.cost import work
from rules.errors import ExpressionError
from rules.limits import MAX_DEPTH, MAX_NODES, MAX_WORK
from rules.nodes import (
    MOST_PERIODS_BACK,
    PEER_FUNCTIONS,
    PREVIOUS,
    SCALAR_FUNCTIONS,
    And,
    Arithmetic,
    ArithmeticSign,
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
from rules.words import NAME, at_offset, words


def parse_condition(text: str) -> Node:
    """Parse one condition.

    The verdict does not depend on how deep the caller's own calls are nested: where they leave too
    little room, the text is read once more in a thread with room of its own.

    Raises:
        ExpressionError: with line and column of the first thing that is not part of the language.
    """
    try:
        return _parse(text)
    except RecursionError:
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(_parse_apart, text).result()


def _parse_apart(text: str) -> Node:
    try:
        return _parse(text)
    except RecursionError:
        raise ExpressionError("nested too deeply") from None


def _parse(text: str) -> Node:
    tokens = words(text)
    try:
        parsed = Dialect.get_or_raise(None).parser().parse(tokens, text)
    except ParseError as error:
        raise _parse_error(text, tokens, error) from None
    except (SqlglotError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise ExpressionError(f"cannot be read: {type(error).__name__}") from None
    if len(parsed) != 1 or parsed[0] is None:
        raise ExpressionError("exactly one condition is expected")
    reader = _Reader(text, tokens, parsed[0])
    tree = reader.read(parsed[0], 1)
    if work(tree) > MAX_WORK:
        raise at_offset(text, tree.at, "too much is nested in too much", "Split it in two rules.")
    return tree


def _parse_error(text: str, tokens: list[Token], error: ParseError) -> ExpressionError:
    first = error.errors[0] if error.errors else {}
    where = (first.get("line"), first.get("col"))
    token = next((t for t in tokens if (t.line, t.col) == where), tokens[-1])
    near = text[token.start : token.end + 1]
    if token is tokens[-1]:
        return at_offset(text, token.start, f"the condition ends or breaks off at `{near[:40]}`")
    return at_offset(text, token.start, f"the condition does not parse near `{near[:40]}`")


_COMPARE: dict[type[exp.Expr], Comparator] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_SIGNS: dict[type[exp.Expr], ArithmeticSign] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/",
}  # fmt: skip
_CALLS: dict[type[exp.Expr], str] = {
    exp.Abs: "ABS", exp.Ln: "LN", exp.Sqrt: "SQRT", exp.Nullif: "NULLIF",
    exp.Coalesce: "COALESCE", exp.Least: "LEAST", exp.Greatest: "GREATEST",
}  # fmt: skip
_KEYS: dict[type[exp.Expr], set[str]] = {
    exp.Column: {"this"}, exp.Identifier: {"this", "quoted"},
    exp.Literal: {"this", "is_string"}, exp.Placeholder: {"this"}, exp.Boolean: {"this"},
    exp.Paren: {"this"}, exp.Neg: {"this"}, exp.Not: {"this"}, exp.Null: set(),
    exp.And: {"this", "expression"}, exp.Or: {"this", "expression"},
    exp.Between: {"this", "low", "high"}, exp.In: {"this", "expressions"},
    exp.Is: {"this", "expression"}, exp.Case: {"this", "ifs", "default"},
    exp.If: {"this", "true"}, exp.Anonymous: {"this", "expressions"},
    **{kind: {"this", "expression"} for kind in _COMPARE},
    **{kind: {"this", "expression", "typed", "safe"} for kind in _SIGNS},
    **{kind: {"this", "expression", "expressions", "ignore_nulls"} for kind in _CALLS},
}  # fmt: skip
"""Parts a parsed node may have; anything else set on it is a construct we do not know."""


class _Reader:
    """Walks what sqlglot made and builds our own tree, counting as it goes."""

    def __init__(self, text: str, tokens: list[Token], root: exp.Expr) -> None:
        self.text = text
        self.count = 0
        parameters: dict[str, int] = {}
        for token, following in pairwise(tokens):
            if token.token_type is TokenType.COLON:
                parameters.setdefault(following.text, token.start)
        self.starts = _starts(root, parameters)

    def read(self, node: exp.Expr, depth: int) -> Node:
        at = self.starts.get(id(node), 0)
        if depth > MAX_DEPTH:
            raise self._error(at, f"nested deeper than {MAX_DEPTH} levels")
        self._count(1, at)
        kind = type(node)
        keys = _KEYS.get(kind)
        extra = keys is not None and any(v for k, v in node.args.items() if k not in keys)
        if keys is None or extra:
            raise self._error(
                at, f"`{kind.__name__.upper()}` is not part of the condition language"
            )
        if isinstance(node, exp.Paren):
            self.count -= 1
            return self.read(node.this, depth)
        if kind in _CALLS or isinstance(node, exp.Anonymous):
            return self._call(node, at, depth)
        return self._plain(node, at, depth)

    def _count(self, parts: int, at: int) -> None:
        self.count += parts
        if self.count > MAX_NODES:
            raise self._error(at, f"more than {MAX_NODES} parts")

    def _plain(self, node: exp.Expr, at: int, depth: int) -> Node:
        below = depth + 1
        kind = type(node)
        if kind in _COMPARE:
            left, right = self.read(node.this, below), self.read(node.expression, below)
            return Compare(_COMPARE[kind], left, right, at)
        if kind in _SIGNS:
            left, right = self.read(node.this, below), self.read(node.expression, below)
            return Arithmetic(_SIGNS[kind], left, right, at)
        if isinstance(node, exp.And | exp.Or):
            parts = [self.read(part, below) for part in _chain(node)]
            if isinstance(node, exp.Or):
                return Or(tuple(parts), at)
            # BETWEEN has become an AND of its own.
            nested = [p.operands if isinstance(p, And) else (p,) for p in parts]
            return And(tuple(part for group in nested for part in group), at)
        reader: dict[type[exp.Expr], Callable[[exp.Expr, int, int], Node]] = {
            exp.Column: self._column, exp.Literal: self._literal,
            exp.Placeholder: self._parameter, exp.Neg: self._negative, exp.In: self._member,
            exp.Between: self._between, exp.Is: self._is_null, exp.Case: self._case,
        }  # fmt: skip
        if isinstance(node, exp.Not):
            return Not(self.read(node.this, below), at)
        if isinstance(node, exp.Boolean):
            return Truth(bool(node.this), at)
        if isinstance(node, exp.Null):
            raise self._error(at, "NULL stands only in IS NULL and IS NOT NULL")
        if kind not in reader:
            raise self._error(at, f"`{kind.__name__.upper()}` is not expected here")
        return reader[kind](node, at, below)

    def _column(self, node: exp.Expr, at: int, _depth: int) -> Node:
        name = node.this.this if isinstance(node.this, exp.Identifier) else ""
        if not isinstance(name, str) or not NAME.match(name):
            raise self._error(at, f"`{str(name)[:40]}` is not a column name")
        return Column(name, at)

    def _literal(self, node: exp.Expr, at: int, _depth: int) -> Node:
        if node.args.get("is_string"):
            return Text(str(node.this), at)
        try:
            value = float(node.this)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self._error(at, f"`{str(node.this)[:40]}` is not a finite number")
        if value == 0 and any(digit in "123456789" for digit in _mantissa(str(node.this))):
            raise self._error(at, f"`{str(node.this)[:40]}` is too small to tell from zero")
        return Number(value, at)

    def _parameter(self, node: exp.Expr, at: int, _depth: int) -> Node:
        name = node.this
        if not isinstance(name, str) or not NAME.match(name):
            raise self._error(at, "a parameter is a colon and a name, as in `:max_cv`")
        return Parameter(name, at)

    def _negative(self, node: exp.Expr, at: int, depth: int) -> Node:
        operand = self.read(node.this, depth)
        return Number(-operand.value, at) if isinstance(operand, Number) else Negative(operand, at)

    def _member(self, node: exp.Expr, at: int, depth: int) -> Node:
        options = tuple(self.read(option, depth) for option in node.expressions)
        if not options or not all(isinstance(o, Number | Text | Parameter) for o in options):
            raise self._error(at, "IN takes a list of numbers, texts or parameters")
        return Member(self.read(node.this, depth), options, at)

    def _between(self, node: exp.Expr, at: int, depth: int) -> Node:
        """Two comparisons of one value, which therefore counts twice."""
        before = self.count
        value = self.read(node.this, depth + 1)
        self._count(self.count - before + 2, at)
        low, high = self.read(node.args["low"], depth + 1), self.read(node.args["high"], depth + 1)
        return And((Compare(">=", value, low, at), Compare("<=", value, high, at)), at)

    def _is_null(self, node: exp.Expr, at: int, depth: int) -> Node:
        if not isinstance(node.expression, exp.Null):
            raise self._error(at, "IS takes only NULL or NOT NULL")
        return IsNull(self.read(node.this, depth), at)

    def _case(self, node: exp.Expr, at: int, depth: int) -> Node:
        """With a subject, one comparison a branch; the subject counts as often."""
        before = self.count
        subject = self.read(node.this, depth + 1) if node.this else None
        size = self.count - before
        whens: list[When] = []
        for branch in node.args.get("ifs") or ():
            condition = self.read(branch.this, depth + (subject is not None))
            if subject is not None:
                self._count(size + 1 if whens else 1, at)
                condition = Compare("=", subject, condition, condition.at)
            whens.append(When(condition, self.read(branch.args["true"], depth), condition.at))
        if not whens:
            raise self._error(at, "CASE needs at least one WHEN")
        default = node.args.get("default")
        return Case(tuple(whens), self.read(default, depth) if default else None, at)

    def _call(self, node: exp.Expr, at: int, depth: int) -> Node:
        name = _CALLS.get(type(node)) or str(node.this).lower()
        parts = [node.expression] if node.args.get("expression") else list(node.expressions)
        if type(node) in _CALLS:
            parts = [node.this, *parts]
        arguments = tuple(self.read(part, depth + 1) for part in parts if part is not None)
        if name in PEER_FUNCTIONS:
            if len(arguments) != 1 or not isinstance(arguments[0], Column):
                raise self._error(at, f"`{name}` takes one feature name")
            return Peer(PEER_FUNCTIONS[name], arguments[0].name, at)
        if name == PREVIOUS:
            return self._previous(arguments, at)
        if name not in SCALAR_FUNCTIONS:
            raise self._error(at, f"unknown function `{name[:40]}`")
        least, most = SCALAR_FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise self._error(at, f"{name} takes {least} to {most} arguments, not {len(arguments)}")
        return Call(name, arguments, at)

    def _previous(self, arguments: tuple[Node, ...], at: int) -> Node:
        match arguments:
            case (Column(feature), Number(back)) if back in range(1, MOST_PERIODS_BACK + 1):
                return Prev(feature, int(back), at)
        most = f"1 to {MOST_PERIODS_BACK}"
        raise self._error(at, f"`prev` takes a feature name and a number of periods, {most}")

    def _error(self, at: int, message: str) -> ExpressionError:
        return at_offset(self.text, at, message)


def _chain(node: exp.Expr) -> list[exp.Expr]:
    """Operands of a chain of one connector, flattened without recursion."""
    kind, found, stack = type(node), [], [node]
    while stack:
        item = stack.pop()
        inner = item.unnest()
        if type(inner) is kind:
            stack.extend((inner.expression, inner.this))
        else:
            found.append(item)
    return found


def _starts(root: exp.Expr, parameters: dict[str, int]) -> dict[int, int]:
    """Beginning of every node: sqlglot marks only names and literals, so the first of those."""
    order, stack = [], [root]
    while stack:
        item = stack.pop()
        inner = list(item.iter_expressions())
        order.append((item, inner))
        stack.extend(inner)
    found: dict[int, int] = {}
    for item, inner in reversed(order):
        start = item.meta.get("start")
        if start is None and isinstance(item, exp.Placeholder):
            start = parameters.get(str(item.this))
        known = [found[id(part)] for part in inner if id(part) in found]
        if start is not None:
            known.append(int(start))
        if known:
            found[id(item)] = min(known)
    return found


def _mantissa(number: str) -> str:
    """Digits of a number before its exponent."""
    return number.lower().partition("e")[0]
