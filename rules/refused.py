"""Words of SQL a condition may never hold, whatever the parser thinks of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

CLOCK = frozenset(
    [
        "now",
        "today",
        "sysdate",
        "systimestamp",
        "getdate",
        "getutcdate",
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "unix_timestamp",
        "utc_date",
        "utc_time",
        "utc_timestamp",
        "curdate",
        "curtime",
        "datetime",
        "julianday",
    ]
)
CHANCE = frozenset(
    [
        "random",
        "rand",
        "randn",
        "rand_str",
        "uniform",
        "uuid",
        "newid",
        "gen_random_uuid",
        "generate_uuid",
        "setseed",
        "shuffle",
        "tablesample",
        "randstr",
    ]
)
QUERY = frozenset(
    [
        "select",
        "exists",
        "with",
        "from",
        "union",
        "intersect",
        "except",
        "values",
        "lateral",
        "join",
        "unnest",
        "table",
        "any",
        "all",
        "some",
        "insert",
        "update",
        "delete",
        "drop",
        "create",
        "alter",
        "copy",
        "attach",
        "pragma",
    ]
)
_TOKEN = re.compile(r"'(?:[^']|'')*'|:?[A-Za-z_][A-Za-z0-9_]*")
"""Quoted text, a parameter or a word; only words can be refused."""
_WHY = (
    (CLOCK, "a rule has no clock"),
    (CHANCE, "a rule has no randomness"),
    (QUERY, "a rule has no query inside"),
)


def refused_words(text: str) -> Iterator[tuple[int, str, str]]:
    """(offset, word, why) of clocks, chance and queries outside quoted text, in order."""
    for match in _TOKEN.finditer(text):
        word = match[0].lower()
        for words, why in _WHY:
            if word in words:
                yield match.start(), match[0], why


def refused_at(text: str, line: int, column: int) -> str | None:
    """Why the word at a 1-based place of a text is refused; None where another fault lies."""
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return None
    offset = sum(len(part) + 1 for part in lines[: line - 1]) + column - 1
    return next((why for at, _, why in refused_words(text) if at == offset), None)
