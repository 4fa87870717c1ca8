"""Feature values on the real data sets, against tables made independently."""

from __future__ import annotations

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


def computed(folder: Path, names: tuple[str, ...], *typologies: str) -> Computed:
    """Features of one data set, through contracts as the lake would give it."""
    tables = {n: conform(n, pl.scan_csv(folder / f"{n}.csv")) for n in names}
    return compute_features(tables, typologies, CONTEXT)


def test_every_hhi_of_the_cereal_markets() -> None:
    folder = shared_data("shares-nevo")
    frame = computed(folder, ("market_positions",), "MON-STR-HHI").frames["market_y"].frame
    quarter = pl.format(
        "{}-Q{}", pl.col("period_start").dt.year(), pl.col("period_start").dt.quarter()
    )
    expected = pl.read_csv(folder / "expected_hhi.csv").rename({"hhi": "want", "cr4": "want_cr4"})
    both = frame.with_columns(period=quarter).join(
        expected, left_on=["subject_key", "period"], right_on=["market_id", "period"]
    )
    assert both.height == expected.height == 94
    assert ((both["hhi"] - both["want"]).abs() <= 1e-6 * both["want"]).all()
    assert ((both["cr4"] - both["want_cr4"]).abs() < 1e-5).all()


def test_undeclared_types_are_the_labels_without_error() -> None:
    folder = shared_data("app-labels-android-2022")
    names = ("apps", "data_declarations", "observed_flows", "data_type_map")
    done = computed(folder, names, "PRIV-UNDECLARED-COLLECTION")
    labels = pl.read_csv(folder / "labels.csv")
    frame = done.frames["app_data_type"].frame
    flagged = set(frame.filter(pl.col("uc_undeclared") == 1)["subject_key"])
    wanted = labels.filter(pl.col("label") == 1, subject_kind="app_data_type")
    assert flagged == set(wanted["subject_key"])
    assert len(flagged) == 184
    apps = done.frames["app_v"].frame
    positive = set(apps.filter(pl.col("uc_undeclared_types") > 0)["subject_key"])
    assert positive == set(labels.filter(pl.col("label") == 1, subject_kind="app")["subject_key"])
    assert (apps.height, apps["uc_undeclared_types"].null_count()) == (442, 32)
    assert done.notes["unmapped_types"].height == 15


def test_late_breach_notices_are_those_counted_by_hand() -> None:
    folder = shared_data("breaches-wa")
    done = computed(folder, ("breach_notifications",), "PRIV-BREACH-LATE")
    frame = done.frames["incident"].frame
    late = set(frame.filter(pl.col("breach_overdue_h") > 0)["subject_key"])
    expected = set()
    unknown = 0
    filed = pl.read_csv(folder / "breach_notifications.csv")
    for key, aware, told in filed.select("incident_id", "aware_at", "notified_at").iter_rows():
        if aware is None:
            unknown += 1
            continue
        limit = 45 if aware < "2020-03-01" else 30
        if (date.fromisoformat(told) - date.fromisoformat(aware)).days > limit:
            expected.add(key)
    assert late == expected
    assert (len(late), frame.height - unknown, unknown) == (363, 636, 23)
    reasons = frame["breach_overdue_h__reason"].drop_nulls().to_list()
    assert reasons == ["missing_input"] * 23


def test_repeated_consortium_bids_count_once() -> None:
    done = computed(shared_data("bids-ticino"), ("tenders", "bids"), "MON-BID-CV")
    frame = done.frames["tender"].frame
    assert frame.height == 224
    assert frame["n_bids"].sum() == 1307
    assert frame["bid_tie_share"].drop_nulls().max() == 0


def test_bid_screens_of_a_thousand_tenders_are_complete() -> None:
    folder = shared_data("bids-japan")
    done = computed(folder, ("tenders", "bids"), "MON-BID-CV")
    frame = done.frames["tender"].frame
    assert frame.height == 1080
    for feature in ("bid_cv", "bid_spread", "bid_ks_uniform"):
        assert frame[feature].null_count() == 0
    parents = ("firm_y", "group_y", "pair_y")
    assert set(done.memberships) == {("tender", parent) for parent in parents}
