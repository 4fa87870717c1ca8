"""Pass-through of costs into prices (MON-PRICE-RIGIDITY), from monthly means of both."""

from __future__ import annotations

from datetime import date
from math import nan

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.price_days import SERIES
from features.operators import Lazy, both, month_start, quarter_end
from features.tables import Tables, collect
from features.timeseries import Series, slopes
from features.vocabulary import Direction, Reason

_TYPOLOGY, _BASE = "MON-PRICE-RIGIDITY", "price_pass_through"
_INPUTS = ("listing_prices.net_price", "listing_prices.ts", "costs.unit_cost", "costs.avc",
           "costs.wholesale_price", "costs.month")  # fmt: skip
_SOURCE = "Jimenez and Perdiguero 2012; catalogue 3.C"
_QUARTERS, _LAGS = 12, 4
_CELL = [*SERIES, "period_start"]


@view("monthly_costs")
def monthly_costs(t: Tables) -> Lazy:
    """Cost of one unit by firm, product and month: booked, else variable, else wholesale.

    Columns: `firm_id`, `product_id`, `month` (first day), `cost`, `cost_currency`.
    """
    cost = nw.coalesce("unit_cost", "avc", "wholesale_price")
    first = nw.concat_str([nw.col("month").str.slice(0, 7), nw.lit("-01")])
    return (
        t["costs"]
        .filter(nw.col("month").str.len_chars() >= 7, ~nw.col("month").str.contains("Q"))
        .with_columns(cost.alias("cost"), first.str.to_date("%Y-%m-%d").alias("month"))
        .filter(nw.col("cost") > 0)
        .group_by("firm_id", "product_id", "month")
        .agg(nw.col("cost").max(), nw.col("currency").min().alias("cost_currency"))
    )


@base(
    name=_BASE,
    grain="sku_seller_q",
    tables=("listing_prices", "costs"),
    attributes=("sku_id", "seller_id", "platform_id", "channel", "currency"),
    peers=("platform_id", "channel"),
)
def price_pass_through_rows(t: Tables) -> Lazy:
    """One row per product, seller and quarter with costs filed: regressions over three years.

    The window ends with the quarter. Only steps between neighbouring months in which both price
    and cost are known count; prices and costs in different currencies are never set against each
    other.
    """
    quarters = t.view("main_price_days").select(*_CELL).unique()
    prices = t.view("price_days").with_columns(month_start(nw.col("day")).alias("month"))
    months = collect(
        prices.group_by(*SERIES, "month")
        .agg(nw.col("price").mean())
        .join(
            t.view("monthly_costs"),
            left_on=["seller_id", "sku_id", "month"],
            right_on=["firm_id", "product_id", "month"],
            how="inner",
        )
        .filter(
            nw.col("cost_currency").is_null()
            | (nw.col("currency") == "")
            | (nw.col("cost_currency") == nw.col("currency"))
        )
        .sort(*SERIES, "month")
    )
    steps = months.with_columns(
        pl.col("price", "cost").diff().over(*SERIES).name.prefix("d_"),
        (pl.col("month").shift(1).over(*SERIES).dt.offset_by("1mo") == pl.col("month"))
        .fill_null(value=False)
        .alias("adjacent"),
    )
    paths = steps.partition_by(*SERIES, as_dict=True)
    found = [
        (*row, *_fit(paths[row[:-1]], row[-1]))
        for row in collect(quarters).sort(_CELL).rows()
        if row[:-1] in paths
    ]
    names = ("n_steps", "slope", "long_run", "rise", "fall", "cost_move")
    schema = dict.fromkeys(SERIES, pl.String) | {"period_start": pl.Date, "n_steps": pl.Int64}
    schema |= dict.fromkeys(names[1:], pl.Float64)
    rows = pl.LazyFrame(found, schema=schema, orient="row").with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )
    return nw.from_native(rows).with_columns(
        both(nw.col("sku_id"), nw.col("seller_id")).alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
    )


def _fit(path: pl.DataFrame, quarter: date) -> tuple[float, ...]:
    """Steps and slopes of one series in the three years that end with the quarter."""
    start = pl.lit(quarter)
    window = path.filter(
        pl.col("month").is_between(
            start.dt.offset_by(f"-{_QUARTERS - 1}q"), start.dt.offset_by("2mo")
        )
    )
    steps = window.filter("adjacent")
    price, cost = steps["d_price"].to_numpy(), steps["d_cost"].to_numpy()
    plain = slopes(price, cost[:, None])
    split = slopes(price, np.column_stack([np.maximum(cost, 0), np.minimum(cost, 0)]))
    own = window.filter(pl.col("month") >= start)["cost"].to_numpy()
    return (
        len(steps),
        nan if plain is None else float(plain[0]),
        _long_run(window),
        *((nan, nan) if split is None else map(float, split)),
        float(own.max() / own.min() - 1) if len(own) else nan,
    )


def _long_run(window: pl.DataFrame) -> float:
    """Sum of the slopes on the cost steps of this month and the four before."""
    lagged = window.with_columns(
        *(pl.col("d_cost").shift(k).alias(f"_c{k}") for k in range(_LAGS + 1)),
        pl.col("adjacent").cast(pl.Int64).rolling_sum(_LAGS + 1).alias("_run"),
    ).filter(pl.col("_run") == _LAGS + 1)
    if lagged.height < 30:
        return nan
    regressors: Series = lagged.select(f"_c{k}" for k in range(_LAGS + 1)).to_numpy()
    found = slopes(lagged["d_price"].to_numpy(), regressors)
    return nan if found is None else float(found.sum())


def _add(
    name: str, value: nw.Expr, direction: Direction, title: tuple[str, str], doc: str, *,
    at_least: int = 3, absent: Reason = Reason.CONSTANT,
) -> None:  # fmt: skip
    checks = ((nw.col("n_steps") < at_least, Reason.TOO_FEW), (value.is_null(), absent))
    feature(
        name=name, typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
        direction=direction, min_n=30, n="n_steps", source=_SOURCE,
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(value, *checks))  # fmt: skip


_add(
    "price_pass_through", nw.col("slope"), "low", ("pass-through of costs", "成本传导率"),
    """Least-squares slope of the monthly price step on the cost step of the same month.

    Three years up to the quarter; from three steps on, below 30 it is weak evidence (`min_n`).
    `constant` where the cost did not move.""",
)  # fmt: skip
_add(
    "price_pass_through_long", nw.col("long_run"), "low",
    ("pass-through of costs within four months", "四个月内成本传导率"),
    """Sum of the slopes of the price step on the cost steps of this month and the four before.

    Needs 30 months in which all five are known.""",
    at_least=34, absent=Reason.TOO_FEW,
)  # fmt: skip
_add(
    "asym_pass_through", nw.col("rise") - nw.col("fall"), "high",
    ("rising costs passed on more than falling ones", "成本升降传导不对称"),
    """Slope on rising costs minus slope on falling costs, from one regression with both.""",
    at_least=4,
)  # fmt: skip


@feature(
    name="price_cost_move", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="none", n="n_steps", source="catalogue 3.C",
    title={"en": "movement of costs in the quarter", "zh": "当季成本波动幅度"},
)  # fmt: skip
def price_cost_move() -> Measure:
    """Highest over lowest monthly cost of the quarter, minus 1: whether there was a reason to move.

    Context for rigid prices; not suspicious by itself.
    """
    return measure(nw.col("cost_move"))
