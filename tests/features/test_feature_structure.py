"""Concentration, dominance and mergers: golden numbers and the edges of the law."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.features.filings import Filing, compute, deal, positions, read, row


def market(shares: dict[str, float], **more: object) -> dict[str, list[Filing]]:
    return {"market_positions": [p | more for p in positions(shares)]}


def test_hhi_cr4_and_effective_number() -> None:
    done = compute(market({"a": 0.4, "b": 0.25, "c": 0.15, "d": 0.1, "e": 0.1}))
    assert read(done, "market_y", "hhi") == 2650
    assert read(done, "market_y", "cr4") == 90
    assert read(done, "market_y", "hhi_effective_n") == pytest.approx(3.77358490566)
    assert row(done, "market_y")["period_end"] == date(2024, 12, 31)
    assert row(done, "market_y")["hhi__n"] == 5


def test_an_incomplete_market_has_bounds_and_no_point() -> None:
    done = compute(market({"a": 0.4, "b": 0.25, "c": 0.15}))
    found = row(done, "market_y")
    assert (found["hhi"], found["hhi__reason"]) == (None, "missing_input")
    assert (found["hhi_low"], found["hhi_high"]) == (2450, 2700)


@pytest.mark.parametrize(("total", "defined"), [(0.949, False), (0.95, True), (1.02, True)])
def test_the_point_needs_95_per_cent(total: float, defined: bool) -> None:
    done = compute(market({"a": total - 0.5, "b": 0.5}))
    assert (read(done, "market_y", "hhi") is not None) == defined
    assert read(done, "market_y", "hhi_low") is not None


def test_shares_above_the_market_are_an_error_in_the_filing() -> None:
    done = compute(market({"a": 0.6, "b": 0.43}))
    found = row(done, "market_y")
    assert all(found[f"{f}__reason"] == "missing_input" for f in ("hhi", "hhi_low", "cr4"))
    frame = done.frames["market_firm_y"].frame
    assert frame["dominance_presumed"].to_list() == [None, None]


def test_shares_of_one_group_are_summed_first() -> None:
    firms: list[Filing] = [{"firm_id": f, "group_id": "G"} for f in ("b", "c")]
    tables = market({"a": 0.5, "b": 0.25, "c": 0.25}) | {"firms": firms}
    done = compute(tables)
    assert read(done, "market_y", "hhi") == 5000
    keys = done.frames["market_firm_y"].frame["subject_key"].to_list()
    assert keys == ["M/G", "M/a"]


def test_a_missing_share_is_computed_from_values_or_not_at_all() -> None:
    filed: list[Filing] = [
        {"market_id": "M", "firm_id": f, "period": "2024", "metric": "units", "value": v}
        for f, v in (("a", 3.0), ("b", 1.0))
    ]
    assert read(compute({"market_positions": filed}), "market_y", "hhi") == 6250
    filed.append(filed[0] | {"firm_id": "c", "value": None, "share": 0.2})
    found = row(compute({"market_positions": filed}), "market_y")
    assert found["hhi_low__reason"] == "missing_input"


def test_the_first_metric_counts_and_is_named() -> None:
    users = [p | {"metric": "active_users"} for p in positions({"a": 0.9, "b": 0.1})]
    visits = [p | {"metric": "visits"} for p in positions({"a": 0.5, "b": 0.5})]
    found = row(compute({"market_positions": visits + users}), "market_y")
    assert (found["metric"], found["hhi"]) == ("active_users", 8200)


def test_stability_compares_adjacent_periods_with_entry_and_exit() -> None:
    first = positions({"a": 0.5, "b": 0.3, "c": 0.2}, "2024-Q1")
    second = positions({"a": 0.6, "b": 0.3, "d": 0.1}, "2024-Q2")
    later = positions({"a": 1.0}, "2024-Q4")
    done = compute({"market_positions": first + second + later}, "MON-STR-HHI")
    frame = done.frames["market_y"].frame
    assert frame["share_stability"].to_list() == [None, pytest.approx(0.8), None]
    assert frame["period_end"].to_list()[1] == date(2024, 6, 30)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        (
            {"A": 0.45, "B": 0.24, "C": 0.08, "D": 0.23},
            {"A": "joint2", "B": "joint2", "D": "joint3"},
        ),
        ({"A": 0.62, "B": 0.09, "C": 0.08, "D": 0.21}, {"A": "single", "D": "joint2"}),
        ({"A": 0.5, "B": 0.05}, {"A": "single"}),
        ({"A": 0.499999999, "B": 0.1}, {}),
        ({"A": 1 / 3, "B": 1 / 3, "C": 0.05}, {"A": "joint2", "B": "joint2"}),
        ({"A": 0.4, "B": 0.2666, "C": 0.05}, {}),
        ({"A": 0.45, "B": 0.2, "C": 0.1}, {"A": "joint3", "B": "joint3", "C": "joint3"}),
        ({"A": 0.45, "B": 0.21, "C": 0.09}, {"A": "joint3", "B": "joint3"}),
    ],
)  # fmt: skip
def test_presumption_of_article_24(shares: dict[str, float], expected: dict[str, str]) -> None:
    frame = compute(market(shares)).frames["market_firm_y"].frame
    found = frame.filter(pl.col("dominance_presumed") == 1)
    assert dict(found.select("firm_id", "dominance_basis").iter_rows()) == expected


def test_presumption_from_values_is_exact() -> None:
    filed: list[Filing] = [
        {"market_id": "M", "firm_id": f, "period": "2024", "metric": "units", "value": v}
        for f, v in (("a", 1e9 + 1), ("b", 1e9 - 1), ("c", 5e8), ("d", 5e8))
    ]
    frame = compute({"market_positions": filed}).frames["market_firm_y"].frame
    # 2e9 of 3e9 is exactly two thirds.
    assert dict(frame.select("firm_id", "dominance_basis").iter_rows()) == {
        "a": "joint2", "b": "joint2", "c": "joint3", "d": "joint3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shares", "merging", "expected"),
    [
        ([40, 25, 15, 10, 10], [2, 3], (300, 2950, 25, 1, 1)),
        ([28, 3, 20, 20, 15, 14], [0, 1], (168, 2182, 31, 1, 1)),
        ([12.5, 4, 40, 43.5], [0, 1], (100, 3764.5, 16.5, 0, 0)),
        ([20, 10, 5, 65], [0, 1, 2], (700, 5450, 35, 1, 1)),
    ],
)
def test_effect_of_a_deal(
    shares: list[float], merging: list[int], expected: tuple[float, ...]
) -> None:
    found = row(compute(deal(shares, merging)), "deal_market")
    names = ("hhi_delta", "hhi_post", "combined_share", "us2023_presumption", "eu_hhi_flag")
    assert tuple(found[n] for n in names) == pytest.approx(expected)


def test_deal_uses_the_last_full_period_before_signing_and_rolls_up() -> None:
    tables = deal([50, 50], [0, 1])
    tables["market_positions"] += positions({"f0": 0.9, "f1": 0.1}, "2025")
    tables["market_positions"] += positions({"f0": 0.8, "f1": 0.2}, "2023")
    done = compute(tables, "MON-HHI-MERGER")
    assert row(done, "deal_market")["position_start"] == date(2024, 1, 1)
    up = done.memberships["deal_market", "deal"].row(0)
    assert up == ("D/M", date(2025, 3, 1), "D", date(2025, 3, 1), date(2025, 3, 31))


def test_deal_in_an_unknown_market_or_inside_a_group() -> None:
    unknown = deal([50, 50], [0, 1])
    unknown["merger_notifications"][0]["overlap_market_ids"] = '["X", "M"]'
    done = compute(unknown, "MON-HHI-MERGER")
    assert row(done, "deal_market", "D/X")["hhi_delta__reason"] == "missing_input"
    assert read(done, "deal_market", "hhi_delta", "D/M") == 5000
    inside = deal([50, 50], [0, 1]) | {
        "firms": [{"firm_id": f, "group_id": "G"} for f in ("f0", "f1")]
    }
    assert row(compute(inside), "deal_market")["hhi_delta__reason"] == "not_applicable"
