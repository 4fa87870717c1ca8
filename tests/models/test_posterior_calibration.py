"""Calibration on markets and schemes not seen: the small version of `benchmarks calibration`."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks.detection.calibration import SCHEMES, figures, markets, sized, unseen

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def held_out() -> pl.DataFrame:
    frame = markets((201, 202), sized(0.5))
    assert set(frame["scheme"]) == set(SCHEMES)
    return unseen(frame, 0)


def test_every_subject_of_the_held_out_market_is_judged_once_by_others(
    held_out: pl.DataFrame,
) -> None:
    assert held_out["seed"].unique().to_list() == [202]
    assert held_out.select("typology", "grain", "subject_key").is_duplicated().sum() == 0
    assert set(held_out["scheme"]) == set(SCHEMES)


@pytest.mark.parametrize("column", ["additive", "used"])
def test_the_slope_lies_between_08_and_12(held_out: pl.DataFrame, column: str) -> None:
    found = figures(held_out, column, 60)
    assert 0.8 <= found.slope <= 1.2
    assert found.low > 0.65, "the small market leaves room; the benchmark does not"
    assert found.ece < 0.08
    assert found.brier < held_out["label"].var(ddof=0), "better than the base rate alone"


def test_chances_follow_the_evidence(held_out: pl.DataFrame) -> None:
    alerts = held_out.filter("alerted")["used"].mean()
    rest = held_out.filter(~pl.col("alerted"))["used"].mean()
    assert alerts > 3 * rest
    assert np.isfinite(held_out["used"].to_numpy()).all()
