"""Different prices for different people at the same time (MON-PRICE-PERSONAL)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.months import worst_row
from features.library.regressions import Numbers, permutation_p, within
from features.operators import Lazy, civil_day, month_end, month_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _CELLS, _PLATFORM = "MON-PRICE-PERSONAL", "probe_cells", "probe_platforms"
_INPUTS = ("price_probes.shown_price", "price_probes.coupon", "price_probes.new_user_offer",
           "price_probes.persona", "price_probes.bucket",
           "price_probes.declared_conditions")  # fmt: skip
_PROFILE = ("persona", "member_tier", "device", "payment")
_PROFILED = (*_INPUTS, *(f"price_probes.{c}" for c in _PROFILE[1:]))
_SOURCE = "PIPL art. 24; Hannak et al. 2014"
STRATUM = ("platform_id", "sku_id", "bucket", "seller_id", "region", "conditions", "currency")
"""Probes are compared only inside one stratum: same product, bucket, seller and conditions."""

LEAST, FOLDS, LEAST_CELLS = 3, 5, 10


@view("probe_prices")
def probe_prices(t: Tables) -> Lazy:
    """Probes in stock with a price: stratum, `month`, profile words, `shown`, `price`.

    `price` has published coupons and documented first-order promotions added back: what they
    explain is no discrimination.
    """
    blank = nw.lit("")
    shown = nw.col("shown_price")
    coupon = nw.col("coupon").fill_null(0.0)
    offer = nw.col("new_user_offer").fill_null(0.0)
    filed = ("platform_id", "seller_id", "region", "currency", *_PROFILE)
    day = civil_day("ts", "recorded_at", fallback=t.context.as_of)
    rows = (
        t["price_probes"]
        .filter(nw.col("in_stock").fill_null(value=True) & (shown > 0))
        .select(
            "sku_id",
            "bucket",
            "probe_id",
            *(nw.coalesce(nw.col(c), blank).alias(c) for c in filed),
            nw.coalesce(nw.col("declared_conditions"), blank).alias("conditions"),
            month_start(day).alias("month"),
            (shown + coupon).alias("shown"),
            (shown + coupon + offer).alias("price"),
        )
    )
    first = nw.col("month").min().over(*STRATUM)
    return rows.with_columns(first.alias("month")).sort(*STRATUM, "probe_id")


def _arm(column: str, persona: str) -> nw.Expr:
    return nw.when(nw.col("persona") == persona).then(nw.col(column))


@view("probe_strata")
def probe_strata(t: Tables) -> Lazy:
    """One row per stratum: probes, range, and medians of its new and loyal profiles."""
    arms = t.view("probe_prices").with_columns(
        _arm("price", "new").alias("new"),
        _arm("price", "loyal").alias("loyal"),
        _arm("shown", "new").alias("new_shown"),
        _arm("shown", "loyal").alias("loyal_shown"),
    )
    price = nw.col("price")
    medians = ("new", "loyal", "new_shown", "loyal_shown")
    return arms.group_by(*STRATUM, "month").agg(
        nw.len().alias("probes"),
        price.min().alias("lowest"),
        price.max().alias("highest"),
        nw.col("new").count().alias("n_new"),
        nw.col("loyal").count().alias("n_loyal"),
        *(nw.col(c).median().alias(f"mid_{c}") for c in medians),
    )


@base(
    name=_CELLS,
    grain="cell",
    tables=("price_probes",),
    attributes=("pp_platform", "pp_seller", "pp_region"),
    peers=("pp_platform", "pp_region"),
)
def probe_cells(t: Tables) -> Lazy:
    """One row per product and bucket: of its strata, the one with most probes, then the widest."""
    width = nw.col("highest") / nw.col("lowest")
    names = [nw.col(c) for c in STRATUM if c not in {"sku_id", "bucket"}]
    rows = worst_row(t.view("probe_strata"), ("sku_id", "bucket", "month"), nw.col("probes"),
                     width, *names)  # fmt: skip
    return rows.with_columns(
        nw.concat_str([nw.col("sku_id"), nw.lit("/"), nw.col("bucket")]).alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
        nw.min_horizontal("n_new", "n_loyal").alias("per_arm"),
        nw.col("platform_id").alias("pp_platform"),
        nw.col("seller_id").alias("pp_seller"),
        nw.col("region").alias("pp_region"),
    )


@feature(
    name="pp_cell_range", typology=_TYPOLOGY, base=_CELLS, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=2, n="probes", source="catalogue 3.D",
    title={"en": "widest price difference in one cell", "zh": "同一情境最大价差"},
)  # fmt: skip
def pp_cell_range() -> Measure:
    """(highest - lowest) / lowest price shown in one cell, coupons and new-user offers added back.

    A cell is one product of one seller in one bucket, region, currency and set of conditions.
    """
    return measure(
        (nw.col("highest") - nw.col("lowest")) / nw.col("lowest"),
        (nw.col("probes") < 2, Reason.TOO_FEW),
    )


@feature(
    name="pp_gap_loyal", typology=_TYPOLOGY, base=_CELLS, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=3, n="per_arm", source=_SOURCE,
    title={"en": "loyal customers pay more", "zh": "老客户价格高出比例"},
)  # fmt: skip
def pp_gap_loyal() -> Measure:
    """Median price of loyal profiles over that of new ones, less 1; three of each at least."""
    return measure(
        nw.col("mid_loyal") / nw.col("mid_new") - 1, (nw.col("per_arm") < LEAST, Reason.TOO_FEW)
    )


@base(
    name=_PLATFORM,
    grain="platform_m",
    tables=("price_probes",),
    attributes=("platform_id",),
    under="platform_id",
)
def probe_platforms(t: Tables) -> Lazy:
    """One row per platform and month: all its cells together."""
    strata = collect(t.view("probe_strata"))
    both = (pl.col("n_new") >= LEAST) & (pl.col("n_loyal") >= LEAST)
    gap = pl.col("mid_loyal") / pl.col("mid_new") - 1
    raw = pl.col("mid_loyal_shown") / pl.col("mid_new_shown") - 1
    key = ["platform_id", "month"]
    totals = strata.group_by(key).agg(
        both.sum().alias("gap_cells"),
        gap.filter(both).median().alias("gap"),
        (raw - gap).filter(both).median().alias("explained"),
        ((pl.col("n_new") > 0) & (pl.col("n_loyal") > 0)).sum().alias("cells"),
    )
    probes = collect(t.view("probe_prices")).sort(*STRATUM, "probe_id")
    tested = [
        (*name, _stratified_p(part), *_profile_r2(part))
        for name, part in probes.group_by(key, maintain_order=True)
    ]
    schema = {"platform_id": pl.String, "month": pl.Date, "perm_p": pl.Float64,
              "r2": pl.Float64, "r2_cells": pl.Int64}  # fmt: skip
    found = pl.DataFrame(tested, schema=schema, orient="row")
    rows = totals.join(found, on=key, how="left").filter(pl.col("platform_id") != "")
    return nw.from_native(rows.lazy()).with_columns(
        nw.col("platform_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
    )


def _stratified_p(probes: pl.DataFrame) -> float | None:
    """Permutation p over the platform's strata; prices are relative to their stratum's mean."""
    cells: list[tuple[Numbers, Numbers]] = []
    for _, part in probes.group_by(list(STRATUM), maintain_order=True):
        price = part["price"].to_numpy() / part["price"].to_numpy().mean()
        persona = part["persona"].to_numpy()
        arms = price[persona == "new"], price[persona == "loyal"]
        if len(arms[0]) and len(arms[1]):
            cells.append(arms)
    return permutation_p(cells) if cells else None


def _profile_r2(probes: pl.DataFrame) -> tuple[float | None, int]:
    """Share of the variation inside cells that profiles predict in cells not used to fit."""
    parts = probes.filter(pl.len().over(STRATUM) > 1)
    if parts.is_empty():
        return None, 0
    cell = parts.select(pl.struct(STRATUM).rank("dense")).to_series().to_numpy().astype(np.int64)
    cell = cell - 1
    cells = int(cell.max()) + 1
    y = within(np.log(parts["price"].to_numpy()), cell)
    words = parts.select(_PROFILE).to_dummies().to_numpy().astype(np.float64)
    if cells < LEAST_CELLS or not np.any(np.abs(y) > 1e-12):
        return None, cells
    x = within(words, cell)
    left = 0.0
    for fold in range(FOLDS):
        out = cell % FOLDS == fold
        weights = np.linalg.lstsq(x[~out], y[~out], rcond=None)[0]
        left += float(((y[out] - x[out] @ weights) ** 2).sum())
    return max(0.0, 1.0 - left / float(y @ y)), cells


@feature(
    name="pp_perm_p", typology=_TYPOLOGY, base=_PLATFORM, inputs=_INPUTS, unit="probability",
    direction="low", min_n=30, n="cells", source=_SOURCE,
    title={"en": "chance of so high prices for loyal customers", "zh": "老客户高价的偶然概率"},
)  # fmt: skip
def pp_perm_p() -> Measure:
    """One-sided permutation p that loyal profiles are shown higher prices than new ones.

    Labels are permuted inside cells only; prices are taken relative to their cell's mean. All
    arrangements are counted while there are at most 20,000, else 9,999 seeded draws. One cell of
    three against three cannot go below 1/20.
    """
    return measure(nw.col("perm_p"), (nw.col("cells") < 1, Reason.TOO_FEW))


@feature(
    name="pp_median_gap", typology=_TYPOLOGY, base=_PLATFORM, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=30, n="gap_cells", source=_SOURCE,
    title={"en": "usual gap between loyal and new customers", "zh": "新老客户价差中位数"},
)  # fmt: skip
def pp_median_gap() -> Measure:
    """Median over the platform's cells of `pp_gap_loyal`."""
    return measure(nw.col("gap"), (nw.col("gap_cells") < 1, Reason.TOO_FEW))


