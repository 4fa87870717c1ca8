"""Figures of a backtest, each against a count or a number from elsewhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.intervals import wilson
from rules import backtest
from rules.evaluate import RESULT_SCHEMA

JANUARY, MARCH = date(2026, 1, 1), date(2026, 3, 1)


def rows(*given: tuple[str, date, str], **more: Any) -> pl.DataFrame:
    """Rows as evaluation gives them: (subject, period, outcome)."""
    fixed = {
        "rule_id": "a-rule", "rule_version": "1.0.0", "typology": "MON-BID-CV", "grain": "tender",
        "subject_kind": "tender", "facts": '[{"feature": "x", "value": 1.0}]', "strength": 0.6,
        "message_en": "seen", "shadow": False, **more,
    }  # fmt: skip
    found = [
        {**fixed, "subject_key": s, "period_start": p, "period_end": p, "outcome": o}
        for s, p, o in given
    ]
    return pl.DataFrame(found, schema=RESULT_SCHEMA)


SEEN = rows(
    ("T1", JANUARY, "fired"), ("T2", JANUARY, "clear"), ("T3", JANUARY, "clear"),
    ("T4", JANUARY, "not_evaluable"), ("T1", MARCH, "fired"), ("T2", MARCH, "fired"),
    ("T5", MARCH, "out_of_scope"), ("T6", MARCH, "error"),
)  # fmt: skip


def test_the_interval_is_wilsons() -> None:
    low, high = wilson(14, 20)
    assert low == pytest.approx(0.481027, abs=1e-6)  # golden value of the single-bid screen
    assert high == pytest.approx(0.854522, abs=1e-6)
    assert wilson(0, 10) == pytest.approx((0.0, 0.277533), abs=1e-6)
    assert wilson(10, 10) == pytest.approx((1 - 0.277533, 1.0), abs=1e-6)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_narrows(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    closer = wilson(4 * k, 4 * n)
    assert low <= closer[0] + 1e-12
    assert closer[1] <= high + 1e-12


def test_outcomes_rates_and_periods_are_counted() -> None:
    assert backtest.outcome_counts(SEEN) == {
        "fired": 3, "clear": 2, "not_evaluable": 1, "out_of_scope": 1, "error": 1,
    }  # fmt: skip
    rate = backtest.flag_rate(SEEN).as_dict()
    assert (rate["value"], rate["n"], rate["k"]) == (0.6, 5, 3)
    assert backtest.base_rate(SEEN).as_dict()["value"] == 3 / 8
    first, second = backtest.by_period(SEEN)
    assert (first["period_start"], first["fired"], first["clear"]) == (JANUARY, 1, 2)
    assert first["flag_rate"] == pytest.approx(1 / 3)
    assert (second["fired"], second["flag_rate"], second["error"]) == (2, 1.0, 1)
    nobody = backtest.flag_rate(SEEN.clear()).as_dict()
    assert (nobody["value"], nobody["low"], nobody["n"]) == (None, None, 0)


def test_the_hash_does_not_know_the_order_of_rows() -> None:
    assert backtest.firing_hash(SEEN) == backtest.firing_hash(SEEN.reverse())
    assert backtest.firing_hash(SEEN.clear()) != backtest.firing_hash(SEEN)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "clear"}, {"subject_key": "T9"}, {"period_start": date(2026, 2, 1)},
        {"reason": "too_few"}, {"facts": "[]"}, {"strength": 0.6000000000000001},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_every_part_of_a_firing_moves_the_hash(change: dict[str, Any]) -> None:
    other = SEEN.with_row_index("i").with_columns(
        pl.when(pl.col("i") == 0).then(pl.lit(v)).otherwise(k).cast(RESULT_SCHEMA[k]).alias(k)
        for k, v in change.items()
    )
    assert backtest.firing_hash(other.drop("i")) != backtest.firing_hash(SEEN)


def test_a_row_more_or_less_moves_the_hash_and_nothing_joins_to_the_same_text() -> None:
    assert backtest.firing_hash(SEEN.head(7)) != backtest.firing_hash(SEEN)
    one = rows(("T1", JANUARY, "fired"), ("T2", JANUARY, "clear"))
    other = rows(("T1\n", JANUARY, "fired"), ("2", JANUARY, "clear"))
    assert backtest.firing_hash(one) != backtest.firing_hash(other)


def test_what_a_draft_says_hashes_as_when_it_is_active() -> None:
    shadow = SEEN.with_columns(shadow=pl.lit(value=True), severity=pl.lit(5, pl.Int64))
    assert backtest.firing_hash(shadow) == backtest.firing_hash(SEEN)


def test_periods_judged_apart_give_the_hash_of_all() -> None:
    early, late = (SEEN.filter(pl.col("period_start") == day) for day in (JANUARY, MARCH))
    cells = pl.concat([backtest.firing_cells(late), backtest.firing_cells(early)])
    assert backtest.hash_of_cells(cells) == backtest.firing_hash(SEEN)
    assert backtest.firing_hashes(cells) == {"a-rule@1.0.0": backtest.firing_hash(SEEN)}
    both = pl.concat([SEEN, SEEN.with_columns(rule_version=pl.lit("1.1.0"))])
    with pytest.raises(ValueError, match="one version"):
        backtest.firing_hash(both)
    assert len(set(backtest.firing_hashes(backtest.firing_cells(both)).values())) == 1


def test_overlap_is_the_jaccard_index_of_fired_sets() -> None:
    other = pl.DataFrame({"subject_key": ["T1", "T2", "T7"], "period_start": [MARCH] * 3})
    far = other.filter(pl.col("subject_key") == "T7")
    found = backtest.overlap(SEEN, {"other@1.0.0": other, "far@1.0.0": far})
    assert [(f["rule"], f["both"], f["fired"]) for f in found] == [("other@1.0.0", 2, 3)]
    assert found[0]["jaccard"] == 2 / 4  # 3 of ours and 3 of theirs, 2 the same
    coarse = backtest.overlap(SEEN, {"coarse@1.0.0": other.select("subject_key")})
    assert (coarse[0]["level"], coarse[0]["jaccard"]) == ("subject", 2 / 3)


def test_who_enters_and_leaves_is_told_strongest_first() -> None:
    after = pl.concat([
        rows(("T1", JANUARY, "fired"), ("T1", MARCH, "clear"), ("T2", MARCH, "not_evaluable")),
        rows(("T8", MARCH, "fired"), ("T7", MARCH, "fired"), strength=0.7),
        rows(("T9", MARCH, "fired"), strength=0.9),
    ])  # fmt: skip
    found = backtest.difference(SEEN, after).as_dict(2)
    assert (found["both"], found["entered"], found["left"]) == (1, 3, 2)
    assert (found["subjects_entered"], found["subjects_left"]) == (3, 2)
    assert [e["subject_key"] for e in found["examples"]["entered"]] == ["T9", "T7"]
    assert found["examples"]["left"][0]["facts"] == [{"feature": "x", "value": 1.0}]


def test_hours_and_window() -> None:
    hours = backtest.review_hours(30, 20)
    assert hours["value"] == 10.0
    assert "20 minutes" in hours["assumption"]
    assert backtest.inside(SEEN, None, None).height == SEEN.height
    assert backtest.inside(SEEN, date(2026, 1, 2), None).height == 4
    assert backtest.inside(SEEN, JANUARY, JANUARY).height == 4
