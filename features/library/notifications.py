"""Deals that had to be notified (MON-MERGER-THRESHOLD) or to wait (MON-GUN-JUMPING)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.deal_figures import in_currency
from features.operators import Lazy, days_between
from features.parameters.competition import limit_on
from features.tables import Tables, settled
from features.vocabulary import Reason

NOTIFY, _WAIT, BASE = "MON-MERGER-THRESHOLD", "MON-GUN-JUMPING", "deal_tests"
TURNOVERS = ("deal_parties.turnover_world", "deal_parties.turnover_domestic",
              "deal_parties.fy", "deal_parties.currency", "firms.group_id",
              "merger_notifications.implemented_on",
              "merger_notifications.jurisdiction")  # fmt: skip
_DATES = ("merger_notifications.implemented_on", "merger_notifications.notified_on",
          "merger_notifications.cleared_on")  # fmt: skip


@base(
    name=BASE,
    grain="deal",
    tables=("merger_notifications", "deal_parties"),
    attributes=("jurisdiction", "implemented_on", "notified_on", "n_groups"),
    peers=("jurisdiction",),
)
def deal_tests(t: Tables) -> Lazy:
    """One row per deal with parties: the thresholds in force and how its groups stand to them."""
    rows = t.view("deals")
    for name in ("world", "domestic", "each"):
        rows = rows.with_columns(limit_on("CN", "merger", name, nw.col("event_day")).alias(name))
    rows = rows.with_columns(
        limit_on("EU", "merger", "world", nw.col("event_day")).alias("eu_world"),
        limit_on("EU", "merger", "each", nw.col("event_day")).alias("eu_each"),
    )
    closing = nw.coalesce(nw.col("implemented_on"), nw.lit(t.context.as_of))
    for name in ("value_small", "value_large", "size_small", "size_large"):
        rows = rows.with_columns(limit_on("US", "hsr", name, closing).alias(name))
    limits = rows.select("deal_id", "each", "eu_each", "event_day")
    return rows.join(_sums(t, limits), on="deal_id", how="inner").join(
        _sizes(t), on="deal_id", how="left"
    )


def _sums(t: Tables, limits: Lazy) -> Lazy:
    """Joint turnovers, the second largest ones, and how many groups exceed the limit for each."""
    year = nw.col("event_day").dt.year() - nw.col("fy")
    joined = t.view("deal_groups").join(limits, on="deal_id", how="inner")
    marks = {
        "cn_over": nw.col("turnover_domestic") > nw.col("each"),
        "eu_over": nw.col("turnover_eu") > nw.col("eu_each"),
        "world_gaps": nw.col("turnover_world").is_null(),
        "domestic_gaps": nw.col("turnover_domestic").is_null(),
        "eu_gaps": nw.col("turnover_eu").is_null(),
        "not_cny": ~in_currency("CNY", "currency") | (nw.col("n_currencies") > 1),
        "not_eur": ~in_currency("EUR", "currency") | (nw.col("n_currencies") > 1),
        "stale": (year < 1) | (year > 2),
    }
    counted = [m.fill_null(value=False).cast(nw.Int64).alias(name) for name, m in marks.items()]
    seconds = [
        nw.when(nw.col(f"turnover_{where}").rank("ordinal", descending=True).over("deal_id") == 2)
        .then(nw.col(f"turnover_{where}"))
        .alias(f"second_{where}")
        for where in ("domestic", "eu")
    ]
    return (
        settled(joined.with_columns(*counted, *seconds), "deal_id", "firm")
        .group_by("deal_id")
        .agg(
            nw.len().cast(nw.Int64).alias("n_groups"),
            nw.col("turnover_world").sum().alias("sum_world"),
            nw.col("turnover_domestic").sum().alias("sum_domestic"),
            nw.col("turnover_eu").sum().alias("sum_eu"),
            nw.col("second_domestic").max(),
            nw.col("second_eu").max(),
            *(nw.col(name).sum() for name in marks),
        )
    )


def _sizes(t: Tables) -> Lazy:
    """Size of person of the target and of the largest acquirer: turnover or assets, in dollars."""
    size = nw.max_horizontal("turnover_world", "assets")
    usd = in_currency("USD", "currency") & (nw.col("n_currencies") <= 1)
    groups = t.view("deal_groups").with_columns(nw.when(usd).then(size).alias("_size"))
    target = nw.col("is_target") == 1
    return (
        groups.with_columns(
            nw.when(target).then(nw.col("_size")).alias("target_size"),
            nw.when(~target).then(nw.col("_size")).alias("acquirer_size"),
        )
        .group_by("deal_id")
        .agg(nw.col("target_size").max(), nw.col("acquirer_size").max())
    )


def unjudged(mixed: str) -> tuple[tuple[nw.Expr, Reason], ...]:
    """Deals inside one group, of mixed currencies (`mixed` counts them) or with stale figures."""
    return (
        (nw.col("n_groups") < 2, Reason.NOT_APPLICABLE),
        (nw.col(mixed) > 0, Reason.MISSING_INPUT),
        (nw.col("stale") > 0, Reason.MISSING_INPUT),
    )


@feature(
    name="cn_notifiable", typology=NOTIFY, base=BASE, inputs=TURNOVERS, unit="yes/no",
    direction="high", n="n_groups", source="State Council Order 773 (2024), art. 3", kind="bool",
    title={"en": "above the Chinese notification thresholds", "zh": "达到中国经营者集中申报标准"},
)  # fmt: skip
def cn_notifiable() -> Measure:
    """1 when joint turnover and at least two groups' Chinese turnover exceed the thresholds.

    World turnover above CNY 12 bn or Chinese turnover above 4 bn together, and two groups above
    0.8 bn in China, all strict, of the year before; thresholds of the day of implementation
    (signing where it is not yet). Figures are the groups' own, in renminbi, for the Chinese
    market; a gap decides nothing only where it cannot change the answer. Banks and insurers have
    their own rules. Deals inside one group and deals before 22 January 2024 are not judged.
    """
    joint = (nw.col("sum_world") > nw.col("world")) | (
        nw.col("sum_domestic") > nw.col("domestic")
    )  # fmt: skip
    met = joint & (nw.col("cn_over") >= 2)
    gaps = (nw.col("world_gaps") + nw.col("domestic_gaps")) > 0
    cannot = nw.col("cn_over") + nw.col("domestic_gaps") < 2
    elsewhere = ~(nw.col("jurisdiction").fill_null("CN") == "CN")
    return measure(
        met.cast(nw.Float64),
        (elsewhere, Reason.NOT_APPLICABLE),
        (nw.col("world").is_null(), Reason.NOT_APPLICABLE),
        *unjudged("not_cny"),
        (gaps & ~met & ~cannot, Reason.MISSING_INPUT),
    )


@feature(
    name="eu_notifiable", typology=NOTIFY, base=BASE,
    inputs=("deal_parties.turnover_world", "deal_parties.turnover_eu", "deal_parties.currency"),
    unit="yes/no", direction="high", n="n_groups", kind="bool",
    source="Regulation (EC) 139/2004, art. 1(2); not verified",
    title={"en": "above the EU notification thresholds", "zh": "达到欧盟经营者集中申报标准"},
)  # fmt: skip
def eu_notifiable() -> Measure:
    """1 when joint world turnover exceeds EUR 5 bn and two groups' EU turnover EUR 250 m.

    Primary test only: the two-thirds exception and the secondary test need turnover by Member
    State, which nobody files. The thresholds are not verified and therefore inactive: until they
    are, every deal is `not_applicable`.
    """
    met = (nw.col("sum_world") > nw.col("eu_world")) & (nw.col("eu_over") >= 2)
    gaps = (nw.col("world_gaps") + nw.col("eu_gaps")) > 0
    return measure(
        met.cast(nw.Float64),
        (nw.col("eu_world").is_null(), Reason.NOT_APPLICABLE),
        *unjudged("not_eur"),
        (gaps & ~met, Reason.MISSING_INPUT),
    )


@feature(
    name="us_hsr_2026_size_test", typology=NOTIFY, base=BASE,
    inputs=("merger_notifications.deal_value", "merger_notifications.currency",
            "merger_notifications.implemented_on", "deal_parties.assets",
            "deal_parties.turnover_world"),
    unit="yes/no", direction="high", n="n_groups", kind="bool", uses_as_of=True,
    source="HSR Act, 15 USC 18a; notices for 2025 and 2026",
    title={"en": "above the US notification thresholds", "zh": "达到美国HSR申报标准"},
)  # fmt: skip
def us_hsr_2026_size_test() -> Measure:
    """1 when the value exceeds the upper limit, or the lower one and both sizes are reached.

    Closings from 17 February 2026: above USD 535.5 m, or above 133.9 m with one side of at least
    267.8 m and the other of at least 26.8 m (sales or assets). Not yet closed: limits of the day
    of the judgement. For 2025 only the lower limit is verified: above it nothing is known.
    """
    value = nw.col("deal_value")
    larger = nw.max_horizontal("acquirer_size", "target_size")
    smaller = nw.min_horizontal("acquirer_size", "target_size")
    sizes = (larger >= nw.col("size_large")) & (smaller >= nw.col("size_small"))
    above = value > nw.col("value_small")
    met = (value > nw.col("value_large")).fill_null(value=False) | (
        above & sizes.fill_null(value=False)
    )  # fmt: skip
    unknown = nw.col("acquirer_size").is_null() | nw.col("target_size").is_null()
    return measure(
        met.cast(nw.Float64),
        (~(nw.col("jurisdiction").fill_null("US") == "US"), Reason.NOT_APPLICABLE),
        (nw.col("value_small").is_null(), Reason.NOT_APPLICABLE),
        (nw.col("n_groups") < 2, Reason.NOT_APPLICABLE),
        (value.is_null() | ~in_currency("USD", "currency"), Reason.MISSING_INPUT),
        (above & nw.col("value_large").is_null(), Reason.NOT_APPLICABLE),
        (above & ~met & unknown, Reason.MISSING_INPUT),
    )


@base(
    name="deal_dates",
    grain="deal",
    tables=("merger_notifications",),
    attributes=("jurisdiction", "implemented_on", "notified_on", "cleared_on", "censored"),
    peers=("jurisdiction",),
)
def deal_dates(t: Tables) -> Lazy:
    """One row per deal: days since it was implemented, unnotified or not yet cleared.

    The attribute `censored` marks deals still not cleared: their count runs on.
    """
    as_of, done = nw.lit(t.context.as_of), nw.col("implemented_on")
    early = days_between(done, nw.coalesce(nw.col("cleared_on"), as_of)).cast(nw.Float64)
    since = days_between(done, as_of).cast(nw.Float64)
    return t.view("deals").with_columns(
        early.clip(lower_bound=0.0).alias("early_days"),
        since.alias("since_days"),
        (~done.is_null() & nw.col("cleared_on").is_null()).alias("censored"),
        nw.lit(1).alias("n_deals"),
    )


@feature(
    name="unnotified_days", typology=NOTIFY, base="deal_dates", inputs=_DATES[:2], unit="days",
    direction="high", n="n_deals", source="AML of China 2022, arts 26 and 58", uses_as_of=True,
    title={"en": "days carried out without a notification", "zh": "未申报实施天数"},
)  # fmt: skip
def unnotified_days() -> Measure:
    """Days from implementation to the day of the judgement, where no notification was filed.

    Not yet implemented, or notified: `not_applicable`. Whether it had to be notified is another
    feature.
    """
    return measure(
        nw.col("since_days"),
        (nw.col("implemented_on").is_null(), Reason.NOT_APPLICABLE),
        (~nw.col("notified_on").is_null() | ~nw.col("cleared_on").is_null(),
         Reason.NOT_APPLICABLE),
        (nw.col("since_days") < 0, Reason.NOT_APPLICABLE),
    )  # fmt: skip


@feature(
    name="gun_jump_days", typology=_WAIT, base="deal_dates", inputs=_DATES, unit="days",
    direction="high", n="n_deals", uses_as_of=True,
    source="AML of China 2022, art. 26; Regulation (EC) 139/2004, art. 7",
    title={"en": "days carried out before clearance", "zh": "未获批准先行实施天数"},
)  # fmt: skip
def gun_jump_days() -> Measure:
    """Days from implementation to clearance; 0 when cleared first.

    Not cleared: up to the day of the judgement, attribute `censored`. Not implemented, or neither
    notified nor cleared (that is `unnotified_days`): `not_applicable`.
    """
    unknown = nw.col("notified_on").is_null() & nw.col("cleared_on").is_null()
    return measure(
        nw.col("early_days"),
        (nw.col("implemented_on").is_null(), Reason.NOT_APPLICABLE),
        (unknown, Reason.NOT_APPLICABLE),
    )
