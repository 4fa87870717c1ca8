"""Roll-up of a market by small deals (MON-SERIAL-ACQ)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Kind, base, feature, measure, view
from features.library.groups import with_group
from features.library.market_shares import CELL, one_metric, periods
from features.library.mergers import EPSILON
from features.operators import Lazy, both, year_end, year_start
from features.tables import Tables, settled
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-SERIAL-ACQ", "serial_deals"
_INPUTS = ("merger_notifications.overlap_market_ids", "merger_notifications.target_id",
           "merger_notifications.acquirer_id", "merger_notifications.implemented_on",
           "market_positions.share", "deal_parties.party_id", "firms.group_id")  # fmt: skip
_SOURCE = "US Merger Guidelines 2023, Guideline 8"
_MONTHS = 36
_ROW = ("market_id", "firm", "period_start", "period_end")


@view("market_purchases")
def market_purchases(t: Tables) -> Lazy:
    """One row per closed or signed deal, overlap market and acquiring group.

    Columns: `deal_id`, `market_id`, `firm` (acquirer), `target_id`, `done` (day) and
    `target_pct`: the target's own share in the last full period before the deal. It is read by
    firm, because the register of groups may already show the target under its buyer.
    """
    bought = t.view("deal_buyers").filter(~nw.col("target_id").is_null())
    markets = t.view("deal_markets").select("deal_id", "market_id")
    rows = bought.join(markets, on="deal_id", how="inner")
    share = _firm_shares(t)
    before = rows.join(
        share, left_on=["market_id", "target_id"], right_on=["market_id", "held_by"], how="inner"
    ).filter(nw.col("filed_end") < nw.col("done"))
    key = ("deal_id", "market_id", "firm")
    last = before.filter(nw.col("filed_end") == nw.col("filed_end").max().over(*key))
    return rows.join(
        last.group_by(*key).agg(nw.col("pct").max().alias("target_pct")), on=list(key), how="left"
    ).sort(*key)


def _firm_shares(t: Tables) -> Lazy:
    """Share in per cent of every single firm by market and filed period, by one metric."""
    rows = one_metric(periods(t["market_positions"]))
    total = nw.col("value").sum().over(*CELL)
    pct = nw.coalesce(nw.col("share"), nw.col("value") / total) * 100
    return rows.select(
        "market_id",
        nw.col("firm_id").alias("held_by"),
        nw.col("period_end").alias("filed_end"),
        pct.alias("pct"),
    )


@base(
    name=_BASE,
    grain="market_firm_y",
    tables=("merger_notifications", "deal_parties", "market_positions"),
    attributes=("market_id", "firm_id", "n_deals"),
)
def serial_deals(t: Tables) -> Lazy:
    """One row per market, acquiring group and calendar year in which it bought.

    Deals of the 36 months that end with the year. A business sold on within them counts for its
    last buyer only.
    """
    bought = t.view("market_purchases")
    anchors = bought.select(
        "market_id",
        "firm",
        year_start(nw.col("done")).alias("period_start"),
        year_end(nw.col("done")).alias("period_end"),
    ).unique()
    since = nw.col("period_end").dt.offset_by(f"-{_MONTHS}mo").cast(nw.Date)
    window = anchors.join(
        bought.rename({"firm": "buyer"}), on="market_id", how="inner"
    ).filter((nw.col("done") <= nw.col("period_end")) & (nw.col("done") > since))  # fmt: skip
    last = window.filter(nw.col("done") == nw.col("done").max().over(*_ROW, "target_id"))
    mine = settled(last.filter(nw.col("buyer") == nw.col("firm")), *_ROW, "deal_id", "target_id")
    found = mine.group_by(*_ROW).agg(
        nw.col("target_id").n_unique().cast(nw.Int64).alias("n_deals"),
        nw.col("target_pct").sum().alias("gained"),
        (nw.col("target_pct") * nw.col("target_pct")).sum().alias("gained_squares"),
        nw.col("target_pct").is_null().cast(nw.Int64).sum().alias("gaps"),
    )
    found = found.join(_before_all(t, mine), on=list(_ROW), how="left")
    return _drift(t, found).with_columns(
        both(nw.col("market_id"), nw.col("firm")).alias("subject_key"),
        nw.col("firm").alias("firm_id"),
    )


def _before_all(t: Tables, mine: Lazy) -> Lazy:
    """The market before the first deal of the window: `own` share of the buyer, `hhi_before`.

    Targets of the window stand alone there, although the register may show them under the buyer.
    """
    shares = with_group(t, _firm_shares(t), "held_by", "owner")
    filed = shares.select("market_id", "filed_end").unique()
    first = mine.group_by(*_ROW).agg(nw.col("done").min().alias("first"))
    dated = first.join(filed, on="market_id", how="inner").filter(
        nw.col("filed_end") < nw.col("first")
    )
    last = dated.filter(nw.col("filed_end") == nw.col("filed_end").max().over(*_ROW))
    bought = mine.select(*_ROW, nw.col("target_id").alias("held_by"), nw.lit(1).alias("bought"))
    held = last.join(shares, on=["market_id", "filed_end"], how="inner").join(
        bought.unique(), on=[*_ROW, "held_by"], how="left"
    )
    player = nw.when(nw.col("bought") == 1).then(nw.col("held_by")).otherwise(nw.col("owner"))
    held = settled(held.with_columns(player.alias("player")), *_ROW, "player", "held_by")
    gaps = nw.col("pct").is_null().cast(nw.Int64)
    players = held.with_columns(gaps.alias("_gap")).group_by(*_ROW, "player").agg(
        nw.col("pct").sum(), nw.col("_gap").sum()
    )  # fmt: skip
    mark = nw.when(nw.col("player") == nw.col("firm")).then(nw.col("pct")).otherwise(0.0)
    square = nw.col("pct") * nw.col("pct")
    players = players.with_columns(mark.alias("own"), square.alias("hhi_before"))
    return settled(players, *_ROW, "player").group_by(*_ROW).agg(
        nw.col("own").max(), nw.col("hhi_before").sum(), nw.col("_gap").sum().alias("share_gaps")
    )  # fmt: skip


def _drift(t: Tables, rows: Lazy) -> Lazy:
    """Add the market's HHI at the end of the year and 36 months before."""
    square = nw.col("pct") * nw.col("pct")
    cells = (
        t.view("market_shares")
        .filter(nw.col("known"))
        .with_columns(square.alias("_square"))
        .group_by("market_id", nw.col("period_end").alias("filed_end"))
        .agg(nw.col("_square").sum().alias("hhi"))
    )
    for name, back in (("hhi_now", 0), ("hhi_then", _MONTHS)):
        limit = nw.col("period_end").dt.offset_by(f"-{back}mo").cast(nw.Date)
        earlier = rows.select(*_ROW).join(cells, on="market_id", how="inner")
        earlier = earlier.filter(nw.col("filed_end") <= limit)
        last = earlier.filter(nw.col("filed_end") == nw.col("filed_end").max().over(*_ROW))
        found = last.group_by(*_ROW).agg(nw.col("hhi").max().alias(name))
        rows = rows.join(found, on=list(_ROW), how="left")
    return rows


