"""Edge cases of consent dialogues and of what operators owe to individuals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.features.filings import Filing, compute, holds_the_promise, row

MONTH = {"app_id": "A", "period": "2024-03"}


def dialogue(*rows: Filing) -> dict[str, Any]:
    done = compute({"consent_metrics": [MONTH | r for r in rows]})
    holds_the_promise(done)
    return row(done, "app_m")


def test_accepting_without_a_click_is_no_choice() -> None:
    found = dialogue({"clicks_accept": 0, "clicks_reject": 3})
    assert (found["dp_click_ratio"], found["no_choice"]) == (None, True)
    assert found["dp_click_ratio__reason"] == "not_applicable"
    assert found["dp_first_layer_reject"] == 0


def test_the_worst_language_speaks_for_the_app_and_counts_add_up() -> None:
    found = dialogue(
        {"locale": "en", "steps_give": 1, "steps_withdraw": 2, "refused": 30,
         "denied_after_refusal": 6},
        {"locale": "zh", "steps_give": 1, "steps_withdraw": 5, "refused": 30,
         "denied_after_refusal": 0},
    )  # fmt: skip
    assert (found["wd_effort_ratio"], found["fc_denial_rate"]) == (5, 0.1)


def test_rates_need_their_least_number() -> None:
    found = dialogue({"refused": 49, "denied_after_refusal": 49, "withdrawn": 49,
                      "flows_after_withdrawal": 1})  # fmt: skip
    assert found["fc_denial_rate__reason"] == found["wd_postflow_rate__reason"] == "too_few"
    cells = compute({"consent_metrics": [MONTH | {"shown": 199, "accepted": 199}]})
    assert row(cells, "app_locale_m")["consent_rate__reason"] == "too_few"


def test_flows_count_after_the_grace_time_only() -> None:
    def flow(session: str, phase: str, hour: int) -> Filing:
        moment = f"2024-03-{4 + hour // 24:02d}T{hour % 24:02d}:00:00Z"
        return {"app_id": "A", "session": session, "phase": phase, "ts": moment, "data_type": "x"}

    flows = [flow("s1", "accepted", 0), flow("s1", "withdrawn", 20), flow("s2", "accepted", 0),
             flow("s2", "withdrawn", 30), flow("s3", "withdrawn", 1)]  # fmt: skip
    tables = {"consent_metrics": [MONTH | {"withdrawn": 100}], "observed_flows": flows}
    assert row(compute(tables), "app_m")["wd_postflow_rate"] == 0.02


def test_languages_are_compared_with_the_app_elsewhere() -> None:
    rows = [
        MONTH | {"locale": c, "shown": 1000, "accepted": a} for c, a in (("a", 900), ("b", 500))
    ]
    frame = compute({"consent_metrics": rows}).frames["app_locale_m"].frame
    assert frame["consent_locale_gap"].to_list() == pytest.approx([0.4, -0.4])


def asked(n: int, days: int | None, **more: Any) -> list[Filing]:
    got = date(2024, 1, 2)
    return [
        {"request_id": f"{days}-{k}", "operator_id": "O", "received_on": got,
         "closed_on": None if days is None else got + timedelta(days=days), **more}
        for k in range(n)
    ]  # fmt: skip


def test_open_requests_beyond_their_time_are_late_and_unknown_law_is_no_limit() -> None:
    rows = asked(15, 10, jurisdiction="EU") + asked(5, None, jurisdiction="EU")
    done = compute({"dsar_requests": rows})
    found = row(done, "operator_q")
    assert (found["dsar_overdue_share"], found["requests_open"]) == (0.25, 5)
    assert found["dsar_km_open_at_30d"] == 0.25
    assert found["dsar_p90_days__reason"] == "censored"
    elsewhere = row(compute({"dsar_requests": asked(30, 99)}), "operator_q")
    assert elsewhere["dsar_overdue_share__reason"] == "too_few"
    assert elsewhere["dsar_beyond_longest__reason"] == "not_applicable"


@pytest.mark.parametrize(
    ("received", "more", "gdpr", "ccpa"),
    [
        ("2024-01-31", {}, "2024-02-29", "2024-03-16"),
        ("2026-01-31", {"extended": True}, "2026-04-30", "2026-05-01"),
        ("2026-11-20", {"type": "opt_out"}, "2026-12-20", "2026-12-11"),
    ],
)
def test_due_dates(received: str, more: Filing, gdpr: str, ccpa: str) -> None:
    filed = {"request_id": "R", "received_on": received, "jurisdiction": "US-CA", **more}
    found = row(compute({"dsar_requests": [filed]}), "request")
    assert (found["dsar_due_gdpr"], found["dsar_due_ccpa"]) == (gdpr, ccpa)


def test_one_ground_for_all_refusals_has_no_variety_and_no_peers_no_p() -> None:
    rows = asked(4, 5, outcome="Refused", refusal_ground="g", fee=1.0)
    found = row(compute({"dsar_requests": rows}), "operator_y")
    assert (found["dr_refusal_rate"], found["dr_ground_entropy"], found["dr_fee_rate"]) == (1, 0, 1)
    assert found["dr_binom_p__reason"] == "too_few"


@pytest.mark.parametrize(
    ("band", "law", "counts"),
    [("0-13", "CN", True), ("<14", None, True), ("0-13", "US", False), ("14-17", "CN", False),
     ("13+", "EU", False), ("children", "CN", False)],
)  # fmt: skip
def test_only_bands_wholly_below_the_age_line_count(
    band: str, law: str | None, counts: bool
) -> None:
    filed = {"operator_id": "O", "month": "2024-03", "age_band": band, "jurisdiction": law,
             "accounts": 10, "guardian_consented": 4}  # fmt: skip
    found = row(compute({"minor_metrics": [filed]}), "operator_m")
    assert found["min_no_guardian_share"] == (0.6 if counts else None)
    assert found["minor_bands_unread"] == (band == "children")


def sent(*rows: Filing) -> dict[str, Any]:
    filed = [{"operator_id": "O", "date": "2026-05-04", "jurisdiction": "CN",
              "recipient": str(k)} | r for k, r in enumerate(rows)]  # fmt: skip
    done = compute({"crossborder_transfers": filed})
    holds_the_promise(done)
    return done.frames["operator_d"].frame.row(-1, named=True)


def test_transfers_add_up_in_the_year_without_exempt_ones() -> None:
    found = sent(
        {"date": "2025-12-31", "persons_new": 900_000},
        {"date": "2026-01-01", "persons_new": 60_000},
        {"date": "2026-02-01", "persons_new": 39_999},
        {"date": "2026-03-01", "persons_new": 500_000, "exemption_ground": "contract"},
        {"date": "2026-03-02", "persons_new": 1, "mechanism": "none"},
    )
    assert found["xb_persons_ytd"] == 100_000
    assert found["cn_xborder_tier"] == "standard_contract_or_certification"
    assert (found["xb_mechanism_missing"], found["exempt_persons_ytd"]) == (1, 500_000)


def test_a_mechanism_must_be_valid_and_strong_enough() -> None:
    big = {"persons_new": 1_000_000, "mechanism": "standard_contract"}
    assert sent(big)["xb_mechanism_missing"] == 1
    enough = big | {"mechanism": "security_assessment"}
    assert sent(enough)["xb_mechanism_missing"] == 0
    assert sent(enough | {"valid_until": "2026-05-03"})["xb_mechanism_missing"] == 1
    assert sent({"persons_new": 5, "important_data": True})["cn_xborder_tier"] == (
        "security_assessment"
    )


def test_recipients_just_below_a_limit_look_split() -> None:
    found = sent({"persons_new": 99_000}, {"persons_new": 95_000}, {"persons_new": 10})
    assert found["xb_split_score"] == pytest.approx(2 / 3)
    assert sent({"persons_new": 99_000})["xb_split_score__reason"] == "too_few"


def test_days_until_the_next_tier_at_the_pace_of_the_year() -> None:
    # 40 000 persons in the 20 days of the year so far; 60 000 to go.
    assert sent({"date": "2026-01-20", "persons_new": 40_000})["xb_growth_to_cross_d"] == 30


def test_more_than_the_us_limit_is_strict() -> None:
    us = {"jurisdiction": "US", "country": "CN", "data_type": "precise_location"}
    assert sent(us | {"persons_new": 1_000})["us_bulk_exceeded"] == 0
    assert sent(us | {"persons_new": 1_001})["us_bulk_exceeded"] == 1
    assert sent(us | {"country": "FR", "persons_new": 9_999})["us_bulk_exceeded"] is None
