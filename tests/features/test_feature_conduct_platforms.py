"""Conduct of platforms: visibility, homes, ranking, access, tying, forced promotions."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.conftest import shared_data
from tests.features import conduct as made
from tests.features.filings import Filing, compute, holds_the_promise, read, row


def test_zero_impressions_count_as_one_half_and_disturbed_merchants_are_no_controls() -> None:
    views = made.seen("T", 2800, 0) + made.seen("C", 2800, 2800) + made.seen("D", 2800, 280)
    events = [made.event(), made.event("D", "complaint", made.TRIGGER + timedelta(days=9))]
    done = compute({"visibility": views, "merchant_events": events}, "MON-DEMOTION")
    found = row(done, "merchant_w", "T")
    assert found["dem_visibility_did"] == pytest.approx(-8.63052, abs=1e-5)
    assert (found["dem_placebo_p"], found["dem_placebo_p__n"]) == (0.5, 1)
    ended = made.TRIGGER + timedelta(days=27)
    assert found["period_start"] <= ended <= found["period_end"]


def test_short_or_unfinished_windows_are_not_judged() -> None:
    views = made.seen("T", 100, 10, days=13) + made.seen("C", 2800, 2800)
    done = compute({"visibility": views, "merchant_events": [made.event()]}, "MON-DEMOTION")
    assert row(done, "merchant_w")["dem_visibility_did__reason"] == "too_few"
    fresh = made.event(day=date(2026, 11, 10))
    done = compute({"visibility": views, "merchant_events": [fresh]}, "MON-DEMOTION")
    assert row(done, "merchant_w")["dem_visibility_did__reason"] == "censored"


def test_a_refused_promotion_is_judged_by_month_and_drops_need_a_reason() -> None:
    views = made.seen("T", 2800, 700) + made.seen("C", 2800, 2800) + made.seen("E", 2800, 280)
    tables = {
        "visibility": views,
        "merchant_events": [made.event(what="refused_promo")],
        "merchants": [{"merchant_id": m} for m in "TCE"],
        "statements_of_reasons": made.statements("E", 1, 1),
    }
    done = compute(tables, "MON-FORCED-DISCOUNT", "MON-DEMOTION")
    holds_the_promise(done)
    found = row(done, "merchant_m")
    assert found["promo_optout_penalty_did"] < -0.5
    assert found["period_start"] == date(2026, 3, 1)
    assert read(done, "platform_m", "dem_unreasoned_share") == 0.5


def test_enrolments_without_an_action() -> None:
    events = [made.event("M", "promo_enrolled", automatic=k < 3, promo_id=str(k)) for k in range(4)]
    found = row(compute({"merchant_events": events}, "MON-FORCED-DISCOUNT"), "merchant_m")
    assert (found["auto_enrol_rate"], found["auto_enrol_rate__n"]) == (0.75, 4)
    assert found["auto_pricing_tool_rate__reason"] == "too_few"


def _homes(rows: list[Filing], **more: list[Filing]) -> dict[str, Any]:
    frame = compute({"merchant_presence": rows, **more}, "MON-EXCLUSIVITY").frames["platform_m"]
    return frame.frame.filter(frame.frame["subject_key"] == "p").to_dicts()[-1]


def test_homes_need_fifty_a_side_and_change_looks_back_three_months() -> None:
    assert _homes(made.presence("2026-01", 10, 49))["mh_rate__reason"] == "too_few"
    months = [("2025-12", 60), ("2026-01", 80), ("2026-02", 70), ("2026-03", 40)]
    rows = [r for month, multi in months for r in made.presence(month, multi, 100)]
    assert _homes(rows)["mh_rate_change"] == pytest.approx(-0.2)
    assert _homes(made.presence("2026-01", 60, 100))["mh_rate_change__reason"] == "missing_input"


def test_exclusive_sales_count_by_duration() -> None:
    rows = [
        {"merchant_gid": f"m{k}", "platform_id": "p", "month": f"2026-0{month}", "active": True,
         "gmv": 10.0, "exclusive": k < 30}
        for month in (1, 2, 3)
        for k in range(60)
    ]  # fmt: skip
    assert _homes(rows)["excl_coverage"] == pytest.approx(0.5 * 3 / 12)
    silent = [r | {"exclusive": None} for r in rows]
    assert _homes(silent)["excl_coverage__reason"] == "missing_input"


def test_exits_fall_together_near_each_other_or_a_campaign() -> None:
    rows = made.presence("2026-03", 24, 60)
    left = [r for r in rows if r["platform_id"] == "q"]
    for k, filed in enumerate(left):
        filed["left_on"] = date(2026, 3, 3 if k < 12 else 18 if k < 18 else 28)
    assert _homes(rows)["mh_exit_sync"] == pytest.approx(0.5)
    campaign = [
        {"event_id": "e", "kind": "campaign", "date": date(2026, 3, 23), "platform_id": "p"}
    ]
    near = [r | ({"left_on": date(2026, 3, 17)} if "left_on" in r else {}) for r in rows]
    assert _homes(near, market_events=campaign)["mh_exit_sync"] == 1
    assert _homes(rows, market_events=campaign)["mh_exit_sync"] == pytest.approx(0.5)


def test_those_who_stayed_are_compared_with_those_who_left() -> None:
    rows = made.presence("2026-02", 2, 2)
    rows += made.presence("2026-03", 1, 2)
    tables = {
        "merchant_presence": rows,
        "visibility": made.seen("m0", 2800, 1400) + made.seen("m1", 2800, 2800),
        "merchants": [{"merchant_id": "m0"}, {"merchant_id": "m1"}],
        "market_events": [
            {"event_id": "e", "kind": "rule_change", "date": made.TRIGGER, "platform_id": "p"}
        ],
    }
    found = row(compute(tables, "MON-EXCLUSIVITY"), "merchant_w")
    assert found["subject_key"] == "m0"
    assert found["mh_penalty_did"] == pytest.approx(-0.693147, abs=1e-6)


def test_access_needs_a_hundred_calls_a_side_and_forgives_the_callers_own_fault() -> None:
    few = made.calls(True, 50, 99) + made.calls(False, 1, 200)
    done = compute({"api_access": few}, "MON-REFUSAL")
    assert row(done, "platform_m")["ref_denial_rr__reason"] == "too_few"
    rows = made.calls(True, 50, 200, reason="Rate limit", endpoint="share-link")
    rows += made.calls(False, 0, 200)
    found = row(compute({"api_access": rows}, "MON-REFUSAL"), "platform_m")
    assert found["ref_denial_rr"] == pytest.approx(50.5 / 0.5)
    assert found["ref_unexplained_rr"] == 1
    assert found["link_block_rate"] == 0.25
    assert found["ref_denial_p"] < 1e-15


def test_nothing_is_said_about_lift_without_sales_apart_and_offers_alone_are_counted() -> None:
    rows = made.orders(100, 95, 0, 200)
    offers = [made.offer(5, made.MONDAY + timedelta(days=k), sku="Z") for k in range(10)]
    offers += [made.offer(9, made.MONDAY, sku="A"), made.offer(9, made.MONDAY, sku="B")]
    terms = [{"contract_id": "t", "type": "tying", "firm_id": "S", "product_id": "A",
              "parameters": '{"optout_steps": 4, "tied_product": "B"}'}]  # fmt: skip
    tables = {"transactions": rows, "listing_prices": offers, "contract_terms": terms}
    found = row(compute(tables, "MON-TYING"), "product_pair_m")
    assert (found["tie_attach_rate"], found["tie_lift__reason"]) == (0.95, "zero_denominator")
    assert (found["tie_standalone_avail"], found["tie_optout_steps"]) == (0.1, 4)


def test_paid_places_are_apart_and_an_own_dummy_that_never_varies_says_nothing() -> None:
    same = [r for q in range(3) for r in made.listing([False] * 5, f"q{q}", price=[1, 2, 3, 4, 5])]
    found = row(compute({"ranking_samples": same}, "MON-SELFPREF"), "platform_m")
    assert found["sp_own_coef__reason"] == "constant"
    mixed = [r | {"is_ad": r["rank"] == 1, "is_own": r["rank"] == 1} for r in same]
    found = row(compute({"ranking_samples": mixed}, "MON-SELFPREF"), "platform_m")
    assert found["sp_top_share_gap"] == 0
    matched = made.listing([True, False, False], price=[5, 5, 50], rating=[4, 4, 4])
    found = row(compute({"ranking_samples": matched}, "MON-SELFPREF"), "platform_m")
    assert (found["sp_matched_gap"], found["sp_match_rate"]) == (-1, 1)


def _pairs(own: Callable[[dict[str, str]], float]) -> dict[str, Any]:
    """Each pair as one list of two places.

    Only differences are known; with a fixed effect for each pair only they matter, so the
    difference is filed on one side and zero on the other.
    """
    rows: list[Filing] = []
    with (shared_data("rankings-amazon") / "pairwise_training_set.csv").open() as file:
        for k, pair in enumerate(csv.DictReader(file)):
            first = pair["placed_higher"] == "True"
            for side, sign in ((True, 1.0), (False, -1.0)):
                rows.append(
                    {"platform_id": "p", "query": f"pair {k}", "ts": made.instant(made.MONDAY),
                     "rank": 1 if side == first else 2, "is_own": sign * own(pair) > 0,
                     "rating": max(0.0, sign * float(pair["stars_delta"])),
                     "n_reviews": int(max(0.0, sign * float(pair["reviews_delta"])))}
                )  # fmt: skip
    return row(compute({"ranking_samples": rows}, "MON-SELFPREF"), "platform_m")


@pytest.mark.real
def test_the_platforms_own_brand_is_found_and_noise_is_not() -> None:
    brand = _pairs(lambda pair: float(pair["is_amazon"]))
    assert brand["sp_own_coef"] < -0.3 and brand["sp_own_p"] < 1e-20
    noise = _pairs(lambda pair: float(pair["random_noise"]))
    assert abs(noise["sp_own_coef"]) < 0.05 and noise["sp_own_p"] > 0.01
    stars = _pairs(lambda pair: float(pair["stars_delta"]))
    assert abs(stars["sp_own_coef"]) < 0.1
