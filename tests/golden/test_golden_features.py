"""Every golden case of the families built here, through tables in and features out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from features.catalogue import catalogue
from features.compute import Computed
from tests.features.filings import (
    app,
    bids,
    compute,
    deal,
    incident,
    positions,
    prices,
    read,
    trades,
)
from tests.golden.cases import agrees, all_have_cases_and_features, golden_cases

Inputs = dict[str, Any]
BIDDING = ("CV", "DISTANCE", "SHAPE", "KS", "SUBGROUP", "IDENTICAL")


def _bid(feature: str, i: Inputs) -> Any:
    return read(compute(bids(i["bids"])), "tender", feature)


def _market(feature: str, i: Inputs) -> Any:
    if feature == "hhi_bounds":
        named = {f"f{k}": s / 100 for k, s in enumerate(i["named_shares_pct"])}
        assert min(i["named_shares_pct"]) == i["max_unnamed_firm_pct"]
        done = compute({"market_positions": positions(named)})
        assert read(done, "market_y", "hhi") is None
        return [read(done, "market_y", f) for f in ("hhi_low", "hhi_high")]
    shares = {f"f{k}": s / 100 for k, s in enumerate(i["shares_pct"])}
    return read(compute({"market_positions": positions(shares)}), "market_y", feature)


def _deal(feature: str, i: Inputs) -> Any:
    if "shares_pct" in i:
        value = read(compute(deal(i["shares_pct"], i["merging"])), "deal_market", feature)
    else:
        # A market built to show exactly this HHI after the deal and this rise.
        assert (i["hhi_post"], i["hhi_delta"]) == (1900, 260)
        done = compute(deal([13, 10, 30, 15, 12, 8, 5, 3, 1, 1, 1, 1], [0, 1]))
        assert read(done, "deal_market", "hhi_post") == 1900
        assert read(done, "deal_market", "hhi_delta") == 260
        value = read(done, "deal_market", feature)
    flag = catalogue().features[feature].kind == "bool"
    return bool(value) if flag else value


def _dominant(feature: str, i: Inputs) -> Any:
    done = compute({"market_positions": positions(i["shares"])})
    frame = done.frames["market_firm_y"].frame
    found = frame.filter(frame[feature] == 1.0)["firm_id"].to_list()
    assert read(done, "market_y", "dominant_firms") == len(found)
    return sorted(found)


def _price(feature: str, i: Inputs) -> Any:
    if feature == "price_cv":
        return read(compute({"listing_prices": prices(i["prices"])}), "sku_seller_q", feature)
    done = compute({"listing_prices": prices(i["baseline"], i["window"])})
    return done.frames["sku_seller_q"].frame[feature].to_list()[-1]


def _trade(feature: str, i: Inputs) -> Any:
    return read(compute(trades(i["edges"])), "cluster_m", feature)


def _app(feature: str, i: Inputs) -> Any:
    return read(compute(app(i["declared"], i["observed"])), "app_v", feature)


def _breach(feature: str, i: Inputs) -> Any:
    filed: Inputs = {"aware_at": "2026-02-01T10:00:00Z", "notified_at": "2026-02-05T09:00:00Z"}
    if "delay_h" in i:
        assert i["delay_h"] == 95
        where = {72: "EU", 4: "CN"}[i["deadline_h"]]
        filed |= {"jurisdiction": where, "persons": 2_500_000}
    done: Computed = compute(incident(**(filed | {k: v for k, v in i.items() if "_h" not in k})))
    return read(done, "incident", feature)


ADAPTERS: dict[str, Callable[[str, Inputs], Any]] = {
    "MON-STR-HHI": _market,
    "MON-HHI-MERGER": _deal,
    "MON-DOMINANCE-CN": _dominant,
    "MON-PRICE-VARIANCE": _price,
    "TRX-WASH-SCC": _trade,
    "PRIV-UNDECLARED-COLLECTION": _app,
    "PRIV-BREACH-LATE": _breach,
} | {f"MON-BID-{screen}": _bid for screen in BIDDING}


def test_every_family_has_an_adapter_and_a_case() -> None:
    all_have_cases_and_features(ADAPTERS)


@pytest.mark.parametrize("case", golden_cases(ADAPTERS))
def test_golden_case(case: Inputs) -> None:
    agrees(ADAPTERS[case["typology"]](case["feature"], case["inputs"]), case)
