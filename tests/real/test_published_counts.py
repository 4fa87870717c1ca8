"""Every number of every `expected.json`, computed from what the command line prints and exports.

Each test rebuilds its whole `expected.json` and compares once, so that a number added there fails
here until it is reproduced. Not reproducible, because nothing that was filed holds it:

- consent-traffic: `tested_apps` (apps without traffic were not published), `developers` and
  `developers_with_any` (no column names a developer), `published_total` (the publication's own
  figure: it is compared with ours).
- breaches-wa: `aware_before_start` and `end_before_start` are about the days an incident began and
  ended; they are in a file of details that is no canonical table, and no notice states them.

Sets without an `expected.json` and without a canonical table: `dark-patterns` (wording found on
pages, no clean pages), `rankings-amazon` (pairs of unknown ranks: a ranking sample has a rank), and
`cn-necessary-info` (a parameter of the product, compared in `test_features_privacy`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import rankdata

from tests.conftest import shared_data
from tests.real.commands import Desk

pytestmark = pytest.mark.real
Expected = dict[str, Any]


def published(name: str) -> tuple[Path, Expected]:
    folder = shared_data(name)
    return folder, json.loads((folder / "expected.json").read_text())


def number(value: Any) -> float:
    """A statistic of a column that is not empty."""
    return float(value)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def distinct(desk: Desk, table: str) -> dict[str, int]:
    """Distinct values by column, as `warden tables summary TABLE` prints them."""
    columns = desk.warden("tables", "summary", table)["columns"]
    return {column["column"]: column["distinct"] for column in columns}


@pytest.mark.parametrize("name", ["metrics-meta", "metrics-tiktok"])
def test_restated_and_vanished_cells_by_publication(desk: Desk, name: str) -> None:
    folder, expected = published(name)
    balance = desk.ingest("metric_filings", *sorted(folder.glob("metric_filings_*.csv")))
    cells = desk.features("metric_cell", "DATA-RESTATEMENT")

    def named(column: str) -> dict[str, int]:
        names = cells[column].drop_nulls().str.split(" ").explode(empty_as_null=True)
        return dict(names.value_counts().iter_rows())

    vanished, changed = named("restate_vanished_vintages"), named("restate_vintages")
    found = {
        "by_vintage": {vintage: changed.get(vintage, 0) for vintage in vanished},
        "cells": cells.height,
        "cells_restated": (cells["restate_changes"] > 0).sum(),
        "changes_of_50_percent_or_more": cells["restate_large"].sum(),
        "pairs": cells["restate_pairs"].sum(),
        "restatements": cells["restate_changes"].sum(),
        "vanished_by_vintage": vanished,
    }
    assert cells["restate_vanished"].sum() == sum(vanished.values())
    assert cells["restate_dropped"].sum() == 0
    assert found | ({"rows": balance["read"]} if "rows" in expected else {}) == expected
    labels = folder / "labels.csv"
    if labels.exists():
        wanted = pl.read_csv(labels).filter(pl.col("label") == 1)["subject_key"]
        flagged = cells.filter(pl.col("restate_changes") > 0)["subject_key"]
        assert set(flagged) == set(wanted)


def test_vendors(desk: Desk) -> None:
    folder, expected = published("vendors-v139")
    desk.ingest("vendor_declarations", folder / "vendor_declarations.csv")
    vendors = desk.features("vendor", "PRIV-VENDOR-DRIFT")
    active = vendors["vendor_active"] == 1
    assert {
        "active": active.sum(),
        "active_cookie_above_395_days": (vendors["vendor_cookie_overlong"] == 1).sum(),
        "active_cookie_max_days": vendors["vendor_cookie_days"].max(),
        "active_with_legitimate_interest_for_3_to_6": (
            vendors["vendor_profiling_interest"] > 0
        ).sum(),
        "deleted": (~active).sum(),
        "vendors": vendors.height,
    } == expected


def heaped(desk: Desk, file: Path) -> Expected:
    balance = desk.ingest("breach_notifications", file)
    sums = desk.features("operator_y", "DATA-HEAPING").select(pl.col("^heap_.*s$").sum())
    (found,) = sums.to_dicts()
    # Published shares are of rows, four of which repeat; a repeated row is one incident here. One
    # of them begins with a 5, none is a whole hundred or a placeholder.
    again = balance["repeated"]
    rows = found["heap_figures"] + again
    fives = found["heap_floor_digits"] + (1 if again else 0)
    return {
        "first_digit_5_share": round(fives / rows, 4),
        "incidents": balance["accepted"],
        "multiple_of_100_share": round(found["heap_rounds"] / rows, 4),
        "placeholder_500_501": found["heap_placeholders"],
        "placeholder_share": round(found["heap_placeholders"] / rows, 4),
        "rows": balance["read"],
    }


def test_breach_reports_with_a_floor(tmp_path: Path) -> None:
    folder, expected = published("breaches-hhs")
    files = {n: folder / f"breach_notifications_{n}.csv" for n in ("archive", "open")}
    found = {n: heaped(Desk(tmp_path / n), file) for n, file in files.items()}
    both = Desk(tmp_path / "archive").ingest("breach_notifications", files["open"])
    assert found | {"open_rows_already_in_archive": both["repeated"]} == expected
    assert (both["read"], both["accepted"], both["corrected"]) == (both["repeated"], 0, 0)


def test_late_notices(desk: Desk) -> None:
    folder, expected = published("breaches-wa")
    balance = desk.ingest("breach_notifications", folder / "breach_notifications.csv")
    incidents = desk.features("incident", "PRIV-BREACH-LATE")
    days = incidents["breach_delay_h"].drop_nulls() / 24
    found = {
        "late_dated_rule": (incidents["breach_overdue_h"] > 0).sum(),
        "median_days": days.median(),
        "rows": balance["read"],
        "with_both_dates": days.len(),
    }
    found |= {f"over_{n}_days": (days > n).sum() for n in (3, 30, 60, 90)}
    unfiled = {"aware_before_start", "end_before_start"}
    assert found == {key: value for key, value in expected.items() if key not in unfiled}
    outcomes = desk.export("scores").group_by("outcome").len()
    assert dict(outcomes.iter_rows()) == {"fired": 363, "clear": 273, "not_evaluable": 23}


def test_traffic_after_refusal(desk: Desk) -> None:
    folder, expected = published("consent-traffic")
    for table in ("apps", "observed_flows"):
        desk.ingest(table, folder / f"{table}.csv")
    apps = desk.features("app_v", "PRIV-PRECONSENT")
    sent = apps.filter(pl.col("pre_ad_id_without_consent") == 1)["subject_key"]
    unfiled = {"tested_apps", "developers", "developers_with_any"}
    assert {
        "apps_sending_id_without_consent": sent.len(),
        "apps_with_traffic": distinct(desk, "observed_flows")["app_id"],
        "published_total": sent.len(),
    } == {key: value for key, value in expected.items() if key not in unfiled}
    assert apps.height == expected["apps_with_traffic"]
    labels = pl.read_csv(folder / "labels.csv")
    assert set(sent) == set(labels.filter(pl.col("label") == 1)["subject_key"])


def test_declarations_without_traffic(desk: Desk) -> None:
    folder, expected = published("app-labels-ios-declarations")
    # The list of listings has one row an app and genre: later genres correct earlier ones.
    listings = desk.ingest("apps", folder / "listings.csv")
    apps = desk.ingest("apps", folder / "apps.csv")
    told = desk.ingest("data_declarations", folder / "data_declarations.parquet")
    filings = desk.features("filing", "DATA-MISSING").select(
        pl.col("subject_key").str.split("data_declarations:").list.last().alias("app_id"),
        "missing_filing", "missing_says_nothing", "filing_tracks",
    )  # fmt: skip
    rows = pl.read_csv(folder / "listings.csv").join(filings, on="app_id", how="left")
    # One app filed in one of its two genres: what is asked here is whether the app has filed.
    split = rows.filter(pl.col("filed") & (pl.col("missing_filing") == 1))
    elsewhere = rows.filter(~pl.col("filed") & (pl.col("missing_filing") == 0))
    assert (split.height, elsewhere.height) == (0, 1)
    filers = rows.filter("filed")
    nothing = int(rows["missing_says_nothing"].sum())
    held = distinct(desk, "data_declarations")
    assert {
        "apps": filings.height,
        "declaration_rows": told["read"] - nothing,
        "declaration_rows_distinct": told["accepted"] - filings["missing_says_nothing"].sum(),
        "listings": listings["read"],
        "listings_not_collected": nothing,
        "listings_without_filing": rows["missing_filing"].sum() + elsewhere.height,
        "tracking_share_of_filers": round(number(filers["filing_tracks"].mean()), 3),
        "types": held["data_type"] - 1,  # `*` files that nothing is collected
    } == expected
    assert apps["read"] == expected["apps"]
    assert told["read"] == told["accepted"] + told["repeated"]


def test_undeclared_collection(desk: Desk) -> None:
    folder, expected = published("app-labels-android-2022")
    for table in ("data_type_map", "apps", "data_declarations", "observed_flows"):
        desk.ingest(table, folder / f"{table}.csv")
    apps = desk.features("app_v", "PRIV-UNDECLARED-COLLECTION")
    scores = desk.export("scores").filter(pl.col("outcome") == "fired")
    labels = pl.read_csv(folder / "labels.csv").filter(pl.col("label") == 1)

    def keys(frame: pl.DataFrame, kind: str) -> set[str]:
        return set(frame.filter(pl.col("subject_kind") == kind)["subject_key"])

    fired, true = keys(scores, "app_data_type"), keys(labels, "app_data_type")
    gap = apps.select(
        (pl.col("uc_observed_words") - pl.col("uc_declared_types")).alias("gap"),
        pl.col("subject_key").is_in(list(keys(labels, "app"))).alias("label"),
    )
    assert {
        "app_data_type_positive": len(fired),
        "app_positive": len(keys(scores, "app")),
        "apps": apps.height,
        "gap_auc_app": round(auc(gap["gap"], gap["label"]), 3),
        "rule_precision": len(fired & true) / len(fired),
        "rule_recall": len(fired & true) / len(true),
    } == expected
    assert keys(scores, "app") == keys(labels, "app")


def test_concentration(desk: Desk) -> None:
    folder, expected = published("shares-nevo")
    desk.ingest("market_positions", folder / "market_positions.csv")
    hhi = desk.features("market_y", "MON-STR-HHI")["hhi"].drop_nulls()
    ends: dict[str, Callable[[], Any]] = {"min": hhi.min, "median": hhi.median, "max": hhi.max}
    found = {f"hhi_{name}": round(number(end()), 1) for name, end in ends.items()}
    assert found | {"markets": hhi.len()} == expected


def auc(score: pl.Series, label: pl.Series) -> float:
    """Chance that a labelled one ranks above another; ties count half."""
    ranks, ones = rankdata(score.to_numpy()), label.cast(pl.Boolean).to_numpy()
    n1, n0 = int(ones.sum()), int((~ones).sum())
    return float((ranks[ones].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def test_a_cartel_s_weeks_are_the_dear_ones(desk: Desk) -> None:
    folder = shared_data("prices-jec")
    desk.ingest("listing_prices", folder / "listing_prices.csv")
    weeks = desk.features("sku_w", "MON-PRICE-VARIANCE")
    labels = pl.read_csv(folder / "labels.csv", try_parse_dates=True).select(
        pl.col("period_start").dt.truncate("1w"), "label"
    )
    both = weeks.join(labels, on="period_start")
    assert (both.height, both["label"].sum()) == (328, 203)
    # No window and no threshold is chosen. The first week has nothing before it, and no value.
    level = both.drop_nulls("price_level_record")
    assert level.height == 327
    assert auc(level["price_level_record"], level["label"]) == pytest.approx(0.8301, abs=5e-5)
    half = both.drop_nulls("price_level_26w")
    assert auc(half["price_level_26w"], half["label"]) == pytest.approx(0.7975, abs=5e-5)
    full = both.sort("period_start").slice(25)
    assert auc(full["price_level_26w"], full["label"]) >= 0.80


def test_close_bids_under_a_reserve_price(desk: Desk) -> None:
    folder = shared_data("bids-tsuchiura")
    balances = {t: desk.ingest(t, folder / f"{t}.csv") for t in ("tenders", "bids")}
    assert {t: b["accepted"] for t, b in balances.items()} == {"tenders": 1565, "bids": 6013}
    tenders = desk.features("tender", "MON-BID-MISSING", "MON-BID-RESERVE")
    gap = tenders["bid_margin"].drop_nulls()
    # 1,469 auctions have two bids; in three of them both are one bidder's.
    assert gap.len() == 1466
    assert round(number(gap.median()), 4) == 0.0078
    shares = [100 * number(gap.is_between(low, high, closed="right").mean())
              for low, high in ((-1, 0.001), (0.001, 0.003), (0.003, 0.005))]  # fmt: skip
    assert shares == pytest.approx([2.0, 10.9, 16.5], abs=0.25)
    assert round(number(tenders["bid_win_ratio"].median()), 3) == 0.967
