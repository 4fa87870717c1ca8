"""Orders, reviews, invoices and transfers of two years."""

from __future__ import annotations

from datetime import date
from random import Random

from tests.features.filings import Filing
from tests.features.world.calendar import FIRST, MONTHS, QUARTERS, ahead, at
from tests.features.world.structure import SELLERS

BUYERS = tuple(f"person {k}" for k in range(40))


def rows() -> dict[str, list[Filing]]:
    """Tables of this family."""
    return {
        "transactions": [*_orders(), *_burst(), *_baskets(), *_circle()],
        "users": [
            {"user_hash": b, "platform_id": "P1", "joined_on": ahead(FIRST, 9 * k - 200),
             "tenure_band": "new" if k > 20 else "old", "region": "north"}
            for k, b in enumerate(BUYERS)
        ],
        "reviews": _reviews(),
        "invoices": _invoices(),
        "fund_flows": _transfers(),
    }  # fmt: skip


def _order(key: str, day: date, seller: str, sku: str, net: float, **more: object) -> Filing:
    filed: Filing = {
        "tx_id": key, "ts": at(day), "platform_id": "P1", "seller_id": seller,
        "seller_hash": f"seller {seller}", "sku_id": sku, "qty": 1.0, "gross": net + 1.5,
        "discount": 1.5, "net": net, "currency": "CNY", "order_id": f"basket {key}",
    }  # fmt: skip
    return filed | more


