"""Rules that look at earlier periods, at silence, and grade what they find."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from features.compute import FeatureFrame
from features.vocabulary import Outcome
from rules.clauses import Absence
from rules.errors import ExpressionError
from rules.evaluate import evaluate_rule, evaluate_rules
from rules.history import earlier_rows, with_silent
from rules.parameters import ParameterBook
from rules.staging import CODES
from rules.sweep import sweep_rules
from tests.rules.rule_frames import make_feature, make_rule

BOOK = ParameterBook()
GRAIN = "operator_m"
FEATURES = tuple(make_feature(name) for name in ("a", "b"))


def month(number: int) -> tuple[date, date]:
    """The n-th month since January 2025, from 0."""
    first = date(2025 + number // 12, number % 12 + 1, 1)
    after = date(2025 + (number + 1) // 12, (number + 1) % 12 + 1, 1)
    return first, after - timedelta(days=1)


def series(**values: list[float | str | None]) -> FeatureFrame:
    """Values of feature `a` by subject, one a month; the text ``gap`` leaves a row out.

    A null has the reason ``constant``; `b` is always 1.
    """
    rows: list[dict[str, Any]] = []
    for subject, line in values.items():
        for number, value in enumerate(line):
            if value == "gap":
                continue
            start, end = month(number)
            reason = "constant" if value is None else None
            rows.append(
                {"subject_key": subject, "period_start": start, "period_end": end, "kind": subject,
                 "a": value, "a__reason": reason, "a__n": 9, "b": 1.0}
            )  # fmt: skip
    schema = {"a": pl.Float64, "a__reason": pl.String}
    frame = pl.DataFrame(rows, schema_overrides=schema).sort("subject_key", "period_start")
    return FeatureFrame(GRAIN, frame, FEATURES, ("kind",), ())


def judged(condition: str, frame: FeatureFrame, extra: str = "") -> dict[tuple[str, int], Any]:
    """Rows by subject and month."""
    rule = make_rule(condition, extra, grain=GRAIN)
    found = evaluate_rule(rule, frame, BOOK)
    return {
        (r["subject_key"], (r["period_start"].year - 2025) * 12 + r["period_start"].month - 1): r
        for r in found.iter_rows(named=True)
    }


def outcomes(found: dict[tuple[str, int], Any], subject: str) -> list[str]:
    return [row["outcome"] for (key, _), row in sorted(found.items()) if key == subject]


def test_prev_reads_the_period_before_and_never_across_a_gap() -> None:
    found = judged("a > 2 * prev(a, 1)", series(x=[1, 3, 7, 8], y=[1, "gap", 9, 99]))
    assert outcomes(found, "x") == ["not_evaluable", "fired", "fired", "clear"]
    assert outcomes(found, "y") == ["not_evaluable", "not_evaluable", "fired"]
    fact = json.loads(found["x", 1]["facts"])[0]
    assert (fact["feature"], fact["value"], fact["threshold"]) == ("a", 3.0, 2.0)


def test_prev_of_a_null_says_why_it_was_null() -> None:
    found = judged("prev(a, 1) > 0", series(x=[None, 1, 2]))
    reasons = [found["x", n]["reason"] for n in range(3)]
    assert reasons == ["missing_input", "constant", None]


def test_prev_counts_periods_of_the_same_length_only() -> None:
    quarters = [(date(2025, 1, 1), date(2025, 3, 31)), (date(2025, 4, 1), date(2025, 6, 30))]
    rows = pl.DataFrame(
        [("x", *span) for span in (*quarters, month(1), month(2))],
        schema=["subject_key", "period_start", "period_end"], orient="row",
    )  # fmt: skip
    assert earlier_rows(rows, 1)[0].to_list() == [None, 0, None, 2]


def test_prev_is_refused_where_nothing_comes_again() -> None:
    frame = series(x=[1])
    single = FeatureFrame("tender", frame.frame, FEATURES, ("kind",), ())
    with pytest.raises(ExpressionError, match="judged only once"):
        evaluate_rule(make_rule("prev(a, 1) > 0"), single, BOOK)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # holds now and in two of the last three
        ([5, 5, 5], ["not_evaluable", "fired", "fired"]),
        ([5, 0, 5, 0, 0, 5], ["not_evaluable", "clear", "fired", "clear", "clear", "clear"]),
        ([0, 0, 5], ["clear", "clear", "clear"]),
        # an unknown period may have held
        ([0, None, 5, 5], ["clear", "not_evaluable", "not_evaluable", "fired"]),
        ([5, "gap", 5, 5], ["not_evaluable", "not_evaluable", "fired"]),
    ],
)
def test_two_of_three_periods(values: list[float | str | None], expected: list[str]) -> None:
    found = judged("a > 1", series(x=values), "sustain: {k: 2, of: 3}\n")
    assert outcomes(found, "x") == expected


def test_a_sustained_firing_tells_in_how_many_periods_it_held() -> None:
    found = judged("a > 1", series(x=[5, 5, 0, 5]), "sustain: {k: 2, of: 3}\n")
    last = json.loads(found["x", 3]["facts"])[-1]
    assert (last["feature"], last["value"], last["threshold"], last["n"]) == ("periods", 2, 2, 3)
    assert last["holds"] is True
    early = found["x", 0]
    assert (early["outcome"], early["reason"]) == ("not_evaluable", "too_few")
    assert found["x", 2]["strength"] < 0.5 < found["x", 3]["strength"]


def test_what_was_out_of_scope_before_did_not_hold() -> None:
    frame = series(x=[5, 5, 5])
    data = frame.frame.with_columns(b=pl.Series([0.0, 0.0, 1.0]))
    frame = FeatureFrame(GRAIN, data, FEATURES, ("kind",), ())
    found = judged("a > 1", frame, 'scope: "b > 0"\nsustain: {k: 2, of: 3}\n')
    assert outcomes(found, "x") == ["out_of_scope", "out_of_scope", "clear"]


def test_silence_after_three_periods_fires_once() -> None:
    frame = series(x=[1, 1, 1], y=[1, 1, 1, 1, 1, 1], z=["gap", 1, 1], w=[1, 1, 1, "gap", 1])
    found = judged("TRUE", frame, "absence: {seen: 3, missing: 2}\n")
    assert outcomes(found, "x") == ["clear", "clear", "clear", "clear", "fired"]
    assert outcomes(found, "y") == ["clear"] * 6
    assert outcomes(found, "z") == ["clear", "clear"], "never filed three in a row"
    assert outcomes(found, "w") == ["clear", "clear", "clear", "clear", "clear"]
    assert json.loads(found["x", 4]["facts"])[0]["feature"] == "periods_missing"


def test_silence_may_be_judged_by_what_came_before() -> None:
    frame = series(x=[1, 9], y=[1, 2], other=[1, 1, 1])
    found = judged("prev(a, 1) > 5", frame, "absence: {seen: 2}\nscope: \"kind <> 'other'\"\n")
    assert found["x", 2]["outcome"] == "fired"
    assert found["y", 2]["outcome"] == "clear"
    assert outcomes(found, "other") == ["out_of_scope"] * 3


def test_nobody_is_silent_where_nobody_files() -> None:
    rows = with_silent(series(x=[1, 1], y=[1, 1]).frame, {"a", "b"}, Absence(seen=1)).height
    assert rows == 4


def test_the_first_band_that_holds_sets_the_severity() -> None:
    bands = 'bands: [{when: "a > 100", severity: 5}, {when: "a > 10", severity: 4}]\n'
    found = judged("a > 1", series(x=[0, 5, 50, 500]), bands)
    assert [found["x", n]["severity"] for n in range(4)] == [3, 3, 4, 5]


def test_a_score_ranks_what_fired_and_nothing_else() -> None:
    found = judged("a > 1", series(x=[0, 5, 50, 500]), 'score: "a"\n')
    assert [found["x", n]["strength"] for n in (1, 2, 3)] == [0.525, 0.75, 1.0]
    assert found["x", 0]["strength"] < 0.5


def test_a_score_is_a_number() -> None:
    with pytest.raises(ExpressionError, match="number"):
        judged("a > 1", series(x=[1]), 'score: "kind"\n')


def test_evidence_stands_beside_the_facts_of_what_fired() -> None:
    found = judged("a > 1", series(x=[0, 5]), "evidence: {columns: [b, kind]}\n")
    assert len(json.loads(found["x", 0]["facts"])) == 1
    _, number, text = json.loads(found["x", 1]["facts"])
    assert (number["feature"], number["value"], number["part"]) == ("b", 1.0, "evidence")
    assert (text["feature"], text["value"]) == ("kind", "x")


def test_a_sweep_tells_the_same_as_judging_one_by_one() -> None:
    frame = series(x=[1, 3, 7, None], y=[5, 5, "gap", 5])
    rules = [
        make_rule(text, extra, grain=GRAIN, rule_id=f"rule-{number}")
        for number, (text, extra) in enumerate(
            [
                ("a > 2", ""), ("a > 2 * prev(a, 1)", ""), ("b > a OR a > 4", ""),
                ("a > 1", "sustain: {k: 2, of: 2}\n"), ("a > 2", "scope: \"kind = 'x'\"\n"),
                ("a > 2", "min_support: {a: 10}\n"),
                ("a > 2", 'on_missing: clear\nbands: [{when: "a > 6", severity: 5}]\n'),
            ]
        )
    ]  # fmt: skip
    sweep = sweep_rules(rules, frame, BOOK)
    whole = evaluate_rules(rules, {GRAIN: frame}, BOOK)
    for rule in rules:
        rows = whole.filter(pl.col("rule_id") == rule.id)
        label = f"{rule.id}@{rule.version}"
        assert sweep.codes[label].to_list() == [CODES[Outcome(o)] for o in rows["outcome"]]
        fired = rows.filter(pl.col("outcome") == "fired")
        told = sweep.firings().filter(pl.col("rule") == label)
        assert told["subject_key"].to_list() == fired["subject_key"].to_list()
        for facts, values, limits in zip(
            fired["facts"], told["values"].to_list(), told["limits"].to_list(), strict=True
        ):
            judged = [f for f in json.loads(facts) if f["feature"] in ("a", "b")]
            assert [f["value"] for f in judged] == values
            assert [f["threshold"] for f in judged] == limits
    assert sweep.firings().height > 3
