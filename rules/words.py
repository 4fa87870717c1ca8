"""Condition text to words and signs: what does not belong to the language ends here.

Everything is refused that is not a word, a number, a quoted text or a sign the language has, so
that the parser behind meets no comment, no second statement and no look-alike letter. What stands
between the words is blank, whatever a tokenizer may think of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from rules.errors import ExpressionError, nearest, place
from rules.limits import MAX_DEPTH, MAX_DIGITS, MAX_LENGTH, MAX_TOKENS
from rules.nodes import PEER_FUNCTIONS, PREVIOUS, SCALAR_FUNCTIONS
from rules.plain import HIDDEN

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
FUNCTIONS = {*SCALAR_FUNCTIONS, *PEER_FUNCTIONS, PREVIOUS}

_T = TokenType
_ALLOWED = {
    _T.VAR, _T.NUMBER, _T.STRING, _T.COLON, _T.COMMA, _T.L_PAREN, _T.R_PAREN,
    _T.PLUS, _T.DASH, _T.STAR, _T.SLASH, _T.EQ, _T.NEQ, _T.LT, _T.LTE, _T.GT, _T.GTE,
    _T.AND, _T.OR, _T.NOT, _T.BETWEEN, _T.IN, _T.IS, _T.NULL, _T.TRUE, _T.FALSE,
    _T.CASE, _T.WHEN, _T.THEN, _T.ELSE, _T.END,
}  # fmt: skip
_PREFIXES = {_T.NOT, _T.DASH, _T.PLUS}
_REFUSED_WORDS = {
    "SELECT": "subqueries are not part of the language",
    "CURRENT_DATE": "a rule has no clock",
    "CURRENT_TIMESTAMP": "a rule has no clock",
    "CURRENT_TIME": "a rule has no clock",
    "LIKE": "patterns are not part of the language; use = or IN",
}
_BLANKS = frozenset(" \t\n\r")
_LETTERS = re.compile(r"[^\W\d_]+")
_LOOK_ALIKE = ("LATIN", "CYRILLIC", "GREEK")


def words(text: str) -> list[Token]:
    """Tokens of a text that holds nothing but tokens of the language.

    Raises:
        ExpressionError: with line and column of the first thing that does not belong.
    """
    if not text.strip():
        raise ExpressionError("the condition is empty")
    if len(text.encode("utf-8", "replace")) > MAX_LENGTH:
        raise ExpressionError(f"the condition is longer than {MAX_LENGTH} bytes")
    try:
        tokens = list(Tokenizer().tokenize(text))
    except (SqlglotError, RecursionError, ValueError, LookupError):
        raise _unclosed(text) from None
    _check_gaps(text, tokens)
    if len(tokens) > MAX_TOKENS:
        raise at_offset(
            text, tokens[MAX_TOKENS].start, f"more than {MAX_TOKENS} words and signs"
        )  # fmt: skip
    for index, token in enumerate(tokens):
        _check_token(text, tokens, index, token)
    _check_nesting(text, tokens)
    return tokens


def at_offset(text: str, offset: int, message: str, hint: str = "") -> ExpressionError:
    """The error placed at a character of the text."""
    line, column = place(text, offset)
    return ExpressionError(message, line, column, hint)


def _unclosed(text: str) -> ExpressionError:
    """The usual reason why a text cannot be split: a quote that is never closed."""
    opened: int | None = None
    for offset, char in enumerate(text):
        if char == "'":
            opened = offset if opened is None else None
    if opened is not None:
        return at_offset(text, opened, "this quoted text is never closed")
    for sign in ('"', "`", "/*"):
        if sign in text:
            return at_offset(text, text.rfind(sign), f"`{sign}` is not part of the language")
    return ExpressionError("the condition cannot be split into words")


def _gaps(text: str, tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """Stretches of the text that belong to no token."""
    last = 0
    for token in tokens:
        yield last, token.start
        last = token.end + 1
    yield last, len(text)


def _check_gaps(text: str, tokens: list[Token]) -> None:
    """Only blanks between tokens: no comment, and no sign that a tokenizer passes over."""
    for start, end in _gaps(text, tokens):
        for offset in range(start, end):
            if text[offset] in _BLANKS:
                continue
            if text.startswith(("--", "/*", "{#"), offset):
                raise at_offset(text, offset, "comments are not part of the language")
            if " " < text[offset] <= "~":
                near = text[offset : offset + 20].split()[0]
                raise at_offset(text, offset, f"`{near}` is not part of the condition language")
            raise _strange(text, offset)
    for token in tokens:
        if token.comments:
            raise at_offset(text, token.start, "comments are not part of the language")


def _strange(text: str, offset: int) -> ExpressionError:
    return at_offset(text, offset, f"the character U+{ord(text[offset]):04X} is not allowed here")


def _check_token(text: str, tokens: list[Token], index: int, token: Token) -> None:
    kind, word = token.token_type, token.text
    if kind is _T.STRING:
        return _check_text(text, token)
    for offset in range(token.start, token.end + 1):
        if not " " <= text[offset] <= "~":
            raise _strange(text, offset)
    if kind is _T.IDENTIFIER:
        hint = "Names stand without quotes, texts between single ones."
        raise at_offset(text, token.start, "double quotes are not part of the language", hint)
    if kind not in _ALLOWED or word == "!":
        why = _REFUSED_WORDS.get(word.upper(), "is not part of the condition language")
        hint = "As the name of a parameter choose another word." if NAME.match(word) else ""
        raise at_offset(text, token.start, f"`{word[:40]}`: {why}", hint)
    if kind is _T.NUMBER and len(word) > MAX_DIGITS:
        raise at_offset(text, token.start, f"a number of more than {MAX_DIGITS} characters")
    if kind is _T.VAR:
        _check_word(text, tokens, index, token)
    return None


def _check_text(text: str, token: Token) -> None:
    """Quoted text as it looks: composed letters of one script a word, nothing unseen."""
    inner = text[token.start : token.end + 1]
    if inner.isascii() and inner.isprintable():
        return
    for offset, char in enumerate(inner):
        kind = unicodedata.category(char)
        if kind in HIDDEN or (kind == "Zs" and char not in " \u3000"):
            raise _strange(text, token.start + offset)
    if unicodedata.normalize("NFC", inner) != inner:
        raise at_offset(text, token.start, "this text holds letters that are not composed")
    for found in _LETTERS.finditer(inner):
        scripts = {unicodedata.name(char, "").partition(" ")[0] for char in found[0]}
        if len(scripts.intersection(_LOOK_ALIKE)) > 1:
            raise at_offset(
                text, token.start + found.start(),
                f"`{found[0][:40]}` mixes letters that look alike",
            )  # fmt: skip


def _check_word(text: str, tokens: list[Token], index: int, token: Token) -> None:
    word = token.text
    called = index + 1 < len(tokens) and tokens[index + 1].token_type is _T.L_PAREN
    if called and word.upper() not in SCALAR_FUNCTIONS and word.lower() not in FUNCTIONS:
        raise at_offset(
            text, token.start, f"unknown function `{word[:40]}`",
            nearest(word.upper(), (name.upper() for name in FUNCTIONS))
            or "Known: " + ", ".join(sorted(FUNCTIONS)) + ".",
        )  # fmt: skip
    if not called and not NAME.match(word):
        raise at_offset(
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
            raise at_offset(text, token.start, f"nested deeper than {MAX_DEPTH} levels")
