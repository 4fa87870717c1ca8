"""Apps: what they declare, what they send, what they ask for, how they ask for consent."""

from __future__ import annotations

from datetime import date
from random import Random

from tests.features.filings import Filing
from tests.features.world.calendar import MONTHS, ahead, at, named
from tests.features.world.structure import OPERATORS

MAIN = ("a01", "a02", "a03", "a04")
CROWD = tuple(f"a{k:02d}" for k in range(5, 29))
"""Small apps of one kind, there as peers."""
WORDS = ("phone", "precise_location", "contacts_list", "biometric", "device_id", "email")
RELEASES = {"1": date(2023, 12, 5), "2": date(2024, 8, 5), "3": date(2025, 2, 5)}
FLOWS = (date(2024, 9, 2), "2")
"""Day and version of the main apps whose traffic was measured."""


def rows() -> dict[str, list[Filing]]:
    """Tables of this family."""
    found = {
        "apps": _apps(),
        "data_declarations": _declared(),
        "observed_flows": _flows(),
        "data_type_map": [
            {"taxonomy": t, "source_type": w, "data_type": w}
            for t in ("store", "traffic") for w in WORDS
        ],
        "permission_scans": _scans(),
        "sdk_inventory": _kits(),
        "consent_metrics": _consent(),
        "adm_tests": _tests(),
    }  # fmt: skip
    for name in ("data_declarations", "permission_scans", "sdk_inventory"):
        for row in found[name]:
            row["recorded_at"] = at(ahead(RELEASES[row["version"]], 40))
    return found


def _apps() -> list[Filing]:
    found = [
        {"app_id": a, "version": v, "operator_id": OPERATORS[k], "app_type": kind,
         "released_at": at(day), "directed_to_children": False}
        for k, (a, kind) in enumerate(zip(MAIN, ("browser", "news", None, "browser"), strict=True))
        for v, day in RELEASES.items()
    ]  # fmt: skip
    return found + [
        {"app_id": a, "version": "1", "operator_id": OPERATORS[k % 8], "app_type": "browser",
         "released_at": at(date(2024, 3, 1 + k))}
        for k, a in enumerate(CROWD)
    ]  # fmt: skip


def _declared() -> list[Filing]:
    purposes = ("analytics", "fraud prevention", "ads", "app functionality", None, "core")
    found: list[Filing] = []
    for n, app in enumerate(MAIN):
        for v in RELEASES:
            found += [
                {"app_id": app, "version": v, "taxonomy": "store", "data_type": word,
                 "purpose": purposes[k], "recipient": "Google" if k % 2 else None,
                 "required": k % 2 == 0, "sensitive": word == "biometric",
                 "separate_consent": k == 1, "retention_days": 365.0, "linkage": "linked",
                 "recipient_country": "US"}
                for k, word in enumerate(WORDS[: 5 - (n % 2)])
            ]  # fmt: skip
    found += [
        {"app_id": app, "version": "1", "taxonomy": "store", "data_type": word, "required": k < 8}
        for k, app in enumerate(CROWD[:22])
        for word in WORDS[: 1 + k % 4]
    ]
    nothing = {"app_id": CROWD[22], "version": "1", "taxonomy": "store", "data_type": "*"}
    return [*found, nothing | {"declared": False}]


def _flows() -> list[Filing]:
    """Two sets of sixty sessions: before the choice, and after refusing."""
    draw = Random(15)
    hosts = ("x.doubleclick.net", "own.example", "app.adjust.com", "nobody.example")
    day, version = FLOWS
    found: list[Filing] = []
    for n, app in enumerate(MAIN[:2]):
        for k in range(130):
            phase = (
                ("pre_choice", "refused")[k % 2] if k < 120 else ("accepted", "withdrawn")[k % 2]
            )
            word = draw.choice(WORDS)
            found.append(
                {"app_id": app, "version": version, "session": f"{app}-{k}",
                 "ts": at(ahead(day, k % 20), k % 24, k % 60), "phase": phase,
                 "taxonomy": "traffic", "data_type": "device_id" if k % 10 == 0 else word,
                 "domain": hosts[(k + n) % 4], "recipient": "broker" if k % 7 == 0 else None,
                 "purpose_observed": draw.choice(("ads", "security", "analytics", "??")),
                 "country": draw.choice(("US", "CN", "DE")), "bytes": 100 + k, "identified": True}
            )  # fmt: skip
        for session in range(6):
            found += [
                {"app_id": app, "version": version, "session": f"{app}-w{session}",
                 "ts": at(ahead(date(2024, 10, 3), late), 8), "phase": "withdrawn",
                 "taxonomy": "traffic", "data_type": "email", "domain": "own.example"}
                for late in (0, 3)
            ]  # fmt: skip
    alone = {"app_id": CROWD[0], "version": "1", "session": "s", "ts": at(date(2024, 5, 5))}
    found.append(alone | {"taxonomy": "traffic", "data_type": "email", "phase": "accepted"})
    return found


