"""What platforms charge merchants (MON-FEES)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.months import filed_month, month_number, worst_row
from features.operators import Lazy, day_number, month_end
from features.robust import leave_one_out
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _MERCHANT, _PLATFORM = "MON-FEES", "merchant_fees", "platform_fees"
_INPUTS = ("fees.amount", "fees.gmv", "fees.month")
_TARIFF = (*_INPUTS, "fees.tariff_version")
_NOTICE = ("fees.announced_on", "fees.effective_on")
_SOURCE = "E-Commerce Law art. 35; P2B Reg. 2019/1150"
FLOOR, LEAST_PEERS = 1_000.0, 5
"""Sales of a month below which a take rate says nothing (ENG); peers for a robust z."""

_ACCOUNT = ("platform_id", "merchant_id", "currency")


def fee_totals(t: Tables) -> Lazy:
    """One row per platform, merchant, currency and month.

    Columns: `fees` (refunds netted), `gmv` (filed once or on every line), `charged` and `opaque`
    (positive lines with a known place in the tariff; of these not in it), `told`, `tariff`,
    `notice` (days), `category`.
    """
    positive = nw.col("amount").clip(lower_bound=0.0)
    told = ~nw.col("in_tariff").is_null()
    notice = day_number(nw.col("effective_on")) - day_number(nw.col("announced_on"))
    month = filed_month("month")
    starts = month_number(nw.col("effective_on")) == month_number(nw.col("_month"))
    lines = (
        t["fees"]
        .with_columns(month.alias("_month"), nw.coalesce(nw.col("currency"), nw.lit(""))
                      .alias("currency"))
        .with_columns(
            nw.when(told).then(positive).otherwise(nw.lit(0.0)).alias("_told_fee"),
            nw.when(told & ~nw.col("in_tariff")).then(positive).otherwise(nw.lit(0.0))
            .alias("_opaque"),
            nw.when(starts).then(notice).alias("_notice"),
        )
        .sort(*_ACCOUNT, "_month", "fee_type", "amount")
    )  # fmt: skip
    return (
        lines.group_by(*_ACCOUNT, "_month")
        .agg(
            nw.col("amount").sum().alias("fees"),
            nw.col("gmv").max().alias("gmv"),
            nw.col("_told_fee").sum().alias("charged"),
            nw.col("_opaque").sum().alias("opaque"),
            nw.col("tariff_version").max().alias("tariff"),
            nw.col("_notice").min().alias("notice"),
            nw.col("category").max().alias("fee_category"),
            nw.len().alias("lines"),
        )
        .rename({"_month": "month"})
        .sort(*_ACCOUNT, "month")
    )


def _with_step(rows: Lazy, series: tuple[str, ...]) -> Lazy:
    """Add last month's take rate and whether the tariff changed since."""
    past = rows.select(
        *series,
        (nw.col("number") + 1).alias("number"),
        nw.col("rate").alias("past_rate"),
        nw.col("tariff").alias("past_tariff"),
    )
    return rows.join(past, on=[*series, "number"], how="left")


def _rates(rows: Lazy) -> Lazy:
    enough = nw.col("gmv") >= FLOOR
    return rows.with_columns(
        nw.when(enough).then(nw.col("fees") / nw.col("gmv")).alias("rate"),
        month_number(nw.col("month")).alias("number"),
    )


