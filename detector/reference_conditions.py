"""The reference page of the condition language; every answer on it is computed as it is written."""

from __future__ import annotations

from typing import Any

from detector.markdown import table
from rules import limits, reader
from rules.nodes import MOST_PERIODS_BACK, PEER_FUNCTIONS, PREVIOUS, SCALAR_FUNCTIONS

GRAMMAR = """\
condition  = condition OR condition | condition AND condition | NOT condition | judgement
judgement  = value compare value | value [NOT] IN ( option, ... )
           | value [NOT] BETWEEN value AND value | value IS [NOT] NULL | yes-no attribute
           | TRUE | FALSE | choice | ( condition )
compare    = "=" | "<>" | "!=" | "<" | "<=" | ">" | ">="
value      = number | 'text' | name | :parameter | value sign value | - value
           | function ( value, ... ) | choice | ( value )
sign       = "+" | "-" | "*" | "/"
option     = number | 'text' | :parameter
choice     = CASE [value] WHEN condition THEN value ... [ELSE value] END"""

MEANINGS = {
    "ABS": "The number without its sign.",
    "LN": "Natural logarithm; unknown at zero and below.",
    "SQRT": "Square root; unknown below zero.",
    "NULLIF": "The first, or unknown where both are equal.",
    "COALESCE": "The first that is known.",
    "LEAST": "The smallest; unknown where one is.",
    "GREATEST": "The largest; unknown where one is.",
    "pct_rank": "Share of the peers that lie below, 0 to 1.",
    "peer_median": "Median of the peers.",
    "peer_z": "Distance from the peers' median in robust standard deviations.",
    "prev": f"The feature that many periods before, 1 to {MOST_PERIODS_BACK}.",
}
"""What each function gives; a function without a line here ends the writing of the page."""

SHOWN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a = a", {}), ("a IS NULL", {}), ("a NOT IN (1, 2)", {}), ("a BETWEEN 1 AND b", {"a": 0.0}),
    ("a BETWEEN 1 AND b", {"a": 2.0}), ("CASE WHEN a > 0 THEN 1 ELSE 2 END = 2", {}),
    ("CASE WHEN a > 0 THEN 1 END = 1", {"a": -1.0}), ("COALESCE(a, 5) = 5", {}),
    ("LEAST(a, b) = 1", {"a": 1.0}), ("a / b > 0", {"a": 1.0, "b": 0.0}),
    ("COALESCE(a / b, 9) = 9", {"a": 1.0, "b": 0.0}), ("LN(a) < 0", {"a": 0.0}),
    ("SQRT(a) >= 0", {"a": -1.0}), ("a * b > 0", {"a": 1e300, "b": 1e300}),
    ("a > 0", {"a": float("nan")}), ("a > 0", {"a": float("inf")}), ("a < 0", {"a": -0.0}),
    ("a + b = 0.3", {"a": 0.1, "b": 0.2}), ("a > 0", {"a": 5e-324}), ("n / 2 = 1.5", {"n": 3}),
    ("word = 'x'", {"word": "X"}), ("word = ''", {}), ("peer_z(a) > 3", {"a": 1.0}),
    ("a > prev(a, 1)", {"a": 1.0}),
)  # fmt: skip
"""Conditions and rows of the table of answers."""

WORDS = {True: "true", False: "false", None: "unknown"}


