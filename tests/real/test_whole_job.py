"""Real filings through the whole job: ingest, detect, export, evaluate against known cases."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from detector.appraisal import evaluate_published
from detector.extracts import extract
from detector.ingest.load import load_files
from detector.run import run_detection
from detector.system import System
from tests.conftest import shared_data
from tests.detector.homes import NOW, opened

pytestmark = pytest.mark.real


def judged(tmp_path: Path, name: str, *tables: str) -> System:
    """An installation that has taken in and judged one real data set."""
    data = shared_data(name)
    system = opened(tmp_path / "home")
    for table in tables:
        balance = load_files(
            home=system.home,
            engine=system.engine,
            table=table,
            files=[data / f"{table}.csv"],
            mapping=None,
            recorded_at=NOW,
            progress=None,
        )
        assert balance.read == balance.accepted
    run_detection(system)
    return system


def quality(system: System, name: str, k: int = 50) -> dict[tuple[str, str, str], float]:
    """ROC AUC by (typology, subject kind, ranking)."""
    rows = evaluate_published(system, shared_data(name) / "labels.csv", k)
    return {(r["typology"], r["subject_kind"], r["ranking"]): r["roc_auc"] for r in rows}


@pytest.mark.parametrize(("name", "floor"), [("bids-japan", 0.74), ("bids-ticino", 0.80)])
def test_rigged_tenders_rank_high_beside_the_baselines(
    tmp_path: Path, name: str, floor: float
) -> None:
    found = quality(judged(tmp_path, name, "tenders", "bids"), name)
    ours = found["MON-BID-*", "tender", "model"]
    assert ours >= floor
    assert ours > found["MON-BID-*", "tender", "number of bids"]
    assert ours > found["MON-BID-*", "tender", "challenger bid-family-forest"]


def test_undeclared_types_are_exactly_the_labelled_ones(tmp_path: Path) -> None:
    name = "app-labels-android-2022"
    tables = ("data_type_map", "apps", "data_declarations", "observed_flows")
    system = judged(tmp_path, name, *tables)
    scores = extract(system, "scores").filter(pl.col("outcome") == "fired")
    with (shared_data(name) / "labels.csv").open() as handle:
        labels = [row for row in csv.DictReader(handle) if row["label"] == "1"]
    for kind, count in (("app_data_type", 184), ("app", 123)):
        found = set(scores.filter(pl.col("subject_kind") == kind)["subject_key"])
        expected = {row["subject_key"] for row in labels if row["subject_kind"] == kind}
        assert len(expected) == count
        assert found == expected
    assert quality(system, name)["PRIV-UNDECLARED-COLLECTION", "app", "model"] >= 0.89


def test_late_notices_are_those_an_independent_count_finds(tmp_path: Path) -> None:
    name = "breaches-wa"
    system = judged(tmp_path, name, "breach_notifications")
    late, unknown = set(), set()
    with (shared_data(name) / "breach_notifications.csv").open() as handle:
        for row in csv.DictReader(handle):
            if not row["aware_at"] or not row["notified_at"]:
                unknown.add(row["incident_id"])
                continue
            aware, notified = (date.fromisoformat(row[c][:10]) for c in ("aware_at", "notified_at"))
            limit = 45 if aware < date(2020, 3, 1) else 30
            if (notified - aware).days > limit:
                late.add(row["incident_id"])
    scores = extract(system, "scores")
    by_outcome = {
        outcome: set(scores.filter(pl.col("outcome") == outcome)["subject_key"])
        for outcome in ("fired", "not_evaluable")
    }
    assert by_outcome == {"fired": late, "not_evaluable": unknown}
    assert (len(late), len(unknown)) == (363, 23)
    assert extract(system, "alerts").height == len(late)


def test_every_concentration_index_equals_the_golden_table(tmp_path: Path) -> None:
    name = "shares-nevo"
    features = extract(judged(tmp_path, name, "market_positions"), "features:market_y")
    with (shared_data(name) / "expected_hhi.csv").open() as handle:
        expected = {
            (r["market_id"], int(r["period"][-1]) * 3 - 2): float(r["hhi"])
            for r in csv.DictReader(handle)
        }
    found = {
        (market, start.month): hhi
        for market, start, hhi in features.select("subject_key", "period_start", "hhi").rows()
    }
    assert found.keys() == expected.keys()
    assert all(found[cell] == pytest.approx(expected[cell], rel=1e-6) for cell in expected)
