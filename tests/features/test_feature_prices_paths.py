"""Edge cases of the screens on price paths, and what a real cartel's price shows."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata

from features.compute import compute_features
from features.contracts import conform
from features.timeseries import best_lag_p, granger_p, matched, sup_f_p
from tests.conftest import shared_data
from tests.features.filings import CONTEXT, RECORDED, Filing, compute, prices, read, row

START = datetime(2024, 1, 1, tzinfo=UTC)


def path(seller: str, values: Any, **more: Any) -> list[Filing]:
    return [
        {"sku_id": "k", "seller_id": seller, "ts": START + timedelta(days=i), "net_price": float(p)}
        | more
        for i, p in enumerate(values)
    ]


def test_spells_are_cut_off_at_the_ends() -> None:
    done = compute({"listing_prices": prices([1, 1, 2, 2, 2, 3, 1, 1])}, "MON-PRICE-RIGIDITY")
    found = row(done, "sku_seller_q")
    assert found["price_mean_spell"] == 2
    # Ended spells are 3 and 1 long, cut ones 2 and 2: S(1) = 3/4, S(3) = 0.
    assert found["price_median_spell"] == 3
    never = compute({"listing_prices": prices([5, 5, 5])}, "MON-PRICE-RIGIDITY")
    assert read(never, "sku_seller_q", "price_zero_change_share") == 1
    assert row(never, "sku_seller_q")["price_median_spell__reason"] == "censored"


def test_rising_and_falling_costs_are_told_apart() -> None:
    costs = [50, 52, 51, 54, 53, 57, 55]
    filed, booked, price = [], [], 100.0
    for k, cost in enumerate(costs):
        step = cost - costs[k - 1] if k else 0
        price += 0.8 * step if step > 0 else 0.2 * step
        filed += [p | {"ts": datetime(2024, 1 + k, 5, tzinfo=UTC)} for p in path("s", [price])]
        booked.append({"firm_id": "s", "product_id": "k", "month": f"2024-0{1 + k}",
                       "unit_cost": float(cost)})  # fmt: skip
    done = compute({"listing_prices": filed, "costs": booked}, "MON-PRICE-RIGIDITY")
    last = done.frames["sku_seller_q"].frame.to_dicts()[-1]
    assert last["asym_pass_through"] == pytest.approx(0.6)
    assert last["price_pass_through_long__reason"] == "too_few"
    for cost_row in booked:
        cost_row["unit_cost"] = 50.0
    done = compute({"listing_prices": filed, "costs": booked}, "MON-PRICE-RIGIDITY")
    last = done.frames["sku_seller_q"].frame.to_dicts()[-1]
    assert (last["price_pass_through"], last["price_pass_through__reason"]) == (None, "constant")


def walk(seed: int) -> np.ndarray[Any, Any]:
    draw = np.random.default_rng(seed)
    return 100 + np.cumsum(draw.choice([-1, 0, 0, 1], 91))


def test_a_follower_is_found_and_strangers_are_not() -> None:
    leader = walk(1)
    follower = np.r_[leader[:1].repeat(3), leader[:-3]]
    filed = path("b", leader) + path("a", follower) + path("c", walk(7))
    frame = compute({"listing_prices": filed}, "MON-PRICE-LEADLAG").frames["pair_q"].frame
    rows = {r["subject_key"]: r for r in frame.to_dicts()}
    pair = rows["a|b"]
    # The pair is sorted: the first, a, follows three days later.
    assert (pair["leadlag_best_lag"], pair["leadlag_best_corr"]) == (-3, pytest.approx(1))
    assert pair["leadlag_p"] == pytest.approx(1 / 200)
    assert pair["granger_p"] < 0.001
    assert pair["leader_share"] > 0.9
    assert rows["a|c"]["leadlag_p"] > 0.05
    assert rows["b|c"]["granger_p"] > 0.05


def test_firms_of_one_group_and_prices_that_never_move_are_no_pair() -> None:
    filed = path("a", walk(1)) + path("b", walk(2)) + path("c", [9] * 91)
    firms = [{"firm_id": f, "group_id": "G"} for f in ("a", "b")]
    done = compute({"listing_prices": filed}, "MON-PRICE-PARALLEL")
    assert done.frames["pair_q"].frame["subject_key"].to_list() == ["a|b"]
    done = compute({"listing_prices": filed, "firms": firms}, "MON-PRICE-PARALLEL")
    assert done.frames["pair_q"].frame.height == 0


def test_common_cost_days_do_not_count_as_being_in_step() -> None:
    days = (5, 17, 30, 44, 59, 71, 80)
    stairs = [100 + sum(d <= k for d in days) for k in range(91)]
    alone = row(compute({"listing_prices": path("a", stairs) + path("b", stairs)},
                        "MON-PRICE-PARALLEL"), "pair_q")  # fmt: skip
    assert alone["price_sync_jaccard"] == 1
    assert alone["sync_excess_z"] > 3
    assert (alone["price_gap_constancy"], alone["price_gap_constancy_rel"]) == (0, 0)
    crowd = [p for s in "abcde" for p in path(s, stairs)]
    found = row(compute({"listing_prices": crowd}, "MON-PRICE-PARALLEL"), "pair_q", "a|b")
    assert found["price_sync_jaccard"] == 1
    assert found["sync_excess_z__reason"] == "too_few"


def test_matching_is_one_to_one() -> None:
    assert matched([1, 2], [2], 1) == 1
    assert matched([1, 3], [2, 4], 1) == 2


def test_null_distributions_are_about_right() -> None:
    draw = np.random.default_rng(3)
    pairs = [(draw.normal(size=90), draw.normal(size=90)) for _ in range(150)]
    assert np.mean([granger_p(a, b) < 0.05 for a, b in pairs]) < 0.12
    assert np.mean([best_lag_p(a, b) < 0.05 for a, b in pairs]) < 0.12
    # Andrews gives about 8.85 as the 5 % point for long series.
    assert 0.03 < sup_f_p(8.85, 400) < 0.07


def test_a_break_that_costs_explain_is_explained() -> None:
    noise = np.random.default_rng(5).normal(0, 0.2, 90)
    level = np.r_[np.full(45, 10.0), np.full(45, 14.0)]
    filed = path("s", level + noise)
    # The shift falls on the 45th day, the middle of February.
    cost = {"2024-01": 5.0, "2024-02": 7.0, "2024-03": 9.0}
    booked = [{"firm_id": "s", "product_id": "k", "month": m, "unit_cost": c}
              for m, c in cost.items()]  # fmt: skip
    found = row(compute({"listing_prices": filed, "costs": booked}, "MON-PRICE-BREAK"), "sku_q")
    assert (found["brk_index"], found["break_on"]) == (45, date(2024, 2, 15))
    assert found["brk_size_pct"] == pytest.approx(40, abs=2)
    assert (found["brk_p"], found["brk_count"]) == (pytest.approx(1 / 4001), 1)
    exact = path("s", 2 * np.array([cost[f"2024-{(START + timedelta(days=i)).month:02}"]
                                   for i in range(90)]) + noise)  # fmt: skip
    done = compute({"listing_prices": exact, "costs": booked}, "MON-PRICE-BREAK")
    assert read(done, "sku_q", "brk_p") < 0.01 < 0.05 < read(done, "sku_q", "brk_unexplained")


def test_constant_and_step_prices_have_reasons() -> None:
    flat = row(compute({"listing_prices": prices([3] * 30)}, "MON-PRICE-BREAK"), "sku_q")
    assert flat["brk_supF__reason"] == "constant"
    step = row(compute({"listing_prices": prices([3] * 10 + [4] * 10)}, "MON-PRICE-BREAK"), "sku_q")
    assert (step["brk_supF__reason"], step["brk_index"]) == ("zero_denominator", 10)
    assert step["brk_unexplained__reason"] == "missing_input"


def _auc(score: pl.Series, label: pl.Series) -> float:
    ranks, ones = rankdata(score.to_numpy()), label.to_numpy() == 1
    n1, n0 = int(ones.sum()), int((~ones).sum())
    return float((ranks[ones].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def test_a_real_cartel_is_high_and_calm_against_its_half_year() -> None:
    folder = shared_data("prices-jec")
    listed = pl.read_csv(folder / "listing_prices.csv", try_parse_dates=True)
    filed = conform("listing_prices", listed.with_columns(recorded_at=pl.lit(RECORDED)))
    done = compute_features({"listing_prices": filed}, ["MON-PRICE-VARIANCE"], CONTEXT)
    weeks = done.frames["sku_w"].frame
    labels = pl.read_csv(folder / "labels.csv", try_parse_dates=True).select(
        pl.col("period_start").dt.truncate("1w"), "label"
    )
    both = weeks.join(labels, on="period_start")
    assert (weeks.height, both.height, both["label"].sum()) == (328, 328, 203)
    price = listed.sort("ts")["net_price"]
    level = price / price.rolling_max(26, min_samples=1)
    assert weeks["price_level_26w"][1:].to_list() == pytest.approx(level[1:].to_list())
    record = price / price.cum_max()
    assert weeks["price_level_record"][1:].to_list() == pytest.approx(record[1:].to_list())
    assert weeks["price_level_record__reason"][0] == "too_few"
    sd = price.rolling_std(26, min_samples=2)
    assert weeks["price_sd_26w"][1:].to_list() == pytest.approx(sd[1:].to_list(), abs=1e-7)
    full = both.filter(pl.col("price_level_26w__n") >= 26)
    assert _auc(full["price_level_26w"], full["label"]) >= 0.80
    assert _auc(-full["price_cv_26w"], full["label"]) >= 0.75
    assert json.dumps(done.skipped) == "{}"
