"""Honest filings about what one firm does alone: its tools, costs, benchmarks, probes, invoices.

Spreads are those of ordinary trade: margins that wander, promotions of a week or two below cost,
sellers who leave, dear brands, first-order offers, buyers with terms of their own.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.made.pricing import listings
from benchmarks.detection.schemes import pricing_conduct as schemes
from benchmarks.detection.schemes.planting import World

MARKETS, FIRMS, TOOL_MONTHS = 300, 6, 21
GOODS, RIVALS, WEEKS, FIRST_WEEK = 300, 4, 52, date(2025, 9, 29)
DEAR, DEAR_SELLERS, REGIONS, FIRST_MONTH = 120, 3, 5, date(2024, 10, 7)
INTEGRATED, RETAIL_MONTHS = 200, 18
PLATFORMS, PROBED, BUCKETS, ARM = 100, 8, 4, 3
ITEMS, BUYERS, POOL, TOWNS, NEAR = 400, 16, 400, 50, 8


def months(first: int, number: int) -> list[str]:
    """Months in a row, from that many months after the year 2000 began."""
    return [f"{2000 + m // 12}-{m % 12 + 1:02d}" for m in range(first, first + number)]


def tools(seed: int) -> dict[str, pl.DataFrame]:
    """Markets of six firms: shares, costs and prices, and the pricing tools some of them use."""
    rng = np.random.default_rng([seed, 11])
    names = [f"m-{m + 1:03d}" for m in range(MARKETS)]
    firms = [f"{m}-f{k + 1}" for m in names for k in range(FIRMS)]
    number = MARKETS * FIRMS
    market = np.repeat(names, FIRMS)
    share = rng.dirichlet(np.full(FIRMS, 4.0), MARKETS).reshape(-1)
    quarters = [f"{y}-Q{q}" for y in (2025, 2026) for q in range(1, 5)][:7]
    positions = pl.DataFrame(
        {
            "market_id": np.tile(market, len(quarters)),
            "firm_id": firms * len(quarters),
            "period": np.repeat(quarters, number),
            "metric": ["turnover"] * (number * len(quarters)),
            "share": np.round(np.tile(share, len(quarters)), 4),
        }
    )
    shape = (number, TOOL_MONTHS)
    shared = np.cumsum(rng.normal(0, 0.02, (MARKETS, TOOL_MONTHS)), axis=1).repeat(FIRMS, axis=0)
    cost = rng.lognormal(3, 0.5, MARKETS).repeat(FIRMS)[:, None] * np.exp(shared)
    drift = np.cumsum(rng.normal(0, 0.02, shape), axis=1) + rng.normal(0, 0.04, shape)
    margin = cost[:, :1] * rng.uniform(0.15, 0.3, (number, 1)) * np.exp(drift)
    costs = pl.DataFrame(
        {
            "firm_id": np.repeat(firms, TOOL_MONTHS),
            "product_id": np.repeat(market, TOOL_MONTHS),
            "month": months(300, TOOL_MONTHS) * number,
            "market_id": np.repeat(market, TOOL_MONTHS),
            "unit_cost": np.round(cost.reshape(-1), 4),
            "retail_price": np.round((cost + margin).reshape(-1), 4),
        }
    )
    used = rng.random(number) < np.repeat(rng.random(MARKETS) < 0.4, FIRMS) * 0.45
    begun = rng.integers(90, 540, number)
    vendors = pl.DataFrame(
        {
            "firm_id": firms,
            "market_id": market,
            "vendor": [f"tool-{v}" for v in rng.integers(1, 6, number)],
            "from": [date(2025, 1, 1) + timedelta(days=int(d)) for d in begun],
            "uses_rival_data": rng.random(number) < 0.03,
        }
    ).filter(pl.Series(used))
    return {"market_positions": positions, "costs": costs, "pricing_vendors": vendors}


def below_cost(seed: int) -> dict[str, pl.DataFrame]:
    """A year of weekly offers with costs: promotions, launches and clearances below cost."""
    rng = np.random.default_rng([seed, 12])
    shape = (GOODS, RIVALS, WEEKS)
    line = months(308, 13)
    days = [FIRST_WEEK + timedelta(days=7 * w) for w in range(WEEKS)]
    at = np.array([line.index(day.strftime("%Y-%m")) for day in days])
    shared = np.cumsum(rng.normal(0, 0.01, (GOODS, 1, len(line))), axis=-1)
    own = rng.normal(0, 0.04, (GOODS, RIVALS, 1))
    avc = rng.lognormal(3, 0.6, (GOODS, 1, 1)) * np.exp(shared + own)
    margin = rng.uniform(1.25, 1.7, (GOODS, RIVALS, 1))
    price = avc[..., at] * margin * np.exp(rng.normal(0, 0.02, shape))
    week = np.arange(WEEKS)
    deal = rng.random(shape) < 0.01
    deal[..., 1:] |= deal[..., :-1] & (rng.random((GOODS, RIVALS, WEEKS - 1)) < 0.5)
    launch = (rng.random((GOODS, RIVALS, 1)) < 0.03) & (week < rng.integers(4, 8, (GOODS, 1, 1)))
    ends = WEEKS - rng.integers(6, 13, (GOODS, 1, 1))
    cleared = (rng.random((GOODS, RIVALS, 1)) < 0.03) & (week >= ends)
    low = deal | launch | cleared
    price = np.where(low, avc[..., at] * rng.uniform(0.8, 1.0, shape), price)
    gone = rng.random((GOODS, RIVALS, 1)) < 0.04
    left = gone & (week >= rng.integers(12, WEEKS, (GOODS, RIVALS, 1)))
    rows = listings(price, FIRST_WEEK, 7, "good").with_columns(
        in_stock=pl.Series(~left.reshape(-1)),
        promo_id=pl.when(pl.Series(cleared.reshape(-1))).then(pl.lit("season clearance")),
    )
    sellers = rows["seller_id"].unique(maintain_order=True)
    number = GOODS * RIVALS
    costs = pl.DataFrame(
        {
            "firm_id": np.repeat(sellers.to_numpy(), len(line)),
            "product_id": np.repeat(rows["sku_id"].unique(maintain_order=True).to_numpy(),
                                    RIVALS * len(line)),
            "month": line * number,
            "avc": np.round(avc.reshape(-1), 4),
            "atc": np.round(avc.reshape(-1) * 1.2, 4),
            "currency": ["EUR"] * (number * len(line)),
        }
    )  # fmt: skip
    return {"listing_prices": rows, "costs": costs}


def benchmarks(seed: int) -> dict[str, pl.DataFrame]:
    """Two years of offers beside the prices of five regions; the first seller filed its costs."""
    rng = np.random.default_rng([seed, 13])
    line, times = months(297, 24), 26
    days = [FIRST_MONTH + timedelta(days=28 * t) for t in range(times)]
    at = np.array([line.index(day.strftime("%Y-%m")) for day in days])
    path = np.exp(np.cumsum(rng.normal(0.002, 0.01, (DEAR, len(line))), axis=1))
    cost = rng.lognormal(3, 0.6, (DEAR, 1)) * path
    level = rng.lognormal(0, 0.18, (DEAR, DEAR_SELLERS, 1))
    noise = np.exp(rng.normal(0, 0.03, (DEAR, DEAR_SELLERS, times)))
    rows = listings(1.4 * cost[:, None, at] * level * noise, FIRST_MONTH, 28, "good")
    skus = rows["sku_id"].unique(maintain_order=True).to_numpy()
    region = rng.lognormal(0, 0.12, (DEAR, 1, REGIONS))
    compared = 1.4 * cost[:, :, None] * region
    compared = compared * np.exp(rng.normal(0, 0.03, (DEAR, len(line), REGIONS)))
    filed = pl.DataFrame(
        {
            "product_id": np.repeat(skus, len(line) * REGIONS),
            "month": np.tile(np.repeat(line, REGIONS), DEAR),
            "kind": ["region"] * (DEAR * len(line) * REGIONS),
            "benchmark": [f"region {r + 1}" for r in range(REGIONS)] * (DEAR * len(line)),
            "price": np.round(compared.reshape(-1), 4),
            "currency": ["EUR"] * (DEAR * len(line) * REGIONS),
        }
    )
    costs = pl.DataFrame(
        {
            "firm_id": np.repeat([f"{s}-s1" for s in skus], len(line)),
            "product_id": np.repeat(skus, len(line)),
            "month": line * DEAR,
            "unit_cost": np.round(cost.reshape(-1), 4),
            "currency": ["EUR"] * (DEAR * len(line)),
        }
    )
    return {"listing_prices": rows, "price_benchmarks": filed, "costs": costs}


def wholesale(seed: int) -> dict[str, pl.DataFrame]:
    """Firms that sell to rivals and to consumers: retail and wholesale prices, downstream cost."""
    rng = np.random.default_rng([seed, 14])
    shape = (INTEGRATED, RETAIL_MONTHS)
    usual = np.where(rng.random(INTEGRATED) < 0.03, 0.02, rng.normal(0.15, 0.05, INTEGRATED))
    left = np.maximum(usual, 0.02)[:, None] + rng.normal(0, 0.012, shape)
    retail = rng.lognormal(3, 0.5, (INTEGRATED, 1)) * np.exp(rng.normal(0, 0.01, shape))
    downstream = retail * rng.uniform(0.15, 0.3, (INTEGRATED, 1))
    offered = np.where(rng.random(shape) < 0.015, retail * 0.85, retail)
    names = [f"line-{n + 1:03d}" for n in range(INTEGRATED)]
    costs = pl.DataFrame(
        {
            "firm_id": np.repeat([f"{n}-owner" for n in names], RETAIL_MONTHS),
            "product_id": np.repeat(names, RETAIL_MONTHS),
            "month": months(303, RETAIL_MONTHS) * INTEGRATED,
            "wholesale_price": np.round((retail * (1 - left) - downstream).reshape(-1), 4),
            "downstream_cost": np.round(downstream.reshape(-1), 4),
            "retail_price": np.round(offered.reshape(-1), 4),
            "currency": ["EUR"] * (INTEGRATED * RETAIL_MONTHS),
        }
    )
    return {"costs": costs}


def probes(seed: int) -> dict[str, pl.DataFrame]:
    """Paired test purchases of one month: three new and three loyal profiles a cell."""
    rng = np.random.default_rng([seed, 15])
    shape = (PLATFORMS, PROBED, BUCKETS, 2 * ARM)
    base = rng.lognormal(4, 0.6, (PLATFORMS, PROBED, 1, 1)) * np.ones(shape)
    moving = rng.random((*shape[:3], 1)) < 0.3
    price = base * np.where(moving, np.exp(rng.normal(0, 0.015, shape)), 1.0)
    loyal = np.broadcast_to(np.arange(2 * ARM) >= ARM, shape)
    kind = rng.random((PLATFORMS, 1, 1, 1))
    offer = np.where((kind < 0.4) & ~loyal, np.round(price * 0.05, 2), 0.0)
    price = np.where((kind > 0.96) & loyal, price * 0.97, price)
    coupon = np.where(rng.random(shape) < 0.1, np.round(price * 0.04, 2), 0.0)
    platform, sku, bucket, arm = (axis.reshape(-1) for axis in np.indices(shape))
    rows = pl.DataFrame(
        {
            "platform_id": [f"shop-{p + 1:03d}" for p in platform],
            "sku_id": [f"shop-{p + 1:03d}-{s + 1}" for p, s in zip(platform, sku, strict=True)],
            "seller_id": [f"shop-{p + 1:03d}-own" for p in platform],
            "bucket": [f"2026-07-{7 * b + 3:02d}T10:20" for b in bucket],
            "probe_id": [str(a + 1) for a in arm],
            "persona": np.where(loyal.reshape(-1), "loyal", "new"),
            "shown_price": np.round((price - offer - coupon).reshape(-1), 2),
            "coupon": coupon.reshape(-1),
            "new_user_offer": offer.reshape(-1),
        }
    )
    when = (pl.col("bucket") + ":00").str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us")
    # A few shops forget to say that a first order was cheaper.
    silent = rows["platform_id"].is_in([f"shop-{p + 1:03d}" for p in range(3)])
    return {
        "price_probes": rows.with_columns(
            ts=when.dt.replace_time_zone("UTC"),
            new_user_offer=pl.when(~silent).then(pl.col("new_user_offer")).otherwise(0.0),
        )
    }


def invoices(seed: int) -> dict[str, pl.DataFrame]:
    """Two quarters of invoices of makers to sixteen buyers each, and where buyers sell."""
    rng = np.random.default_rng([seed, 16])
    pool = [f"buyer-{b + 1:03d}" for b in range(POOL)]
    town = np.arange(POOL) % TOWNS
    parts = []
    for item in range(ITEMS):
        near = np.nonzero(np.isin(town, rng.choice(TOWNS, NEAR, replace=False)))[0]
        chosen = rng.choice(near, BUYERS, replace=False)
        yearly = rng.lognormal(6, 0.8, BUYERS)
        region, late = rng.integers(0, 3, BUYERS), rng.random(BUYERS) < 0.4
        fair = rng.lognormal(3, 0.6) * (1 - 0.01 * np.log(yearly / 400))
        fair = fair * (1 + 0.015 * region + 0.01 * late) * np.exp(rng.normal(0, 0.015, BUYERS))
        for number, day in enumerate(date(2026, m, 11) for m in range(4, 10)):
            qty = np.maximum(1, np.round(yearly / 12 * rng.lognormal(0, 0.3, BUYERS)))
            parts.append(
                pl.DataFrame(
                    {
                        "invoice_id": [f"i-{item}-{number}-{b}" for b in range(BUYERS)],
                        "seller_id": [f"maker-{item + 1:03d}"] * BUYERS,
                        "buyer_id": [pool[b] for b in chosen],
                        "item_code": [f"item-{item + 1:03d}"] * BUYERS,
                        "qty": qty,
                        "unit_price": np.round(fair * rng.lognormal(0, 0.004, BUYERS), 4),
                        "currency": ["EUR"] * BUYERS,
                        "volume_band": np.where(yearly < 250, "small", "large"),
                        "region": [("north", "middle", "south")[r] for r in region],
                        "issued": [day] * BUYERS,
                        "terms_days": np.where(late, 60, 30),
                    }
                )
            )
    placed = pl.DataFrame(
        {
            "market_id": [f"town-{m + 1:02d}" for m in town],
            "firm_id": pool,
            "period": ["2026"] * POOL,
            "metric": ["turnover"] * POOL,
            "share": np.round(rng.uniform(0.02, 0.2, POOL), 4),
        }
    )
    return {"market_positions": placed, "invoices": pl.concat(parts)}


WORLDS = (
    World("made pricing tools", tools, schemes.tools(10), drawn=True,
          order=("market_positions", "costs", "pricing_vendors")),
    World("made offers below cost", below_cost, schemes.predation(8), drawn=True,
          order=("listing_prices", "costs")),
    World("made benchmarks", benchmarks, schemes.excess(10), drawn=True,
          order=("listing_prices", "price_benchmarks", "costs")),
    World("made wholesale prices", wholesale, schemes.squeeze(10), drawn=True, order=("costs",)),
    World("made price probes", probes, schemes.personal(8), drawn=True, order=("price_probes",)),
    World("made invoices to shops", invoices, schemes.partners(10), drawn=True,
          order=("market_positions", "invoices")),
)  # fmt: skip
