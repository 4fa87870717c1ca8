"""Rebates that make a customer's last units cost less than nothing (MON-LOYALTY)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.months import worst_row
from features.operators import Lazy, civil_day, year_end
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-LOYALTY", "loyal_customers"
_INPUTS = ("contract_terms.list_price", "contract_terms.rebate_rate",
           "contract_terms.contestable_share", "contract_terms.type")  # fmt: skip
_COST = (*_INPUTS, "costs.lraic")
_SOURCE = "Commission guidance on Art. 102 enforcement priorities 2009"
NEAR, LEAST_NEAR = 0.1, 10
"""How near a threshold purchases count as bunched; contracts near one."""


@view("clauses_in_force")
def clauses_in_force(t: Tables) -> Lazy:
    """Rebate and exclusive clauses, once for every year they are in force up to the run's day."""
    first = civil_day("from", "recorded_at", fallback=t.context.as_of)
    clauses = collect(
        t["contract_terms"]
        .filter(nw.col("type").is_in(["rebate", "exclusive"]))
        .filter(~nw.col("firm_id").is_null() & ~nw.col("counterparty_id").is_null())
        .with_columns(first.alias("first"))
    )
    last = pl.min_horizontal(pl.col("to").fill_null(t.context.as_of), pl.lit(t.context.as_of))
    years = pl.int_ranges(pl.col("first").dt.year(), last.dt.year() + 1).alias("year")
    rows = clauses.with_columns(years).explode("year").drop_nulls("year")
    start = pl.date(pl.col("year"), 1, 1).alias("period_start")
    return nw.from_native(rows.with_columns(start).lazy())


@base(
    name=_BASE,
    grain="customer_y",
    tables=("contract_terms",),
    attributes=("loy_product", "loy_currency"),
)
def loyal_customers(t: Tables) -> Lazy:
    """One row per seller, customer and year with a rebate in force: the lowest effective price.

    Lowest against its cost where one is filed.
    """
    clauses = t.view("clauses_in_force")
    price, share = nw.col("list_price"), nw.col("contestable_share")
    effective = price * (1 - nw.col("rebate_rate") / share)
    rebates = clauses.filter(nw.col("type") == "rebate").with_columns(
        nw.when(share > 0).then(effective).alias("effective")
    )
    rows = _with_lraic(t, rebates).join(
        _bound(clauses, rebates), on=["firm_id", "period_start"], how="left"
    )
    order = nw.col("effective") / nw.coalesce(nw.col("lraic"), price)
    cell = ("firm_id", "counterparty_id", "period_start")
    named = nw.coalesce(nw.col("product_id"), nw.lit(""))
    rows = worst_row(rows, cell, -order, nw.col("contract_id"), named)
    return rows.with_columns(
        nw.concat_str([nw.col("firm_id"), nw.lit("/"), nw.col("counterparty_id")])
        .alias("subject_key"),
        year_end(nw.col("period_start")).alias("period_end"),
        nw.col("product_id").alias("loy_product"),
        nw.col("currency").alias("loy_currency"),
        nw.lit(1).alias("one"),
    )  # fmt: skip


def _with_lraic(t: Tables, rebates: Lazy) -> Lazy:
    """Add long-run incremental cost of the product, the lowest month of the year."""
    if t.missing(("costs",)) is not None:
        return rebates.with_columns(nw.lit(None, dtype=nw.Float64).alias("lraic"))
    year = nw.col("cost_month").dt.truncate("1y").cast(nw.Date).alias("period_start")
    money = nw.coalesce(nw.col("currency"), nw.lit("")).alias("_money")
    costs = (
        t.view("filed_costs")
        .filter(~nw.col("lraic").is_null())
        .select(nw.col("seller_id").alias("firm_id"), nw.col("sku_id").alias("product_id"), year,
                "cost_currency", "lraic")
    )  # fmt: skip
    on = ["firm_id", "product_id", "period_start"]
    fits = (nw.col("cost_currency") == "") | (nw.col("_money") == "")
    fits = fits | (nw.col("cost_currency") == nw.col("_money"))
    found = (
        rebates.select(*on, money)
        .unique()
        .join(costs, on=on, how="inner")
        .filter(fits)
        .group_by(*on, "_money")
        .agg(nw.col("lraic").min())
    )
    return rebates.with_columns(money).join(found, on=[*on, "_money"], how="left")


