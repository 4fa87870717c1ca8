"""Who is in the small world: firms, owners, officers, markets, positions and deals."""

from __future__ import annotations

import json
from datetime import date
from random import Random

from tests.features.filings import Filing
from tests.features.world.calendar import MONTHS, QUARTERS

BIDDERS = tuple(f"F{k}" for k in range(1, 9))
SELLERS = tuple(f"S{k}" for k in range(1, 7))
OPERATORS = tuple(f"O{k}" for k in range(1, 9))
PLATFORMS = ("P1", "P2")
GROUPS = {"F6": "G-F", "F7": "G-F", "S5": "G-S", "S6": "G-S", "O1": "G-O", "O2": "G-O"}
MARKETS = ("M1", "M2")
SIZES = ("large", "small", "medium")


def rows() -> dict[str, list[Filing]]:
    """Tables of this family."""
    return {
        "firms": _firms(),
        "firm_years": _firm_years(),
        "ownership": _ownership(),
        "officers": _officers(),
        "markets": [
            {"market_id": m, "version": "1", "product": f"goods of {m}", "valid_from": MONTHS[0]}
            for m in MARKETS
        ],
        "market_positions": _positions(),
        "merger_notifications": _deals(),
        "deal_parties": _parties(),
    }


def _firms() -> list[Filing]:
    return [
        {
            "firm_id": firm, "name": f"Firm {firm}", "group_id": GROUPS.get(firm),
            "country": "CN" if k % 3 else "DE", "size_class": SIZES[k % 3],
            "turnover_world": 1e8 * (k + 1), "turnover_domestic": 5e7 * (k + 1),
            "currency": "CNY", "year": 2023, "is_ciio": firm == "O3",
            "is_gatekeeper": firm == "O1", "jurisdiction": "CN" if k % 2 else "EU",
            "market_cap": 3e8 * (k + 1), "member_states": 3 + k, "active_users": 1_000_000 * k,
            "address_hash": "home" if firm in ("S1", "S2") else f"home {firm}",
        }
        for k, firm in enumerate((*BIDDERS, *SELLERS, *OPERATORS, *PLATFORMS))
    ]  # fmt: skip


def _firm_years() -> list[Filing]:
    sizes = {"O1": 1.0, "O3": 0.4, "O4": None}
    return [
        {
            "firm_id": firm, "year": year, "service_id": "main",
            "turnover_eu": None if size is None else size * 8e9,
            "market_cap": None if size is None else size * 8e10, "currency": "EUR",
            "turnover_world": 2e10, "member_states": 3,
            "active_users": None if size is None else int(size * 5e7),
            "business_users": None if size is None else int(size * 12_000),
        }
        for firm, size in sizes.items()
        for year in (2022, 2023, 2024, 2025)
    ]  # fmt: skip


def _ownership() -> list[Filing]:
    held = (("F9", "F1", 12.0), ("F9", "F2", 15.0), ("F9", "S1", 8.0), ("F9", "S2", 30.0))
    rows = [
        {"owner_id": a, "owned_id": b, "pct": pct, "from": date(2023, 5, 1)} for a, b, pct in held
    ]
    parent = {"owner_id": "S3", "owned_id": "S4", "pct": 60.0, "from": date(2024, 6, 1)}
    return [*rows, parent | {"to": date(2025, 6, 30)}]


def _officers() -> list[Filing]:
    seats = (("S1", "a"), ("S2", "a"), ("S2", "b"), ("S3", "b"), ("S3", "c"), ("S4", "d"))
    rows = [
        {"firm_id": f, "person_hash": f"person {p}", "role": "director", "from": date(2023, 9, 1)}
        for f, p in seats
    ]
    rows[1]["to"] = date(2024, 12, 31)
    return rows


