"""Figures of platforms and vendor lists are taken in whole, as CSV and as Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import shared_data
from tests.ingest.homes import Home, figures

pytestmark = pytest.mark.real

CELL = ("operator_id", "service_id", "metric", "period_start", "period_end", "vintage")
LISTS = ("purposes", "legitimate_interests", "features", "special_features")


def _as(path: Path, ending: str, folder: Path) -> Path:
    """The file itself, or the same rows typed in Parquet."""
    if ending == "csv":
        return path
    frame = pl.read_csv(path, try_parse_dates=True, infer_schema_length=None)
    boxed = [pl.col(c).str.json_decode(pl.List(pl.Int64)) for c in LISTS if c in frame.columns]
    target = folder / f"{path.stem}.parquet"
    frame.with_columns(boxed).write_parquet(target)
    return target


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("name", "rows", "twice"), [("metrics-meta", 8921, 0), ("metrics-tiktok", 13_168, 16)]
)
def test_every_vintage_of_a_figure_is_kept(
    home: Home, tmp_path: Path, name: str, rows: int, twice: int, ending: str
) -> None:
    """`twice`: cells one publication gives two values for; the later one is a correction."""
    files = sorted(shared_data(name).glob("metric_filings_*.csv"))
    filed = pl.concat(pl.read_csv(path, infer_schema_length=None) for path in files)
    read, accepted, corrected, repeated, quarantined = 0, 0, 0, 0, 0
    for path in files:
        balance = home.load_files("metric_filings", [_as(path, ending, tmp_path)])
        assert (balance.unknown_columns, balance.warnings) == ((), ())
        read += balance.read
        accepted += balance.accepted
        corrected += balance.corrected
        repeated += balance.repeated
        quarantined += balance.quarantined
    assert read == filed.height == rows
    assert accepted == filed.select(CELL).unique().height == rows - twice
    assert (corrected, repeated, quarantined) == (twice, 0, 0)
    kept = home.rows("metric_filings")
    in_force = filed.unique(CELL, keep="last")
    assert kept.height == in_force.height
    assert kept["value"].null_count() == in_force["value"].null_count()
    assert kept["value"].sum() == pytest.approx(in_force["value"].sum(), rel=1e-12)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_vendor_lists_keep_their_lists(home: Home, tmp_path: Path, ending: str) -> None:
    folder = shared_data("vendors-v139")
    known = json.loads((folder / "expected.json").read_text())
    path = _as(folder / "vendor_declarations.csv", ending, tmp_path)
    balance = home.load_files("vendor_declarations", [path])
    assert figures(balance) == (known["vendors"], known["vendors"], 0, 0, 0)
    assert balance.unknown_columns == ()
    kept = home.rows("vendor_declarations")
    active = kept.filter(pl.col("deleted_on").is_null())
    assert active.height == known["active"]
    assert kept.height - active.height == known["deleted"]
    interests = active["legitimate_interests"].str.json_decode(pl.List(pl.Int64))
    forbidden = interests.list.eval(pl.element().is_between(3, 6)).list.any().sum()
    assert forbidden == known["active_with_legitimate_interest_for_3_to_6"]
    days = active["cookie_max_age_s"] / 86_400
    assert (days > 395).sum() == known["active_cookie_above_395_days"]
    assert days.max() == known["active_cookie_max_days"]
