"""Circles of bidders: an alert that names a group of firms, and no group where there is none."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from benchmarks.detection.circles import with_circles
from benchmarks.detection.null_worlds import World, draw
from benchmarks.detection.nulls import judged
from detector import excess, run
from detector.extracts import extract
from detector.raising import apart
from features.compute import compute_features
from features.contracts import conform
from features.vocabulary import RunContext
from tests.detector.homes import RING, small_market

DAY = date(2025, 1, 1)


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Alerts of a market of forty honest bidders in which a ring of five meets in 30 of 300."""
    system = small_market(tmp_path_factory.mktemp("circles") / "home", tenders=300)
    run.run_detection(system)
    kind, key = (pl.col("subject").str.json_path_match(f"$.{name}") for name in ("kind", "key"))
    return extract(system, "alerts").with_columns(kind=kind, key=key)


def test_one_alert_names_the_whole_ring_and_nobody_else(alerts: pl.DataFrame) -> None:
    groups = alerts.filter(pl.col("kind") == "group", pl.col("typology") == "MON-BID-CV")
    assert groups["key"].to_list() == ["|".join(RING)]
    assert groups["q_value"].item() <= 0.1
    assert "R1, R2 and 3 more" in json.loads(groups["title"].item())["en"]
    assert "of 30** tenders these firms bid in against each other" in groups["message"].item()


def test_no_circle_of_honest_bidders_is_named(alerts: pl.DataFrame) -> None:
    keys = alerts.filter(pl.col("kind") == "group")["key"]
    assert all(set(key.split("|")) <= set(RING) for key in keys)


def test_a_tender_is_left_to_the_circle_that_contested_it(alerts: pl.DataFrame) -> None:
    """The same typology raises no tender of the ring beside the ring."""
    calm = alerts.filter(pl.col("typology") == "MON-BID-CV", pl.col("kind") == "tender")
    assert not any(key.startswith("T0") and int(key[1:]) < 30 for key in calm["key"])


def lots(*bids: tuple[str, str, str | None]) -> dict[str, pl.LazyFrame]:
    """Tenders and bids: tender, bidder, consortium."""
    moment = pl.lit(datetime(2025, 6, 1, tzinfo=UTC)).dt.cast_time_unit("us")
    rows = pl.DataFrame(bids, schema=["tender_id", "bidder_id", "consortium_id"], orient="row")
    rows = rows.with_columns(
        bid_id=pl.int_range(pl.len()).cast(pl.String),
        amount=pl.int_range(pl.len()) * 1.0 + 100,
        currency=pl.lit("EUR"),
    )
    tenders = rows.select("tender_id").unique().with_columns(awarded_at=pl.lit(DAY))
    both = {"tenders": tenders, "bids": rows}
    return {t: conform(t, f.lazy()).with_columns(recorded_at=moment) for t, f in both.items()}


def test_a_tender_belongs_to_the_circle_that_fits_its_bidders_best() -> None:
    bids: list[tuple[str, str, str | None]]
    bids = [(f"T{i}", firm, None) for i in range(4) for firm in "ABC"]
    bids += [(f"U{i}", firm, None) for i in range(4) for firm in "CDE"]
    bids += [("ONE", "A", None), ("ONE", "X", None)]
    bids += [("TWO", "A", None), ("TWO", "C", None), ("TWO", "X", None)]
    bids += [("MORE", firm, None) for firm in "ACDE"]
    bids += [("EQUAL", firm, None) for firm in "ABDE"]
    bids += [("JOINT", "A", "J"), ("JOINT", "B", "J"), ("JOINT", "X", None)]
    found = compute_features(lots(*bids), ["MON-BID-CV"], RunContext(DAY)).memberships
    circles = dict(
        found["tender", "group_y"]
        .group_by("parent_key")
        .agg(pl.col("child_key").sort())
        .iter_rows()
    )
    assert circles == {
        "A|B|C": ["EQUAL", "T0", "T1", "T2", "T3", "TWO"],
        "C|D|E": ["EQUAL", "MORE", "U0", "U1", "U2", "U3"],
    }


def test_a_circle_takes_the_null_of_firms_with_twice_their_likeness() -> None:
    counted = pl.DataFrame({"typology": "T", "x": [4] * 40, "n": [10] * 40})
    tails, fresh = excess.with_tails(counted, "group_y", {"T|firm_y": (0.08, 0.05)})
    assert fresh == {}, "forty circles that all stand out make themselves no null"
    assert tails.select("rate", "rho").unique().row(0) == (0.08, 0.1)
    assert excess.joint_null("T", "group_y", {"T|firm_y": (0.08, 0.4)}) == (0.08, 0.5)
    assert excess.joint_null("T", "group_y", {}) == excess.NOMINAL
    assert excess.joint_null("T", "pair_y", {"T|firm_y": (0.08, 0.4)}) is None


def circles(*rows: tuple[str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"subject_key": k, "period_start": DAY, "p_value": p, "suspicion": 1 - p} for k, p in rows]
    )


def test_of_overlapping_circles_the_most_suspicious_speaks() -> None:
    found = apart(circles(("A|B|C|D", 0.01), ("A|B|C", 0.001), ("C|X|Y", 0.01), ("X|Z", 0.02)))
    assert found["subject_key"].to_list() == ["A|B|C", "C|X|Y"]


def test_of_equally_suspicious_circles_the_larger_speaks() -> None:
    found = apart(circles(("A|B", 0.01), ("A|B|C|D|E", 0.01)))
    assert found["subject_key"].to_list() == ["A|B|C|D|E"]


def test_circles_of_another_year_stand_for_themselves() -> None:
    rows = pl.concat(
        [circles(("A|B", 0.01)), circles(("A|B", 0.02)).with_columns(period_start=date(2026, 1, 1))]
    )
    assert apart(rows).height == 2


def test_without_a_ring_no_circle_is_named_however_alike_the_tenders_of_a_firm() -> None:
    world = World("alike", likeness=0.4, common=0.7)
    for seed in range(3):
        rows = judged(with_circles(draw(world, seed)))
        mine = rows.filter(pl.col("grain") == "group_y", pl.col("p_value").is_not_null())
        assert mine["subject_key"].n_unique() > 10
        assert not (mine["outcome"] == "fired").any()
        assert mine.filter(pl.col("p_value") <= 0.05).height <= 0.05 * mine.height


def test_of_all_circles_with_members_of_a_ring_only_the_ring_itself_is_named() -> None:
    sample = with_circles(draw(World("ring", ring=5), 1))
    rows = judged(sample)
    named = rows.filter(pl.col("grain") == "group_y", pl.col("outcome") == "fired")
    ring = {key for key in sample.guilty if key.startswith("F")}
    assert len(ring) == 5
    assert named["subject_key"].unique().to_list() == ["|".join(sorted(ring))]
    met = sample.links["tender", "group_y"]["parent_key"].unique()
    assert sum(len(ring & set(key.split("|"))) >= 3 for key in met) >= 3
