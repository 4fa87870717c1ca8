"""The same six tables, written by hand the plain way: Polars, DuckDB, pandas, and a bare scan.

Naive means: each block for itself from the orders, as one writes it first. Orders carry the keys
`seller_hash` and `buyer_hash` of one hash, so reciprocity is answered by `seller_hash`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.blocks.data import ORDERS

Answers = dict[str, pl.DataFrame]
COLUMNS = ("ts", "platform_id", "buyer_hash", "seller_id", "seller_hash", "sku_id", "qty",
           "gross", "discount", "net")  # fmt: skip
"""Columns of the orders the blocks read."""


def scan(folder: Path) -> Answers:
    """Reads every needed column once and keeps the largest value: the least anybody can do."""
    pl.scan_parquet(folder / ORDERS).select(pl.col(COLUMNS).max()).collect(engine="streaming")
    return {}


def polars(folder: Path) -> Answers:
    """One streaming plan after the other."""
    orders = pl.scan_parquet(folder / ORDERS).select(COLUMNS)
    markets = pl.scan_parquet(folder / "products.parquet").select("sku_id", "market_id")
    month = pl.col("ts").dt.date().dt.month_start().alias("month")
    plans = {
        "concentration": _concentration(orders, markets, month),
        "dispersion": _dispersion(orders),
        "share": _share(orders, markets, month),
        "reciprocity": _reciprocity(orders, month),
        "fee": orders.group_by("seller_id", month).agg(
            fee=pl.col("discount").sum() / pl.col("gross").sum()
        ),
        "pairs": _pairs(orders, month),
    }
    return {name: plan.collect(engine="streaming") for name, plan in plans.items()}


def _concentration(orders: pl.LazyFrame, markets: pl.LazyFrame, month: pl.Expr) -> pl.LazyFrame:
    sold = (
        orders.join(markets, on="sku_id", how="left")
        .group_by("market_id", month, "seller_id")
        .agg(pl.col("net").sum())
    )
    net = pl.col("net")
    return sold.group_by("market_id", "month").agg(
        hhi=(net / net.sum()).pow(2).sum() * 10_000, cr4=net.top_k(4).sum() / net.sum() * 100
    )


def _dispersion(orders: pl.LazyFrame) -> pl.LazyFrame:
    price = pl.col("gross") / pl.col("qty")
    days = orders.group_by("sku_id", day=pl.col("ts").dt.date()).agg(
        sellers=pl.col("seller_id").n_unique(), cv=price.std() / price.mean()
    )
    return (
        days.filter(pl.col("sellers") >= 2)
        .group_by("sku_id", month=pl.col("day").dt.month_start())
        .agg(dispersion=pl.col("cv").mean(), days=pl.len())
    )


def _share(orders: pl.LazyFrame, markets: pl.LazyFrame, month: pl.Expr) -> pl.LazyFrame:
    sold = (
        orders.join(markets, on="sku_id", how="left")
        .group_by("market_id", month, "seller_id")
        .agg(pl.col("net").sum())
    )
    whole = sold.group_by("market_id", "month").agg(whole=pl.col("net").sum())
    past = sold.with_columns(pl.col("month").dt.offset_by("1mo")).rename({"net": "before"})
    key = ["market_id", "month", "seller_id"]
    return (
        sold.join(whole, on=["market_id", "month"])
        .join(past, on=key, how="left")
        .select(*key, share=pl.col("net") / pl.col("whole"),
                growth=pl.col("net") / pl.col("before") - 1)
    )  # fmt: skip


def _reciprocity(orders: pl.LazyFrame, month: pl.Expr) -> pl.LazyFrame:
    pairs = orders.group_by("platform_id", month, "buyer_hash", "seller_hash").agg(
        pl.col("net").sum()
    )
    back = pairs.filter(pl.col("buyer_hash") != pl.col("seller_hash")).select(
        "platform_id", "month", buyer_hash="seller_hash", seller_hash="buyer_hash", back="net"
    )
    both = pairs.join(back, on=["platform_id", "month", "buyer_hash", "seller_hash"], how="left")
    matched = pl.min_horizontal("net", pl.col("back").fill_null(0.0))
    return both.group_by("seller_hash", "month").agg(
        reciprocity=matched.sum() / pl.col("net").sum()
    )


def _pairs(orders: pl.LazyFrame, month: pl.Expr) -> pl.LazyFrame:
    homes = orders.select("platform_id", "seller_id", month).unique()
    other = homes.rename({"platform_id": "other"})
    return (
        homes.join(other, on=["seller_id", "month"])
        .filter(pl.col("platform_id") < pl.col("other"))
        .group_by("platform_id", "other", "month")
        .agg(both=pl.len())
    )


SOLD = """
with s as (select market_id, date_trunc('month', ts)::date as month, seller_id, sum(net) as net
           from o left join p using (sku_id) group by all)
"""
SQL = {
    "concentration": SOLD + """,
r as (select *, net / sum(net) over w as share, row_number() over (w order by net desc) as place
      from s window w as (partition by market_id, month))
select market_id, month, sum(share * share) * 10000 as hhi,
       sum(share) filter (place <= 4) * 100 as cr4 from r group by all""",
    "dispersion": """
with d as (select sku_id, ts::date as day, count(distinct seller_id) as sellers,
                  stddev_samp(gross / qty) / avg(gross / qty) as cv from o group by all)
select sku_id, date_trunc('month', day)::date as month, avg(cv) as dispersion, count(*) as days
from d where sellers >= 2 group by all""",
    "share": SOLD + """
select s.market_id, s.month, s.seller_id,
       s.net / sum(s.net) over (partition by s.market_id, s.month) as share,
       s.net / b.net - 1 as growth
