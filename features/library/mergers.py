"""Structural presumptions for horizontal deals (MON-HHI-MERGER)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, membership, view
from features.library.groups import with_group
from features.library.market_shares import CELL
from features.operators import Lazy, both, civil_day, month_end, month_start
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY = "MON-HHI-MERGER"
_INPUTS = (
    "merger_notifications.overlap_market_ids", "merger_notifications.control_pct",
    "deal_parties.party_id", "market_positions.share", "firms.group_id",
)  # fmt: skip
_TABLES = ("merger_notifications", "deal_parties", "market_positions")
_US, _EU = "US Merger Guidelines 2023, Guideline 1", "EU Horizontal Merger Guidelines 2004, 19-20"
EPSILON = 1e-9
SOLE_CONTROL_PCT = 50.0
"""A stake above this gives control of the whole; a smaller one counts by its size."""


@view("deal_markets")
def deal_markets(t: Tables) -> Lazy:
    """One row per deal and overlap market named in the notification, in the month of signing."""
    day = civil_day(
        "signed_on", "notified_on", "implemented_on", "recorded_at", fallback=t.context.as_of
    )
    # The ids are kept as JSON text such as ["a", "b"]; ids hold neither quotes nor commas.
    ids = nw.col("overlap_market_ids").str.replace_all(r'[\[\]"\s]', "").str.split(",")
    return (
        t["merger_notifications"]
        .select("deal_id", ids.alias("market_id"), day.alias("_day"), "control_pct")
        .explode("market_id")
        .filter(nw.col("market_id") != "")
        .unique(["deal_id", "market_id"])
        .with_columns(
            month_start(nw.col("_day")).alias("period_start"),
            month_end(nw.col("_day")).alias("period_end"),
        )
    )


@base(
    name="deal_markets",
    grain="deal_market",
    tables=_TABLES,
    attributes=("deal_id", "market_id", "position_start", "position_end", "metric", "n_overlap",
                "potential_entrant", "share_basis", "partial"),
    peers=("metric",),
)  # fmt: skip
def deal_market_rows(t: Tables) -> Lazy:
    """One row per deal and overlap market, with the last full period before the deal."""
    shares = t.view("market_shares")
    deals = t.view("deal_markets")
    cells = shares.group_by(*CELL, "metric", "basis", "known").agg(
        (nw.col("pct") * nw.col("pct")).sum().alias("hhi_low"),
        nw.col("pct").sum().alias("named_pct"),
        nw.col("firm").count().alias("n_firms"),
    )
    dated = _last_before(deals, cells)
    parties = _party_shares(t, dated, shares)
    together = nw.col("combined")
    rise = (together * together - nw.col("squares")).clip(lower_bound=0.0)
    part = (nw.col("control_pct") <= SOLE_CONTROL_PCT).fill_null(value=False)
    weight = nw.when(part).then(nw.col("control_pct") / 100).otherwise(nw.lit(1.0))
    return (
        dated.join(parties, on=["deal_id", "market_id"], how="left")
        .with_columns((rise * weight).alias("delta"), part.alias("partial"))
        .with_columns(
            both(nw.col("deal_id"), nw.col("market_id")).alias("subject_key"),
            (nw.col("hhi_low") + nw.col("delta")).alias("post"),
            (nw.col("n_overlap") < 2).alias("potential_entrant"),
            nw.col("basis").alias("share_basis"),
        )
    )


def _last_before(deals: Lazy, cells: Lazy) -> Lazy:
    """Attach to each deal and market the latest filed period that ended before the deal."""
    position = cells.rename({"period_start": "position_start", "period_end": "position_end"})
    on = ["deal_id", "market_id"]
    earlier = deals.join(position, on="market_id", how="inner").filter(
        nw.col("position_end") < nw.col("_day")
    )
    latest = earlier.filter(
        nw.col("position_end") == nw.col("position_end").max().over(*on)
    ).filter(nw.col("position_start") == nw.col("position_start").min().over(*on))
    return deals.join(latest.drop("_day", "period_start", "period_end"), on=on, how="left")


def _party_shares(t: Tables, dated: Lazy, shares: Lazy) -> Lazy:
    """Per deal and market: parties' joint share, sum of squares, groups present, groups in all."""
    groups = with_group(t, t["deal_parties"].select("deal_id", "party_id"), "party_id", "firm")
    held = shares.select("market_id", nw.col("period_start").alias("position_start"), "firm", "pct")
    joined = (
        dated.select("deal_id", "market_id", "position_start")
        .join(groups.select("deal_id", "firm").unique(), on="deal_id", how="inner")
        .join(held, on=["market_id", "position_start", "firm"], how="left")
        .with_columns(nw.col("pct").fill_null(0.0))
        .sort("deal_id", "market_id", "firm")
    )
    present = (nw.col("pct") > 0).cast(nw.Int64)
    return (
        joined.with_columns((nw.col("pct") * nw.col("pct")).alias("_square"), present.alias("_in"))
        .group_by("deal_id", "market_id")
        .agg(
            nw.col("pct").sum().alias("combined"),
            nw.col("_square").sum().alias("squares"),
            nw.col("_in").sum().alias("n_overlap"),
            nw.col("firm").count().alias("n_parties"),
        )
    )


