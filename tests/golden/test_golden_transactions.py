"""Golden cases of improper transactions, through tables in and features out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.features.filings import Filing, compute, read
from tests.features.transactions import flow, invoice, order, review
from tests.golden.cases import agrees, all_have_cases_and_features, golden_cases

Inputs = dict[str, Any]
DAY = date(2024, 5, 1)


def _brush(feature: str, i: Inputs) -> Any:
    if feature == "brush_burst_p":
        past = [
            order(f"{week}-{k}", DAY - timedelta(weeks=week))
            for week in range(1, 5)
            for k in range(i["baseline_mean"])
        ]
        rows = past + [order(f"0-{k}", DAY) for k in range(i["orders"])]
        done = compute({"transactions": rows}, "TRX-BRUSH")
        frame = done.frames["merchant_d"].frame
        return frame.filter(frame["period_start"] == DAY)[feature].item()
    light = range(i["orders_shared_device_or_address"] - i["orders_both"], i["orders"])
    light = light[: i["orders_zero_weight_parcel"]]
    rows = [
        order(
            str(k),
            DAY,
            device_hash="d" if k < i["orders_shared_device_or_address"] else f"own{k}",
            parcel_weight_g=0.0 if k in light else 500.0,
        )
        for k in range(i["orders"])
    ]
    return read(compute({"transactions": rows}, "TRX-BRUSH"), "merchant_d", feature)


def _review(feature: str, i: Inputs) -> Any:
    if feature == "rev_burst_p":
        counts = i["daily_reviews"]
        rows = [
            review(f"{d}-{k}", DAY + timedelta(d)) for d, n in enumerate(counts) for k in range(n)
        ]
        frame = compute({"reviews": rows}).frames["item_d"].frame
        return frame[feature].to_list()[-1]
    once = i["singleton_5star"]
    rows = [
        review(str(k), DAY, rating=5.0, reviewer_total=1 if k < once else 7)
        for k in range(i["reviews"])
    ]
    return read(compute({"reviews": rows}), "item_d", feature)


def _round_trip(feature: str, i: Inputs) -> Any:
    out, back = i.get("out", 1000), i.get("returned_within_window", 1000)
    first, last = i.get("out_date", "2026-05-01"), i.get("back_date", "2026-05-07")
    rows = [flow("1", "A", "B", first, out), flow("2", "B", "A", last, back)]
    return read(compute({"fund_flows": rows}), "path_m", feature)


def _related(feature: str, i: Inputs) -> Any:
    tables: dict[str, list[Filing]] = {
        "firms": [{"firm_id": f, "group_id": "G"} for f in ("buyer", "sister")]
    }
    if feature == "rel_purchase_share":
        rest = i["total_value"] - i["related_value"]
        tables["invoices"] = [
            invoice("1", "sister", "buyer", amount=i["related_value"]),
            invoice("2", "other", "buyer", amount=rest),
        ]
    else:
        free = [
            invoice(f"f{k}", f"s{k}", f"b{k}", unit_price=p)
            for k, p in enumerate(i["arms_length_prices"])
        ]
        tables["invoices"] = [invoice("1", "sister", "buyer", unit_price=i["unit_price"]), *free]
    return read(compute(tables, "TRX-RELATED"), "pair_y", feature, "buyer|sister")


def _split(feature: str, i: Inputs) -> Any:
    values = [95.0] * i["just_below"] + [105.0] * i["just_above"]
    awards = [
        {"tender_id": str(k), "buyer_id": "B", "award_value": v, "awarded_at": "2024-03-05",
         "jurisdiction": "X", "kind": "goods"}
        for k, v in enumerate(values)
    ]  # fmt: skip
    limit = {"jurisdiction": "X", "kind": "goods", "value": 100.0}
    done = compute({"tenders": awards, "limits": [limit]}, "TRX-SPLIT")
    return read(done, "buyer_y", feature)


def _discount(feature: str, i: Inputs) -> Any:
    offer = {"sku_id": "k", "seller_id": "s"}
    before = {**offer, "ts": "2024-04-20T00:00:00Z", "net_price": float(i["min_price_prior_30d"])}
    sale = {
        **offer, "ts": "2024-05-01T00:00:00Z", "promo_id": "p",
        "net_price": float(i.get("sale_price", 125)),
        "list_price": float(i.get("claimed_reference", 199)),
    }  # fmt: skip
    done = compute({"listing_prices": [before, sale]}, "TRX-FAKE-DISCOUNT")
    return read(done, "sku_event", feature)


def _late(feature: str, i: Inputs) -> Any:
    assert i["limit_days"] == 60
    rows = [
        invoice(str(k), "s", "b", amount=a, issued=DAY, paid=DAY + timedelta(d))
        for k, (a, d) in enumerate(zip(i["amount"], i["days_to_pay"], strict=True))
    ]
    return read(compute({"invoices": rows}, "TRX-LATEPAY"), "buyer_q", feature)


def _subscription(feature: str, i: Inputs) -> Any:
    steps = {"steps_cancel": i["cancel_steps"], "steps_subscribe": i["subscribe_steps"]}
    done = compute({"subscriptions": [{"platform_id": "p", "month": "2024-05", **steps}]})
    return read(done, "platform_m", feature)


ADAPTERS: dict[str, Callable[[str, Inputs], Any]] = {
    "TRX-BRUSH": _brush,
    "TRX-REVIEW-BURST": _review,
    "TRX-ROUNDTRIP": _round_trip,
    "TRX-RELATED": _related,
    "TRX-SPLIT": _split,
    "TRX-FAKE-DISCOUNT": _discount,
    "TRX-LATEPAY": _late,
    "TRX-AUTORENEW": _subscription,
}


def test_every_family_has_a_case() -> None:
    all_have_cases_and_features(ADAPTERS)


@pytest.mark.parametrize("case", golden_cases(ADAPTERS))
def test_golden_case(case: Inputs) -> None:
    agrees(ADAPTERS[case["typology"]](case["feature"], case["inputs"]), case)
