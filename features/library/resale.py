"""Resale prices held alike (MON-RPM)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import base, feature, measure
from features.library.groups import with_group
from features.library.market_shares import one_metric, periods
from features.library.price_days import STEP
from features.operators import Lazy, days_between, month_end, month_start
from features.parameters.competition import limit_on
from features.tables import Tables, settled
from features.vocabulary import Direction, Reason

_TYPOLOGY, _BASE = "MON-RPM", "resale_prices"
_INPUTS = ("listing_prices.net_price", "listing_prices.list_price", "listing_prices.shipping",
           "listing_prices.seller_id", "listing_prices.ts", "firms.group_id")  # fmt: skip
_SOURCE = "catalogue 3.C, MON-RPM"
_CELL = ("sku_id", "currency", "period_start")
_PUNISHED = ("delisted", "supply_stopped")
LONGEST = 60
"""Days after a cut within which a delisting or a stop of supply counts as its answer."""


@base(
    name=_BASE, grain="sku_m", tables=("listing_prices",),
    attributes=("sku_id", "currency", "modal_price", "n_retailers"),
    peers=("currency",),
)  # fmt: skip
def resale_prices(t: Tables) -> Lazy:
    """One row per product and month: independent retailers' prices, one price each.

    A retailer is an economic group; its price of the month is the middle of its daily prices. The
    currency with most retailers counts.
    """
    days = t.view("firm_price_days").with_columns(month_start(nw.col("day")).alias("period_start"))
    each = days.group_by(*_CELL, "firm").agg(nw.col("price").median())
    each = settled(each, *_CELL, "firm")
    found = each.group_by(*_CELL).agg(
        nw.len().cast(nw.Int64).alias("n_retailers"),
        nw.col("price").mean().alias("mean"),
        nw.col("price").std(ddof=1).alias("_sd"),
        nw.col("price").min().alias("lowest"),
        nw.col("price").max().alias("highest"),
    )
    same = nw.col("lowest") == nw.col("highest")
    found = found.with_columns(nw.when(same).then(nw.lit(0.0)).otherwise(nw.col("_sd")).alias("sd"))
    cell = ("sku_id", "period_start")
    most = nw.col("n_retailers") == nw.col("n_retailers").max().over(*cell)
    main = found.filter(most).filter(nw.col("currency") == nw.col("currency").min().over(*cell))
    rows = main.join(_modal(each), on=list(_CELL), how="left")
    rows = rows.join(_list_prices(t), on=list(_CELL), how="left")
    return _with_punishment(t, rows).with_columns(
        nw.col("sku_id").alias("subject_key"),
        month_end(nw.col("period_start")).alias("period_end"),
    )


def _modal(each: Lazy) -> Lazy:
    """The price most retailers ask (the lowest of several) and how many ask it."""
    asked = each.group_by(*_CELL, "price").agg(nw.len().cast(nw.Int64).alias("n_modal"))
    most = asked.filter(nw.col("n_modal") == nw.col("n_modal").max().over(*_CELL))
    return most.group_by(*_CELL).agg(
        nw.col("price").min().alias("modal_price"), nw.col("n_modal").max()
    )


def _list_prices(t: Tables) -> Lazy:
    """The middle of the list prices shown for a product in a month."""
    return (
        t["listing_prices"]
        .filter(nw.col("list_price") > 0)
        .select(
            "sku_id",
            nw.coalesce(nw.col("currency"), nw.lit("")).alias("currency"),
            month_start(nw.col("ts").cast(nw.Date)).alias("period_start"),
            "list_price",
        )
        .group_by(*_CELL)
        .agg(nw.col("list_price").median())
    )


def _with_punishment(t: Tables, rows: Lazy) -> Lazy:
    """Add the median wait from a cut below the modal price to a delisting or a stop of supply.

    Columns `punish_lag` and `n_punished`, in the month of the blow; the last cut before it counts.
    """
    if t.missing(("merchant_events",)) is not None:
        return rows.with_columns(
            nw.lit(None, dtype=nw.Float64).alias("punish_lag"),
            nw.lit(0, dtype=nw.Int64).alias("n_punished"),
        )
    blows = t["merchant_events"].filter(
        nw.col("event").is_in(list(_PUNISHED)), ~nw.col("sku_id").is_null()
    )
    blows = blows.select(
        "sku_id", nw.col("merchant_id").alias("seller_id"), nw.col("date").alias("hit")
    ).unique()
    days = t.view("price_days").with_columns(month_start(nw.col("day")).alias("period_start"))
    cut = nw.col("price") < nw.col("modal_price") * (1 - STEP)
    cuts = days.join(rows.select(*_CELL, "modal_price"), on=list(_CELL), how="inner").filter(cut)
    wait = days_between(nw.col("day"), nw.col("hit"))
    waits = (
        cuts.join(blows, on=["sku_id", "seller_id"], how="inner")
        .with_columns(wait.alias("_wait"))
        .filter(nw.col("_wait") >= 0, nw.col("_wait") <= LONGEST)
        .group_by("sku_id", "currency", "seller_id", "hit")
        .agg(nw.col("_wait").min())
        .with_columns(month_start(nw.col("hit")).alias("period_start"))
        .group_by(*_CELL)
        .agg(nw.col("_wait").median().alias("punish_lag"),
             nw.len().cast(nw.Int64).alias("n_punished"))
    )  # fmt: skip
    joined = rows.join(waits, on=list(_CELL), how="left")
    return joined.with_columns(nw.col("n_punished").fill_null(0))


@base(
    name="resale_harbour", grain="sku_m", tables=("contract_terms", "market_positions"),
    attributes=("sku_id", "supplier_share", "buyer_share"),
)  # fmt: skip
def resale_harbour(t: Tables) -> Lazy:
    """One row per product under a resale price clause, in the month the clause began.

    Shares are the last ones of a period over by the end of that month; of several clauses and
    buyers the largest share counts and a gap stays a gap. The turnover is the supplier's position
    by turnover, in yuan.
    """
    begun = nw.coalesce(nw.col("from"), nw.col("recorded_at").cast(nw.Date))
    rows = (
        t["contract_terms"]
        .filter(nw.col("type") == "rpm", ~nw.col("product_id").is_null())
        .select(nw.col("product_id").alias("sku_id"), "firm_id", "counterparty_id", "market_id",
                month_start(begun).alias("period_start"))
        .unique()
        .with_columns(month_end(nw.col("period_start")).alias("period_end"))
    )  # fmt: skip
    for side, who in (("supplier", "firm_id"), ("buyer", "counterparty_id")):
        rows = _with_position(t, rows, side, who)
    cell = ("sku_id", "period_start", "period_end")
    names = ("supplier_share", "buyer_share", "supplier_turnover")
    found = rows.group_by(*cell).agg(
        *(nw.col(c).max() for c in names),
        *(nw.col(c).is_null().cast(nw.Int64).sum().alias(f"{c}_gaps") for c in names),
        nw.len().cast(nw.Int64).alias("n_clauses"),
    )
    day = nw.col("period_start")
    return found.with_columns(
        limit_on("CN", "rpm_safe_harbour", "share", day).alias("most_share"),
        limit_on("CN", "rpm_safe_harbour", "turnover", day).alias("most_turnover"),
        nw.col("sku_id").alias("subject_key"),
    )


def _with_position(t: Tables, rows: Lazy, side: str, who: str) -> Lazy:
    """Add the last filed share and turnover of one side of the clauses in their market.

    The side is read as its economic group: shares and turnovers of its firms are added up.
    """
    yuan = nw.col("currency").fill_null("CNY") == "CNY"
    money = t["market_positions"].select(
        "market_id", "firm_id", "period", "metric",
        nw.when(yuan).then(nw.col("value")).alias("_money"),
    ).filter(nw.col("metric") == "turnover")  # fmt: skip
    held = with_group(
        t,
        one_metric(periods(t["market_positions"])).join(
            money.drop("metric"), on=["market_id", "firm_id", "period"], how="left"
        ),
        "firm_id",
        "holder",
    ).rename({"period_end": "_filed"})
    cell = ("market_id", "holder", "_filed")
    held = settled(held, *cell, "firm_id").group_by(*cell).agg(
        nw.len().alias("_firms"),
        *(nw.col(c).sum() for c in ("share", "_money")),
        *(nw.col(c).count().alias(f"_n_{c}") for c in ("share", "_money")),
    )  # fmt: skip
    whole = {
        f"{side}_{name}": nw.when(nw.col(f"_n_{c}") == nw.col("_firms")).then(nw.col(c))
        for name, c in (("share", "share"), ("turnover", "_money"))
    }
    held = held.select(*cell, *(value.alias(name) for name, value in whole.items()))
    rows = with_group(t, rows, who, "holder")
    key = ("sku_id", "market_id", "firm_id", "counterparty_id", "period_start", "period_end")
    filed = rows.select(*key, "holder").join(held, on=["market_id", "holder"], how="inner")
    filed = filed.filter(nw.col("_filed") <= nw.col("period_end"))
    last = filed.filter(nw.col("_filed") == nw.col("_filed").max().over(*key))
    return rows.drop("holder").join(last.drop("_filed", "holder"), on=list(key), how="left")


def _add(
    name: str, value: nw.Expr, direction: Direction, unit: str, title: tuple[str, str], doc: str,
    *checks: tuple[nw.Expr, Reason], n: str = "n_retailers", min_n: int = 5,
    inputs: tuple[str, ...] = _INPUTS, base_name: str = _BASE, flag: bool = False,
    source: str = _SOURCE,
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=base_name, inputs=inputs, unit=unit,
        direction=direction, min_n=min_n, n=n, source=source, kind="bool" if flag else "number",
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(value, *checks))  # fmt: skip


_FEW = (nw.col("n_retailers") < 5, Reason.TOO_FEW)
_add(
    "rpm_modal_share", nw.col("n_modal") / nw.col("n_retailers"), "high", "share",
    ("share of retailers at one price", "众数价格零售商比例"),
    """Share of independent retailers at the price most of them ask. Needs five retailers.""",
    _FEW,
)  # fmt: skip
_add(
    "rpm_price_cv", nw.col("sd") / nw.col("mean"), "low", "ratio",
    ("price differences between retailers", "零售商价格变异系数"),
    """Standard deviation (ddof 1) over mean of independent retailers' prices. Needs five.""",
    _FEW,
)  # fmt: skip
_add(
    "rpm_floor_gap", nw.col("lowest") / nw.col("list_price") - 1, "high", "ratio",
    ("lowest price against the list price", "最低价与标价之差"),
    """Lowest retailer's price over the middle list price, minus 1; 0 where nobody undercuts it.""",
    _FEW, (nw.col("list_price").is_null(), Reason.MISSING_INPUT),
)  # fmt: skip
_add(
    "rpm_punish_lag", nw.col("punish_lag"), "low", "days",
    ("days from a cut to the end of supply", "降价至断供天数"),
    """Median days from a price below the modal one to the retailer's delisting or end of supply.

    In the month of the delisting, whichever month the price was cut in.
    Answers within 60 days; three cases make a pattern (`min_n`).""",
    (nw.col("n_punished") < 1, Reason.TOO_FEW), n="n_punished", min_n=3,
    inputs=(*_INPUTS, "merchant_events.event", "merchant_events.date"),
)  # fmt: skip

