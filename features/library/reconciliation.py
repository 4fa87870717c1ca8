"""A group's own figures against those of others (DATA-RECONCILE)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.groups import with_group
from features.library.market_shares import periods
from features.library.restatements import vintage_order
from features.operators import Lazy
from features.parameters.screens import screen_limit
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "DATA-RECONCILE", "reconciled_figures"
_INPUTS = ("metric_filings.value", "metric_filings.reporter_id", "market_positions.value",
           "firms.group_id")  # fmt: skip
_SOURCE = "interface: further typologies"
_FIGURE = ["group", "metric", "period_start", "period_end"]
_CELL = ["group", "period_start"]
TOLERANCE = screen_limit("recon_apart")
"""Relative difference two counts of one thing may show."""
_RATES = ("percent", "share", "ratio", "rate")


def _latest(t: Tables) -> pl.DataFrame:
    """Figures of the last publication that gives them, with their group and who reports them.

    Rates are left out: they cannot be added over services.
    """
    filed = with_group(t, t["metric_filings"], "operator_id", "group").select(
        "group", "metric", "period_start", "value", "vintage",
        nw.coalesce(nw.col("period_end"), nw.col("period_start")).alias("period_end"),
        nw.coalesce(nw.col("service_id"), nw.lit("")).alias("service_id"),
        nw.col("operator_id"),
        nw.when(nw.col("reporter_id") != nw.col("operator_id"))
        .then(nw.col("reporter_id")).otherwise(nw.lit(None, dtype=nw.String)).alias("reporter"),
        nw.coalesce(nw.col("unit"), nw.lit("")).str.to_lowercase().alias("unit"),
    )  # fmt: skip
    rows = collect(filed.filter(~nw.col("value").is_null() & ~nw.col("unit").is_in(_RATES)))
    order = vintage_order(rows["vintage"].drop_nulls().to_list())
    place = pl.col("vintage").replace_strict(order, default=-1, return_dtype=pl.Int64)
    own = [*_FIGURE, "operator_id", "service_id", "reporter"]
    return rows.sort(*own, place, "value").unique(own, keep="last", maintain_order=True)


def _rolled(rows: pl.DataFrame) -> pl.DataFrame:
    """One figure per group, metric, period and reporter: its own total, else the services' sum."""
    total = pl.col("service_id") == ""
    summed = pl.col("value").sum()
    return rows.group_by(*_FIGURE, "reporter").agg(
        value=pl.when(total.any()).then(pl.col("value").filter(total).sum()).otherwise(summed)
    )


def _positions(t: Tables) -> pl.DataFrame | None:
    """Sizes of the group's firms in market filings, added over markets."""
    if t.get("market_positions") is None:
        return None
    filed = with_group(t, periods(t["market_positions"]), "firm_id", "group")
    rows = collect(filed.filter(~nw.col("value").is_null() & ~nw.col("metric").is_null()))
    rows = rows.sort(*_FIGURE, "market_id", "firm_id")
    return rows.group_by(_FIGURE, maintain_order=True).agg(
        reporter=pl.lit("market_positions"), value=pl.col("value").sum()
    )


@base(
    name=_BASE,
    grain="operator_y",
    tables=("metric_filings",),
    attributes=("worst_metric",),
)
def reconciled_figures(t: Tables) -> Lazy:
    """One row per economic group and first day of a period for which it filed figures.

    The own figure of a metric (services added up) stands beside each other reporter's of the same
    metric and period, and beside the sizes filed for its firms in market positions.
    """
    figures = _rolled(_latest(t))
    own = figures.filter(pl.col("reporter").is_null()).drop("reporter")
    others = figures.filter(pl.col("reporter").is_not_null()).select(*_FIGURE, "reporter", "value")
    if (sizes := _positions(t)) is not None:
        others = pl.concat([others, sizes.select(others.columns)])
    both = own.join(others.rename({"value": "_other"}), on=_FIGURE, how="left").with_columns(
        gap=pl.when(pl.col("_other") != 0).then(pl.col("value") / pl.col("_other") - 1)
    )
    size = pl.col("gap").abs()
    rows = (
        both.sort(*_CELL, size, "metric", "reporter", nulls_last=False)
        .group_by(_CELL, maintain_order=True)
        .agg(
            pl.col("period_end").max(),
            figures=pl.struct("metric", "period_end").n_unique().cast(pl.Int64),
            others=pl.col("_other").count().cast(pl.Int64),
            compared=pl.col("gap").count().cast(pl.Int64),
            apart=(size > TOLERANCE).sum().cast(pl.Int64),
            signed=pl.col("gap").last(),
            worst_metric=pl.col("metric").filter(pl.col("gap").is_not_null()).last(),
        )
        .with_columns(subject_key="group")
    )
    return nw.from_native(rows.lazy())


_ALONE = (
    (nw.col("others") < 1, Reason.MISSING_INPUT),
    (nw.col("compared") < 1, Reason.ZERO_DENOMINATOR),
)


@feature(
    name="recon_max_gap", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="compared", source=_SOURCE,
    title={"en": "largest difference from another's figure", "zh": "与第三方数据最大差异"},
)  # fmt: skip
def recon_max_gap() -> Measure:
    """Largest |own / other's - 1| over metrics and reporters of the same period."""
    return measure(nw.col("signed").abs(), *_ALONE)


@feature(
    name="recon_signed_gap", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio - 1",
    direction="none", n="compared", source=_SOURCE,
    title={"en": "own figure against another's", "zh": "自报与第三方数据之比"},
)  # fmt: skip
def recon_signed_gap() -> Measure:
    """Own over the other's figure, less 1, where they differ most: below 0 the group files less."""
    return measure(nw.col("signed"), *_ALONE)


@feature(
    name="recon_apart", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="figures",
    direction="high", n="compared", source=_SOURCE,
    title={"en": "figures that do not agree", "zh": "不一致的数据个数"},
)  # fmt: skip
def recon_apart() -> Measure:
    """Comparisons that differ by more than one tenth."""
    return measure(nw.col("apart"), *_ALONE)
