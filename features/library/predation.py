"""Sales below cost (MON-PREDATION)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.costs import SERIES, mean_price, with_costs
from features.library.groups import with_group
from features.library.months import run_length, week_number, worst_row
from features.operators import Lazy, month_start
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-PREDATION", "below_cost_weeks"
_INPUTS = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.shipping",
           "listing_prices.promo_id", "costs.avc", "costs.aac", "costs.atc")  # fmt: skip
_SOURCE = "Areeda and Turner 1975; AKZO C-62/86; SPC interpretation 2024 art. 37"
ABSENT, REACH, HISTORY = 4, 26, 8
"""Weeks without offers that make an exit; weeks after it that are compared; weeks before it."""

_EQUAL = 1 - 1e-9


@base(
    name=_BASE,
    grain="sku_w",
    tables=("listing_prices", "costs"),
    attributes=("pred_seller", "pred_platform", "pred_currency", "pred_free_side"),
)
def below_cost_weeks(t: Tables) -> Lazy:
    """One row per product with filed costs and week: the seller longest below its own cost.

    Weeks run Monday to Sunday. Weeks in which every offer is a clearance count neither way.
    """
    products = t["costs"].select(nw.col("product_id").alias("sku_id")).unique()
    offers = t.view("posted_offers").join(products, on="sku_id", how="semi")
    sold = mean_price(offers.filter(~nw.col("clearance")), "week")
    weeks = (
        offers.group_by(*SERIES, "week")
        .agg(nw.len().alias("all_offers"))
        .join(sold, on=[*SERIES, "week"], how="left")
        .with_columns(
            month_start(nw.col("week")).alias("month"), week_number(nw.col("week")).alias("number")
        )
    )
    rows = with_costs(t, weeks, "month").with_columns(
        nw.coalesce(nw.col("aac"), nw.col("avc")).alias("floor")
    )
    below = nw.col("price") < nw.col("floor") * _EQUAL
    rows = run_length(rows, SERIES, "number", below, "weeks_below")
    rows = _recoupment(t, rows, offers)
    margin = (nw.col("price") - nw.col("floor")) / nw.col("floor")
    cell = ("sku_id", "week")
    known = nw.when(~nw.col("floor").is_null()).then(nw.col("weeks_below"))
    names = [nw.col(c) for c in SERIES[1:]]
    rows = worst_row(
        rows, cell, (~nw.col("floor").is_null()).cast(nw.Int64), known, -margin, *names
    )
    week = nw.col("week")
    return rows.with_columns(
        nw.col("sku_id").alias("subject_key"),
        week.alias("period_start"),
        week.dt.offset_by("6d").cast(nw.Date).alias("period_end"),
        nw.col("seller_id").alias("pred_seller"),
        nw.col("platform_id").alias("pred_platform"),
        nw.col("currency").alias("pred_currency"),
        (nw.col("price") == 0).alias("pred_free_side"),
    )


def _recoupment(t: Tables, rows: Lazy, offers: Lazy) -> Lazy:
    """Add mean prices before (`before_exit`) and since (`after_exit`) the last rival's exit.

    Sellers of one economic group are no rivals: a group leaves when the last of them does.
    """
    offers = with_group(t, offers, "seller_id", "group")
    seen = offers.select("sku_id", "group", week_number(nw.col("week")).alias("last")).unique()
    following = nw.col("last").shift(-1).over("sku_id", "group", order_by="last")
    exits = (
        seen.with_columns(following.alias("next"))
        .filter(nw.col("next").is_null() | (nw.col("next") - nw.col("last") > ABSENT))
        .rename({"group": "rival"})
    )
    number, last = nw.col("number"), nw.col("last")
    back = nw.col("next").is_null() | (nw.col("next") > number)
    left = (
        with_group(t, rows.select(*SERIES, "number"), "seller_id", "group")
        .join(exits, on="sku_id", how="inner")
        .filter(nw.col("rival") != nw.col("group"))
        .filter((number >= last + ABSENT) & (number <= last + REACH) & back)
        .group_by(*SERIES, "number")
        .agg(last.max())
    )
    own = rows.select(*SERIES, nw.col("number").alias("at"), nw.col("price").alias("paid"))
    spans = left.join(own, on=list(SERIES), how="inner").filter(
        (nw.col("at") <= number) & (nw.col("at") > last - HISTORY)
    )
    paid = nw.col("paid")
    means = (
        spans.with_columns(
            nw.when(nw.col("at") <= last).then(paid).alias("before_exit"),
            nw.when(nw.col("at") > last).then(paid).alias("after_exit"),
        )
        .sort(*SERIES, "number", "at")
        .group_by(*SERIES, "number")
        .agg(nw.col("before_exit").mean(), nw.col("after_exit").mean())
    )
    return rows.join(means, on=[*SERIES, "number"], how="left")


def _unpriced() -> tuple[nw.Expr, Reason]:
    """Every offer of the week was a clearance."""
    return nw.col("price").is_null(), Reason.NOT_APPLICABLE


@feature(
    name="pred_avc_margin", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="low", n="offers", source=_SOURCE,
    title={"en": "margin over avoidable cost", "zh": "相对可避免成本的毛利率"},
)  # fmt: skip
def pred_avc_margin() -> Measure:
    """(net price - cost) / cost, with average avoidable cost, else average variable cost.

    The week's mean price of one offer. A free offer gives -1 and is marked `pred_free_side`:
    another side of the platform may pay for it.
    """
    floor = nw.col("floor")
    return measure(
        (nw.col("price") - floor) / floor,
        _unpriced(),
        (floor.is_null(), Reason.MISSING_INPUT),
        (floor <= 0, Reason.ZERO_DENOMINATOR),
    )


def _bound(pick: nw.Expr) -> Measure:
    cost = nw.coalesce(nw.col("floor"), pick)
    return measure(
        (nw.col("price") - cost) / cost,
        _unpriced(),
        (cost.is_null(), Reason.MISSING_INPUT),
        (cost <= 0, Reason.ZERO_DENOMINATOR),
    )


_RANGE = ("atc", "lraic", "unit_cost", "wholesale_price")


@feature(
    name="pred_avc_margin_low", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="low", n="offers", source="catalogue 3.D",
    title={"en": "lowest possible margin over avoidable cost", "zh": "可避免成本毛利率下限"},
)  # fmt: skip
def pred_avc_margin_low() -> Measure:
    """The margin against the highest other unit cost filed, where variable cost is not filed."""
    return _bound(nw.max_horizontal(*_RANGE))


@feature(
    name="pred_avc_margin_high", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="low", n="offers", source="catalogue 3.D",
    title={"en": "highest possible margin over avoidable cost", "zh": "可避免成本毛利率上限"},
)  # fmt: skip
def pred_avc_margin_high() -> Measure:
    """The margin against the lowest other unit cost filed, where variable cost is not filed."""
    return _bound(nw.min_horizontal(*_RANGE))


@feature(
    name="pred_zone", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="class",
    direction="none", n="offers", source=_SOURCE, kind="class",
    title={"en": "price against cost levels", "zh": "价格所处成本区间"},
)  # fmt: skip
def pred_zone() -> Measure:
    """`below_avc`, `between_avc_atc` or `above_atc`; a price equal to a cost is not below it."""
    price, floor, atc = nw.col("price"), nw.col("floor"), nw.col("atc")
    below = price < floor * _EQUAL
    zone = (
        nw.when(below).then(nw.lit("below_avc"))
        .when(price < atc * _EQUAL).then(nw.lit("between_avc_atc"))
        .otherwise(nw.lit("above_atc"))
    )  # fmt: skip
    return measure(
        zone,
        _unpriced(),
        (floor.is_null(), Reason.MISSING_INPUT),
        (atc.is_null() & ~below, Reason.MISSING_INPUT),
    )


@feature(
    name="pred_weeks_below", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="weeks",
    direction="high", n="offers", source=_SOURCE,
    title={"en": "weeks in a row below avoidable cost", "zh": "连续低于可避免成本周数"},
)  # fmt: skip
def pred_weeks_below() -> Measure:
    """Consecutive weeks up to this one with a price below avoidable (variable) cost.

    Clearance weeks neither count nor end the run; a week without offers ends it.
    """
    return measure(
        nw.col("weeks_below"), _unpriced(), (nw.col("floor").is_null(), Reason.MISSING_INPUT)
    )


@feature(
    name="recoup_gap", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS[:4], "firms.group_id"), unit="%",
    direction="high", n="offers", source="Brooke Group v. Brown & Williamson, 509 US 209 (1993)",
    title={"en": "price rise after a rival left", "zh": "竞争者退出后的涨价幅度"},
)  # fmt: skip
def recoup_gap() -> Measure:
    """Mean price since a rival's exit over that of the eight weeks up to it, less 1, in per cent.

    A rival, a seller of another economic group, has left when it has made no offer of the product
    for four weeks; looked at for half a year after the last exit.
    """
    before = nw.col("before_exit")
    return measure(
        (nw.col("after_exit") / before - 1) * 100,
        (before.is_null() | nw.col("after_exit").is_null(), Reason.NOT_APPLICABLE),
        (before <= 0, Reason.ZERO_DENOMINATOR),
    )
