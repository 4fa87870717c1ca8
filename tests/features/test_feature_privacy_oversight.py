"""Edge cases of retention, releases, opt-outs, complaints, leaks and duties."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from features.compute import compute_features
from features.vocabulary import RunContext
from tests.features.filings import Filing, compute, holds_the_promise, read, row, table


def test_the_limit_is_strict_and_holds_and_deleted_records_are_no_breach() -> None:
    states = [(365, "active", None), (366, "archived", None), (900, "deleted", None),
              (900, "active", True)]  # fmt: skip
    samples = [
        {"operator_id": "O", "data_type": "phone", "sample_id": str(k), "age_days": float(age),
         "state": state, "legal_hold": hold}
        for k, (age, state, hold) in enumerate(states)
    ]  # fmt: skip
    declared = {"app_id": "A", "data_type": "mobile_number", "retention_days": 365.0}
    apps = [{"app_id": "A", "operator_id": "O", "released_at": "2024-01-01"}]
    tables = {"retention_samples": samples, "data_declarations": [declared], "apps": apps}
    done = compute(tables)
    holds_the_promise(done)
    found = row(done, "operator_type_q")
    assert found["ret_overdue_share"] == pytest.approx(1 / 3)
    assert (found["ret_overdue_days_max"], found["ret_no_limit"]) == (1, 0)
    alone = row(compute({"retention_samples": samples}), "operator_type_q")
    assert (alone["ret_overdue_share__reason"], alone["ret_no_limit"]) == ("missing_input", 1)


def test_a_null_is_a_value_and_diversity_is_that_of_the_worst_attribute() -> None:
    records = [
        ({"age": None}, {"x": "1", "y": "a"}),
        ({"age": None}, {"x": "2", "y": "a"}),
        ({"age": "30"}, {"x": "1", "y": "b"}),
        ({"age": "30"}, {"x": "2", "y": "c"}),
    ]
    rows = [{"dataset_id": "D", "record_no": k, "quasi": json.dumps(q), "sensitive": json.dumps(s)}
            for k, (q, s) in enumerate(records)]  # fmt: skip
    found = row(compute({"released_datasets": rows}), "dataset")
    assert (found["reid_k_min"], found["l_diversity_min"], found["reid_max_risk"]) == (2, 1, 0.5)
    assert found["pop_uniqueness__reason"] == "missing_input"
    assert (found["reid_share_below_k"], found["reid_share_below_11"]) == (1, 1)


def exposures(arms: dict[str, list[int]]) -> list[Filing]:
    return [{"platform_id": "P", "test_id": "T", "tested_on": "2024-05-01", "arm": arm,
             "item": str(k), "exposures": n} for arm, counts in arms.items()
            for k, n in enumerate(counts)]  # fmt: skip


def test_few_exposures_and_little_personalisation_say_nothing() -> None:
    few = {"personalised": [90, 10], "optout": [90, 10], "neutral": [500, 500]}
    found = row(compute({"adm_tests": exposures(few)}), "platform_m")
    assert found["adm_optout_effect_ratio__reason"] == "too_few"
    flat = {"personalised": [520, 480], "optout": [510, 490], "neutral": [500, 500]}
    found = row(compute({"adm_tests": exposures(flat)}), "platform_m")
    assert found["adm_optout_effect_ratio__reason"] == "not_applicable"
    plain = {"personalised": [900, 100], "optout": [860, 140], "neutral": [500, 500]}
    found = row(compute({"adm_tests": exposures(plain)}), "platform_m")
    assert found["adm_optout_effect_ratio"] == pytest.approx(0.9)
    assert 0.8 < found["adm_optout_ratio_low"] < 0.9


def complaints(counts: list[int], same: bool = False) -> list[Filing]:
    monday = date(2024, 1, 1)
    return [{"complaint_id": f"{w}-{k}", "operator_id": "O", "topic": "ads",
             "received_on": monday + timedelta(weeks=w, days=k % 7),
             "text_simhash": f"{w}" if same else None}
            for w, n in enumerate(counts) for k in range(n)]  # fmt: skip


def test_a_campaign_of_equal_texts_counts_once_and_weeks_without_any_are_zero() -> None:
    frame = compute({"complaints": complaints([3, 0, 5], same=True)}).frames["operator_topic_w"]
    assert frame.frame["complaints"].to_list() == [1, 0, 1]
    assert set(frame.frame["cs_poisson_p__reason"]) == {"too_few"}


def test_restless_weeks_make_a_rise_less_surprising() -> None:
    calm = compute({"complaints": complaints([12] * 24 + [25])})
    lively = compute({"complaints": complaints([2, 22] * 12 + [25])})
    p = [d.frames["operator_topic_w"].frame["cs_poisson_p"][-1] for d in (calm, lively)]
    assert p[0] == pytest.approx(0.000685633201388, abs=1e-9)
    assert p[1] > 0.05
    frame = calm.frames["operator_topic_w"].frame
    assert frame["cs_ewma_weeks_above"].to_list()[-2:] == [0, 0]
    holds_the_promise(calm)


def test_later_weeks_do_not_change_earlier_ones() -> None:
    counts = [12] * 20 + [30]
    before = compute({"complaints": complaints(counts)}).frames["operator_topic_w"].frame
    after = compute({"complaints": complaints([*counts, 90])}).frames["operator_topic_w"].frame
    assert after.head(before.height).equals(before)


def test_unsure_leaks_do_not_count_and_a_near_notice_matches() -> None:
    leak = {"operator_id": "O", "first_seen": "2024-05-01", "confidence": 0.9}
    leaks = [leak | {"leak_id": "a"}, leak | {"leak_id": "b", "first_seen": "2024-11-01"},
             leak | {"leak_id": "c", "confidence": 0.7}]  # fmt: skip
    notice = {"incident_id": "I", "operator_id": "O", "aware_at": "2024-05-03",
              "notified_at": "2024-05-11"}  # fmt: skip
    found = row(compute({"external_leaks": leaks, "breach_notifications": [notice]}), "operator_y")
    assert (found["bu_unreported_share"], found["bu_unmatched_leaks"]) == (0.5, 1)
    assert found["bu_lag_vs_external"] == 10


def events(**more: object) -> dict[str, list[Filing]]:
    filed = {"operator_id": "O", "event_type": "registration", "date": "2025-06-01"}
    return {"compliance_events": [filed | more]}


def test_an_operator_never_audited_counts_from_the_day_of_the_duty() -> None:
    tables = {n: table(n, r) for n, r in events(persons_processed=10_000_001).items()}
    late = row(compute_features(tables, None, RunContext(date(2027, 5, 11))), "operator_m")
    assert late["audit_overdue_days"] == 10
    assert (late["officer_missing"], late["report_missing"]) == (1, 1)


def test_size_decides_which_duties_there_are() -> None:
    small = row(compute(events(persons_processed=10)), "operator_m")
    assert {small[f"{f}__reason"] for f in ("audit_overdue_days", "officer_missing")} == {
        "not_applicable"
    }
    unknown = row(compute(events()), "operator_m")
    assert unknown["report_missing__reason"] == "missing_input"
    own = events(event_type="audit", cycle_months=9, date="2026-01-31")
    assert read(compute(own), "operator_m", "audit_overdue_days") == 23
