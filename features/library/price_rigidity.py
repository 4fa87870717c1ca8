"""Sticky prices (MON-PRICE-RIGIDITY): how rarely a posted price changes, and in which spells."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.price_days import SERIES, changed
from features.operators import Lazy, both, quarter_end
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-PRICE-RIGIDITY", "price_rigidity"
_INPUTS = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.shipping",
           "listing_prices.in_stock", "listing_prices.ts")  # fmt: skip
_SOURCE = "Connor 2007; Abrantes-Metz and Bajari 2009; Bolotova 2009"
_CELL = (*SERIES, "period_start")


@base(
    name=_BASE,
    grain="sku_seller_q",
    tables=("listing_prices",),
    attributes=("sku_id", "seller_id", "platform_id", "channel", "currency"),
    peers=("platform_id", "channel"),
)
def price_rigidity(t: Tables) -> Lazy:
    """One row per product, seller and quarter: changes and spells of the daily price."""
    days = t.view("main_price_days")
    before = nw.col("price").shift(1).over(*_CELL, order_by="day")
    moves = changed(nw.col("price"), nw.col("_before")).cast(nw.Int64)
    days = days.with_columns(before.alias("_before")).with_columns(moves.alias("_move"))
    run = nw.col("_move").fill_null(0).cum_sum().over(*_CELL, order_by="day")
    spells = days.with_columns(run.alias("_run")).group_by(*_CELL, "_run").agg(
        nw.len().cast(nw.Int64).alias("_length")
    )  # fmt: skip
    rows = spells.group_by(*_CELL).agg(
        nw.col("_length").sum().alias("n_days"), nw.len().cast(nw.Int64).alias("n_spells")
    )
    return rows.join(_median_spell(spells), on=list(_CELL), how="left").with_columns(
        both(nw.col("sku_id"), nw.col("seller_id")).alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
    )


def _median_spell(spells: Lazy) -> Lazy:
    """Kaplan-Meier median of spell lengths; the first and the last spell are cut off, not ended."""
    run = nw.col("_run")
    inside = (run > run.min().over(*_CELL)) & (run < run.max().over(*_CELL))
    lengths = (
        spells.with_columns(inside.cast(nw.Int64).alias("_ended"))
        .group_by(*_CELL, "_length")
        .agg(nw.len().cast(nw.Int64).alias("_spells"), nw.col("_ended").sum())
    )
    later = nw.col("_spells").cum_sum().over(*_CELL, order_by="_length")
    at_risk = nw.col("_spells").sum().over(*_CELL) - later + nw.col("_spells")
    lasting = 1 - nw.col("_ended") / nw.col("_at_risk")
    survival = lengths.with_columns(at_risk.alias("_at_risk")).with_columns(
        lasting.cum_prod().over(*_CELL, order_by="_length").alias("_survival")
    )
    return (
        survival.filter(nw.col("_survival") <= 0.5 + 1e-12)
        .group_by(*_CELL)
        .agg(nw.col("_length").min().alias("median_spell"))
    )


@feature(
    name="price_zero_change_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", min_n=10, n="n_days", source=_SOURCE, peer_adjusted=True,
    title={"en": "share of days without a price change", "zh": "价格未变动的比例"},
)  # fmt: skip
def price_zero_change_share() -> Measure:
    """Share of steps from one observed day to the next on which the price stays the same."""
    steps = nw.col("n_days") - 1
    return measure(
        1 - (nw.col("n_spells") - 1) / steps, (nw.col("n_days") < 2, Reason.TOO_FEW)
    )  # fmt: skip


@feature(
    name="price_mean_spell", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="observed days", direction="high", min_n=10, n="n_days", source=_SOURCE,
    peer_adjusted=True, title={"en": "mean life of a price", "zh": "价格平均持续期"},
)  # fmt: skip
def price_mean_spell() -> Measure:
    """Mean length of runs of equal prices, in observed days of the quarter.

    The first and the last run are cut off by the quarter, so this is a lower bound;
    `price_median_spell` allows for it.
    """
    return measure(nw.col("n_days") / nw.col("n_spells"), (nw.col("n_days") < 2, Reason.TOO_FEW))


@feature(
    name="price_median_spell", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="observed days", direction="high", min_n=3, n="n_spells",
    source="Kaplan and Meier 1958", peer_adjusted=True,
    title={"en": "median life of a price", "zh": "价格持续期中位数"},
)  # fmt: skip
def price_median_spell() -> Measure:
    """Kaplan-Meier median length of runs of equal prices; first and last run are censored.

    `censored` where more than half of the runs outlive everything seen to end.
    """
    return measure(
        nw.col("median_spell"),
        (nw.col("n_days") < 2, Reason.TOO_FEW),
        (nw.col("median_spell").is_null(), Reason.CENSORED),
    )
