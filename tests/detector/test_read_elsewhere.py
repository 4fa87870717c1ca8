"""A run of one typology knows what its rules read of others."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from detector.publishing import current
from detector.results import Results
from detector.run import run_detection
from tests.detector.homes import file, opened

RULE = "mon-killer-acq-price-overlap"
DEALS = 30


def deals() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Small Chinese purchases; the last is dear and of a firm much like its buyer."""
    notices: list[dict[str, object]] = []
    parties: list[dict[str, object]] = []
    for k in range(DEALS):
        dear = k == DEALS - 1
        notices.append(
            {
                "deal_id": f"D{k:02}", "signed_on": "2025-03-01", "implemented_on": "2025-03-10",
                "jurisdiction": "CN", "currency": "CNY", "target_id": f"t{k}",
                "deal_value": 9e8 if dear else 6e7 + k * 1e5,
                "overlap_similarity": 0.9 if dear else 0.2,
            }
        )  # fmt: skip
        parties += [
            {
                "deal_id": f"D{k:02}", "party_id": f"{side}{k}", "turnover_world": 3e7,
                "turnover_domestic": 3e7, "currency": "CNY", "fy": 2024,
            }
            for side in "bt"
        ]  # fmt: skip
    return notices, parties


@pytest.mark.parametrize("asked", [None, ["MON-KILLER-ACQ"]])
def test_a_run_of_one_typology_computes_what_its_rules_read_of_another(
    tmp_path: Path, asked: list[str] | None
) -> None:
    """Whether a deal had to be notified is a feature of another typology."""
    system = opened(tmp_path / "home")
    for table, rows in zip(("merger_notifications", "deal_parties"), deals(), strict=True):
        file(system, tmp_path / "filings", table, rows)
    run_detection(system, typologies=asked)
    results, run = Results(system.home), current(system)
    assert run is not None
    outcomes = results.read(results.manifest(run), "outcomes")
    assert outcomes is not None
    mine = outcomes.filter(pl.col("rule_id") == RULE).collect()
    fired = mine.filter(pl.col("outcome") == "fired")["subject_key"].to_list()
    assert (mine.height, fired) == (DEALS, [f"D{DEALS - 1}"])
