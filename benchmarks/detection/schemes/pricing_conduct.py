"""What one firm does alone: a common tool, prices below cost, far above others, a squeeze."""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables, blend
from benchmarks.detection.schemes.pricing import Panel, picked

HUB_FROM, HUB_FIRMS, HUB_RISE = date(2025, 10, 1), 4, 0.28
"""Firms of a market that take the common tool; their margins rise by 28 per cent (Assad, Clark,
Ershov and Xu 2024, of duopolies in which both adopted)."""
WAR_FROM, WAR_WEEKS, WAR_PRICE = (8, 12), 20, 0.85
LEAVERS, RECOUPED = 2, 0.25
"""Rivals that leave after the weeks below cost, and the rise that pays for those."""
FAR, DEAR_FROM, RAMP = 1.8, 12, 3
"""Times the middle benchmark, the filing from which, filings until there."""
SQUEEZED, SQUEEZE_MONTHS = -0.05, 8
LOYAL_GAP, PARTNER_GAP = 0.09, 0.15


def hub(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Gives the largest firms of a market one tool that reads rivals' data, and raises margins."""
    positions, costs = tables["market_positions"], tables["costs"]
    last = positions.filter(pl.col("period") == pl.col("period").max())
    markets = picked(sorted(positions["market_id"].unique()), count, rng)
    largest = last.sort("share", "firm_id", descending=[True, False])
    place = pl.int_range(pl.len()).over("market_id")
    users = largest.filter(pl.col("market_id").is_in(markets), place < round(HUB_FIRMS * strength))
    mine = pl.col("firm_id").is_in(users["firm_id"].implode())
    margin = pl.col("retail_price") - pl.col("unit_cost")
    after = mine & (pl.col("month") >= HUB_FROM.strftime("%Y-%m"))
    raised = pl.col("unit_cost") + margin * (1 + HUB_RISE * strength)
    shared = users.select("firm_id", "market_id").with_columns(
        vendor=pl.lit("hub"), uses_rival_data=True, **{"from": pl.lit(HUB_FROM)}
    )
    held = tables["pricing_vendors"]
    changed = {
        "costs": costs.with_columns(
            retail_price=pl.when(after).then(raised.round(4)).otherwise("retail_price")
        ),
        "pricing_vendors": pl.concat([held.filter(~mine), shared.select(held.columns)]),
    }
    return Planted({**tables, **changed}, tuple(frozenset([m]) for m in markets))


def predators(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Sells below variable cost for twenty weeks, until rivals leave; then the price goes up."""
    rows, costs = tables["listing_prices"].sort("sku_id", "seller_id", "ts"), tables["costs"]
    panel = Panel(rows)
    months = rows["ts"].unique().sort().dt.strftime("%Y-%m")
    cases, gone = [], rows.clear().select("seller_id", since="ts")
    days = rows["ts"].unique().sort()
    for sku in picked(panel.products("good"), count, rng):
        price, sellers = panel.of(sku), panel.sellers(sku)
        filed = costs.filter(pl.col("firm_id") == sellers[0])
        floor = dict(zip(filed["month"], filed["avc"], strict=True))
        avc = np.array([floor[month] for month in months])
        start = int(rng.integers(*WAR_FROM))
        end = start + WAR_WEEKS
        price[0, start:end] = blend(price[0, start:end], WAR_PRICE * avc[start:end], strength)
        price[0, end:] *= 1 + RECOUPED * strength
        left = sellers[1 : 1 + round(LEAVERS * strength)]
        since = pl.DataFrame({"seller_id": left, "since": [days[end - 4]] * len(left)})
        gone = pl.concat([gone, since.cast(gone.schema)])
        cases.append(frozenset([sku]))
    changed = panel.filed(tables)
    absent = pl.col("ts") >= pl.col("since")
    kept = changed["listing_prices"].join(gone, on="seller_id", how="left", maintain_order="left")
    changed["listing_prices"] = kept.with_columns(
        in_stock=pl.col("in_stock") & ~absent.fill_null(value=False)
    ).drop("since")
    return Planted(changed, tuple(cases))


def dear(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Raises a seller's price towards 1.8 times the middle of the regions, for a year."""
    panel, cases = Panel(tables["listing_prices"]), []
    middle = (
        tables["price_benchmarks"].group_by("product_id", "month").agg(pl.col("price").median())
    )
    months = tables["listing_prices"]["ts"].unique().sort().dt.strftime("%Y-%m")
    for sku in picked(panel.products("good"), count, rng):
        mine = middle.filter(pl.col("product_id") == sku)
        level = dict(zip(mine["month"], mine["price"], strict=True))
        goal = FAR * np.array([level[month] for month in months])
        price = panel.of(sku)
        way = np.clip((np.arange(price.shape[1]) - DEAR_FROM + 1) / RAMP, 0, 1) * strength
        goal = np.maximum(goal, price[0])
        price[0] = np.exp((1 - way) * np.log(price[0]) + way * np.log(goal))
        cases.append(frozenset([sku]))
    return Planted(panel.filed(tables), tuple(cases))


def squeezed(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Raises the wholesale price until an equally efficient rival would lose money."""
    costs = tables["costs"]
    lines = picked(sorted(costs["product_id"].unique()), count, rng)
    last = costs["month"].unique().sort()[-SQUEEZE_MONTHS:]
    mine = pl.col("product_id").is_in(lines) & pl.col("month").is_in(last.implode())
    left = pl.col("retail_price") - pl.col("wholesale_price") - pl.col("downstream_cost")
    gone = strength * (left - SQUEEZED * pl.col("retail_price"))
    raised = pl.when(mine).then((pl.col("wholesale_price") + gone).round(4))
    changed = costs.with_columns(wholesale_price=raised.otherwise("wholesale_price"))
    return Planted({**tables, "costs": changed}, tuple(frozenset([line]) for line in lines))


def dearer_loyal(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Shows loyal profiles a higher price than new ones in every cell of a platform."""
    rows = tables["price_probes"]
    platforms = picked(sorted(rows["platform_id"].unique()), count, rng)
    mine = pl.col("platform_id").is_in(platforms) & (pl.col("persona") == "loyal")
    dearer = (pl.col("shown_price") * (1 + LOYAL_GAP * strength)).round(2)
    changed = rows.with_columns(shown_price=pl.when(mine).then(dearer).otherwise("shown_price"))
    return Planted({**tables, "price_probes": changed}, tuple(frozenset([p]) for p in platforms))


def unequal(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Charges one buyer of an item more than buyers of the same volume, region and terms."""
    rows = tables["invoices"]
    items = picked(sorted(rows["item_code"].unique()), count, rng)
    buyers = []
    for item in items:
        known = sorted(rows.filter(pl.col("item_code") == item)["buyer_id"].unique())
        buyers.append(known[int(rng.integers(len(known)))])
    chosen = pl.DataFrame({"item_code": items, "buyer_id": buyers}).with_columns(_more=True)
    both = rows.join(chosen, on=["item_code", "buyer_id"], how="left", maintain_order="left")
    dearer = (pl.col("unit_price") * (1 + PARTNER_GAP * strength)).round(4)
    changed = both.with_columns(
        unit_price=pl.when(pl.col("_more")).then(dearer).otherwise("unit_price")
    ).drop("_more")
    return Planted({**tables, "invoices": changed}, tuple(frozenset([item]) for item in items))


def tools(count: int) -> tuple[Scheme, ...]:
    """A common pricing tool."""
    return (
        Scheme(
            "common pricing tool",
            ("MON-ALGO-COMMON",),
            "share of the four largest of six firms that take a tool which reads rivals' data, and "
            "of a rise of their margins by 28 %",
            ("market_positions", ("market_id",)),
            partial(hub, count=count),
        ),
    )


def predation(count: int) -> tuple[Scheme, ...]:
    """Prices below cost."""
    return (
        Scheme(
            "predatory price",
            ("MON-PREDATION",),
            "from the own price to 15 % below variable cost for 20 weeks, two rivals leaving and "
            "25 % more afterwards",
            ("listing_prices", ("sku_id",)),
            partial(predators, count=count),
        ),
    )


def excess(count: int) -> tuple[Scheme, ...]:
    """Prices far above benchmarks."""
    return (
        Scheme(
            "excessive price",
            ("MON-EXCESSIVE",),
            "from the own price to 1.8 times the middle of five regions, costs unchanged",
            ("listing_prices", ("sku_id",)),
            partial(dear, count=count),
        ),
    )


def squeeze(count: int) -> tuple[Scheme, ...]:
    """Margins too thin for a rival."""
    return (
        Scheme(
            "margin squeeze",
            ("MON-SQUEEZE",),
            "what is left downstream, from the own margin to -5 % of the price, for 8 months",
            ("costs", ("product_id",)),
            partial(squeezed, count=count),
        ),
    )


def personal(count: int) -> tuple[Scheme, ...]:
    """Prices by person."""
    return (
        Scheme(
            "dearer for loyal customers",
            ("MON-PRICE-PERSONAL",),
            "surcharge shown to loyal profiles, 1 is 9 %",
            ("price_probes", ("platform_id",)),
            partial(dearer_loyal, count=count),
        ),
    )


def partners(count: int) -> tuple[Scheme, ...]:
    """Unequal terms."""
    return (
        Scheme(
            "one buyer pays more",
            ("MON-B2B-DISCRIM",),
            "surcharge of one of sixteen buyers, 1 is 15 %",
            ("invoices", ("item_code",)),
            partial(unequal, count=count),
        ),
    )
