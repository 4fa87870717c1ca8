"""Red flags of tenders, bidders and buyers; bids whose price nobody published."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from features.library.fences import fenced
from tests.features.filings import Filing, compute, holds_the_promise, row

SINGLE = "MON-BID-SINGLE"


def tender(bids: list[Filing], **terms: Any) -> dict[str, list[Filing]]:
    head = {"tender_id": "T", "awarded_at": "2024-05-02", "winner_id": "W"} | terms
    return {"tenders": [head], "bids": [{"tender_id": "T"} | bid for bid in bids]}


def bid(firm: str, amount: float | None = None, status: str = "valid", **more: Any) -> Filing:
    return {"bidder_id": firm, "amount": amount, "status": status} | more


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 17])
def test_quartiles_are_the_median_unbiased_ones(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    frame = pl.DataFrame({"g": ["a"] * n + ["b"], "v": [*values, None]}, strict=False)
    low, high, peers = frame.group_by("g").agg(*fenced("v")).sort("g").row(0)[1:]
    wanted = np.quantile(values, [0.25, 0.75], method="median_unbiased")
    assert [low, high] == pytest.approx(wanted)
    assert peers == n


@pytest.mark.parametrize(
    ("deadline", "sent", "late"),
    [
        ("2024-05-01", "2024-05-01T18:00:00Z", 0),  # a deadline without hour is the whole day
        ("2024-05-01", "2024-05-02T00:00:00Z", 1),
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z", 0),
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:01Z", 1),
        ("2024-05-01T12:00:00Z", None, None),
        (None, "2024-05-01T12:00:01Z", None),
    ],
)
def test_late_is_after_the_deadline(
    deadline: str | None, sent: str | None, late: float | None
) -> None:
    filed = tender([bid("W", 1, submitted_at=sent)], deadline_at=deadline)
    assert row(compute(filed, SINGLE), "tender")["late_bid_won"] == late
    lost = tender([bid("L", 1, submitted_at=sent), bid("W", 2)], deadline_at=deadline)
    assert row(compute(lost, SINGLE), "tender")["late_bid_won"] is None


def test_rivals_disqualified_around_a_winner_who_is_alone() -> None:
    out = [bid(firm, status="disqualified") for firm in ("A", "B")]

    def count(*bids: Filing, **terms: Any) -> Any:
        return row(compute(tender([*out, *bids], **terms), SINGLE), "tender")["rivals_disqualified"]

    assert count(bid("W")) == 2
    assert count(bid("W"), bid("C", status="withdrawn")) == 2
    assert count(bid("W"), bid("C")) == 0
    assert count(bid("W"), bid("A")) == 0, "A has a valid bid too"
    assert count(bid("W"), winner_id=None) is None
    joint = [bid("W", consortium_id="j"), bid("V", consortium_id="j")]
    assert count(*joint) == 2, "a consortium is one bidder"


def test_the_lowest_bid_disqualified() -> None:
    def flag(*bids: Filing, **terms: Any) -> Any:
        return row(compute(tender(list(bids), **terms), SINGLE), "tender")["lowest_disqualified"]

    out = bid("A", 5, "disqualified")
    assert flag(out, bid("W", 6)) == 1
    assert flag(out, bid("W", 5)) == 0
    assert flag(out, bid("W", 6), award_rule="best_value") is None
    assert flag(out, bid("W")) is None
    assert flag(bid("A", 5, "disqualified", currency="EUR"), bid("W", 6, currency="USD")) is None


def test_unpriced_bids_count_as_bids_and_move_no_price_screen() -> None:
    priced = tender([bid("W", 10), bid("A", 11), bid("B", 14)])
    silent = {**priced, "bids": [*priced["bids"], {"tender_id": "T"} | bid("C")]}
    one, two = (row(compute(tables), "tender") for tables in (priced, silent))
    counted = {"bid_count", "bid_count__n", "single_bid__n", "submission_days__n",
               "late_bid_won__n", "rivals_disqualified__n"}  # fmt: skip
    moved = {name for name in one if one[name] != two[name]}
    assert moved <= counted
    assert (one["bid_count"], two["bid_count"]) == (3, 4)
    holds_the_promise(compute(silent))
    only = tender([bid("W"), bid("A")])
    found = row(compute(only), "tender")
    assert (found["bid_count"], found["bid_cv__reason"], found["bid_cv__n"]) == (2, "too_few", 0)


def test_unpriced_bidders_meet_and_win() -> None:
    lots = [tender([bid("W"), bid("A")], tender_id=f"T{k}") for k in range(10)]
    for k, lot in enumerate(lots):
        for filed in lot["bids"]:
            filed["tender_id"] = f"T{k}"
    tables = {name: [r for lot in lots for r in lot[name]] for name in ("tenders", "bids")}
    done = compute(tables, "MON-BID-COVER", "MON-BID-COBID")
    assert row(done, "firm_y", "W")["cover_win_rate"] == 1
    assert row(done, "firm_y", "A")["cover_win_rate"] == 0
    assert row(done, "pair_y", "A|W")["cobid_jaccard"] == 1
    assert row(done, "pair_y", "A|W")["cover_ratio_cv"] is None


def test_stated_bidders_stand_in_for_bids_nobody_published() -> None:
    notice = {"tender_id": "T", "buyer_id": "B", "awarded_at": "2024-05-02", "n_tenderers": 1}
    found = row(compute({"tenders": [notice]}, SINGLE), "tender")
    assert (found["single_bid"], found["bid_count"]) == (1, 1)
    filed = tender([bid("W"), bid("A")], n_tenderers=1)
    assert row(compute(filed, SINGLE), "tender")["bid_count"] == 2, "bids on file are counted"
    notices = [notice | {"tender_id": f"T{k}"} for k in range(20)]
    rate = row(compute({"tenders": notices}, SINGLE), "buyer_y")["single_bid_rate_lcb"]
    assert rate == pytest.approx(0.8388747)
    direct = row(compute({"tenders": [notice | {"method": "direct"}]}, SINGLE), "tender")
    assert direct["single_bid__reason"] == "not_applicable"
