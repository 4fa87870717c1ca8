"""Random conditions: they run or they are refused, and nothing else happens."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.checking import check_condition, vocabulary
from rules.errors import ExpressionError
from rules.evaluate import evaluate_rule
from rules.expression import parse_condition
from rules.load import load_rule
from rules.parameters import ParameterBook
from rules.writing import write
from tests.rules.rule_frames import FEATURES, frame_of, make_rule, rule_text

NAMES = vocabulary("tender", ((f.name, f.unit, f.kind == "class") for f in FEATURES), {})
FRAME = frame_of(
    [
        {
            "a": 1.0,
            "b": 0.0,
            "c": -1.0,
            "part": 0.5,
            "wait": 3,
            "level": "x",
            "a__pct": 0.5,
            "a__z": 1,
        },
        {"a": None, "b": 2.0, "c": None, "part": 1.0, "level": None},
        {"a": 1e308, "b": 1e308, "c": 0.0, "wait": 0, "level": "y", "a__pct": 1.0},
    ]
)

number = st.one_of(
    st.integers(-3, 100).map(str), st.floats(0, 10, allow_subnormal=False).map(repr),
    st.sampled_from(["a", "b", "c", "part", "wait", "level", "nope", "'x'", "TRUE"]),
    st.sampled_from(["pct_rank(a)", "peer_z(a)", "peer_median(b)", "pct_rank(level)"]),
)  # fmt: skip


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        pair.map(lambda t: f"COALESCE({t[0]}, {t[1]})"),
        pair.map(lambda t: f"LEAST({t[0]}, {t[1]})"),
        pair.map(lambda t: f"NULLIF({t[0]}, {t[1]})"), inner.map(lambda x: f"LN({x})"),
        inner.map(lambda x: f"-({x})"), inner.map(lambda x: f"SQRT(ABS({x}))"),
        pair.map(lambda t: f"CASE WHEN {t[0]} > 1 THEN {t[1]} ELSE {t[0]} END"),
    )  # fmt: skip


values = st.recursive(number, grow, max_leaves=5)
compare = st.one_of(
    st.tuples(values, st.sampled_from(["<", "<=", ">", ">=", "=", "<>"]), values).map(" ".join),
    values.map(lambda x: f"{x} IS NULL"), values.map(lambda x: f"{x} IN (1, 2, 0.5)"),
    st.tuples(values, values).map(lambda t: f"{t[0]} NOT BETWEEN {t[1]} AND 5"),
)  # fmt: skip
conditions = st.recursive(
    compare,
    lambda x: st.one_of(
        st.tuples(x, st.sampled_from(["AND", "OR"]), x).map(lambda t: f"({t[0]}) {t[1]} {t[2]}"),
        x.map(lambda t: f"NOT ({t})"),
        st.tuples(x, x).map(lambda t: f"CASE WHEN {t[0]} THEN {t[1]} ELSE {t[0]} END"),
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(conditions)
def test_a_generated_condition_runs_or_is_refused(text: str) -> None:
    try:
        tree = parse_condition(text)
    except ExpressionError as error:
        assert error.line == 1 and error.column >= 1
        return
    if check_condition(tree, NAMES, {}):
        return
    found = evaluate_rule(make_rule(text), FRAME, ParameterBook())
    assert set(found["outcome"]) <= {"fired", "clear", "not_evaluable"}
    assert found["facts"].str.json_decode(infer_schema_length=None).len() == 3
    for outcome, reason in found.select("outcome", "reason").iter_rows():
        assert (reason is not None) == (outcome == "not_evaluable")
    again = write(tree)
    same = evaluate_rule(make_rule(again), FRAME, ParameterBook())
    assert same["outcome"].to_list() == found["outcome"].to_list(), again


SOUP = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "nope",
            "(",
            ")",
            "(",
            ")",
            ">",
            "<",
            "=",
            "<>",
            ">=",
            ",",
            ":",
            ":k",
            "1",
            "2.5",
            "'x'",
            "AND",
            "OR",
            "NOT",
            "IN",
            "BETWEEN",
            "IS",
            "NULL",
            "CASE",
            "WHEN",
            "THEN",
            "ELSE",
            "END",
            "+",
            "-",
            "*",
            "/",
            ";",
            "SELECT",
            "FROM",
            ".",
            "ABS(",
            "COALESCE(",
            "pct_rank(",
            '"',
            "'",
            "--",
            "/*",
            "*/",
            "?",
            "@",
            "$",
            "{",
            "}",
            "[",
            "]",
            "::",
            "TRUE",
            "CURRENT_DATE",
            "AS",
            "%",
            "~",
            "!",
            "|",
            "&",
            "\\",
            "`",
            "#",
            "LIKE",
            "INTERVAL",
            "DATE",
            "EXISTS",
            "DISTINCT",
            "OVER",
        ]
    ),
    max_size=25,
).map(" ".join)


@settings(max_examples=800, deadline=None)
@given(st.one_of(SOUP, st.text(max_size=60)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse_condition(text)
    except ExpressionError as error:
        assert error.line >= 1 and error.column >= 1
    else:
        check_condition(tree, NAMES, {})


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 2000), st.text(max_size=12))
def test_a_damaged_file_gives_findings_not_errors(start: int, length: int, put: str) -> None:
    text = rule_text("a > 1 AND b < 2")
    rule, issues = load_rule(text[:start] + put + text[start + length % 40 :], "r.yaml")
    assert rule is not None or issues
    assert all(i.line >= 1 and i.column >= 1 for i in issues)
