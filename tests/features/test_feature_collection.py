"""Undeclared collection: three states of a declaration, one vocabulary, versions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.features.filings import Filing, app, compute, read, row

Tables = dict[str, list[Filing]]


def types(tables: Tables) -> dict[str, Any]:
    frame = compute(tables).frames["app_data_type"].frame
    return dict(frame.select("data_type", "uc_undeclared").iter_rows())


def test_golden_count_and_its_parts() -> None:
    tables = app(["location", "email"], ["location", "email", "contacts", "imei"])
    found = row(compute(tables), "app_v")
    assert found["uc_undeclared_types"] == 2
    assert (found["uc_observed_types"], found["uc_declared_types"]) == (4, 2)
    assert found["uc_undeclared_types__n"] == 4
    assert types(tables) == {"location": 0, "email": 0, "contacts": 1, "imei": 1}


def test_declared_and_not_seen_proves_nothing() -> None:
    assert types(app(["location", "imei"], ["location"])) == {"location": 0, "imei": 0}


def test_no_declaration_is_not_filed_and_never_none_declared() -> None:
    tables = app(["location"], ["imei"])
    tables["data_declarations"][0]["app_id"] = "other"
    done = compute(tables)
    assert row(done, "app_v", "A")["uc_undeclared_types__reason"] == "missing_input"
    assert row(done, "app_v", "A")["has_filed"] is False
    assert row(done, "app_data_type", "A/imei")["uc_undeclared__reason"] == "missing_input"
    assert read(done, "app_v", "uc_observed_types", "A") == 1


def test_filing_that_nothing_is_collected_is_a_declaration() -> None:
    tables = app(["*"], ["imei"])
    tables["data_declarations"][0]["declared"] = False
    found = row(compute(tables), "app_v")
    assert (found["uc_undeclared_types"], found["uc_declared_types"]) == (1, 0)
    assert found["unmapped_types"] == 0
    assert types(tables) == {"imei": 1}


def test_a_denied_type_that_is_seen_is_undeclared() -> None:
    tables = app(["imei"], ["imei"])
    tables["data_declarations"][0]["declared"] = False
    assert types(tables) == {"imei": 1}


def test_an_app_without_traffic_was_not_tested() -> None:
    tables = app(["location"], ["location"])
    tables["observed_flows"][0]["app_id"] = "other"
    done = compute(tables)
    assert row(done, "app_v", "A")["uc_undeclared_types__reason"] == "missing_input"
    assert read(done, "app_v", "uc_declared_types", "A") == 1


def test_words_are_compared_only_through_the_map_and_unknown_ones_reported() -> None:
    tables = app(["location"], ["location", "imei"])
    tables["data_type_map"] = [
        {"taxonomy": "store", "source_type": "location", "data_type": "place"},
        {"taxonomy": "traffic", "source_type": "imei", "data_type": "device"},
    ]
    done = compute(tables)
    # The equal word `location` is not guessed to be the same thing.
    assert types(tables) == {"place": 0, "device": 1}
    assert row(done, "app_v")["unmapped_types"] == 1
    assert done.notes["unmapped_types"].row(0) == ("observed_flows", "traffic", "location", 1)


@pytest.mark.parametrize("version", [None, "1"])
def test_a_declaration_without_version_holds_for_every_version(version: str | None) -> None:
    tables = app(["location"], ["location"])
    tables["observed_flows"].append(tables["observed_flows"][0] | {"version": "2"})
    tables["apps"].append(tables["apps"][0] | {"version": "2", "released_at": "2024-06-01"})
    tables["data_declarations"][0]["version"] = version
    frame = compute(tables).frames["app_v"].frame
    assert frame["version"].to_list() == ["1", "2"]
    assert frame["uc_undeclared_types"].to_list() == [0, None if version else 0]


def test_of_several_versions_in_a_month_the_most_suspicious_is_judged() -> None:
    tables = app(["location"], ["location", "imei"])
    tables["apps"].append(tables["apps"][0] | {"version": "2"})
    later = [f | {"version": "2"} for f in tables["observed_flows"][:1]]
    tables["observed_flows"] += later
    tables["data_declarations"].append(tables["data_declarations"][0] | {"version": "2"})
    done = compute(tables)
    found = row(done, "app_v")
    assert (found["version"], found["uc_undeclared_types"]) == ("1", 1)
    assert set(done.frames["app_data_type"].frame["version"]) == {"1"}


def test_types_share_the_month_of_their_app_and_roll_up_to_it() -> None:
    done = compute(app(["location"], ["imei"]))
    start = date(2024, 5, 1)
    assert set(done.frames["app_data_type"].frame["period_start"]) == {start}
    up = done.memberships["app_data_type", "app_v"]
    assert up.row(0) == ("A/imei", start, "A", start, date(2024, 5, 31))


def test_without_an_app_register_the_month_is_that_of_the_flows() -> None:
    tables = app(["location"], ["imei"])
    del tables["apps"]
    tables["observed_flows"][0]["ts"] = "2024-08-09T00:00:00Z"
    assert row(compute(tables), "app_v")["period_start"] == date(2024, 8, 1)
    del tables["observed_flows"][0]["ts"]
    assert row(compute(tables), "app_v")["period_start"] == date(2026, 1, 1)


def test_sessions_are_counted_where_they_are_filed() -> None:
    tables = app(["location"], ["imei"])
    tables["observed_flows"] += [
        tables["observed_flows"][0] | {"session": s} for s in ("s1", "s2", None)
    ]
    assert row(compute(tables), "app_data_type", "A/imei")["sessions"] == 2


def test_bytes_of_undeclared_types_over_all_that_were_measured() -> None:
    tables = app(["location"], ["location", "imei", "contacts"])
    for flow, size in zip(tables["observed_flows"], (600, 300, None), strict=True):
        flow["bytes"] = size
    found = row(compute(tables), "app_v")
    assert found["uc_undeclared_bytes_share"] == pytest.approx(300 / 900)
    assert found["uc_undeclared_bytes_share__n"] == 2
    unmeasured = row(compute(app(["location"], ["imei"])), "app_v")
    assert unmeasured["uc_undeclared_bytes_share__reason"] == "missing_input"
    tables["data_declarations"][0]["app_id"] = "other"
    unfiled = row(compute(tables), "app_v", "A")
    assert unfiled["uc_undeclared_bytes_share__reason"] == "missing_input"


def test_the_version_a_hidden_type_came_with() -> None:
    days = {"9": "2024-01-10", "10": "2024-03-10", "11": "2024-05-20"}
    tables = app(["location"], [])
    tables["apps"] = [{"app_id": "A", "version": v, "released_at": day} for v, day in days.items()]
    tables["data_declarations"][0]["version"] = None
    tables["observed_flows"] = [
        {"app_id": "A", "version": v, "data_type": word, "session": "s"}
        for v, words in {"9": ["location"], "10": ["imei"], "11": ["imei", "location"]}.items()
        for word in words
    ]
    tables["data_type_map"].append(
        {"taxonomy": "traffic", "source_type": "imei", "data_type": "imei"}
    )
    tables["data_type_map"].append(
        {"taxonomy": "traffic", "source_type": "location", "data_type": "location"}
    )
    frame = compute(tables).frames["app_v"].frame.sort("period_start")
    # 9 hides nothing; 10 and 11 hide what came with 10, which is before 9 by name only.
    assert frame["uc_first_seen_version"].to_list() == [None, "10", "10"]
    assert frame["uc_first_seen_version__reason"][0] == "not_applicable"
