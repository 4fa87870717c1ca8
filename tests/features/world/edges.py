"""Filings that say too little: the cases in which features are unknown, and say why."""

from __future__ import annotations

import json
from datetime import date

from tests.features.filings import Filing
from tests.features.world.calendar import TODAY, ahead, at

SPRING = date(2024, 5, 6)


def rows() -> dict[str, list[Filing]]:
    """Further rows of many tables."""
    found: dict[str, list[Filing]] = {}
    for part in (_procurement(), _structure(), _trade(), _prices(), _platforms(), _privacy()):
        for name, filed in part.items():
            found[name] = found.get(name, []) + filed
    return found


def _procurement() -> dict[str, list[Filing]]:
    """A market of few tenders: one bidder, a direct award, no traces, a pair alone, a lone year."""
    head = {"buyer_id": "B9", "region": "east", "category": "services", "market_id": "PM3",
            "jurisdiction": "CN", "currency": "CNY", "kind": "services"}  # fmt: skip
    tenders: list[Filing] = [
        head | {"tender_id": "E1", "method": "open", "awarded_at": at(SPRING), "winner_id": "F9"},
        head | {"tender_id": "E2", "method": "direct", "awarded_at": at(SPRING),
                "winner_id": "F9", "published_at": at(ahead(SPRING, -9)),
                "deadline_at": at(SPRING, 9)},
        head | {"tender_id": "E0", "method": "open", "awarded_at": at(date(2023, 11, 6)),
                "winner_id": "F9"},
        head | {"tender_id": "E3", "method": "open", "awarded_at": at(ahead(SPRING, 40))},
        *(head | {"tender_id": f"E{k}", "method": "open", "awarded_at": at(ahead(SPRING, 30 * k))}
          for k in range(10, 14)),
    ]  # fmt: skip
    bidders = {"E1": ("F9",), "E2": ("F9",), "E3": ("F4", "F5"), "E0": ("F9",)}
    bidders |= {f"E{k}": ("F10", "F11") for k in range(10, 14)}
    bids: list[Filing] = [
        {"tender_id": t, "bidder_id": f, "bid_id": f"{t}-{f}", "amount": 500.5 + k,
         "currency": "CNY"}
        for t, firms in bidders.items() for k, f in enumerate(firms)
    ]  # fmt: skip
    for bid, trace in ((2, "ip_hash"), (3, "contact_hash")):
        bids[bid][trace] = f"only {trace}"
    subs = [{"tender_id": "E2", "winner_id": "F9", "sub_id": "F4", "value": 100.0,
             "currency": "CNY", "signed_on": ahead(SPRING, 9)}]  # fmt: skip
    return {"tenders": tenders, "bids": bids, "subcontracts": subs}


def _structure() -> dict[str, list[Filing]]:
    """A market with neither all shares nor all values, and figures in dollars for 2026."""
    half = {"market_id": "M5", "period": "2024", "metric": "turnover", "currency": "CNY"}
    dollars = {"market_id": "M4", "metric": "turnover", "currency": "USD"}
    firms = ("S2", "S3")
    return {
        "market_positions": [
            half | {"firm_id": "S1", "share": 0.4},
            half | {"firm_id": "S2", "value": 1000.0},
            *(dollars | {"firm_id": f, "period": year, "value": 6e6}
              for f in firms for year in ("2025", "2026")),
        ],
        "firm_years": [
            {"firm_id": f, "year": 2026, "capital": 6e7, "currency": "USD"} for f in firms
        ],
    }  # fmt: skip


def _trade() -> dict[str, list[Filing]]:
    """Orders for nothing, a bundle nobody explains, reviews without content, bare invoices."""
    free: list[Filing] = [
        {"tx_id": f"free {a}", "ts": at(date(2024, 4, 9)), "platform_id": "P1", "seller_id": a,
         "seller_hash": f"seller {a}", "buyer_hash": f"seller {b}", "sku_id": "K1", "qty": 1.0,
         "gross": 0.0, "net": 0.0, "currency": "CNY"}
        for a, b in (("W1", "W2"), ("W2", "W1"))
    ]  # fmt: skip
    bundle: list[Filing] = [
        {"tx_id": f"u{k}{item}", "ts": at(ahead(date(2025, 2, 2), k % 25)), "platform_id": "P1",
         "seller_id": "S4", "seller_hash": "seller S4", "sku_id": item, "qty": 1.0, "net": 10.0,
         "gross": 10.0, "currency": "CNY", "order_id": f"cart u{k}", "buyer_hash": f"other {k}"}
        for k in range(100) for item in ("K4", "A4")
    ]  # fmt: skip
    line = {"line_id": "1", "currency": "CNY", "qty": 1.0, "issued": SPRING}
    return {
        "transactions": free + bundle,
        "reviews": [{"review_id": "blank", "platform_id": "P1", "item_id": "K9", "ts": at(SPRING)}],
        "invoices": [
            line | {"invoice_id": "bare", "seller_id": "S2", "buyer_id": "R20",
                    "item_code": "pallet", "unit_price": 7.0, "amount": 7.0},
            line | {"invoice_id": "gift", "seller_id": "S3", "buyer_id": "S4", "amount": 0.0,
                    "item_code": "rare", "unit_price": 5.0, "issued": date(2024, 8, 5)},
        ],
    }  # fmt: skip


