"""The quantitative gatekeeper test (MON-GATEKEEPER-DMA)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import base, feature, measure
from features.library.groups import with_group
from features.operators import Lazy
from features.parameters.competition import limit_on
from features.tables import Tables
from features.vocabulary import Direction, Reason

_TYPOLOGY, _BASE = "MON-GATEKEEPER-DMA", "gatekeepers"
_INPUTS = ("firm_years.turnover_eu", "firm_years.market_cap", "firm_years.member_states",
           "firm_years.active_users", "firm_years.business_users", "firms.group_id")  # fmt: skip
_SOURCE = "Regulation (EU) 2022/1925 (DMA), art. 3(2)"
_LIMITS = ("turnover", "market_cap", "member_states", "active_users", "business_users")
_USERS = ("active_users", "business_users")


@base(
    name=_BASE,
    grain="operator_y",
    tables=("firm_years",),
    attributes=("operator_id", "service_id", "is_gatekeeper"),
)
def gatekeepers(t: Tables) -> Lazy:
    """One row per economic group and year: its service nearest to the thresholds.

    Money counts in euro only (or without a filed currency); figures of the group's firms are not
    added up, the largest counts. `service_id` is empty where figures are about the whole firm.
    """
    euro = nw.col("currency").fill_null("EUR") == "EUR"
    filed = with_group(t, t["firm_years"], "firm_id", "operator_id").with_columns(
        nw.when(euro).then(nw.col("turnover_eu")).alias("turnover"),
        nw.when(euro).then(nw.col("market_cap")).alias("market_cap"),
        nw.col("service_id").fill_null(""),
        nw.col("year").cast(nw.Int64),
    )
    whole = _three_years(filed, ("operator_id",), ("turnover",), ("market_cap",))
    users = _three_years(filed, ("operator_id", "service_id"), _USERS, ("member_states",))
    served = users.filter(
        ~nw.all_horizontal(
            *(nw.col(c).is_null() for c in (*_USERS, "member_states")), ignore_nulls=False
        )
    )
    rows = whole.join(served, on=["operator_id", "year"], how="left")
    return _best(_dated(t, _judged(_with_limits(rows))))


def _three_years(
    filed: Lazy, key: tuple[str, ...], thrice: tuple[str, ...], once: tuple[str, ...]
) -> Lazy:
    """Smallest figure of this and the two years before with how many were filed; and this year's.

    Columns: each of `thrice` as the minimum, `<name>_years` as the count, each of `once` as filed.
    """
    yearly = filed.group_by(*key, "year").agg(*(nw.col(c).max() for c in (*thrice, *once)))
    ahead = [
        yearly.select(*key, (nw.col("year") + k).alias("year"), *thrice) for k in (0, 1, 2)
    ]  # fmt: skip
    spread = nw.concat(ahead, how="vertical").group_by(*key, "year")
    lowest = spread.agg(
        *(nw.col(c).min() for c in thrice), *(nw.col(c).count().alias(f"{c}_years") for c in thrice)
    )
    return yearly.select(*key, "year", *once).join(lowest, on=[*key, "year"], how="left")


def _with_limits(rows: Lazy) -> Lazy:
    year = nw.col("year").cast(nw.String)
    rows = rows.with_columns(
        nw.concat_str([year, nw.lit("-01-01")]).str.to_date("%Y-%m-%d").alias("period_start"),
        nw.concat_str([year, nw.lit("-12-31")]).str.to_date("%Y-%m-%d").alias("period_end"),
    )
    limits = [
        limit_on("EU", "gatekeeper", name, nw.col("period_end")).alias(f"least_{name}")
        for name in _LIMITS
    ]
    return rows.with_columns(*limits)


def _judged(rows: Lazy) -> Lazy:
    """Three-valued criteria and their headroom: a failed year decides, a missing one does not."""
    ratio = {c: nw.col(c) / nw.col(f"least_{c}") for c in _LIMITS}
    always = {
        c: nw.when(ratio[c] < 1).then(nw.lit(value=False))
        .when(nw.col(f"{c}_years") >= 3).then(nw.lit(value=True))
        for c in ("turnover", *_USERS)
    }  # fmt: skip
    known = {c: nw.when(nw.col(f"{c}_years") >= 3).then(ratio[c]) for c in ("turnover", *_USERS)}
    money = always["turnover"] | (ratio["market_cap"] >= 1)
    met = money & (ratio["member_states"] >= 1) & always["active_users"] & always["business_users"]
    size = nw.max_horizontal(known["turnover"], ratio["market_cap"])
    parts = (size, ratio["member_states"], known["active_users"], known["business_users"])
    gaps = nw.any_horizontal(*(p.is_null() for p in parts), ignore_nulls=False)
    return rows.with_columns(
        met.alias("met"),
        nw.when(~gaps).then(nw.min_horizontal(*parts)).alias("headroom"),
        nw.min_horizontal("turnover_years", "active_users_years").fill_null(0).alias("n_years"),
    )


def _dated(t: Tables, rows: Lazy) -> Lazy:
    """Add whether the group is designated and whether the two months to notify are over."""
    if t.missing(("firms",)) is None:
        named = with_group(t, t["firms"], "firm_id", "operator_id").group_by("operator_id")
        rows = rows.join(named.agg(nw.col("is_gatekeeper").max()), on="operator_id", how="left")
    else:
        rows = rows.with_columns(nw.lit(None, dtype=nw.Boolean).alias("is_gatekeeper"))
    late = nw.col("period_end").dt.offset_by("2mo").cast(nw.Date) < nw.lit(t.context.as_of)
    return rows.with_columns(late.alias("late"))


def _best(rows: Lazy) -> Lazy:
    """One row per group and year: met before unknown before not met, then most headroom."""
    rank = nw.when(nw.col("met").is_null()).then(nw.lit(1)).when(nw.col("met")).then(nw.lit(2))
    rows = rows.with_columns(
        rank.otherwise(nw.lit(0)).alias("_rank"),
        nw.col("headroom").fill_null(-1.0).alias("_room"),
        nw.col("service_id").fill_null(""),
    )
    cell = ("operator_id", "year")
    for name in ("_rank", "_room"):
        rows = rows.filter(nw.col(name) == nw.col(name).max().over(*cell))
    rows = rows.filter(nw.col("service_id") == nw.col("service_id").min().over(*cell))
    return rows.with_columns(nw.col("operator_id").alias("subject_key"))


_EARLY = (nw.col("least_turnover").is_null(), Reason.NOT_APPLICABLE)


def _add(
    name: str, value: nw.Expr, unit: str, title: tuple[str, str], doc: str, *,
    direction: Direction = "high", flag: bool = True, uses_as_of: bool = False,
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit=unit,
        direction=direction, n="n_years", min_n=3, source=_SOURCE, uses_as_of=uses_as_of,
        kind="bool" if flag else "number", title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(value, _EARLY, (value.is_null(), Reason.MISSING_INPUT)))  # fmt: skip


_add(
    "dma_presumed", nw.col("met").cast(nw.Float64), "yes/no",
    ("meets the gatekeeper thresholds", "达到守门人量化门槛"),
    """1 when a service meets all thresholds of DMA art. 3(2), inclusive.

    EU turnover of at least EUR 7.5 bn in each of three years or a mean market value of 75 bn in
    the last; the same service in three Member States; 45 m monthly users and 10 000 yearly
    business users in each of three years. A missing year leaves it unknown unless a filed figure
    fails already.""",
)  # fmt: skip
_add(
    "dma_headroom", nw.col("headroom"), "ratio",
    ("nearest to the gatekeeper thresholds", "与守门人门槛之比"),
    """Smallest of the figures over their thresholds; of turnover and market value the better one.

    1 means met; rising towards 1 is an early warning. Needs all three years.""",
    flag=False,
)  # fmt: skip
_add(
    "dma_undesignated",
    (nw.col("met") & nw.col("late") & ~nw.col("is_gatekeeper").fill_null(value=False)).cast(
        nw.Float64
    ),
    "yes/no", ("thresholds met, not designated", "达标而未被指定"),
    """1 when the thresholds are met, two months after the year have passed and no designation is
    on file (`firms.is_gatekeeper`); art. 3(3).""",
    uses_as_of=True,
)  # fmt: skip
