"""What operators owe: breaches, requests, transfers, retention, filings about themselves."""

from __future__ import annotations

import json
from datetime import date
from random import Random

from tests.features.filings import Filing
from tests.features.world.calendar import FIRST, MONTHS, QUARTERS, ahead, at, named
from tests.features.world.structure import OPERATORS


def rows() -> dict[str, list[Filing]]:
    """Tables of this family."""
    return {
        "breach_notifications": _breaches(),
        "external_leaks": _leaks(),
        "dsar_requests": _requests(),
        "crossborder_transfers": _transfers(),
        "retention_samples": _samples(),
        "released_datasets": _releases(),
        "complaints": _complaints(),
        "compliance_events": _events(),
        "minor_metrics": _minors(),
        "linkage_metrics": _links(),
        "metric_filings": _figures(),
        "vendor_declarations": _vendors(),
        "expected_filings": _calendar(),
    }


def _breaches() -> list[Filing]:
    draw = Random(17)
    found: list[Filing] = []
    for k in range(70):
        aware = ahead(FIRST, 10 * k)
        persons = draw.choice((100, 500, 1000, 5000, draw.randrange(10, 9999)))
        found.append(
            {"incident_id": f"inc{k}", "operator_id": OPERATORS[0] if k % 2 else OPERATORS[k % 6],
             "aware_at": at(aware), "notified_at": None if k % 23 == 0 else at(ahead(aware, k % 6)),
             "users_notified_at": at(ahead(aware, 9)) if k % 3 else None,
             "persons": persons if k % 11 else None, "sensitive_persons": persons // 3,
             "is_ciio": k % 6 == 2, "jurisdiction": ("EU", "CN", "US-CA")[k % 3]}
        )  # fmt: skip
    floods = [
        {"incident_id": f"bulk{k}", "operator_id": OPERATORS[0], "jurisdiction": "EU",
         "aware_at": at(ahead(FIRST, 11 * k)), "notified_at": at(ahead(FIRST, 11 * k + 1)),
         "persons": 100 * (k + 1) if k % 3 == 0 or k > 40 else 131 * (k + 1)}
        for k in range(62)
    ]  # fmt: skip
    return found + floods


def _leaks() -> list[Filing]:
    return [
        {"leak_id": f"leak{k}", "operator_id": OPERATORS[k % 7], "confidence": 0.9 - 0.5 * (k == 9),
         "first_seen": ahead(FIRST, 15 * k), "persons_est": 1000 * k,
         "incident_id": f"inc{k}" if k % 3 == 0 else None}
        for k in range(46)
    ]  # fmt: skip


