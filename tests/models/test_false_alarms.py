"""Two-level q-values: equal to the procedure itself, step by step, at every level."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector import false_alarms
from detector.false_alarms import OVERLAPPING, with_q_values
from detector.inference import bh_adjust, by_adjust
from features.vocabulary import TYPOLOGIES

BIDS = [t.id for t in TYPOLOGIES.values() if t.family == "MON-BID"]
DAY = date(2025, 1, 1)
QUICK = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
Tests = dict[tuple[str, str], float]
"""p-values by (subject, typology)."""

P = st.sampled_from([0.0001, 0.001, 0.004, 0.01, 0.02, 0.05, 0.1, 0.3, 0.7, 1.0]) | st.floats(
    1e-6, 1.0
)
TESTS = st.dictionaries(
    st.tuples(st.sampled_from(list("ABCDEFGH")), st.sampled_from(BIDS)), P, min_size=1, max_size=24
)


def rows(tests: Tests, grain: str = "firm_y", lane: str | None = "screen") -> pl.DataFrame:
    """Judged rows of one group."""
    return pl.DataFrame(
        {
            "typology": [t for _, t in tests],
            "grain": [grain] * len(tests),
            "subject_key": [s for s, _ in tests],
            "period_start": [DAY] * len(tests),
            "lane": [lane] * len(tests),
            "p_value": list(tests.values()),
            "q_value": [None] * len(tests),
        },
        schema={
            **dict.fromkeys(("typology", "grain", "subject_key"), pl.String),
            "period_start": pl.Date,
            "lane": pl.String,
            "p_value": pl.Float64,
            "q_value": pl.Float64,
        },
    )


def q_of(tests: Tests, grain: str = "firm_y") -> dict[tuple[str, str], float]:
    """q-values by (subject, typology)."""
    found = with_q_values(rows(tests, grain))
    return {(s, t): q for s, t, q in found.select("subject_key", "typology", "q_value").rows()}


def step_up(p: list[float], level: float) -> int:
    """How many Benjamini-Hochberg finds at a level."""
    ordered = sorted(p)
    hits = [k for k, v in enumerate(ordered, 1) if v <= level * k / len(ordered)]
    return max(hits, default=0)


def simes(p: list[float]) -> float:
    return min(v * len(p) / k for k, v in enumerate(sorted(p), 1))


def found_at(tests: Tests, level: float) -> set[tuple[str, str]]:
    """What Benjamini and Bogomolov (2014) find at a level, written as they write it."""
    by_subject: dict[str, dict[str, float]] = {}
    for (subject, typology), p in tests.items():
        by_subject.setdefault(subject, {})[typology] = p
    combined = {s: simes(list(own.values())) for s, own in by_subject.items()}
    chosen = step_up(list(combined.values()), level)
    cut = sorted(combined.values())[chosen - 1] if chosen else -1.0
    hits: set[tuple[str, str]] = set()
    for subject, own in by_subject.items():
        if combined[subject] > cut:
            continue
        inside = step_up(list(own.values()), level * chosen / len(by_subject))
        limit = sorted(own.values())[inside - 1] if inside else -1.0
        hits |= {(subject, t) for t, p in own.items() if p <= limit}
    return hits


@QUICK
@given(TESTS)
def test_a_q_value_is_the_least_level_at_which_the_procedure_finds_the_test(tests: Tests) -> None:
    q = q_of(tests)
    # A hair beside each q-value, and a grid: the procedure changes its mind nowhere else.
    for level in [*np.geomspace(1e-6, 0.999, 25), *(v * (1 + s) for v in q.values()
                                                    for s in (1e-9, -1e-9))]:  # fmt: skip
        if level < 1.0 - 1e-6:
            near = {k for k, v in q.items() if abs(v - level) < 1e-12}
            assert found_at(tests, level) - near == {k for k, v in q.items() if v <= level} - near


@QUICK
@given(TESTS)
def test_a_q_value_is_never_below_those_of_the_entities_nor_above_one(tests: Tests) -> None:
    q = q_of(tests)
    subjects = sorted({s for s, _ in tests})
    combined = [simes([p for (s, _), p in tests.items() if s == who]) for who in subjects]
    alone = dict(zip(subjects, bh_adjust(combined), strict=True))
    for who in subjects:
        own = [v for (s, _), v in q.items() if s == who]
        assert min(own) == pytest.approx(alone[who])
    assert all(tests[key] <= v * (1 + 1e-12) or v == 1.0 for key, v in q.items())
    assert max(q.values()) <= 1.0


@QUICK
@given(TESTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_names_of_subjects_move_nothing(tests: Tests, draw: object) -> None:
    items = list(tests.items())
    draw.shuffle(items)  # type: ignore[attr-defined]
    renamed = {(chr(200 - ord(s)), t): p for (s, t), p in items}
    again = q_of(renamed)
    for (s, t), q in q_of(tests).items():
        assert again[chr(200 - ord(s)), t] == pytest.approx(q, rel=1e-12)


@QUICK
@given(TESTS, st.data())
def test_less_evidence_lowers_no_q_value(tests: Tests, data: st.DataObject) -> None:
    """No q-value falls when some p-value rises: neither its own nor anybody's."""
    key = data.draw(st.sampled_from(sorted(tests)))
    worse = {**tests, key: data.draw(st.floats(tests[key], 1.0))}
    before, after = q_of(tests), q_of(worse)
    assert all(after[k] >= before[k] * (1 - 1e-12) for k in tests)


