"""Filings about themselves on the real data sets, against the counts published with them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.compute import Computed, compute_features
from features.contracts import conform
from features.vocabulary import RunContext
from tests.conftest import shared_data

pytestmark = pytest.mark.real
CONTEXT = RunContext(date(2026, 11, 23))
TEXT = {"vintage": pl.String, "unit": pl.String, "vendor_id": pl.String, "value": pl.Float64}


def table(name: str, *files: Path) -> pl.LazyFrame:
    return pl.concat([conform(name, pl.scan_csv(f, schema_overrides=TEXT)) for f in files])


def restated(folder: Path) -> tuple[pl.DataFrame, dict[str, object]]:
    filed = table("metric_filings", *sorted(folder.glob("metric_filings_*.csv")))
    done = compute_features({"metric_filings": filed}, ["DATA-RESTATEMENT"], CONTEXT)
    frame = done.frames["metric_cell"].frame
    names = {
        column: frame.select(pl.col(column).drop_nulls().str.split(" ").explode()).to_series()
        for column in ("restate_vintages", "restate_vanished_vintages")
    }
    return frame, {
        "cells": frame.height,
        "cells_restated": (frame["restate_changes"] > 0).sum(),
        "restatements": frame["restate_changes"].sum(),
        "changes_of_50_percent_or_more": frame["restate_large"].sum(),
        "pairs": frame["restate_pairs"].sum(),
        "by_vintage": dict(names["restate_vintages"].value_counts().rows()),
        "vanished_by_vintage": dict(names["restate_vanished_vintages"].value_counts().rows()),
    }


@pytest.mark.parametrize("name", ["metrics-meta", "metrics-tiktok"])
def test_every_restatement_and_no_other(name: str) -> None:
    folder = shared_data(name)
    expected = json.loads((folder / "expected.json").read_text())
    frame, found = restated(folder)
    expected["by_vintage"] = {k: n for k, n in expected["by_vintage"].items() if n}
    assert found == {k: expected[k] for k in found}
    assert frame["restate_dropped"].sum() == 0


def test_restated_cells_are_the_labelled_ones() -> None:
    folder = shared_data("metrics-meta")
    frame, _ = restated(folder)
    labels = pl.read_csv(folder / "labels.csv")
    flagged = set(frame.filter(pl.col("restate_changes") > 0)["subject_key"])
    assert flagged == set(labels.filter(pl.col("label") == 1)["subject_key"])
    assert set(frame["subject_key"]) == set(labels["subject_key"])


def test_vendor_counts() -> None:
    folder = shared_data("vendors-v139")
    expected = json.loads((folder / "expected.json").read_text())
    filed = table("vendor_declarations", folder / "vendor_declarations.csv")
    done = compute_features({"vendor_declarations": filed}, ["PRIV-VENDOR-DRIFT"], CONTEXT)
    frame = done.frames["vendor"].frame
    assert frame.height == expected["vendors"]
    assert frame["vendor_active"].sum() == expected["active"]
    assert (frame["vendor_active"] == 0).sum() == expected["deleted"]
    assert frame["vendor_cookie_overlong"].sum() == expected["active_cookie_above_395_days"]
    assert frame["vendor_cookie_days"].max() == expected["active_cookie_max_days"]
    profiling = (frame["vendor_profiling_interest"] > 0).sum()
    assert profiling == expected["active_with_legitimate_interest_for_3_to_6"]
    # One version of the list shows no drift, and an undated list breaks no dated rule.
    assert set(frame["vendor_new_purposes__reason"]) == {"too_few", "not_applicable"}
    assert frame["vendor_barred_interest"].null_count() == frame.height


def heaped(*files: Path) -> Computed:
    filed = table("breach_notifications", *files)
    return compute_features({"breach_notifications": filed}, ["DATA-HEAPING"], CONTEXT)


@pytest.mark.parametrize("name", ["archive", "open"])
def test_placeholders_and_whole_hundreds(name: str) -> None:
    folder = shared_data("breaches-hhs")
    expected = json.loads((folder / "expected.json").read_text())[name]
    done = heaped(folder / f"breach_notifications_{name}.csv")
    frame = done.frames["operator_y"].frame
    n = frame["heap_placeholders__n"].sum()
    persons = pl.read_csv(folder / f"breach_notifications_{name}.csv").unique("incident_id")
    assert n == persons["persons"].count()
    assert frame["heap_placeholders"].sum() == expected["placeholder_500_501"]
    assert frame["heap_placeholders"].sum() / n == pytest.approx(
        expected["placeholder_share"], abs=5e-5
    )
    hundreds = persons.filter(pl.col("persons") % 100 == 0).height
    assert frame["heap_rounds"].sum() == hundreds
    assert hundreds / n == pytest.approx(expected["multiple_of_100_share"], abs=5e-4)
    fives = (frame["heap_floor_digit_share"] * frame["heap_floor_digit_share__n"]).sum()
    assert fives / n == pytest.approx(expected["first_digit_5_share"], abs=5e-4)


def test_one_incident_filed_in_two_lists_counts_once() -> None:
    folder = shared_data("breaches-hhs")
    both = heaped(*sorted(folder.glob("breach_notifications_*.csv"))).frames["operator_y"].frame
    one = heaped(folder / "breach_notifications_archive.csv").frames["operator_y"].frame
    assert both.equals(one)


def test_apps_without_a_filing_are_not_apps_that_collect_nothing() -> None:
    folder = shared_data("app-labels-ios-declarations")
    expected = json.loads((folder / "expected.json").read_text())
    tables = {
        "apps": table("apps", folder / "apps.csv"),
        "data_declarations": conform(
            "data_declarations", pl.scan_parquet(folder / "data_declarations.parquet")
        ),
    }
    done = compute_features(tables, ["DATA-MISSING"], CONTEXT)
    frame = done.frames["filing"].frame
    assert frame.height == expected["apps"]
    apps = frame.with_columns(app_id=pl.col("filing").str.strip_prefix("data_declarations:"))
    listings = pl.read_csv(folder / "listings.csv").join(apps, on="app_id", how="left")
    assert listings.height == expected["listings"]
    # One app filed in one of its two genre lists: an app that filed anywhere has filed.
    split = listings.filter((pl.col("missing_filing") == 1) == pl.col("filed"))
    assert split["app_id"].n_unique() == split.height == 1
    missing = listings["missing_filing"].sum()
    assert missing + split.height == expected["listings_without_filing"]
    assert listings["missing_says_nothing"].sum() == expected["listings_not_collected"]