def _positions() -> list[Filing]:
    draw = Random(1)
    found: list[Filing] = []
    for market, weights in (("M1", (60, 24, 12, 8, 3, 3)), ("M2", (30, 28, 22, 10, 6, 4))):
        spans = [str(y) for y in (2022, 2023, 2024, 2025)]
        spans += [f"{q.year}-Q{(q.month + 2) // 3}" for q in QUARTERS]
        for span in spans:
            size = [w * draw.uniform(0.9, 1.1) for w in weights]
            whole = sum(size) * 1.03
            found += [
                {
                    "market_id": market, "firm_id": firm, "period": span, "metric": "turnover",
                    "value": round(s * 1e6), "share": round(s / whole, 4), "currency": "CNY",
                }
                for firm, s in zip(SELLERS, size, strict=True)
            ]  # fmt: skip
    users = [
        {
            "market_id": "apps", "firm_id": firm, "period": str(year), "metric": "active_users",
            "value": 1_000_000.0 * (k + 1),
        }
        for year in (2023, 2024, 2025) for k, firm in enumerate(OPERATORS)
    ]  # fmt: skip
    alone = {"market_id": "M3", "firm_id": "S1", "period": "2024", "metric": "units"}
    return [*found, *users, alone | {"share": 0.4}]


def _deals() -> list[Filing]:
    both = json.dumps(["M1", "M2"])
    plain = {"jurisdiction": "CN", "currency": "CNY", "acquirer_id": "S1"}
    return [
        {"deal_id": "D6", "acquirer_id": "F4", "target_id": "F5", "jurisdiction": "CN",
         "signed_on": date(2024, 12, 2), "deal_value": 3e8, "currency": "CNY"},
        plain | {"deal_id": "D1", "target_id": "S5", "signed_on": date(2024, 3, 10),
                 "notified_on": date(2024, 4, 1), "cleared_on": date(2024, 7, 1),
                 "implemented_on": date(2024, 6, 1), "deal_value": 9e8,
                 "overlap_market_ids": both, "overlap_similarity": 0.8,
                 "discontinued_on": date(2025, 1, 15)},
        plain | {"deal_id": "D2", "target_id": "S6", "signed_on": date(2024, 9, 2),
                 "implemented_on": date(2024, 11, 1), "deal_value": 4e8,
                 "overlap_market_ids": json.dumps(["M1"]), "overlap_similarity": 0.3},
        plain | {"deal_id": "D3", "target_id": "S4", "signed_on": date(2025, 5, 5),
                 "implemented_on": date(2025, 8, 1), "notified_on": date(2025, 5, 20),
                 "cleared_on": date(2025, 7, 1), "overlap_market_ids": both},
        {"deal_id": "D4", "acquirer_id": "O1", "target_id": "O5", "jurisdiction": "EU",
         "signed_on": date(2025, 2, 1), "notified_on": date(2025, 3, 1), "deal_value": 7e8,
         "currency": "EUR", "overlap_market_ids": json.dumps(["M9"])},
        {"deal_id": "D5", "acquirer_id": "O2", "target_id": "O6", "jurisdiction": "US",
         "signed_on": date(2026, 2, 19), "implemented_on": date(2026, 3, 2), "deal_value": 6e8,
         "currency": "USD"},
    ]  # fmt: skip


def _parties() -> list[Filing]:
    sides = {"D1": ("S1", "S5"), "D2": ("S1", "S6"), "D3": ("S1", "S4"), "D4": ("O1", "O5"),
             "D5": ("O2", "O6"), "D6": ("F4", "F5")}  # fmt: skip
    coin = {"D4": "EUR", "D5": "USD"}
    found: list[Filing] = []
    for deal, (buyer, target) in sides.items():
        plain = {"deal_id": deal, "currency": coin.get(deal, "CNY"), "fy": 2023}
        found.append(
            plain | {"party_id": buyer, "role": "acquirer", "turnover_world": 2e10,
                     "turnover_domestic": 8e9, "turnover_eu": 6e9, "assets": 3e10}
        )  # fmt: skip
        found.append(
            plain | {"party_id": target, "role": "target", "turnover_world": 9e8,
                     "turnover_domestic": 8.5e8, "turnover_eu": 3e8, "assets": 4e8,
                     "active_users": 900_000, "users_year_before": 500_000}
        )  # fmt: skip
    found[3] |= {"users_year_before": None, "turnover_world": None, "turnover_domestic": None}
    return found
