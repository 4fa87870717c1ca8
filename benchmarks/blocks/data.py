"""Made-up orders of a year as twelve Parquet files in the canonical form, one per month."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from features.contracts import INSTANT, RECORDED_AT, conform

SELLERS, USERS, PRODUCTS, PLATFORMS, MARKET_SIZE = 50_000, 1_000_000, 10_000, 40, 50
SEED = 20260101
YEAR = 2025
ORDERS = "transactions-*.parquet"


def write(rows: int, folder: Path) -> None:
    """Writes the files unless a complete set of that size lies there."""
    done = folder / f"{rows}.done"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):
        old.unlink()
    draw = np.random.default_rng(SEED)
    names = _Names()
    shops = _Shops(draw)
    size = rows // 12
    for month in range(1, 13):
        count = size if month < 12 else rows - 11 * size
        orders = _orders(draw, names, shops, month, (month - 1) * size, count)
        known = pl.lit(datetime(YEAR + 1, 1, 2, tzinfo=UTC)).cast(INSTANT).alias(RECORDED_AT)
        canonical = conform("transactions", orders).with_columns(known).collect()
        canonical.write_parquet(folder / f"transactions-{month:02}.parquet")
    markets = (pl.int_range(PRODUCTS, eager=True) // MARKET_SIZE).cast(pl.String)
    products = pl.DataFrame({"sku_id": names.products, "market_id": "M" + markets})
    conform("products", products).collect().write_parquet(folder / "products.parquet")
    done.touch()


class _Names:
    """Ids as a regulator sees them; persons as keyed hashes of 32 hex digits."""

    def __init__(self) -> None:
        digests = (hashlib.blake2b(str(i).encode(), digest_size=16) for i in range(USERS))
        self.persons = pl.Series([d.hexdigest() for d in digests])
        self.sellers = pl.Series([f"S{i:05}" for i in range(SELLERS)])
        self.products = pl.Series([f"K{i:05}" for i in range(PRODUCTS)])
        self.platforms = pl.Series([f"P{i:02}" for i in range(PLATFORMS)])


class _Shops:
    """Who sells how much of what and where: large and small shops on one to four platforms."""

    def __init__(self, draw: np.random.Generator) -> None:
        weight = draw.lognormal(0, 1, SELLERS)
        self.heaped = np.cumsum(weight) / weight.sum()
        self.first = draw.integers(0, PRODUCTS, SELLERS)
        self.width = draw.integers(1, 40, SELLERS)
        self.homes = draw.integers(0, PLATFORMS, (SELLERS, 4))
        self.n_homes = draw.choice([1, 2, 3, 4], SELLERS, p=[0.55, 0.25, 0.12, 0.08])
        self.price = np.round(np.exp(draw.normal(3.5, 1, PRODUCTS)), 2) + 1


def _orders(
    draw: np.random.Generator, names: _Names, shops: _Shops, month: int, first: int, count: int
) -> pl.DataFrame:
    """The orders of a month, in the order of time; one in twenty buyers also sells."""
    seller = np.searchsorted(shops.heaped, draw.random(count))
    product = (shops.first[seller] + draw.integers(0, shops.width[seller])) % PRODUCTS
    starts = datetime(YEAR, month, 1, tzinfo=UTC)
    ends = datetime(YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    seconds = np.sort(draw.integers(int(starts.timestamp()), int(ends.timestamp()), count))
    pieces = draw.integers(1, 5, count)
    gross = np.round(shops.price[product] * draw.uniform(0.8, 1.25, count), 2) * pieces
    discount = np.round(gross * draw.uniform(0, 0.2, count), 2)
    home = shops.homes[seller, draw.integers(0, shops.n_homes[seller])]
    return pl.DataFrame(
        {
            "tx_id": pl.int_range(first, first + count, eager=True).cast(pl.String),
            "ts": pl.Series(seconds * 1_000_000).cast(INSTANT),
            "platform_id": names.platforms.gather(home),
            "buyer_hash": names.persons.gather(draw.integers(0, USERS, count)),
            "seller_id": names.sellers.gather(seller),
            "seller_hash": names.persons.gather(seller),
            "sku_id": names.products.gather(product),
            "qty": pieces.astype(float),
            "gross": gross.round(2),
            "discount": discount,
            "net": (gross - discount).round(2),
            "currency": "EUR",
        }
    )
