"""Improper transactions: edge cases beside the golden numbers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from tests.features.filings import Filing, compute, holds_the_promise, row
from tests.features.transactions import flow, invoice, order, review

DAY = date(2024, 5, 1)


def last(done: Any, grain: str) -> dict[str, Any]:
    frame: pl.DataFrame = done.frames[grain].frame
    holds_the_promise(done)
    return frame.sort("period_start").row(-1, named=True)


def test_orders_need_four_weeks_of_past_and_silent_weeks_count() -> None:
    def judged(weeks: list[int]) -> dict[str, Any]:
        rows = [order(f"{w}-{k}", DAY - timedelta(weeks=w)) for w in weeks for k in range(2)]
        now = [order(f"0-{k}", DAY) for k in range(5)]
        return last(compute({"transactions": rows + now}, "TRX-BRUSH"), "merchant_d")

    assert judged([1, 2, 3])["brush_burst_p__reason"] == "too_few"
    # Two orders in one of four weeks: mean 0.5, variance 1, so a negative binomial of size 0.5.
    assert judged([4])["brush_burst_p"] == pytest.approx(0.0101196, abs=1e-6)
    assert judged([4])["brush_burst_p__n"] == 4


def test_a_mark_shared_by_four_buyers_is_none_and_signs_are_a_union() -> None:
    def share(buyers: int, weight: float) -> float | None:
        rows = [
            order(str(k), DAY, device_hash="d" if k < buyers else f"o{k}", parcel_weight_g=500.0)
            for k in range(9)
        ]
        rows[0]["parcel_weight_g"] = weight
        found = row(compute({"transactions": rows}, "TRX-BRUSH"), "merchant_d")
        return found["brush_suspect_order_share"]  # type: ignore[no-any-return]

    assert (share(4, 500.0), share(5, 500.0)) == (0, pytest.approx(5 / 9))
    assert (share(4, 20.0), share(5, 20.0)) == (pytest.approx(1 / 9), pytest.approx(5 / 9))
    bare = row(compute({"transactions": [order("1", DAY)]}, "TRX-BRUSH"), "merchant_d")
    assert bare["brush_suspect_order_share__reason"] == "missing_input"


def test_gini_and_new_buyers() -> None:
    rows = [order(str(k), DAY, net=float(v)) for k, v in enumerate([1, 1, 1, 5])]
    users = [
        {"user_hash": f"b{k}", "platform_id": "p", "joined_on": d}
        for k, d in enumerate([DAY, DAY - timedelta(7), DAY - timedelta(8)])
    ]
    found = row(compute({"transactions": rows, "users": users}, "TRX-BRUSH"), "merchant_d")
    assert found["brush_value_gini"] == pytest.approx(3 / 8)
    assert (found["brush_new_buyer_share"], found["brush_new_buyer_share__n"]) == (2 / 3, 3)


def test_reviews_of_the_launch_week_are_not_judged() -> None:
    rows = [review(f"{d}", DAY + timedelta(d)) for d in range(7)]
    found = last(compute({"reviews": rows}), "item_d")
    assert found["rev_burst_p__reason"] == "too_few"


def test_near_twins_of_texts_by_three_bits_and_thirty_days() -> None:
    base = 0xF0F0F0F0F0F0F0F0
    texts = [base, base ^ 0b111, base ^ 0b1111 << 40, 0x0123456789ABCDEF]
    rows = [review(str(k), DAY, text_simhash=f"{h:016x}") for k, h in enumerate(texts)]
    assert last(compute({"reviews": rows}), "item_d")["rev_text_dup"] == 0.5
    for days, share in ((30, 1.0), (31, 0.0)):
        old = review("o", DAY - timedelta(days), text_simhash=f"{base:016x}")
        assert last(compute({"reviews": [old, rows[1]]}), "item_d")["rev_text_dup"] == share


def test_review_mix() -> None:
    rows = [
        review(str(k), DAY, rating=r, verified=k % 2 == 0, suppressed=r < 3 and k < 1)
        for k, r in enumerate([1.0, 1.0, 5.0, 5.0])
    ]
    found = last(compute({"reviews": rows}), "item_d")
    assert found["rev_rating_entropy"] == pytest.approx(1)
    assert (found["rev_unverified_share"], found["rev_negative_suppressed"]) == (0.5, 0.5)


def test_reviewers_who_review_the_same_things() -> None:
    people = [f"p{k}" for k in range(5)]
    rows = [review(f"i{p}", DAY, reviewer_hash=p) for p in people]
    rows += [review(f"j{p}", DAY - timedelta(3), item_id="j", reviewer_hash=p) for p in people[:4]]
    found = row(compute({"reviews": rows}), "item_d", "i")
    assert found["rev_reviewer_bipartite_density"] == pytest.approx(4 / 5)


def paths(*flows: Filing) -> list[dict[str, Any]]:
    done = compute({"fund_flows": list(flows)})
    holds_the_promise(done)
    return done.frames["path_m"].frame.to_dicts()


def test_money_comes_back_only_in_the_order_of_time() -> None:
    assert paths(flow("1", "A", "B", "2024-01-05", 9), flow("2", "B", "A", "2024-01-04", 9)) != []
    first = flow("1", "A", "B", "2024-01-01", 100)
    second, third = flow("2", "B", "C", "2024-01-03", 97), flow("3", "C", "A", "2024-02-02", 95)
    (found,) = paths(first, second, third)
    assert (found["subject_key"], found["period_start"]) == ("A|B|C", date(2024, 2, 1))
    assert (found["rt_return_ratio"], found["rt_days"], found["rt_hops"]) == (0.95, 32, 3)
    assert (found["rt_amount_match"], found["rt_repetitions"]) == (1, 1)
    early = {**third, "ts": "2024-01-02T12:00:00Z"}
    assert paths(first, second, early) == []
    assert paths(first, {**second, "ts": "2023-12-01T12:00:00Z"}, {**third, "amount": 20.0}) == []


def test_other_currencies_hubs_and_repeats() -> None:
    there, back = flow("1", "A", "B", "2024-01-01", 100), flow("2", "B", "A", "2024-01-02", 100)
    assert paths(there | {"currency": "EUR"}, back | {"currency": "USD"}) == []
    again = [
        flow("3", "A", "B", "2024-01-08", 100),
        flow("4", "B", "A", "2024-01-09", 90),
    ]
    (found,) = [p for p in paths(there, back, *again) if p["origin"] == "A"]
    assert (found["rt_repetitions"], found["rt_return_ratio"]) == (2, 1)
    many = [flow(f"h{k}", "A", f"x{k}", "2024-01-03", 1) for k in range(50)]
    assert paths(there, back, *many) == []


def test_related_needs_three_free_prices_and_knows_disclosure_and_circles() -> None:
    own: Filing = {"owner_id": "m", "owned_id": "d", "pct": 60.0, "from": date(2020, 1, 1)}
    told = invoice("1", "m", "d", unit_price=80, related_disclosed=False)
    free = [invoice(f"f{k}", f"s{k}", "z", unit_price=100) for k in range(3)]

    def judged(*rows: Filing, link: Filing = own) -> list[dict[str, Any]]:
        done = compute({"invoices": list(rows), "ownership": [link]}, "TRX-RELATED")
        holds_the_promise(done)
        return done.frames["pair_y"].frame.to_dicts()

    (found,) = judged(told, *free)
    assert (found["subject_key"], found["links"]) == ("d|m", "ownership")
    assert found["rel_price_premium"] == pytest.approx(-0.2)
    assert found["rel_price_gap"] == found["rel_outside_interval"] == pytest.approx(0.2)
    assert (found["rel_undisclosed"], found["rel_cycle"]) == (1, 0)
    assert found["rel_purchase_share"] == 1
    (few,) = judged(told, *free[:2], invoice("2", "d", "m", unit_price=80))
    assert few["rel_price_premium__reason"] == "too_few"
    assert few["rel_cycle"] == 1
    assert judged(told, *free, link=own | {"to": date(2023, 12, 31)}) == []
    assert judged(told, *free, link=own | {"pct": 19.0}) == []


def award(key: str, value: float, day: str = "2024-03-05", **more: Any) -> Filing:
    filed = {"tender_id": key, "buyer_id": "B", "award_value": value, "awarded_at": day}
    return filed | {"jurisdiction": "X", "kind": "goods", "winner_id": "w"} | more


LIMIT: Filing = {"jurisdiction": "X", "kind": "goods", "value": 100.0}


def test_splitting_counts_at_the_edges_and_sums_one_supplier() -> None:
    edges = [89.0] * 5 + [90.0] * 15 + [100.0] * 4 + [109.9] + [110.0] * 9
    rows = [award(str(k), v, "2024-01-05", winner_id=None) for k, v in enumerate(edges)]
    rows += [award("a", 60.0), award("b", 50.0, "2024-04-03"), award("c", 99.0, "2024-09-01")]
    found = row(compute({"tenders": rows, "limits": [LIMIT]}, "TRX-SPLIT"), "buyer_y")
    assert found["split_bunch_ratio"] == pytest.approx(16 / 5)
    assert found["split_bunch_p__n"] == 21
    assert found["split_same_supplier_30d"] == pytest.approx(1.1)
    late = [r | {"awarded_at": "2024-04-05"} if r["tender_id"] == "b" else r for r in rows]
    found = row(compute({"tenders": late, "limits": [LIMIT]}, "TRX-SPLIT"), "buyer_y")
    assert found["split_same_supplier_30d__reason"] == "too_few"
    few = row(compute({"tenders": rows[:10], "limits": [LIMIT]}, "TRX-SPLIT"), "buyer_y")
    assert few["split_bunch_p__reason"] == "too_few"


def test_awards_without_a_known_limit_are_held_against_round_numbers() -> None:
    rows = [award(str(k), 48_000.0 + k, jurisdiction="Y") for k in range(30)]
    found = row(compute({"tenders": rows, "limits": [LIMIT]}, "TRX-SPLIT"), "buyer_y")
    assert (found["split_limit"], found["limit_origin"]) == (50_000, "round number")
    assert found["split_bunch_p"] == pytest.approx(0.5**30)


def offers(*rows: tuple[str, float, str | None]) -> list[Filing]:
    return [
        {"sku_id": "k", "seller_id": "s", "ts": f"{day}T00:00:00Z", "net_price": price,
         "promo_id": promo, "list_price": 200.0}
        for day, price, promo in rows
    ]  # fmt: skip


def test_discounts_look_back_thirty_days_only() -> None:
    filed = offers(
        ("2024-03-31", 50, None), ("2024-04-01", 100, None), ("2024-04-20", 150, None),
        ("2024-05-01", 120, "p"),
    )  # fmt: skip
    found = row(compute({"listing_prices": filed}, "TRX-FAKE-DISCOUNT"), "sku_event")
    assert found["disc_real"] == pytest.approx(-0.2)
    assert found["disc_pre_raise"] == pytest.approx(0.5)
    assert found["disc_advertised"] == pytest.approx(0.4)
    assert (found["disc_short_history"], found["subject_key"]) == (0, "k/p")
    fresh = row(compute({"listing_prices": filed[3:]}, "TRX-FAKE-DISCOUNT"), "sku_event")
    assert (fresh["disc_real__reason"], fresh["disc_short_history"]) == ("too_few", 1)


def test_open_invoices_are_late_or_not_yet_known() -> None:
    paid = [invoice(str(k), "s", "b", amount=1, paid=date(2024, 3, 1 + k)) for k in range(9)]
    never = invoice("x", "s", "b", amount=1)
    found = row(compute({"invoices": [*paid, never]}, "TRX-LATEPAY"), "buyer_q")
    assert (found["late_share_value"], found["late_days_p90"]) == (pytest.approx(0.1), 8)
    found = row(compute({"invoices": [*paid[:8], never]}, "TRX-LATEPAY"), "buyer_q")
    assert found["late_days_p90__reason"] == "censored"
    young = invoice("y", "s", "c", amount=1, issued=date(2026, 11, 1))
    found = row(compute({"invoices": [young]}, "TRX-LATEPAY"), "buyer_q")
    assert found["late_share_value__reason"] == "censored"


def test_large_suppliers_and_disputed_goods_are_left_out() -> None:
    rows = [
        invoice("1", "big", "b", amount=9, paid=date(2025, 3, 1)),
        invoice("2", "s", "b", amount=9, paid=date(2025, 3, 1), disputed=True),
        invoice("3", "s", "b", amount=1, paid=date(2024, 3, 31), due=date(2024, 4, 30)),
    ]
    firms = [{"firm_id": "big", "size_class": "large"}, {"firm_id": "s", "size_class": "small"}]
    found = row(compute({"invoices": rows, "firms": firms}, "TRX-LATEPAY"), "buyer_q")
    assert (found["late_share_value"], found["terms_days_median"]) == (0, 60)


def test_subscription_rates_pair_what_was_filed() -> None:
    plans = [
        {"plan_id": "a", "renewals": 100, "renewal_notices": 90, "renewals_unused": 40},
        {"plan_id": "b", "renewals": 100, "refund_requests": 5, "steps_subscribe": 0},
    ]
    filed = [{"platform_id": "p", "month": "2024-02", **p} for p in plans]
    found = row(compute({"subscriptions": filed}), "platform_m")
    assert (found["sub_notice_rate"], found["sub_zombie_share"]) == (0.9, 0.4)
    assert (found["sub_refund_rate"], found["sub_notice_rate__n"]) == (0.05, 100)
    assert found["sub_cancel_ratio__reason"] == "missing_input"
    assert found["period_end"] == date(2024, 2, 29)
