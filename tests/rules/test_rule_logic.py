"""The truth table: what every construct gives for true, false and unknown."""

from __future__ import annotations

import itertools

import pytest

from rules.evaluate import evaluate_rule
from rules.parameters import ParameterBook
from tests.rules.rule_frames import frame_of, make_rule

T, F, U = 1.0, 0.0, None
"""Values of a, b, c for which `a = 1` is true, false and unknown."""
NAMES = {True: "fired", False: "clear", None: "not_evaluable"}


def outcome(condition: str, **row: object) -> str:
    found = evaluate_rule(make_rule(condition), frame_of([row]), ParameterBook())
    return str(found["outcome"].item())


def kleene_and(x: bool | None, y: bool | None) -> bool | None:
    if x is False or y is False:
        return False
    return None if x is None or y is None else True


def kleene_or(x: bool | None, y: bool | None) -> bool | None:
    if x is True or y is True:
        return True
    return None if x is None or y is None else False


def test_and_or_not_for_every_pair() -> None:
    values = (True, False, None)
    as_number = {True: T, False: F, None: U}
    pairs = list(itertools.product(values, values))
    frame = frame_of([{"a": as_number[x], "b": as_number[y]} for x, y in pairs])
    for text, oracle in (
        ("a = 1 AND b = 1", kleene_and),
        ("a = 1 OR b = 1", kleene_or),
        ("NOT (NOT (a = 1) OR NOT (b = 1))", kleene_and),
        ("NOT (a = 1 AND b = 1)", lambda x, y: _invert(kleene_and(x, y))),
        ("a = 1 OR NOT (b = 1)", lambda x, y: kleene_or(x, _invert(y))),
    ):
        found = evaluate_rule(make_rule(text), frame, ParameterBook())["outcome"].to_list()
        assert found == [NAMES[oracle(x, y)] for x, y in pairs], text


def _invert(x: bool | None) -> bool | None:
    return None if x is None else not x


