"""Every golden case of the privacy families, through tables in and features out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from features.compute import compute_features
from features.vocabulary import RunContext
from tests.features.filings import Filing, app, compute, read, row, table
from tests.golden.cases import agrees, all_have_cases_and_features, golden_cases

Inputs = dict[str, Any]
Tables = dict[str, list[Filing]]
APP = {"app_id": "A", "version": "1"}
MONTH = {"app_id": "A", "period": "2024-03"}


def _necessity(feature: str, i: Inputs) -> Any:
    collected = i["collected_before_or_as_condition"]
    tables = app(collected, [])
    tables["apps"][0]["app_type"] = i["app_type"]
    for filed in tables["data_declarations"]:
        filed["required"] = True
    from features.parameters.necessary_information import APP_TYPES

    known = {a.code: a.necessary for a in APP_TYPES}[i["app_type"]]
    assert set(known) == set(i["required"])
    return read(compute(tables), "app_v", feature)


def _sharing(feature: str, i: Inputs) -> Any:
    pairs = (i["declared_pairs"], i["observed_pairs"])
    tables = app(*([t for t, _ in p] for p in pairs))
    for name, filed in zip(("data_declarations", "observed_flows"), pairs, strict=True):
        for entry, (_, recipient) in zip(tables[name], filed, strict=True):
            entry["recipient"] = recipient
    return read(compute(tables), "app_v", feature)


def _purposes(feature: str, i: Inputs) -> Any:
    types = [f"type{k}" for k in range(len(i["flows"]))]
    tables = app(types, types)
    tables["observed_flows"] = []
    for filed, (declared, observed, n) in zip(tables["data_declarations"], i["flows"], strict=True):
        filed["purpose"] = declared
        flow = {**APP, "data_type": filed["data_type"], "purpose_observed": observed}
        tables["observed_flows"] += [flow | {"session": f"s{k}"} for k in range(n)]
    return read(compute(tables), "app_v", feature)


def _consent(feature: str, i: Inputs) -> Any:
    rows = [MONTH | {"shown": i["shown"], "accepted": i["accepted"]}]
    for k, rate in enumerate(i["peer_rates"]):
        rows.append(MONTH | {"app_id": f"p{k}", "shown": 1000, "accepted": round(rate * 1000)})
    return read(compute({"consent_metrics": rows}), "app_locale_m", feature, "A")


NAMES = {"refusals_optional": "refused", "service_denied_after_refusal": "denied_after_refusal",
         "withdrawn_users": "withdrawn",
         "users_with_flow_after_grace": "flows_after_withdrawal"}  # fmt: skip


def _dialogue(feature: str, i: Inputs) -> Any:
    filed = MONTH | {NAMES.get(k, k): v for k, v in i.items()}
    return read(compute({"consent_metrics": [filed]}), "app_m", feature)


def _preconsent(feature: str, i: Inputs) -> Any:
    tracked = i["sessions_with_tracker_before_choice"]
    flows = [
        APP | {"session": f"s{k}", "phase": "pre_choice", "data_type": "os",
               "domain": "x.doubleclick.net" if k < tracked else "own.example"}
        for k in range(i["sessions"])
    ]  # fmt: skip
    return read(compute({"observed_flows": flows}), "app_v", feature)


def _permissions(feature: str, i: Inputs) -> Any:
    scans = [
        {"app_id": "A", "version": version, "permission": p,
         "protection_level": "dangerous" if p in i["dangerous"] else "normal"}
        for version, asked in (("1", i["prev"]), ("2", i["curr"])) for p in asked
    ]  # fmt: skip
    apps = [{"app_id": "A", "version": v, "released_at": f"2024-0{v}-01"} for v in ("1", "2")]
    frame = compute({"apps": apps, "permission_scans": scans}).frames["app_v"].frame
    return frame.filter(frame["permission_version"] == "2")[feature].item()


def _trackers(feature: str, i: Inputs) -> Any:
    sizes = {"A": i["value"]} | {f"p{k}": v for k, v in enumerate(i["peers_excluding_self"])}
    kits = [
        {"app_id": a, "version": "1", "sdk_id": f"k{j}"} for a, n in sizes.items() for j in range(n)
    ]
    return read(compute({"sdk_inventory": kits}), "app_v", feature, "A")


def _retention(feature: str, i: Inputs) -> Any:
    samples = [
        {"operator_id": "O", "data_type": "phone", "sample_id": str(k), "sampled_on": "2024-05-01",
         "age_days": float(age), "state": "active", "limit_days": float(i["declared_limit_days"])}
        for k, age in enumerate(i["age_days"])
    ]  # fmt: skip
    return read(compute({"retention_samples": samples}), "operator_type_q", feature)


def _leaks(feature: str, i: Inputs) -> Any:
    leaks = [
        {"leak_id": str(k), "operator_id": "O", "first_seen": "2024-05-01", "confidence": 0.9,
         "incident_id": f"I{k}" if k < i["matched_to_notification"] else None}
        for k in range(i["externally_observed_leaks"])
    ]  # fmt: skip
    return read(compute({"external_leaks": leaks}), "operator_y", feature)


def _delay(feature: str, i: Inputs) -> Any:
    if "received" in i:
        filed = {"request_id": "R", "operator_id": "O", "received_on": i["received"]}
        return read(compute({"dsar_requests": [filed]}), "request", feature)
    today = date(2024, 3, 31)
    requests = []
    for k, (days, closed) in enumerate(zip(i["durations_days"], i["closed"], strict=True)):
        # All in one quarter: open ones were received so long before the day of the judgement.
        got = date(2024, 1, 2) if closed else today - timedelta(days=days)
        end = got + timedelta(days=days) if closed else None
        requests.append(
            {"request_id": str(k), "operator_id": "O", "received_on": got, "closed_on": end}
        )
    done = compute_features(
        {"dsar_requests": table("dsar_requests", requests)}, None, RunContext(today)
    )
    return read(done, "operator_q", feature)


def _refusals(feature: str, i: Inputs) -> Any:
    def asked(operator: str, n: int, refused: int) -> list[Filing]:
        return [
            {"request_id": f"{operator}{k}", "operator_id": operator, "received_on": "2024-02-01",
             "closed_on": "2024-02-09", "outcome": "refused" if k < refused else "granted"}
            for k in range(n)
        ]  # fmt: skip

    peers = asked("P", 500, round(500 * i["peer_rate"])) + asked(
        "Q", 500, round(500 * i["peer_rate"])
    )
    own = asked("O", i["requests"], i["refused"])
    return read(compute({"dsar_requests": own + peers}), "operator_y", feature, "O")


def _minors(feature: str, i: Inputs) -> Any:
    filed = {"operator_id": "O", "month": "2024-03", "age_band": "under_14", "jurisdiction": "CN",
             "accounts": i["accounts_under_14"],
             "guardian_consented": i["with_guardian_consent"]}  # fmt: skip
    return read(compute({"minor_metrics": [filed]}), "operator_m", feature)


def _sensitive(feature: str, i: Inputs) -> Any:
    agreed = i["separate_consent_types"]
    rows = [
        APP | {"data_type": w, "sensitive": True, "separate_consent": w in agreed}
        for w in i["sensitive_types_processed"]
    ]
    return read(compute({"data_declarations": rows}), "app_v", feature)


def _transfers(feature: str, i: Inputs) -> Any:
    sent = {"operator_id": "O", "date": "2026-05-04"}
    if "category" in i:
        filed = sent | {"jurisdiction": "US", "country": "CN", "data_type": i["category"],
                        "persons_new": i["units"]}  # fmt: skip
        return bool(read(compute({"crossborder_transfers": [filed]}), "operator_d", feature))
    assert not i["ciio"] and not i["important_data"]
    parts = (("non_sensitive_persons_ytd", False), ("sensitive_persons_ytd", True))
    rows = [
        sent | {"jurisdiction": "CN", "recipient": str(special), "sensitive": special,
                "persons_new": i[name]}
        for name, special in parts
    ]  # fmt: skip
    return read(compute({"crossborder_transfers": rows}), "operator_d", feature)


def _release(feature: str, i: Inputs) -> Any:
    assert i.get("k", 3) == 3
    rows = [
        {"dataset_id": "D", "record_no": k, "released_on": "2024-05-01",
         "quasi": json.dumps({str(c): v for c, v in enumerate(record)})}
        for k, record in enumerate(i["quasi_identifiers"])
    ]  # fmt: skip
    return read(compute({"released_datasets": rows}), "dataset", feature)


def _links(feature: str, i: Inputs) -> Any:
    filed = {"operator_id": "O", "service_a": "x", "service_b": "y", "month": "2024-03", **i}
    return read(compute({"linkage_metrics": [filed]}), "service_pair_m", feature)


def _optout(feature: str, i: Inputs) -> Any:
    if "exposure_personalised" in i:
        arms = {"personalised": i["exposure_personalised"], "optout": i["exposure_after_optout"]}
    else:
        # Two classes whose distances from the neutral arm are those of the case.
        def away(d: float) -> list[float]:
            return [0.5 + d, 0.5 - d]

        arms = {"neutral": away(0.0), "personalised": away(i["tv_personalised_vs_neutral"]),
                "optout": away(i["tv_optout_vs_neutral"])}  # fmt: skip
    rows = [
        {"platform_id": "P", "test_id": "T", "tested_on": "2024-05-01", "arm": arm,
         "item": f"i{k}", "exposure_share": share}
        for arm, shares in arms.items() for k, share in enumerate(shares)
    ]  # fmt: skip
    return read(compute({"adm_tests": rows}), "platform_m", feature)


def _complaints(feature: str, i: Inputs) -> Any:
    usual = i.get("mu0", i.get("expected"))
    chart = i.get("counts", [usual] * 7 + [i.get("observed", usual)])
    assert len(chart) == i.get("t", 8) and i.get("lambda", 0.2) == 0.2 and i.get("L", 3) == 3
    monday = date(2024, 1, 1)
    rows = [
        {"complaint_id": f"{w}-{k}", "operator_id": "O", "topic": "privacy",
         "received_on": monday + timedelta(weeks=w)}
        for w, n in enumerate([usual] * 10 + chart) for k in range(n)
    ]  # fmt: skip
    return compute({"complaints": rows}).frames["operator_topic_w"].frame[feature][-1]


def _duties(feature: str, i: Inputs) -> Any:
    assert i["cycle_months"] == 24
    audit = {"operator_id": "O", "event_type": "audit", "date": i["last_audit"],
             "jurisdiction": "CN", "persons_processed": 10_000_001}  # fmt: skip
    context = RunContext(date.fromisoformat(i["as_of"]))
    done = compute_features(
        {"compliance_events": table("compliance_events", [audit])}, None, context
    )
    return row(done, "operator_m")[feature]


ADAPTERS: dict[str, Callable[[str, Inputs], Any]] = {
    "PRIV-OVERCOLLECT": _necessity,
    "PRIV-UNDECLARED-SHARING": _sharing,
    "PRIV-PURPOSE-MISMATCH": _purposes,
    "PRIV-CONSENT-RATE": _consent,
    "PRIV-FORCED-CONSENT": _dialogue,
    "PRIV-DARK-PATTERN": _dialogue,
    "PRIV-WITHDRAWAL": _dialogue,
    "PRIV-PRECONSENT": _preconsent,
    "PRIV-PERMISSION-CREEP": _permissions,
    "PRIV-SDK-FANOUT": _trackers,
    "PRIV-RETENTION": _retention,
    "PRIV-BREACH-UNDERREPORT": _leaks,
    "PRIV-DSAR-DELAY": _delay,
    "PRIV-DSAR-REFUSAL": _refusals,
    "PRIV-MINORS": _minors,
    "PRIV-SENSITIVE": _sensitive,
    "PRIV-XBORDER": _transfers,
    "PRIV-REID": _release,
    "PRIV-COMBINE": _links,
    "PRIV-ADM-OPTOUT": _optout,
    "PRIV-COMPLAINT-SPIKE": _complaints,
    "PRIV-AUDIT-OVERDUE": _duties,
}


def test_every_family_has_a_case_and_features() -> None:
    all_have_cases_and_features(ADAPTERS)


@pytest.mark.parametrize("case", golden_cases(ADAPTERS))
def test_golden_case(case: Inputs) -> None:
    agrees(ADAPTERS[case["typology"]](case["feature"], case["inputs"]), case)
