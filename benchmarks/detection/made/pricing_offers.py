"""Honest offers: independent retailers, merchants of two platforms, baskets and promotions.

Online shops ask different prices for one good; a few keep to the maker's list price. Merchants
mostly ask less where fees are lower; a few ask one price everywhere. Some promotions are shallower
than they look because the good was on offer a month before.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.made.pricing import listings
from benchmarks.detection.schemes import pricing_offers as schemes
from benchmarks.detection.schemes.planting import World

Random = np.random.Generator
BRANDED, RETAILERS, RESALE_WEEKS, RESALE_FROM = 200, 12, 26, date(2026, 3, 2)
MERCHANTS, RANGE, PARITY_MONTHS = 200, 25, 6
HOSTS, SEEN_DAYS, SEEN_FROM = 8, 120, date(2026, 5, 1)
SHOPS, BASKETS, MARKETED = 40, 420, 2
PROMOTED, PROMO_STEPS, PROMO_FROM = 400, 60, date(2026, 5, 1)
COMMISSION = {"big": 0.15, "small": 0.09}


def resale(seed: int) -> dict[str, pl.DataFrame]:
    """Half a year of weekly prices of independent retailers beside the maker's list price."""
    rng = np.random.default_rng([seed, 21])
    shape = (BRANDED, RETAILERS, RESALE_WEEKS)
    listed = np.round(rng.lognormal(3.5, 0.6, (BRANDED, 1, 1)), 0) - 0.01
    loyal = rng.random((BRANDED, RETAILERS, 1)) < rng.uniform(0.05, 0.4, (BRANDED, 1, 1))
    own = rng.uniform(0.78, 1.02, (BRANDED, RETAILERS, 1))
    wave = np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=-1))
    price = np.where(loyal, listed, np.round(listed * own * wave, 1) - 0.01)
    # A few goods have a price fixed by law, like books in some countries.
    price = np.where(rng.random((BRANDED, 1, 1)) < 0.01, listed, price)
    rows = listings(price, RESALE_FROM, 7, "brand").with_columns(
        list_price=pl.Series(np.broadcast_to(listed, shape).reshape(-1)), in_stock=True
    )
    sellers = rows["seller_id"].unique(maintain_order=True)
    ended = rng.random(sellers.len()) < 0.06
    days = [RESALE_FROM + timedelta(days=int(d)) for d in rng.integers(40, 180, sellers.len())]
    events = pl.DataFrame(
        {
            "merchant_id": sellers,
            "event": ["delisted"] * sellers.len(),
            "date": days,
            "sku_id": sellers.str.split("-s").list.first(),
        }
    ).filter(pl.Series(ended))
    return {"listing_prices": rows, "merchant_events": events}


def parity(seed: int) -> dict[str, pl.DataFrame]:
    """Merchants who sell one range on two platforms with different fees, half a year."""
    rng = np.random.default_rng([seed, 22])
    shape = (MERCHANTS, RANGE, PARITY_MONTHS)
    base = rng.lognormal(3, 0.7, (MERCHANTS, RANGE, 1)) * np.exp(rng.normal(0, 0.01, shape))
    uniform = rng.random((MERCHANTS, 1, 1)) < 0.03
    passed = rng.uniform(0.0, 0.8, (MERCHANTS, 1, 1))
    fees = {p: f + rng.normal(0, 0.008, MERCHANTS) for p, f in COMMISSION.items()}
    spread = {p: np.exp(rng.normal(0, 0.03, shape)) for p in COMMISSION}
    names = [f"merchant-{m + 1:03d}" for m in range(MERCHANTS)]
    first = [date(2026, m, 6) for m in range(4, 4 + PARITY_MONTHS)]
    merchant, good, month = (axis.reshape(-1) for axis in np.indices(shape))
    prices, charged, accounts = [], [], []
    for platform, fee in fees.items():
        price = base * (1 + passed * fee[:, None, None]) * spread[platform]
        price = np.where(uniform, base * 1.1, price)
        prices.append(
            pl.DataFrame(
                {
                    "platform_id": [platform] * merchant.size,
                    "sku_id": [f"{names[m]}-{g + 1}" for m, g in zip(merchant, good, strict=True)],
                    "seller_id": [f"{names[m]}-{platform}" for m in merchant],
                    "ts": pl.Series([first[m] for m in month]).cast(pl.Datetime("us", "UTC")),
                    "net_price": np.round(price.reshape(-1), 2),
                    "channel": ["web"] * merchant.size,
                    "currency": ["EUR"] * merchant.size,
                }
            )
        )
        sold = np.round(rng.lognormal(9.5, 0.6, (MERCHANTS, PARITY_MONTHS)), 2)
        charged.append(
            pl.DataFrame(
                {
                    "platform_id": [platform] * sold.size,
                    "merchant_id": np.repeat([f"{n}-{platform}" for n in names], PARITY_MONTHS),
                    "month": [f"{d:%Y-%m}" for d in first] * MERCHANTS,
                    "fee_type": ["commission"] * sold.size,
                    "amount": np.round((sold * fee[:, None]).reshape(-1), 2),
                    "gmv": sold.reshape(-1),
                    "currency": ["EUR"] * sold.size,
                }
            )
        )
        accounts.append(
            pl.DataFrame(
                {
                    "merchant_id": [f"{n}-{platform}" for n in names],
                    "merchant_gid": names,
                    "platform_id": [platform] * MERCHANTS,
                }
            )
        )
    return {
        "merchants": pl.concat(accounts),
        "listing_prices": pl.concat(prices),
        "fees": pl.concat(charged),
    }