def conditions_page() -> str:
    """Grammar, functions, logic with its tables, numbers and limits."""
    return "\n\n".join(
        [
            "# Condition language",
            "What stands under `condition`, `scope`, `bands[].when` and `score` of a rule: one"
            " expression over the features and attributes of the rule's grain and its"
            " `:parameters`."
            " It has no clock, no chance, no files, no subquery, no aggregate and no comment."
            " Whatever is not on this page is refused with line and column.",
            "## Grammar",
            f"```text\n{GRAMMAR}\n```",
            "Names are lower-case letters, digits and underscores, without quotes. Keywords and"
            " function names may be written in either case. Text stands between single quotes, a"
            " quote inside is doubled; it is compared letter by letter. `NOT` binds tighter than"
            " `AND`, `AND` tighter than `OR`, `*` and `/` tighter than `+` and `-`.",
            "## Functions",
            _functions(),
            "## True, false and unknown",
            "A value that is missing is unknown, and so is every comparison with it. A rule fires"
            " where its condition is true; where it is unknown the row is `not_evaluable`, unless"
            " the rule says `on_missing: clear`.",
            _logic("AND"), _logic("OR"),
            "`NOT` of unknown is unknown. `CASE` passes over a branch whose condition is false or"
            " unknown, and without `ELSE` is unknown where none holds. `IS NULL` is never unknown."
            " `BETWEEN` holds both ends.",
            "## Numbers",
            "All numbers are double-precision floats, whole numbers too, and are compared exactly,"
            " without a tolerance. A result that is not finite (division by zero, a result too"
            " large, the logarithm of zero) is unknown; NaN and infinity in data are unknown."
            " Zero has no sign. Values of two different units are not compared or added.",
            "## Answers",
            table(("condition", "row", "answer"), _answers()),
            "## Limits",
            table(("what", "at most"), _limits()),
        ]
    )  # fmt: skip


def _functions() -> str:
    most = {name: f"{low} to {high}" if low != high else str(low)
            for name, (low, high) in SCALAR_FUNCTIONS.items()}  # fmt: skip
    most |= dict.fromkeys(PEER_FUNCTIONS, "a feature")
    most[PREVIOUS] = "a feature, a number"
    rows = [(f"`{name}`", takes, MEANINGS[name]) for name, takes in most.items()]
    return table(("function", "takes", "gives"), rows)


def _logic(word: str) -> str:
    """The table of a connector, from the compiled connector itself."""
    side = {"true": 1.0, "false": -1.0, "unknown": None}
    rows = []
    for left, a in side.items():
        answers = [answer(f"a > 0 {word} b > 0", {"a": a, "b": b}) for b in side.values()]
        rows.append((f"**{left}**", *answers))
    return table((f"{word}", *side), rows)


def _answers() -> list[tuple[str, str, str]]:
    return [
        (f"`{text}`", ", ".join(f"{k} = {v}" for k, v in row.items()) or "all missing",
         answer(text, row))
        for text, row in SHOWN
    ]  # fmt: skip


def answer(text: str, row: dict[str, Any]) -> str:
    """``true``, ``false`` or ``unknown``, as the engine gives it for one row.

    The row may hold the numbers ``a``, ``b`` and ``n`` and the text ``word``.
    """
    import polars as pl

    from rules.checking import vocabulary
    from rules.engine import NATIVE
    from rules.expression import parse_condition
    from rules.values import Values

    features = [("a", "ratio", False), ("b", "ratio", False), ("word", "", True)]
    names = vocabulary("firm_y", features, {"n": "number"})
    dtypes = {"a": pl.Float64, "b": pl.Float64, "n": pl.Int64, "word": pl.String}
    frame = pl.DataFrame({k: pl.Series([row.get(k)], dtype=d) for k, d in dtypes.items()})
    truth: Any = Values(names, {}, frozenset(dtypes), NATIVE).judgement(parse_condition(text))
    return WORDS[frame.select(truth.alias("truth")).item()]


def _limits() -> list[tuple[str, str]]:
    return [
        ("bytes of one expression", f"{limits.MAX_LENGTH:,}"),
        ("words and signs", f"{limits.MAX_TOKENS:,}"),
        ("levels of nesting", f"{limits.MAX_DEPTH:,}"),
        ("parts, those counted again that BETWEEN and CASE repeat", f"{limits.MAX_NODES:,}"),
        ("operations of an engine", f"{limits.MAX_WORK:,}"),
        ("characters of one number", f"{limits.MAX_DIGITS:,}"),
        ("bytes of a rule file", f"{reader.MAX_BYTES:,}"),
        ("values of a rule file", f"{reader.MAX_NODES:,}"),
        ("levels of a rule file", f"{reader.MAX_DEPTH:,}"),
    ]
