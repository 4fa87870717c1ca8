"""Bid screens: golden numbers, preparation of bids, memberships."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.features.filings import Filing, bids, compute, read, row

COVER = [100.0, 112, 113, 114, 115]
COMPETITIVE = [90.0, 95, 103, 111, 120]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (
            COVER,
            {
                "bid_cv": 0.0554154564369, "bid_spread": 0.15, "bid_diffp": 0.12,
                "bid_rd": 9.2951600309, "bid_rdnor": 3.2, "bid_rdalt": 12.0,
                "bid_skew": -2.05288398482, "bid_kurt": 4.35358019827,
                "bid_ks_uniform": 0.8, "bid_ks_lit": 17.9076122422,
            },
        ),
        (
            COMPETITIVE,
            {
                "bid_cv": 0.116287336239, "bid_spread": 1 / 3, "bid_diffp": 0.0555555555556,
                "bid_rd": 0.466421428017, "bid_rdnor": 2 / 3, "bid_rdalt": 0.6,
                "bid_skew": 0.311481817585, "bid_kurt": -1.29751574417,
                "bid_ks_uniform": 0.3, "bid_ks_lit": 9.1081564415,
            },
        ),
        ([100, 101, 102, 118, 131, 150], {"bid_cv_min3": 0.00990099009901,
                                          "bid_subgroup_count3": 20}),
        ([100, 103, 106, 109], {"bid_step_cv": 0.0}),
        ([100, 110, 121, 133.1], {"bid_logstep_cv": 0.0}),
        ([100, 105, 105, 108, 108, 120], {"bid_tie_share": 2 / 3}),
    ],
)  # fmt: skip
def test_golden_numbers(amounts: list[float], expected: dict[str, float]) -> None:
    found = row(compute(bids(amounts)), "tender")
    assert {f: found[f] for f in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("amounts", "feature", "reason"),
    [
        ([100, 110], "bid_cv", "too_few"),
        ([100, 110], "bid_rd", "too_few"),
        ([100], "bid_diffp", "too_few"),
        ([], "bid_cv", "too_few"),
        ([100, 110, 110, 110], "bid_rd", "losing_tied"),
        ([100, 110, 110, 110], "bid_rdalt", "losing_tied"),
        ([110.1] * 3, "bid_skew", "constant"),
        ([110.1] * 6, "bid_ks_uniform", "constant"),
        ([110.1] * 6, "bid_step_cv", "constant"),
        ([1, 2, 3, 4], "bid_ks_uniform", "too_few"),
        ([110.1] * 3, "bid_skew_min3", "constant"),
        ([1, 2, 3], "bid_cv_min4", "too_few"),
    ],
)
def test_edges_have_a_reason(amounts: list[float], feature: str, reason: str) -> None:
    other = bids([1, 2, 3], tender="other")
    tables = {k: v + other[k] for k, v in bids(amounts).items()}
    found = row(compute(tables), "tender", "T")
    assert (found[feature], found[f"{feature}__reason"]) == (None, reason)
    assert found[f"{feature}__n"] == len(amounts)


def test_identical_bids_are_no_spread_and_all_tied() -> None:
    found = row(compute(bids([1234.56] * 4), "MON-BID-CV"), "tender")
    assert (found["bid_cv"], found["bid_tie_share"], found["bid_tie_digits"]) == (0, 1, 6)
    assert row(compute(bids([100, 110, 110, 110]), "MON-BID-CV"), "tender")["bid_rdnor"] == 3


def test_round_bids_have_more_zeros_than_digits() -> None:
    found = row(compute(bids([142_800_000, 100, 120, 12.5, 9]), "MON-BID-CV"), "tender")
    assert found["bid_round_share"] == pytest.approx(2 / 5)


def test_all_estimators_agree_with_scipy_on_random_bids() -> None:
    draw = np.random.default_rng(5)
    for n in (4, 7, 12):
        amounts = np.round(draw.lognormal(10, 0.2, n), 2)
        found = row(compute(bids(amounts.tolist())), "tender")
        inner = np.sort((amounts - amounts.min()) / np.ptp(amounts))[1:-1]
        assert found["bid_skew"] == pytest.approx(stats.skew(amounts, bias=False), rel=1e-9)
        assert found["bid_kurt"] == pytest.approx(stats.kurtosis(amounts, bias=False), rel=1e-9)
        if n >= 5:
            ks = stats.ks_1samp(inner, stats.uniform.cdf).statistic
            assert found["bid_ks_uniform"] == pytest.approx(ks)
        for k in (3, 4):
            groups = [np.array(g) for g in combinations(np.sort(amounts), k)]
            cvs = [g.std(ddof=1) / g.mean() for g in groups]
            rds = [(g[1] - g[0]) / g[1:].std(ddof=1) for g in groups]
            skews = [stats.skew(g, bias=False) for g in groups]
            assert found[f"bid_cv_min{k}"] == pytest.approx(min(cvs))
            assert found[f"bid_cv_mean{k}"] == pytest.approx(np.mean(cvs))
            assert found[f"bid_rd_median{k}"] == pytest.approx(np.median(rds))
            assert found[f"bid_skew_max{k}"] == pytest.approx(max(skews))
            assert found[f"bid_spread_max{k}"] == pytest.approx(np.ptp(amounts) / amounts.min())


def test_above_25_bids_subsets_are_a_fixed_sample() -> None:
    amounts = np.random.default_rng(1).uniform(90, 110, 30).round(2).tolist()
    one = row(compute(bids(amounts), "MON-BID-SUBGROUP"), "tender")
    two = row(compute(bids(amounts[::-1]), "MON-BID-SUBGROUP"), "tender")
    assert one == two
    assert one["bid_subgroup_count3"] == 30 * 29 * 28 / 6
    best = min(np.std(g, ddof=1) / np.mean(g) for g in combinations(sorted(amounts), 3))
    assert best <= one["bid_cv_min3"] < 0.01


def bid(bidder: str | None, amount: float, **more: object) -> Filing:
    return {"tender_id": "T", "bidder_id": bidder, "amount": amount, **more}


def kept(*filed: Filing, **more: list[Filing]) -> int:
    tables = {"tenders": [{"tender_id": "T", "currency": "EUR"}], "bids": list(filed)} | more
    return int(row(compute(tables, "MON-BID-CV"), "tender")["n_bids"])


def test_one_bid_counts_per_economic_bidder() -> None:
    assert kept(bid("a", 1), bid("b", 2), bid("c", 3, status="withdrawn")) == 2
    joint = [bid(b, 5, consortium_id="C") for b in ("a", "b")]
    assert kept(*joint, bid("c", 6)) == 2
    group: list[Filing] = [{"firm_id": f, "group_id": "G"} for f in ("a", "b")]
    assert kept(bid("a", 1), bid("b", 2), bid("c", 3), firms=group) == 2
    assert kept(bid(None, 5, bid_id="1"), bid(None, 5, bid_id="2")) == 2


def test_the_latest_bid_counts() -> None:
    early = bid("a", 100, submitted_at="2024-01-01T10:00:00Z")
    late = bid("a", 120, submitted_at="2024-01-02T10:00:00Z")
    tables = {"tenders": [{"tender_id": "T"}], "bids": [early, late, bid("b", 132)]}
    assert read(compute(tables, "MON-BID-CV"), "tender", "bid_spread") == pytest.approx(0.1)


def test_currencies_are_never_mixed() -> None:
    assert kept(bid("a", 1), bid("b", 2, currency="EUR")) == 2
    tables = {
        "tenders": [{"tender_id": "T", "currency": "EUR"}],
        "bids": [bid("a", 1), bid("b", 2), bid("c", 3, currency="USD")],
    }
    found = row(compute(tables), "tender")
    assert found["bid_cv__reason"] == "missing_input"
    assert found["bid_cv_min3__reason"] == "missing_input"


def test_negotiated_procedures_are_outside_price_screens() -> None:
    tables = bids(COVER)
    tables["tenders"][0]["method"] = "negotiated"
    assert row(compute(tables, "MON-BID-CV"), "tender")["bid_cv__reason"] == "not_applicable"


def test_lots_are_tenders_of_their_own() -> None:
    tables = {
        "tenders": [{"tender_id": "T", "category": "works", "awarded_at": "2024-02-10"}],
        "bids": [bid(b, a, lot_id=x) for x in ("1", "2") for b, a in (("a", 1), ("b", 2))],
    }
    frame = compute(tables, "MON-BID-CV").frames["tender"].frame
    assert frame["subject_key"].to_list() == ["T/1", "T/2"]
    assert frame["category"].to_list() == ["works", "works"]
    assert frame["period_start"].unique().to_list() == [date(2024, 2, 1)]


def test_a_tender_without_bids_or_dates_and_bids_without_a_tender_are_judged() -> None:
    tables = {"tenders": [{"tender_id": "T"}], "bids": [bid("a", 1) | {"tender_id": "U"}]}
    frame = compute(tables, "MON-BID-CV").frames["tender"].frame
    assert frame["subject_key"].to_list() == ["T", "U"]
    assert frame["n_bids"].to_list() == [0, 1]
    assert frame["period_start"].to_list() == [date(2026, 1, 1)] * 2


def test_tenders_roll_up_to_firms_and_pairs_of_the_year() -> None:
    tables = {
        "tenders": [{"tender_id": "T", "awarded_at": "2024-05-05"}],
        "bids": [
            bid("b", 1), bid("a", 2), bid("c", 3, consortium_id="C"),
            bid("d", 3, consortium_id="C"), bid(None, 4),
        ],
        "firms": [{"firm_id": f, "group_id": "G"} for f in ("a", "e")],
    }  # fmt: skip
    done = compute(tables, "MON-BID-CV")
    firms = done.memberships["tender", "firm_y"]
    pairs = done.memberships["tender", "pair_y"]
    assert sorted(firms["parent_key"]) == ["G", "b", "c", "d"]
    assert sorted(pairs["parent_key"]) == ["G|b", "G|c", "G|d", "b|c", "b|d"]
    year = (date(2024, 1, 1), date(2024, 12, 31))
    assert pairs.select("parent_period_start", "parent_period_end").unique().row(0) == year
    known = done.frames["tender"].frame.select("subject_key", "period_start").row(0)
    assert firms.select("child_key", "child_period_start").unique().row(0) == known


def test_the_market_is_the_category_unless_given() -> None:
    tables = bids(COVER)
    tables["tenders"][0] |= {"category": "works", "market_id": "roads"}
    done = compute(tables, "MON-BID-CV")
    found = row(done, "tender")
    assert (found["market"], found["n_band"]) == ("roads", "5-6")
    assert done.frames["tender"].frame["n_bids"].dtype == pl.Int64


def test_a_group_of_one_firm_keeps_the_name_of_the_firm() -> None:
    tables = {
        "tenders": [{"tender_id": "T"}],
        "bids": [bid("a", 1)],
        "firms": [{"firm_id": "a", "group_id": "G"}],
    }
    done = compute(tables, "MON-BID-CV")
    assert done.memberships["tender", "firm_y"]["parent_key"].to_list() == ["a"]
