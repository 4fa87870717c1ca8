"""Fake orders: bursts, shared devices and empty parcels (TRX-BRUSH).

The same numbers serve reverse brushing, where a rival floods a shop to have it punished: who
gains is for the reader to judge. Receipts confirmed too early and refunds paid outside the
platform are not filed in any canonical table, so they are not part of the union of signals.
"""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.count_tails import with_burst_p
from features.operators import Lazy, nearest_whole
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-BRUSH", "merchant_days"
_CELL = ("seller_id", "day")
_MARKS = ("device_hash", "address_hash", "payer_account_hash")
SHARED_BUYERS, SHARED_DAYS = 5, 7
"""A mark is shared when this many buyers of one shop use it within this many days (ENG)."""
LIGHT_G, HEAVY_G = 20.0, 200.0
"""A parcel up to the first weight is empty where the product's parcels weigh the second (ENG)."""
WEEKS, LEAST_WEEKS = 8, 4
NEW_DAYS = 7


@view("shop_orders")
def shop_orders(t: Tables) -> Lazy:
    """One row per order of a known shop with its day, marks, weight and value in cents."""
    value = nw.coalesce(nw.col("net"), nw.col("gross"))
    return (
        t["transactions"]
        .filter(~nw.col("seller_id").is_null())
        .select(
            "tx_id", "seller_id", "platform_id", "sku_id", "buyer_hash", *_MARKS,
            "parcel_weight_g", nw.coalesce(nw.col("currency"), nw.lit("")).alias("currency"),
            nw.col("ts").cast(nw.Date).alias("day"), nearest_whole(value * 100).alias("cents"),
        )
    )  # fmt: skip


def _shared(orders: Lazy, mark: str) -> Lazy:
    """Orders by a mark that `SHARED_BUYERS` buyers of the shop had used lately: `tx_id`."""
    used = (
        orders.filter(~nw.col(mark).is_null() & ~nw.col("buyer_hash").is_null())
        .select("seller_id", mark, "day", "buyer_hash")
        .unique()
    )
    # Few marks pass this, so the join over days stays small.
    busy = (
        used.group_by("seller_id", mark)
        .agg(nw.col("buyer_hash").n_unique().alias("_buyers"))
        .filter(nw.col("_buyers") >= SHARED_BUYERS)
    )
    used = used.join(busy, on=["seller_id", mark], how="semi")
    days = used.select("seller_id", mark, nw.col("day").alias("on")).unique()
    first = nw.col("on").dt.offset_by(f"-{SHARED_DAYS - 1}d").cast(nw.Date)
    found = (
        days.join(used, on=["seller_id", mark], how="inner")
        .filter((nw.col("day") <= nw.col("on")) & (nw.col("day") >= first))
        .group_by("seller_id", mark, "on")
        .agg(nw.col("buyer_hash").n_unique().alias("_buyers"))
        .filter(nw.col("_buyers") >= SHARED_BUYERS)
        .select("seller_id", mark, nw.col("on").alias("day"))
    )
    return orders.join(found, on=["seller_id", mark, "day"], how="semi").select("tx_id", *_CELL)


def _empty_parcels(orders: Lazy) -> Lazy:
    """Orders with a light parcel of a product whose parcels so far were heavy: `tx_id`.

    So far: the mean weight, up to and with that day, of the parcels that were not light.
    """
    weight = nw.col("parcel_weight_g")
    full = weight > LIGHT_G
    weighed = orders.filter(~weight.is_null() & ~nw.col("sku_id").is_null())
    light = weighed.filter(weight <= LIGHT_G)
    usual = (
        weighed.join(light.select("sku_id").unique(), on="sku_id", how="semi")
        .with_columns(
            nw.when(full).then(nearest_whole(weight)).otherwise(nw.lit(0)).alias("_grams"),
            full.cast(nw.Int64).alias("_full"),
        )
        .group_by("sku_id", "day")
        .agg(nw.col("_grams").sum(), nw.col("_full").sum())
        .with_columns(
            nw.col("_grams").cum_sum().over("sku_id", order_by="day"),
            nw.col("_full").cum_sum().over("sku_id", order_by="day"),
        )
    )
    heavy = (nw.col("_full") > 0) & (nw.col("_grams") >= HEAVY_G * nw.col("_full"))
    return (
        light.join(usual, on=["sku_id", "day"], how="inner").filter(heavy).select("tx_id", *_CELL)
    )


