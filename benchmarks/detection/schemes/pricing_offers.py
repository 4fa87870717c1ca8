"""Offers: resale prices held, lowest price demanded, add-ons forced, discounts that are none."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables
from benchmarks.detection.schemes.pricing import Panel, picked

HELD_FROM, CUT_FROM = 10, 17
"""Weeks from which a maker holds resale prices, and in which discounters begin to cut."""
CUT, PUNISHED_DAYS = 0.95, (3, 15)
PENALTY, PENALTY_DAYS = 0.7, 21
"""Share of impressions lost after being cheaper elsewhere, and for how long."""
TIED = 0.98


def held(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Brings this share of a good's retailers to the maker's list price and keeps them there."""
    rows = tables["listing_prices"].sort("sku_id", "seller_id", "ts")
    panel, cases = Panel(rows), []
    listed = dict(rows.group_by("sku_id").agg(pl.col("list_price").first()).iter_rows())
    for sku in picked(panel.products("brand")[0::2], count, rng):
        price = panel.of(sku)
        order = rng.permutation(len(price))[: round(strength * len(price))]
        price[order, HELD_FROM:] = listed[sku]
        cases.append(frozenset([sku]))
    return Planted(panel.filed(tables), tuple(cases))


def punished(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Stops supplying this share of a good's discounters within two weeks of a further cut."""
    rows = tables["listing_prices"].sort("sku_id", "seller_id", "ts")
    panel, cases, stops = Panel(rows), [], []
    days = rows["ts"].unique().sort().dt.date().to_list()
    listed = dict(rows.group_by("sku_id").agg(pl.col("list_price").first()).iter_rows())
    for sku in picked(panel.products("brand")[1::2], count, rng):
        price, sellers = panel.of(sku), panel.sellers(sku)
        low = np.nonzero(price[:, -1] < listed[sku] * 0.97)[0]
        luck, wait = rng.random(low.size), rng.integers(*PUNISHED_DAYS, low.size)
        begun = CUT_FROM + rng.integers(0, 3, low.size)
        for seller, hit, after, week in zip(low, luck < strength, wait, begun, strict=True):
            price[seller, week:] *= CUT
            if hit:
                stops.append((sellers[seller], days[week] + timedelta(days=int(after)), sku))
        cases.append(frozenset([sku]))
    schema = {"merchant_id": pl.String, "date": pl.Date, "sku_id": pl.String}
    told = pl.DataFrame(stops, schema=schema, orient="row").with_columns(
        event=pl.lit("supply_stopped")
    )
    changed = panel.filed(tables)
    ends = told.select("sku_id", seller_id="merchant_id", _end="date")
    ends = ends.group_by("sku_id", "seller_id").agg(pl.col("_end").min())
    both = changed["listing_prices"].join(ends, on=["sku_id", "seller_id"], how="left",
                                          maintain_order="left")  # fmt: skip
    gone = (pl.col("ts").dt.date() > pl.col("_end")).fill_null(value=False)
    changed["listing_prices"] = both.with_columns(in_stock=pl.col("in_stock") & ~gone).drop("_end")
    known = tables["merchant_events"]
    changed["merchant_events"] = pl.concat([known, told.select(known.columns)])
    return Planted(changed, tuple(cases))


def lowest_here(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Brings this share of a merchant's cheaper offers elsewhere to the dear platform's price."""
    rows = tables["listing_prices"]
    names = sorted(tables["merchants"]["merchant_gid"].unique())
    merchants = picked(names, count, rng)
    skus = rows["sku_id"].unique().sort()
    luck = pl.DataFrame({"sku_id": skus, "_luck": rng.random(skus.len())})
    here = rows.filter(pl.col("platform_id") == "big").select("sku_id", "ts", _here="net_price")
    months = rows["ts"].unique().sort()
    both = rows.join(here, on=["sku_id", "ts"], how="left", maintain_order="left").join(
        luck, on="sku_id", how="left", maintain_order="left"
    )
    mine = pl.col("sku_id").str.replace(r"-\d+$", "").is_in(merchants)
    late = pl.col("ts") >= months[months.len() // 2]
    raised = mine & late & (pl.col("_luck") < strength) & (pl.col("net_price") < pl.col("_here"))
    changed = both.with_columns(
        net_price=pl.when(raised).then(pl.col("_here")).otherwise("net_price")
    ).drop("_here", "_luck")
    cases = tuple(frozenset([merchant]) for merchant in merchants)
    return Planted({**tables, "listing_prices": changed}, cases)


def demoted(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Takes impressions from merchants for three weeks after each lower price elsewhere."""
    events, seen = tables["merchant_events"], tables["visibility"]
    often = events.group_by("merchant_id").len().filter(pl.col("len") >= 6)["merchant_id"].sort()
    accounts = picked(often.to_list(), count, rng)
    hits = events.filter(pl.col("merchant_id").is_in(accounts)).select(
        "merchant_id", pl.col("date").alias("_hit")
    )
    near = seen.join(hits, on="merchant_id").filter(
        (pl.col("date") >= pl.col("_hit"))
        & (pl.col("date") < pl.col("_hit").dt.offset_by(f"{PENALTY_DAYS}d"))
    )
    low = near.select("merchant_id", "date").unique().with_columns(_low=True)
    both = seen.join(low, on=["merchant_id", "date"], how="left", maintain_order="left")
    left = (pl.col("impressions") * (1 - PENALTY * strength)).round().cast(pl.Int64)
    changed = both.with_columns(
        impressions=pl.when(pl.col("_low")).then(left).otherwise("impressions")
    ).drop("_low")
    gids = dict(tables["merchants"].select("merchant_id", "merchant_gid").iter_rows())
    cases = tuple(frozenset([gids[account]]) for account in accounts)
    return Planted({**tables, "visibility": changed}, cases)


def ticked(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Ticks the box of an add-on beforehand in this share of the orders that hold it."""
    rows = tables["transactions"]
    shops = picked(sorted(rows["seller_id"].unique())[0::2], count, rng)
    luck = pl.Series(rng.random(rows.height))
    addon = pl.col("sku_id").is_in([f"{shop}-b" for shop in shops])
    beside = addon & ~pl.col("order_id").str.contains("-x")
    changed = rows.with_columns(
        addon_preselected=pl.when(beside & (luck < strength))
        .then(pl.lit(value=True))
        .otherwise("addon_preselected")
    )
    cases = tuple(frozenset([f"{shop}-a", f"{shop}-b"]) for shop in shops)
    return Planted({**tables, "transactions": changed}, cases)


def tied(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Sells a product with another only: offers of either alone go, orders hold both."""
    rows, offers = tables["transactions"], tables["listing_prices"]
    shops = picked(sorted(rows["seller_id"].unique())[1::2], count, rng)
    mains = rows.filter(pl.col("sku_id").is_in([f"{shop}-a" for shop in shops]))
    holding = rows.filter(pl.col("sku_id").str.ends_with("-b"))["order_id"].implode()
    without = mains.filter(~pl.col("order_id").is_in(holding))
    luck = pl.Series(rng.random(without.height))
    added = without.filter(luck < TIED * strength).with_columns(
        tx_id=pl.col("order_id") + "-b",
        sku_id=pl.col("seller_id") + "-b",
        addon_preselected=pl.lit(value=False),
    )
    alone = rows["order_id"].str.contains("-x") & rows["seller_id"].is_in(shops)
    dropped = alone & pl.Series(rng.random(rows.height) < strength)
    both = pl.col("sku_id").str.contains("-[ab]$") & pl.col("seller_id").is_in(shops)
    gone = both & (pl.col("ts").rank("dense") <= strength * pl.col("ts").n_unique())
    changed = {
        "transactions": pl.concat([rows.filter(~dropped), added]),
        "listing_prices": offers.filter(~gone),
    }
    cases = tuple(frozenset([f"{shop}-a", f"{shop}-b"]) for shop in shops)
    return Planted({**tables, **changed}, cases)


def unreal(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Takes this share of the real reduction back; the discount advertised stays as it was."""
    rows = tables["listing_prices"].sort("sku_id", "ts")
    skus = picked(sorted(rows["sku_id"].unique()), count, rng)
    on = pl.col("promo_id").is_not_null()
    usual = (
        rows.join(rows.filter(on).group_by("sku_id").agg(_start=pl.col("ts").min()), on="sku_id")
        .filter(pl.col("ts") < pl.col("_start"))
        .group_by("sku_id", maintain_order=True)
        .agg(_usual=pl.col("net_price").last())
    )
    both = rows.join(usual, on="sku_id", how="left", maintain_order="left")
    mine = on & pl.col("sku_id").is_in(skus)
    sale = pl.col("net_price") + strength * (pl.col("_usual") - pl.col("net_price"))
    claimed = pl.col("list_price") / pl.col("net_price") * sale
    changed = both.with_columns(
        net_price=pl.when(mine).then(sale.round(2)).otherwise("net_price"),
        list_price=pl.when(mine).then(claimed.round(2)).otherwise("list_price"),
    ).drop("_usual")
    return Planted({**tables, "listing_prices": changed}, tuple(frozenset([s]) for s in skus))


def resale(count: int) -> tuple[Scheme, ...]:
    """Resale prices held alike, and discounters cut off."""
    goods = ("listing_prices", ("sku_id",))
    return (
        Scheme("resale price held", ("MON-RPM",),
               "share of a good's twelve retailers brought to the maker's list price",
               goods, partial(held, count=count)),
        Scheme("discounters cut off", ("MON-RPM",),
               "share of the retailers below the list price that get no supply 3 to 14 days after "
               "a further cut", goods, partial(punished, count=count)),
    )  # fmt: skip


def parity(count: int) -> tuple[Scheme, ...]:
    """The lowest price demanded by the dearest platform."""
    return (
        Scheme("lowest price demanded", ("MON-MFN",),
               "share of a merchant's goods raised elsewhere to the price on the platform with the "
               "higher fee", ("merchants", ("merchant_gid",)), partial(lowest_here, count=count)),
    )  # fmt: skip


def penalties(count: int) -> tuple[Scheme, ...]:
    """Loss of visibility after a lower price elsewhere."""
    return (
        Scheme("hidden for being cheaper elsewhere", ("MON-MFN",),
               "impressions lost for three weeks after each lower price elsewhere, 1 is 70 %",
               ("merchants", ("merchant_gid",)), partial(demoted, count=count)),
    )  # fmt: skip


def bundles(count: int) -> tuple[Scheme, ...]:
    """Boxes ticked beforehand, and goods not sold alone."""
    shelf = ("listing_prices", ("sku_id",))
    return (
        Scheme("box ticked beforehand", ("MON-TYING",),
               "share of the orders with an add-on in which its box was ticked beforehand",
               shelf, partial(ticked, count=count), least=1.0),
        Scheme("never sold alone", ("MON-TYING",),
               "share of orders without the second product that get it, and of days without an "
               "offer of either alone", shelf, partial(tied, count=count), least=1.0),
    )  # fmt: skip


def discounts(count: int) -> tuple[Scheme, ...]:
    """Discounts from a price never asked."""
    return (
        Scheme("discount that is none", ("TRX-FAKE-DISCOUNT",),
               "share of the real reduction taken back while the advertised one stays",
               ("listing_prices", ("sku_id",)), partial(unreal, count=count)),
    )  # fmt: skip