CASES = [
    # comparison with unknown
    ("a > 0", {"a": None}, None), ("a = a", {"a": None}, None), ("a <> a", {"a": None}, None),
    ("a >= 1", {"a": 1}, True), ("a > 1", {"a": 1}, False), ("a <= 1", {"a": 1}, True),
    ("a < 1", {"a": 1}, False), ("a <> 1", {"a": 1}, False), ("2 > a", {"a": 1}, True),
    ("1 >= a", {"a": 2}, False), ("a > b", {"a": 2, "b": 1}, True), ("a > b", {"a": 2}, None),
    # null tests are never unknown
    ("a IS NULL", {"a": None}, True), ("a IS NULL", {"a": 1}, False),
    ("a IS NOT NULL", {"a": None}, False), ("a IS NOT NULL AND a > 0", {"a": None}, False),
    ("a / b IS NULL", {"a": 1, "b": 0}, True),
    # between and in
    ("a BETWEEN 1 AND 3", {"a": 1}, True), ("a BETWEEN 1 AND 3", {"a": 3}, True),
    ("a BETWEEN 1 AND 3", {"a": 4}, False), ("a BETWEEN 1 AND 3", {"a": None}, None),
    ("a NOT BETWEEN 1 AND 3", {"a": 4}, True), ("a NOT BETWEEN 1 AND 3", {"a": None}, None),
    ("a BETWEEN 1 AND b", {"a": 0}, False), ("a BETWEEN 1 AND b", {"a": 2}, None),
    ("a IN (1, 2)", {"a": 2}, True), ("a IN (1, 2)", {"a": 3}, False),
    ("a IN (1, 2)", {"a": None}, None), ("a NOT IN (1, 2)", {"a": 3}, True),
    ("a NOT IN (1, 2)", {"a": None}, None), ("level IN ('x', 'y')", {"level": "y"}, True),
    ("level IN ('x', 'y')", {"level": None}, None), ("level = 'x'", {"level": "y"}, False),
    ("level <> 'x'", {"level": "y"}, True), ("level <> 'x'", {"level": None}, None),
    # case passes unknown branches over
    ("CASE WHEN a > 0 THEN b > 0 ELSE b < 0 END", {"a": None, "b": -1}, True),
    ("CASE WHEN a > 0 THEN b > 0 ELSE b < 0 END", {"a": 1, "b": 1}, True),
    ("CASE WHEN a > 0 THEN b > 0 END", {"a": -1, "b": 1}, None),
    ("CASE WHEN a > 0 THEN b > 0 END", {"a": 1, "b": -1}, False),
    ("CASE WHEN a > 0 THEN 1 ELSE 2 END = 2", {"a": None}, True),
    ("CASE WHEN a > 0 THEN 1 END = 1", {"a": -1}, None),
    ("CASE a WHEN 1 THEN 10 WHEN 2 THEN 20 END > 15", {"a": 2}, True),
    ("CASE a WHEN 1 THEN 10 WHEN 2 THEN 20 END > 15", {"a": 3}, None),
    # functions: unknown in, unknown out, save for COALESCE
    ("COALESCE(a, 5) > 4", {"a": None}, True), ("COALESCE(a, 5) > 4", {"a": 1}, False),
    ("COALESCE(a, b) > 4", {}, None), ("NULLIF(a, 0) > 0", {"a": 0}, None),
    ("NULLIF(a, 0) > 0", {"a": 1}, True), ("NULLIF(a, b) > 0", {"a": 1}, True),
    ("NULLIF(a, b) > 0", {"b": 1}, None), ("ABS(a) > 1", {"a": -2}, True),
    ("ABS(a) > 1", {"a": None}, None), ("LEAST(a, b) > 1", {"a": 2, "b": 3}, True),
    ("LEAST(a, b) > 1", {"a": 2, "b": 0}, False), ("LEAST(a, b) > 1", {"a": 2}, None),
    ("GREATEST(a, b) > 1", {"a": 2}, None), ("GREATEST(a, b, 7) > 6", {"a": 2, "b": 0}, True),
    ("LN(a) > 0", {"a": 3}, True), ("LN(a) > 0", {"a": 0}, None), ("LN(a) > 0", {"a": -1}, None),
    ("SQRT(a) >= 3", {"a": 9}, True), ("SQRT(a) >= 0", {"a": -1}, None),
    # arithmetic: no NaN, no infinity
    ("a / b > 0", {"a": 1, "b": 0}, None), ("a / b > 0", {"a": 0, "b": 0}, None),
    ("a / b = 2", {"a": 4, "b": 2}, True), ("a / 0 > 1", {"a": 4}, None),
    ("a * b > 0", {"a": 1e300, "b": 1e300}, None), ("a - b < 0", {"a": 1, "b": 2}, True),
    ("-a > 1", {"a": -2}, True), ("a + b * 2 = 7", {"a": 1, "b": 3}, True),
    ("(a + b) * 2 = 8", {"a": 1, "b": 3}, True), ("0 - a * b < 0", {"a": 1e300, "b": 1e300}, None),
    ("COALESCE(a / b, 9) > 8", {"a": 1, "b": 0}, True),
    ("NOT a > b", {"a": 1}, None), ("NOT (a > 0 AND b > 0)", {"a": -1}, True),
    ("a > 0 AND (b > 0 OR c > 0)", {"a": 1, "c": 1}, True),
    ("a > 0 AND (b > 0 OR c > 0)", {"a": 1, "c": -1}, None),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "row", "expected"), CASES)
def test_truth_table(condition: str, row: dict[str, object], expected: bool | None) -> None:
    assert outcome(condition, **row) == NAMES[expected]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_unknown(bad: float) -> None:
    """The feature layer promises none; a frame that breaks the promise fires nothing."""
    for condition in ("a > 1", "a < 1", "a <= 1", "a <> 1", "NOT a > 1", "GREATEST(a, 2) > 1"):
        assert outcome(condition, a=bad) == "not_evaluable", condition


def test_peer_functions_read_their_columns_and_are_unknown_without_them() -> None:
    row = {"a": 1.0, "a__pct": 0.96, "a__median": 0.5, "a__z": -3.5}
    for condition in ("pct_rank(a) >= 0.95", "a > peer_median(a)", "peer_z(a) <= -3"):
        assert outcome(condition, **row) == "fired"
        assert outcome(condition, a=1.0) == "not_evaluable"
