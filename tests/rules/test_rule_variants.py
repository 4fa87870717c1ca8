"""A rule with another limit: typed, refused where it cannot be, and swept a few steps."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from features.errors import WardenError
from rules.evaluate import evaluate_rule
from rules.parameters import ParameterBook, ParameterTable
from rules.variants import parsed, stepped, sweep, with_parameters
from tests.rules.rule_frames import frame_of, make_rule, tiny_catalogue

K = "parameters:\n  k: {value: 2, class: LIT, unit: ratio, source: someone, verified: true}\n"
TABLE = "parameters:\n  k: {table: deadline}\n"
ROW: dict[str, Any] = {
    "value": 10, "comparator": ">", "class": "LEGAL", "valid_from": "2020-01-01",
    "valid_to": "2025-12-31", "source": "a law", "verified": True,
}  # fmt: skip
BOOK = ParameterBook(
    {
        "deadline": ParameterTable.model_validate(
            {
                "table": "deadline", "title": {"en": "Deadline", "zh": "期限"}, "unit": "ratio",
                "rows": [ROW, {**ROW, "value": 100, "valid_from": "2026-01-01", "valid_to": None}],
            }
        )
    }
)  # fmt: skip


def fired(rule: Any, book: ParameterBook, rows: list[dict[str, Any]]) -> list[bool]:
    found = evaluate_rule(rule, frame_of(rows), book, catalogue=tiny_catalogue())
    return (found["outcome"] == "fired").to_list()


@pytest.mark.parametrize(
    ("value", "step", "found"),
    [
        (10, 1, 11),
        (3, -2, 1),
        (1, 1, 1.1),
        (0.5, -2, 0.4),
        (0, 1, 0.1),
        (-10, 2, -8),
        (72, 1, 79.2),
    ],
)
def test_a_step_is_one_or_a_tenth(value: float, step: int, found: float) -> None:
    assert stepped(value, step) == pytest.approx(found)


def test_a_value_stands_in_for_a_figure_and_for_a_table() -> None:
    rows = [{"a": 2.5}, {"a": 3.5}]
    rule = make_rule("a > :k", K)
    assert fired(rule, BOOK, rows) == [True, True]
    assert fired(with_parameters(rule, {"k": 3}, BOOK), BOOK, rows) == [False, True]
    dated = make_rule("a > :k", TABLE)
    assert fired(dated, BOOK, rows) == [False, False]
    assert fired(with_parameters(dated, {"k": 3.0}, BOOK), BOOK, rows) == [False, True]


def test_a_text_takes_the_type_of_its_parameter() -> None:
    rule = make_rule("a > :k", K)
    assert parsed(rule, "k=2.5", BOOK) == ("k", 2.5)
    for text, code in (("k", "bad_parameter"), ("k=", "bad_parameter"), ("k=x", "bad_parameter"),
                       ("q=1", "unknown_parameter")):  # fmt: skip
        with pytest.raises(WardenError) as refused:
            parsed(rule, text, BOOK)
        assert refused.value.code == code
    with pytest.raises(WardenError, match="is a number"):
        with_parameters(rule, {"k": "two"}, BOOK)


def test_a_sweep_moves_every_row_of_a_dated_table() -> None:
    rule = make_rule("a > :k", TABLE)
    found = list(sweep(rule, BOOK))
    assert [(v.parameter, v.step, v.value) for v in found] == [
        ("k", -2, None), ("k", -1, None), ("k", 1, None), ("k", 2, None),
    ]  # fmt: skip
    rows = [{"a": 9.0, "day": date(2025, 1, 1)}, {"a": 85.0, "day": date(2026, 1, 1)}]
    assert fired(rule, BOOK, rows) == [False, False]
    assert fired(found[0].rule, found[0].parameters, rows) == [True, True]
    assert BOOK.tables["deadline"].rows[0].value == 10, "the tables in force stay as they are"
    assert [v.value for v in sweep(make_rule("a > :k", K), BOOK)] == pytest.approx(
        [1.6, 1.8, 2.2, 2.4]
    )