def _scans() -> list[Filing]:
    wanted = {"1": ("CAMERA", "LOCATION"), "2": ("CAMERA", "LOCATION", "CONTACTS", "SMS")}
    return [
        {"app_id": app, "version": v, "permission": p, "protection_level": "dangerous",
         "in_changelog": p == "CONTACTS", "used_at_runtime": p != "SMS", "os_level": "14"}
        for app in MAIN[:3] for v, asked in wanted.items() for p in asked
    ]  # fmt: skip


def _kits() -> list[Filing]:
    kinds = ("ads", "analytics", "login", "crash")
    return [
        {"app_id": app, "version": "1", "sdk_id": f"kit {j}", "category": kinds[j % 4],
         "declared": j % 3 > 0, "active": j % 5 > 0, "domain": f"k{j}.example",
         "recipient": f"org {j}", "country": ("US", "CN")[j % 2]}
        for k, app in enumerate((*MAIN, *CROWD)) for j in range(1 + k % 7)
    ]  # fmt: skip


def _consent() -> list[Filing]:
    """Monthly counts of three apps in two languages, and one month of the crowd."""
    draw = Random(16)
    found: list[Filing] = []
    for app in MAIN[:3]:
        for n, month in enumerate(MONTHS):
            for locale in ("zh", "en"):
                accepted = 1500 + draw.randrange(100) + (300 if locale == "en" else 0)
                found.append(
                    {"app_id": app, "period": named(month), "locale": locale,
                     "banner_class": "wall", "shown": 2000, "accepted": accepted, "refused": 80,
                     "clicks_accept": 1, "clicks_reject": 3 + n % 2, "prechecked": n % 4,
                     "first_layer_reject": n % 3 == 0,
                     "contrast_accept": 9.0, "contrast_reject": 3.0,
                     "prompts_after_refusal": 60 + n, "refusing_users": 50,
                     "denied_after_refusal": 8, "refuse_price": 4.0, "arpu": 2.0,
                     "currency": "CNY", "withdrawn": 60, "flows_after_withdrawal": 6,
                     "withdrawal_latency_h": 20.0 + n, "service_cut": n % 5 == 0,
                     "steps_give": 1, "steps_withdraw": 3}
                )  # fmt: skip
    return found + [
        {"app_id": app, "period": named(month), "locale": "zh", "banner_class": "wall",
         "app_type": "browser", "shown": 900 if k else 20, "accepted": 600 + 5 * k if k else 15}
        for k, app in enumerate(CROWD[:8]) for month in MONTHS[6:9]
    ]  # fmt: skip


def _tests() -> list[Filing]:
    shares = {"personalised": (0.7, 0.2, 0.1), "optout": (0.6, 0.25, 0.15),
              "neutral": (0.34, 0.33, 0.33)}  # fmt: skip
    found: list[Filing] = []
    for n, day in enumerate((date(2024, 5, 6), date(2025, 5, 6))):
        found += [
            {"platform_id": "P1", "test_id": f"test {n}", "arm": arm, "item": f"class {k}",
             "tested_on": day, "exposures": round(600 * share), "half": half,
             "optout_available": True}
            for arm, split in shares.items() for k, share in enumerate(split) for half in "ab"
        ]  # fmt: skip
    few = {"platform_id": "P2", "test_id": "few", "tested_on": date(2025, 3, 3), "exposures": 5}
    return [*found, *(few | {"arm": a, "item": "class 0"} for a in shares)]