def _add(
    name: str, value: nw.Expr, unit: str, title: tuple[str, str], doc: str,
    *checks: tuple[nw.Expr, Reason], kind: Kind = "number",
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit=unit, direction="high",
        n="n_deals", kind=kind, source=_SOURCE, title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(value, *checks))  # fmt: skip


_add(
    "serial_count_36m", nw.col("n_deals"), "businesses",
    ("businesses bought in one market in three years", "三年内同一市场收购数"),
    """Businesses bought in the market in the 36 months that end with the year.""",
)  # fmt: skip
_add(
    "serial_cum_share_gain", nw.col("gained"), "percentage points",
    ("market share bought in three years", "三年内累计收购份额"),
    """Sum of the shares bought in those months, each as of its own deal.

    A business whose share was never filed leaves the sum unknown.""",
    (nw.col("gaps") > 0, Reason.MISSING_INPUT),
)  # fmt: skip
_add(
    "serial_hhi_drift", nw.col("hhi_now") - nw.col("hhi_then"), "points",
    ("rise of concentration in three years", "三年集中度变化"),
    """HHI of the last period filed to the end of the year minus that filed 36 months before.""",
    (nw.col("hhi_then").is_null() | nw.col("hhi_now").is_null(), Reason.MISSING_INPUT),
)  # fmt: skip

_JOINT = nw.col("own") + nw.col("gained")
_DELTA = _JOINT * _JOINT - nw.col("own") * nw.col("own") - nw.col("gained_squares")
_UNKNOWN = (
    (nw.col("gaps") > 0, Reason.MISSING_INPUT),
    (nw.col("own").is_null() | (nw.col("share_gaps") > 0), Reason.MISSING_INPUT),
)
_add(
    "serial_hhi_delta", _DELTA, "points",
    ("rise of concentration by three years' deals", "三年收购合并计算的集中度增量"),
    """Rise of the HHI if the deals of the 36 months had been one: the joint share squared, less the
    squares of its parts. The buyer's share is that before the first of them; each business
    counts with its share before its own deal.""",
    *_UNKNOWN,
)  # fmt: skip
_POST = nw.col("hhi_before") + _DELTA
_LARGE = (_POST > 1800 + EPSILON) | (_JOINT > 30 + EPSILON)
_add(
    "serial_us2023_presumption", (_LARGE & (_DELTA > 100 + EPSILON)).cast(nw.Float64), "yes/no",
    ("US presumption for three years' deals as one", "三年收购合并达到美国结构性推定"),
    """1 when `serial_hhi_delta` is above 100 and the HHI after is above 1800 or the joint share
    above 30 %, all strict: the test of `us2023_presumption` for the deals taken as one.""",
    *_UNKNOWN, kind="bool",
)  # fmt: skip
