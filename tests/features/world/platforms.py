"""What platforms do to their merchants: presence, visibility, fees, ranking, access, renewal."""

from __future__ import annotations

import json
from datetime import date
from random import Random

from tests.features.filings import Filing
from tests.features.world.calendar import MONTHS, ahead, at, named

CROWD = tuple(f"m{k:02d}" for k in range(56))
SEEN = CROWD[:26]
"""Merchants whose impressions are filed."""
TRIGGER = date(2025, 6, 10)
SHOPS = ("S1", "S2", "S3", "S4", "S6")


def rows() -> dict[str, list[Filing]]:
    """Tables of this family."""
    return {
        "merchants": [
            *({"merchant_id": m, "merchant_gid": m, "platform_id": "P1", "is_own": k == 5,
               "is_rival": k % 4 == 0, "category": "tools", "joined_on": date(2023, 6, 1)}
              for k, m in enumerate(CROWD)),
            *({"merchant_id": s, "merchant_gid": s, "firm_id": s, "platform_id": "P1",
               "is_own": False, "is_rival": False, "joined_on": date(2023, 6, 1)} for s in SHOPS),
        ],
        "merchant_presence": _presence(),
        "merchant_events": _events(),
        "visibility": _visibility(),
        "statements_of_reasons": _statements(),
        "fees": _fees(),
        "ranking_samples": _ranking(),
        "api_access": _calls(),
        "subscriptions": _subscriptions(),
    }  # fmt: skip


def _presence() -> list[Filing]:
    """Half the crowd sells on both platforms; after June 2025 three in four of them leave one."""
    found: list[Filing] = []
    for month in MONTHS[12:]:
        for k, merchant in enumerate(CROWD):
            leaves = k % 2 == 1 and k % 8 != 7
            both = k % 2 == 1 and (not leaves or month < date(2025, 7, 1))
            left = ahead(TRIGGER, k % 5) if leaves and month == date(2025, 6, 1) else None
            found += [
                {"merchant_gid": merchant, "platform_id": home, "month": named(month),
                 "active": True, "gmv": 1000.0 + 10 * k, "currency": "CNY", "sku_count": 5 + k,
                 "left_on": left if home == "P2" else None,
                 "exclusive": not both and k % 4 == 0}
                for home in ("P1", "P2")[: 1 + both]
            ]  # fmt: skip
    return found


def _events() -> list[Filing]:
    """Conflicts of some merchants, refused promotions, automatic enrolments, stops of supply."""
    here = {"platform_id": "P1"}
    found: list[Filing] = [
        here | {"merchant_id": "m01", "event": "joined_rival", "date": TRIGGER},
        here | {"merchant_id": "m02", "event": "complained", "date": date(2025, 7, 1)},
        here | {"merchant_id": "m03", "event": "refused_promo", "date": date(2025, 6, 20)},
        here | {"merchant_id": "m04", "event": "cheaper_elsewhere", "date": date(2025, 5, 25)},
        here | {"merchant_id": "S6", "event": "cheaper_elsewhere", "date": date(2025, 5, 20)},
    ]
    found += [
        here | {"merchant_id": m, "event": what, "date": ahead(month, k), "automatic": k % 3 > 0}
        for month in MONTHS[12:18] for m in ("m06", "m07") for k in range(6)
        for what in ("promo_enrolled", "price_changed")
    ]  # fmt: skip
    found += [
        {"merchant_id": shop, "platform_id": "P1", "event": "supply_stopped", "sku_id": "K1",
         "date": date(2024, 9, day)}
        for shop, day in (("S1", 12), ("S2", 14), ("S1", 25))
    ]  # fmt: skip
    return found


def _visibility() -> list[Filing]:
    """Daily impressions around the summer of 2025; conflicts halve them."""
    draw = Random(10)
    cut = {"m01": TRIGGER, "m02": date(2025, 7, 1), "m03": date(2025, 6, 20),
           "S6": date(2025, 5, 20)}  # fmt: skip
    found = []
    for k, merchant in enumerate((*SEEN, "S6")):
        for day in range(84):
            when = ahead(date(2025, 5, 5), day)
            level = 200 + 5 * k
            if merchant in cut and when >= cut[merchant]:
                level //= 2
            if k % 2 == 0 and when >= date(2025, 7, 1):
                level = level * 6 // 10
            found.append(
                {"platform_id": "P1", "merchant_id": merchant, "date": when,
                 "impressions": level + draw.randrange(20), "clicks": 10, "conversions": 1}
            )  # fmt: skip
    return found


