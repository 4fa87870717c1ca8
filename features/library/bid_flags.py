"""Red flags of a single tender: late, disqualified, tied and isolated bids.

Each follows an indicator of the Open Contracting Partnership's Red Flags, whose number its source
names; where it differs, its meaning says so.
"""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import BIDS_IN, MARKET_IN, WINS_IN, not_competitive
from features.library.bid_screens import ATTRIBUTES, TABLES, with_lots
from features.library.fences import LEAST, far_above, far_below, fenced
from features.operators import Lazy
from features.tables import Tables, collect
from features.vocabulary import Reason

_BASE, _LEADS = "lot_flags", "lot_leads"
_SINGLE, _DISTANCE, _IDENTICAL = "MON-BID-SINGLE", "MON-BID-DISTANCE", "MON-BID-IDENTICAL"
_SOURCE = "Open Contracting Partnership, Red Flags 2024"
_DECIDED = ("bids.status", *WINS_IN)
MONTHS = 12
"""Leads are compared with those of the market in the twelve months that end with the tender's."""


@base(name=_BASE, grain="tender", tables=TABLES, attributes=ATTRIBUTES, peers=("market", "n_band"))
def lot_flags(t: Tables) -> Lazy:
    """One row per tender and lot: what became of its bids, and when they came."""
    terms = collect(t.view("lot_terms").select("subject_key", "competitive", "deadline_at"))
    entries = collect(t.view("bid_entries"))
    parts = (
        _late(entries, terms),
        _stances(entries),
        _opened(collect(t.view("opened_bids"))),
    )
    rows = _with_number(t, terms)
    for part in parts:
        rows = rows.join(part, on="subject_key", how="left")
    rows = rows.with_columns(pl.col("n_opened", "entries").fill_null(0))
    return with_lots(t, t.lifted(rows))


@base(name=_LEADS, grain="tender", tables=TABLES, attributes=ATTRIBUTES, peers=("market", "n_band"))
def lot_leads(t: Tables) -> Lazy:
    """One row per tender and lot, with the leads of its market in twelve months: its own base, for
    its reach."""
    terms = collect(t.view("lot_terms").select("subject_key", "competitive", "market",
                                               "period_start"))  # fmt: skip
    leads = _leads(collect(t.view("valid_bids")), collect(t.view("bid_entries")), terms)
    rows = _with_number(t, terms).join(leads, on="subject_key", how="left")
    return with_lots(t, t.lifted(rows.with_columns(pl.col("peers").fill_null(0))))


def _with_number(t: Tables, terms: pl.DataFrame) -> pl.DataFrame:
    """Every lot with whether it is competitive, and its number of valid bids."""
    priced = t.view("valid_bids").group_by("subject_key").agg(nw.len().alias("n_bids"))
    rows = terms.select("subject_key", "competitive")
    return rows.join(collect(priced), on="subject_key", how="left")


