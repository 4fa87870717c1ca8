"""Filings about themselves: restated, reconciled, heaped, missing, vendors that drift."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from features.library.restatements import vintage_order
from tests.features.filings import Filing, compute, holds_the_promise, row


def figure(vintage: str, value: float | None, start: str = "2024-01-01", **more: Any) -> Filing:
    filed = {"operator_id": "o", "service_id": "s", "metric": "m", "period_start": start}
    numbers = {"value": value, "unit": "count", "vintage": vintage}
    return {**filed, **numbers, **more}


def cell(*rows: Filing, start: str = "2024-01-01") -> dict[str, Any]:
    done = compute({"metric_filings": list(rows)}, "DATA-RESTATEMENT")
    holds_the_promise(done)
    return row(done, "metric_cell", f"o/s/m/{start}")


def test_publications_are_ordered_by_the_numbers_in_their_names() -> None:
    assert list(vintage_order(["v10", "v9", "2021-q4", "v9"])) == ["2021-q4", "v9", "v10"]


def test_a_change_has_size_and_direction_and_null_is_neither_zero_nor_a_change() -> None:
    found = cell(figure("9", 100), figure("10", None), figure("11", 40), figure("12", 60))
    assert (found["restate_changes"], found["restate_pairs"], found["restate_large"]) == (2, 2, 2)
    assert found["restate_max_change"] == pytest.approx(0.6)
    assert found["restate_net_change"] == pytest.approx(-0.4)
    assert found["restate_vintages"] == "11 12"
    assert found["restate_dropped"] == 1
    quiet = cell(figure("1", None), figure("2", 0.0), figure("3", 0.0))
    assert (quiet["restate_changes"], quiet["restate_pairs"]) == (0, 1)
    assert cell(figure("1", 5))["restate_changes__reason"] == "too_few"
    risen = cell(figure("1", 0), figure("2", 7))
    assert (risen["restate_large"], risen["restate_max_change__reason"]) == (1, "zero_denominator")


def test_rounding_and_noise_are_no_restatements() -> None:
    assert cell(figure("1", 0.1 + 0.2), figure("2", 0.3))["restate_changes"] == 0
    coarse = [figure("1", 95.0), figure("2", 95.4)]
    assert cell(*coarse)["restate_changes"] == 0
    assert cell(figure("1", 95.0), figure("2", 95.6))["restate_changes"] == 1
    # With another figure in tenths the first publication is no coarser than the second.
    fine = figure("1", 1.3, "2024-02-01")
    assert cell(*coarse, fine)["restate_changes"] == 1


def test_a_dropped_figure_is_one_whose_series_goes_on() -> None:
    start = "2024-04-01"
    old, new = figure("1", 5), figure("1", 6, start)
    assert cell(old, new, figure("2", 5), start=start)["restate_dropped"] == 1
    rolled = cell(old, new, figure("2", 6, start))
    assert (rolled["restate_dropped"], rolled["restate_vanished"]) == (0, 1)
    assert rolled["restate_vanished_vintages"] == "2"
    ended = cell(old, figure("2", 1, metric="other"))
    assert (ended["restate_dropped"], ended["restate_vanished"]) == (0, 1)


def test_services_roll_up_to_the_group_before_others_are_asked() -> None:
    firms = [{"firm_id": f, "group_id": "G"} for f in ("o", "p")]
    own = [
        figure("1", 10, service_id="a"), figure("2", 30, service_id="a"),
        figure("1", 20, operator_id="p"), figure("1", 0.5, metric="rate", unit="share"),
    ]  # fmt: skip
    other = figure("1", 100, reporter_id="panel", service_id=None)
    done = compute({"metric_filings": [*own, other], "firms": firms}, "DATA-RECONCILE")
    holds_the_promise(done)
    found = row(done, "operator_y", "G")
    assert (found["recon_signed_gap"], found["recon_max_gap"]) == (-0.5, 0.5)
    assert (found["recon_apart"], found["worst_metric"]) == (1, "m")
    alone = row(compute({"metric_filings": own}, "DATA-RECONCILE"), "operator_y", "o")
    assert alone["recon_max_gap__reason"] == "missing_input"


def test_market_filings_are_another_source_of_the_same_figure() -> None:
    size = {"firm_id": "o", "period": "2024-Q1", "metric": "active_users"}
    sizes = [{"market_id": m, "value": 50.0, **size} for m in ("x", "y")]
    own = figure("1", 104, metric="active_users", period_end="2024-03-31")
    done = compute({"metric_filings": [own], "market_positions": sizes}, "DATA-RECONCILE")
    found = row(done, "operator_y")
    assert found["recon_max_gap"] == pytest.approx(0.04)
    assert (found["recon_apart"], found["period_end"]) == (0, date(2024, 3, 31))


def breaches(year: int, persons: list[int], where: str = "US-HIPAA") -> list[Filing]:
    return [
        {"incident_id": f"{year}-{k}", "notified_at": f"{year}-05-01", "persons": p,
         "jurisdiction": where, "operator_id": "o"}
        for k, p in enumerate(persons)
    ]  # fmt: skip


def test_heaping_against_the_own_past_and_known_floors() -> None:
    past, now = breaches(2020, [601] * 27 + [600] * 3), breaches(2021, [500, 501, 700, 777])
    done = compute({"breach_notifications": past + now}, "DATA-HEAPING")
    holds_the_promise(done)
    frame = done.frames["operator_y"].frame
    assert frame["subject_key"].unique().sort().to_list() == ["breach_notifications/US-HIPAA", "o"]
    before, found = frame.filter(frame["subject_key"] == "o").to_dicts()
    assert before["heap_round_p__reason"] == "too_few"
    assert (found["heap_round_share"], found["heap_placeholder_share"]) == (0.5, 0.5)
    rate = 3.5 / 31
    two = 1 - (1 - rate) ** 4 - 4 * rate * (1 - rate) ** 3
    assert found["heap_round_p"] == pytest.approx(two)
    assert found["heap_floor_digit_share"] == 0.5
    elsewhere = compute({"breach_notifications": breaches(2020, [500, 999], "EU")}, "DATA-HEAPING")
    found = row(elsewhere, "operator_y", "o")
    assert (found["heap_placeholder_share"], found["heap_rounds"]) == (0.5, 1)
    assert found["heap_floor_digit_share__reason"] == "not_applicable"


def test_an_expected_filing_came_did_not_come_or_is_not_due_yet() -> None:
    due = [
        {"operator_id": o, "filing": f, "period_start": s, "period_end": e, "due_on": d}
        for o, f, s, e, d in (
            ("o", "m", "2024-01-01", "2024-03-31", "2024-05-01"),
            ("p", "m", "2024-01-01", "2024-03-31", "2026-11-20"),
            ("q", "m", "2024-01-01", "2024-03-31", "2026-11-23"),
            ("r", "minor_metrics", "2024-01-01", "2024-01-31", None),
        )
    ]
    filed = [figure("1", None, "2024-01-01")]
    tables = {"expected_filings": due, "metric_filings": filed}
    tables["minor_metrics"] = [{"operator_id": "r", "month": "2024-01", "age_band": "0-13"}]
    done = compute(tables, "DATA-MISSING")
    holds_the_promise(done)
    rows = {r["operator_id"]: r for r in done.frames["filing"].frame.to_dicts()}
    assert (rows["o"]["missing_filing"], rows["o"]["missing_says_nothing"]) == (0, 1)
    assert (rows["p"]["missing_filing"], rows["p"]["missing_days_overdue"]) == (1, 3)
    assert rows["q"]["missing_filing__reason"] == "censored"
    assert (rows["r"]["missing_filing"], rows["r"]["missing_says_nothing"]) == (0, 0)
    assert rows["p"]["subject_key"] == "p/m"


def test_filings_known_by_their_events_and_reports_come_too() -> None:
    year = {"period_start": "2024-01-01", "period_end": "2024-12-31", "due_on": "2025-02-01"}
    tables = {
        "breach_notifications": [
            {"incident_id": "i", "operator_id": "o", "notified_at": "2024-05-02T10:00:00Z"}
        ],
        "dsar_requests": [{"request_id": "r", "operator_id": "o", "received_on": "2025-01-01"}],
        "vendor_declarations": [{"framework": "f", "vendor_id": "v", "filed_on": "2024-12-31"}],
        "compliance_events": [
            {"operator_id": o, "event_type": "annual_report", "date": f"{y}-06-01"}
            for o, y in (("o", 2024), ("p", 2025))
        ],
    }
    due = [
        {"operator_id": o, "filing": f, **year}
        for o, f in (
            ("o", "breach_notifications"), ("o", "dsar_requests"), ("v", "vendor_declarations"),
            ("o", "annual_report"), ("p", "annual_report"),
        )
    ]  # fmt: skip
    done = compute({"expected_filings": due, **tables}, "DATA-MISSING")
    holds_the_promise(done)
    rows = done.frames["filing"].frame
    missing = dict(rows.select("subject_key", "missing_filing").iter_rows())
    assert missing == {
        "o/annual_report": 0, "o/breach_notifications": 0, "o/dsar_requests": 1,
        "p/annual_report": 1, "v/vendor_declarations": 0,
    }  # fmt: skip


def test_an_app_that_declares_nothing_has_filed_and_one_without_a_row_has_not() -> None:
    apps = [{"app_id": a, "version": "1", "operator_id": "o", "app_type": "t"} for a in "abc"]
    told = [
        {"app_id": "a", "data_type": "*", "declared": False},
        {"app_id": "b", "data_type": "location"},
    ]
    done = compute({"apps": apps, "data_declarations": told}, "DATA-MISSING")
    frame = done.frames["filing"].frame
    assert frame["subject_key"].to_list() == [f"o/data_declarations:{a}" for a in "abc"]
    assert frame["missing_filing"].to_list() == [0, 0, 1]
    assert frame["missing_says_nothing"].to_list() == [1, 0, None]
    assert frame["missing_peer_share"].to_list() == [0.5, 0, 0.5]


def vendor(vintage: str, filed_on: str | None, **more: Any) -> Filing:
    filed: Filing = {"framework": "iab-tcf-2", "vintage": vintage, "vendor_id": "7"}
    lists = {"purposes": "[1, 2]", "legitimate_interests": "[7]", "special_features": "[]"}
    return {**filed, **lists, "cookie_max_age_s": 86_400.0, "filed_on": filed_on} | more


def test_a_vendor_drifts_between_versions_in_the_order_of_their_numbers() -> None:
    wide = vendor("100", "2024-02-01", purposes="[1, 3]", legitimate_interests="[2, 5, 7]",
                  special_features="[2]", cookie_max_age_s=864_000.0)  # fmt: skip
    done = compute({"vendor_declarations": [wide, vendor("99", "2024-01-01")]})
    holds_the_promise(done)
    first, found = done.frames["vendor"].frame.to_dicts()
    assert first["vendor_new_purposes__reason"] == "too_few"
    # 3 and 5 are new, 2 went from consent to legitimate interest.
    assert (found["vendor_new_purposes"], found["vendor_consent_to_interest"]) == (2, 1)
    assert (found["vendor_new_special_features"], found["vendor_cookie_jump"]) == (1, 10)
    assert (found["vendor_barred_interest"], found["vendor_profiling_interest"]) == (1, 1)
    early = vendor("100", "2023-11-19", legitimate_interests="[3]")
    found = row(compute({"vendor_declarations": [early]}), "vendor")
    assert (found["vendor_barred_interest"], found["vendor_profiling_interest"]) == (0, 1)
    gone = vendor("100", "2024-02-01", deleted_on="2024-01-15")
    found = row(compute({"vendor_declarations": [gone]}), "vendor")
    assert (found["vendor_active"], found["vendor_cookie_days"]) == (0, None)