def _signals(orders: Lazy) -> Lazy:
    """Per shop and day: orders, and orders with at least one signal (union, counted once)."""
    signs = [_empty_parcels(orders), *(_shared(orders, mark) for mark in _MARKS)]
    suspect = nw.concat(signs).unique().group_by(*_CELL).agg(nw.len().alias("suspect"))
    filed = nw.any_horizontal(
        *(~nw.col(c).is_null() for c in (*_MARKS, "parcel_weight_g")), ignore_nulls=True
    )
    days = (
        orders.with_columns(filed.cast(nw.Int64).alias("filed"))
        .group_by(*_CELL)
        .agg(nw.len().alias("orders"), nw.col("platform_id").min(), nw.col("filed").sum())
    )
    return days.join(suspect, on=list(_CELL), how="left").with_columns(
        nw.col("suspect").fill_null(0)
    )


def _gini(orders: Lazy) -> Lazy:
    """Gini of order values by shop and day, in the currency with most orders.

    G = 2 sum(i x_i) / (n sum(x)) - (n + 1) / n over values in ascending order.
    """
    cell = (*_CELL, "currency")
    cents = nw.col("cents")
    ranked = orders.filter(~cents.is_null()).with_columns(
        (cents.rank("ordinal").over(*cell).cast(nw.Int64) * cents).alias("_ranked")
    )
    sums = ranked.group_by(*cell).agg(
        nw.len().alias("valued"), cents.sum(), nw.col("_ranked").sum()
    )
    main = sums.filter(nw.col("valued") == nw.col("valued").max().over(*_CELL)).filter(
        nw.col("currency") == nw.col("currency").min().over(*_CELL)
    )
    n = nw.col("valued")
    gini = 2 * nw.col("_ranked") / (n * nw.col("cents")) - (n + 1) / n
    return main.select(*_CELL, "valued", nw.when(nw.col("cents") > 0).then(gini).alias("gini"))


def _new_buyers(t: Tables, orders: Lazy) -> Lazy | None:
    """Orders whose buyer is known, and those of buyers who joined in the week before."""
    users = t.get("users")
    if users is None:
        return None
    joined = (
        users.filter(~nw.col("joined_on").is_null())
        .group_by("user_hash")
        .agg(nw.col("joined_on").min())
        .rename({"user_hash": "buyer_hash"})
    )
    rows = orders.select(*_CELL, "buyer_hash").join(joined, on="buyer_hash", how="inner")
    # Who joins after ordering says nothing about the day of the order.
    rows = rows.filter(nw.col("joined_on") <= nw.col("day"))
    first = nw.col("day").dt.offset_by(f"-{NEW_DAYS}d").cast(nw.Date)
    fresh = nw.col("joined_on") >= first
    return (
        rows.with_columns(fresh.cast(nw.Int64).alias("new"))
        .group_by(*_CELL)
        .agg(nw.len().alias("known"), nw.col("new").sum())
    )


def _own_past(days: pl.DataFrame) -> pl.DataFrame:
    """Add mean and variance of the same weekday in up to `WEEKS` weeks before; no order is 0."""
    orders = pl.col("orders").cast(pl.Int64)
    rows = days.with_columns(orders, _weekday=pl.col("day").dt.weekday()).sort(
        "seller_id", "_weekday", "day"
    )

    def past(number: pl.Expr) -> pl.Expr:
        window = number.rolling_sum_by("day", f"{7 * WEEKS}d", closed="left")
        return window.over("seller_id", "_weekday").fill_null(0)

    since = (pl.col("day") - pl.col("day").min().over("seller_id")).dt.total_days() // 7
    weeks, usual = pl.col("weeks"), pl.col("usual")
    return (
        rows.with_columns(
            weeks=pl.min_horizontal(since, pl.lit(WEEKS)),
            _sum=past(pl.col("orders")),
            _squares=past(pl.col("orders") ** 2),
        )
        .with_columns(usual=pl.when(weeks >= LEAST_WEEKS).then(pl.col("_sum") / weeks))
        .with_columns(spread=(pl.col("_squares") - weeks * usual**2) / (weeks - 1))
    )


