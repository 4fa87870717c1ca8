"""Shifts in the level of a product's price (MON-PRICE-BREAK)."""

from __future__ import annotations

from datetime import date
from math import nan

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import base, feature, measure
from features.operators import Lazy, month_start, quarter_end
from features.tables import Tables, collect
from features.timeseries import Series, count_breaks, slopes, sup_f, sup_f_p
from features.vocabulary import Direction, Reason

_TYPOLOGY, _BASE = "MON-PRICE-BREAK", "price_breaks"
_INPUTS = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.ts",
           "listing_prices.in_stock")  # fmt: skip
_WITH_COSTS = (*_INPUTS, "costs.unit_cost", "costs.avc", "costs.wholesale_price", "costs.month")
_SOURCE = "Andrews 1993"
TRIM, QUARTERS = 0.15, 4
_NUMBERS = ("sup_f", "p", "size_pct", "sd_ratio", "breaks", "unexplained")


@base(
    name=_BASE,
    grain="sku_q",
    tables=("listing_prices",),
    attributes=("sku_id", "currency", "n_days", "break_on"),
    peers=("currency",),
)
def price_breaks(t: Tables) -> Lazy:
    """One row per product and quarter: the year of daily market prices that ends with it.

    The market price of a day is the middle of the sellers' prices. `break_on` is the first day
    after the shift.
    """
    days = t.view("market_price_days")
    if t.missing(("costs",)) is None:
        costs = t.view("monthly_costs").group_by("product_id", "month")
        middle = costs.agg(nw.col("cost").median()).rename({"product_id": "sku_id"})
        days = days.with_columns(month_start(nw.col("day")).alias("month"))
        days = days.join(middle, on=["sku_id", "month"], how="left")
    else:
        days = days.with_columns(nw.lit(None, dtype=nw.Float64).alias("cost"))
    frame = collect(days.sort("sku_id", "currency", "day"))
    found = [
        (*key, quarter, *_judge(path, quarter))
        for key, path in frame.partition_by("sku_id", "currency", as_dict=True).items()
        for quarter in path["period_start"].unique().sort()
    ]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "sku_id": pl.String, "currency": pl.String, "period_start": pl.Date,
        "n_days": pl.Int64, "before": pl.Int64, "break_on": pl.Date, "n_costs": pl.Int64,
    }  # fmt: skip
    schema |= dict.fromkeys(_NUMBERS, pl.Float64)
    rows = pl.LazyFrame(found, schema=schema, orient="row").with_columns(
        pl.col(_NUMBERS).fill_nan(None)
    )
    return nw.from_native(rows).with_columns(
        nw.col("sku_id").alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
        nw.col("sup_f").is_null().alias("constant"),
    )


def _judge(path: pl.DataFrame, quarter: date) -> tuple[object, ...]:
    """The break of the year that ends with the quarter, before and after allowing for costs."""
    start = pl.lit(quarter)
    window = path.filter(
        (pl.col("day") >= start.dt.offset_by(f"-{QUARTERS - 1}q"))
        & (pl.col("day") < start.dt.offset_by("1q"))
    )
    prices: Series = window["price"].to_numpy()
    value, before = sup_f(prices, TRIM)
    n = len(prices)
    known = window.filter(pl.col("cost").is_not_null())
    unexplained = _residual_p(known["price"].to_numpy(), known["cost"].to_numpy())
    if not before:
        return n, None, None, known.height, nan, nan, nan, nan, nan, unexplained
    early, late = prices[:before], prices[before:]
    size = (late.mean() / early.mean() - 1) * 100
    quiet, now = _sd(early), _sd(late)
    ratio = now / quiet if quiet > 0 else nan
    breaks = count_breaks(prices, TRIM) if n >= 24 else nan
    day = window["day"][before]
    p = sup_f_p(value, n, TRIM)
    return n, before, day, known.height, value, p, float(size), ratio, breaks, unexplained