_share = (nw.col("supplier_share") < nw.col("most_share")) & (
    nw.col("buyer_share") < nw.col("most_share")
)
_gaps = nw.col("supplier_share_gaps") + nw.col("buyer_share_gaps")
_gaps = _gaps + nw.col("supplier_turnover_gaps")
_harbour = _share & (nw.col("supplier_turnover") < nw.col("most_turnover"))
_add(
    "cn_rpm_safe_harbour", _harbour.cast(nw.Float64), "none", "yes/no",
    ("inside the safe harbour for resale prices", "符合转售价格安全港标准"),
    """1 when both sides' shares are below 5 % and the supplier's turnover below CNY 100 m.

    Strict; clauses from 1 February 2026; sides are economic groups. A fact in the firm's favour,
    context for the screens. A gap leaves it unknown unless a filed figure fails already.""",
    (nw.col("most_share").is_null(), Reason.NOT_APPLICABLE),
    ((_gaps > 0) & _harbour.fill_null(value=True), Reason.MISSING_INPUT),
    n="n_clauses", min_n=1, base_name="resale_harbour", flag=True,
    source="SAMR, Provisions on Prohibiting Monopoly Agreements, in force 2026-02-01",
    inputs=("contract_terms.type", "contract_terms.product_id", "contract_terms.firm_id",
            "contract_terms.counterparty_id", "market_positions.share", "market_positions.value",
            "firms.group_id"),
)  # fmt: skip