def _bound(clauses: Lazy, rebates: Lazy) -> Lazy:
    """Per seller and year: purchases near thresholds, and those under exclusive clauses too."""
    bought, threshold = nw.col("purchases"), nw.col("threshold")
    above = (bought >= threshold) & (bought < threshold * (1 + NEAR))
    below = (bought < threshold) & (bought >= threshold * (1 - NEAR))
    pair = ["firm_id", "counterparty_id", "period_start"]
    exclusive = clauses.filter(nw.col("type") == "exclusive").select(*pair).unique()
    marked = rebates.join(
        exclusive.with_columns(nw.lit(1.0).alias("_exclusive")), on=pair, how="left"
    )
    tied = nw.col("_exclusive").fill_null(0.0) * bought
    return (
        marked.with_columns(
            above.fill_null(value=False).cast(nw.Int64).alias("_above"),
            below.fill_null(value=False).cast(nw.Int64).alias("_below"),
            tied.alias("_tied"),
        )
        .sort(*pair, "contract_id")
        .group_by("firm_id", "period_start")
        .agg(
            nw.col("_above").sum().alias("above"),
            nw.col("_below").sum().alias("below"),
            nw.col("_tied").sum().alias("tied"),
            bought.sum().alias("bought"),
            nw.len().alias("contracts"),
        )
        .with_columns((nw.col("above") + nw.col("below")).alias("near"))
    )


def _priced() -> tuple[tuple[nw.Expr, Reason], ...]:
    filed = ("list_price", "rebate_rate", "contestable_share")
    return (
        *((nw.col(c).is_null(), Reason.MISSING_INPUT) for c in filed),
        (nw.col("contestable_share") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="loy_effective_price", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="money",
    direction="low", n="one", source=_SOURCE,
    title={"en": "price of the units a rival could win", "zh": "可竞争部分的有效价格"},
)  # fmt: skip
def loy_effective_price() -> Measure:
    """List price * (1 - rebate / contestable share): what a rival's offer must beat.

    A retroactive rebate falls wholly on the contestable units. Zero or less when the share is no
    larger than the rebate; not clipped.
    """
    return measure(nw.col("effective"), *_priced())


@feature(
    name="loy_suction", typology=_TYPOLOGY, base=_BASE, inputs=_COST, unit="ratio",
    direction="low", n="one", source=_SOURCE,
    title={"en": "effective price over incremental cost", "zh": "有效价格与增量成本之比"},
)  # fmt: skip
def loy_suction() -> Measure:
    """`loy_effective_price` over long-run average incremental cost; below 1, below cost."""
    return measure(
        nw.col("effective") / nw.col("lraic"),
        *_priced(),
        (nw.col("lraic").is_null(), Reason.MISSING_INPUT),
        (nw.col("lraic") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="loy_below_cost", typology=_TYPOLOGY, base=_BASE, inputs=_COST, unit="bool",
    direction="high", n="one", source="Intel C-413/14 P", kind="bool",
    title={"en": "effective price below incremental cost", "zh": "有效价格低于增量成本"},
)  # fmt: skip
def loy_below_cost() -> Measure:
    """Whether the effective price is below long-run average incremental cost."""
    return measure(
        nw.col("effective") < nw.col("lraic") * (1 - 1e-9),
        *_priced(),
        (nw.col("lraic").is_null(), Reason.MISSING_INPUT),
    )


@feature(
    name="loy_threshold_bunch", typology=_TYPOLOGY, base=_BASE,
    inputs=("contract_terms.threshold", "contract_terms.purchases"), unit="0-1",
    direction="high", min_n=10, n="near", source="catalogue 3.D",
    title={"en": "purchases just above thresholds", "zh": "采购量聚集于返利门槛之上"},
)  # fmt: skip
def loy_threshold_bunch() -> Measure:
    """Of the seller's rebate contracts within 10 % of their threshold, the share above it.

    One half without bunching; ten contracts at least.
    """
    return measure(nw.col("above") / nw.col("near"), (nw.col("near") < LEAST_NEAR, Reason.TOO_FEW))


@feature(
    name="excl_rebate_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("contract_terms.purchases", "contract_terms.type"), unit="0-1", direction="high",
    n="contracts", source="SPC interpretation 2024 art. 39; Tetra Pak 2016",
    title={"en": "rebates tied to exclusivity", "zh": "与独家挂钩的返利占比"},
)  # fmt: skip
def excl_rebate_share() -> Measure:
    """Purchases by the seller's rebate customers that are exclusive too, over all of theirs."""
    return measure(
        nw.col("tied") / nw.col("bought"),
        (nw.col("bought").is_null() | (nw.col("bought") <= 0), Reason.MISSING_INPUT),
    )


@feature(
    name="loy_coverage", typology=_TYPOLOGY, base=_BASE,
    inputs=("contract_terms.coverage_share",), unit="0-1", direction="high", n="one",
    source=_SOURCE,
    title={"en": "market sales under such rebates", "zh": "返利覆盖市场份额"},
)  # fmt: skip
def loy_coverage() -> Measure:
    """Share of the market's sales under the rebate clause, as filed."""
    return measure(nw.col("coverage_share"))