def watched(seed: int) -> dict[str, pl.DataFrame]:
    """Merchants of two platforms, how often they are seen a day, and when they undercut one."""
    rng = np.random.default_rng([seed, 23])
    filed = parity(seed)
    accounts = [f"merchant-{m + 1:03d}-big" for m in range(MERCHANTS)]
    hosts = [f"host-{m % HOSTS + 1}" for m in range(MERCHANTS)]
    days = [SEEN_FROM + timedelta(days=d) for d in range(SEEN_DAYS)]
    level = rng.lognormal(6, 0.8, (MERCHANTS, 1))
    wave = np.exp(np.cumsum(rng.normal(0, 0.03, (MERCHANTS, SEEN_DAYS)), axis=1))
    visibility = pl.DataFrame(
        {
            "platform_id": np.repeat(hosts, SEEN_DAYS),
            "merchant_id": np.repeat(accounts, SEEN_DAYS),
            "date": days * MERCHANTS,
            "impressions": rng.poisson(level * wave).reshape(-1),
        }
    )
    hits = rng.random((MERCHANTS, SEEN_DAYS)) < rng.choice([0.0, 0.03, 0.1], (MERCHANTS, 1))
    merchant, day = np.nonzero(hits)
    events = pl.DataFrame(
        {
            "merchant_id": [accounts[m] for m in merchant],
            "platform_id": [hosts[m] for m in merchant],
            "event": ["cheaper_elsewhere"] * merchant.size,
            "date": [days[d] for d in day],
        }
    )
    host = pl.col("seller_id").replace_strict(accounts, hosts, default=None)
    few = filed["listing_prices"].filter(pl.col("sku_id").str.contains("-[1-4]$"))
    return {
        "merchants": filed["merchants"].with_columns(
            platform_id=pl.coalesce(
                pl.col("merchant_id").replace_strict(accounts, hosts, default=None), "platform_id"
            )
        ),
        "listing_prices": few.with_columns(platform_id=pl.coalesce(host, "platform_id")),
        "visibility": visibility,
        "merchant_events": events,
    }