def _orders() -> list[Filing]:
    """Steady sales of two shops, some imposed promotions below cost."""
    draw = Random(3)
    return [
        _order(
            f"x{k}", ahead(FIRST, k * 728 // 500), SELLERS[k % 2], ("K1", "K2", "K3")[k % 3],
            round(draw.uniform(7, 14), 2), buyer_hash=BUYERS[draw.randrange(40)],
            device_hash=f"device {draw.randrange(60)}", address_hash=f"place {draw.randrange(60)}",
            payer_account_hash=f"payer {draw.randrange(60)}", parcel_weight_g=500.0,
            item_weight_g=450.0, promo_mandated=k % 4 == 0, promo_id="push" if k % 4 == 0 else None,
            refund_at=at(ahead(FIRST, k * 728 // 500 + 3)) if k % 25 == 0 else None,
        )
        for k in range(500)
    ]  # fmt: skip


def _burst() -> list[Filing]:
    """A day of brushed orders of shop S3 after four quiet weeks, with imposed promotions."""
    day, draw = date(2025, 3, 18), Random(4)
    quiet = [
        _order(f"q{w}-{k}", ahead(day, -7 * w), "S3", "K3", 12.0, buyer_hash=BUYERS[k])
        for w in range(1, 6) for k in range(3)
    ]  # fmt: skip
    loud = [
        _order(
            f"l{k}", day, "S3", "K3", round(draw.uniform(5, 20), 2), buyer_hash=f"fresh {k}",
            device_hash="farm" if k < 20 else f"device {k}", address_hash=f"place {k}",
            parcel_weight_g=0.0 if k < 15 else 500.0, promo_mandated=True,
        )
        for k in range(40)
    ]  # fmt: skip
    return quiet + loud


def _baskets() -> list[Filing]:
    """Orders of shop S4 of one month in which K4 comes with an add-on."""
    sold = (("K4", "A4"),) * 120 + (("K4",),) * 10 + (("A4",),) * 10 + (("Z4",),) * 110
    return [
        _order(
            f"b{k}{item}", ahead(date(2024, 5, 2), k % 25), "S4", item, 10.0,
            order_id=f"cart {k}", buyer_hash=BUYERS[k % 40],
            addon_preselected=item == "A4" and k < 30,
        )
        for k, items in enumerate(sold) for item in items
    ]  # fmt: skip


def _circle() -> list[Filing]:
    """Three sellers who buy from each other, month after month."""
    ring = ("S1", "S2", "S3")
    return [
        _order(
            f"c{m:%y%m}{seller}{n}", ahead(m, 4 + n), seller, "K1", 20.0 + n,
            buyer_hash=f"seller {ring[(k + 1) % 3]}",
        )
        for m in MONTHS[::3] for k, seller in enumerate(ring) for n in range(2)
    ]  # fmt: skip


def _reviews() -> list[Filing]:
    draw = Random(5)
    burst = 300
    found: list[Filing] = []
    for k in range(420):
        loud = k >= 390
        day = ahead(FIRST, burst) if loud else ahead(FIRST, burst - 60 + k // 4)
        rating = 5.0 if loud else float(draw.choice((1, 3, 4, 5)))
        found.append(
            {"review_id": f"r{k}", "platform_id": "P1", "item_id": "K1" if k % 8 else "K2",
             "seller_id": "S1", "reviewer_hash": f"critic {draw.randrange(80)}", "ts": at(day),
             "rating": rating, "verified": k % 3 > 0, "reviewer_total": 1 if loud else 4,
             "text_simhash": "ffff0000ffff0000" if loud else f"{draw.getrandbits(64):016x}",
             "suppressed": rating < 3 and k % 2 == 0}
        )  # fmt: skip
    return found


def _invoices() -> list[Filing]:
    """Wholesale of S2 and S5 to ten buyers; S6 is in the group of S5."""
    draw = Random(6)
    buyers = (*(f"R{k}" for k in range(1, 10)), "S6", "S1")
    found: list[Filing] = []
    for q in QUARTERS:
        for k in range(44):
            seller, buyer = ("S2", "S5")[k % 2], buyers[k % 11]
            issued = ahead(q, 2 * k)
            paid = ahead(issued, draw.choice((20, 40, 75, 90)))
            qty = float(5 + k % 7)
            price = round(draw.uniform(9.0, 11.0) * (1.3 if buyer in ("R1", "S6") else 1.0), 2)
            found.append(
                {"invoice_id": f"I{q:%y%m}-{k}", "line_id": "1", "seller_id": seller,
                 "buyer_id": buyer if k < 36 else "R1", "market_id": "M1",
                 "item_code": "box" if seller == "S5" else "crate",
                 "qty": qty, "unit_price": price, "discount": 0.5 if k % 5 == 0 else 0.0,
                 "amount": round(qty * price, 2), "currency": "CNY", "volume_band": "small",
                 "region": "north", "delivered": issued, "issued": issued,
                 "due": ahead(issued, 45), "paid": None if k % 13 == 0 else paid,
                 "terms_days": 45 if k % 2 else 60, "disputed": k % 20 == 0,
                 "related_disclosed": buyer != "S6"}
            )  # fmt: skip
            if k >= 8:
                continue
            found.append(
                found[-1] | {"invoice_id": f"J{q:%y%m}-{k}", "seller_id": "S6" if k % 2 else "S1",
                             "buyer_id": "S5" if k % 2 else "R1", "related_disclosed": None}
            )  # fmt: skip
    bulk = [
        found[0] | {"invoice_id": f"L{k}", "buyer_id": "R1", "issued": ahead(date(2025, 4, 1), k),
                    "delivered": ahead(date(2025, 4, 1), k), "due": ahead(date(2025, 5, 20), k),
                    "paid": ahead(date(2025, 6, 1), 2 * k)}
        for k in range(40)
    ]  # fmt: skip
    return found + bulk


def _transfers() -> list[Filing]:
    """Money that comes back: directly, over a third, and several times over."""
    found: list[Filing] = []
    for n, month in enumerate(MONTHS[::2]):
        legs = [("S1", "S2", 0, 1000.0), ("S2", "S1", 5, 998.0)]
        if n % 2:
            legs = [("S3", "S4", 1, 500.0), ("S4", "R1", 4, 480.0), ("R1", "S3", 9, 450.0)]
        found += [
            {"flow_id": f"f{n}-{k}", "from_id": a, "to_id": b, "ts": at(ahead(month, day)),
             "amount": amount + n, "currency": "CNY", "purpose": "goods", "item_class": "crate"}
            for k, (a, b, day, amount) in enumerate(legs)
        ]  # fmt: skip
    return found
