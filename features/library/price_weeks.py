"""Weekly price level and calm of a product: the signed companions of MON-PRICE-VARIANCE.

One long series shows a cartel's life: high and calm while it holds, low and wild in price wars.
Levels look back over the half year, where a war of that length looks like peace again, and over
all weeks so far, where prices that rise for good leave only the last ones high: read both.
"""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import base, feature, measure
from features.operators import Lazy
from features.tables import Tables, collect
from features.vocabulary import Direction, Reason

_TYPOLOGY, _BASE, _RECORDS = "MON-PRICE-VARIANCE", "price_weeks", "price_records"
_INPUTS = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.ts")
_SOURCE = "Porter 1983; Abrantes-Metz et al. 2006"
WEEKS = 26


def _weeks(t: Tables) -> pl.DataFrame:
    """Mean market price of each product and week (Monday to Sunday), in order.

    A week between quarters with different main currencies is told in that of most of its days.
    """
    days = collect(t.view("market_price_days"))
    return (
        days.group_by("sku_id", "currency", pl.col("day").dt.truncate("1w").alias("period_start"))
        .agg(pl.col("price").sort_by("day").mean().alias("week_price"), _days=pl.len())
        .sort("sku_id", "period_start", "_days", "currency", descending=[False, False, True, False])
        .unique(["sku_id", "period_start"], keep="first", maintain_order=True)
        .drop("_days")
        .sort("sku_id", "currency", "period_start")
    )


def _keyed(rows: pl.DataFrame) -> Lazy:
    return nw.from_native(rows.lazy()).with_columns(
        nw.col("sku_id").alias("subject_key"),
        nw.col("period_start").dt.offset_by("6d").cast(nw.Date).alias("period_end"),
    )


@base(
    name=_BASE,
    grain="sku_w",
    tables=("listing_prices",),
    attributes=("sku_id", "currency", "week_price"),
    peers=("currency",),
)
def price_weeks(t: Tables) -> Lazy:
    """One row per product and week, with the half year that ends with it."""
    weeks = _weeks(t)
    price, span, cell = pl.col("week_price"), f"{WEEKS}w", ("sku_id", "currency")
    by, known = "period_start", price.is_not_null().cast(pl.Int64)
    rolling = weeks.with_columns(
        price.rolling_max_by(by, span).over(*cell).alias("highest"),
        price.rolling_min_by(by, span).over(*cell).alias("lowest"),
        price.rolling_mean_by(by, span).over(*cell).alias("mean"),
        price.rolling_std_by(by, span, min_samples=2).over(*cell).alias("_sd"),
        known.rolling_sum_by(by, span).over(*cell).alias("n_weeks"),
    ).with_columns(
        pl.when(pl.col("highest") == pl.col("lowest")).then(0.0).otherwise("_sd").alias("sd")
    )
    return _keyed(rolling)


@base(
    name=_RECORDS,
    grain="sku_w",
    tables=("listing_prices",),
    attributes=("sku_id", "currency"),
    peers=("currency",),
)
def price_records(t: Tables) -> Lazy:
    """One row per product and week, with all weeks of it so far: its own base, for its reach."""
    cell = ("sku_id", "currency")
    return _keyed(
        _weeks(t).with_columns(
            pl.col("week_price").cum_max().over(*cell).alias("record"),
            pl.col("week_price").cum_count().over(*cell).cast(pl.Int64).alias("n_so_far"),
        )
    )


def _add(
    name: str, value: nw.Expr, direction: Direction, unit: str, title: tuple[str, str], doc: str,
    *, source: str = _BASE, n: str = "n_weeks",
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=source, inputs=_INPUTS, unit=unit,
        direction=direction, min_n=20, n=n, source=_SOURCE,
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(value, (nw.col(n) < 2, Reason.TOO_FEW)))  # fmt: skip


_add(
    "price_level_26w", nw.col("week_price") / nw.col("highest"), "high", "ratio",
    ("price level against the half year's highest", "价格与半年最高价之比"),
    """Mean price of the week over the highest weekly mean of the 26 weeks that end with it.""",
)  # fmt: skip
_add(
    "price_sd_26w", nw.col("sd"), "low", "money",
    ("price variation over half a year", "半年价格标准差"),
    """Standard deviation (ddof 1) of the weekly means of the 26 weeks that end with the week.""",
)  # fmt: skip
_add(
    "price_cv_26w", nw.col("sd") / nw.col("mean"), "low", "ratio",
    ("relative price variation over half a year", "半年价格变异系数"),
    """`price_sd_26w` over the mean of the same weeks.""",
)  # fmt: skip
_add(
    "price_level_record", nw.col("week_price") / nw.col("record"), "high", "ratio",
    ("price level against the highest so far", "价格与历史最高价之比"),
    """Mean price of the week over the highest weekly mean up to and with it; no week after counts.

    It has no window to choose.""", source=_RECORDS, n="n_so_far",
)  # fmt: skip
