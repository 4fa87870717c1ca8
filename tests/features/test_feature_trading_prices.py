"""Circular trade and price variance."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.features.filings import Filing, compute, prices, read, row, trades


def test_wash_golden_numbers() -> None:
    ring = compute(trades([["A", "B", 100], ["B", "C", 100], ["C", "A", 99]]))
    assert read(ring, "cluster_m", "wash_net_gross") == pytest.approx(0.00334448160535)
    tail = compute(trades([["A", "B"], ["B", "C"], ["C", "A"], ["C", "D"], ["D", "E"]]))
    assert read(tail, "cluster_m", "wash_scc_max_size") == 3
    pair = row(compute(trades([["A", "B", 50], ["B", "A", 40], ["A", "C", 10]])), "cluster_m")
    assert pair["wash_reciprocity"] == pytest.approx(0.8)
    assert (pair["subject_key"], pair["gross"], pair["n_members"]) == ("A|B", 90, 2)


def test_rounds_are_those_of_the_least_active_member() -> None:
    edges = [["A", "B"], ["B", "C"], ["C", "A"]] * 3 + [["A", "B"]]
    found = row(compute(trades(edges)), "cluster_m")
    assert (found["wash_rounds"], found["wash_rounds__n"]) == (3, 10)
    assert (found["period_start"], found["period_end"]) == (date(2024, 1, 1), date(2024, 1, 31))


def test_a_seller_who_buys_is_known_by_the_shared_hash() -> None:
    tables = trades([["hA", "B"], ["hB", "A"]])
    for filed in tables["transactions"]:
        filed["seller_hash"] = f"h{filed['seller_id']}"
    assert row(compute(tables), "cluster_m")["subject_key"] == "A|B"


def test_circles_do_not_cross_months_or_platforms_or_include_oneself() -> None:
    split: list[Filing] = trades([["A", "B"], ["B", "A"], ["C", "C"]])["transactions"]
    split[1]["platform_id"] = "other"
    assert compute({"transactions": split}).frames["cluster_m"].frame.height == 0


def test_one_circle_on_two_platforms_is_one_row_the_larger() -> None:
    small = trades([["A", "B", 1], ["B", "A", 1]])["transactions"]
    large = trades([["A", "B", 9], ["B", "A", 9]])["transactions"]
    for k, filed in enumerate(small + large):
        filed |= {"tx_id": f"x{k}", "platform_id": "p" if k < 2 else "q"}
    found = row(compute({"transactions": small + large}), "cluster_m")
    assert (found["platform_id"], found["gross"]) == ("q", 18)


def test_hubs_are_left_out_and_reported() -> None:
    spokes: list[list[Any]] = []
    for k in range(51):
        spokes += [["hub", f"s{k:02}"], [f"s{k:02}", "hub"]]
    done = compute(trades([*spokes, ["s00", "s01"], ["s01", "s00"]]))
    assert row(done, "cluster_m")["subject_key"] == "s00|s01"
    assert done.notes["trade_hubs"]["traders"].to_list() == [1]
    kept = compute(trades(spokes[:100]))
    assert row(kept, "cluster_m")["n_members"] == 51


def test_ordinary_customers_do_not_matter() -> None:
    ring = [["A", "B", 50], ["B", "A", 40]]
    alone = row(compute(trades(ring)), "cluster_m")
    customers: list[list[Any]] = [[f"person{k}", "A", 7] for k in range(200)]
    assert row(compute(trades(ring + customers)), "cluster_m") == alone


STABLE, LIVELY = [100, 101, 100, 99, 100, 100], [100, 108, 94, 103, 110, 91]


def series(tables: list[Filing]) -> list[dict[str, Any]]:
    done = compute({"listing_prices": tables}, "MON-PRICE-VARIANCE")
    return done.frames["sku_seller_q"].frame.to_dicts()


def test_price_golden_numbers_and_keys() -> None:
    past, now = series(prices(LIVELY, STABLE))
    assert now["price_cv"] == pytest.approx(0.00632455532034)
    assert now["price_sd_ratio"] == pytest.approx(0.0839181358297)
    assert past["price_sd_ratio__reason"] == "missing_input"
    assert (now["subject_key"], now["period_end"]) == ("k/s", date(2024, 6, 30))
    assert now["price_cv__n"] == 6


def test_the_baseline_is_pooled_within_quarters() -> None:
    last = series(prices([1, 3], [101, 103], [5, 5], [7, 9]))[-1]
    # Variances 2, 2 and 0 with one degree of freedom each.
    assert last["price_sd_ratio"] == pytest.approx((2 / (4 / 3)) ** 0.5)


def test_constant_prices_are_stable_and_a_constant_past_is_no_baseline() -> None:
    found = series(prices([0.1, 0.1, 0.1], [1, 2]))
    assert found[0]["price_cv"] == 0
    assert found[1]["price_sd_ratio__reason"] == "zero_denominator"
    assert series(prices([1]))[0]["price_cv__reason"] == "too_few"


def test_out_of_stock_is_masked_shipping_counts_and_channels_stay_apart() -> None:
    filed = prices([10, 12, 10, 12])
    filed[0] |= {"in_stock": False, "net_price": 500.0}
    filed[2]["shipping"] = 2.0
    assert series(filed)[0]["price_cv"] == 0
    online = [p | {"channel": "online", "net_price": 99.0} for p in prices([1, 1])]
    found = series(prices([10, 12, 14]) + online)
    assert [(f["n_prices"], f["mean_price"]) for f in found] == [(3, 12)]


def test_cross_section_needs_three_sellers_on_a_day() -> None:
    two = prices([10, 10], seller="a") + prices([12, 12], seller="b")
    done = compute({"listing_prices": two}, "MON-PRICE-VARIANCE")
    assert row(done, "market_q", "k")["price_xs_cv__reason"] == "too_few"
    three = two + prices([11], seller="c")
    done = compute({"listing_prices": three}, "MON-PRICE-VARIANCE")
    found = row(done, "market_q", "k")
    assert (found["price_xs_cv"], found["price_xs_cv__n"]) == (pytest.approx(1 / 11), 1)


def test_trade_with_oneself_and_inside_one_owner() -> None:
    ring = trades([["A", "B", 30], ["B", "C", 30], ["C", "A", 30], ["A", "A", 10]])
    # Nobody's owner is filed: only the sale to oneself is known.
    assert read(compute(ring), "cluster_m", "wash_self_share") == pytest.approx(0.1)
    assert read(compute(ring), "cluster_m", "wash_net_gross") == 0
    plain = compute(trades([["A", "B", 30], ["B", "A", 30]]))
    assert read(plain, "cluster_m", "wash_self_share__reason") == "missing_input"
    firms = [{"firm_id": f, "group_id": g} for f, g in (("A", "G"), ("B", "G"), ("C", "H"))]
    assert read(compute(ring | {"firms": firms}), "cluster_m", "wash_self_share") == 0.4


def test_owners_are_found_through_the_merchant_account() -> None:
    ring = trades([["A", "B", 30], ["B", "C", 30], ["C", "A", 40]])
    accounts = [
        {"merchant_id": "A", "firm_id": "f1", "group_id": "ignored"},
        {"merchant_id": "B", "firm_id": "f2"},
        {"merchant_id": "C", "group_id": "G"},
    ]
    firms = [{"firm_id": "f1", "group_id": "G"}, {"firm_id": "f2", "group_id": "K"}]
    done = compute(ring | {"merchants": accounts, "firms": firms})
    # A is of G through its firm, C of G by its account: only C's purchase from A stays inside.
    assert read(done, "cluster_m", "wash_self_share") == pytest.approx(0.4)
    without = compute(ring | {"merchants": accounts})
    assert read(without, "cluster_m", "wash_self_share") == 0
