"""Market structure: concentration, its bounds, and how stable shares are (MON-STR-HHI)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.market_shares import CELL
from features.operators import Lazy
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY = "MON-STR-HHI"
_INPUTS = ("market_positions.share", "market_positions.value", "firms.group_id")
COMPLETE, OVERFULL, EPSILON = 95.0, 102.0, 1e-9


@base(
    name="market_structure",
    grain="market_y",
    tables=("market_positions",),
    attributes=("market_id", "metric", "share_basis", "n_firms", "named_pct", "top_share_pct"),
    peers=("metric",),
)
def market_structure(t: Tables) -> Lazy:
    """One row per market and filed period; shares of one economic group are summed first."""
    shares = t.view("market_shares")
    ranked = shares.with_columns(
        nw.col("num").rank("ordinal", descending=True).over(*CELL).alias("_rank"),
        nw.when(nw.col("num") > 0).then(nw.col("pct")).alias("_positive"),
    )
    top_four = nw.when(nw.col("_rank") <= 4).then(nw.col("pct")).otherwise(0.0)
    cells = (
        ranked.with_columns(
            (nw.col("pct") * nw.col("pct")).alias("_square"), top_four.alias("_top4")
        )
        .group_by(*CELL, "period_kind", "metric", "basis", "known")
        .agg(
            nw.col("firm").count().alias("n_firms"),
            nw.col("pct").sum().alias("named_pct"),
            nw.col("pct").max().alias("top_share_pct"),
            nw.col("_square").sum().alias("low"),
            nw.col("_top4").sum().alias("top4"),
            nw.col("_positive").min().alias("smallest"),
        )
    )
    fringe = (100.0 - nw.col("named_pct")).clip(lower_bound=0.0)
    packs = (nw.col("fringe") / nw.col("smallest")).floor()
    rest = nw.col("fringe") - nw.col("packs") * nw.col("smallest")
    packed = nw.col("packs") * nw.col("smallest") * nw.col("smallest") + rest * rest
    cells = (
        cells.with_columns(fringe.alias("fringe"))
        .with_columns(packs.alias("packs"))
        .with_columns((nw.col("low") + packed).alias("high"))
    )
    return _with_stability(cells, shares).with_columns(
        nw.col("market_id").alias("subject_key"), nw.col("basis").alias("share_basis")
    )


def _with_stability(cells: Lazy, shares: Lazy) -> Lazy:
    """Add the moved share against the period directly before, of the same length and metric."""
    on = ["market_id", "period_kind", "metric", "period_start"]
    follows = nw.col("period_end").dt.offset_by("1d").cast(nw.Date).alias("period_start")
    before = shares.filter(nw.col("known")).select(
        "market_id", "period_kind", "metric", "firm", follows, nw.col("pct").alias("_before")
    )
    matched = shares.join(before, on=[*on, "firm"], how="left").with_columns(
        nw.coalesce(nw.col("_before"), nw.lit(0.0)).alias("_before")
    )
    moved = matched.with_columns((nw.col("pct") - nw.col("_before")).abs().alias("_moved"))
    now = moved.group_by(*on).agg(nw.col("_moved").sum(), nw.col("_before").sum().alias("_kept"))
    whole = before.group_by(*on).agg(nw.col("_before").sum().alias("_whole"))
    gone = nw.col("_whole") - nw.col("_kept")
    return (
        cells.join(now, on=on, how="left")
        .join(whole, on=on, how="left")
        .with_columns(((nw.col("_moved") + gone) / 200.0).alias("moved"))
    )


def _unusable() -> tuple[tuple[nw.Expr, Reason], ...]:
    """Shares unknown, or adding to clearly more than the market."""
    over = nw.col("named_pct") > OVERFULL + EPSILON
    return ((~nw.col("known"), Reason.MISSING_INPUT), (over, Reason.MISSING_INPUT))


def _incomplete() -> tuple[nw.Expr, Reason]:
    return nw.col("named_pct") < COMPLETE - EPSILON, Reason.MISSING_INPUT


@feature(
    name="hhi", typology=_TYPOLOGY, base="market_structure", inputs=_INPUTS, unit="points",
    direction="high", n="n_firms", source="US Merger Guidelines 2023, 2.1",
    title={"en": "concentration (HHI)", "zh": "市场集中度（HHI）"},
)  # fmt: skip
def hhi() -> Measure:
    """Sum of squared shares in per cent over economic groups, 0 to 10,000.

    Null when the named shares add to less than 95 % (read `hhi_low` and `hhi_high` then) or to
    more than 102 %.
    """
    return measure(nw.col("low"), *_unusable(), _incomplete())


@feature(
    name="hhi_low", typology=_TYPOLOGY, base="market_structure", inputs=_INPUTS, unit="points",
    direction="high", n="n_firms", source="US Merger Guidelines 2023, 2.1",
    title={"en": "lowest possible HHI", "zh": "HHI下限"},
)  # fmt: skip
def hhi_low() -> Measure:
    """Lower bound of the HHI: the named groups alone, the rest spread over very many firms."""
    return measure(nw.col("low"), *_unusable())


@feature(
    name="hhi_high", typology=_TYPOLOGY, base="market_structure", inputs=_INPUTS, unit="points",
    direction="none", n="n_firms", source="US Merger Guidelines 2023, 2.1",
    title={"en": "highest possible HHI", "zh": "HHI上限"},
)  # fmt: skip
def hhi_high() -> Measure:
    """Upper bound: the unnamed rest packed into firms as large as the smallest named share."""
    return measure(nw.col("high"), *_unusable(), (nw.col("low") <= 0, Reason.ZERO_DENOMINATOR))


@feature(
    name="cr4", typology=_TYPOLOGY, base="market_structure", inputs=_INPUTS, unit="%",
    direction="high", n="n_firms", source="catalogue 3.A",
    title={"en": "share of the four largest", "zh": "前四名份额（CR4）"},
)  # fmt: skip
def cr4() -> Measure:
    """Sum of the four largest shares in per cent; all of them where fewer are named."""
    return measure(nw.col("top4"), *_unusable())


@feature(
    name="hhi_effective_n", typology=_TYPOLOGY, base="market_structure", inputs=_INPUTS,
    unit="firms", direction="low", n="n_firms", source="catalogue 3.A",
    title={"en": "effective number of firms", "zh": "有效企业数"},
)  # fmt: skip
def hhi_effective_n() -> Measure:
    """How many equal firms would give the same HHI: 10,000 / hhi."""
    zero = (nw.col("low") <= 0, Reason.ZERO_DENOMINATOR)
    return measure(10_000.0 / nw.col("low"), *_unusable(), _incomplete(), zero)


@feature(
    name="share_stability", typology=_TYPOLOGY, base="market_structure", inputs=_INPUTS,
    unit="0-1", direction="high", n="n_firms", source="catalogue 3.A",
    title={"en": "stability of shares", "zh": "份额稳定度"},
)  # fmt: skip
def share_stability() -> Measure:
    """1 - half the sum of share changes against the period directly before; entry and exit at zero.

    Null without a filing for the directly preceding period of the same length and metric.
    """
    return measure(1.0 - nw.col("moved"), *_unusable())