def _sd(prices: Series) -> float:
    """Standard deviation (ddof 1); exactly 0 for equal prices, ``nan`` for one."""
    if len(prices) < 2:
        return nan
    return 0.0 if np.ptp(prices) == 0 else float(prices.std(ddof=1))


def _residual_p(prices: Series, costs: Series) -> float:
    """p of a shift in what costs do not explain; needs 24 days with a cost that moved."""
    if len(prices) < 24:
        return nan
    found = slopes(prices, costs[:, None])
    if found is None:
        return nan
    rest = prices - prices.mean() - found[0] * (costs - costs.mean())
    return sup_f_p(sup_f(np.asarray(rest), TRIM)[0], len(rest), TRIM)


_FEW = (nw.col("n_days") < 8, Reason.TOO_FEW)
_FLAT = (nw.col("constant"), Reason.CONSTANT)


def _add(
    name: str, value: str, direction: Direction, unit: str, title: tuple[str, str], doc: str,
    *checks: tuple[nw.Expr, Reason], source: str = _SOURCE, n: str = "n_days",
    inputs: tuple[str, ...] = _INPUTS,
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=_BASE, inputs=inputs, unit=unit,
        direction=direction, min_n=24, n=n, source=source,
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(nw.col(value), *checks))  # fmt: skip


_add(
    "brk_supF", "sup_f", "high", "F", ("strength of a price shift", "价格突变统计量"),
    """Largest F of one shift in the mean: (SSR0 - SSR1) / (SSR1 / (n - 2)), 15 % trimmed.

    Daily market prices of the year that ends with the quarter; from eight days on, below 24 weak
    evidence (`min_n`). `zero_denominator` where two constant prices meet.""",
    _FEW, _FLAT,
)  # fmt: skip
_add(
    "brk_index", "before", "none", "days", ("observed days before the shift", "突变前的观测日数"),
    """Number of observed days before the shift; the attribute `break_on` is the day itself.""",
    _FEW, _FLAT,
)  # fmt: skip
_add(
    "brk_p", "p", "low", "probability", ("chance of such a shift by accident", "偶然突变的概率"),
    """p of `brk_supF` against white noise of the same length, simulated with a fixed seed.

    Prices that drift shift more easily than noise: read it beside `brk_unexplained`.""",
    _FEW, _FLAT,
)  # fmt: skip
_add(
    "brk_size_pct", "size_pct", "high", "%", ("size of the price shift", "突变幅度"),
    """Mean price after the shift over the mean before, minus 1, in per cent.""",
    _FEW, _FLAT,
)  # fmt: skip
_add(
    "brk_sd_ratio", "sd_ratio", "low", "ratio",
    ("price variation after over before the shift", "突变前后价格波动之比"),
    """Standard deviation after the shift over that before it; collusion calms prices.""",
    _FEW, _FLAT, (nw.col("sd_ratio").is_null(), Reason.ZERO_DENOMINATOR),
    source="Abrantes-Metz et al. 2006; catalogue 3.C",
)  # fmt: skip
_add(
    "brk_count", "breaks", "none", "shifts", ("number of price shifts", "突变次数"),
    """Shifts in the mean found by PELT with a BIC penalty, segments of at least 15 %.

    More than one says that a single shift describes the year badly. Needs 24 days.""",
    (nw.col("n_days") < 24, Reason.TOO_FEW), _FLAT, source="Killick, Fearnhead and Eckley 2012",
)  # fmt: skip
_add(
    "brk_unexplained", "unexplained", "low", "probability",
    ("chance of such a shift beside costs", "剔除成本后突变的偶然概率"),
    """p of a shift in the residuals of the price on the product's monthly cost.

    Needs 24 days with a filed cost that moved.""",
    (nw.col("n_costs") < 1, Reason.MISSING_INPUT), (nw.col("n_costs") < 24, Reason.TOO_FEW),
    (nw.col("unexplained").is_null(), Reason.CONSTANT), n="n_costs", inputs=_WITH_COSTS,
)  # fmt: skip
