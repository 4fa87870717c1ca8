"""A frozen slice says the same as when it was frozen, and what moved when it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.errors import WardenError
from rules.backtest import firing_hash
from rules.evaluate import evaluate_rule
from rules.golden import Golden, differences, freeze, read_golden, write_golden
from rules.load import Rule
from rules.parameters import ParameterBook
from tests.rules.rule_frames import frame_of, make_rule, tiny_catalogue

K = "parameters:\n  k: {value: 2, class: LIT, unit: ratio, source: someone, verified: true}\n"
RULE = make_rule("a >= :k AND level = 'x \"], [ y'", K)
HEAD = {"snapshot_id": "abc", "known_as_of": "2026-11-23T00:00:00+00:00"}
ROWS = [{"a": 0.1 * i, "level": 'x "], [ y', "b": 1.0} for i in range(60)] + [{"level": "z"}]
BOOK = ParameterBook()


def frozen(tmp_path: Path, rule: Rule = RULE) -> tuple[Golden, Path]:
    path = tmp_path / "slice.json"
    table = replace(frame_of(ROWS), reference="ref")
    write_golden(freeze(rule, table, BOOK, HEAD), path)
    return read_golden(path), path


def said(golden: Golden, rule: Rule) -> list[str]:
    return differences(golden, rule, BOOK, tiny_catalogue())


def test_a_slice_is_small_shows_every_outcome_and_comes_back_the_same(tmp_path: Path) -> None:
    golden, path = frozen(tmp_path)
    assert golden.head == {
        "rule": "test-rule", "version": "1.0.0", "content_hash": RULE.content_hash, **HEAD,
    }  # fmt: skip
    assert set(golden.expected["outcome"]) == {"fired", "clear"}
    assert golden.expected.height == 12
    assert "t1" not in set(golden.frame.frame["subject_key"]), "names are made up"
    assert "b" not in golden.frame.frame.columns, "only what the rule reads"
    nearest = golden.frame.frame.join(golden.expected, on=["subject_key", "period_start"])
    assert nearest.filter(pl.col("outcome") == "fired")["a"].min() == 2.0
    assert said(golden, RULE) == []
    again = path.with_name("again.json")
    write_golden(golden, again)
    assert again.read_text() == path.read_text()


def test_the_expected_outcomes_are_those_of_the_whole(tmp_path: Path) -> None:
    golden, _ = frozen(tmp_path)
    whole = evaluate_rule(RULE, replace(frame_of(ROWS), reference="ref"), BOOK)
    strengths = set(whole.filter(pl.col("outcome") == "fired")["strength"])
    fired = golden.expected.filter(pl.col("outcome") == "fired")
    assert set(fired["strength"]) <= strengths
    assert fired["strength"].max() == max(strengths)


def test_a_moved_limit_is_named_with_the_rows_it_moves(tmp_path: Path) -> None:
    golden, _ = frozen(tmp_path)
    told = said(golden, make_rule("a >= :k AND level = 'x \"], [ y'", K.replace("2", "2.05", 1)))
    assert told[0].endswith("fired (severity 3) when frozen, clear now")
    assert told[-1] == "threshold k: 2 when frozen, 2.05 now"


def test_facts_that_differ_are_noticed_where_every_outcome_is_the_same(tmp_path: Path) -> None:
    golden, _ = frozen(tmp_path)
    told = said(golden, make_rule("a * 1 >= :k AND level = 'x \"], [ y'", K))
    assert told == ["the outcomes are the same, the facts or strengths behind them are not"]


def test_a_rule_that_looks_back_keeps_its_subjects_whole(tmp_path: Path) -> None:
    rule = make_rule("a > 1", "sustain: {k: 2, of: 2}\n")
    days = [date(2026, m, 1) for m in (1, 2, 3)]
    table = frame_of([{"a": 2.0, "day": d} for d in days] * 2)
    keys = ["t0"] * 3 + ["t1"] * 3
    ends = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)] * 2
    frame = table.frame.with_columns(subject_key=pl.Series(keys), period_end=pl.Series(ends))
    table = replace(table, frame=frame)
    golden = freeze(rule, table, BOOK, HEAD)
    assert golden.expected.height == 6
    assert golden.firing_hash == firing_hash(
        evaluate_rule(rule, table, BOOK).with_columns(
            pl.col("subject_key").replace({"t0": "case-01", "t1": "case-02"})
        )
    )
    assert said(golden, rule) == []


def test_what_is_no_slice_is_refused(tmp_path: Path) -> None:
    _, path = frozen(tmp_path)
    data = json.loads(path.read_text())
    data.pop("expected")
    path.write_text(json.dumps(data))
    with pytest.raises(WardenError, match="no frozen slice"):
        read_golden(path)
    with pytest.raises(WardenError, match="no frozen slice"):
        read_golden(tmp_path / "none.json")
    with pytest.raises(WardenError, match="judged nothing"):
        freeze(RULE, frame_of([]), BOOK, HEAD)
