"""Conditions in plain English, and which truth values they can take at all."""

from __future__ import annotations

import pytest

from rules.expression import parse_condition
from rules.lint.truth import redundant, verdicts
from rules.spoken import outline
from rules.writing import write

TITLES = {"a": "the spread", "b": "the gap"}


@pytest.mark.parametrize(
    ("condition", "lines"),
    [
        ("a <= :k", ["- the spread (`a`) is at most the limit `k`"]),
        ("NOT (a <= 1)", ["- the spread (`a`) is above `1`"]),
        ("c IN ('x', 'y')", ["- `c` is one of `'x'`, `'y'`"]),
        ("NOT (c IN ('x'))", ["- `c` is none of `'x'`"]),
        ("a IS NOT NULL", ["- the spread (`a`) is known"]),
        (
            "a > 1 AND (b < 2 OR c IS NULL)",
            ["- all of this holds:", "  - the spread (`a`) is above `1`",
             "  - one of these holds:", "    - the gap (`b`) is below `2`",
             "    - `c` is not known"],
        ),
        ("pct_rank(a) >= 0.9",
         ["- the rank of the spread (`a`) among its peers is at least `0.9`"]),
        ("a > 2 * prev(a, 1)",
         ["- the spread (`a`) is above (`2` times the spread (`a`) one period before)"]),
        ("prev(b, 4) = b", ["- the gap (`b`) 4 periods before is the gap (`b`)"]),
        ("COALESCE(a, b) <> 0",
         ["- the first known of the spread (`a`) and the gap (`b`) is not `0`"]),
        ("NOT (a > 1 AND b > 1)",
         ["- this does not hold:", "  - all of this holds:", "    - the spread (`a`) is above `1`",
          "    - the gap (`b`) is above `1`"]),
        ("CASE WHEN a > 1 THEN b > 1 ELSE b > 2 END",
         ["- where", "  - the spread (`a`) is above `1`", "  it holds if",
          "  - the gap (`b`) is above `1`", "- otherwise:", "  - the gap (`b`) is above `2`"]),
    ],
)  # fmt: skip
def test_a_condition_is_said_in_words(condition: str, lines: list[str]) -> None:
    assert outline(parse_condition(condition), TITLES) == lines


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("a > 1", {True, False, None}),
        ("a > 1 AND a < 0", {False, None}),
        ("a > 1 OR a <= 1", {True, None}),
        ("a IS NULL", {True, False}),
        ("a IS NULL OR a IS NOT NULL", {True}),
        ("a > :k AND a < :k", {False, None}),
        ("a > :free AND a < :free", {True, False, None}),
        ("c = 'x' AND c = 'y'", {False, None}),
        ("c IN ('x', 'y') AND c <> 'x' AND c <> 'y'", {False, None}),
        ("c IN ('x', 'y') OR c <> 'x'", {True, None}),
        ("NOT (c = 'x') AND c IS NOT NULL", {True, False}),
        ("1 > 0", {True}),
        ("'x' = 'y'", {False}),
        ("a > b AND b > a", {True, False, None}),
        ("CASE WHEN a > 1 THEN TRUE WHEN a <= 1 THEN FALSE ELSE FALSE END = TRUE",
         {True, False, None}),
    ],
)  # fmt: skip
def test_the_truth_values_a_condition_can_take(condition: str, found: set[bool | None]) -> None:
    assert verdicts(parse_condition(condition), {"k": 3.0}) == found


@pytest.mark.parametrize(
    ("condition", "left_out"),
    [
        ("a > 1 AND b > 1", []),
        ("a > 1 AND a > 0", ["a > 0"]),
        ("a > 1 OR a > 0", ["a > 1"]),
        ("a > 1 AND a > 1", ["a > 1"]),
        ("a > 1 AND (a > 1 OR b > 1)", ["b > 1"]),
        ("a > 1 OR a IS NULL", []),
        ("a > 1 AND a IS NOT NULL", []),
    ],
)
def test_parts_that_change_nothing(condition: str, left_out: list[str]) -> None:
    found = [write(leaf) for leaf in redundant(parse_condition(condition), {})]
    assert set(left_out) <= set(found) if left_out else found == []


def test_a_condition_of_too_many_names_is_not_looked_into() -> None:
    many = parse_condition(" AND ".join(f"f{n} > 0" for n in range(12)))
    assert verdicts(many, {}) is None
    assert redundant(many, {}) == []
