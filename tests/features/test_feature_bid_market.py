"""Screens of a whole market of tenders: literal numbers, edges with reasons, preparation."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise, permutations
from typing import Any

import pytest

from features.library.bid_rotation import EXACT_UP_TO, repeat_tail
from tests.features import tendering as made
from tests.features.filings import compute, holds_the_promise, read, row

HEX = "0123456789abcdef"


@pytest.mark.parametrize(
    ("tables", "typology", "grain", "subject", "expected"),
    [
        (made.margins(8, 40), "MISSING", "category_y", "works", {"bid_missing_ratio": 0.2}),
        (made.margins(24, 40), "MISSING", "category_y", "works",
         {"bid_missing_p": 0.00448265656557, "bid_missing_tied": 0.0}),
        (made.rounds("ABCABCABC"), "ROTATION", "group_y", "A|B|C",
         {"rot_repeat_rate": 0, "rot_repeat_p": 174 / 1680, "rot_entropy": 1, "rot_gap_cv": 0,
          "rot_joint_share": 1}),
        (made.rounds("AAABBBCCC"), "ROTATION", "group_y", "A|B|C",
         {"rot_repeat_rate": 0.75, "rot_repeat_p": 1.0}),
        (made.rounds("ABC", [500, 300, 200]), "ROTATION", "group_y", "A|B|C",
         {"rot_entropy": 0.937230563216}),
        (made.covers([1.05, 1.05, 1.051, 1.049]), "COVER", "pair_y", "A|L",
         {"cover_ratio_cv": 0.00077761579136}),
        (made.unlucky(24, 0, 4), "COVER", "firm_y", "X",
         {"cover_never_win_p": 0.00100339127755, "cover_win_rate": 0}),
        (made.shared_out([[8, 1, 1], [1, 8, 1], [1, 1, 8]]), "ALLOC", "category_y", "works",
         {"alloc_cramers_v": 0.7, "alloc_cramers_v_bc": 0.672474700061, "alloc_home_share": 0.8,
          # each firm left 18 of 20 lots away from home alone, and took 8 of 10 at home
          "alloc_nobid_rate": 0.9, "alloc_border_drop": 0.7}),
        (made.lonely(14, 20), "SINGLE", "buyer_y", "B", {"single_bid_rate_lcb": 0.481027181646}),
        (made.passed_on(1000, [["L1", 250], ["X9", 100], ["L2", 150]], ["L1", "L2", "L3"]),
         "SUBCON", "tender", "T00000",
         {"subcon_loser_share": 0.4, "subcon_loser_count": 2, "subcon_loser_gap": 0.1}),
        (made.digits([290, 180, 130, 90, 80, 70, 60, 50, 50]), "BENFORD", "category_y", "works",
         {"benford_mad1": 0.0042427846932, "benford_chi2": 1.82521628006,
          "last_digit_chi2": 9000}),
        (made.lot(0, {"A": 98.5}, "A", reserve_price=100.0), "RESERVE", "tender", "T00000",
         {"bid_win_ratio": 0.985}),
        (made.lot(0, {"A": 98.5}, "A"), "SINGLE", "tender", "T00000",
         {"single_bid": 1.0, "bid_count": 1.0}),
    ],
)  # fmt: skip
def test_golden_numbers(
    tables: made.Tables, typology: str, grain: str, subject: str, expected: dict[str, float]
) -> None:
    done = compute(tables, f"MON-BID-{typology}")
    holds_the_promise(done)
    found = row(done, grain, subject)
    assert {f: found[f] for f in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("tables", "grain", "feature", "subject", "reason"),
    [
        (made.margins(8, 19), "category_y", "bid_missing_ratio", "works", "too_few"),
        (made.lot(0, {"A": 1}), "tender", "bid_margin", "T00000", "too_few"),
        (made.lot(0, {"A": 1, "B": 2}, method="direct"), "tender", "bid_margin", "T00000",
         "not_applicable"),
        (made.lot(0, {"A": 1, "B": 2}, "A"), "tender", "bid_win_ratio", "T00000", "missing_input"),
        (made.lot(0, {}), "tender", "bid_count", "T00000", "missing_input"),
        (made.rounds("ABCAB"), "group_y", "rot_repeat_p", "A|B|C", "too_few"),
        (made.rounds("ABABABAB"), "group_y", "rot_repeat_rate", "A|B", "too_few"),
        (made.rounds("ABCABC"), "group_y", "rot_gap_cv", "A|B|C", "too_few"),
        (made.unlucky(9, 0, 4), "firm_y", "cover_never_win_p", "X", "too_few"),
        (made.covers([1.05] * 3), "pair_y", "cover_ratio_cv", "A|L", "too_few"),
        (made.shared_out([[8, 1, 1], [1, 8, 1], [1, 1, 7]]), "category_y", "alloc_cramers_v",
         "works", "too_few"),
        (made.shared_out([[40], [2]]), "category_y", "alloc_cramers_v", "works", "missing_input"),
        (made.lonely(14, 14), "buyer_y", "single_bid_rate_lcb", "B", "too_few"),
        (made.passed_on(10, [["X", 1]], ["L"]), "tender", "subcon_loser_gap", "T00000",
         "not_applicable"),
        (made.digits([99]), "category_y", "benford_chi2", "works", "too_few"),
        (made.margins(0, 120), "category_y", "benford_chi2", "works", "not_applicable"),
        (made.traces({"ip_hash": "1"}, {"contact_hash": "2"}), "pair_tender", "doc_link_count",
         "A|B/T00000", "missing_input"),
    ],
)  # fmt: skip
def test_edges_have_a_reason(
    tables: made.Tables, grain: str, feature: str, subject: str, reason: str
) -> None:
    other = made.lot(0, {"P": 5, "Q": 6}, prefix="U", category="other")
    found = row(compute(made.market(tables, other)), grain, subject)
    assert (found[feature], found[f"{feature}__reason"]) == (None, reason)


@pytest.mark.parametrize("wins", [(1, 1), (2, 1), (3, 2), (2, 2, 2), (4, 1, 1), (3, 3, 1)])
def test_the_count_of_repeats_is_that_of_a_full_listing(wins: tuple[int, ...]) -> None:
    row = [k for k, w in enumerate(wins) for _ in range(w)]
    orders = [sum(a == b for a, b in pairwise(o)) for o in permutations(row)]
    for repeats in range(len(row)):
        share = sum(found <= repeats for found in orders) / len(orders)
        assert repeat_tail(wins, repeats) == pytest.approx(share, abs=1e-12)


def test_long_sequences_are_drawn_near_the_exact_share_and_alike_each_time() -> None:
    half = EXACT_UP_TO // 2
    exact, drawn = repeat_tail((half, half), half), repeat_tail((half + 1, half + 1), half + 1)
    assert drawn == repeat_tail((half + 1, half + 1), half + 1)
    assert drawn == pytest.approx(exact, abs=0.03)


def test_disqualified_bids_count_for_margins_and_withdrawn_ones_do_not() -> None:
    tables = made.lot(0, {"A": 100, "B": 110, "C": 104, "D": 101}, "A", reserve_price=200.0)
    tables["bids"][2]["status"] = "disqualified"
    tables["bids"][3]["status"] = "withdrawn"
    found = row(compute(tables, "MON-BID-MISSING"), "tender")
    assert (found["bid_margin"], found["bid_margin__n"]) == (0.02, 3)
    assert found["n_bids"] == 2


def test_ties_are_counted_apart_and_half_a_percent_belongs_to_the_flank() -> None:
    gaps = [0.5] * 30 + [0.0] * 10 + [1.5] * 10
    lots = (made.lot(k, {"A": 80, "B": 80 + g}, reserve_price=100.0) for k, g in enumerate(gaps))
    found = row(compute(made.market(*lots), "MON-BID-MISSING"), "category_y")
    # -0.005 is in neither, 0.005 in the right flank; -0.015 in the left flank, 0.015 beyond.
    assert found["bid_missing_ratio__n"] == (10 + 30) // 2
    assert (found["bid_missing_ratio"], found["bid_missing_tied"]) == (0, 0.2)


def test_groups_of_one_owner_and_consortia_are_one_bidder() -> None:
    tables = made.attendance({"A": range(4), "B": range(4), "C": range(4)})
    tables["firms"] = [{"firm_id": f, "group_id": "G"} for f in ("A", "B")]
    frame = compute(tables, "MON-BID-COBID").frames["pair_y"].frame
    assert frame["subject_key"].to_list() == ["C|G"]
    joint = made.attendance({"A": range(4), "B": range(4), "C": range(4)})
    for bid in joint["bids"]:
        bid["consortium_id"] = {"A": "K", "B": "K", "C": None}[bid["bidder_id"]]
    frame = compute(joint, "MON-BID-COBID").frames["pair_y"].frame
    assert frame["subject_key"].to_list() == ["A|C", "B|C"]


def test_two_circles_that_share_a_firm_are_both_found() -> None:
    one, two = range(5), range(10, 15)
    sets = dict.fromkeys("AB", one) | dict.fromkeys("DE", two) | {"C": [*one, *two]}
    frame = compute(made.attendance(sets), "MON-BID-COBID").frames["group_y"].frame
    assert frame["subject_key"].to_list() == ["A|B|C", "C|D|E"]
    assert frame["cobid_size"].to_list() == [3, 3]
    assert frame["cobid_density"].to_list() == [1, 1]


def test_work_inside_group_or_without_a_bid_is_no_payment_to_losers() -> None:
    tables = made.passed_on(1000, [["L1", 250], ["L2", 150]], ["L1", "L2"])
    tables["firms"] = [{"firm_id": f, "group_id": "G"} for f in ("W", "L1")]
    found = row(compute(tables, "MON-BID-SUBCON"), "tender")
    assert (found["subcon_loser_share"], found["subcon_loser_count"]) == (0.15, 1)
    tables["subcontracts"][1]["value"] = None
    assert read(compute(tables, "MON-BID-SUBCON"), "tender", "subcon_loser_share") is None


def test_lowest_bids_that_did_not_stay() -> None:
    tables = made.market(*(made.lot(k, {"A": 90, "B": 100}, "B") for k in range(4)))
    for bid in tables["bids"][:6:2]:
        bid["status"] = "withdrawn"
    done = compute(tables, "MON-BID-COVER")
    assert read(done, "firm_y", "cover_withdraw_rate", "A") == 0.75
    assert read(done, "firm_y", "cover_withdraw_rate", "B") is None


def test_bidders_against_the_buyers_own_past_and_other_buyers() -> None:
    before = (made.lot(k, dict.fromkeys("ABCD", 9), day=date(2023, 5, 1 + k), buyer_id="B",
                       prefix="P") for k in range(5))  # fmt: skip
    others = (made.lonely(4, 16, buyer="O", start=100),)
    done = compute(made.market(*before, made.lonely(5, 15), *others), "MON-BID-SINGLE")
    now = done.frames["buyer_y"].frame.filter(subject_key="B", period_start=date(2024, 1, 1))
    assert now["bidder_drop"].item() == pytest.approx(1 - (25 / 15) / 4)
    assert now["single_bid_peer_rate"].item() == 0.25


def _entry(year: int, ratio: float, bidders: dict[str, float], count: int) -> list[made.Tables]:
    start = date(year, 2, 1)
    return [
        made.lot(
            k,
            bidders | {"A": 100 * ratio},
            "A",
            day=start + timedelta(days=7 * k),
            prefix=f"Y{year}-{len(bidders)}-",
            reserve_price=100.0,
        )
        for k in range(count)
    ]


def test_the_ceiling_and_what_an_entrant_changes() -> None:
    calm = [*_entry(2022, 0.99, {"B": 99.8}, 6), *_entry(2023, 0.99, {"B": 99.8}, 6)]
    after = _entry(2024, 0.90, {"B": 91.0, "N": 92.0}, 6)
    frame = compute(made.market(*calm, *after), "MON-BID-RESERVE").frames["category_y"].frame
    assert frame["ceil_hug_share"].to_list() == [1, 1, 0]
    assert frame["win_ratio_sd"].to_list() == pytest.approx([0, 0, 0], abs=1e-12)
    assert frame["win_touch_share"].to_list() == [0, 0, 0]
    assert frame["win_ratio_drop__reason"].to_list() == ["not_applicable"] * 2 + [None]
    assert frame["win_ratio_drop"].to_list()[2] == pytest.approx(0.09)


def _pair(one: dict[str, Any], two: dict[str, Any], *, group: bool = False) -> dict[str, Any]:
    tables = made.traces(one, two)
    if group:
        tables["firms"] = [{"firm_id": f, "group_id": "G"} for f in "AB"]
    return row(compute(tables, "MON-BID-DOCSIM"), "pair_tender")


def test_traces_of_one_hand() -> None:
    one = {"deposit_account_hash": "d", "doc_author_hash": "u", "doc_simhash": HEX,
           "submitted_at": "2024-01-02T10:00:00Z"}  # fmt: skip
    two = one | {"doc_author_hash": "v", "submitted_at": "2024-01-02T09:58:30Z"}
    found = _pair(one, two, group=True)
    assert (found["doc_link_count"], found["doc_link_count__n"]) == (1, 2)
    assert (found["doc_same_deposit"], found["doc_same_author"]) == (1, 0)
    assert (found["doc_text_jaccard"], found["submit_gap_s"]) == (1, 90)
    assert found["same_group"] is True  # legal entities stay apart here
    opposite = "".join(HEX[15 - int(c, 16)] for c in HEX)
    assert _pair(one, two | {"doc_simhash": opposite})["doc_text_jaccard"] == 0
    # 8 of 64 bits differ: c = cos(pi / 8)
    near = _pair(one, two | {"doc_simhash": "fe" + HEX[2:]})["doc_text_jaccard"]
    assert near == pytest.approx(0.9238795325 / (2 - 0.9238795325))
    assert _pair(one, two | {"doc_simhash": "zz"})["doc_text_jaccard__reason"] == "missing_input"
    joint = made.traces(one | {"consortium_id": "K"}, two | {"consortium_id": "K"})
    assert compute(joint, "MON-BID-DOCSIM").frames["pair_tender"].frame.is_empty()