def _prices() -> dict[str, list[Filing]]:
    """A sale without a past, a lonely probe, a hit nobody copied, a clause without figures."""
    offer = {"platform_id": "P1", "sku_id": "K9", "seller_id": "S4", "channel": "web"}
    return {
        "listing_prices": [
            offer | {"ts": at(SPRING), "net_price": 9.0, "promo_id": "sudden", "currency": "CNY"},
            offer | {"ts": at(SPRING), "net_price": 0.0, "list_price": 0.0, "promo_id": "gift",
                     "sku_id": "K8", "currency": "CNY"},
        ],
        "products": [
            {"sku_id": "hit", "category": "books", "hit_on": SPRING, "launched_on": SPRING},
            {"sku_id": "like", "category": "books", "control_for_sku_id": "hit"},
        ],
        "costs": [
            {"firm_id": "S4", "product_id": "K9", "market_id": "M2", "month": f"2024-0{k}",
             "unit_cost": 5.0, "retail_price": 9.0, "currency": "CNY"}
            for k in (1, 2, 3)
        ],
        "price_probes": [
            {"platform_id": "P3", "sku_id": "K1", "bucket": "alone", "probe_id": "1",
             "persona": "new", "shown_price": 9.0, "ts": at(SPRING), "currency": "CNY"}
        ],
        "contract_terms": [
            {"contract_id": "c90", "type": "rebate", "firm_id": "S5", "counterparty_id": "R1",
             "product_id": "K5", "list_price": 10.0, "from": SPRING, "currency": "CNY"}
        ],
    }  # fmt: skip


def _platforms() -> dict[str, list[Filing]]:
    """The second platform: a rival alone, two paid places, two calls, acts of one kind."""
    here = {"platform_id": "P2"}
    events = (("m08", "promo_enrolled"), ("m09", "price_changed"))
    return {
        "statements_of_reasons": [
            here | {"sor_uuid": f"lonely{k}", "merchant_gid": "m00", "application_date": SPRING,
                    "decision_visibility": json.dumps(["DECISION_VISIBILITY_OTHER"])}
            for k in range(5)
        ],
        "visibility": [
            here | {"merchant_id": "m00", "date": ahead(SPRING, k), "impressions": 150}
            for k in range(40)
        ],
        "merchant_events": [
            here | {"merchant_id": m, "event": what, "date": SPRING, "automatic": True}
            for m, what in events
        ],
        "ranking_samples": [
            here | {"query": "shoes", "ts": at(SPRING), "rank": k, "item_id": f"paid {k}",
                    "is_own": False, "is_ad": True}
            for k in (1, 2)
        ],
        "api_access": [
            here | {"call_id": f"few {rival}", "requester_id": "r", "ts": at(SPRING),
                    "is_rival": rival, "endpoint": "link", "outcome": "ok"}
            for rival in (True, False)
        ],
    }  # fmt: skip


def _privacy() -> dict[str, list[Filing]]:
    """Notices without a moment, requests without a day, dialogues in which nobody clicked."""
    return {
        "breach_notifications": [
            {"incident_id": "bare", "operator_id": "O8", "notified_at": at(SPRING), "persons": 50}
        ],
        "dsar_requests": [
            {"request_id": "undated", "operator_id": "O7", "type": "access"},
            {"request_id": "fresh", "operator_id": "O7", "type": "access",
             "received_on": ahead(TODAY, -1)},
        ],
        "expected_filings": [
            {"operator_id": "O1", "filing": "orders_received", "period_start": date(2026, 1, 1),
             "period_end": date(2026, 3, 30), "due_on": date(2026, 6, 30)}
        ],
        "consent_metrics": [
            {"app_id": "a04", "period": "2024-05", "refuse_price": 4.0, "arpu": 0.0,
             "currency": "CNY", "clicks_accept": 0, "clicks_reject": 2, "refusing_users": 0,
             "prompts_after_refusal": 3, "steps_give": 0, "steps_withdraw": 2}
        ],
        "metric_filings": [
            {"operator_id": "O6", "metric": "orders_received", "period_start": date(2024, 1, 1),
             "period_end": date(2024, 6, 30), "value": 5.0, "filed_on": date(2024, 8, 1),
             "vintage": "2024-08", "reporter_id": "O6"}
        ],
        "retention_samples": [
            {"operator_id": "O4", "data_type": "email", "sample_id": "1", "sampled_on": SPRING,
             "age_days": 5.0, "state": "active"}
        ],
        "crossborder_transfers": [
            {"operator_id": "O5", "date": date(2025, 3, 3), "jurisdiction": "CN", "country": "SG",
             "recipient": "part 0", "data_type": "phone"}
        ],
    }  # fmt: skip
