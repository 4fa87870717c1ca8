"""Outcomes, reasons, facts, messages and isolation of rules over a frame."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.catalogue import catalogue
from features.compute import FeatureFrame
from rules.evaluate import RESULT_SCHEMA, evaluate_rule, evaluate_rules
from rules.load import load_table
from rules.parameters import ParameterBook
from rules.ruleset import load_library
from tests.rules.rule_frames import FEATURES, frame_of, make_rule, tiny_catalogue

BOOK = ParameterBook()
K = "parameters:\n  k: {value: 2, class: LIT, unit: ratio, source: someone, verified: true}\n"


def run(condition: str, rows: list[dict[str, Any]], extra: str = "", **attributes: Any) -> Any:
    return evaluate_rule(make_rule(condition, extra), frame_of(rows, **attributes), BOOK)


def test_the_columns_are_the_agreed_ones() -> None:
    found = evaluate_rules([make_rule("a > 1")], {"tender": frame_of([{"a": 2}])}, BOOK)
    assert dict(found.schema) == RESULT_SCHEMA
    row = found.row(0, named=True)
    assert (row["rule_id"], row["rule_version"]) == ("test-rule", "1.0.0")
    assert (row["typology"], row["grain"], row["subject_kind"]) == (
        "MON-BID-CV",
        "tender",
        "tender",
    )
    assert (row["lane"], row["severity"], row["shadow"]) == ("screen", 3, False)
    assert evaluate_rules([], {}, BOOK).schema == RESULT_SCHEMA


def test_only_active_and_shadow_rules_judge() -> None:
    frames = {"tender": frame_of([{"a": 2}])}
    for status, rows in (("draft", 0), ("retired", 0), ("shadow", 1), ("active", 1)):
        found = evaluate_rules([make_rule("a > 1", status=status)], frames, BOOK)
        assert found.height == rows
        assert found["shadow"].to_list() == [status == "shadow"] * rows


def test_order_of_scope_support_and_condition() -> None:
    extra = 'scope: "b > 0"\nmin_support: {a: 5}\n'
    rows = [
        {"a": 2, "b": None, "a__n": 2}, {"a": 2, "b": -1, "a__n": 2}, {"a": 2, "b": 1, "a__n": 4},
        {"a": None, "b": 1, "a__n": 5, "a__reason": "constant"}, {"a": 2, "b": 1, "a__n": 5},
        {"a": 0, "b": 1, "a__n": 9}, {"a": 2, "b": 1},
    ]  # fmt: skip
    found = run("a > 1", rows, extra)
    assert found["outcome"].to_list() == [
        "not_evaluable", "out_of_scope", "not_evaluable", "not_evaluable", "fired", "clear", "fired"
    ]  # fmt: skip
    assert found["reason"].to_list() == [
        "missing_input",
        None,
        "too_few",
        "constant",
        None,
        None,
        None,
    ]


def test_support_of_every_used_feature() -> None:
    rows = [{"a": 2, "b": 2, "a__n": 9, "b__n": 4}, {"a": 2, "b": 2, "a__n": 9, "b__n": 5}]
    found = run("a > 1 AND b > 1", rows, "min_support: {n: 5}\n")
    assert found["outcome"].to_list() == ["not_evaluable", "fired"]


def test_the_reason_is_that_of_the_null_which_mattered() -> None:
    row = {"a": None, "b": None, "c": 1, "a__reason": "constant", "b__reason": "losing_tied"}
    for condition, reason in (
        ("a > 1 AND b > 1", "constant"), ("b > 1 AND a > 1", "losing_tied"),
        ("(c > 0 OR a > 1) AND b > 1", "losing_tied"), ("NOT (b > 1)", "losing_tied"),
        ("c / 0 > 1", "zero_denominator"), ("pct_rank(c) > 0.5", "too_few"),
        ("pct_rank(a) > 0.5", "constant"), ("level = 'x'", "missing_input"),
    ):  # fmt: skip
        assert run(condition, [row])["reason"].item() == reason, condition
    flat = {"c": 1, "c__median": 1.0, "c__z": None}
    assert run("peer_z(c) > 3", [flat])["reason"].item() == "constant_peers"


def test_missing_may_count_as_clear() -> None:
    found = run("a > 1", [{"a": None}], "on_missing: clear\n")
    assert found.row(0, named=True) | {"facts": ""} == found.row(0, named=True) | {
        "outcome": "clear", "reason": None, "strength": None, "facts": ""
    }  # fmt: skip


def test_every_leaf_is_a_fact() -> None:
    row = {"a": 3, "b": None, "a__n": 7, "a__pct": 0.97, "a__median": 1.5, "level": 'x"\\y\n'}
    text = "a > :k OR b BETWEEN 1 AND 2 OR pct_rank(a) >= 0.95 OR level IN ('q') OR 2 < a"
    facts = json.loads(run(text, [row], K)["facts"].item())
    assert [f["expression"] for f in facts] == ["a", "b", "b", "pct_rank(a)", "level", "a"]
    assert facts[0] == {
        "feature": "a", "expression": "a", "value": 3.0, "op": ">", "threshold": 2.0, "n": 7,
        "holds": True, "unit": "ratio", "parameter": "k", "class": "LIT",
        "rule": "test-rule",
    }  # fmt: skip
    assert [f["op"] for f in facts] == [">", ">=", "<=", ">=", "in", ">"]
    assert facts[1]["value"] is None and facts[1]["holds"] is None and facts[1]["threshold"] == 1
    assert facts[3]["value"] == 0.97 and facts[3]["actual"] == 3 and facts[3]["peer_median"] == 1.5
    assert facts[4]["value"].startswith('x"\\y') and facts[4]["threshold"] == "'q'"


def test_out_of_scope_tells_the_facts_of_the_scope() -> None:
    found = run("a > 1", [{"a": 2, "b": -1}], 'scope: "b > 0"\n')
    facts = json.loads(found["facts"].item())
    assert [(f["feature"], f["value"], f["holds"]) for f in facts] == [("b", -1.0, False)]
    assert [(f["rule"], f["part"]) for f in facts] == [("test-rule", "scope")]


def test_messages_only_when_fired_and_readable() -> None:
    rows = [{"a": v} for v in (1234567.0, 0.055415, -12.34, 99.96, 0.5)]
    found = run("a <> 0.5", rows)
    assert found["message_en"].to_list() == [
        "seen 1,234,567", "seen 0.0554", "seen −12.3", "seen 100", None
    ]  # fmt: skip
    extra = K.replace("k:", "lim:").replace("value: 2", "value: 0.25").replace("ratio", "0-1")
    rule = make_rule("part > :lim AND wait > 1", extra)
    words = rule.spec.message.model_copy(
        update={"en": "{part} over {lim}, {wait}, {missing_one}", "zh": "{part}、{wait}"}
    )
    rule = replace(rule, spec=rule.spec.model_copy(update={"message": words}))
    found = evaluate_rule(rule, frame_of([{"part": 0.4567, "wait": 95}]), BOOK)
    assert found["message_en"].item() == "45.7 % over 25 %, 95 h, –"
    assert found["message_zh"].item() == "45.7 %、95 小时"


def test_one_broken_rule_leaves_the_others_alone() -> None:
    good, bad = make_rule("a > 1"), make_rule("nowhere > 1")
    bad = replace(bad, spec=bad.spec.model_copy(update={"id": "broken"}))
    found = evaluate_rules([good, bad], {"tender": frame_of([{"a": 2}, {"a": 0}])}, BOOK)
    by_rule = {key[0]: part["outcome"].to_list() for key, part in found.group_by("rule_id")}
    assert by_rule == {"broken": ["error", "error"], "test-rule": ["fired", "clear"]}
    assert set(found.filter(pl.col("rule_id") == "broken")["reason"]) == {"invalid_condition"}


def test_a_feature_the_frame_lacks_is_missing_when_the_catalogue_knows_it() -> None:
    whole = frame_of([{"a": 2}])
    without = FeatureFrame(
        "tender", whole.frame.drop("b", "b__reason", "b__n"),
        tuple(f for f in FEATURES if f.name != "b"), (), (),
    )  # fmt: skip
    found = evaluate_rule(make_rule("b > 1"), without, BOOK, catalogue=tiny_catalogue())
    assert found.select("outcome", "reason").row(0) == ("not_evaluable", "missing_input")


TABLE = """\
table: deadline
title: {en: "Deadline", zh: "期限"}
unit: hours
rows:
  - {jurisdiction: US-WA, value: 1080, comparator: ">", class: LEGAL, valid_from: "2015-01-01",
     valid_to: "2020-02-29", source: law, verified: true}
  - {jurisdiction: US-WA, value: 720, comparator: ">", class: LEGAL, valid_from: "2020-03-01",
     source: law, verified: true}
  - {jurisdiction: US, value: 1440, comparator: ">", class: GUIDE, valid_from: "2009-01-01",
     source: law, verified: true}
  - {jurisdiction: EU, value: 72, comparator: ">", class: LEGAL, valid_from: "2018-05-25",
     source: law, verified: true}