@base(
    name=_BASE,
    grain="merchant_d",
    tables=("transactions",),
    attributes=("platform_id", "orders"),
    peers=("platform_id", "size_decile"),
    size="orders",
)
def merchant_days(t: Tables) -> Lazy:
    """One row per shop and day with orders."""
    orders = t.view("shop_orders")
    rows = _signals(orders).join(_gini(orders), on=list(_CELL), how="left")
    fresh = _new_buyers(t, orders)
    if fresh is None:
        empty = [nw.lit(None, dtype=nw.Int64).alias(c) for c in ("known", "new")]
        rows = rows.with_columns(*empty)
    else:
        rows = rows.join(fresh, on=list(_CELL), how="left")
    counted = collect(rows, streaming=True)
    judged = with_burst_p(_own_past(counted), "orders", "usual", "spread", "burst_p")
    return nw.from_native(judged.lazy()).with_columns(
        nw.col("seller_id").alias("subject_key"),
        nw.col("day").alias("period_start"),
        nw.col("day").alias("period_end"),
    )


@feature(
    name="brush_burst_p", typology=_TYPOLOGY, base=_BASE,
    inputs=("transactions.seller_id", "transactions.ts"), unit="probability", direction="low",
    min_n=4, n="weeks", source="catalogue 4 and 1.2 (exact count tails)",
    title={"en": "chance of that many orders", "zh": "订单激增的概率"},
)  # fmt: skip
def brush_burst_p() -> Measure:
    """Chance of at least as many orders as that day, by the shop's own past on that weekday.

    Poisson upper tail with the mean of the same weekday in up to eight weeks before (days without
    orders are 0); negative binomial where their variance is above 1.5 times the mean. Four weeks
    of past are needed.
    """
    return measure(
        nw.col("burst_p"),
        (nw.col("weeks") < LEAST_WEEKS, Reason.TOO_FEW),
        (nw.col("usual") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="brush_suspect_order_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("transactions.device_hash", "transactions.address_hash",
            "transactions.payer_account_hash", "transactions.parcel_weight_g",
            "transactions.buyer_hash"),
    unit="0-1", direction="high", min_n=10, n="orders", source="catalogue 4; AUCL practice",
    title={"en": "orders with a sign of being fake", "zh": "可疑订单占比"},
)  # fmt: skip
def brush_suspect_order_share() -> Measure:
    """Share of the day's orders with at least one sign; an order with several counts once.

    Signs: a device, address or paying account that five or more buyers of the shop used within
    seven days; a parcel of at most 20 g for a product whose parcels so far weigh 200 g or more.
    """
    return measure(
        nw.col("suspect") / nw.col("orders"), (nw.col("filed") < 1, Reason.MISSING_INPUT)
    )


@feature(
    name="brush_new_buyer_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("transactions.buyer_hash", "users.joined_on"), unit="0-1", direction="high",
    min_n=10, n="known", source="catalogue 4", peer_adjusted=True,
    title={"en": "orders from new accounts", "zh": "新注册买家订单占比"},
)  # fmt: skip
def brush_new_buyer_share() -> Measure:
    """Share of orders whose buyer joined at most seven days before, among buyers known."""
    return measure(
        nw.col("new") / nw.col("known"), (nw.col("known").is_null(), Reason.MISSING_INPUT)
    )


@feature(
    name="brush_value_gini", typology=_TYPOLOGY, base=_BASE,
    inputs=("transactions.net", "transactions.gross", "transactions.currency"), unit="0-1",
    direction="low", min_n=10, n="valued", source="catalogue 4", peer_adjusted=True,
    title={"en": "inequality of order values", "zh": "订单金额基尼系数"},
)  # fmt: skip
def brush_value_gini() -> Measure:
    """Gini coefficient of the day's order values in one currency; 0 when all are alike."""
    return measure(
        nw.col("gini"),
        (nw.col("valued").is_null(), Reason.MISSING_INPUT),
        (nw.col("valued") < 2, Reason.TOO_FEW),
        (nw.col("gini").is_null(), Reason.ZERO_DENOMINATOR),
    )
