"""Deals kept just below the thresholds of notification (MON-MERGER-THRESHOLD)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.deal_figures import in_currency
from features.library.notifications import BASE, NOTIFY, TURNOVERS, unjudged
from features.operators import Lazy
from features.tables import Tables
from features.vocabulary import Reason

_BUYERS, _MONTHS = "earlier_deals", 24
_RULE = "catalogue 3.A, MON-MERGER-THRESHOLD R2"


@feature(
    name="cn_threshold_ratio", typology=NOTIFY, base=BASE, inputs=TURNOVERS, unit="ratio",
    direction="none", n="n_groups", source=f"State Council Order 773 (2024), art. 3; {_RULE}",
    title={"en": "nearness to the Chinese notification thresholds", "zh": "与中国申报标准的接近度"},
)  # fmt: skip
def cn_threshold_ratio() -> Measure:
    """The smaller of two ratios: joint turnover / its limit, second largest party's / its limit.

    Joint: the larger of world turnover over CNY 12 bn and Chinese turnover over 4 bn; the second:
    Chinese turnover of the second largest group over 0.8 bn. Above 1 the deal is notifiable;
    from 0.95 to 1 it stays within 5 % below. Same cases as `cn_notifiable`, but a gap is a gap.
    """
    joint = nw.max_horizontal(
        nw.col("sum_world") / nw.col("world"), nw.col("sum_domestic") / nw.col("domestic")
    )
    ratio = nw.min_horizontal(joint, nw.col("second_domestic") / nw.col("each"))
    return measure(
        ratio,
        (~(nw.col("jurisdiction").fill_null("CN") == "CN"), Reason.NOT_APPLICABLE),
        (nw.col("world").is_null(), Reason.NOT_APPLICABLE),
        *unjudged("not_cny"),
        ((nw.col("world_gaps") > 0) | (nw.col("domestic_gaps") > 0), Reason.MISSING_INPUT),
    )


@feature(
    name="eu_threshold_ratio", typology=NOTIFY, base=BASE,
    inputs=("deal_parties.turnover_world", "deal_parties.turnover_eu", "deal_parties.currency"),
    unit="ratio", direction="none", n="n_groups",
    source=f"Regulation (EC) 139/2004, art. 1(2), not verified; {_RULE}",
    title={"en": "nearness to the EU notification thresholds", "zh": "与欧盟申报标准的接近度"},
)  # fmt: skip
def eu_threshold_ratio() -> Measure:
    """The smaller of joint world turnover / EUR 5 bn and second largest EU turnover / 250 m.

    The thresholds are not verified and therefore inactive: until they are, every deal is
    `not_applicable`, as for `eu_notifiable`.
    """
    ratio = nw.min_horizontal(
        nw.col("sum_world") / nw.col("eu_world"), nw.col("second_eu") / nw.col("eu_each")
    )
    return measure(
        ratio,
        (nw.col("eu_world").is_null(), Reason.NOT_APPLICABLE),
        *unjudged("not_eur"),
        ((nw.col("world_gaps") > 0) | (nw.col("eu_gaps") > 0), Reason.MISSING_INPUT),
    )


@feature(
    name="us_hsr_threshold_ratio", typology=NOTIFY, base=BASE,
    inputs=("merger_notifications.deal_value", "merger_notifications.currency",
            "merger_notifications.implemented_on", "deal_parties.assets",
            "deal_parties.turnover_world"),
    unit="ratio", direction="none", n="n_groups", uses_as_of=True,
    source=f"HSR Act, 15 USC 18a; notice for 2026; {_RULE}",
    title={"en": "nearness to the US notification thresholds", "zh": "与美国HSR申报标准的接近度"},
)  # fmt: skip
def us_hsr_threshold_ratio() -> Measure:
    """How near a deal comes to the US test, the nearer of its two ways.

    The value over the upper limit; or the smallest of value / lower limit, larger side / its
    limit and smaller side / its limit. From 0.95 to 1 it stays within 5 % below. Where a limit of
    the day is not verified: `not_applicable`.
    """
    larger = nw.max_horizontal("acquirer_size", "target_size")
    smaller = nw.min_horizontal("acquirer_size", "target_size")
    value = nw.col("deal_value")
    sized = nw.min_horizontal(
        value / nw.col("value_small"), larger / nw.col("size_large"), smaller / nw.col("size_small")
    )
    unknown = nw.col("acquirer_size").is_null() | nw.col("target_size").is_null()
    limits = ("value_small", "value_large", "size_small", "size_large")
    return measure(
        nw.max_horizontal(value / nw.col("value_large"), sized),
        (~(nw.col("jurisdiction").fill_null("US") == "US"), Reason.NOT_APPLICABLE),
        *((nw.col(c).is_null(), Reason.NOT_APPLICABLE) for c in limits),
        (nw.col("n_groups") < 2, Reason.NOT_APPLICABLE),
        (value.is_null() | ~in_currency("USD", "currency"), Reason.MISSING_INPUT),
        (unknown, Reason.MISSING_INPUT),
    )


@base(
    name=_BUYERS,
    grain="deal",
    tables=("merger_notifications", "deal_parties"),
)
def earlier_deals(t: Tables) -> Lazy:
    """One row per deal with a known buyer: what its busiest buyer agreed in two years before.

    Days of signing are compared: a deal signed later is not known when this one is judged.
    """
    days = t.view("deals").select("deal_id", "day")
    mine = t.view("deal_buyers").join(days, on="deal_id", how="inner")
    other = mine.select("firm", nw.col("deal_id").alias("other"), nw.col("day").alias("other_day"))
    since = nw.col("day").dt.offset_by(f"-{_MONTHS}mo").cast(nw.Date)
    seen = (nw.col("other_day") > since) & (nw.col("other_day") <= nw.col("day"))
    bought = (
        mine.join(other, on="firm", how="inner")
        .filter(seen)
        .group_by("deal_id", "firm")
        .agg((nw.col("other").n_unique().cast(nw.Int64) - 1).alias("bought"))
        .group_by("deal_id")
        .agg(nw.col("bought").max(), nw.len().cast(nw.Int64).alias("n_buyers"))
    )
    return t.view("deals").join(bought, on="deal_id", how="inner")


@feature(
    name="buyer_deals_24m", typology=NOTIFY, base=_BUYERS, unit="deals", direction="high",
    inputs=("merger_notifications.acquirer_id", "merger_notifications.target_id",
            "merger_notifications.implemented_on", "merger_notifications.signed_on",
            "deal_parties.party_id", "firms.group_id"),
    n="n_buyers", source=_RULE, uses_as_of=True,
    title={"en": "the buyer's other deals in two years", "zh": "收购方两年内其他收购数"},
)  # fmt: skip
def buyer_deals_24m() -> Measure:
    """Other deals the buying group signed in the 24 months that end with the signing of this one.

    Deals not carried out by the day of the judgement are left out.
    The buyer is the filed acquirer, else every party but the target; of several the busiest.
    """
    return measure(nw.col("bought"))
