"""The long-run budget: levels as computed by hand, never overspent, spent once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector import wealth
from detector.database import connect, reading, upgrade, writing
from detector.tables import wealth_batch
from detector.wealth import Batch, Block
from tests.alerts.samples import signal

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIRMS = Block("MON-BID", "firm_y", date(2025, 1, 1))
RATE = 0.1


def after(blocks: Sequence[Sequence[float]], rate: float = RATE) -> list[Batch]:
    past: list[Batch] = []
    for p in blocks:
        past.append(wealth.booked(past, np.array(p), rate))
    return past


def test_levels_are_those_computed_by_hand() -> None:
    """Three blocks at a rate of 0.05; the shares are 0.437490, 0.144318 and 0.075435."""
    past = after([[0.001, 0.009, 0.4, 0.6], [0.02, 0.9], [0.5] * 5], 0.05)
    one, two, three = past
    assert one.level == pytest.approx(0.05 * 0.4374901658)
    # 0.001 <= 0.0219 / 4 and 0.009 <= 2 * 0.0219 / 4; one more with a zero: 0, 0.001, 0.009, 0.4
    assert (one.found, one.most) == (2, 3)
    # Spent on the first: 0.021875 * 3 / (3 + 0), so 0.021875 + 0.007216 - 0.021875 is left,
    # times (2 + 2) / 2.
    assert two.level == pytest.approx(2 * 0.05 * 0.14431793)
    assert (two.found, two.most) == (0, 1)
    # First: 0.021875 * 3 / 3; second: 0.014431793 * 1 / (1 + 2).
    left = 0.05 * (0.4374901658 + 0.14431793 + 0.07543524) - 0.05 * 0.4374901658 - 0.014431793 / 3
    assert three.level == pytest.approx(left * (5 + 2) / 5, rel=1e-4)


def test_shares_sum_to_one() -> None:
    head = sum(wealth.share(t) for t in range(1, 4001))
    tail = 4000.5**-0.6 / 0.6 * wealth.share(1)
    assert head + tail == pytest.approx(1.0, abs=1e-6)


QUICK = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
BLOCKS = st.lists(
    st.lists(st.sampled_from([1e-9, 1e-4, 0.002, 0.01, 0.03, 0.2, 0.7]), min_size=1, max_size=12),
    min_size=1,
    max_size=15,
)


@QUICK
@given(BLOCKS)
def test_the_budget_is_never_overspent(blocks: list[list[float]]) -> None:
    past = after(blocks)
    for t in range(1, len(past) + 1):
        booked = past[:t]
        assert wealth.spent(booked) <= sum(b.granted for b in booked) * (1 + 1e-12) <= RATE
        assert wealth.wealth(booked) >= 0.0
        assert 0.0 <= booked[-1].level <= RATE


@QUICK
@given(BLOCKS)
def test_what_one_zero_more_would_find_is_found_by_trying(blocks: list[list[float]]) -> None:
    for p in blocks:
        for level in (0.001, 0.02, 0.1):
            tried = [
                wealth.findings(np.array([*p[:i], 0.0, *p[i + 1 :]]), level) for i in range(len(p))
            ]
            assert wealth.most_findings(np.array(p), level) == max(tried)


def test_without_a_scheme_few_streams_ever_find_anything() -> None:
    """False discovery rate of 400 streams of 30 honest blocks: any finding at all is false."""
    rng = np.random.default_rng(2)
    any_found = [
        any(b.found for b in after([list(rng.uniform(size=20)) for _ in range(30)]))
        for _ in range(400)
    ]
    assert np.mean(any_found) <= RATE + 2 * np.sqrt(RATE * (1 - RATE) / 400)


def blocks_of(*blocks: tuple[Block, Sequence[float]]) -> pl.DataFrame:
    rows = [(*block, p) for block, values in blocks for p in values]
    schema = {"family": pl.String, "grain": pl.String, "period_start": pl.Date, "p": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def book(url: str, tests: pl.DataFrame, run: str = "r1") -> dict[Block, float]:
    with writing(connect(url)) as connection:
        return wealth.book(connection, tests, RATE, run, NOW)


def ledger(url: str) -> list[tuple[object, ...]]:
    with reading(connect(url)) as connection:
        query = sa.select(wealth_batch).order_by("stream", "place")
        return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    text = f"sqlite:///{tmp_path / 'warden.db'}"
    upgrade(connect(text))
    return text


def test_a_block_judged_again_keeps_its_level_and_spends_nothing(url: str) -> None:
    first = book(url, blocks_of((FIRMS, [0.001, 0.5, 0.9])))
    before = ledger(url)
    again = book(url, blocks_of((FIRMS, [1e-9, 1e-9, 1e-9, 0.9])), "r2")
    assert again == first
    assert ledger(url) == before
    later = replace_year(FIRMS, 2026)
    both = book(url, blocks_of((later, [0.5]), (FIRMS, [0.2])), "r3")
    assert both[FIRMS] == first[FIRMS]
    assert [row[2] for row in ledger(url)] == [1, 2]


def replace_year(block: Block, year: int) -> Block:
    return block._replace(period_start=date(year, 1, 1))


def test_blocks_of_one_run_are_booked_in_the_order_of_time(url: str) -> None:
    early, late = FIRMS, replace_year(FIRMS, 2026)
    tender = FIRMS._replace(grain="tender", period_start=date(2025, 6, 1))
    other = Block("PRIV", "app_v", date(2020, 1, 1))
    parts = [(late, [0.1]), (tender, [0.1]), (early, [0.1]), (other, [0.1])]
    book(url, blocks_of(*parts))
    names = [(row[0], row[1], row[2]) for row in ledger(url)]
    bids = "screen|MON-BID|all"
    assert names == [
        (bids, early.name, 1),
        (bids, tender.name, 2),
        (bids, late.name, 3),
        ("screen|PRIV|all", other.name, 1),
    ]


def test_a_block_nobody_is_alerted_on_spends_nothing(url: str) -> None:
    pairs = FIRMS._replace(grain="pair_y")
    context = Block("MON-STR", "market_y", FIRMS.period_start)
    assert book(url, blocks_of((pairs, [0.001]), (context, [0.001]))) == {}
    assert ledger(url) == []


def test_what_is_rolled_back_was_never_booked(url: str) -> None:
    with pytest.raises(RuntimeError), writing(connect(url)) as connection:
        wealth.book(connection, blocks_of((FIRMS, [0.001])), RATE, "killed", NOW)
        raise RuntimeError("killed before the commit")
    assert ledger(url) == []
    book(url, blocks_of((FIRMS, [0.001])), "again")
    assert [row[-2] for row in ledger(url)] == ["again"]


def test_signals_say_whether_they_lie_inside() -> None:
    mine = signal(typology="MON-BID-CV", period_start=FIRMS.period_start, q_value=0.03)
    mine = replace(mine, budget={"grain": "firm_y"})
    levels = {FIRMS: 0.04}
    found = wealth.told(
        [
            mine,
            replace(mine, q_value=0.05),
            replace(mine, q_value=None),
            replace(mine, budget=None),
            replace(mine, budget={"grain": "pair_y"}),
        ],
        levels,
    )
    assert [s.budget and s.budget["inside"] for s in found] == [True, False, None, None, None]
    assert wealth.counted(found) == {"inside": 1, "outside": 1}


def book_years(url: str, start: int) -> None:
    """Books ten years, each in a transaction of its own; half of them another process books too."""
    for year in range(start, start + 10):
        book(url, blocks_of((replace_year(FIRMS, year), [0.001, 0.3, 0.8])), f"p{start}")


def two_processes(url: str) -> None:
    forks = multiprocessing.get_context("spawn")
    both = [forks.Process(target=book_years, args=(url, start)) for start in (2000, 2005)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    rows = ledger(url)
    assert [row[2] for row in rows] == list(range(1, 16))
    past: list[Batch] = []
    for row in rows:
        past.append(wealth.booked(past, np.array([0.001, 0.3, 0.8]), RATE))
        assert row[4] == pytest.approx(past[-1].level)


def test_two_processes_book_each_block_once(url: str) -> None:
    two_processes(url)


@pytest.mark.postgres
def test_two_processes_book_each_block_once_in_postgresql(postgres_url: str) -> None:
    upgrade(connect(postgres_url))
    two_processes(postgres_url)
