"""Firms of one economic group are one player in every screen about rivals or market size."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.features.filings import Filing, compute, positions, read, row
from tests.features.filings import deal as overlap
from tests.features.tendering import lot, market

Tables = dict[str, list[Filing]]


def one_group(*firms: str, group: str = "G") -> Tables:
    """A register in which these firms are one group."""
    return {"firms": [{"firm_id": f, "group_id": group} for f in firms]}


def both(tables: Tables, *firms: str) -> tuple[Tables, Tables]:
    """The filings without and with the register."""
    return tables, tables | one_group(*firms)


def test_concentration_and_its_stability() -> None:
    held = positions({"a": 0.3, "b": 0.2, "c": 0.25, "d": 0.25}, "2023")
    held += positions({"a": 0.2, "b": 0.3, "c": 0.25, "d": 0.25}, "2024")
    apart, together = both({"market_positions": held}, "a", "b")
    one, two = (compute(t, "MON-STR-HHI").frames["market_y"].frame for t in (apart, together))
    assert one["hhi"][-1] == pytest.approx(2550)
    assert two["hhi"][-1] == pytest.approx(50**2 + 2 * 25**2)
    # What one firm of the group lost the other gained.
    assert one["share_stability"][-1] == pytest.approx(0.9)
    assert two["share_stability"][-1] == pytest.approx(1)


def test_dominance_is_presumed_of_the_group() -> None:
    held = positions({"a": 0.3, "b": 0.25, "c": 0.05, "d": 0.4})
    apart, together = both({"market_positions": held}, "a", "b")
    assert read(compute(apart), "market_y", "dominant_firms") == 3
    done = compute(together)
    # The group by itself, and the other as the second of two.
    assert read(done, "market_y", "dominant_firms") == 2
    assert read(done, "market_firm_y", "dominance_basis", "M/G") == "single"
    assert read(done, "market_firm_y", "dominance_presumed", "M/G") == 1
    assert read(done, "market_firm_y", "market_share", "M/G") == pytest.approx(55)


def test_a_merger_counts_what_the_groups_hold_and_none_inside_a_group() -> None:
    tables = overlap([40, 25, 15, 10, 10], [2, 3])
    apart, together = both(tables, "f3", "f4")
    assert read(compute(apart), "deal_market", "hhi_delta") == pytest.approx(2 * 15 * 10)
    assert read(compute(together), "deal_market", "hhi_delta") == pytest.approx(2 * 15 * 20)
    inside = tables | one_group("f2", "f3")
    assert read(compute(inside), "deal_market", "hhi_delta__reason") == "not_applicable"


def test_gatekeepers_are_groups() -> None:
    years = range(2023, 2026)
    money = [{"firm_id": "a", "year": y, "turnover_eu": 8e9} for y in years]
    users = [
        {"firm_id": "b", "year": y, "member_states": 3, "active_users": 50_000_000,
         "business_users": 10_000, "service_id": "s"}
        for y in years
    ]  # fmt: skip
    apart, together = both({"firm_years": money + users}, "a", "b")
    last = compute(apart, "MON-GATEKEEPER-DMA").frames["operator_y"].frame
    assert set(last["dma_presumed"]) == {None}
    frame = compute(together, "MON-GATEKEEPER-DMA").frames["operator_y"].frame
    assert frame.sort("period_start")["dma_presumed"].to_list()[-1] == 1


def test_businesses_bought_by_two_firms_of_a_group_are_one_roll_up() -> None:
    tables: Tables = {
        "merger_notifications": [
            {"deal_id": d, "acquirer_id": b, "target_id": t, "signed_on": "2025-05-01",
             "overlap_market_ids": '["M"]'}
            for d, b, t in (("1", "a", "t"), ("2", "b", "u"))
        ],
        "deal_parties": [{"deal_id": d, "party_id": p} for d, p in (("1", "a"), ("2", "b"))],
        "market_positions": positions({"a": 0.1, "b": 0.1, "t": 0.02, "u": 0.03}),
    }  # fmt: skip
    apart, together = both(tables, "a", "b")
    frame = compute(apart, "MON-SERIAL-ACQ").frames["market_firm_y"].frame
    assert frame["serial_count_36m"].to_list() == [1, 1]
    found = row(compute(together, "MON-SERIAL-ACQ"), "market_firm_y")
    assert (found["subject_key"], found["serial_count_36m"]) == ("M/G", 2)
    assert found["serial_cum_share_gain"] == pytest.approx(5)


def test_bids_of_one_group_are_one_bid() -> None:
    tables = lot(1, {"a": 100, "b": 101, "c": 130})
    apart, together = both(tables, "a", "b")
    assert row(compute(apart, "MON-BID-CV"), "tender")["bid_cv__n"] == 3
    found = row(compute(together, "MON-BID-CV"), "tender")
    assert (found["bid_cv__n"], found["bid_cv__reason"]) == (2, "too_few")
    alone = lot(1, {"a": 100, "b": 101})
    single = compute(alone | one_group("a", "b"), "MON-BID-SINGLE")
    assert read(single, "tender", "single_bid") == 1


def test_turns_taken_inside_a_group_are_no_rotation() -> None:
    winners = "abcabcabcabc"
    tables = market(*(lot(k, {f: 100 + (f != w) for f in "abc"}, w) for k, w in enumerate(winners)))
    apart, together = both(tables, "a", "b")
    assert compute(apart, "MON-BID-ROTATION").frames["group_y"].frame["n_members"].max() == 3
    frame = compute(together, "MON-BID-ROTATION").frames["group_y"].frame
    assert set(frame["subject_key"]) <= {"G|c"}


def daily(prices: dict[str, float], days: int = 3, start: date = date(2024, 1, 1)) -> list[Filing]:
    return [
        {
            "sku_id": "k", "seller_id": s, "net_price": p,
            "ts": datetime.combine(start + timedelta(days=d), datetime.min.time(), UTC),
        }
        for s, p in prices.items()
        for d in range(days)
    ]  # fmt: skip


def test_retailers_of_one_group_are_one_retailer() -> None:
    tables = {"listing_prices": daily({f"s{k}": 99.0 for k in range(5)})}
    apart, together = both(tables, "s0", "s1")
    assert read(compute(apart, "MON-RPM"), "sku_m", "rpm_modal_share") == 1
    found = row(compute(together, "MON-RPM"), "sku_m")
    assert (found["rpm_modal_share__reason"], found["rpm_modal_share__n"]) == ("too_few", 4)


def test_a_safe_harbour_is_for_groups() -> None:
    clause = {"contract_id": "c", "type": "rpm", "firm_id": "S", "counterparty_id": "B",
              "market_id": "M", "product_id": "k", "from": "2026-02-01"}  # fmt: skip
    held = positions({"S": 0.03, "T": 0.03, "B": 0.01}, "2025")
    for filed in held:
        filed["value"] = 4e7
    tables: Tables = {"contract_terms": [clause], "market_positions": held}
    apart, together = both(tables, "S", "T")
    assert read(compute(apart, "MON-RPM"), "sku_m", "cn_rpm_safe_harbour") == 1
    assert read(compute(together, "MON-RPM"), "sku_m", "cn_rpm_safe_harbour") == 0
    held[0]["share"] = held[1]["share"] = 0.02
    held[1]["value"] = 7e7
    assert read(compute(together, "MON-RPM"), "sku_m", "cn_rpm_safe_harbour") == 0
    held[1]["value"] = None
    found = row(compute(together, "MON-RPM"), "sku_m")
    assert found["cn_rpm_safe_harbour__reason"] == "missing_input"


def test_prices_of_one_group_do_not_move_in_parallel() -> None:
    steps = [10.0 + (d // 3) for d in range(40)]
    rows: list[Filing] = []
    for seller in "ab":
        for d, p in enumerate(steps):
            rows += daily({seller: p}, 1, date(2024, 1, 1) + timedelta(days=d))
    apart, together = both({"listing_prices": rows}, "a", "b")
    frame = compute(apart, "MON-PRICE-PARALLEL").frames["pair_q"].frame
    assert frame["price_sync_jaccard"].to_list() == [1]
    assert compute(together, "MON-PRICE-PARALLEL").frames["pair_q"].frame.height == 0


def test_awards_to_two_firms_of_a_group_are_awards_to_one_supplier() -> None:
    tables: Tables = {
        "tenders": [
            {"tender_id": f"T{k}", "buyer_id": "B", "winner_id": w, "award_value": 60.0,
             "currency": "CNY", "awarded_at": f"2024-03-0{k + 1}", "jurisdiction": "CN",
             "kind": "works"}
            for k, w in enumerate("ab")
        ],
        "limits": [{"jurisdiction": "CN", "kind": "works", "value": 100.0, "currency": "CNY",
                    "from": "2020-01-01"}],
    }  # fmt: skip
    apart, together = both(tables, "a", "b")
    name = "split_same_supplier_30d"
    assert read(compute(apart, "TRX-SPLIT"), "buyer_y", f"{name}__reason") == "too_few"
    assert read(compute(together, "TRX-SPLIT"), "buyer_y", name) == pytest.approx(1.2)


def test_a_sister_that_leaves_is_no_rival_that_leaves() -> None:
    start = date(2024, 1, 1)
    rows = daily({"a": 8.0, "b": 8.0}, 28, start)
    rows += daily({"a": 12.0}, 70, start + timedelta(days=28))
    costs = [
        {"firm_id": "a", "product_id": "k", "month": f"2024-0{m}", "avc": 9.0, "atc": 11.0}
        for m in range(1, 5)
    ]
    apart, together = both({"listing_prices": rows, "costs": costs}, "a", "b")

    def rises(tables: Tables) -> list[Any]:
        frame = compute(tables, "MON-PREDATION").frames["sku_w"].frame
        return [v for v in frame["recoup_gap"].to_list() if v is not None]

    assert rises(apart)[-1] == pytest.approx(50)
    assert rises(together) == []


def test_sellers_of_one_group_set_one_price() -> None:
    tables = {"listing_prices": daily({"a": 10.0, "b": 20.0, "c": 15.0, "d": 30.0})}
    apart, together = both(tables, "a", "b")
    name = "price_xs_cv"
    mean, squares = 18.75, (8.75**2 + 1.25**2 + 3.75**2 + 11.25**2) / 3
    assert read(compute(apart, "MON-PRICE-VARIANCE"), "market_q", name) == pytest.approx(
        squares**0.5 / mean
    )
    # 15 (the mean of a and b), 15, 30
    assert read(compute(together, "MON-PRICE-VARIANCE"), "market_q", name) == pytest.approx(
        75**0.5 / 20
    )
    three = {"listing_prices": daily({"a": 10.0, "b": 20.0, "c": 15.0})}
    few = compute(three | one_group("a", "b"), "MON-PRICE-VARIANCE")
    assert read(few, "market_q", f"{name}__reason") == "too_few"


def test_buyers_of_one_group_are_one_trading_partner() -> None:
    paid = {"a": 10.0, "b": 12.0, "c": 10.5, "d": 10.2, "e": 10.0}
    invoices = [
        {"invoice_id": b, "item_code": "k", "seller_id": "S", "buyer_id": b, "unit_price": p,
         "qty": 10.0, "issued": "2024-02-01", "volume_band": "x"}
        for b, p in paid.items()
    ]  # fmt: skip
    apart, together = both({"invoices": invoices}, "a", "b")
    assert read(compute(apart, "MON-B2B-DISCRIM"), "product_q", "b2b_price_gap") == pytest.approx(
        0.2
    )
    found = row(compute(together, "MON-B2B-DISCRIM"), "product_q")
    # a and b pay 11 together.
    assert found["b2b_price_gap"] == pytest.approx(0.1)
    assert found["b2b_price_gap__n"] == 4
