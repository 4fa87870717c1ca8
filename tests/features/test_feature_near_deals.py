"""Deals just below a threshold, partial stakes, and many small deals taken as one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from features.parameters import competition
from tests.features.filings import Filing, compute, positions, read, row
from tests.features.filings import deal as overlap
from tests.features.test_feature_deals import chinese, deal, why

Tables = dict[str, list[Filing]]


def test_the_nearer_of_two_joint_limits_and_the_second_party_decide() -> None:
    # World 11.4 of 12 bn, Chinese 3 of 4 bn, second party 0.79 of 0.8 bn.
    near = deal(chinese((9e9, 2.21e9), (2.4e9, 0.79e9)))
    assert why(near, "cn_threshold_ratio") == (pytest.approx(0.95), None)
    second = deal(chinese((20e9, 5e9), (4e9, 0.79e9)))
    assert why(second, "cn_threshold_ratio") == (pytest.approx(0.79 / 0.8), None)
    assert why(second, "cn_notifiable") == (0, None)
    above = deal(chinese((9e9, 2.5e9), (4e9, 0.9e9)))
    assert why(above, "cn_threshold_ratio") == (pytest.approx(13 / 12), None)
    line = deal(chinese((8e9, 3e9), (4e9, 1e9)))
    assert (why(line, "cn_threshold_ratio"), why(line, "cn_notifiable")) == ((1, None), (0, None))


def test_a_gap_an_old_deal_or_another_country_has_no_nearness() -> None:
    gap = deal(chinese((9e9, 2.5e9), (None, 0.1e9)))
    assert why(gap, "cn_threshold_ratio") == (None, "missing_input")
    old = deal(chinese((9e9, 2e9), (2e9, 0.7e9)), signed_on="2023-06-01")
    assert why(old, "cn_threshold_ratio") == (None, "not_applicable")
    abroad = deal(chinese((9e9, 2e9), (2e9, 0.7e9)), jurisdiction="US")
    assert why(abroad, "cn_threshold_ratio") == (None, "not_applicable")


def test_two_firms_of_one_group_are_one_party_to_a_threshold() -> None:
    parties = chinese((9e9, 2.5e9), (9e9, 2.5e9), (2e9, 0.4e9))
    firms = [{"firm_id": f, "group_id": "G"} for f in ("p0", "p1")]
    alone = deal(parties)
    assert why(alone, "cn_notifiable") == (1, None)
    one = alone | {"firms": firms}
    assert why(one, "cn_notifiable") == (0, None)
    assert why(one, "cn_threshold_ratio") == (0.5, None)


def test_nearness_to_the_american_test_by_the_nearer_way() -> None:
    def ratio(value: float | None, sizes: tuple[float, float], closed: str) -> tuple[Any, Any]:
        parties: list[Filing] = [{"turnover_world": sizes[0]}, {"assets": sizes[1]}]
        filed = deal(parties, signed_on="2025-01-01", deal_value=value, target_id="p1",
                     implemented_on=closed)  # fmt: skip
        return why(filed, "us_hsr_threshold_ratio")

    assert ratio(130e6, (9e9, 9e9), "2026-03-01") == (pytest.approx(130 / 133.9), None)
    assert ratio(200e6, (9e9, 26e6), "2026-03-01") == (pytest.approx(26 / 26.8), None)
    assert ratio(520e6, (9e9, 1e6), "2026-03-01") == (pytest.approx(520 / 535.5), None)
    assert ratio(None, (9e9, 1e6), "2026-03-01") == (None, "missing_input")
    # The upper limit for 2025 is not verified.
    assert ratio(130e6, (9e9, 9e9), "2025-06-01") == (None, "not_applicable")


def test_european_nearness_waits_for_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    filed = deal([{"turnover_world": 3e9, "turnover_eu": 2.4e8} for _ in range(2)])
    assert why(filed, "eu_threshold_ratio") == (None, "not_applicable")
    seen = tuple(replace(limit, verified=True) for limit in competition.LIMITS)
    monkeypatch.setattr(competition, "LIMITS", seen)
    assert why(filed, "eu_threshold_ratio") == (pytest.approx(0.96), None)
    assert why(filed, "eu_notifiable") == (0, None)


def purchases(*bought: tuple[str, str, str]) -> Tables:
    """Deals (buyer, target, day) in market M."""
    deals = [
        {"deal_id": f"{k}", "acquirer_id": b, "target_id": t, "signed_on": day,
         "overlap_market_ids": json.dumps(["M"])}
        for k, (b, t, day) in enumerate(bought)
    ]  # fmt: skip
    parties = [{"deal_id": f"{k}", "party_id": p} for k, (b, t, _) in enumerate(bought)
               for p in (b, t)]  # fmt: skip
    return {"merger_notifications": deals, "deal_parties": parties}


def test_other_deals_of_the_buying_group_in_two_years() -> None:
    tables = purchases(("A", "t", "2022-01-10"), ("A", "u", "2023-03-01"),
                       ("B", "v", "2024-02-01"), ("C", "w", "2024-02-02"))  # fmt: skip
    frame = compute(tables, "MON-MERGER-THRESHOLD").frames["deal"].frame
    counts = dict(frame.select("subject_key", "buyer_deals_24m").iter_rows())
    assert counts == {"0": 0, "1": 1, "2": 0, "3": 0}
    group = tables | {"firms": [{"firm_id": f, "group_id": "G"} for f in ("A", "B")]}
    frame = compute(group, "MON-MERGER-THRESHOLD").frames["deal"].frame
    counts = dict(frame.select("subject_key", "buyer_deals_24m").iter_rows())
    # Two years before February 2024 lies March 2023, not January 2022.
    assert counts == {"0": 0, "1": 1, "2": 1, "3": 0}


def test_three_small_deals_judged_as_one() -> None:
    held = positions({"A": 0.22, "B": 0.2, "C": 0.2, "D": 0.2, "t": 0.06, "u": 0.07, "v": 0.05})
    tables = purchases(("A", "t", "2025-02-01"), ("A", "u", "2025-04-01"),
                       ("A", "v", "2025-06-01"))  # fmt: skip
    found = row(compute(tables | {"market_positions": held}, "MON-SERIAL-ACQ"), "market_firm_y")
    delta = 40**2 - 22**2 - 6**2 - 7**2 - 5**2
    assert found["serial_hhi_delta"] == pytest.approx(delta)
    assert found["serial_us2023_presumption"] == 1
    # The register already shows the businesses under their buyer: the same market before.
    firms = [{"firm_id": f, "group_id": "A"} for f in ("A", "t", "u", "v")]
    later = row(
        compute(tables | {"market_positions": held, "firms": firms}, "MON-SERIAL-ACQ"),
        "market_firm_y",
    )
    assert later["serial_hhi_delta"] == pytest.approx(delta)
    one = tables | {"market_positions": held[:-1] + positions({"other": 0.05})}
    gap = row(compute(one, "MON-SERIAL-ACQ"), "market_firm_y")
    assert gap["serial_hhi_delta__reason"] == "missing_input"


def test_small_deals_of_a_small_buyer_meet_no_presumption() -> None:
    held = positions({"A": 0.04, **{f"r{k}": 0.1 for k in range(9)}, "t": 0.06})
    tables = purchases(("A", "t", "2025-02-01")) | {"market_positions": held}
    found = row(compute(tables, "MON-SERIAL-ACQ"), "market_firm_y")
    assert found["serial_hhi_delta"] == pytest.approx(2 * 4 * 6)
    assert found["serial_us2023_presumption"] == 0


@pytest.mark.parametrize(
    ("stake", "weight", "partial"),
    [(None, 1, False), (100.0, 1, False), (50.1, 1, False), (50.0, 0.5, True), (20.0, 0.2, True)],
)
def test_a_stake_without_control_counts_by_its_size(
    stake: float | None, weight: float, partial: bool
) -> None:
    tables = overlap([40, 25, 15, 10, 10], [2, 3])
    tables["merger_notifications"][0]["control_pct"] = stake
    done = compute(tables, "MON-HHI-MERGER")
    assert read(done, "deal_market", "hhi_delta") == pytest.approx(300 * weight)
    assert read(done, "deal_market", "hhi_post") == pytest.approx(2650 + 300 * weight)
    assert read(done, "deal_market", "partial") is partial
    assert read(done, "deal_market", "combined_share") == pytest.approx(25)


@pytest.mark.parametrize(
    ("capital", "sales", "expected"),
    [
        ((54_402_001.0, 9e9), (5_440_201.0, 9e9), (1, None)),
        ((54_402_000.0, 9e9), (5_440_201.0, 9e9), (0, None)),
        ((54_402_001.0, 9e9), (5_440_200.0, 9e9), (0, None)),
        ((None, 9e9), (5_440_201.0, 9e9), (None, "missing_input")),
        ((None, 9e9), (5_440_200.0, 9e9), (0, None)),
    ],
)
def test_interlocks_against_the_american_limits(
    capital: tuple[Any, float], sales: tuple[float, float], expected: Any
) -> None:
    tables: Tables = {
        "officers": [{"firm_id": f, "person_hash": "p"} for f in ("a", "b")],
        "market_positions": [
            {"market_id": "M", "firm_id": f, "period": year, "metric": "turnover", "value": v,
             "currency": "USD"}
            for f, v in zip(("a", "b"), sales, strict=True) for year in ("2025", "2026")
        ],
        "firm_years": [
            {"firm_id": f, "year": year, "capital": v, "currency": "USD"}
            for f, v in zip(("a", "b"), capital, strict=True) for year in (2025, 2026)
        ],
    }  # fmt: skip
    frame = compute(tables, "MON-INTERLOCK").frames["pair_y"].frame
    before, now = frame.sort("period_start").to_dicts()
    name = "interlock_above_limits"
    assert (now[name], now[f"{name}__reason"]) == expected
    assert now["interlock_sales"] == min(sales)
    assert before[f"{name}__reason"] == "not_applicable"
    assert compute(tables | {"firm_years": []}, "MON-INTERLOCK").skipped == {
        "common_owner_overlap": "table ownership is absent",
        "mhhi_delta": "table ownership is absent",
    }
