"""Subscriptions easy to enter and hard to leave (TRX-AUTORENEW)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.months import filed_month
from features.operators import Lazy, month_end
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-AUTORENEW", "platform_subscriptions"
_LAW = "ROSCA; EDPB Guidelines 03/2022; catalogue 4"


def _paired(part: str, whole: str) -> tuple[nw.Expr, nw.Expr]:
    """Numerator and denominator of plans that filed both, so neither is taken for zero."""
    both = ~nw.col(part).is_null() & ~nw.col(whole).is_null()
    return nw.when(both).then(nw.col(part)), nw.when(both).then(nw.col(whole))


@base(
    name=_BASE,
    grain="platform_m",
    tables=("subscriptions",),
    attributes=("plans", "subscription_renewals"),
    under="platform_id",
)
def platform_subscriptions(t: Tables) -> Lazy:
    """One row per platform and month; counts are summed over plans, steps are the worst plan's.

    A period filed as a day, a quarter or a year is read as the month it starts in.
    """
    filed = t["subscriptions"].filter(~nw.col("month").is_null())
    steps = (nw.col("steps_subscribe") > 0) & ~nw.col("steps_cancel").is_null()
    pairs = {
        "notice": _paired("renewal_notices", "renewals"),
        "refund": _paired("refund_requests", "renewals"),
        "zombie": _paired("renewals_unused", "renewals"),
    }
    ratio = nw.col("steps_cancel") / nw.col("steps_subscribe")
    rows = filed.with_columns(
        filed_month("month").alias("period_start"),
        nw.when(steps).then(ratio).alias("_ratio"),
        *(part.alias(f"{name}_part") for name, (part, _) in pairs.items()),
        *(whole.alias(f"{name}_whole") for name, (_, whole) in pairs.items()),
    )
    sums = [nw.col(f"{name}_{side}").sum() for name in pairs for side in ("part", "whole")]
    return (
        rows.group_by("platform_id", "period_start")
        .agg(
            nw.len().alias("plans"),
            nw.col("_ratio").max().alias("ratio"),
            (nw.col("steps_subscribe").is_null() | nw.col("steps_cancel").is_null())
            .cast(nw.Int64)
            .sum()
            .alias("unfiled"),
            *(nw.col(f"{name}_part").count().alias(f"{name}_filed") for name in pairs),
            *sums,
            nw.col("renewals").sum().alias("subscription_renewals"),
        )
        .with_columns(
            nw.col("platform_id").alias("subject_key"),
            month_end(nw.col("period_start")).alias("period_end"),
        )
    )


def _rate(name: str) -> Measure:
    whole = nw.col(f"{name}_whole")
    return measure(
        nw.col(f"{name}_part") / whole,
        (nw.col(f"{name}_filed") < 1, Reason.MISSING_INPUT),
        (whole <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="sub_cancel_ratio", typology=_TYPOLOGY, base=_BASE,
    inputs=("subscriptions.steps_cancel", "subscriptions.steps_subscribe"), unit="ratio",
    direction="high", n="plans", source=_LAW,
    title={"en": "steps to cancel over steps to subscribe", "zh": "退订与订阅步骤之比"},
)  # fmt: skip
def sub_cancel_ratio() -> Measure:
    """Steps to cancel over steps to subscribe; of several plans the highest."""
    return measure(
        nw.col("ratio"),
        (nw.col("ratio").is_null() & (nw.col("unfiled") > 0), Reason.MISSING_INPUT),
        (nw.col("ratio").is_null(), Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="sub_notice_rate", typology=_TYPOLOGY, base=_BASE,
    inputs=("subscriptions.renewal_notices", "subscriptions.renewals"), unit="0-1",
    direction="low", min_n=30, n="notice_whole", source=_LAW,
    title={"en": "renewals preceded by a notice", "zh": "续费前已通知比例"},
)  # fmt: skip
def sub_notice_rate() -> Measure:
    """Renewals preceded by a notice, over renewals; above 1 where persons cancel upon it."""
    return _rate("notice")


@feature(
    name="sub_refund_rate", typology=_TYPOLOGY, base=_BASE,
    inputs=("subscriptions.refund_requests", "subscriptions.renewals"), unit="0-1",
    direction="high", min_n=30, n="refund_whole", source=_LAW, peer_adjusted=True,
    title={"en": "requests for refund per renewal", "zh": "续费退款申请率"},
)  # fmt: skip
def sub_refund_rate() -> Measure:
    """Requests for refund over renewals of the month."""
    return _rate("refund")


@feature(
    name="sub_zombie_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("subscriptions.renewals_unused", "subscriptions.renewals"), unit="0-1",
    direction="high", min_n=30, n="zombie_whole", source=_LAW, peer_adjusted=True,
    title={"en": "renewals nobody uses", "zh": "无使用续费占比"},
)  # fmt: skip
def sub_zombie_share() -> Measure:
    """Renewals without any use in 90 days, over renewals."""
    return _rate("zombie")
