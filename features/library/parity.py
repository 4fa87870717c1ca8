"""Lowest price demanded by a platform (MON-MFN)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import base, feature, measure
from features.library.fees import FLOOR, fee_totals
from features.operators import Lazy, days_between, month_end, month_start
from features.parameters.screens import screen_limit
from features.tables import Tables, settled
from features.vocabulary import Direction, Reason

_TYPOLOGY, _BASE = "MON-MFN", "parity"
_INPUTS = ("listing_prices.net_price", "listing_prices.shipping", "listing_prices.platform_id",
           "listing_prices.channel", "listing_prices.seller_id", "listing_prices.ts",
           "merchants.merchant_gid")  # fmt: skip
_SOURCE = "catalogue 3.C, MON-MFN; DMA art. 5(3)"
_CELL = ("merchant", "currency", "period_start")
TOLERANCE = screen_limit("mfn_equal_rate")
DAYS = 14


@base(
    name=_BASE,
    grain="merchant_m",
    tables=("listing_prices",),
    attributes=("merchant_id", "platform_id", "channel", "currency", "n_matched"),
    under="platform_id",
)
def parity(t: Tables) -> Lazy:
    """One row per merchant and month: the sales place that is dearer than others least often.

    A merchant's price of a product at a place (platform and channel) is the mean of the month's
    daily prices, with shipping; it is compared with the lowest of its other places. Accounts of
    one merchant are joined by `merchants.merchant_gid`.
    """
    place = ("platform_id", "channel")
    each = _named(t, t.view("price_days"), "seller_id").with_columns(
        month_start(nw.col("day")).alias("period_start")
    )
    each = (
        settled(each, *_CELL, *place, "sku_id", "day", "seller_id")
        .group_by(*_CELL, *place, "sku_id")
        .agg(nw.col("price").mean())
    )
    other = each.rename({"platform_id": "_platform", "channel": "_channel", "price": "_price"})
    away = (nw.col("platform_id") != nw.col("_platform")) | (
        nw.col("channel") != nw.col("_channel")
    )
    best = (
        each.join(other, on=[*_CELL, "sku_id"], how="inner")
        .filter(away)
        .group_by(*_CELL, *place, "sku_id", "price")
        .agg(nw.col("_price").min().alias("elsewhere"))
    )
    gap = nw.col("price") / nw.col("elsewhere") - 1
    rows = (
        best.with_columns(
            gap.alias("_gap"),
            (gap <= 1e-9).cast(nw.Int64).alias("_not_dearer"),
            (gap.abs() <= TOLERANCE + 1e-9).cast(nw.Int64).alias("_equal"),
        )
        .group_by(*_CELL, *place)
        .agg(
            nw.len().cast(nw.Int64).alias("n_matched"),
            nw.col("_not_dearer").sum(),
            nw.col("_equal").sum(),
            nw.col("_gap").median().alias("gap_median"),
        )
    )
    return _with_fees(t, _punished(t, _worst(rows)))


def _named(t: Tables, rows: Lazy, account: str) -> Lazy:
    """Add `merchant`: one name for all accounts of a merchant."""
    if t.missing(("merchants",)) is not None:
        return rows.with_columns(nw.col(account).alias("merchant"))
    names = t["merchants"].group_by("merchant_id").agg(nw.col("merchant_gid").max())
    joined = rows.join(names, left_on=account, right_on="merchant_id", how="left")
    return joined.with_columns(nw.coalesce("merchant_gid", account).alias("merchant"))


def _worst(rows: Lazy) -> Lazy:
    """Per merchant and month the place with most matched products, then the least often dearer."""
    cell = ("merchant", "period_start")
    rows = rows.with_columns(
        (nw.col("_not_dearer") / nw.col("n_matched")).alias("never_cheaper"),
        (nw.col("_equal") / nw.col("n_matched")).alias("equal"),
        nw.concat_str([nw.col("platform_id"), nw.lit("|"), nw.col("channel"), nw.lit("|"),
                       nw.col("currency")]).alias("_name"),
    )  # fmt: skip
    for name in ("n_matched", "never_cheaper"):
        rows = rows.filter(nw.col(name) == nw.col(name).max().over(*cell))
    return rows.filter(nw.col("_name") == nw.col("_name").min().over(*cell)).with_columns(
        nw.col("merchant").alias("subject_key"),
        nw.col("merchant").alias("merchant_id"),
        month_end(nw.col("period_start")).alias("period_end"),
    )


def _punished(t: Tables, rows: Lazy) -> Lazy:
    """Add `penalty`: change of the log of impressions around being cheaper elsewhere.

    Two weeks after against two weeks before each `cheaper_elsewhere` event, minus the same change
    of the platform's merchants without any such event in those weeks; in the month in which the
    two weeks after are over. Of several platforms the one where impressions fell most: it need not
    be the row's place, which is the cheapest one where another platform was undercut.
    """
    if t.missing(("merchant_events", "visibility")) is not None:
        return rows.with_columns(
            nw.lit(None, dtype=nw.Float64).alias("penalty"),
            nw.lit(0, dtype=nw.Int64).alias("n_events"),
        )
    events = (
        t["merchant_events"]
        .filter(nw.col("event") == "cheaper_elsewhere")
        .select("merchant_id", "platform_id", nw.col("date").alias("hit"))
        .unique()
    )
    seen = t["visibility"].select(
        nw.col("merchant_id").alias("other"), "platform_id", "date", "impressions"
    )
    near = events.join(seen, on="platform_id", how="inner").with_columns(
        days_between(nw.col("hit"), nw.col("date")).alias("_wait")
    )
    near = near.filter(nw.col("_wait") >= -DAYS, nw.col("_wait") < DAYS)
    hit = ("merchant_id", "platform_id", "hit")
    free = near.join(_touched(events), on=["other", "platform_id", "hit"], how="anti")
    own = near.filter(nw.col("other") == nw.col("merchant_id"))
    change = _change(own, hit).rename({"_change": "_own"})
    rest = (
        _change(free, (*hit, "other"))
        .group_by(*hit)
        .agg(nw.col("_change").mean().alias("_rest"), nw.len().alias("_controls"))
    )
    effect = change.join(rest, on=list(hit), how="inner").with_columns(
        (nw.col("_own") - nw.col("_rest")).alias("_effect"),
        month_start(nw.col("hit").dt.offset_by(f"{DAYS - 1}d").cast(nw.Date)).alias("period_start"),
    )
    found = settled(_named(t, effect, "merchant_id"), "merchant", "hit").group_by(
        "merchant", "platform_id", "period_start"
    ).agg(
        nw.col("_effect").mean().alias("penalty"),
        nw.len().cast(nw.Int64).alias("n_events"),
    )  # fmt: skip
    cell = ("merchant", "period_start")
    for worst in ("penalty", "platform_id"):
        found = found.filter(nw.col(worst) == nw.col(worst).min().over(*cell))
    return rows.join(found.drop("platform_id"), on=list(cell), how="left").with_columns(
        nw.col("n_events").fill_null(0)
    )


def _with_fees(t: Tables, rows: Lazy) -> Lazy:
    """Add `fee_gap`: the merchant's take rate at the place's platform less that at its others.

    Fees over sales of all its accounts in the month, in one currency; platforms where it sold too
    little are left out. `fee_places` is the number of other platforms.
    """
    if t.missing(("fees",)) is not None:
        return rows.with_columns(
            nw.lit(None, dtype=nw.Float64).alias("fee_gap"),
            nw.lit(0, dtype=nw.Int64).alias("fee_places"),
        )
    filed = fee_totals(t).filter(~nw.col("gmv").is_null(), ~nw.col("fees").is_null())
    named = _named(t, filed.rename({"month": "period_start"}), "merchant_id")
    key = (*_CELL, "platform_id")
    each = settled(named, *key, "merchant_id").group_by(*key).agg(
        nw.col("fees").sum(), nw.col("gmv").sum()
    ).filter(nw.col("gmv") >= FLOOR)  # fmt: skip
    other = each.rename({"platform_id": "_platform", "fees": "_fees", "gmv": "_gmv"})
    pairs = each.join(other, on=list(_CELL), how="inner").filter(
        nw.col("platform_id") != nw.col("_platform")
    )
    pooled = settled(pairs, *key, "_platform").group_by(*key, "fees", "gmv").agg(
        nw.col("_fees").sum(), nw.col("_gmv").sum(), nw.len().cast(nw.Int64).alias("fee_places")
    )  # fmt: skip
    gap = nw.col("fees") / nw.col("gmv") - nw.col("_fees") / nw.col("_gmv")
    place = ("merchant", "period_start", "platform_id")
    found = pooled.with_columns(gap.alias("fee_gap")).group_by(*place).agg(
        nw.col("fee_gap").max(), nw.col("fee_places").max()
    )  # fmt: skip
    return rows.join(found, on=list(place), how="left").with_columns(
        nw.col("fee_places").fill_null(0)
    )


def _touched(events: Lazy) -> Lazy:
    """Merchants with an event of their own in the weeks around another's: `other`, `hit`."""
    theirs = events.select(
        "platform_id", nw.col("merchant_id").alias("other"), nw.col("hit").alias("_hit")
    )
    apart = days_between(nw.col("hit"), nw.col("_hit"))
    return (
        events.join(theirs, on="platform_id", how="inner")
        .filter((apart >= -DAYS) & (apart < DAYS))
        .select("platform_id", "hit", "other")
        .unique()
    )


