"""The six blocks as a registry of this product: views, bases, features, one call of the planner.

The shipped library has no feature of these exact shapes (market shares, fees and presence are
filed in tables of their own), so the blocks are registered here the way an author of features
would. Trades among sellers come from the library's own view.
"""

from __future__ import annotations

from pathlib import Path

import narwhals as nw
import polars as pl

from benchmarks.blocks.data import ORDERS
from benchmarks.cases import CONTEXT
from features.catalogue import Base, Feature, FeatureCatalogue, Frame, Measure, View, measure
from features.catalogue import catalogue as library
from features.compute import compute_features
from features.operators import Lazy, month_end, month_start, nearest_whole, with_code
from features.tables import Tables
from features.vocabulary import Reason

_MARKET = ("market_id", "period_start")
UNIT = 10**15
"""Shares and ratios are added as whole numbers of this part of one: no order can change them."""


def shop_months(t: Tables) -> Lazy:
    """Sales, discounts and prices in cents by platform, market, seller and month."""
    # Markets are numbered: whole numbers group faster than names.
    products = t["products"].select(
        "sku_id", "market_id", nw.col("market_id").rank("dense").alias("market")
    )
    markets = products.select("market", "market_id").unique()
    cell = ("platform_id", "market", "seller_id", "period_start")
    sums = (
        t["transactions"]
        .select(
            "platform_id",
            "seller_id",
            "sku_id",
            month_start(nw.col("ts").cast(nw.Date)).alias("period_start"),
            *(nearest_whole(nw.col(c) * 100).alias(c) for c in ("net", "gross", "discount")),
        )
        .join(products.drop("market_id"), on="sku_id", how="left")
        .group_by(*cell)
        .agg(nw.col("net").sum(), nw.col("gross").sum(), nw.col("discount").sum(), nw.len())
    )
    return sums.join(markets, on="market", how="left").drop("market")


def market_months(t: Tables) -> Lazy:
    """Sales by market, seller and month, with the share."""
    rows = t.view("shop_months").group_by(*_MARKET, "seller_id").agg(
        nw.col("net").sum(), nw.col("len").sum()
    )  # fmt: skip
    share = nw.col("net") / nw.col("net").sum().over(*_MARKET)
    return rows.with_columns(share.alias("share"))


def concentration(t: Tables) -> Lazy:
    """One row per market and month."""
    rows = t.view("market_months").with_columns(
        nw.col("net").rank("ordinal", descending=True).over(*_MARKET).alias("place"),
        nearest_whole(nw.col("share") * nw.col("share") * UNIT).alias("square"),
    )
    return (
        rows.group_by(*_MARKET)
        .agg(
            nw.col("square").sum(),
            nw.col("net").sum().alias("all"),
            nw.when(nw.col("place") <= 4).then(nw.col("net")).otherwise(0).sum().alias("four"),
            nw.len().alias("sellers"),
        )
        .with_columns(nw.col("market_id").alias("subject_key"), _last())
    )


def shares(t: Tables) -> Lazy:
    """One row per market, seller and month."""
    rows = t.view("market_months")
    before = rows.select(
        "market_id",
        "seller_id",
        nw.col("period_start").dt.offset_by("1mo").alias("period_start"),
        nw.col("net").alias("net_before"),
    )
    key = nw.concat_str([nw.col("market_id"), nw.lit("/"), nw.col("seller_id")])
    return rows.join(before, on=[*_MARKET, "seller_id"], how="left").with_columns(
        key.alias("subject_key"), _last()
    )


def product_months(t: Tables) -> Lazy:
    """One row per product and month with a day on which two sellers sold it.

    Two sellers are seen by the lowest and the highest code of a day; nobody asks how many.
    """
    price = nearest_whole(nw.col("gross") / nw.col("qty") * 100)
    orders = t["transactions"].select(
        "sku_id", "seller_id", nw.col("ts").cast(nw.Date).alias("day"), price.alias("p")
    )
    days = (
        with_code(orders, "seller_id", "code")
        .with_columns((nw.col("p") * nw.col("p")).alias("pp"))
        .group_by("sku_id", "day")
        .agg(
            nw.col("code").min().alias("one"),
            nw.col("code").max().alias("other"),
            nw.len().cast(nw.Int64).alias("n"),
            nw.col("p").sum(),
            nw.col("pp").sum(),
        )
    )
    n = nw.col("n")
    spread = (n * nw.col("pp") - nw.col("p") * nw.col("p")).cast(nw.Float64)
    cv = (spread / (n * (n - 1))).sqrt() * n / nw.col("p")
    return (
        days.filter(nw.col("one") != nw.col("other"))
        .select("sku_id", month_start(nw.col("day")).alias("period_start"),
                nearest_whole(cv * UNIT).alias("cv"))
        .group_by("sku_id", "period_start")
        .agg(nw.col("cv").sum(), nw.len().alias("days"))
    )  # fmt: skip


def dispersion(t: Tables) -> Lazy:
    """One row per product and month."""
    return t.view("product_months").with_columns(nw.col("sku_id").alias("subject_key"), _last())


