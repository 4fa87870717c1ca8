"""Edge cases of what apps collect, share and ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from features.robust import leave_one_out
from tests.features.filings import Filing, app, compute, holds_the_promise, row

Tables = dict[str, list[Filing]]


def demanding(words: list[str], kind: str | None) -> Tables:
    tables = app(words, [])
    tables["apps"][0]["app_type"] = kind
    for filed in tables["data_declarations"]:
        filed["required"] = True
    return tables


@pytest.mark.parametrize(("kind", "reason"), [(None, "missing_input"), ("Games", "not_applicable")])
def test_an_unknown_kind_of_app_is_unknown_not_clean(kind: str | None, reason: str) -> None:
    found = row(compute(demanding(["contacts"], kind)), "app_v")
    assert (found["oc_excess_count"], found["oc_excess_count__reason"]) == (None, reason)


def test_what_any_function_of_an_app_needs_is_necessary() -> None:
    words = ["payment_info", "precise_location", "biometric"]
    alone = row(compute(demanding(words, "map_navigation")), "app_v")
    several = row(compute(demanding(words, "map_navigation|ride_hailing")), "app_v")
    assert (alone["oc_excess_count"], several["oc_excess_count"]) == (2, 1)
    assert several["oc_sensitive_excess"] == 1
    assert several["oc_required_excess"] == 1


def test_optional_types_are_no_condition_and_types_before_the_choice_are() -> None:
    tables = app(["contacts"], ["imei"])
    tables["apps"][0]["app_type"] = "browser"
    tables["observed_flows"][0]["phase"] = "pre_choice"
    found = row(compute(tables), "app_v")
    assert (found["oc_excess_count"], found["oc_required_excess"]) == (1, 0)
    tables["observed_flows"][0]["phase"] = "accepted"
    assert row(compute(tables), "app_v")["oc_excess_ratio"] == 0


def shared(declared: list[tuple[str, str | None]], seen: list[dict[str, Any]]) -> Tables:
    tables = app([t for t, _ in declared], [s["data_type"] for s in seen])
    for filed, (_, recipient) in zip(tables["data_declarations"], declared, strict=True):
        filed["recipient"] = recipient
    for flow, more in zip(tables["observed_flows"], seen, strict=True):
        flow |= more
    return tables


def test_hosts_become_organisations_and_unknown_ones_stay_apart() -> None:
    tables = shared(
        [("location", "Google")],
        [{"data_type": "location", "domain": "x.DoubleClick.net"},
         {"data_type": "location", "domain": "nobody.example"},
         {"data_type": "location", "domain": "app.adjust.com"}],
    )  # fmt: skip
    found = row(compute(tables), "app_v")
    assert (found["us_undeclared_ratio"], found["unresolved_pairs"]) == (0.5, 1)
    assert (found["us_undeclared_recipients"], found["us_declared_unobserved"]) == (1, 0)


def test_a_named_host_firm_is_a_processor_and_the_operator_itself_no_recipient() -> None:
    tables = shared(
        [("email", "Amazon")],
        [{"data_type": "imei", "domain": "s3.amazonaws.com"},
         {"data_type": "imei", "recipient": "op"},
         {"data_type": "imei", "recipient": "broker"}],
    )  # fmt: skip
    tables["apps"][0]["operator_id"] = "OP"
    assert row(compute(tables), "app_v")["us_undeclared_ratio"] == 0.5


def test_a_declaration_without_recipients_has_not_filed_any() -> None:
    tables = shared([("imei", None)], [{"data_type": "imei", "recipient": "broker"}])
    assert row(compute(tables), "app_v")["us_undeclared_ratio__reason"] == "missing_input"
    tables["data_declarations"] = [
        {"app_id": "A", "version": "1", "data_type": "*", "declared": False}
    ]
    assert row(compute(tables), "app_v")["us_undeclared_ratio"] == 1


def test_unknown_purposes_are_left_out_and_counted() -> None:
    tables = shared([("imei", None)], [{"data_type": "imei", "session": s} for s in "abcd"])
    tables["data_declarations"][0]["purpose"] = "Fraud prevention"
    for flow, seen in zip(tables["observed_flows"], ("ads", "security", "??", None), strict=True):
        flow["purpose_observed"] = seen
    found = row(compute(tables), "app_v")
    assert found["pm_mismatch_share"] == found["pm_ads_from_security"] == 0.5
    assert (found["purpose_unknown_requests"], found["pm_mismatch_share__n"]) == (2, 2)


def permissions(*versions: tuple[str, str, list[str]], **more: Any) -> Tables:
    return {
        "apps": [{"app_id": "A", "version": v, "released_at": d} for v, d, _ in versions],
        "permission_scans": [
            {"app_id": "A", "version": v, "permission": p, "protection_level": "dangerous", **more}
            for v, _, asked in versions
            for p in asked
        ],
    }


def test_versions_are_compared_in_order_of_release_and_the_first_with_nothing() -> None:
    tables = permissions(("10", "2024-02-01", ["A", "B"]), ("9", "2024-01-01", ["A"]),
                         ("11", "2025-06-01", ["A", "B", "C"]), in_changelog=False)  # fmt: skip
    done = compute(tables)
    holds_the_promise(done)
    frame = done.frames["app_v"].frame
    assert frame["permission_version"].to_list() == ["9", "10", "11"]
    assert frame["pc_new_dangerous"].to_list() == [None, 1, 1]
    assert frame["pc_new_dangerous__reason"][0] == "not_applicable"
    assert frame["pc_rate_12m"].to_list() == [None, 1, 1]
    assert frame["pc_unannounced"].to_list() == [None, 1, 1]


def test_a_new_level_of_the_system_is_no_creep() -> None:
    tables = permissions(("1", "2024-01-01", ["A"]), ("2", "2024-02-01", ["A", "B"]))
    for scan in tables["permission_scans"]:
        scan["os_level"] = scan["version"]
    assert compute(tables).frames["app_v"].frame["pc_new_dangerous"].null_count() == 2


def test_dormant_kits_do_not_count() -> None:
    kits = [{"app_id": "A", "sdk_id": str(k), "active": k < 2, "category": c, "country": c}
            for k, c in enumerate(["ads", "login", "ads"])]  # fmt: skip
    found = row(compute({"sdk_inventory": kits}), "app_v")
    assert (found["sdk_count"], found["sdk_ads_share"], found["sdk_country_count"]) == (2, 0.5, 2)
    assert found["sdk_peer_percentile__reason"] == "too_few"


def test_the_peers_of_each_subject_leave_it_out() -> None:
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.5])
    medians, scales = leave_one_out(values)
    for i, (median, scale) in enumerate(zip(medians, scales, strict=True)):
        others = np.delete(values, i)
        assert median == np.median(others)
        assert scale == pytest.approx(1.4826 * np.median(np.abs(others - np.median(others))))
    assert np.isnan(leave_one_out(np.ones(5))[1]).all()