def _requests() -> list[Filing]:
    draw = Random(18)
    grounds = ("unfounded", "identity", "third parties")
    found: list[Filing] = []
    for k in range(480):
        received = ahead(FIRST, k * 728 // 480)
        days = draw.randrange(3, 70)
        refused = draw.random() < (0.3 if k % 3 == 0 else 0.1)
        found.append(
            {"request_id": f"req{k}", "operator_id": OPERATORS[k % 3], "type": "access",
             "jurisdiction": ("EU", "US-CA", None)[k // 240 if k % 40 else 2],
             "received_on": received, "acked_on": ahead(received, 2), "extended": k % 10 == 0,
             "closed_on": None if k % 9 == 0 else ahead(received, days),
             "outcome": None if k % 9 == 0 else "refused" if refused else "granted",
             "refusal_ground": draw.choice(grounds) if refused and k % 9 else None,
             "fee": 5.0 if k % 12 == 0 else 0.0, "currency": "CNY"}
        )  # fmt: skip
    return found


def _transfers() -> list[Filing]:
    found: list[Filing] = []
    for n, month in enumerate(MONTHS):
        for k, operator in enumerate(OPERATORS[:3]):
            filed = {"operator_id": operator, "date": ahead(month, 3 + k), "jurisdiction": "CN",
                     "recipient": f"host {k}", "country": "US", "data_type": "phone",
                     "persons_new": 9_000 + 400 * k, "sensitive": n % 6 == 5,
                     "important_data": False}  # fmt: skip
            if k == 1:
                filed |= {"mechanism": "standard_contract", "valid_until": date(2025, 6, 30)}
            found.append(filed)
        found.append(
            {"operator_id": OPERATORS[3], "date": ahead(month, 9), "jurisdiction": "US",
             "recipient": "host", "country": "CN", "data_type": "precise_location",
             "persons_new": 150}
        )  # fmt: skip
    split = {"operator_id": OPERATORS[4], "jurisdiction": "CN", "country": "SG"}
    found += [
        split | {"date": date(2024, 8, 6), "recipient": f"part {k}", "data_type": "phone",
                 "persons_new": 95_000}
        for k in range(3)
    ]  # fmt: skip
    return found


def _samples() -> list[Filing]:
    draw = Random(19)
    return [
        {"operator_id": operator, "data_type": kind, "sample_id": f"{operator}{kind}{q}{k}",
         "sampled_on": ahead(q, 20), "age_days": float(draw.randrange(10, 500)),
         "limit_days": 365.0 if kind == "phone" else None, "state": "active",
         "legal_hold": k == 0, "inactive_account": k % 3 == 0}
        for q in QUARTERS for operator in OPERATORS[:2] for kind in ("phone", "health_condition")
        for k in range(8)
    ]  # fmt: skip


def _releases() -> list[Filing]:
    draw = Random(20)
    found: list[Filing] = []
    for n, day in enumerate((date(2024, 4, 2), date(2025, 4, 2))):
        found += [
            {"dataset_id": f"set {n}", "record_no": k, "operator_id": OPERATORS[n],
             "released_on": day,
             "quasi": json.dumps({"age": draw.choice(("20", "30")), "sex": draw.choice("MF")}),
             "sensitive": json.dumps({"illness": draw.choice("xyz")}) if n == 0 else None,
             "records": 1, "population": 5000 if n == 0 else None}
            for k in range(40)
        ]  # fmt: skip
    return found


def _complaints() -> list[Filing]:
    draw = Random(21)
    found: list[Filing] = []
    for week in range(60):
        count = 25 if week in (40, 55) else draw.randrange(2, 7)
        found += [
            {"complaint_id": f"com{week}-{k}", "operator_id": OPERATORS[0], "topic": "privacy",
             "channel": "hotline", "received_on": ahead(MONTHS[4], 7 * week + k % 7),
             "verified": True, "complainant_hash": f"person {draw.randrange(90)}",
             "text_simhash": "aaaa" if k > 20 else f"{draw.getrandbits(64):016x}"}
            for k in range(count)
        ]  # fmt: skip
    return found


def _events() -> list[Filing]:
    plain = {"jurisdiction": "CN", "persons_processed": 12_000_000, "cycle_months": 24}
    found = [
        plain | {"operator_id": operator, "event_type": kind, "date": ahead(FIRST, 40 * k + n)}
        for k, operator in enumerate(OPERATORS[:4])
        for n, kind in enumerate(("audit", "pipia", "minor_audit", "officer_appointed"))
        if (k + n) % 3
    ]
    return found + [
        plain | {"operator_id": o, "event_type": "report", "date": date(2025, 2, 3),
                 "persons_processed": 15_000_000, "data_type": "biometric"}
        for o in OPERATORS[:5]
    ]  # fmt: skip


def _minors() -> list[Filing]:
    return [
        {"operator_id": operator, "month": named(m), "age_band": band, "jurisdiction": "CN",
         "accounts": 500, "guardian_consented": 300 + n, "profiled_ads": 40, "night_push": 12,
         "age_gate_tests": 40, "age_gate_bypassed": 6}
        for n, m in enumerate(MONTHS) for operator in OPERATORS[:3]
        for band in (("under_14",) if operator != OPERATORS[2] else ("children",))
    ]  # fmt: skip


def _links() -> list[Filing]:
    return [
        {"operator_id": OPERATORS[0], "service_a": "mail", "service_b": other, "month": named(m),
         "linked_users": 1000 if other == "maps" else None,
         "linked_without_specific_consent": 50 + n if other == "maps" else None,
         "reprompts": n % 4, "shared_id_flows": 3 * n}
        for n, m in enumerate(MONTHS) for other in ("maps", "video")
    ]  # fmt: skip


def _figures() -> list[Filing]:
    """Yearly and half-yearly figures in three vintages, one changed, one vanished."""
    found: list[Filing] = []
    for operator in OPERATORS[:3]:
        for n, half in enumerate(MONTHS[::6]):
            for v in range(3):
                if operator == OPERATORS[1] and v == 2 and n == 0:
                    continue
                filed = ahead(half, 200 + 90 * v)
                value = 1000.0 + 100 * n + (60.0 * v if operator == OPERATORS[0] else 0.0)
                found.append(
                    {"operator_id": operator, "service_id": "main", "metric": "orders_received",
                     "period_start": half, "period_end": ahead(MONTHS[min(23, 6 * n + 6)], -1)
                     if n < 3 else date(2025, 12, 31), "value": value, "unit": "orders",
                     "filed_on": filed, "vintage": f"{filed:%Y-%m}", "reporter_id": operator}
                )  # fmt: skip
    for operator in OPERATORS[:3]:
        found += [
            {"operator_id": operator, "service_id": "main", "metric": "active_users",
             "period_start": date(2024, 1, 1), "period_end": date(2024, 12, 31), "value": value,
             "unit": "persons", "filed_on": date(2025, 2, 1), "vintage": "2025-02",
             "reporter_id": reporter}
            for reporter, value in ((operator, 1.1e6), ("partner", 1.4e6))
        ]  # fmt: skip
    return found


def _vendors() -> list[Filing]:
    def vendor(
        key: str, filed: date, consent: list[int], interest: list[int], age: float
    ) -> Filing:
        return {
            "framework": "TCF", "vintage": f"v{filed:%y%m}", "vendor_id": key, "name": f"V {key}",
            "purposes": json.dumps(consent), "legitimate_interests": json.dumps(interest),
            "features": json.dumps([1]), "special_features": json.dumps([2] if age > 9e6 else []),
            "cookie_max_age_s": age, "filed_on": filed,
        }  # fmt: skip

    first, second = date(2024, 2, 1), date(2025, 2, 1)
    found = [
        vendor(f"v{k}", day, [1, 2, 3] if day == first else [1, 4], [7] if day == first else [7, 2],
               86_400.0 * (30 if day == first else 400))
        for k in range(4) for day in (first, second)
    ]  # fmt: skip
    return [*found, vendor("v9", second, [1], [], 86_400.0) | {"deleted_on": date(2025, 1, 3)}]


def _calendar() -> list[Filing]:
    return [
        {"operator_id": operator, "filing": "orders_received", "period_start": half,
         "period_end": ahead(half, 180), "due_on": ahead(half, 210), "legal_basis": "DSA art. 24"}
        for operator in OPERATORS[:5] for half in MONTHS[::6]
    ]  # fmt: skip