@base(
    name=_MERCHANT,
    grain="merchant_m",
    tables=("fees",),
    attributes=("fee_platform", "fee_category", "fee_currency"),
    under="platform_id",
    peers=("fee_platform", "fee_category"),
)
def merchant_fees(t: Tables) -> Lazy:
    """One row per merchant and month: of several platforms that with the highest take rate."""
    rows = _with_step(_rates(fee_totals(t)), _ACCOUNT)
    if t.missing(("merchants",)) is None:
        kinds = t["merchants"].group_by("merchant_id").agg(
            nw.col("category").max().alias("_category")
        )  # fmt: skip
        rows = rows.join(kinds, on="merchant_id", how="left").with_columns(
            nw.coalesce(nw.col("_category"), nw.col("fee_category")).alias("fee_category")
        )
    rows = nw.from_native(_with_z(collect(rows)).lazy())
    rows = worst_row(rows, ("merchant_id", "month"), nw.col("rate"), nw.col("gmv"),
                     nw.col("platform_id"), nw.col("currency"))  # fmt: skip
    return rows.with_columns(
        nw.col("merchant_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
        nw.col("platform_id").alias("fee_platform"),
        nw.col("currency").alias("fee_currency"),
    )


def _with_z(rows: pl.DataFrame) -> pl.DataFrame:
    """Robust z and number of peers: same platform, month and category, oneself left out."""
    peers = ["platform_id", "month", "fee_category"]
    usable = rows.filter(pl.col("rate").is_not_null()).sort(*peers, "merchant_id", "currency")
    found = []
    for _, part in usable.group_by(peers, maintain_order=True):
        if part.height > LEAST_PEERS:
            rate = part["rate"].to_numpy()
            median, scale = leave_one_out(rate)
            z = pl.Series("fee_z", (rate - median) / scale).fill_nan(None)
        else:
            z = pl.Series("fee_z", [None] * part.height, dtype=pl.Float64)
        found.append(part.select(*_ACCOUNT, "month", z, peers=pl.lit(part.height - 1)))
    empty = rows.head(0).select(*_ACCOUNT, "month", fee_z=pl.lit(0.0), peers=pl.lit(0))
    scored = pl.concat(found) if found else empty
    return rows.join(scored, on=[*_ACCOUNT, "month"], how="left")


def _small() -> tuple[tuple[nw.Expr, Reason], ...]:
    return (
        (nw.col("gmv").is_null(), Reason.MISSING_INPUT),
        (nw.col("gmv") < FLOOR, Reason.TOO_FEW),
    )


def _step_checks() -> tuple[tuple[nw.Expr, Reason], ...]:
    tariff, past = nw.col("tariff"), nw.col("past_tariff")
    return (
        *_small(),
        (nw.col("past_rate").is_null() | tariff.is_null() | past.is_null(), Reason.MISSING_INPUT),
        (tariff == past, Reason.NOT_APPLICABLE),
    )


def _opaque() -> Measure:
    return measure(
        nw.col("opaque") / nw.col("charged"), (nw.col("charged") <= 0, Reason.MISSING_INPUT)
    )


def _take_rate() -> Measure:
    return measure(nw.col("rate"), *_small())


def _step() -> Measure:
    return measure(nw.col("rate") - nw.col("past_rate"), *_step_checks())


def _notice() -> Measure:
    return measure(nw.col("notice"), (nw.col("notice").is_null(), Reason.NOT_APPLICABLE))


@feature(
    name="fee_take_rate", typology=_TYPOLOGY, base=_MERCHANT, inputs=_INPUTS, unit="ratio",
    direction="high", n="lines", source=_SOURCE, peer_adjusted=True,
    title={"en": "fees over sales", "zh": "费率"},
)  # fmt: skip
def fee_take_rate() -> Measure:
    """All fees of the month, refunds netted, over the merchant's sales on the platform."""
    return _take_rate()


@feature(
    name="fee_robust_z", typology=_TYPOLOGY, base=_MERCHANT, inputs=(*_INPUTS, "fees.category"),
    unit="z", direction="high", min_n=5, n="peers", source="Iglewicz and Hoaglin 1993",
    title={"en": "fees over sales against like merchants", "zh": "同类商户费率稳健z值"},
)  # fmt: skip
def fee_robust_z() -> Measure:
    """Robust z of the take rate among merchants of the platform and category, itself left out.

    (rate - median) / (1.4826 MAD); five peers at least.
    """
    return measure(
        nw.col("fee_z"), *_small(),
        (nw.col("peers").fill_null(0) < LEAST_PEERS, Reason.TOO_FEW),
        (nw.col("fee_z").is_null(), Reason.CONSTANT_PEERS),
    )  # fmt: skip


@feature(
    name="fee_step", typology=_TYPOLOGY, base=_MERCHANT, inputs=_TARIFF, unit="share",
    direction="high", n="lines", source=_SOURCE,
    title={"en": "jump of fees with a new tariff", "zh": "资费变更时的费率跳升"},
)  # fmt: skip
def fee_step() -> Measure:
    """Take rate less that of the month before, where the tariff version changed between them."""
    return _step()


@feature(
    name="fee_opaque_share", typology=_TYPOLOGY, base=_MERCHANT,
    inputs=("fees.amount", "fees.in_tariff"), unit="0-1", direction="high", n="lines",
    source="P2B Reg. 2019/1150 art. 3",
    title={"en": "fees outside the tariff", "zh": "资费表外费用占比"},
)  # fmt: skip
def fee_opaque_share() -> Measure:
    """Share of fees of types the published tariff does not have; unknown types left out."""
    return _opaque()


@feature(
    name="fee_notice_days", typology=_TYPOLOGY, base=_MERCHANT, inputs=_NOTICE, unit="days",
    direction="low", n="lines", source="P2B Reg. 2019/1150 art. 3(2); Platform Pricing Rules 2026",
    title={"en": "notice of a new tariff", "zh": "资费变更提前公示天数"},
)  # fmt: skip
def fee_notice_days() -> Measure:
    """Shortest time from announcement to effect of a tariff that took effect in the month.

    Negative when it was announced afterwards.
    """
    return _notice()


@base(
    name=_PLATFORM,
    grain="platform_m",
    tables=("fees",),
    attributes=("platform_id",),
    under="platform_id",
)
def platform_fees(t: Tables) -> Lazy:
    """One row per platform and month: all merchants in the currency with most sales."""
    totals = fee_totals(t)
    key = ("platform_id", "currency", "month")
    rows = totals.group_by(*key).agg(
        nw.when(~nw.col("gmv").is_null()).then(nw.col("fees")).otherwise(0.0).sum().alias("fees"),
        nw.col("gmv").sum(), nw.col("charged").sum(),
        nw.col("opaque").sum(), nw.col("tariff").max(), nw.col("notice").min(),
        nw.len().alias("merchants"),
    )  # fmt: skip
    rows = _with_step(_rates(rows), ("platform_id", "currency"))
    rows = worst_row(rows, ("platform_id", "month"), nw.col("gmv"), nw.col("currency"))
    return rows.with_columns(
        nw.col("platform_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
    )


@feature(
    name="platform_take_rate", typology=_TYPOLOGY, base=_PLATFORM, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=5, n="merchants", source=_SOURCE, peer_adjusted=True,
    title={"en": "fees over sales of the platform", "zh": "平台整体费率"},
)  # fmt: skip
def platform_take_rate() -> Measure:
    """All fees of the month over all sales of the merchants charged."""
    return _take_rate()


@feature(
    name="platform_fee_step", typology=_TYPOLOGY, base=_PLATFORM, inputs=_TARIFF, unit="share",
    direction="high", min_n=5, n="merchants", source=_SOURCE,
    title={"en": "jump of the platform's fees with a new tariff", "zh": "平台资费变更费率跳升"},
)  # fmt: skip
def platform_fee_step() -> Measure:
    """`fee_step` of the platform as a whole."""
    return _step()


@feature(
    name="platform_fee_opaque_share", typology=_TYPOLOGY, base=_PLATFORM,
    inputs=("fees.amount", "fees.in_tariff"), unit="0-1", direction="high", min_n=5,
    n="merchants", source="P2B Reg. 2019/1150 art. 3",
    title={"en": "the platform's fees outside the tariff", "zh": "平台资费表外费用占比"},
)  # fmt: skip
def platform_fee_opaque_share() -> Measure:
    """`fee_opaque_share` of the platform as a whole."""
    return _opaque()


@feature(
    name="platform_fee_notice_days", typology=_TYPOLOGY, base=_PLATFORM, inputs=_NOTICE,
    unit="days", direction="low", n="merchants", source="P2B Reg. 2019/1150 art. 3(2)",
    title={"en": "notice of the platform's new tariff", "zh": "平台资费变更提前公示天数"},
)  # fmt: skip
def platform_fee_notice_days() -> Measure:
    """`fee_notice_days` of the platform as a whole."""
    return _notice()