def _change(rows: Lazy, key: tuple[str, ...]) -> Lazy:
    """Log of mean impressions after over before, where both were above zero."""
    after = nw.col("_wait") >= 0
    sides = rows.with_columns(
        nw.when(after).then(nw.col("impressions")).alias("_after"),
        nw.when(~after).then(nw.col("impressions")).alias("_before"),
    )
    means = sides.group_by(*key).agg(nw.col("_after").mean(), nw.col("_before").mean())
    means = means.filter(nw.col("_after") > 0, nw.col("_before") > 0)
    return means.with_columns((nw.col("_after") / nw.col("_before")).log().alias("_change"))


def _add(
    name: str, value: str, direction: Direction, unit: str, title: tuple[str, str], doc: str,
    *checks: tuple[nw.Expr, Reason], n: str = "n_matched", min_n: int = 20,
    inputs: tuple[str, ...] = _INPUTS,
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=_BASE, inputs=inputs, unit=unit,
        direction=direction, min_n=min_n, n=n, source=_SOURCE,
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(nw.col(value), *checks))  # fmt: skip


_add(
    "mfn_never_cheaper_rate", "never_cheaper", "high", "share",
    ("share of products nowhere cheaper", "本平台不高于他处的商品比例"),
    """Share of matched products priced at the place at most as high as at the best other place.

    Below 20 matched products it is weak evidence (`min_n`).""",
)  # fmt: skip
_add(
    "mfn_equal_rate", "equal", "high", "share",
    ("share of products priced alike", "同价商品比例"),
    """Share of matched products within 0.5 % of the best other place.""",
)  # fmt: skip
_add(
    "mfn_gap_median", "gap_median", "none", "ratio",
    ("median price gap to other places", "与他处价差中位数"),
    """Median of the price at the place over the best other place, minus 1: context.""",
)  # fmt: skip
_add(
    "mfn_penalty_did", "penalty", "low", "ln ratio",
    ("loss of visibility after being cheaper elsewhere", "他处低价后的曝光变化"),
    """Change of the log of mean daily impressions, two weeks after against two weeks before a
    lower price elsewhere, minus that of merchants without one; the mean of the events whose two
    weeks after end in the month, on the platform where impressions fell most.""",
    (nw.col("n_events") < 1, Reason.TOO_FEW), n="n_events", min_n=3,
    inputs=("visibility.impressions", "visibility.date", "merchant_events.event",
            "merchant_events.date"),
)  # fmt: skip
_add(
    "mfn_fee_gap", "fee_gap", "high", "ratio",
    ("fee here less fee elsewhere", "本平台与他处费率之差"),
    """The merchant's own take rate (fees over sales) at the place's platform minus the one at all
    its other platforms together, in the month. Accounts are joined as prices are; platforms where
    it sold for less than 1000 are left out.""",
    (nw.col("fee_places") < 1, Reason.MISSING_INPUT), n="fee_places", min_n=1,
    inputs=("fees.amount", "fees.gmv", "fees.month", "fees.platform_id", "merchants.merchant_gid"),
)  # fmt: skip
