"""Costs, margins, personal and partner prices, rebates, fees, copies: edges and arithmetic."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.features import conduct as made
from tests.features.filings import Filing, compute, holds_the_promise, read, row


def _weeks(offers: list[Filing], *costs: Filing) -> list[dict[str, Any]]:
    done = compute({"listing_prices": offers, "costs": list(costs)}, "MON-PREDATION")
    holds_the_promise(done)
    return done.frames["sku_w"].frame.to_dicts()


def test_weeks_below_cost_are_counted_in_a_row_and_a_gap_or_a_dear_week_ends_the_run() -> None:
    known = made.cost(avc=9.0, atc=11.0)
    found = _weeks(made.weekly([8, 8, 9, 8, 8]), known)
    assert [w["pred_weeks_below"] for w in found] == [1, 2, 0, 1, 2]
    late = made.weekly([8, 8], made.MONDAY + timedelta(weeks=3))
    assert [w["pred_weeks_below"] for w in _weeks(made.weekly([8, 8]) + late, known)] == [
        1,
        2,
        1,
        2,
    ]
    assert found[0]["period_start"] == made.MONDAY
    assert found[0]["period_end"] == made.MONDAY + timedelta(days=6)


def test_a_clearance_week_neither_counts_nor_ends_the_run() -> None:
    offers = made.weekly([8, 3, 8])
    offers[1]["promo_id"] = "spring-Clearance"
    found = _weeks(offers, made.cost(avc=9.0))
    assert [w["pred_weeks_below"] for w in found] == [1, None, 2]
    assert found[1]["pred_avc_margin__reason"] == "not_applicable"
    assert found[0]["pred_zone"] == "below_avc"


def test_avoidable_cost_comes_first_and_a_missing_cost_gives_bounds() -> None:
    (with_aac,) = _weeks([made.offer(8)], made.cost(avc=9.0, aac=7.0))
    assert with_aac["pred_avc_margin"] == pytest.approx(1 / 7)
    assert (with_aac["pred_zone"], with_aac["pred_zone__reason"]) == (None, "missing_input")
    (bounds,) = _weeks([made.offer(8)], made.cost(atc=10.0, wholesale_price=5.0))
    assert bounds["pred_avc_margin__reason"] == "missing_input"
    assert bounds["pred_avc_margin_low"] == pytest.approx(-0.2)
    assert bounds["pred_avc_margin_high"] == pytest.approx(0.6)


def test_costs_stand_for_a_year_never_for_months_before_and_only_in_their_currency() -> None:
    early = made.weekly([8], date(2025, 12, 1))
    assert _weeks(early, made.cost(avc=9.0))[0]["pred_avc_margin__reason"] == "missing_input"
    late = made.weekly([8], date(2027, 2, 1))
    assert _weeks(late, made.cost(avc=9.0))[0]["pred_avc_margin__reason"] == "missing_input"
    euro = [made.offer(8, currency="EUR")]
    dollar = made.cost(avc=9.0, currency="USD")
    assert _weeks(euro, dollar)[0]["pred_avc_margin__reason"] == "missing_input"
    newer = _weeks([made.offer(8)], made.cost("2025-12", avc=9.0), made.cost(avc=4.0))
    assert newer[0]["pred_avc_margin"] == 1.0


def test_a_free_offer_is_minus_one_and_marked() -> None:
    (found,) = _weeks([made.offer(0)], made.cost(avc=9.0))
    assert (found["pred_avc_margin"], found["pred_free_side"]) == (-1.0, True)


def test_the_price_since_a_rival_left_is_compared_with_that_before() -> None:
    mine = made.weekly([10] * 6 + [15] * 5)
    rival = made.weekly([11] * 6, seller="R")
    found = _weeks(mine + rival, made.cost(avc=9.0))
    assert [w["recoup_gap__reason"] for w in found[:9]] == ["not_applicable"] * 9
    assert found[9]["recoup_gap"] == pytest.approx(50)
    back = [*rival, made.offer(11, made.MONDAY + timedelta(weeks=8), "R")]
    assert _weeks(mine + back, made.cost(avc=9.0))[9]["recoup_gap"] is None


def test_benchmarks_below_three_give_an_interval_and_filed_ones_come_first() -> None:
    prices = [made.offer(160), made.offer(100, seller="a"), made.offer(80, seller="b")]
    two = row(compute({"listing_prices": prices}, "MON-EXCESSIVE"), "product_m")
    assert two["exc_benchmark_ratio__reason"] == "too_few"
    assert (two["exc_ratio_low"], two["exc_ratio_high"]) == (1.6, 2.0)
    filed = [
        {"product_id": "K", "month": "2026-01", "kind": "region", "benchmark": str(p),
         "price": float(p)}
        for p in (40, 50, 60)
    ]  # fmt: skip
    done = compute({"listing_prices": prices, "price_benchmarks": filed}, "MON-EXCESSIVE")
    assert read(done, "product_m", "exc_benchmark_ratio") == 3.2
    dollars = [f | {"currency": "USD"} for f in filed]
    priced = [p | {"currency": "EUR"} for p in prices]
    done = compute({"listing_prices": priced, "price_benchmarks": dollars}, "MON-EXCESSIVE")
    assert read(done, "product_m", "exc_benchmark_ratio") is None


def test_months_far_above_benchmarks_and_the_competitive_return() -> None:
    prices = []
    for month, price in ((1, 150), (2, 150), (3, 149), (4, 151)):
        day = date(2026, month, 5)
        prices += [made.offer(price, day)] + [made.offer(100, day, s) for s in "abc"]
    costs = [made.cost(unit_cost=75.0, competitive_return=0.1)]
    done = compute({"listing_prices": prices, "costs": costs}, "MON-EXCESSIVE")
    frame = done.frames["product_m"].frame
    assert frame["exc_months"].to_list() == [1, 2, 0, 1]
    assert frame["exc_margin_excess"][0] == pytest.approx(0.4)


def test_a_squeeze_needs_downstream_cost_and_counts_months() -> None:
    filed = {"wholesale_price": 80.0, "retail_price": 100.0}
    rows = [made.cost(f"2026-0{m}", downstream_cost=d, **filed) for m, d in ((1, 25.0), (2, 30.0))]
    rows += [made.cost("2026-03", **filed), made.cost("2026-04", lraic=20.0, **filed)]
    frame = compute({"costs": rows}, "MON-SQUEEZE").frames["product_m"].frame
    assert frame["sqz_margin"].to_list() == [-5, -10, None, 0]
    assert frame["sqz_months"].to_list() == [1, 2, None, 0]
    assert frame["sqz_margin__reason"][2] == "missing_input"
    assert frame["sqz_ratio"][1] == pytest.approx(-0.1)


def test_probes_of_other_conditions_or_regions_are_no_cell_and_coupons_are_added_back() -> None:
    apart = made.probes({"new": [100]}, region="north") + made.probes({"loyal": [150]}, region="s")
    cell = row(compute({"price_probes": apart}, "MON-PRICE-PERSONAL"), "cell")
    assert cell["pp_cell_range__reason"] == "too_few"
    offers = made.probes({"new": [90] * 3}, new_user_offer=10.0)
    done = compute({"price_probes": offers + made.probes({"loyal": [100] * 3})})
    assert read(done, "cell", "pp_gap_loyal") == 0
    assert read(done, "platform_m", "pp_new_user_offer") == pytest.approx(1 / 9)
    assert read(done, "platform_m", "pp_perm_p") == 1.0


def test_permutations_are_stratified_exact_when_few_and_seeded_when_many() -> None:
    def p(cells: int, gap: float) -> dict[str, Any]:
        arms = {"new": [100.0, 101.0], "loyal": [100.0 + gap, 101.0 + gap]}
        rows = [x for c in range(cells) for x in made.probes(arms, f"b{c}", region=f"r{c}")]
        done = compute({"price_probes": rows}, "MON-PRICE-PERSONAL")
        holds_the_promise(done)
        return row(done, "platform_m")

    assert p(2, 5)["pp_perm_p"] == pytest.approx(1 / 36)
    many = p(12, 5)
    assert many["pp_perm_p"] == pytest.approx(1 / 10_000)
    assert many["pp_perm_p__n"] == 12
    assert 0.2 < p(12, 0)["pp_perm_p"] < 0.8
    assert many["pp_profile_r2"] > 0.9
    assert p(12, 0)["pp_profile_r2"] < 0.05


def test_partner_prices_keep_bands_apart_and_affiliates_out() -> None:
    def line(buyer: str, price: float, qty: float = 10.0, **more: Any) -> Filing:
        return {"invoice_id": buyer, "seller_id": "S", "buyer_id": buyer, "item_code": "I",
                "qty": qty, "unit_price": price, "issued": made.MONDAY} | more  # fmt: skip

    rows = [line("X", 10.0), line("Y", 8.0), line("Z", 4.0, 500.0), line("A", 5.0)]
    firms = [{"firm_id": f, "group_id": "G"} for f in ("S", "A")]
    found = row(compute({"invoices": rows, "firms": firms}, "MON-B2B-DISCRIM"), "product_q")
    assert found["b2b_price_gap"] == pytest.approx(0.25)
    assert found["affiliate_gap"] == pytest.approx(8 / 5 - 1)
    functional = [line("X", 10.0), line("Y", 8.0, discount=2.0)]
    done = compute({"invoices": functional}, "MON-B2B-DISCRIM")
    assert read(done, "product_q", "b2b_price_gap") == 0
    assert row(done, "product_q")["b2b_rank_resid__reason"] == "too_few"
    even = [line(f"b{k}", 10 + 0.01 * (k % 3), 10.0 + k) for k in range(12)]
    even[7]["unit_price"] = 14.0
    outlier = read(compute({"invoices": even}, "MON-B2B-DISCRIM"), "product_q", "b2b_rank_resid")
    assert outlier > 20


def test_rebates_are_not_clipped_and_bunching_needs_ten_contracts() -> None:
    low = made.rebate(list_price=100.0, rebate_rate=0.3, contestable_share=0.2)
    done = compute({"contract_terms": [low]}, "MON-LOYALTY")
    found = row(done, "customer_y")
    assert found["loy_effective_price"] == pytest.approx(-50)
    assert found["loy_below_cost__reason"] == "missing_input"
    assert found["period_end"] == date(2026, 12, 31)
    many = [
        made.rebate(contract_id=f"C{k}", counterparty_id=f"B{k}", threshold=100.0,
                    purchases=103.0 if k < 9 else 95.0)
        for k in range(12)
    ]  # fmt: skip
    many.append(made.rebate(contract_id="E", counterparty_id="B0", type="exclusive"))
    found = row(compute({"contract_terms": many}, "MON-LOYALTY"), "customer_y", "S/B0")
    assert (found["loy_threshold_bunch"], found["loy_threshold_bunch__n"]) == (0.75, 12)
    assert found["excl_rebate_share"] == pytest.approx(103 / (9 * 103 + 3 * 95))
    assert found["loy_effective_price__reason"] == "missing_input"


def test_a_rebate_is_judged_in_every_year_it_is_in_force() -> None:
    filed = made.rebate(list_price=9.0, rebate_rate=0.1, contestable_share=0.5)
    frame = compute({"contract_terms": [filed | {"from": date(2024, 5, 1)}]}).frames["customer_y"]
    assert frame.frame["period_start"].dt.year().to_list() == [2024, 2025, 2026]


def test_fees_need_sales_peers_and_a_changed_tariff() -> None:
    rows = [made.fee("A", 0.10, tariff_version="1"), made.fee("B", 0.2, gmv=10.0)]
    rows += [made.fee("A", 0.16, "2026-02", tariff_version="2", in_tariff=True,
                      announced_on=date(2026, 2, 1), effective_on=date(2026, 2, 6))]  # fmt: skip
    rows += [made.fee("A", 0.04, "2026-02", fee_type="other", in_tariff=False, tariff_version="2")]
    done = compute({"fees": rows}, "MON-FEES")
    holds_the_promise(done)
    first, second, small = done.frames["merchant_m"].frame.to_dicts()
    assert (small["subject_key"], small["fee_take_rate__reason"]) == ("B", "too_few")
    assert first["fee_step__reason"] == "missing_input"
    assert second["fee_take_rate"] == pytest.approx(0.20)
    assert second["fee_step"] == pytest.approx(0.10)
    assert second["fee_opaque_share"] == pytest.approx(0.2)
    assert second["fee_notice_days"] == 5
    assert second["fee_robust_z__reason"] == "too_few"
    alike = [made.fee(f"m{k}", 0.1) for k in range(7)]
    done = compute({"fees": [*alike, made.fee("X", 0.3)]}, "MON-FEES")
    assert row(done, "merchant_m", "X")["fee_robust_z__reason"] == "constant_peers"


def test_copies_count_only_when_the_time_to_follow_is_over() -> None:
    done = compute({"products": made.hits(3, 10, 0, 10)}, "MON-DATA-USE")
    found = row(done, "category_y")
    assert found["copy_rate_rr"] == pytest.approx((3.5 / 11) / (0.5 / 11))
    assert (found["copy_lead_days"], found["copy_rate_rr__n"]) == (50, 10)
    late = [p | ({"hit_on": date(2026, 8, 1)} if "hit_on" in p else {}) for p in made.hits(1, 2)]
    assert compute({"products": late}, "MON-DATA-USE").frames["category_y"].frame.height == 0
    none = row(compute({"products": made.hits(0, 5)}, "MON-DATA-USE"), "category_y")
    assert none["copy_lead_days__reason"] == "too_few"


def test_a_copy_is_compared_in_price_in_the_month_it_came() -> None:
    rows = made.hits(1, 1)
    prices = [
        made.offer(20, date(2026, 3, 3), sku="h0"),
        made.offer(15, date(2026, 3, 9), sku="own-h0"),
    ]
    done = compute({"products": rows, "listing_prices": prices}, "MON-DATA-USE")
    assert read(done, "category_y", "copy_undercut") == pytest.approx(0.25)
