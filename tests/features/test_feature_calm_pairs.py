"""Pairs that meet in tenders with bids close together (MON-BID-CV by pair and year)."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binom

from tests.features.filings import Filing, compute, row
from tests.features.tendering import Tables, lot, market

CLOSE, APART = (100, 101, 102), (100, 130, 160)


def meetings(calm: int, wild: int, start: int = 0, **terms: Any) -> Tables:
    """Tenders of A and B beside C; A and B meet in all of them."""
    sizes = [CLOSE] * calm + [APART] * wild
    lots = [
        lot(start + k, dict(zip("ABC", amounts, strict=True)), **terms)
        for k, amounts in enumerate(sizes)
    ]
    return market(*lots)


def others(calm: int, wild: int) -> Tables:
    """Tenders in which every bidder appears once only."""
    sizes = [CLOSE] * calm + [APART] * wild
    return market(
        *(
            lot(500 + k, {f"{name}{k}": a for name, a in zip("XYZ", amounts, strict=True)})
            for k, amounts in enumerate(sizes)
        )
    )


def pair(tables: dict[str, list[Filing]], key: str = "A|B") -> dict[str, Any]:
    return row(compute(tables, "MON-BID-CV"), "pair_y", key)


def test_share_of_calm_tenders_and_its_chance_beside_the_market() -> None:
    found = pair(market(meetings(4, 1), others(3, 7)))
    assert found["bid_cv_share_low"] == 0.8
    assert found["bid_cv_share_low__n"] == 5
    assert found["bid_cv_low_p"] == pytest.approx(binom.sf(3, 5, 0.3))


def test_none_calm_is_no_surprise_and_a_lonely_market_has_no_rate() -> None:
    assert pair(market(meetings(0, 5), others(3, 7)))["bid_cv_low_p"] == 1.0
    alone = pair(meetings(4, 1))
    assert alone["bid_cv_share_low"] == 0.8
    assert alone["bid_cv_low_p__reason"] == "zero_denominator"


def test_tenders_that_cannot_be_judged_do_not_count() -> None:
    short = market(*(lot(100 + k, {"A": 100, "B": 101}) for k in range(3)))
    mixed = meetings(2, 0, start=200)
    for bid in mixed["bids"][::3]:
        bid["currency"] = "USD"
    private = meetings(3, 0, start=300, method="negotiated")
    found = pair(market(meetings(4, 0), short, mixed, private))
    assert (found["bid_cv_share_low"], found["bid_cv_share_low__reason"]) == (None, "too_few")
    assert found["bid_cv_share_low__n"] == 4


def test_markets_are_compared_with_themselves() -> None:
    """The rate is weighted by where the pair bids: goods are calm for everybody."""
    goods = market(
        meetings(3, 0, start=600, category="goods"),
        *(
            lot(700 + k, {f"{n}{k}": a for n, a in zip("PQR", CLOSE, strict=True)},
                category="goods")
            for k in range(4)
        ),
    )  # fmt: skip
    found = pair(market(meetings(1, 1), others(0, 4), goods))
    assert found["bid_cv_share_low"] == 0.8
    assert found["bid_cv_low_p"] == pytest.approx(binom.sf(3, 5, (3 * 1.0 + 2 * 0.0) / 5))


def test_firms_of_one_group_are_one_bidder_and_no_pair() -> None:
    group = {"firms": [{"firm_id": f, "group_id": "G"} for f in ("A", "B")]}
    done = compute(meetings(5, 0) | group, "MON-BID-CV")
    # A and B count as G: two bids are left in each tender, too few for a coefficient.
    found = row(done, "pair_y", "C|G")
    assert found["bid_cv_share_low__reason"] == "too_few"
