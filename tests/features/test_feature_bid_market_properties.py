"""Screens of a whole market: row order, money, strangers, the future, and real auctions."""

from __future__ import annotations

import random
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.compute import Computed, compute_features
from features.contracts import conform
from tests.conftest import shared_data
from tests.features import tendering as made
from tests.features.filings import CONTEXT, compute, holds_the_promise

FAMILY = tuple(
    f"MON-BID-{name}"
    for name in ("MISSING", "ROTATION", "COVER", "COBID", "ALLOC", "SINGLE", "SUBCON", "BENFORD",
                 "DOCSIM", "RESERVE")
)  # fmt: skip
FEW = settings(max_examples=5, deadline=None, derandomize=True)


def some_market(seed: int, prefix: str = "T", year: int = 2024, lots: int = 40) -> made.Tables:
    """Tenders with random bidders, winners, regions and reserves."""
    draw = random.Random(seed)
    firms = [f"{prefix}{k}" for k in range(7)]
    found = []
    for k in range(lots):
        bids = {f: draw.randint(9_000, 99_000) / 10 for f in draw.sample(firms, draw.randint(1, 5))}
        where = draw.choice("NS")
        day = date(year, draw.randint(1, 12), draw.randint(1, 28))
        more = {"region": where, "buyer_id": f"{prefix}{where}", "category": prefix,
                "reserve_price": 10_000.0}  # fmt: skip
        found.append(made.lot(k, bids, min(bids, key=bids.__getitem__), day=day,
                              prefix=f"{prefix}{year}-", **more))  # fmt: skip
    return made.market(*found)


def frames(tables: made.Tables) -> dict[str, pl.DataFrame]:
    done = compute(tables, *FAMILY)
    holds_the_promise(done)
    return {grain: part.frame for grain, part in done.frames.items()}


@FEW
@given(st.integers(0, 999))
def test_order_strangers_and_the_future_change_nothing(seed: int) -> None:
    mine = some_market(seed)
    alone = frames(mine)
    draw = random.Random(seed)
    beside = made.market(mine, some_market(seed + 1, "U"), some_market(seed + 2, "T", 2025))
    mixed = frames({name: draw.sample(rows, len(rows)) for name, rows in beside.items()})
    for grain, frame in alone.items():
        kept = mixed[grain].join(frame.select("subject_key", "period_start"),
                                 on=["subject_key", "period_start"], how="semi")  # fmt: skip
        strangers = [c for c in frame.columns if c.startswith("single_bid_peer")]
        assert_frame_equal(frame.drop(strangers), kept.drop(strangers), check_exact=True)


@FEW
@given(st.integers(0, 999), st.sampled_from([10.0, 1000.0]))
def test_the_unit_of_money_leaves_ratios(seed: int, unit: float) -> None:
    here = some_market(seed)
    there = {
        name: [
            {k: v * unit if k in {"amount", "reserve_price"} else v for k, v in row.items()}
            for row in rows
        ]
        for name, rows in here.items()
    }
    one, two = frames(here), frames(there)
    for grain in one:
        kept = [c for c in one[grain].columns if not c.startswith(("benford", "last_digit"))]
        assert_frame_equal(one[grain].select(kept), two[grain].select(kept), abs_tol=1e-9)


def auctions(*, named: bool) -> Computed:
    folder = shared_data("bids-tsuchiura")
    bids = pl.scan_csv(folder / "bids.csv")
    if not named:
        bids = bids.with_columns(bidder_id=pl.lit(None, dtype=pl.String))
    tables = {
        "tenders": conform("tenders", pl.scan_csv(folder / "tenders.csv")),
        "bids": conform("bids", bids),
    }
    return compute_features(tables, FAMILY, CONTEXT)


@pytest.mark.real
def test_margins_of_the_municipal_auctions_are_the_published_ones() -> None:
    # Published figures count every bid; ours one a firm, and three auctions have two of one firm.
    every = auctions(named=False).frames["tender"].frame
    gaps = every["bid_margin"].drop_nulls()
    assert gaps.len() == 1469
    within = [
        gaps.is_between(a, b, closed="left").mean()
        for a, b in ((0, 0.001), (0.001, 0.003), (0.003, 0.005))
    ]
    assert within == pytest.approx([0.020, 0.109, 0.165], abs=0.0005)
    assert gaps.median() == pytest.approx(0.0077, abs=0.00005)
    ratios = every.filter(pl.col("bid_margin").is_not_null())["bid_win_ratio"]
    assert ratios.median() == pytest.approx(0.966, abs=0.0005)
    named = auctions(named=True)
    holds_the_promise(named)
    ours = named.frames["tender"].frame["bid_margin"].drop_nulls()
    assert ours.len() == 1466
    years = named.frames["category_y"].frame.filter(pl.col("period_start") < date(2014, 1, 1))
    assert (years["bid_missing_ratio"] < 1).all()
    assert years.filter(pl.col("bid_missing_p") < 0.01).height == 5
    circles = named.frames["group_y"].frame
    assert circles["cobid_coherence"].is_between(0, 1).all(ignore_nulls=True)
    assert circles["rot_repeat_p"].drop_nulls().is_between(0, 1).all()
