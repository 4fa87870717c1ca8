"""Products, prices, costs, probes, clauses and pricing tools of two years."""

from __future__ import annotations

import json
from datetime import date
from random import Random

from tests.features.filings import Filing
from tests.features.world.calendar import FIRST, MONTHS, ahead, at, named

SKUS = ("K1", "K2", "K3")
SHOPS = ("S1", "S2", "S3", "S5", "S6", "S4")
LONG = tuple(date(2023 + k // 12, 1 + k % 12, 1) for k in range(36))
DENSE = (date(2024, 7, 1), 184)
"""Daily prices: from when, how many days."""


def rows() -> dict[str, list[Filing]]:
    """Tables of this family."""
    return {
        "products": [*_products(), *_hits()],
        "listing_prices": [*_weekly(), *_daily(), *_promotions(), *_places(), *_addon(), *_long(),
                           *_copied()],
        "costs": _costs(),
        "price_benchmarks": [
            {"product_id": "K1", "month": named(m), "kind": "region", "benchmark": r,
             "price": 80.0 + k, "currency": "CNY"}
            for m in MONTHS[::4] for k, r in enumerate(("east", "north", "west"))
        ],
        "cost_indexes": [
            {"index_id": "steel", "date": m, "market_id": "M1", "value": 100.0 + k}
            for k, m in enumerate(MONTHS)
        ],
        "price_probes": _probes(),
        "contract_terms": _clauses(),
        "pricing_vendors": _tools(),
        "market_events": [
            {"event_id": "e1", "kind": "campaign", "date": date(2025, 6, 10), "market_id": "M1",
             "platform_id": "P1"},
            {"event_id": "e2", "kind": "meeting", "date": date(2024, 9, 2), "market_id": "M1"},
            {"event_id": "e3", "kind": "campaign", "date": date(2025, 9, 8), "platform_id": "P1"},
        ],
    }  # fmt: skip


def _offer(sku: str, seller: str, day: date, price: float, **more: object) -> Filing:
    filed: Filing = {
        "platform_id": "P1", "sku_id": sku, "seller_id": seller, "channel": "web", "ts": at(day),
        "net_price": price, "list_price": 130.0, "shipping": 0.0, "in_stock": True,
        "currency": "CNY",
    }  # fmt: skip
    return filed | more


def _weekly() -> list[Filing]:
    """Two shops' prices of three products, every Monday but the dense half year's."""
    found: list[Filing] = []
    for i, sku in enumerate(SKUS):
        for s, shop in enumerate(SHOPS[:2]):
            draw, price = Random(f"{sku}{shop}"), 100.0 + i
            for week in range(104):
                day = ahead(FIRST, 7 * week)
                if draw.random() < 0.4:
                    price += draw.choice((-2.0, -1.0, 1.0, 2.0))
                if sku == "K1" and DENSE[0] <= day < ahead(*DENSE):
                    continue
                low = 60.0 if 70 <= week < 76 and s == 0 else price
                found.append(_offer(sku, shop, day, low, in_stock=week % 9 > 0))
    return found


def _daily() -> list[Filing]:
    """K1 day by day: S2 follows S1 two days later, S3 keeps a price, the rest sell at one price."""
    draw, path, price = Random(7), [], 100.0
    first, days = DENSE
    for k in range(days):
        if draw.random() < 0.35:
            price += draw.choice((-1.5, 1.0, 2.0, -1.0))
        path.append(price + (14.0 if k > 60 else 0.0) + draw.choice((0.0, 0.0, 0.01)))
    found = []
    for k in range(days):
        day = ahead(first, k)
        follow = path[max(0, k - 2)] + draw.choice((1.0, 1.0, 1.5))
        shown = {"S1": path[k], "S2": follow, "S3": 120.0}
        shown["S6"] = path[max(0, k - 1)] + 3.0 if k < 64 else shown["S1"] + 2.0
        if k % 7 == 0:
            shown |= dict.fromkeys(SHOPS[3:], 120.0)
        found += [_offer("K1", shop, day, round(p, 2)) for shop, p in shown.items()]
    return found


def _promotions() -> list[Filing]:
    """Sales of K2: one with a raised reference, one after a short history, one plain."""
    found = []
    for n, day in enumerate((date(2024, 6, 1), date(2024, 11, 1), date(2025, 6, 1))):
        found += [
            _offer("K2", "S4", ahead(day, -back), 90.0 + n if back > 10 else 110.0)
            for back in range(5, 46 if n != 1 else 10, 5)
        ]
        sale = {"promo_id": f"sale {n}", "list_price": 160.0}
        found += [_offer("K2", "S4", ahead(day, k), 88.0, **sale) for k in range(3)]
    return found


def _places() -> list[Filing]:
    """Shop S6 offers 24 products on both platforms, in one month dearer on the second."""
    return [
        _offer(f"W{k}", "S6", ahead(month, 3), price, platform_id=place)
        for n, month in enumerate((date(2025, 4, 1), date(2025, 5, 1), date(2025, 6, 1)))
        for k in range(24)
        for place, price in (("P1", 50.0 + k), ("P2", 50.0 + k + (n == 1) * (k % 3)))
    ]


def _addon() -> list[Filing]:
    """The add-on of shop S4 could be bought alone on some days of the month."""
    days = (ahead(date(2024, 5, 1), k) for k in range(20))
    return [_offer("A4", "S4", d, 12.0, in_stock=k % 2 == 0) for k, d in enumerate(days)]


def _long() -> list[Filing]:
    """Three years of one product whose price follows its cost, month by month."""
    draw = Random(22)
    return [
        _offer("K0", "S1", ahead(m, 4), round(80.0 + 0.4 * (k % 5) + 0.2 * k + draw.random(), 2))
        for k, m in enumerate(LONG)
    ]


def _copied() -> list[Filing]:
    """Prices of three hits and of their copies when those came out."""
    return [
        _offer(sku, shop, ahead(date(2024, 2, 1), 3 * k + 51), price)
        for k in range(3) for sku, shop, price in ((f"h{k}", "S2", 30.0), (f"own h{k}", "P1", 24.0))
    ]  # fmt: skip


def _costs() -> list[Filing]:
    """Monthly unit costs of the shops, and of six firms of market M1 by product line."""
    draw = Random(8)
    found = []
    for n, month in enumerate(MONTHS):
        for k, shop in enumerate(("S1", "S2", "S3", "S4")):
            for sku in SKUS[:2] if k < 2 else SKUS[2:]:
                base = 70.0 + k + 0.4 * n + draw.uniform(-1, 1)
                cheap = sku == "K3" or (sku == "K1" and n % 12 == 5)
                unit = 10.0 if cheap else base
                found.append(
                    {"firm_id": shop, "product_id": sku, "month": named(month), "market_id": "M1",
                     "avc": unit, "aac": unit + 2, "atc": unit + 8, "lraic": unit + 9,
                     "unit_cost": unit + 1, "currency": "CNY", "wholesale_price": unit + 20,
                     "retail_price": unit + 30 + k % 3 + n * 0.5 * (k < 2) + draw.random(),
                     "downstream_cost": 14.0,
                     "competitive_return": 0.1 if k == 0 else None}
                )  # fmt: skip
    return found + [
        {"firm_id": "S1", "product_id": "K0", "month": named(m), "currency": "CNY",
         "unit_cost": round(40.0 + 0.3 * k + draw.random(), 2)}
        for k, m in enumerate(LONG)
    ]  # fmt: skip


def _probes() -> list[Filing]:
    """Forty cells of test purchases, new profiles against loyal ones."""
    draw = Random(9)
    found = []
    for cell in range(40):
        day = ahead(date(2025, 2, 1), cell)
        for k, persona in enumerate((("new", "loyal") * 3)[: 6 if cell < 36 else 4]):
            price = 100.0 + (4.0 if persona == "loyal" else 0.0) + draw.choice((0.0, 0.5, 1.0))
            found.append(
                {"platform_id": "P1" if cell < 36 else "P2", "sku_id": "K1", "seller_id": "S1",
                 "bucket": f"cell {cell}", "probe_id": f"{persona}{k}", "ts": at(day),
                 "persona": persona, "member_tier": "gold" if persona == "loyal" else "none",
                 "device": draw.choice(("ios", "android")), "region": "north",
                 "payment": draw.choice(("card", "wallet")), "shown_price": price,
                 "coupon": 2.0 if cell % 5 == 0 else None, "currency": "CNY",
                 "new_user_offer": 3.0 if persona == "new" and cell % 4 == 0 else None,
                 "in_stock": True}
            )  # fmt: skip
    return found


def _clauses() -> list[Filing]:
    since = date(2024, 3, 1)
    rebates = [
        {"contract_id": f"c{k}", "type": "rebate", "firm_id": "S1", "counterparty_id": f"R{k}",
         "market_id": "M1", "product_id": "K1", "list_price": 100.0, "rebate_rate": 0.1 + k / 100,
         "threshold": 1000.0, "purchases": 930.0 + 12 * k, "contestable_share": 0.25,
         "coverage_share": 0.4, "currency": "CNY", "from": since,
         "to": date(2025, 6, 30) if k % 4 == 0 else None}
        for k in range(14)
    ]  # fmt: skip
    plain = {"firm_id": "S1", "market_id": "M1", "currency": "CNY", "from": since}
    return [
        *rebates,
        plain | {"contract_id": "x1", "type": "exclusive", "counterparty_id": "R1"},
        plain | {"contract_id": "p1", "type": "rpm", "counterparty_id": "S3", "product_id": "K1",
                 "list_price": 120.0},
        plain | {"contract_id": "t1", "type": "tying", "firm_id": "S4", "product_id": "K4",
                 "counterparty_id": "R2",
                 "parameters": json.dumps({"tied_product": "A4", "optout_steps": 3})},
        {"contract_id": "p2", "type": "rpm", "firm_id": "S2", "counterparty_id": "S5",
         "market_id": "M1", "product_id": "K2", "from": date(2024, 7, 1)},
        {"contract_id": "p3", "type": "rpm", "firm_id": "S6", "counterparty_id": "S5",
         "market_id": "M1", "product_id": "K3", "from": date(2026, 2, 9)},
        {"contract_id": "p4", "type": "rpm", "firm_id": "S1", "counterparty_id": "S5",
         "market_id": "M1", "product_id": "K1", "from": date(2026, 2, 9)},
    ]  # fmt: skip


def _tools() -> list[Filing]:
    tool = {"market_id": "M1", "vendor": "V", "uses_rival_data": True, "recommendations": 200}
    return [
        tool | {"firm_id": "S1", "from": date(2024, 10, 1), "adopted_unchanged": 180},
        tool | {"firm_id": "S2", "from": date(2025, 4, 1), "adopted_unchanged": 120},
        {"firm_id": "S4", "market_id": "M2", "vendor": "W", "from": date(2024, 2, 1)},
    ]


def _products() -> list[Filing]:
    return [
        {"sku_id": sku, "product_id": f"line {sku}", "market_id": "M1", "category": "tools",
         "brand": "b", "supplier_id": "S1", "seller_id": "S1", "platform_id": "P1",
         "is_own": sku == "K3", "launched_on": FIRST, "weight_g": 450.0}
        for sku in (*SKUS, "K4", "A4")
    ]  # fmt: skip


def _hits() -> list[Filing]:
    """Sixty hits of 2024 with matched controls; own brands copied some of either."""
    found: list[Filing] = []
    for k in range(60):
        day = ahead(date(2024, 2, 1), 2 * k)
        found.append({"sku_id": f"h{k}", "category": "toys", "hit_on": day, "platform_id": "P1",
                      "launched_on": ahead(day, -90)})  # fmt: skip
        found.append({"sku_id": f"n{k}", "category": "toys", "control_for_sku_id": f"h{k}",
                      "platform_id": "P1", "launched_on": ahead(day, -60)})  # fmt: skip
        copied = [f"h{k}"] if k < 15 else [f"n{k}"] if k < 18 else []
        found += [
            {"sku_id": f"own {sku}", "category": "toys", "is_own": True, "platform_id": "P1",
             "copies_sku_id": sku, "copy_similarity": 0.8, "launched_on": ahead(day, 50 + k)}
            for sku in copied
        ]  # fmt: skip
    return found
