"""Presumed dominance under article 24 of the Chinese Anti-Monopoly Law (MON-DOMINANCE-CN)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, membership, view
from features.library.market_shares import CELL
from features.operators import Lazy, both
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY = "MON-DOMINANCE-CN"
_INPUTS = ("market_positions.share", "market_positions.value", "firms.group_id")
_SOURCE = "Anti-Monopoly Law of China 2022, art. 24"


@view("presumptions")
def presumptions(t: Tables) -> Lazy:
    """Market shares with `basis_of` (single, joint2, joint3 or null) for every group.

    All comparisons are inclusive and on whole numbers; a filed share is read to twelve decimals,
    so a third filed as a float still adds up to two thirds. Groups tied for a rank all hold it.
    """
    shares = t.view("market_shares").with_columns(
        nw.col("num").rank("ordinal", descending=True).over(*CELL).alias("_place"),
        nw.col("num").rank("min", descending=True).over(*CELL).alias("share_rank"),
    )
    largest = [
        nw.when(nw.col("_place") == k).then(nw.col("num")).max().over(*CELL).alias(f"_n{k}")
        for k in (1, 2, 3)
    ]
    shares = shares.with_columns(*largest).with_columns(
        (nw.col("basis") == "share").cast(nw.Int64).alias("_slack"),
        nw.col("_n2").fill_null(0),
        nw.col("_n3").fill_null(0),
    )
    num, den, slack = nw.col("num"), nw.col("den"), nw.col("_slack")
    two = nw.col("_n1") + nw.col("_n2")
    three = two + nw.col("_n3")
    not_small = 10 * num + 5 * slack >= den
    joint2 = (3 * two + 3 * slack >= 2 * den) & (nw.col("share_rank") <= 2) & not_small
    joint3 = (4 * three + 6 * slack >= 3 * den) & (nw.col("share_rank") <= 3) & not_small
    basis = (
        nw.when(2 * num + slack >= den).then(nw.lit("single"))
        .when(joint2).then(nw.lit("joint2"))
        .when(joint3).then(nw.lit("joint3"))
    )  # fmt: skip
    total = nw.col("pct").sum().over(*CELL)
    firms = nw.col("firm").count().over(*CELL)
    return shares.with_columns(
        nw.when(nw.col("known")).then(basis).alias("dominance_basis"),
        total.alias("named_pct"),
        firms.alias("n_firms"),
    )


@base(
    name="market_firms",
    grain="market_firm_y",
    tables=("market_positions",),
    attributes=("market_id", "firm_id", "metric", "dominance_basis", "share_rank", "n_firms"),
    peers=("metric",),
)
def market_firms(t: Tables) -> Lazy:
    """One row per market, economic group and filed period."""
    return t.view("presumptions").with_columns(
        both(nw.col("market_id"), nw.col("firm")).alias("subject_key"),
        nw.col("firm").alias("firm_id"),
    )


@base(
    name="market_dominance",
    grain="market_y",
    tables=("market_positions",),
    attributes=("market_id", "metric"),
)
def market_dominance(t: Tables) -> Lazy:
    """One row per market and filed period: how many groups are presumed dominant."""
    return (
        t.view("presumptions")
        .group_by(*CELL, "metric", "known")
        .agg(
            nw.col("dominance_basis").count().alias("dominant"),
            nw.col("firm").count().alias("n_firms"),
            nw.col("named_pct").max(),
        )
        .with_columns(nw.col("market_id").alias("subject_key"))
    )


def _unusable() -> tuple[tuple[nw.Expr, Reason], ...]:
    over = nw.col("named_pct") > 102.0 + 1e-9
    return ((~nw.col("known"), Reason.MISSING_INPUT), (over, Reason.MISSING_INPUT))


@feature(
    name="dominance_presumed", typology=_TYPOLOGY, base="market_firms", inputs=_INPUTS,
    unit="yes/no", direction="high", n="n_firms", source=_SOURCE, kind="bool",
    title={"en": "dominance presumed", "zh": "推定具有市场支配地位"},
)  # fmt: skip
def dominance_presumed() -> Measure:
    """1 when the law presumes dominance of this group from shares alone, else 0.

    One group with at least 1/2; the two largest with at least 2/3 together; the three largest
    with at least 3/4 together; never a joint member below 1/10. The attribute `dominance_basis`
    says which; joint presumptions are weak evidence without signs of collective conduct.
    """
    return measure((~nw.col("dominance_basis").is_null()).cast(nw.Float64), *_unusable())


@feature(
    name="market_share", typology=_TYPOLOGY, base="market_firms", inputs=_INPUTS, unit="%",
    direction="high", n="n_firms", source=_SOURCE,
    title={"en": "market share", "zh": "市场份额"},
)  # fmt: skip
def market_share() -> Measure:
    """Share of the economic group in the market, in per cent."""
    return measure(nw.col("pct"), *_unusable())


@feature(
    name="dominant_firms", typology=_TYPOLOGY, base="market_dominance", inputs=_INPUTS,
    unit="firms", direction="high", n="n_firms", source=_SOURCE,
    title={"en": "firms presumed dominant", "zh": "被推定具有支配地位的企业数"},
)  # fmt: skip
def dominant_firms() -> Measure:
    """Number of groups presumed dominant in the market, singly or jointly."""
    return measure(nw.col("dominant"), *_unusable())


@membership(child="market_firm_y", parent="market_y", tables=("market_positions",))
def firms_of_market(t: Tables) -> Lazy:
    """A group's position belongs to its market in the same period."""
    return t.view("market_shares").select(
        both(nw.col("market_id"), nw.col("firm")).alias("child_key"),
        nw.col("period_start").alias("child_period_start"),
        nw.col("market_id").alias("parent_key"),
        nw.col("period_start").alias("parent_period_start"),
        nw.col("period_end").alias("parent_period_end"),
    )
