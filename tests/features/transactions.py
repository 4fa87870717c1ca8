"""Small made-up orders, reviews, invoices and transfers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests.features.filings import Filing


def at(day: date) -> datetime:
    """Noon of a day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def order(key: str, day: date, **more: Any) -> Filing:
    """An order of one shop, its buyer known by the order's own key."""
    filed = {"tx_id": key, "ts": at(day), "seller_id": "s", "buyer_hash": f"b{key}"}
    return filed | {"sku_id": "k", "net": 10.0} | more


def review(key: str, day: date, **more: Any) -> Filing:
    """A review of one item."""
    return {"review_id": key, "item_id": "i", "ts": at(day)} | more


def flow(key: str, payer: str, payee: str, day: str, amount: float, **more: Any) -> Filing:
    """A transfer at noon."""
    ends = {"flow_id": key, "from_id": payer, "to_id": payee}
    return {**ends, "ts": f"{day}T12:00:00Z", "amount": float(amount)} | more


def invoice(key: str, seller: str, buyer: str, **more: Any) -> Filing:
    """An invoice line for one piece of one item, issued on 1 March 2024."""
    filed: Filing = {
        "invoice_id": key, "seller_id": seller, "buyer_id": buyer, "item_code": "x", "qty": 1.0,
        "issued": date(2024, 3, 1),
    }  # fmt: skip
    numbers = {k: float(v) if k in ("amount", "unit_price") else v for k, v in more.items()}
    return filed | numbers