def baskets(seed: int) -> dict[str, pl.DataFrame]:
    """Two months of orders: a main product, and in part of them an add-on people chose."""
    rng = np.random.default_rng([seed, 24])
    rows, offers = [], []
    days = [date(2026, 7, 1) + timedelta(days=d) for d in range(31 * MARKETED)]
    for shop in range(SHOPS):
        name, number = f"shop-{shop + 1:02d}", BASKETS * MARKETED
        rate = rng.uniform(0.3, 0.75)
        when = np.sort(rng.integers(0, len(days), number))
        holds = {"a": np.ones(number, dtype=bool), "b": rng.random(number) < rate,
                 "c": rng.random(number) < 0.2}  # fmt: skip
        extra = rng.integers(0, len(days), number // 4)
        for good, held in holds.items():
            at = np.nonzero(held)[0]
            rows.append(_lines(name, good, [f"{name}-{i}" for i in at], when[at], days))
        rows.append(
            _lines(name, "b", [f"{name}-x{i}" for i in range(extra.size)], extra, days)
        )  # fmt: skip
        offers += [
            pl.DataFrame({"seller_id": [name] * len(days), "sku_id": f"{name}-{good}",
                          "ts": days, "net_price": float(np.round(rng.lognormal(3, 0.5), 2))})
            for good in "abc"
        ]  # fmt: skip
    orders = pl.concat(rows).with_columns(
        platform_id=pl.lit("mall"), ts=pl.col("ts").cast(pl.Datetime("us", "UTC"))
    )
    posted = pl.concat(offers).with_columns(
        platform_id=pl.lit("mall"), ts=pl.col("ts").cast(pl.Datetime("us", "UTC"))
    )
    firms = pl.DataFrame({"firm_id": ["mall"], "jurisdiction": ["CN"], "country": ["CN"]})
    return {"firms": firms, "transactions": orders, "listing_prices": posted}


def _lines(
    shop: str, good: str, orders: list[str], when: np.ndarray, days: list[date]
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "tx_id": [f"{order}-{good}" for order in orders],
            "order_id": orders,
            "seller_id": [shop] * len(orders),
            "sku_id": [f"{shop}-{good}"] * len(orders),
            "ts": [days[d] for d in when],
            "qty": [1.0] * len(orders),
            "addon_preselected": [None if good == "a" else False] * len(orders),
        },
        schema_overrides={"addon_preselected": pl.Boolean},
    )


def promotions(seed: int) -> dict[str, pl.DataFrame]:
    """One promotion of each offer after three months of its usual price; two platforms."""
    rng = np.random.default_rng([seed, 25])
    usual = rng.lognormal(3.5, 0.6, (PROMOTED, 1, 1))
    wave = np.exp(np.cumsum(rng.normal(0, 0.004, (PROMOTED, 1, PROMO_STEPS)), axis=-1))
    asked = np.round(usual * wave, 2)
    begun = rng.integers(40, 52, (PROMOTED, 1, 1))
    step = np.arange(PROMO_STEPS)
    on = (step >= begun) & (step < begun + 6)
    depth = rng.choice([0.1, 0.15, 0.2, 0.25, 0.3, 0.4], (PROMOTED, 1, 1))
    start = np.take_along_axis(asked, begun, axis=2)
    # Some compare with the maker's list price, which they rarely ask; some were on offer lately.
    claimed = start * np.where(rng.random((PROMOTED, 1, 1)) < 0.3, 1.12, 1.0)
    lately = (rng.random((PROMOTED, 1, 1)) < 0.08) & (step >= begun - 12) & (step < begun - 9)
    price = np.where(on, start * (1 - depth), np.where(lately, asked * 0.85, asked))
    rows = listings(price, PROMO_FROM, 2, "offer")
    shown = np.where(on, claimed, price)
    flat = on.reshape(-1)
    place = pl.when(pl.col("sku_id") <= f"offer-{PROMOTED // 2:03d}")
    return {
        "firms": pl.DataFrame({"firm_id": ["mall", "bazaar"], "jurisdiction": ["EU", "CN"]}),
        "listing_prices": rows.with_columns(
            platform_id=place.then(pl.lit("mall")).otherwise(pl.lit("bazaar")),
            list_price=pl.Series(np.round(shown.reshape(-1), 2)),
            promo_id=pl.when(pl.Series(flat)).then(pl.lit("summer sale")),
        ),
    }


WORLDS = (
    World("made resale prices", resale, schemes.resale(8), drawn=True,
          order=("listing_prices", "merchant_events")),
    World("made platform parity", parity, schemes.parity(8), drawn=True,
          order=("merchants", "listing_prices", "fees")),
    World("made parity penalties", watched, schemes.penalties(4), drawn=True,
          order=("merchants", "listing_prices", "visibility", "merchant_events")),
    World("made baskets", baskets, schemes.bundles(8), drawn=True,
          order=("firms", "transactions", "listing_prices")),
    World("made promotions", promotions, schemes.discounts(15), drawn=True,
          order=("firms", "listing_prices")),
)  # fmt: skip
