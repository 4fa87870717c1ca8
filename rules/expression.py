"""Condition text to a checked tree: the only door by which author text enters.

The text is refused before it is parsed when it holds a character, a token or a function name that
the language does not have; sqlglot then parses it once and what it made is walked against an
allow-list. The text itself never reaches another parser.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from rules.errors import ExpressionError, nearest, place
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

MAX_LENGTH = 4096
MAX_DEPTH = 32
MAX_NODES = 200
MAX_TOKENS = 900

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*\Z")

_T = TokenType
_ALLOWED = {
    _T.VAR, _T.IDENTIFIER, _T.NUMBER, _T.STRING, _T.COLON, _T.COMMA, _T.L_PAREN, _T.R_PAREN,
    _T.PLUS, _T.DASH, _T.STAR, _T.SLASH, _T.EQ, _T.NEQ, _T.LT, _T.LTE, _T.GT, _T.GTE,
    _T.AND, _T.OR, _T.NOT, _T.BETWEEN, _T.IN, _T.IS, _T.NULL, _T.TRUE, _T.FALSE,
    _T.CASE, _T.WHEN, _T.THEN, _T.ELSE, _T.END,
}  # fmt: skip
_WORDS = {_T.VAR, _T.IDENTIFIER}
_PREFIXES = {_T.NOT, _T.DASH, _T.PLUS}
_FUNCTIONS = {*SCALAR_FUNCTIONS, *PEER_FUNCTIONS, PREVIOUS}
_OF_FEATURES = {*PEER_FUNCTIONS, PREVIOUS}
_REFUSED_WORDS = {
    "SELECT": "subqueries are not part of the language",
    "CURRENT_DATE": "a rule has no clock",
    "CURRENT_TIMESTAMP": "a rule has no clock",
    "CURRENT_TIME": "a rule has no clock",
    "LIKE": "patterns are not part of the language; use = or IN",
}


def parse_condition(text: str) -> Node:
    """Parse one condition.

    Raises:
        ExpressionError: with line and column of the first thing that is not part of the language.
    """
    tokens = _tokens(text)
    try:
        parsed = sqlglot.parse(text)
    except ParseError as error:
        raise _parse_error(error) from None
    except (
        SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError
    ) as error:  # fmt: skip
        raise ExpressionError(f"cannot be read: {type(error).__name__}") from None
    if len(parsed) != 1 or parsed[0] is None:
        raise ExpressionError("exactly one condition is expected")
    return _Reader(text, tokens).read(parsed[0], 1)


def _parse_error(error: ParseError) -> ExpressionError:
    first = error.errors[0] if error.errors else {}
    line, column = int(first.get("line") or 1), int(first.get("col") or 1)
    near = str(first.get("highlight") or "").strip()
    return ExpressionError(
        f"the condition does not parse near `{near[:40]}`"
        if near
        else "the condition is incomplete",
        line,
        max(1, column - max(len(near) - 1, 0)) if near else column,
    )


def _tokens(text: str) -> list[Token]:
    """Tokens of a text that holds nothing but tokens of the language."""
    if not text.strip():
        raise ExpressionError("the condition is empty")
    if len(text.encode("utf-8", "replace")) > MAX_LENGTH:
        raise ExpressionError(f"the condition is longer than {MAX_LENGTH} bytes")
    try:
        tokens = list(Tokenizer().tokenize(text))
    except (SqlglotError, RecursionError, ValueError, LookupError) as error:
        raise ExpressionError(
            "the condition cannot be split into words: " + str(error)[:60]
        ) from None
    _check_characters(text, tokens)
    if len(tokens) > MAX_TOKENS:
        raise ExpressionError(f"the condition has more than {MAX_TOKENS} words and signs")
    for index, token in enumerate(tokens):
        _check_token(text, tokens, index, token)
    _check_nesting(text, tokens)
    return tokens


def _check_characters(text: str, tokens: list[Token]) -> None:
    """ASCII outside quoted text, so that look-alike letters cannot pass; no comments."""
    rest = list(text)
    for token in tokens:
        if token.comments:
            raise _at(text, token.start, "comments are not part of the language")
        if token.token_type is _T.STRING:
            rest[token.start : token.end + 1] = " " * (token.end + 1 - token.start)
    for offset, char in enumerate(rest):
        if not _PLAIN.match(char):
            raise _at(text, offset, f"the character U+{ord(char):04X} is not allowed here")


def _check_token(text: str, tokens: list[Token], index: int, token: Token) -> None:
    word = token.text
    if token.token_type not in _ALLOWED:
        why = _REFUSED_WORDS.get(word.upper(), "is not part of the condition language")
        hint = "As the name of a parameter choose another word." if _NAME.match(word) else ""
        raise _at(text, token.start, f"`{word[:40]}`: {why}", hint)
    follows = tokens[index + 1].token_type if index + 1 < len(tokens) else None
    if token.token_type not in _WORDS:
        return
    if follows is _T.L_PAREN:
        if word.upper() not in SCALAR_FUNCTIONS and word.lower() not in _OF_FEATURES:
            raise _at(
                text, token.start, f"unknown function `{word[:40]}`",
                nearest(word.upper(), (name.upper() for name in _FUNCTIONS))
                or "Known: " + ", ".join(sorted(_FUNCTIONS)) + ".",
            )  # fmt: skip
    elif not _NAME.match(word):
        raise _at(
            text, token.start, f"`{word[:40]}` is not a name",
            "Names are lower-case letters, digits and underscores.",
        )  # fmt: skip


def _check_nesting(text: str, tokens: list[Token]) -> None:
    """Counted before parsing, so that deep nesting never reaches a recursive function."""
    depth = run = 0
    for token in tokens:
        kind = token.token_type
        depth += (kind in (_T.L_PAREN, _T.CASE)) - (kind in (_T.R_PAREN, _T.END))
        run = run + 1 if kind in _PREFIXES else 0
        if depth + run > MAX_DEPTH:
            raise _at(text, token.start, f"nested deeper than {MAX_DEPTH} levels")


def _at(text: str, offset: int, message: str, hint: str = "") -> ExpressionError:
    line, column = place(text, offset)
    return ExpressionError(message, line, column, hint)


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

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.count = 0
        self.parameters: dict[str, int] = {}
        for token, following in pairwise(tokens):
            if token.token_type is _T.COLON:
                self.parameters.setdefault(following.text, token.start)

    def read(self, node: exp.Expr, depth: int) -> Node:
        self.count += 1
        at = self._start(node)
        if depth > MAX_DEPTH:
            raise self._error(at, f"nested deeper than {MAX_DEPTH} levels")
        if self.count > MAX_NODES:
            raise self._error(at, f"more than {MAX_NODES} parts")
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
            parts = tuple(self.read(part, below) for part in _chain(node))
            return And(parts, at) if isinstance(node, exp.And) else Or(parts, at)
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
        if not isinstance(name, str) or not _NAME.match(name):
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
        return Number(value, at)

    def _parameter(self, node: exp.Expr, at: int, _depth: int) -> Node:
        name = node.this
        if not isinstance(name, str) or not _NAME.match(name):
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
        value = self.read(node.this, depth)
        low, high = self.read(node.args["low"], depth), self.read(node.args["high"], depth)
        return And((Compare(">=", value, low, at), Compare("<=", value, high, at)), at)

    def _is_null(self, node: exp.Expr, at: int, depth: int) -> Node:
        if not isinstance(node.expression, exp.Null):
            raise self._error(at, "IS takes only NULL or NOT NULL")
        return IsNull(self.read(node.this, depth), at)

    def _case(self, node: exp.Expr, at: int, depth: int) -> Node:
        subject = self.read(node.this, depth) if node.this else None
        whens: list[When] = []
        for branch in node.args.get("ifs") or ():
            condition = self.read(branch.this, depth)
            if subject is not None:
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

    def _start(self, node: exp.Expr) -> int:
        """Beginning of a node: sqlglot marks only names and literals, so the first of those."""
        best: int | None = None
        stack: list[exp.Expr] = [node]
        while stack:
            item = stack.pop()
            start = item.meta.get("start")
            if start is None and isinstance(item, exp.Placeholder):
                start = self.parameters.get(str(item.this))
            if start is not None:
                best = int(start) if best is None else min(best, int(start))
            stack.extend(item.iter_expressions())
        return best or 0

    def _error(self, at: int, message: str) -> ExpressionError:
        return _at(self.text, at, message)


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