@QUICK
@given(st.dictionaries(st.sampled_from("ABCDEFGHIJ"), P, min_size=1))
def test_with_one_typology_it_is_the_step_up_of_hochberg_or_yekutieli(p: dict[str, float]) -> None:
    tests = {(s, BIDS[0]): v for s, v in p.items()}
    assert list(q_of(tests).values()) == pytest.approx(list(bh_adjust(list(p.values()))))
    shared = list(q_of(tests, "pair_y").values())
    assert shared == pytest.approx(list(by_adjust(list(p.values()))))


def test_subjects_that_share_firms_are_known() -> None:
    assert {"pair_y", "pair_q", "cluster_m", "group_y", "path_m", "pair_tender",
            "market_firm_y"} == OVERLAPPING  # fmt: skip


def test_groups_are_counted_apart_and_what_is_no_test_not_at_all() -> None:
    many = {(f"F{i}", BIDS[0]): 0.5 for i in range(99)}
    suspect = {("F", BIDS[0]): 0.001}
    family = q_of(suspect | many)["F", BIDS[0]]
    assert family == pytest.approx(0.1)
    parts = [
        rows(suspect),
        rows(many).with_columns(period_start=pl.lit(date(2024, 1, 1))),
        rows(many, "tender"),
        rows({(s, "MON-BID-COVER"): p for (s, _), p in many.items()}),
        rows(many, lane="legal").with_columns(subject_key=pl.col("subject_key") + "x"),
        rows(many).with_columns(p_value=pl.lit(None, pl.Float64)),
    ]
    found = with_q_values(pl.concat(parts))
    assert found["q_value"][0] == pytest.approx(0.001)
    assert found.filter(pl.col("lane") == "legal")["q_value"].null_count() == 99
    assert found.filter(pl.col("p_value").is_null())["q_value"].null_count() == 99
    assert found.height == sum(part.height for part in parts)


def test_siblings_count_among_the_tests_of_an_entity() -> None:
    alone = q_of({("A", BIDS[0]): 0.01})["A", BIDS[0]]
    with_silent = q_of({("A", BIDS[0]): 0.01, ("A", BIDS[1]): 0.9, ("A", BIDS[2]): 0.9})
    assert alone == pytest.approx(0.01)
    assert with_silent["A", BIDS[0]] == pytest.approx(0.03)


def test_rows_beside_are_those_of_the_group_with_all_their_cells() -> None:
    standing = pl.concat(
        [
            rows({("A", BIDS[0]): 0.1, ("B", BIDS[1]): 0.2}),
            rows({("C", BIDS[1]): 0.2}).with_columns(p_value=pl.lit(None, pl.Float64)),
            rows({("A", "MON-BID-COVER"): 0.1}),
            rows({("A", BIDS[2]): 0.1}, "pair_y"),
            rows({("D", BIDS[3]): 0.2}).with_columns(p_value=pl.lit(None, pl.Float64)),
        ]
    )
    cells = standing.head(1).select("typology", "grain", "period_start")
    found = false_alarms.beside(standing.lazy(), cells)
    assert set(found["subject_key"]) == {"B", "C"}


def test_no_row_gives_no_row() -> None:
    assert with_q_values(rows({})).height == 0