from s left join s as b on b.market_id = s.market_id and b.seller_id = s.seller_id
                       and b.month = s.month - interval 1 month""",
    "reciprocity": """
with w as (select platform_id, date_trunc('month', ts)::date as month, buyer_hash, seller_hash,
                  sum(net) as net from o group by all)
select a.seller_hash, a.month,
       sum(least(a.net, coalesce(b.net, 0))) / sum(a.net) as reciprocity
from w as a left join w as b
  on b.platform_id = a.platform_id and b.month = a.month and b.buyer_hash = a.seller_hash
 and b.seller_hash = a.buyer_hash and b.buyer_hash <> b.seller_hash
group by all""",
    "fee": """select seller_id, date_trunc('month', ts)::date as month,
                     sum(discount) / sum(gross) as fee from o group by all""",
    "pairs": """
with h as (select distinct platform_id, seller_id, date_trunc('month', ts)::date as month from o)
select a.platform_id, b.platform_id as other, a.month, count(*) as "both"
from h as a join h as b using (seller_id, month)
where a.platform_id < b.platform_id group by all""",
}  # fmt: skip


def duckdb(folder: Path) -> Answers:
    """The same in SQL over the same files."""
    import duckdb as engine

    connection = engine.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"create view o as select * from read_parquet('{folder / ORDERS}')")
    products = folder / "products.parquet"
    connection.execute(f"create view p as select sku_id, market_id from '{products}'")
    return {name: connection.sql(query).pl() for name, query in SQL.items()}


def pandas(folder: Path) -> Answers:
    """The same over frames in memory."""
    import pandas as pd

    files = sorted(folder.glob(ORDERS))
    orders = pd.concat(
        [pd.read_parquet(f, columns=list(COLUMNS)) for f in files], ignore_index=True
    )
    markets = pd.read_parquet(folder / "products.parquet", columns=["sku_id", "market_id"])
    orders["day"] = orders["ts"].dt.tz_localize(None).dt.normalize()
    orders["month"] = orders["day"] - pd.to_timedelta(orders["day"].dt.day - 1, unit="D")
    sold = (
        orders.merge(markets, on="sku_id", how="left")
        .groupby(["market_id", "month", "seller_id"], as_index=False)["net"].sum()
    )  # fmt: skip
    shop = orders.groupby(["seller_id", "month"], as_index=False)[["discount", "gross"]].sum()
    shop["fee"] = shop["discount"] / shop["gross"]
    found = {
        "concentration": _pandas_concentration(sold),
        "dispersion": _pandas_dispersion(orders),
        "share": _pandas_share(pd, sold),
        "reciprocity": _pandas_reciprocity(orders),
        "fee": shop[["seller_id", "month", "fee"]],
        "pairs": _pandas_pairs(orders),
    }
    return {name: pl.from_pandas(frame) for name, frame in found.items()}


def _pandas_concentration(sold: Any) -> Any:
    cell = ["market_id", "month"]
    whole = sold.groupby(cell)["net"].transform("sum")
    squares = sold.assign(hhi=(sold["net"] / whole) ** 2 * 10_000, cr4=sold["net"] / whole * 100)
    largest = squares.sort_values("net", ascending=False).groupby(cell).head(4)
    hhi = squares.groupby(cell)["hhi"].sum()
    return hhi.to_frame().join(largest.groupby(cell)["cr4"].sum()).reset_index()


def _pandas_dispersion(orders: Any) -> Any:
    priced = orders.assign(price=orders["gross"] / orders["qty"])
    days = priced.groupby(["sku_id", "day", "month"], as_index=False).agg(
        sellers=("seller_id", "nunique"), sd=("price", "std"), mean=("price", "mean")
    )
    days = days[days["sellers"] >= 2].assign(cv=lambda d: d["sd"] / d["mean"])
    return days.groupby(["sku_id", "month"], as_index=False).agg(
        dispersion=("cv", "mean"), days=("cv", "size")
    )


def _pandas_share(pd: Any, sold: Any) -> Any:
    whole = sold.groupby(["market_id", "month"])["net"].transform("sum")
    past = sold.assign(month=sold["month"] + pd.DateOffset(months=1)).rename(
        columns={"net": "before"}
    )
    rows = sold.assign(share=sold["net"] / whole).merge(
        past, on=["market_id", "month", "seller_id"], how="left"
    )
    rows["growth"] = rows["net"] / rows["before"] - 1
    return rows[["market_id", "month", "seller_id", "share", "growth"]]


def _pandas_reciprocity(orders: Any) -> Any:
    key = ["platform_id", "month", "buyer_hash", "seller_hash"]
    pairs = orders.groupby(key, as_index=False)["net"].sum()
    back = pairs[pairs["buyer_hash"] != pairs["seller_hash"]].rename(
        columns={"buyer_hash": "seller_hash", "seller_hash": "buyer_hash", "net": "back"}
    )
    both = pairs.merge(back, on=key, how="left")
    both["matched"] = both[["net", "back"]].fillna({"back": 0.0}).min(axis=1)
    rows = both.groupby(["seller_hash", "month"], as_index=False)[["matched", "net"]].sum()
    rows["reciprocity"] = rows["matched"] / rows["net"]
    return rows[["seller_hash", "month", "reciprocity"]]


def _pandas_pairs(orders: Any) -> Any:
    homes = orders[["platform_id", "seller_id", "month"]].drop_duplicates()
    both = homes.merge(homes, on=["seller_id", "month"], suffixes=("", "_other"))
    both = both[both["platform_id"] < both["platform_id_other"]]
    counts = both.groupby(["platform_id", "platform_id_other", "month"], as_index=False).size()
    return counts.rename(columns={"platform_id_other": "other", "size": "both"})
