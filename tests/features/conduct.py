"""Filings about what one firm does alone: costs, probes, rankings, visibility, merchants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from tests.features.filings import Filing

MONDAY = date(2026, 1, 5)
TRIGGER = date(2026, 3, 1)
SIDE = 28


def instant(day: date) -> datetime:
    """Midnight UTC of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def offer(
    price: float, day: date = MONDAY, seller: str = "S", sku: str = "K", **more: object
) -> Filing:
    """One posted price."""
    filed = {"sku_id": sku, "seller_id": seller, "ts": instant(day), "net_price": float(price)}
    return filed | more


def weekly(prices: Sequence[float], first: date = MONDAY, seller: str = "S") -> list[Filing]:
    """One posted price a week."""
    return [offer(p, first + timedelta(weeks=k), seller) for k, p in enumerate(prices)]


def cost(month: str = "2026-01", firm: str = "S", product: str = "K", **more: object) -> Filing:
    """Unit costs of a firm's product."""
    return {"firm_id": firm, "product_id": product, "month": month} | more


def probes(arms: Mapping[str, Sequence[float]], bucket: str = "b", **more: object) -> list[Filing]:
    """Prices shown to personas in one cell of platform p."""
    return [
        {
            "platform_id": "p", "sku_id": "K", "bucket": bucket, "probe_id": f"{persona}{k}",
            "persona": persona, "shown_price": float(price), "ts": instant(MONDAY),
        } | more
        for persona, prices in arms.items()
        for k, price in enumerate(prices)
    ]  # fmt: skip


def listing(owns: Sequence[bool], query: str = "q", **columns: Sequence[float]) -> list[Filing]:
    """One sampled result list of platform p, from the top."""
    return [
        {
            "platform_id": "p", "query": query, "ts": instant(MONDAY), "rank": k + 1,
            "is_own": bool(own),
        } | {name: float(values[k]) for name, values in columns.items()}
        for k, own in enumerate(owns)
    ]  # fmt: skip


def seen(merchant: str, before: int, after: int, days: int = SIDE) -> list[Filing]:
    """Impressions spread over the days before and from the trigger on."""
    found = []
    for total, sign in ((before, -1), (after, 1)):
        for k in range(days):
            day = TRIGGER + timedelta(days=k if sign > 0 else -1 - k)
            share = total // days + (total % days if k == 0 else 0)
            found.append({"platform_id": "p", "merchant_id": merchant, "date": day,
                          "impressions": share})  # fmt: skip
    return found


def event(
    merchant: str = "T", what: str = "joined_rival", day: date = TRIGGER, **more: object
) -> Filing:
    """Something between a merchant and platform p."""
    return {"merchant_id": merchant, "platform_id": "p", "event": what, "date": day} | more


def statements(merchant: str, demoted: int, total: int) -> list[Filing]:
    """Statements of reasons about a merchant, some of them demotions."""
    words = {True: "DECISION_VISIBILITY_CONTENT_DEMOTED", False: "DECISION_VISIBILITY_OTHER"}
    return [
        {
            "sor_uuid": f"{merchant}{k}", "platform_id": "p", "merchant_gid": merchant,
            "decision_visibility": f'["{words[k < demoted]}"]', "application_date": TRIGGER,
        }
        for k in range(total)
    ]  # fmt: skip


def calls(rival: bool, refused: int, total: int, **more: object) -> list[Filing]:
    """Calls of a month, the first ones denied."""
    return [
        {
            "call_id": f"{rival}{k}", "platform_id": "p", "requester_id": f"r{rival}",
            "ts": instant(TRIGGER + timedelta(days=k % SIDE)), "is_rival": rival,
            "outcome": "denied" if k < refused else "ok",
        } | more
        for k in range(total)
    ]  # fmt: skip


def presence(month: str, multi: int, total: int, **more: object) -> list[Filing]:
    """Merchants active on p, the first ones on q too."""
    homes = [(k, home) for k in range(total) for home in ("p", "q")[: 2 if k < multi else 1]]
    return [
        {"merchant_gid": f"m{k}", "platform_id": home, "month": month, "active": True} | more
        for k, home in homes
    ]


def orders(with_a: int, with_both: int, b_alone: int, neither: int) -> list[Filing]:
    """Orders of a shop: A, A with B, B without A, something else."""
    baskets = (
        ["A"] * (with_a - with_both), ["AB"] * with_both, ["B"] * b_alone, ["Z"] * neither,
    )  # fmt: skip
    return [
        {
            "tx_id": f"{k}{item}", "order_id": f"o{k}", "ts": instant(MONDAY), "seller_id": "S",
            "sku_id": item, "qty": 1.0,
        }
        for k, basket in enumerate(b for part in baskets for b in part)
        for item in basket
    ]  # fmt: skip


def fee(merchant: str, rate: float, month: str = "2026-01", **more: object) -> Filing:
    """One month's fees of a merchant with sales of 10,000."""
    filed = {"platform_id": "p", "merchant_id": merchant, "month": month, "fee_type": "commission"}
    return filed | {"amount": rate * 10_000, "gmv": 10_000.0} | more


def rebate(**more: object) -> Filing:
    """A retroactive rebate of seller S to buyer B."""
    return {
        "contract_id": "C", "type": "rebate", "firm_id": "S", "counterparty_id": "B",
        "product_id": "K", "from": date(2026, 1, 1),
    } | more  # fmt: skip


def hits(copied: int, total: int, controls_copied: int = 0, controls: int = 0) -> list[Filing]:
    """Third parties' hits, their matched controls, and own brands that followed some of both."""
    day = date(2026, 1, 10)
    rows: list[Filing] = [{"sku_id": f"h{k}", "category": "c", "hit_on": day} for k in range(total)]
    rows += [
        {"sku_id": f"n{k}", "category": "c", "control_for_sku_id": f"h{k % total}"}
        for k in range(controls)
    ]
    followed = [f"h{k}" for k in range(copied)] + [f"n{k}" for k in range(controls_copied)]
    return rows + [
        {"sku_id": f"own-{sku}", "category": "c", "is_own": True, "copies_sku_id": sku,
         "launched_on": day + timedelta(days=50)}
        for sku in followed
    ]  # fmt: skip