def _late(entries: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """Whether a winning bid came after the deadline; a deadline at midnight is a whole day."""
    dated = entries.filter(
        pl.col("submitted_at").is_not_null(), pl.col("wins") == 1, pl.col("status") == "valid"
    ).join(terms.drop_nulls("deadline_at"), on="subject_key")
    end = pl.col("deadline_at")
    whole = end == end.dt.truncate("1d")
    end = pl.when(whole).then(end.dt.offset_by("1d")).otherwise(end)
    late = (pl.col("submitted_at") > end) | (whole & (pl.col("submitted_at") == end))
    return dated.group_by("subject_key").agg(late_won=late.any().cast(pl.Int64))


def _stances(entries: pl.DataFrame) -> pl.DataFrame:
    """What became of each bidder: `left` still valid, `out` disqualified, `won`; lowest prices."""
    known = pl.coalesce("party", pl.format("#{}", pl.int_range(pl.len())))
    filed = entries.with_columns(unit=known).filter(pl.col("status") != "withdrawn")
    valid, out = pl.col("status") == "valid", pl.col("status") == "disqualified"
    units = filed.group_by("subject_key", "unit").agg(
        left=valid.any(), out=out.any(), won=(pl.col("wins") == 1).any()
    )
    bidders = units.group_by("subject_key").agg(
        entries=pl.len().cast(pl.Int64),
        left=pl.col("left").sum().cast(pl.Int64),
        out=(pl.col("out") & ~pl.col("left")).sum().cast(pl.Int64),
        decided=pl.col("won").any(),
        alone=(pl.col("won") & pl.col("left")).any() & ~(pl.col("won") & ~pl.col("left")).any(),
    )
    prices = filed.filter(pl.col("amount") > 0).group_by("subject_key").agg(
        n_priced=pl.len().cast(pl.Int64),
        low_valid=pl.col("amount").filter(valid).min(),
        low_out=pl.col("amount").filter(out).min(),
        mixed=(pl.col("currency").n_unique() > 1) | (pl.col("foreign") == 1).any(),
    )  # fmt: skip
    return bidders.join(prices, on="subject_key", how="left")


def _opened(bids: pl.DataFrame) -> pl.DataFrame:
    """Bids opened, and those at exactly another bidder's price."""
    cents = (pl.col("amount") * 100).round()
    tied = pl.len().over("subject_key", cents) > 1
    return bids.with_columns(tied=tied).group_by("subject_key").agg(
        n_opened=pl.len().cast(pl.Int64),
        tied=pl.col("tied").sum().cast(pl.Int64),
        kinds=pl.col("currency").n_unique().cast(pl.Int64) + pl.col("foreign").max(),
    )  # fmt: skip


def _leads(valid: pl.DataFrame, entries: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """The lead of the lowest bid of each comparable lot, with the quartiles of its market's."""
    amount = pl.col("amount")
    low = valid.sort("subject_key", "amount").group_by("subject_key").agg(
        low=amount.min(), second=amount.sort().get(1, null_on_oob=True),
        kinds=pl.col("currency").n_unique(),
    )  # fmt: skip
    won = entries.filter(pl.col("wins") == 1, pl.col("status") == "valid", amount > 0)
    wins = won.group_by("subject_key").agg(win=amount.min())
    leads = (
        low.filter(pl.col("kinds") == 1, pl.col("second").is_not_null())
        .join(wins, on="subject_key", how="left")
        .filter(pl.col("win").is_null() | (pl.col("win") == pl.col("low")))
        .join(terms.filter("competitive"), on="subject_key")
        .select("subject_key", "market", "period_start", lead=pl.col("second") / pl.col("low") - 1)
    )
    months = leads.select("market", "period_start").unique()
    before = leads.select("market", "lead", at="period_start")
    first = pl.col("period_start").dt.offset_by(f"-{MONTHS - 1}mo")
    window = months.join(before, on="market").filter(
        (pl.col("at") <= pl.col("period_start")) & (pl.col("at") >= first)
    )
    fences = window.group_by("market", "period_start").agg(*fenced("lead"))
    rows = leads.join(fences, on=["market", "period_start"])
    return rows.select(
        "subject_key",
        "peers",
        close=far_below(pl.col("lead")).cast(pl.Int64),
        wide=far_above(pl.col("lead")).cast(pl.Int64),
    )


@feature(
    name="late_bid_won", typology=_SINGLE, base=_BASE,
    inputs=("bids.submitted_at", "tenders.deadline_at", *_DECIDED), unit="flag", direction="high",
    n="entries", source=f"{_SOURCE} (R030)", kind="bool",
    title={"en": "bid after the deadline won", "zh": "逾期投标中标"},
)  # fmt: skip
def late_bid_won() -> Measure:
    """Whether a winning bid was received after the deadline; a deadline without hour is a day."""
    return measure(nw.col("late_won"), not_competitive())


@feature(
    name="rivals_disqualified", typology=_SINGLE, base=_BASE, inputs=_DECIDED, unit="bidders",
    direction="high", n="entries", source=f"{_SOURCE} (R035)",
    title={"en": "rivals out, only the winner left", "zh": "仅中标人有效、其余被否决家数"},
)  # fmt: skip
def rivals_disqualified() -> Measure:
    """Bidders disqualified where the winner alone kept a valid bid; 0 where others stayed.

    Withdrawn bids count for nobody. Lots whose winner is not among the bidders have no value.
    """
    only = nw.col("alone") & (nw.col("left") == 1)
    unknown = (~nw.col("decided").fill_null(value=False), Reason.MISSING_INPUT)
    value = nw.when(only).then(nw.col("out")).otherwise(nw.lit(0))
    return measure(value, not_competitive(), unknown)


@feature(
    name="lowest_disqualified", typology=_SINGLE, base=_BASE,
    inputs=("tenders.award_rule", *BIDS_IN), unit="flag", direction="high", min_n=2, n="n_priced",
    source=f"{_SOURCE} (R036)", kind="bool",
    title={"en": "lowest bid disqualified", "zh": "最低报价被否决"},
)  # fmt: skip
def lowest_disqualified() -> Measure:
    """Whether the lowest bid filed was disqualified and a dearer one stayed valid.

    Only where the lowest price decides or no other rule is filed. Unlike the indicator it does not
    wait for the award.
    """
    other = (nw.col("award_rule").fill_null("lowest") != "lowest", Reason.NOT_APPLICABLE)
    few = (nw.col("n_priced").fill_null(0) < 2, Reason.TOO_FEW)
    mixed = (nw.col("mixed").fill_null(value=False), Reason.MISSING_INPUT)
    below = (nw.col("low_out") < nw.col("low_valid")).fill_null(value=False)
    return measure(below, not_competitive(), other, few, mixed)


@feature(
    name="bid_tie_opened", typology=_IDENTICAL, base=_BASE, inputs=BIDS_IN, unit="0-1",
    direction="high", min_n=2, n="n_opened", source=f"{_SOURCE} (R028)",
    title={"en": "opened bids at one price", "zh": "开标报价相同占比"},
)  # fmt: skip
def bid_tie_opened() -> Measure:
    """Share of the bids opened, later disqualified ones too, at exactly another bidder's price.

    One bid per economic bidder, to the cent; `bid_tie_share` looks at valid bids alone.
    """
    few = (nw.col("n_opened") < 2, Reason.TOO_FEW)
    mixed = (nw.col("kinds") > 1, Reason.MISSING_INPUT)
    return measure(nw.col("tied") / nw.col("n_opened"), not_competitive(), few, mixed)


def _apart() -> tuple[tuple[nw.Expr, Reason], ...]:
    none = (nw.col("close").is_null(), Reason.NOT_APPLICABLE)
    return not_competitive(), none, (nw.col("peers") < LEAST, Reason.TOO_FEW)


@feature(
    name="bid_lead_close", typology=_DISTANCE, base=_LEADS, inputs=(*BIDS_IN, *WINS_IN, *MARKET_IN),
    unit="flag", direction="high", min_n=LEAST, n="peers", source=f"{_SOURCE} (R024)", kind="bool",
    title={"en": "second bid unusually close", "zh": "次低价异常接近"},
)  # fmt: skip
def bid_lead_close() -> Measure:
    """Whether `bid_diffp` is at or below Q1 - 1.5 IQR of its market in the last twelve months.

    Of lots with two valid bids in one currency that the lowest won, or whose winner is not known;
    at least five of them, this one counted. A second bid meant to look like a rival comes close.
    """
    return measure(nw.col("close"), *_apart())


@feature(
    name="bid_lead_wide", typology=_DISTANCE, base=_LEADS, inputs=(*BIDS_IN, *WINS_IN, *MARKET_IN),
    unit="flag", direction="high", min_n=LEAST, n="peers", source=f"{_SOURCE} (R058)", kind="bool",
    title={"en": "second bid unusually far off", "zh": "次低价异常偏远"},
)  # fmt: skip
def bid_lead_wide() -> Measure:
    """Whether `bid_diffp` is at or above Q3 + 1.5 IQR of its market in the last twelve months.

    Lots as for `bid_lead_close`, and the opposite meaning: a winner shielded by cover bids, or a
    price below what the work costs.
    """
    return measure(nw.col("wide"), *_apart())
