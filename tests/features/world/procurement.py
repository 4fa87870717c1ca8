"""Two years of tenders: a market shared by three firms, and an open one beside it."""

from __future__ import annotations

from datetime import date
from random import Random

from tests.features.filings import Filing
from tests.features.world.calendar import FIRST, ahead, at

REGIONS = ("north", "south", "west")
BUYERS = ("B1", "B2", "B3", "B4")
RING = ("F1", "F2", "F3")
OTHERS = ("F4", "F5", "F6", "F7", "F8")
ENTRY = date(2025, 4, 1)
"""When the last of the others bids for the first time."""
TENDERS = 270


def rows() -> dict[str, list[Filing]]:
    """Tables of this family."""
    draw = Random(2)
    found: dict[str, list[Filing]] = {"tenders": [], "bids": [], "subcontracts": []}
    for k in range(TENDERS):
        for name, made in _tender(k, draw).items():
            found[name] += made
    found["limits"] = [
        {"jurisdiction": "CN", "kind": kind, "value": 1000.0, "currency": "CNY", "from": FIRST}
        for kind in ("works", "goods")
    ]
    return found


def _tender(k: int, draw: Random) -> dict[str, list[Filing]]:
    """One tender with its bids; works are rotated by the ring, goods are open."""
    works = k % 5 < 4
    ring = works and k % 2 == 0
    region = REGIONS[k % 3]
    level = draw.choice((96.0, 97.5, 98.0, 99.0, 101.0, 320.0, 14000.0)) * 10
    day = ahead(FIRST, k * 725 // TENDERS)
    rivals = OTHERS if day >= ENTRY else OTHERS[:-1]
    firms = list(RING) if ring else draw.sample(rivals, draw.choice((1, 2, 4, 4, len(rivals))))
    if works and not ring and k % 3 == 0:
        firms.append("F1")
    amounts = {f: round(level * (1 + 0.02 * draw.random() + 0.01 * i), 2)
               for i, f in enumerate(firms)}  # fmt: skip
    winner = RING[k % 3] if ring else min(amounts, key=amounts.__getitem__)
    if ring:
        amounts[winner] = round(0.98 * min(amounts.values()), 2)
    if k % 17 == 5 and len(firms) > 2:
        amounts[firms[1]] = amounts[firms[2]]
    tender = f"T{k:03d}"
    head: Filing = {
        "tender_id": tender, "buyer_id": BUYERS[k % 4], "region": region,
        "category": "works" if works else "goods", "kind": "works" if works else "goods",
        "market_id": "PM1" if works else "PM2",
        "jurisdiction": "CN", "method": "open", "award_rule": "lowest", "currency": "CNY",
        "reserve_price": None if k % 10 == 9 else round(level * 1.04, 2),
        "estimate": level, "published_at": at(ahead(day, -40)), "deadline_at": at(ahead(day, -9)),
        "awarded_at": at(day), "winner_id": winner, "award_value": amounts[winner],
    }  # fmt: skip
    made = {"tenders": [head], "bids": [_bid(k, i, f, amounts, winner, day, draw)
                                        for i, f in enumerate(firms)]}  # fmt: skip
    made["subcontracts"] = []
    if k % 4 == 0 and len(firms) > 1:
        loser = next(f for f in firms if f != winner)
        made["subcontracts"].append(
            {"tender_id": tender, "winner_id": winner, "sub_id": loser, "currency": "CNY",
             "value": round(0.3 * amounts[winner], 2), "signed_on": ahead(day, 20),
             "declared": k % 8 == 0}
        )  # fmt: skip
    return made


def _bid(
    k: int, i: int, firm: str, amounts: dict[str, float], winner: str, day: date, draw: Random
) -> Filing:
    """One bid; those of the ring leave the same traces."""
    together = firm in ("F1", "F2") and k % 4 == 0
    own = f"{firm}-{k}"
    return {
        "tender_id": f"T{k:03d}", "bid_id": f"T{k:03d}-{firm}", "bidder_id": firm,
        "amount": amounts[firm], "currency": "CNY", "won": firm == winner,
        "submitted_at": at(ahead(day, -10), 9, 3 * i, draw.randrange(60)),
        "status": "withdrawn" if firm == "F2" and k % 24 == 12 and firm != winner else "valid",
        "ip_hash": "ip one" if together else f"ip {own}",
        "deposit_account_hash": "account one" if together else f"account {own}",
        "doc_author_hash": "author one" if together else f"author {own}",
        "contact_hash": "contact one" if together else f"contact {own}",
        "project_manager_hash": f"manager {own}",
        "doc_simhash": f"{draw.getrandbits(64):016x}" if not together else "00ff00ff00ff00ff",
    }  # fmt: skip