def _statements() -> list[Filing]:
    words = {True: "DECISION_VISIBILITY_CONTENT_DEMOTED", False: "DECISION_VISIBILITY_OTHER"}
    draw = Random(11)
    found = []
    for k in range(240):
        merchant = SEEN[k % 12] if k % 2 else SEEN[1 + k % 11]
        rival = int(merchant[1:]) % 4 == 0
        demoted = draw.random() < (0.5 if rival else 0.2)
        day = ahead(MONTHS[16 + k // 60 % 3], k % 28)
        found.append(
            {"sor_uuid": f"sor{k}", "platform_id": "P1", "merchant_gid": merchant,
             "decision_visibility": json.dumps([words[demoted]]), "application_date": day,
             "content_date": day, "created_at": at(day), "category": "SCAMS",
             "automated_detection": True}
        )  # fmt: skip
    return found


def _fees() -> list[Filing]:
    draw = Random(12)
    found = []
    for n, month in enumerate(MONTHS):
        for k, merchant in enumerate(CROWD[:7]):
            rate = 0.05 + 0.002 * k + (0.02 if n >= 12 else 0.0) + draw.uniform(0, 0.001)
            plain = {"platform_id": "P1", "merchant_id": merchant, "month": named(month),
                     "category": "tools", "gmv": 10_000.0, "currency": "CNY",
                     "tariff_version": "v1" if n < 12 else "v2",
                     "announced_on": date(2024, 12, 20) if n >= 12 else date(2023, 12, 1),
                     "effective_on": MONTHS[12] if n >= 12 else MONTHS[0]}  # fmt: skip
            found.append(
                plain | {"fee_type": "commission", "amount": round(rate * 10_000, 2),
                         "in_tariff": True}
            )  # fmt: skip
            if k < 3:
                found.append(
                    plain | {"fee_type": "placement", "amount": 40.0 + k, "in_tariff": False}
                )
        # Shop S6 sells on both platforms and pays more on the first.
        for place, share in (("P1", 0.09), ("P2", 0.05)):
            found.append(
                {"platform_id": place, "merchant_id": "S6", "month": named(month),
                 "fee_type": "commission", "gmv": 20_000.0 + 10 * n, "currency": "CNY",
                 "amount": round(share * 20_000 + draw.uniform(0, 9), 2), "in_tariff": True}
            )  # fmt: skip
    return found


def _ranking() -> list[Filing]:
    """Twenty lists of fifteen places in one month, ten in another; own items a little higher."""
    draw = Random(13)
    found = []
    for query in range(30):
        day = ahead(date(2025, 3, 3) if query < 20 else date(2025, 10, 6), query % 10)
        for rank in range(1, 16):
            own = draw.random() < (0.5 if rank < 6 else 0.2)
            found.append(
                {"platform_id": "P1", "query": f"query {query}", "ts": at(day), "rank": rank,
                 "persona": "plain", "item_id": f"item {query}-{rank}",
                 "seller_id": "P1" if own else SHOPS[rank % 5], "is_own": own,
                 "is_ad": draw.random() < 0.25, "in_box": rank == 1,
                 "relevance": draw.choice((0.6, 0.7, 0.8)) - 0.1 * (rank > 9),
                 "price": draw.choice((20.0, 30.0)), "currency": "CNY",
                 "rating": draw.choice((4.0, 4.5)), "n_reviews": draw.choice((50, 100)),
                 "delivery_days": draw.choice((1.0, 3.0))}
            )  # fmt: skip
    return found


def _calls() -> list[Filing]:
    """Calls of a rival and of others over sixty days; the rival is shut out half way."""
    draw = Random(14)
    found = []
    for k in range(620):
        day = ahead(date(2025, 1, 1), k // 10)
        rival = k % 2 == 0
        denied = draw.random() < ((0.6 if k > 300 else 0.1) if rival else 0.05)
        found.append(
            {"call_id": f"call{k}", "platform_id": "P1", "requester_id": "rival" if rival else "q",
             "ts": at(day, k % 20, k % 60), "is_rival": rival,
             "endpoint": "catalogue" if k % 8 < 2 else "link",
             "outcome": "denied" if denied else "ok",
             "reason": "quota" if denied and k % 4 == 0 else None,
             "latency_ms": draw.uniform(80, 120) * (3 if rival else 1)}
        )  # fmt: skip
    return found


def _subscriptions() -> list[Filing]:
    return [
        {"platform_id": p, "month": named(m), "plan_id": "gold", "starts": 50,
         "renewals": 40 + k if p == "P1" else 3, "renewal_notices": 20, "renewals_unused": 8,
         "cancels": 5, "refund_requests": 3, "steps_subscribe": 2, "steps_cancel": 7}
        if p == "P1"
        else {"platform_id": p, "month": named(m), "plan_id": "gold", "renewals": 3}
        for p in ("P1", "P2") for k, m in enumerate(MONTHS)
    ]  # fmt: skip
