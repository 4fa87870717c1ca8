"""A quotient has the digits of one division, alone and among others, by a limit or by a column."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.division import quotient
from rules.evaluate import evaluate_rule
from rules.parameters import ParameterBook
from tests.rules.rule_frames import frame_of, make_rule, tiny_catalogue

K = "parameters:\n  k: {value: 49, class: LIT, unit: ratio, source: someone, verified: true}\n"

NUMBERS = st.floats(1e-6, 1e9)


@given(st.lists(NUMBERS, min_size=1, max_size=5), NUMBERS)
def test_dividing_by_a_constant_is_dividing(values: list[float], by: float) -> None:
    frame = pl.DataFrame({"a": values}).lazy().with_columns(limit=pl.lit(by))
    found = frame.select(
        constant=quotient(pl.col("a"), pl.lit(by)), column=quotient(pl.col("a"), pl.col("limit"))
    ).collect()
    exact = [value / by for value in values]
    assert found["constant"].to_list() == exact
    assert found["column"].to_list() == exact


def test_the_engine_alone_would_not() -> None:
    frame = pl.DataFrame({"a": [49.0, 49.0]})
    assert frame.select(pl.col("a") / 49.0)["a"].to_list() != [1.0, 1.0], "the guard can go"
    kept = nw.from_native(frame).select(quotient(nw.col("a"), nw.lit(49.0))).to_native()
    assert kept["a"].to_list() == [1.0, 1.0]


@pytest.mark.parametrize("condition", ["a / 49 >= 1", "a / :k >= 1", "b < :k"])
def test_a_subject_alone_is_judged_as_among_others(condition: str) -> None:
    rule = make_rule(condition, K if ":k" in condition else "")
    rows: list[dict[str, Any]] = [{"a": 49.0, "b": 0.1 * i} for i in range(1, 40)]

    def judged(given: list[dict[str, Any]]) -> pl.DataFrame:
        return evaluate_rule(rule, frame_of(given), ParameterBook(), catalogue=tiny_catalogue())

    together = judged(rows)
    assert set(together["outcome"]) == {"fired"}
    alone = [judged([row])["strength"][0] for row in rows]
    assert alone == together["strength"].to_list()
