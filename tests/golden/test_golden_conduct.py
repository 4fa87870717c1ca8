"""Golden cases of what one firm does alone, through tables in and features out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from features.catalogue import catalogue
from tests.features import conduct as made
from tests.features.filings import compute, read
from tests.golden.cases import agrees, all_have_cases_and_features, golden_cases

Inputs = dict[str, Any]


def _predation(feature: str, i: Inputs) -> Any:
    costs = [made.cost() | {k: float(v) for k, v in i.items() if k != "price"}]
    tables = {"listing_prices": [made.offer(i["price"])], "costs": costs}
    return read(compute(tables, "MON-PREDATION"), "sku_w", feature)


def _forced(feature: str, i: Inputs) -> Any:
    columns = (i["units"], i["price"], i["unit_cost"], i["mandated"])
    sales, costs = [], []
    for k, (units, price, unit_cost, mandated) in enumerate(zip(*columns, strict=True)):
        sales.append(
            {"tx_id": str(k), "ts": made.instant(made.MONDAY), "seller_id": "M",
             "sku_id": f"k{k}", "qty": float(units), "net": float(units * price),
             "promo_mandated": mandated}
        )  # fmt: skip
        costs.append(made.cost(firm="M", product=f"k{k}", unit_cost=float(unit_cost)))
    tables = {"transactions": sales, "costs": costs}
    return read(compute(tables, "MON-FORCED-DISCOUNT"), "merchant_m", feature)


def _excessive(feature: str, i: Inputs) -> Any:
    if feature == "exc_benchmark_ratio":
        others = enumerate(i["benchmark_prices"])
        prices = [made.offer(i["price"])] + [made.offer(p, seller=f"s{k}") for k, p in others]
        return read(compute({"listing_prices": prices}, "MON-EXCESSIVE"), "product_m", feature)
    past = date(2025, 1, 6)
    prices = [made.offer(100, past), made.offer(100 * (1 + i["price_growth"]))]
    costs = [
        made.cost("2025-01", unit_cost=50.0),
        made.cost(unit_cost=50 * (1 + i["cost_growth"])),
    ]
    done = compute({"listing_prices": prices, "costs": costs}, "MON-EXCESSIVE")
    frame = done.frames["product_m"].frame
    return frame.filter(frame["period_start"] == date(2026, 1, 1))[feature].item()


def _squeeze(feature: str, i: Inputs) -> Any:
    filed = made.cost() | {k: float(v) for k, v in i.items() if k != "retail_price"}
    tables = {"listing_prices": [made.offer(i["retail_price"])], "costs": [filed]}
    return read(compute(tables, "MON-SQUEEZE"), "product_m", feature)


def _personal(feature: str, i: Inputs) -> Any:
    done = compute({"price_probes": made.probes(i)}, "MON-PRICE-PERSONAL")
    return read(done, catalogue().features[feature].grain, feature)


def _partners(feature: str, i: Inputs) -> Any:
    rows = [
        {"invoice_id": b, "seller_id": "S", "buyer_id": b, "item_code": "I", "qty": 10.0,
         "unit_price": price, "issued": made.MONDAY}
        for b, price in i["net_price_by_buyer"].items()
    ]  # fmt: skip
    return read(compute({"invoices": rows}, "MON-B2B-DISCRIM"), "product_q", feature)


def _exclusive(feature: str, i: Inputs) -> Any:
    rows = made.presence("2026-01", i["multi_before"], i["n_before"])
    rows += made.presence("2026-02", i["multi_after"], i["n_after"])
    frame = compute({"merchant_presence": rows}, "MON-EXCLUSIVITY").frames["platform_m"].frame
    last = (frame["subject_key"] == "p") & (frame["period_start"] == date(2026, 2, 1))
    return frame.filter(last)[feature].item()


def _tying(feature: str, i: Inputs) -> Any:
    if feature == "tie_lift":
        neither = i["not_a_total"] - i["b_not_a"]
        rows = made.orders(i["a_total"], i["ab"], i["b_not_a"], neither)
    else:
        total = i["orders_with_addon"]
        rows = made.orders(total, total, 0, 0)
        for k, item in enumerate(r for r in rows if r["sku_id"] == "B"):
            item["addon_preselected"] = k < i["orders_with_addon_preselected"]
    return read(compute({"transactions": rows}, "MON-TYING"), "product_pair_m", feature, "A/B")


def _ranking(feature: str, i: Inputs) -> Any:
    if feature == "sp_own_coef":
        assert i["rank"] == sorted(i["rank"])
        rows = made.listing(i["own"], **{k: v for k, v in i.items() if k not in {"rank", "own"}})
    else:
        # Two lists of fifteen: three own items in six top places, six in all thirty.
        assert (i["own_share_top3"], i["own_share_pool"]) == (0.5, 0.2)
        rows = [
            listed
            for query, owns in (("q1", {1, 3, 7}), ("q2", {2, 7, 11}))
            for listed in made.listing([place in owns for place in range(1, 16)], query)
        ]
    return read(compute({"ranking_samples": rows}, "MON-SELFPREF"), "platform_m", feature)


def _demotion(feature: str, i: Inputs) -> Any:
    if feature == "dem_visibility_did":
        views = made.seen("T", i["treated_pre"], i["treated_post"])
        views += made.seen("C", i["control_pre"], i["control_post"])
        done = compute({"visibility": views, "merchant_events": [made.event()]}, "MON-DEMOTION")
        return read(done, "merchant_w", feature)
    told = made.statements("R", i["demoted_rival"], i["rival_total"])
    told += made.statements("O", i["demoted_other"], i["other_total"])
    merchants = [{"merchant_id": "R", "is_rival": True}, {"merchant_id": "O", "is_rival": False}]
    done = compute({"statements_of_reasons": told, "merchants": merchants}, "MON-DEMOTION")
    return read(done, "platform_m", feature)


def _refusal(feature: str, i: Inputs) -> Any:
    rows = made.calls(True, i["denied_rival"], i["rival_calls"])
    rows += made.calls(False, i["denied_other"], i["other_calls"])
    return read(compute({"api_access": rows}, "MON-REFUSAL"), "platform_m", feature)


def _loyalty(feature: str, i: Inputs) -> Any:
    price, rate, share = 100, 0.1, 0.25
    if feature == "loy_effective_price":
        price, rate, share = i["list_price"], i["retro_rebate"], i["contestable_share"]
    filed = made.rebate(list_price=float(price), rebate_rate=rate, contestable_share=share)
    costs = [made.cost(lraic=float(i.get("lraic", 1)))]
    done = compute({"contract_terms": [filed], "costs": costs}, "MON-LOYALTY")
    if feature == "loy_below_cost":
        assert read(done, "customer_y", "loy_effective_price") == i["effective_price"]
        return bool(read(done, "customer_y", feature))
    return read(done, "customer_y", feature)


def _fees(feature: str, i: Inputs) -> Any:
    rows = [made.fee("X", i["take_rate"])]
    rows += [made.fee(f"m{k}", rate) for k, rate in enumerate(i["peers"])]
    return read(compute({"fees": rows}, "MON-FEES"), "merchant_m", feature, "X")


def _copying(feature: str, i: Inputs) -> Any:
    if feature == "copy_lead_days":
        own = {"sku_id": "o", "category": "c", "is_own": True, "copies_sku_id": "h",
               "launched_on": date.fromisoformat(i["own_launch_date"])}  # fmt: skip
        hit = date.fromisoformat(i["third_party_hit_date"])
        rows = [{"sku_id": "h", "category": "c", "hit_on": hit}, own]
    else:
        rows = made.hits(i["copied_hits"], i["hits"], i["copied_matched_nonhits"],
                         i["matched_nonhits"])  # fmt: skip
    return read(compute({"products": rows}, "MON-DATA-USE"), "category_y", feature)


ADAPTERS: dict[str, Callable[[str, Inputs], Any]] = {
    "MON-PREDATION": _predation,
    "MON-FORCED-DISCOUNT": _forced,
    "MON-EXCESSIVE": _excessive,
    "MON-SQUEEZE": _squeeze,
    "MON-PRICE-PERSONAL": _personal,
    "MON-B2B-DISCRIM": _partners,
    "MON-EXCLUSIVITY": _exclusive,
    "MON-TYING": _tying,
    "MON-SELFPREF": _ranking,
    "MON-DEMOTION": _demotion,
    "MON-REFUSAL": _refusal,
    "MON-LOYALTY": _loyalty,
    "MON-FEES": _fees,
    "MON-DATA-USE": _copying,
}


def test_every_family_has_an_adapter_and_a_case() -> None:
    all_have_cases_and_features(ADAPTERS)


@pytest.mark.parametrize("case", golden_cases(ADAPTERS))
def test_golden_case(case: Inputs) -> None:
    agrees(ADAPTERS[case["typology"]](case["feature"], case["inputs"]), case)
