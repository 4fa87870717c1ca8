"""Honest books of firms and buyers: transfers, invoices, awards.

Some honest subjects are a little odd: deposits paid back, pooled cash, trade both ways, group
prices with a reason, budgets that end at a limit, buyers who pay slowly.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.made.platforms import after, numbered
from benchmarks.detection.schemes import trading_books
from benchmarks.detection.schemes.planting import World

LIMIT = trading_books.LIMIT
FLOWS_FROM = datetime(2025, 9, 1, tzinfo=UTC)


def transfers(seed: int) -> dict[str, pl.DataFrame]:
    """A year of payments down a chain of trade in four tiers, some of it both ways.

    25 deposits come back whole, once; two groups of three pool their cash week by week.
    """
    rng = np.random.default_rng(seed)
    tier, days, each = 60, 365, 18
    name = numbered("XF", 4 * tier)
    payer = np.repeat(np.arange(3 * tier), 4)
    payee = (payer // tier + 1) * tier + rng.integers(0, tier, payer.size)
    size = np.exp(rng.normal(10, 0.8, payer.size))
    parts = [_paid(rng, name[payer], name[payee], size, rng.uniform(0, days, (each, payer.size)))]
    both = rng.choice(payer.size, 30, replace=False)
    parts.append(_paid(rng, name[payee[both]], name[payer[both]], 0.6 * size[both],
                       rng.uniform(0, days, (10, both.size))))  # fmt: skip
    held = rng.choice(payer.size, 25, replace=False)
    amount, given = np.exp(rng.normal(10, 0.5, 25)), rng.uniform(0, days - 90, 25)
    back = given + rng.uniform(20, 80, 25)
    parts += [_rows(name[payer[held]], name[payee[held]], amount, given),
              _rows(name[payee[held]], name[payer[held]], amount, back)]  # fmt: skip
    for head in (5, 25):
        for member in (head + 1, head + 2):
            week = np.arange(0.0, days - 8, 7)
            pooled = np.exp(rng.normal(9, 0.5, week.size))
            own, top = np.full(week.size, name[member]), np.full(week.size, name[head])
            parts += [_rows(own, top, pooled, week), _rows(top, own, pooled, week + 3)]
    return {"fund_flows": pl.concat(parts).with_row_index("flow_id").with_columns(
        flow_id=pl.format("flow-{}", "flow_id"))}  # fmt: skip


def _paid(rng: np.random.Generator, payer: np.ndarray, payee: np.ndarray, size: np.ndarray,
          day: np.ndarray) -> pl.DataFrame:  # fmt: skip
    amount = size * np.exp(rng.normal(0, 0.5, day.shape))
    each = day.shape[0]
    return _rows(np.tile(payer, each), np.tile(payee, each), amount.ravel(), day.ravel())


def _rows(payer: np.ndarray, payee: np.ndarray, amount: np.ndarray,
          day: np.ndarray) -> pl.DataFrame:  # fmt: skip
    return trading_books.flows(
        payer.tolist(), payee.tolist(), amount.tolist(),
        [FLOWS_FROM + timedelta(days=float(d)) for d in day],
    )  # fmt: skip


def relations(seed: int) -> dict[str, pl.DataFrame]:
    """A year of invoices among 240 firms; a hundred buyers also buy from a firm of their owner.

    Related firms trade near the market price and say so; one pair in twenty has terms of its own.
    """
    rng = np.random.default_rng(seed)
    sellers, buyers, items = 120, 120, 40
    price = np.exp(rng.normal(4, 1, items))
    cheap = rng.normal(0, 0.05, sellers)
    buyer = np.repeat(np.arange(buyers), 12 * 5)
    seller = np.repeat(rng.integers(0, sellers, buyers * 12), 5)
    pair = np.arange(100)
    mother = rng.integers(0, sellers, pair.size)
    buyer = np.concatenate([buyer, np.repeat(pair, 8)])
    seller = np.concatenate([seller, np.repeat(mother, 8)])
    kin = np.zeros((sellers, buyers), dtype=bool)
    kin[mother, pair] = True
    related = kin[seller, buyer]
    item = (seller * 3 + rng.integers(0, 3, seller.size)) % items
    terms = np.where(pair % 20 == 6, rng.choice([-0.3, 0.3], pair.size), 0.0)
    own = np.zeros((sellers, buyers))
    own[mother, pair] = terms
    paid = price[item] * np.exp(cheap[seller] + rng.normal(0, 0.05, item.size) + own[seller, buyer])
    qty = rng.integers(1, 20, item.size) * np.where(related, 2, 1) * np.exp(4 - np.log(price[item]))
    names = numbered("QS", sellers), numbered("QB", buyers)
    lines = pl.DataFrame({
        "invoice_id": numbered("QI", item.size), "seller_id": names[0][seller],
        "buyer_id": names[1][buyer], "item_code": numbered("QX", items)[item],
        "qty": np.ceil(qty), "unit_price": paid.round(2),
        "issued": after(date(2025, 1, 2), rng.integers(0, 360, item.size)),
        "related_disclosed": related,
    }).with_columns(currency=pl.lit("EUR"))  # fmt: skip
    held = pl.DataFrame({
        "owner_id": names[0][mother], "owned_id": names[1][pair],
        "pct": rng.uniform(25, 100, pair.size).round(1), "from": [date(2020, 1, 1)] * pair.size,
    })  # fmt: skip
    return {"firms": pl.DataFrame({"firm_id": np.concatenate(names)}), "ownership": held,
            "invoices": lines}  # fmt: skip


def awards(seed: int) -> dict[str, pl.DataFrame]:
    """Sixty buyers with 150 to 700 awards a year from eighty suppliers each.

    Three buyers have fifteen budgets that end just below the limit.
    """
    rng = np.random.default_rng(seed)
    buyers = 60
    number = np.clip(np.exp(rng.normal(5.8, 0.35, buyers)), 150, 700).astype(np.int64)
    buyer = np.repeat(np.arange(buyers), number)
    value = np.exp(rng.normal(12.4, 0.9, buyer.size))
    for odd in (11, 31, 51):
        value[np.flatnonzero(buyer == odd)[:15]] = LIMIT * rng.uniform(0.96, 0.999, 15)
    days = rng.integers(0, 330, buyer.size)
    supplier = [f"WS-{b:02d}-{s}" for b, s in zip(
        buyer, rng.integers(0, 80, buyer.size), strict=True)]  # fmt: skip
    rows = pl.DataFrame(
        {
            "tender_id": numbered("WT", buyer.size),
            "buyer_id": numbered("WB", buyers)[buyer],
            "winner_id": supplier,
            "award_value": value.round(2),
            "awarded_at": after(date(2025, 1, 6), days).cast(pl.Datetime("us", "UTC")),
        }
    ).with_columns(jurisdiction=pl.lit("CN"), kind=pl.lit("goods"), currency=pl.lit("CNY"))
    limits = {"jurisdiction": ["CN"], "kind": ["goods"], "value": [LIMIT], "currency": ["CNY"],
              "from": [date(2020, 1, 1)]}  # fmt: skip
    return {"limits": pl.DataFrame(limits), "tenders": rows}


def payments(seed: int) -> dict[str, pl.DataFrame]:
    """A year of invoices to a hundred large buyers, paid in about five weeks; four buyers in seven.

    One invoice in fifty is disputed.
    """
    rng = np.random.default_rng(seed)
    buyers, suppliers, span, each = 100, 300, 4, 45
    buyer, quarter, _ = (i.ravel() for i in np.indices((buyers, span, each)))
    supplier = rng.integers(0, suppliers, buyer.size)
    first = 91 * quarter + rng.integers(0, 90, buyer.size)
    usual = np.where(np.arange(buyers) % 25 == 8, 50.0, 36.0)[buyer]
    waits = (usual * np.exp(rng.normal(0, 0.28, buyer.size))).round()
    begin = date(2025, 4, 1)
    lines = pl.DataFrame({
        "invoice_id": numbered("YI", buyer.size), "seller_id": numbered("YS", suppliers)[supplier],
        "buyer_id": numbered("YB", buyers)[buyer],
        "amount": np.exp(rng.normal(9, 0.8, buyer.size)).round(2),
        "delivered": after(begin, first), "issued": after(begin, first + 2),
        "paid": after(begin, first + waits), "terms_days": np.full(buyer.size, 30),
        "disputed": rng.random(buyer.size) < 0.02,
    }).with_columns(currency=pl.lit("CNY"))  # fmt: skip
    sizes = np.where(np.arange(suppliers) % 10 == 0, "large", "small")
    firms = pl.DataFrame({
        "firm_id": np.concatenate([numbered("YB", buyers), numbered("YS", suppliers)]),
        "size_class": np.concatenate([np.full(buyers, "large"), sizes]),
    }).with_columns(country=pl.lit("CN"))  # fmt: skip
    return {"firms": firms, "invoices": lines}


WORLDS: tuple[World, ...] = (
    World("transfers", transfers, trading_books.round_trips(10), True, ("fund_flows",)),
    *(World("related firms", relations, (one,), True, ("firms", "ownership", "invoices"))
      for one in trading_books.relations(12)),
    World("awards", awards, trading_books.splits(10), True, ("limits", "tenders")),
    World("payments", payments, trading_books.delays(12), True, ("firms", "invoices")),
)  # fmt: skip