def _checks() -> tuple[tuple[nw.Expr, Reason], ...]:
    return (
        (nw.col("position_end").is_null(), Reason.MISSING_INPUT),
        (~nw.col("known"), Reason.MISSING_INPUT),
        (nw.col("named_pct") > 102.0 + EPSILON, Reason.MISSING_INPUT),
        (nw.col("n_parties").fill_null(0) < 1, Reason.MISSING_INPUT),
        (nw.col("n_parties") < 2, Reason.NOT_APPLICABLE),
    )


@feature(
    name="hhi_delta", typology=_TYPOLOGY, base="deal_markets", inputs=_INPUTS, unit="points",
    direction="high", n="n_firms", source=_US,
    title={"en": "rise in concentration", "zh": "集中度增量"},
)  # fmt: skip
def hhi_delta() -> Measure:
    """Rise of the HHI: (sum of the parties' shares in per cent) squared minus the sum of squares.

    Two parties: 2ab. A stake of at most half counts by its size: times `control_pct` / 100, with
    the attribute `partial`. Parties of one economic group count once: a deal inside a group
    changes nothing (`not_applicable`). A party without a position has share 0; the attribute
    `potential_entrant` then points to potential competition.
    """
    return measure(nw.col("delta"), *_checks())


@feature(
    name="hhi_post", typology=_TYPOLOGY, base="deal_markets", inputs=_INPUTS, unit="points",
    direction="high", n="n_firms", source=_US,
    title={"en": "concentration after the deal", "zh": "交易后集中度"},
)  # fmt: skip
def hhi_post() -> Measure:
    """HHI of the last full period before the deal plus `hhi_delta`.

    Where the named shares do not cover the market this is the lower bound.
    """
    return measure(nw.col("post"), *_checks())


@feature(
    name="combined_share", typology=_TYPOLOGY, base="deal_markets", inputs=_INPUTS, unit="%",
    direction="high", n="n_firms", source="EU case law (AKZO); catalogue 3.A",
    title={"en": "parties' joint share", "zh": "交易方合计份额"},
)  # fmt: skip
def combined_share() -> Measure:
    """Sum of the parties' shares, in per cent."""
    return measure(nw.col("combined"), *_checks())


@feature(
    name="us2023_presumption", typology=_TYPOLOGY, base="deal_markets", inputs=_INPUTS,
    unit="yes/no", direction="high", n="n_firms", source=_US, kind="bool",
    title={"en": "US structural presumption", "zh": "美国2023年结构性推定"},
)  # fmt: skip
def us2023_presumption() -> Measure:
    """1 when the rise is above 100 and either the HHI after is above 1800 or the share above 30 %.

    All three comparisons are strict.
    """
    large = (nw.col("post") > 1800 + EPSILON) | (nw.col("combined") > 30 + EPSILON)
    return measure((large & (nw.col("delta") > 100 + EPSILON)).cast(nw.Float64), *_checks())


@feature(
    name="eu_hhi_flag", typology=_TYPOLOGY, base="deal_markets", inputs=_INPUTS, unit="yes/no",
    direction="high", n="n_firms", source=_EU, kind="bool",
    title={"en": "outside the EU no-concern zones", "zh": "超出欧盟无顾虑区间"},
)  # fmt: skip
def eu_hhi_flag() -> Measure:
    """1 outside the EU zones of no concern, which are not presumptions.

    After-deal HHI 1000 to 2000 with a rise of at least 250, or above 2000 with at least 150.
    """
    post, delta = nw.col("post"), nw.col("delta")
    middle = (post >= 1000 - EPSILON) & (post <= 2000 + EPSILON) & (delta >= 250 - EPSILON)
    upper = (post > 2000 + EPSILON) & (delta >= 150 - EPSILON)
    return measure((middle | upper).cast(nw.Float64), *_checks())


@membership(child="deal_market", parent="deal", tables=_TABLES)
def markets_of_deal(t: Tables) -> Lazy:
    """A deal's effect in a market belongs to the deal, in the month of the deal."""
    return t.view("deal_markets").select(
        both(nw.col("deal_id"), nw.col("market_id")).alias("child_key"),
        nw.col("period_start").alias("child_period_start"),
        nw.col("deal_id").alias("parent_key"),
        nw.col("period_start").alias("parent_period_start"),
        nw.col("period_end").alias("parent_period_end"),
    )
