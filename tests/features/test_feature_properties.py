"""Properties that hold whatever is filed: row order, units of money, strangers."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.features.filings import Filing, bids, compute, positions, trades

SCREENS = ("MON-BID-CV", "MON-BID-DISTANCE", "MON-BID-SHAPE", "MON-BID-KS", "MON-BID-IDENTICAL")
FEW = settings(max_examples=8, deadline=None, derandomize=True)
AMOUNTS = st.lists(st.integers(1_000, 9_999_999).map(lambda c: c / 100), min_size=1, max_size=8)
UNIT_FREE = (
    *("bid_cv", "bid_spread", "bid_diffp", "bid_rd", "bid_rdnor", "bid_rdalt", "bid_skew"),
    *("bid_kurt", "bid_ks_uniform", "bid_ks_lit", "bid_tie_share", "bid_step_cv"),
)


def shuffled(tables: dict[str, list[Filing]], seed: int) -> dict[str, list[Filing]]:
    draw = random.Random(seed)
    return {name: draw.sample(rows, len(rows)) for name, rows in tables.items()}


def tender_frame(tables: dict[str, list[Filing]]) -> pl.DataFrame:
    return compute(tables, *SCREENS).frames["tender"].frame


@FEW
@given(AMOUNTS, AMOUNTS, st.integers(0, 99))
def test_row_order_changes_nothing(one: list[float], two: list[float], seed: int) -> None:
    first, second = bids(one, "T"), bids(two, "U")
    tables = {name: first[name] + second[name] for name in first}
    assert_frame_equal(tender_frame(tables), tender_frame(shuffled(tables, seed)), check_exact=True)


@FEW
@given(AMOUNTS, st.sampled_from([10.0, 100.0, 1e6]))
def test_the_unit_of_money_leaves_ratios(amounts: list[float], unit: float) -> None:
    columns = [c for f in UNIT_FREE for c in (f, f"{f}__reason", f"{f}__n")]
    here = tender_frame(bids(amounts)).select(columns)
    there = tender_frame(bids([a * unit for a in amounts])).select(columns)
    assert_frame_equal(here, there, rel_tol=1e-6, abs_tol=1e-6)


@FEW
@given(AMOUNTS, AMOUNTS)
def test_another_tender_changes_nothing(one: list[float], two: list[float]) -> None:
    """Of another trade: in its own, a tender is compared with others of the year."""
    alone, other = bids(one, "T"), bids(two, "U")
    other["tenders"] = [row | {"category": "elsewhere"} for row in other["tenders"]]
    beside = tender_frame({name: alone[name] + other[name] for name in alone})
    assert_frame_equal(tender_frame(alone), beside.filter(subject_key="T"), check_exact=True)


@FEW
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 99))
def test_markets_do_not_see_each_other_nor_the_order(parts: list[int], seed: int) -> None:
    whole = sum(parts)
    mine = positions({f"f{k}": p / whole for k, p in enumerate(parts)})
    other = positions({"f0": 0.7, "f1": 0.3}, market="N")
    asked = ("MON-STR-HHI", "MON-DOMINANCE-CN")
    alone = compute({"market_positions": mine}, *asked).frames
    beside = compute(shuffled({"market_positions": mine + other}, seed), *asked).frames
    for grain, made in alone.items():
        kept = beside[grain].frame.filter(market_id="M")
        assert_frame_equal(made.frame, kept, check_exact=True)
    hhi = alone["market_y"].frame["hhi"].item()
    assert 10_000 / len(parts) - 1e-6 <= hhi <= 10_000 + 1e-6


@FEW
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF"), st.integers(1, 999)),
        min_size=1,
        max_size=25,
    ),
    st.integers(0, 99),
)
def test_circles_are_those_of_a_plain_search(edges: list[Any], seed: int) -> None:
    tables = trades(edges)
    frame = compute(shuffled(tables, seed), "TRX-WASH-SCC").frames["cluster_m"].frame
    reach = {n: {n} for n in "ABCDEF"}
    for _ in reach:
        for a, b, _value in edges:
            for n in reach:
                if a in reach[n]:
                    reach[n].add(b)
    circles = {"|".join(sorted(m for m in reach[n] if n in reach[m])) for n in reach}
    assert set(frame["subject_key"]) == {c for c in circles if len(c) > 1}
    assert frame["wash_net_gross"].is_between(0, 1).all()
    assert frame["wash_reciprocity"].is_between(0, 1).all()


def test_a_view_of_the_past_does_not_depend_on_later_months() -> None:
    def order(k: int, month: int, buyer: str, seller: str) -> Filing:
        when = datetime(2024, month, 3, tzinfo=UTC)
        return {"tx_id": str(k), "ts": when, "buyer_hash": buyer, "seller_id": seller, "net": 1.0}

    past = [order(0, 1, "A", "B"), order(1, 1, "B", "A"), order(2, 1, "B", "C")]
    later = [order(3, 2, "C", "B"), order(4, 2, "B", "C")]
    alone = compute({"transactions": past}).frames["cluster_m"].frame
    beside = compute({"transactions": past + later}).frames["cluster_m"].frame
    january = beside.filter(period_start=datetime(2024, 1, 1).date())
    assert_frame_equal(alone, january, check_exact=True)
