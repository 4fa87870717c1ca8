"""Discounts from a price that was never asked (TRX-FAKE-DISCOUNT)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy, both, month_end, month_start
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-FAKE-DISCOUNT", "promotions"
_INPUTS = ("listing_prices.list_price", "listing_prices.net_price", "listing_prices.promo_id",
           "listing_prices.ts")  # fmt: skip
_SOURCE = "Directive 98/6/EC art. 6a; catalogue 4"
_SERIES = ("sku_id", "seller_id", "platform_id", "channel", "currency")
_EVENT = (*_SERIES, "promo_id")
HISTORY_DAYS = 30


def _offers(t: Tables) -> Lazy:
    """Observed prices in stock with their day; blank ids where none is filed."""
    blank = nw.lit("")
    return (
        t["listing_prices"]
        .filter(nw.col("in_stock").fill_null(value=True))
        .select(
            "sku_id", "seller_id", "ts", "list_price", "net_price", "promo_id",
            *(nw.coalesce(nw.col(c), blank).alias(c) for c in _SERIES[2:]),
        )
    )  # fmt: skip


def _events(offers: Lazy) -> Lazy:
    """One row per promotion of one offer: its start, deepest price and highest reference."""
    return (
        offers.filter(~nw.col("promo_id").is_null())
        .group_by(*_EVENT)
        .agg(
            nw.col("ts").min().alias("start"),
            nw.col("net_price").min().alias("sale"),
            nw.col("list_price").max().alias("reference"),
            nw.len().alias("event_prices"),
        )
    )


def _before(offers: Lazy, events: Lazy) -> Lazy:
    """Prices asked for the same offer in the thirty days before each promotion."""
    asked = nw.coalesce(nw.col("net_price"), nw.col("list_price"))
    past = offers.select(*_SERIES, "ts", asked.alias("asked"))
    first = nw.col("start").dt.offset_by(f"-{HISTORY_DAYS}d")
    window = (
        events.select(*_EVENT, "start")
        .join(past, on=list(_SERIES), how="inner")
        .filter((nw.col("ts") < nw.col("start")) & (nw.col("ts") >= first))
        .filter(~nw.col("asked").is_null())
        .sort(*_EVENT, "ts", "asked")
    )
    window = window.with_columns(
        nw.col("asked").cum_min().over(*_EVENT, order_by=["ts", "asked"]).alias("_floor")
    )
    floor = nw.col("_floor")
    # An offer that was free before has no price a raise could be a part of.
    raised = window.with_columns(
        nw.when(floor > 0).then(nw.col("asked") / floor - 1).alias("_raise")
    )
    return raised.group_by(*_EVENT).agg(
        nw.col("asked").min().alias("lowest"),
        nw.col("asked").max().alias("highest"),
        nw.col("_raise").max().alias("raise"),
        nw.len().alias("past_prices"),
    )


def _history(offers: Lazy) -> Lazy:
    return offers.group_by(*_SERIES).agg(nw.col("ts").min().alias("first_seen"))


@base(
    name=_BASE,
    grain="sku_event",
    tables=("listing_prices",),
    attributes=("sku_id", "promo_id", "seller_id", "platform_id", "currency"),
    under="platform_id",
    peers=("platform_id",),
)
def promotions(t: Tables) -> Lazy:
    """One row per product and promotion, in the month it began; of several sellers the worst.

    Worst is the least real reduction, then the highest reference, then the first name.
    """
    offers = _offers(t)
    events = _events(offers)
    rows = events.join(_before(offers, events), on=list(_EVENT), how="left").join(
        _history(offers), on=list(_SERIES), how="left"
    )
    full = nw.col("first_seen") <= nw.col("start").dt.offset_by(f"-{HISTORY_DAYS}d")
    lowest = nw.col("lowest")
    real = nw.when(lowest > 0).then((lowest - nw.col("sale")) / lowest)
    rows = rows.with_columns(
        real.alias("real"),
        full.alias("full_history"),
        nw.col("past_prices").fill_null(0),
        nw.concat_str([nw.col(c) for c in _SERIES[1:]], separator="|").alias("_named"),
    )
    cell = ("sku_id", "promo_id")
    depth = nw.coalesce(nw.col("real"), nw.lit(9.0))
    rows = rows.with_columns(depth.alias("_depth"))
    rows = rows.filter(nw.col("_depth") == nw.col("_depth").min().over(*cell))
    rows = rows.filter(nw.col("_named") == nw.col("_named").min().over(*cell))
    day = nw.col("start").cast(nw.Date)
    return rows.with_columns(
        both(nw.col("sku_id"), nw.col("promo_id")).alias("subject_key"),
        month_start(day).alias("period_start"),
        month_end(day).alias("period_end"),
    )


_NO_PAST = (nw.col("past_prices") < 1, Reason.TOO_FEW)
_FREE = (nw.col("lowest") <= 0, Reason.ZERO_DENOMINATOR)
"""An offer that was free has no lower price, and no share of it."""


@feature(
    name="disc_ref_inflation", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio - 1",
    direction="high", n="past_prices", source=_SOURCE,
    title={"en": "claimed price above the lowest asked", "zh": "原价虚高幅度"},
)  # fmt: skip
def disc_ref_inflation() -> Measure:
    """Reference price claimed over the lowest price asked in the 30 days before, less 1."""
    return measure(
        nw.col("reference") / nw.col("lowest") - 1,
        (nw.col("reference").is_null(), Reason.MISSING_INPUT),
        _NO_PAST,
        _FREE,
    )


@feature(
    name="disc_real", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="low", n="past_prices", source=_SOURCE,
    title={"en": "real reduction", "zh": "实际降价幅度"},
)  # fmt: skip
def disc_real() -> Measure:
    """(lowest price asked in the 30 days before - sale price) over that lowest price.

    0 or less: nothing was reduced, whatever was advertised.
    """
    unsold = (nw.col("sale").is_null(), Reason.MISSING_INPUT)
    return measure(nw.col("real"), unsold, _NO_PAST, _FREE)


@feature(
    name="disc_advertised", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="none", n="event_prices", source=_SOURCE,
    title={"en": "advertised reduction", "zh": "宣称降价幅度"},
)  # fmt: skip
def disc_advertised() -> Measure:
    """1 - sale price over the reference price claimed."""
    nothing = (nw.col("reference") <= 0, Reason.ZERO_DENOMINATOR)
    return measure(1 - nw.col("sale") / nw.col("reference"), nothing)


@feature(
    name="disc_pre_raise", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio - 1",
    direction="high", min_n=2, n="past_prices", source="catalogue 4; 16 CFR 233 (G)",
    title={"en": "raise just before the cut", "zh": "促销前提价幅度"},
)  # fmt: skip
def disc_pre_raise() -> Measure:
    """Largest raise in the 30 days before, over the lowest price asked until then.

    0 where the sale price is not below the highest price of those days: nothing was cut again.
    """
    cut = nw.col("sale") < nw.col("highest")
    return measure(
        nw.when(cut).then(nw.col("raise")).otherwise(nw.lit(0.0)),
        (nw.col("sale").is_null(), Reason.MISSING_INPUT),
        (nw.col("past_prices") < 2, Reason.TOO_FEW),
        (cut & nw.col("raise").is_null(), Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="disc_short_history", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="none", min_n=0, n="past_prices", source=_SOURCE, kind="bool",
    title={"en": "seen for less than 30 days", "zh": "价格历史不足30天"},
)  # fmt: skip
def disc_short_history() -> Measure:
    """Whether the offer was first seen less than 30 days before: the window is then shorter."""
    return measure(nw.when(nw.col("full_history")).then(nw.lit(0.0)).otherwise(nw.lit(1.0)))