@feature(
    name="pp_new_user_offer", typology=_TYPOLOGY, base=_PLATFORM, inputs=_INPUTS, unit="ratio",
    direction="none", min_n=30, n="gap_cells", source="SPC interpretation 2024",
    title={"en": "gap explained by first-order offers", "zh": "首单优惠可解释的价差"},
)  # fmt: skip
def pp_new_user_offer() -> Measure:
    """Median over cells of the gap as shown less the gap after first-order offers are added back.

    Already taken out of `pp_gap_loyal`, `pp_median_gap` and `pp_perm_p`.
    """
    return measure(nw.col("explained"), (nw.col("gap_cells") < 1, Reason.TOO_FEW))


@feature(
    name="pp_profile_r2", typology=_TYPOLOGY, base=_PLATFORM, inputs=_PROFILED, unit="0-1",
    direction="high", min_n=30, n="r2_cells", source="Hannak et al. 2014; catalogue 3.D",
    title={"en": "price variation explained by profiles", "zh": "用户画像解释的价格变异"},
)  # fmt: skip
def pp_profile_r2() -> Measure:
    """Share of price variation inside cells that persona, tier, device and payment predict.

    Least squares of ln price with cell fixed effects, cross-fitted over five folds of cells;
    worse than nothing counts as 0. At least ten cells of two probes.
    """
    return measure(
        nw.col("r2"),
        (nw.col("r2_cells") < LEAST_CELLS, Reason.TOO_FEW),
        (nw.col("r2").is_null(), Reason.CONSTANT),
    )
