"""Purchases of nascent rivals (MON-KILLER-ACQ)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _PARTIES, _DEALS = "MON-KILLER-ACQ", "deal_targets", "deal_outcomes"
_SOURCE = "Cunningham, Ederer and Ma 2021; US Merger Guidelines 2023, Guidelines 4 and 6"
_MONTHS = 18


@base(
    name=_PARTIES,
    grain="deal",
    tables=("merger_notifications", "deal_parties"),
    attributes=("target_id", "pre_revenue"),
)
def deal_targets(t: Tables) -> Lazy:
    """One row per deal whose target filed figures; `pre_revenue` marks targets without turnover."""
    target = t.view("deal_groups").filter(nw.col("is_target") == 1)
    figures = target.group_by("deal_id").agg(
        nw.col("turnover_world").max(),
        nw.col("currency").max().alias("target_currency"),
        nw.col("active_users").max(),
        nw.col("users_year_before").max(),
        nw.len().cast(nw.Int64).alias("n_targets"),
    )
    pre = (nw.col("turnover_world") == 0).fill_null(value=False)
    return t.view("deals").join(figures, on="deal_id", how="inner").with_columns(
        pre.alias("pre_revenue")
    )  # fmt: skip


@base(
    name=_DEALS,
    grain="deal",
    tables=("merger_notifications",),
    attributes=("target_id", "discontinued_on"),
)
def deal_outcomes(t: Tables) -> Lazy:
    """One row per deal: what became of the target's product in 18 months after closing."""
    closed, ended = nw.col("implemented_on"), nw.col("discontinued_on")
    return t.view("deals").with_columns(
        closed.dt.offset_by(f"{_MONTHS}mo").cast(nw.Date).alias("window_end"),
        nw.lit(t.context.as_of).alias("as_of"),
        (ended < closed).fill_null(value=False).alias("ended_before"),
        nw.col("overlap_similarity").alias("overlap_similarity_filed"),
        nw.lit(1).alias("n_deals"),
    )


@feature(
    name="deal_value_to_turnover", typology=_TYPOLOGY, base=_PARTIES, unit="times",
    inputs=("merger_notifications.deal_value", "merger_notifications.currency",
            "deal_parties.turnover_world", "deal_parties.currency"),
    direction="high", n="n_targets", source=_SOURCE, peer_adjusted=True,
    title={"en": "price over the target's turnover", "zh": "交易额与标的营业额之比"},
)  # fmt: skip
def deal_value_to_turnover() -> Measure:
    """Value of the deal over the target's world turnover.

    Without turnover `zero_denominator`, attribute `pre_revenue`; never across currencies.
    """
    turnover = nw.col("turnover_world")
    mixed = nw.col("currency") != nw.col("target_currency")
    return measure(
        nw.col("deal_value") / turnover,
        (nw.col("deal_value").is_null() | turnover.is_null(), Reason.MISSING_INPUT),
        (mixed, Reason.MISSING_INPUT),
        (turnover <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="target_user_growth_12m", typology=_TYPOLOGY, base=_PARTIES, unit="%",
    inputs=("deal_parties.active_users", "deal_parties.users_year_before"),
    direction="high", n="n_targets", source=_SOURCE,
    title={"en": "growth of the target's users in a year", "zh": "标的用户年增长率"},
)  # fmt: skip
def target_user_growth_12m() -> Measure:
    """Users at signing over users a year before, minus 1, in per cent."""
    before = nw.col("users_year_before")
    return measure(
        (nw.col("active_users") / before - 1) * 100,
        (nw.col("active_users").is_null() | before.is_null(), Reason.MISSING_INPUT),
        (before <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="post_discontinued", typology=_TYPOLOGY, base=_DEALS, unit="yes/no",
    inputs=("merger_notifications.discontinued_on", "merger_notifications.implemented_on"),
    direction="high", n="n_deals", source=_SOURCE, kind="bool", uses_as_of=True,
    title={"en": "target's product ended after closing", "zh": "交割后标的产品停运"},
)  # fmt: skip
def post_discontinued() -> Measure:
    """1 when the target's product went inactive within 18 months after closing, else 0.

    Still running before those months are over: `censored`. Not closed, or ended before closing:
    `not_applicable`.
    """
    ended, limit = nw.col("discontinued_on"), nw.col("window_end")
    gone = (ended <= limit).fill_null(value=False)
    return measure(
        gone.cast(nw.Float64),
        (nw.col("implemented_on").is_null(), Reason.NOT_APPLICABLE),
        (nw.col("ended_before"), Reason.NOT_APPLICABLE),
        (~gone & (nw.col("as_of") < limit), Reason.CENSORED),
    )


@feature(
    name="overlap_similarity", typology=_TYPOLOGY, base=_DEALS, unit="0 to 1",
    inputs=("merger_notifications.overlap_similarity",),
    direction="high", n="n_deals", source="catalogue 3.A; US Merger Guidelines 2023, Guideline 4",
    title={"en": "similarity of the parties' products", "zh": "交易方产品相似度"},
)  # fmt: skip
def overlap_similarity() -> Measure:
    """Cosine of the word vectors of the parties' products, as filed with the deal."""
    return measure(nw.col("overlap_similarity_filed"))
