"""A run after new filings gives what a run over the whole history gives, from far fewer cells."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from benchmarks.incremental import FILED, NEXT, file_all, month_25
from detector import increments, judging, planning, publishing, run
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.world import simulate
from detector.extracts import extract
from detector.results import Results
from detector.system import System, open_system
from features.reach import Months

KINDS = ("scores", "outcomes", "alerts")
GRAINS = ("tender", "pair_y", "sku_w", "sku_seller_q", "market_q", "market_y", "market_firm_y",
          "app_v", "app_data_type", "incident", "cluster_m", "deal_market")  # fmt: skip


@pytest.fixture(scope="session")
def market() -> Mapping[str, pl.DataFrame]:
    """Two years of a small simulated market."""
    return simulate(20260101, Size.small(), Labels())


@pytest.fixture(scope="session")
def two_years(market: Mapping[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with them, judged; to be copied."""
    folder = tmp_path_factory.mktemp("two-years")
    system = open_system(folder / "home", create=True, clock=lambda: FILED)
    file_all(system, folder / "filings", market)
    run.run_detection(system)
    return folder / "home"


def copied(home: Path, to: Path) -> System:
    """A month later, in a copy."""
    shutil.copytree(home, to)
    return open_system(to, clock=lambda: NEXT)


def published(system: System) -> dict[str, pl.DataFrame]:
    """Everything a run gives, without the names of runs and the moments of alerts."""
    found = {kind: extract(system, kind) for kind in KINDS}
    found |= {grain: extract(system, f"features:{grain}") for grain in GRAINS}
    apart = ("run_id", "created_at", "updated_at", "id", "first_seen", "last_seen")
    return {name: frame.drop(apart, strict=False) for name, frame in found.items()}


def same_as_anew(
    home: Path, tmp_path: Path, filings: Mapping[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> dict[str, pl.DataFrame]:
    """Files and judges in two copies, one from the whole history; gives what both publish."""
    one, other = copied(home, tmp_path / "one"), copied(home, tmp_path / "other")
    for system, name in ((one, "one"), (other, "other")):
        file_all(system, tmp_path / f"filings-{name}", filings)
    run.run_detection(one)
    with monkeypatch.context() as patched:
        patched.setattr(increments, "moved_since", lambda *_: None)
        run.run_detection(other)
    mine, anew = published(one), published(other)
    for name, frame in mine.items():
        assert frame.equals(anew[name]), name
    return mine


def computed_months(system: System) -> dict[str, Months | None]:
    """By grain, the months the next run would compute."""
    results = Results(system.home)
    plan = planning.make_plan(system, results, publishing.current(system))
    computed, _ = judging.compute_and_assemble(system, plan)
    assert computed.scope is not None
    return dict(computed.scope)


def test_a_new_month_is_judged_as_from_the_whole_history(
    market: Mapping[str, pl.DataFrame],
    two_years: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    after = same_as_anew(two_years, tmp_path, month_25(market), monkeypatch)
    november = pl.col("period_start") == date(2026, 11, 1)
    assert after["tender"].filter(november).height > 0


def test_corrections_are_judged_as_from_the_whole_history(
    market: Mapping[str, pl.DataFrame],
    two_years: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tenders, firms = market["tenders"], market["firms"]
    march = pl.col("awarded_at").cast(pl.Date).dt.truncate("1mo") == date(2025, 3, 1)
    old = tenders.filter(march)
    moved = old.head(2).with_columns(pl.col("awarded_at").dt.offset_by("2mo"))
    bids = market["bids"].join(old.tail(1), on="tender_id", how="semi")
    bidders = market["bids"]["bidder_id"].unique().sort()
    joined = firms.filter(pl.col("firm_id").is_in(bidders.head(2).implode()))
    positions = market["market_positions"].head(3)
    prices = market["listing_prices"].sort("ts", "sku_id").slice(500, 5)
    corrected = {
        "tenders": moved,
        "bids": bids.with_columns(amount=pl.col("amount") * 2),
        "firms": joined.with_columns(group_id=pl.lit("G-new")),
        "listing_prices": prices.with_columns(net_price=pl.col("net_price") + 1),
        "market_positions": positions.with_columns(value=pl.col("value") * 1.5),
        "transactions": market["transactions"].head(20).with_columns(net=pl.col("net") / 2),
    }  # fmt: skip
    same_as_anew(two_years, tmp_path, corrected, monkeypatch)


def test_only_what_a_filing_can_move_is_computed(
    market: Mapping[str, pl.DataFrame], two_years: Path, tmp_path: Path
) -> None:
    system = copied(two_years, tmp_path / "home")
    system = open_system(system.home, clock=lambda: FILED)
    assert computed_months(system) == {}
    late = market["tenders"].filter(pl.col("awarded_at").cast(pl.Date) > date(2026, 10, 1)).head(1)
    later = open_system(system.home, clock=lambda: NEXT)
    file_all(later, tmp_path / "late", {"tenders": late.with_columns(region=pl.lit("elsewhere"))})
    scope = computed_months(system)
    october, year = 2026 * 12 + 9, frozenset(range(2026 * 12, 2027 * 12))
    yearly = {"pair_y", "firm_y", "category_y"}
    # A buyer is compared with all its past, and a deal is judged by the day of the judgement.
    whole = {"buyer_y", "deal"}
    assert {"tender", "pair_y"} <= set(scope) <= {"tender", "pair_tender", *yearly, *whole}
    assert min(scope["tender"] or ()) == october
    assert scope.get("pair_tender", {october}) == {october}
    assert all(scope[grain] == year for grain in set(scope) & yearly)


def test_a_change_of_the_code_of_features_computes_everything(
    two_years: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = copied(two_years, tmp_path / "home")
    plan = planning.make_plan(system, Results(system.home), publishing.current(system))
    assert increments.moved_since(system, plan) is not None
    monkeypatch.setattr(increments, "features_code", lambda: "another")
    assert increments.moved_since(system, plan) is None


def test_what_a_run_over_some_periods_left_unjudged_is_judged_by_the_next(
    market: Mapping[str, pl.DataFrame],
    two_years: Path,
    tmp_path: Path,
) -> None:
    one, other = copied(two_years, tmp_path / "one"), copied(two_years, tmp_path / "other")
    for system, name in ((one, "one"), (other, "other")):
        file_all(system, tmp_path / name / "filings", month_25(market))
    run.run_detection(one, start=date(2025, 1, 1), end=date(2025, 2, 28))
    run.run_detection(one, typologies=["MON-BID-CV"])
    run.run_detection(one)
    run.run_detection(other)
    mine, anew = published(one), published(other)
    # Which rules fire for too many depends on what is judged together, so alerts may differ.
    for name in ("scores", *GRAINS):
        assert mine[name].equals(anew[name]), name
