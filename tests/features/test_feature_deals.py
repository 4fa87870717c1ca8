"""Edge cases of notifications, purchases, interlocks, gatekeepers, tools, resale and parity."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from features.parameters import competition
from tests.features.filings import Filing, compute, holds_the_promise, positions, read, row

MINE = (
    "MON-GATEKEEPER-DMA", "MON-MERGER-THRESHOLD", "MON-GUN-JUMPING", "MON-KILLER-ACQ",
    "MON-SERIAL-ACQ", "MON-INTERLOCK", "MON-PRICE-RIGIDITY", "MON-PRICE-LEADLAG",
    "MON-PRICE-PARALLEL", "MON-PRICE-BREAK", "MON-ALGO-COMMON", "MON-RPM", "MON-MFN",
)  # fmt: skip


def deal(parties: list[Filing], **filed: Any) -> dict[str, list[Filing]]:
    return {
        "merger_notifications": [{"deal_id": "D", "signed_on": "2026-01-10"} | filed],
        "deal_parties": [{"deal_id": "D", "party_id": f"p{k}"} | p for k, p in enumerate(parties)],
    }


def chinese(*turnovers: tuple[float | None, float | None], **more: Any) -> list[Filing]:
    return [{"turnover_world": w, "turnover_domestic": d} | more for w, d in turnovers]


def why(tables: dict[str, list[Filing]], feature: str, grain: str = "deal") -> tuple[Any, Any]:
    found = row(compute(tables), grain)
    return found[feature], found[f"{feature}__reason"]


def test_at_most_one_threshold_of_a_kind_is_in_force() -> None:
    kinds: dict[tuple[str, str, str], list[tuple[date, date]]] = {}
    for limit in competition.LIMITS:
        span = (limit.valid_from or date.min, limit.valid_to or date.max)
        assert span[0] <= span[1] and limit.source
        kinds.setdefault((limit.jurisdiction, limit.rule, limit.parameter), []).append(span)
    for spans in kinds.values():
        ordered = sorted(spans)
        assert all(a[1] < b[0] for a, b in pairwise(ordered))


def test_chinese_thresholds_by_date_group_currency_and_gap() -> None:
    large = chinese((9e9, 2.5e9), (4e9, 0.9e9))
    assert why(deal(large), "cn_notifiable") == (1, None)
    assert why(deal(large, signed_on="2023-06-01"), "cn_notifiable") == (None, "not_applicable")
    # Implementation decides, not signing.
    late = deal(large, signed_on="2023-12-01", implemented_on="2024-03-01")
    assert why(late, "cn_notifiable") == (1, None)
    one = deal(large) | {"firms": [{"firm_id": f"p{k}", "group_id": "G"} for k in (0, 1)]}
    assert why(one, "cn_notifiable") == (None, "not_applicable")
    dollars = chinese((9e9, 2.5e9), (4e9, 0.9e9), currency="USD")
    assert why(deal(dollars), "cn_notifiable") == (None, "missing_input")
    assert why(deal(large, jurisdiction="EU"), "cn_notifiable") == (None, "not_applicable")
    # 12 bn and 4 bn exactly are not above.
    assert why(deal(chinese((8e9, 3e9), (4e9, 1e9))), "cn_notifiable") == (0, None)
    gap = chinese((9e9, 2.5e9), (None, 0.9e9))
    assert why(deal(gap), "cn_notifiable") == (None, "missing_input")
    # Whatever the missing figure is, only one group can be above 0.8 bn.
    small = chinese((9e9, 2.5e9), (None, 0.1e9))
    assert why(deal(small), "cn_notifiable") == (0, None)
    old = chinese((9e9, 2.5e9), (4e9, 0.9e9), fy=2019)
    assert why(deal(old), "cn_notifiable") == (None, "missing_input")


def test_european_thresholds_wait_for_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    filed = deal([{"turnover_world": 3e9, "turnover_eu": 3e8} for _ in range(2)])
    assert why(filed, "eu_notifiable") == (None, "not_applicable")
    from dataclasses import replace

    seen = tuple(replace(limit, verified=True) for limit in competition.LIMITS)
    monkeypatch.setattr(competition, "LIMITS", seen)
    assert why(filed, "eu_notifiable") == (1, None)


def test_american_thresholds_by_closing() -> None:
    def hsr(value: float, sizes: tuple[float, float], closed: str) -> tuple[Any, Any]:
        parties: list[Filing] = [{"turnover_world": sizes[0]}, {"assets": sizes[1]}]
        filed = deal(parties, signed_on="2025-01-01", deal_value=value, target_id="p1",
                     implemented_on=closed)  # fmt: skip
        return why(filed, "us_hsr_2026_size_test")

    assert hsr(535.5e6, (1e6, 1e6), "2026-02-17") == (0, None)
    assert hsr(535.6e6, (1e6, 1e6), "2026-02-17") == (1, None)
    assert hsr(134e6, (267.8e6, 26.8e6), "2026-02-17") == (1, None)
    assert hsr(134e6, (26.8e6, 267.8e6), "2026-02-17") == (1, None)
    assert hsr(133.9e6, (267.8e6, 26.8e6), "2026-02-17") == (0, None)
    assert hsr(126.4e6, (9e9, 9e9), "2025-06-01") == (0, None)
    assert hsr(134e6, (9e9, 9e9), "2025-06-01") == (None, "not_applicable")


def test_waiting_and_silence() -> None:
    done = {"implemented_on": "2026-03-01"}
    assert why(deal([{}], **done), "unnotified_days") == (267, None)
    assert why(deal([{}], **done), "gun_jump_days") == (None, "not_applicable")
    notified = deal([{}], **done, notified_on="2026-02-01")
    assert why(notified, "unnotified_days") == (None, "not_applicable")
    found = row(compute(notified), "deal")
    assert (found["gun_jump_days"], found["censored"]) == (267, True)
    cleared = deal([{}], **done, notified_on="2026-01-15", cleared_on="2026-02-20")
    assert why(cleared, "gun_jump_days") == (0, None)
    assert why(deal([{}]), "gun_jump_days") == (None, "not_applicable")


def test_a_target_without_turnover_or_before_its_time() -> None:
    zero = deal([{}, {"turnover_world": 0.0, "active_users": 150, "users_year_before": 100}],
                target_id="p1", deal_value=5.0)  # fmt: skip
    found = row(compute(zero), "deal")
    assert found["deal_value_to_turnover__reason"] == "zero_denominator"
    assert (found["pre_revenue"], found["target_user_growth_12m"]) == (True, pytest.approx(50))
    early = {"signed_on": "2025-01-01", "implemented_on": "2026-01-01"}
    assert why(deal([{}], **early), "post_discontinued") == (None, "censored")
    assert why(deal([{}], **early, discontinued_on="2026-05-01"), "post_discontinued") == (1, None)
    old = {"signed_on": "2023-01-01", "implemented_on": "2023-02-01"}
    assert why(deal([{}], **old), "post_discontinued") == (0, None)
    assert why(deal([{}], **old, discontinued_on="2024-09-01"), "post_discontinued") == (0, None)


def test_a_business_sold_on_counts_for_its_last_buyer_and_old_deals_drop_out() -> None:
    def bought(key: str, buyer: str, target: str, day: str) -> tuple[Filing, Filing]:
        filed = {"deal_id": key, "acquirer_id": buyer, "target_id": target, "signed_on": day}
        return filed | {"overlap_market_ids": json.dumps(["M"])}, {
            "deal_id": key,
            "party_id": buyer,
        }

    deals = [
        bought("1", "A", "t", "2022-03-01"),
        bought("2", "A", "u", "2023-03-01"),
        bought("3", "B", "t", "2023-06-01"),
        bought("4", "A", "v", "2026-02-01"),
    ]
    held = positions({"A": 0.4, "B": 0.3, "t": 0.1, "u": 0.15, "v": 0.05}, "2021")
    held += positions({"A": 0.7, "B": 0.3}, "2025")
    tables = {"merger_notifications": [d for d, _ in deals], "market_positions": held,
              "deal_parties": [p for _, p in deals]}  # fmt: skip
    frame = compute(tables, "MON-SERIAL-ACQ").frames["market_firm_y"].frame
    rows = {(r["firm_id"], r["period_start"].year): r for r in frame.to_dicts()}
    assert rows["A", 2022]["serial_cum_share_gain"] == pytest.approx(10)
    assert (rows["A", 2023]["serial_count_36m"], rows["B", 2023]["serial_count_36m"]) == (1, 1)
    last = rows["A", 2026]
    # The share bought in 2026 was last filed for 2021.
    assert (last["serial_count_36m"], last["serial_cum_share_gain"]) == (1, pytest.approx(5))
    assert last["serial_hhi_drift"] == pytest.approx(5800 - 2850)


def test_terms_that_do_not_overlap_and_groups_are_no_interlock() -> None:
    market = positions({"a": 0.5, "b": 0.3, "c": 0.2})
    served: list[Filing] = [
        {"firm_id": "a", "person_hash": "p", "to": "2024-03-01"},
        {"firm_id": "b", "person_hash": "p", "from": "2024-04-01"},
        {"firm_id": "c", "person_hash": "p", "from": "2024-05-01"},
    ]
    done = compute({"officers": served, "market_positions": market}, "MON-INTERLOCK")
    assert done.frames["pair_y"].frame["subject_key"].to_list() == ["b|c"]
    firms = [{"firm_id": f, "group_id": "G"} for f in ("b", "c")]
    tables = {"officers": served, "market_positions": market, "firms": firms}
    assert compute(tables, "MON-INTERLOCK").frames["pair_y"].frame.height == 0


def test_common_owners() -> None:
    stakes = [("o", "a", 10.0), ("o", "b", 5.0), ("q", "b", 10.0), ("a", "b", 1.0)]
    owned: list[Filing] = [{"owner_id": o, "owned_id": f, "pct": p} for o, f, p in stakes]
    tables: dict[str, list[Filing]] = {
        "ownership": owned,
        "market_positions": positions({"a": 0.6, "b": 0.4}),
    }
    found = row(compute(tables, "MON-INTERLOCK"), "pair_y")
    assert found["common_owner_overlap"] == 5
    # s_a s_b (10*5/10^2 + 10*5/(5^2 + 10^2 + 1^2))
    assert found["mhhi_delta"] == pytest.approx(2400 * (0.5 + 50 / 126))


def test_a_missing_year_is_unknown_unless_another_fails() -> None:
    def judged(users: list[int]) -> dict[str, Any]:
        years = [
            {
                "firm_id": "g",
                "year": 2023 + k,
                "turnover_eu": 8e9,
                "member_states": 3,
                "active_users": u,
                "business_users": 10_000,
            }
            for k, u in enumerate(users)
        ]
        frame = compute({"firm_years": years[-len(users) :]}, "MON-GATEKEEPER-DMA")
        return frame.frames["operator_y"].frame.to_dicts()[-1]  # fmt: skip

    assert judged([45_000_000] * 3)["dma_presumed"] == 1
    assert judged([45_000_000] * 2)["dma_presumed__reason"] == "missing_input"
    assert judged([45_000_000, 44_999_999])["dma_presumed"] == 0
    assert judged([90_000_000] * 3)["dma_headroom"] == 1
    assert judged([44_100_000] * 3)["dma_headroom"] == pytest.approx(0.98)


def test_reactions_margins_and_advice_of_pricing_tools() -> None:
    start = date(2024, 1, 1)
    filed: list[Filing] = [
        {"sku_id": "k", "seller_id": s, "ts": f"{start + timedelta(days=d)}T{h:02}:00:00Z",
         "net_price": float(p)}
        for s, d, h, p in (("a", 0, 0, 10), ("b", 0, 0, 10), ("b", 1, 0, 9), ("a", 1, 3, 9),
                           ("b", 2, 0, 8), ("a", 2, 5, 8))
    ]  # fmt: skip
    tools = [{"firm_id": "a", "market_id": "M", "vendor": "v", "recommendations": 10,
              "adopted_unchanged": 8}]  # fmt: skip
    tables = {"pricing_vendors": tools, "listing_prices": filed,
              "products": [{"sku_id": "k", "market_id": "M"}]}  # fmt: skip
    found = row(compute(tables, "MON-ALGO-COMMON"), "market_q", "M")
    assert (found["algo_reaction_h"], found["algo_reaction_h__n"]) == (4, 2)
    shared = {"pricing_vendors": tools, "market_positions": positions({"a": 0.5, "b": 0.5})}
    frame = compute(shared, "MON-ALGO-COMMON").frames["market_q"].frame
    assert frame["algo_acceptance"].to_list() == [0.8] * 4
    assert frame["algo_vendor_share"].to_list() == [0.5] * 4


def resale(*asked: float, month: int = 1) -> list[Filing]:
    return [{"sku_id": "k", "seller_id": f"s{k}", "ts": f"2024-0{month}-02T00:00:00Z",
             "net_price": p, "list_price": 100.0} for k, p in enumerate(asked)]  # fmt: skip


def test_resale_needs_five_retailers_and_counts_the_days_to_punishment() -> None:
    few = row(compute({"listing_prices": resale(9, 9, 9, 9)}, "MON-RPM"), "sku_m")
    assert few["rpm_modal_share__reason"] == "too_few"
    blow = [{"merchant_id": "s4", "event": "supply_stopped", "date": "2024-01-12", "sku_id": "k"}]
    tables = {"listing_prices": resale(99, 99, 99, 99, 95), "merchant_events": blow}
    found = row(compute(tables, "MON-RPM"), "sku_m")
    assert (found["rpm_punish_lag"], found["rpm_punish_lag__n"]) == (10, 1)
    assert found["rpm_floor_gap"] == pytest.approx(-0.05)
    assert row(compute({"listing_prices": resale(9.1, 9.1, 9.1, 9.1, 9.1)}, "MON-RPM"),
               "sku_m")["rpm_price_cv"] == 0  # fmt: skip


@pytest.mark.parametrize(
    ("day", "shares", "turnover", "expected"),
    [
        ("2026-02-01", (0.04, 0.03), 9e7, (1, None)),
        ("2026-02-01", (0.05, 0.03), 9e7, (0, None)),
        ("2026-02-01", (0.04, 0.03), 1e8, (0, None)),
        ("2026-02-01", (0.04, 0.03), None, (None, "missing_input")),
        ("2026-02-01", (0.06, 0.03), None, (0, None)),
        ("2026-01-31", (0.04, 0.03), 9e7, (None, "not_applicable")),
    ],
)
def test_safe_harbour(day: str, shares: Any, turnover: Any, expected: Any) -> None:
    clause = {"contract_id": "c", "type": "rpm", "firm_id": "S", "counterparty_id": "B",
              "market_id": "M", "product_id": "k", "from": day}  # fmt: skip
    held = positions({"S": shares[0], "B": shares[1]}, "2025")
    held[0]["value"] = turnover
    tables = {"contract_terms": [clause], "market_positions": held}
    assert why(tables, "cn_rpm_safe_harbour", "sku_m") == expected


def test_a_penalty_is_a_fall_of_visibility_others_do_not_share() -> None:
    filed: list[Filing] = [
        {"sku_id": "k", "seller_id": "m", "platform_id": p, "ts": "2024-03-02T00:00:00Z",
         "net_price": 10.0}
        for p in ("P", "Q")
    ]  # fmt: skip
    hit = date(2024, 3, 15)
    seen: list[Filing] = [
        {"platform_id": "P", "merchant_id": m, "date": hit + timedelta(days=k),
         "impressions": 100 if k < 0 else after}
        for m, after in (("m", 40), ("x", 80)) for k in range(-14, 14)
    ]  # fmt: skip
    event: Filing = {
        "merchant_id": "m",
        "platform_id": "P",
        "event": "cheaper_elsewhere",
        "date": hit,
    }
    tables = {"listing_prices": filed, "visibility": seen, "merchant_events": [event]}
    found = row(compute(tables, "MON-MFN"), "merchant_m")
    # ln(0.4) - ln(0.8)
    assert (found["platform_id"], found["mfn_penalty_did"]) == ("P", pytest.approx(-0.693147, 1e-5))
    alone = {"listing_prices": filed[:1]}
    assert compute(alone, "MON-MFN").frames["merchant_m"].frame.height == 0
    assert read(compute({"listing_prices": filed}, "MON-MFN"), "merchant_m", "mfn_equal_rate") == 1


def test_a_penalty_counts_although_the_merchant_is_cheapest_elsewhere() -> None:
    filed: list[Filing] = [
        {"sku_id": "k", "seller_id": "m", "platform_id": p, "ts": "2024-03-02T00:00:00Z",
         "net_price": price}
        for p, price in (("P", 10.0), ("Q", 9.0))
    ]  # fmt: skip
    hit = date(2024, 3, 15)
    seen: list[Filing] = [
        {"platform_id": "P", "merchant_id": m, "date": hit + timedelta(days=k),
         "impressions": 100 if k < 0 else after}
        for m, after in (("m", 40), ("x", 80)) for k in range(-14, 14)
    ]  # fmt: skip
    event: Filing = {
        "merchant_id": "m",
        "platform_id": "P",
        "event": "cheaper_elsewhere",
        "date": hit,
    }
    tables = {"listing_prices": filed, "visibility": seen, "merchant_events": [event]}
    found = row(compute(tables, "MON-MFN"), "merchant_m")
    assert (found["platform_id"], found["mfn_penalty_did"]) == ("Q", pytest.approx(-0.693147, 1e-5))


def test_bare_filings_leave_reasons_and_no_errors() -> None:
    bare: dict[str, list[Filing]] = {
        "merger_notifications": [{"deal_id": "D"}, {"deal_id": "E", "target_id": "p0"}],
        "deal_parties": [{"deal_id": d, "party_id": "p0"} for d in ("D", "E")],
        "market_positions": positions({"a": 0.5}) + positions({"p0": 0.5}, "2023"),
        "firm_years": [{"firm_id": "a", "year": 2024}],
        "officers": [{"firm_id": "a", "person_hash": "p"}],
        "ownership": [{"owner_id": "o", "owned_id": "a", "pct": 5.0}],
        "listing_prices": resale(9.0),
        "costs": [{"firm_id": "a", "product_id": "k", "month": "2024-01"}],
        "pricing_vendors": [{"firm_id": "a", "market_id": "M", "vendor": "v"}],
        "products": [{"sku_id": "k"}],
        "contract_terms": [{"contract_id": "c", "type": "rpm", "product_id": "k"}],
        "merchant_events": [{"merchant_id": "s0", "event": "delisted", "date": "2024-01-05"}],
        "visibility": [{"platform_id": "P", "merchant_id": "s0", "date": "2024-01-05"}],
        "tenders": [{"tender_id": "T"}],
        "bids": [{"tender_id": "T", "amount": 5.0}],
    }
    done = compute(bare, *MINE)
    holds_the_promise(done)
    assert done.skipped == {}


def test_the_order_of_rows_does_not_matter() -> None:
    tables = deal(chinese((9e9, 2.5e9), (4e9, 0.9e9)), target_id="p1")
    tables |= {"listing_prices": resale(99, 99, 98, 99, 95) + resale(99, 97, 98, 99, 95, month=2)}
    first = compute(tables, *MINE)
    second = compute({name: rows[::-1] for name, rows in tables.items()}, *MINE)
    for grain, made in first.frames.items():
        assert made.frame.equals(second.frames[grain].frame), grain