def merchants(t: Tables) -> Lazy:
    """One row per seller and month: discounts, and trade that flows back."""
    cell = ("platform_id", "currency", "period_start")
    # Few trades flow back: codes narrow them down before long ids are compared.
    paid = t.view("trades_of_sellers").filter(nw.col("source") != nw.col("target"))
    coded = with_code(with_code(paid, "source", "_from"), "target", "_to")
    ways = coded.select(nw.col("_from").alias("_to"), nw.col("_to").alias("_from"))
    trades = coded.join(ways, on=["_from", "_to"], how="semi")
    back = trades.select(
        *cell,
        nw.col("target").alias("source"),
        nw.col("source").alias("target"),
        nw.col("cents").alias("back"),
    )
    matched = (
        trades.join(back, on=[*cell, "source", "target"], how="inner")
        .with_columns(nw.min_horizontal("cents", "back").alias("matched"))
        .group_by("seller_id", "period_start")
        .agg(nw.col("matched").sum())
    )
    rows = t.view("shop_months").group_by("seller_id", "period_start").agg(
        nw.col("net").sum(), nw.col("gross").sum(), nw.col("discount").sum(), nw.col("len").sum()
    )  # fmt: skip
    return rows.join(matched, on=["seller_id", "period_start"], how="left").with_columns(
        nw.col("seller_id").alias("subject_key"), _last()
    )


def platform_pairs(t: Tables) -> Lazy:
    """One row per pair of platforms and month in which a seller is on both."""
    homes = t.view("shop_months").select("platform_id", "seller_id", "period_start").unique()
    other = homes.rename({"platform_id": "other"})
    key = nw.concat_str([nw.col("platform_id"), nw.lit("|"), nw.col("other")])
    return (
        homes.join(other, on=["seller_id", "period_start"], how="inner")
        .filter(nw.col("platform_id") < nw.col("other"))
        .group_by("platform_id", "other", "period_start")
        .agg(nw.len().alias("sellers"))
        .with_columns(key.alias("subject_key"), _last())
    )


def _last() -> nw.Expr:
    return month_end(nw.col("period_start")).alias("period_end")


def _growth() -> Measure:
    before = nw.col("net_before")
    return measure(
        nw.col("net") / before - 1,
        (before.is_null(), Reason.MISSING_INPUT),
        (before <= 0, Reason.ZERO_DENOMINATOR),
    )


_BASES: tuple[tuple[str, str, Frame], ...] = (
    ("concentration", "market_y", concentration),
    ("dispersion", "sku_m", dispersion),
    ("share", "market_firm_y", shares),
    ("merchants", "merchant_m", merchants),
    ("pairs", "pair_q", platform_pairs),
)


def _features() -> tuple[tuple[str, str, str, Measure], ...]:
    """Name, base, sample size, formula."""
    days = nw.col("days")
    return (
        ("hhi", "concentration", "sellers", measure(nw.col("square") / UNIT * 10_000)),
        ("cr4", "concentration", "sellers", measure(nw.col("four") / nw.col("all") * 100)),
        ("dispersion", "dispersion", "days", measure(nw.col("cv") / UNIT / days)),
        ("share", "share", "len", measure(nw.col("share"))),
        ("growth", "share", "len", _growth()),
        (
            "reciprocity",
            "merchants",
            "len",
            measure(nw.col("matched").fill_null(0) / nw.col("net")),
        ),
        ("fee", "merchants", "len", measure(nw.col("discount") / nw.col("gross"))),
        ("both", "pairs", "sellers", measure(nw.col("sellers"))),
    )


def registry() -> FeatureCatalogue:
    """The six blocks."""
    found = FeatureCatalogue()
    for name in ("trader_codes", "trades_of_sellers"):
        found.add_view(library().views[name])
    for fn in (shop_months, market_months, product_months):
        found.add_view(View(fn.__name__, fn))
    for name, grain, build in _BASES:
        found.add_base(Base(name, grain, ("transactions", "products"), (), (), build))
    for name, on, n, formula in _features():
        found.add_feature(_feature(name, on, found.bases[on].grain, n, formula))
    return found


def _feature(name: str, on: str, grain: str, n: str, formula: Measure) -> Feature:
    return Feature(
        name=name, typology="MON-STR-HHI", grain=grain, base=on, inputs=(), unit="ratio",
        direction="none", min_n=1, n=n, source="benchmark", title={"en": name}, doc=name,
        uses_as_of=False, peer_adjusted=False, kind="number", fn=lambda: formula,
    )  # fmt: skip


def run(folder: Path) -> dict[str, pl.DataFrame]:
    """All six, through the planner."""
    tables = {
        "transactions": pl.scan_parquet(folder / ORDERS),
        "products": pl.scan_parquet(folder / "products.parquet"),
    }
    frames = compute_features(tables, None, CONTEXT, registry()).frames
    key = ["subject_key", "period_start"]
    return {
        "concentration": frames["market_y"].frame.select(*key, "hhi", "cr4"),
        "dispersion": frames["sku_m"].frame.select(*key, "dispersion", days="dispersion__n"),
        "share": frames["market_firm_y"].frame.select(*key, "share", "growth"),
        "reciprocity": frames["merchant_m"].frame.select(*key, "reciprocity"),
        "fee": frames["merchant_m"].frame.select(*key, "fee"),
        "pairs": frames["pair_q"].frame.select(*key, "both"),
    }
