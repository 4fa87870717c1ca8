"""Strength: one half at the threshold, monotone, never at odds with the outcome."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.evaluate import evaluate_rule
from rules.parameters import ParameterBook
from tests.rules.rule_frames import frame_of, make_rule

VALUES = [-1e9, -5, -3.1, -3, -1, -0.5, -1e-9, 0, 1e-9, 0.03, 0.06, 0.0600001, 0.5, 0.95, 0.99,
          1, 1.5, 2, 5, 100, 1e9]  # fmt: skip


def strengths(condition: str, values: list[float], name: str = "a") -> list[float]:
    frame = frame_of([{name: v} for v in values])
    return evaluate_rule(make_rule(condition), frame, ParameterBook())["strength"].to_list()


@pytest.mark.parametrize("threshold", [-3, -0.5, 0, 0.06, 0.95, 1, 5])
@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("name", ["a", "part"])
def test_monotone_and_half_at_the_threshold(op: str, threshold: float, name: str) -> None:
    found = strengths(f"{name} {op} {threshold}", VALUES, name)
    ordered = found if op in (">", ">=") else found[::-1]
    assert all(x <= y for x, y in pairwise(ordered))
    assert all(0 <= x <= 1 for x in found)
    at = strengths(f"{name} {op} {threshold}", [float(threshold)], name)
    assert at == [0.5]


def test_strictly_growing_beyond_a_low_threshold() -> None:
    found = strengths("a <= 0.06", [0.06, 0.05, 0.03, 0.01, 0.001])
    assert all(x < y for x, y in pairwise(found))
    assert found[2] == pytest.approx(0.75)  # half the limit is a ratio distance of one


def test_shares_are_compared_by_odds() -> None:
    share, ratio = strengths("part >= 0.95", [0.99], "part"), strengths("a >= 0.95", [0.99])
    assert share[0] > 0.85 > 0.55 > ratio[0]
    assert strengths("part >= 0.95", [1.0], "part")[0] > 0.999


ROWS = st.fixed_dictionaries(
    {
        name: st.one_of(st.none(), st.floats(-4, 4), st.sampled_from([0.0, 1.0, -1.0]))
        for name in ("a", "b", "c")
    }
)
CONDITIONS = [
    "a > 1 AND b <= 0.5", "a > 1 OR b <= 0.5", "NOT (a > 1 AND b <= 0.5)",
    "(a > 1 OR b < 0) AND NOT (c >= 1 OR a < -1)", "a BETWEEN -1 AND 1 OR c > b",
    "CASE WHEN a > 0 THEN b > 0 ELSE c > 0 AND b < 1 END", "a IN (0, 1) AND b <> 1 OR c IS NULL",
    "NOT (a IS NULL OR b > c)", "a / b > 1 OR NOT LN(c) < 0", "NOT CASE WHEN a > b THEN c > 0 END",
]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=30))
def test_strength_agrees_with_the_outcome(rows: list[dict[str, float | None]]) -> None:
    frame = frame_of(rows)
    for condition in CONDITIONS:
        found = evaluate_rule(make_rule(condition), frame, ParameterBook())
        for outcome, strength in found.select("outcome", "strength").iter_rows():
            if outcome == "fired":
                assert strength is not None and 0.5 <= strength <= 1, condition
            elif outcome == "clear":
                assert strength is not None and 0 <= strength <= 0.5, condition
            else:
                assert strength is None, condition


def test_and_takes_the_weakest_or_the_strongest() -> None:
    a, b = strengths("a > 1", [4.0])[0], strengths("a > 1", [1.5])[0]
    frame = frame_of([{"a": 4.0, "b": 1.5}])
    for condition, expected in (
        ("a > 1 AND b > 1", min(a, b)), ("a > 1 OR b > 1", max(a, b)), ("NOT (a <= 1)", a)
    ):  # fmt: skip
        found = evaluate_rule(make_rule(condition), frame, ParameterBook())["strength"].item()
        assert math.isclose(found, expected), condition