"""


def table_book() -> ParameterBook:
    table, issues = load_table(TABLE, "deadline.yaml")
    assert table is not None, issues
    return ParameterBook({"deadline": table})


@pytest.mark.parametrize(
    ("day", "where", "limit"),
    [
        (date(2020, 2, 29), "US-WA", 1080), (date(2020, 3, 1), "US-WA", 720),
        (date(2014, 12, 31), "US-WA", 1440), (date(2026, 1, 1), "US-CA", 1440),
        (date(2018, 5, 24), "EU", None), (date(2018, 5, 25), "EU", 72),
        (date(2026, 1, 1), "XX", None),
        (date(2026, 1, 1), None, None),
    ],
)  # fmt: skip
def test_the_limit_in_force_on_the_day_and_place_of_the_row(
    day: date, where: str | None, limit: float | None
) -> None:
    book = table_book()
    rule = make_rule("wait > :lim", "parameters:\n  lim: {table: deadline}\n")
    frame = frame_of([{"wait": 1e6, "day": day}], jurisdiction=where)
    row = evaluate_rule(rule, frame, book).row(0, named=True)
    assert json.loads(row["facts"])[0]["threshold"] == limit
    expected = ("not_evaluable", "not_applicable") if limit is None else ("fired", None)
    assert (row["outcome"], row["reason"]) == expected
    found = book.table("deadline").in_force(day, where)
    assert (found.value if found else None) == limit


def test_a_pinned_jurisdiction_ignores_that_of_the_row() -> None:
    rule = make_rule("wait > :lim", "parameters:\n  lim: {table: deadline, jurisdiction: EU}\n")
    frame = frame_of([{"wait": 100, "day": date(2026, 1, 1)}], jurisdiction="US-WA")
    facts = json.loads(evaluate_rule(rule, frame, table_book())["facts"].item())
    assert (facts[0]["threshold"], facts[0]["class"]) == (72, "LEGAL")


def test_a_hundred_thousand_rows_are_judged_by_every_bidding_rule() -> None:
    shipped, known = load_library(), catalogue()
    rules = [r for r in shipped.judging() if r.spec.grain == "tender"]
    frame = big_frame(100_000, known)
    found = evaluate_rules(rules, {"tender": frame}, shipped.parameters)
    assert found.height == 100_000 * len(rules)
    assert "error" not in set(found["outcome"])


def big_frame(rows: int, known: Any) -> FeatureFrame:
    random = np.random.default_rng(7)
    features = known.of_grain("tender")
    columns: dict[str, Any] = {
        "subject_key": [f"t{i}" for i in range(rows)],
        "period_start": [date(2026, 1, 1)] * rows, "period_end": [date(2026, 1, 31)] * rows,
        "award_rule": ["lowest"] * rows, "n_bids": random.integers(3, 12, rows),
    }  # fmt: skip
    for feature in features:
        columns[feature.name] = random.random(rows) * 2
        columns[f"{feature.name}__n"] = columns["n_bids"]
        columns[f"{feature.name}__reason"] = pl.Series([None] * rows, dtype=pl.String)
        for suffix in ("pct", "median", "z"):
            columns[f"{feature.name}__{suffix}"] = random.random(rows)
    return FeatureFrame("tender", pl.DataFrame(columns), features, ("award_rule", "n_bids"), ())


def test_a_library_feature_without_a_base_in_this_run_is_missing_not_an_error() -> None:
    frames = {"tender": frame_of([{"a": 2}])}
    found = evaluate_rules([make_rule("bid_rd > 1")], frames, BOOK)
    assert found.select("outcome", "reason").row(0) == ("not_evaluable", "missing_input")
