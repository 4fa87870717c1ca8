"""Preparation shared by the screens of a whole market of tenders (MON-BID-MARKET family).

Where the screens of one tender look at valid bids alone, some of these look at every bid in force
at the opening: a rival learns and fears that price, whatever becomes of the bid afterwards.
"""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import base, view
from features.library.bid_screens import ATTRIBUTES, EXCLUDED_METHODS, TABLES, Check, with_lots
from features.library.bids import filed_bids
from features.library.groups import with_group
from features.operators import Lazy, seconds_between, year_end, year_start
from features.tables import Tables, collect
from features.vocabulary import Reason

OUTCOMES = "lot_outcomes"
UNCATEGORISED = "uncategorised"
BIDS_IN = ("bids.amount", "bids.status", "bids.bidder_id", "bids.consortium_id", "bids.currency",
           "firms.group_id", "tenders.currency", "tenders.method")  # fmt: skip
WINS_IN = ("tenders.winner_id", "bids.won", "bids.bidder_id", "bids.consortium_id",
           "firms.group_id", "tenders.method", "tenders.awarded_at")  # fmt: skip
MARKET_IN = ("tenders.category", "tenders.market_id", "tenders.awarded_at")


def _lot() -> nw.Expr:
    return nw.coalesce(nw.col("lot_id"), nw.lit("")).alias("lot")


@view("lot_terms")
def lot_terms(t: Tables) -> Lazy:
    """What is known about each lot besides its bids.

    Columns: `subject_key`, `tender_id`, `period_start` (month), `year`, `day` (of the award, else
    of the deadline or the call), `market`, `region`, `buyer_id`, `competitive` (bool), `reserve`,
    `award_value`, `submission_days`, `deadline_at`, `stated` (bidders as the buyer stated them),
    `winner` (economic group, else firm). Money filed for a whole tender is not spread over its
    lots; dates are.
    """
    dates = ("published_at", "deadline_at", "awarded_at")
    filed = (
        t["tenders"]
        .with_columns(_lot())
        .select("tender_id", "lot", nw.col("reserve_price").alias("reserve"), "award_value",
                nw.col("n_tenderers").alias("stated"), *dates)
    )  # fmt: skip
    head = filed.filter(nw.col("lot") == "").select(
        "tender_id", *(nw.col(c).alias(f"{c}_head") for c in dates)
    )
    joined = (
        with_group(t, t.view("lots"), "winner_id", "winner")
        .join(filed, on=["tender_id", "lot"], how="left")
        .join(head, on="tender_id", how="left")
        .with_columns(nw.coalesce(nw.col(c), nw.col(f"{c}_head")).alias(c) for c in dates)
    )
    day = nw.coalesce(
        *(nw.col(c).cast(nw.Date) for c in ("awarded_at", "deadline_at", "published_at")),
        nw.col("period_start"),
    )
    hours = seconds_between(nw.col("published_at"), nw.col("deadline_at")) / 3600
    return joined.select(
        "subject_key",
        "tender_id",
        "period_start",
        year_start(nw.col("period_start")).alias("year"),
        day.alias("day"),
        nw.coalesce(nw.col("market"), nw.lit(UNCATEGORISED)).alias("market"),
        "region",
        "buyer_id",
        (~nw.col("method").is_in(EXCLUDED_METHODS).fill_null(value=False)).alias("competitive"),
        "reserve",
        "award_value",
        (hours / 24).alias("submission_days"),
        "deadline_at",
        "stated",
        "winner",
    )


@view("bid_entries")
def bid_entries(t: Tables) -> Lazy:
    """Every filed bid, whatever its status, with who stands behind it and whether it won.

    Columns: `subject_key`, `bidder_id`, `firm`, `party` (what counts as one bidder), `amount`,
    `currency`, `foreign` (1 where the currency is not the tender's), `status`, `submitted_at`,
    `wins` (0 or 1: the filed winner, else the mark on the bid).
    """
    homes = with_group(t, t.view("lots"), "winner_id", "winner").select(
        "tender_id", "lot", "subject_key", "winner", nw.col("currency").alias("_home")
    )
    bids = with_group(t, filed_bids(t).with_columns(_lot()), "bidder_id", "firm").join(
        homes, on=["tender_id", "lot"], how="inner"
    )
    joint = nw.concat_str([nw.lit("consortium "), nw.col("consortium_id")])
    party = nw.when(nw.col("consortium_id").is_null()).then(nw.col("firm")).otherwise(joint)
    won = nw.coalesce(nw.col("firm") == nw.col("winner"), nw.col("won"), nw.lit(value=False))
    foreign = (nw.col("currency") != nw.col("_home")).fill_null(value=False)
    return bids.select(
        "subject_key",
        "bidder_id",
        "firm",
        party.alias("party"),
        "amount",
        nw.coalesce(nw.col("currency"), nw.col("_home"), nw.lit("")).alias("currency"),
        foreign.cast(nw.Int64).alias("foreign"),
        nw.coalesce(nw.col("status"), nw.lit("valid")).alias("status"),
        "submitted_at",
        won.cast(nw.Int64).alias("wins"),
    )


@view("opened_bids")
def opened_bids(t: Tables) -> Lazy:
    """One bid per economic bidder and lot as read at the opening: valid, or disqualified later.

    Columns: `subject_key`, `amount`, `currency`, `foreign`, `wins`, sorted. The latest counts; of
    several at one instant the lowest; an unpublished bidder is its own bidder.
    """
    rows = t.view("bid_entries").filter((nw.col("status") != "withdrawn") & (nw.col("amount") > 0))
    collapsed = (
        _in_force(rows.filter(~nw.col("party").is_null()))
        .group_by("subject_key", "party", "amount")
        .agg(nw.col("currency").min(), nw.col("foreign").max(), nw.col("wins").max())
    )
    kept = ("subject_key", "amount", "currency", "foreign", "wins")
    unknown = rows.filter(nw.col("party").is_null())
    return nw.concat([collapsed.select(*kept), unknown.select(*kept)]).sort(*kept)


@view("lot_firms")
def lot_firms(t: Tables) -> Lazy:
    """Known firms with a valid bid per competitive lot: who took part, for how much, who won.

    Columns: `subject_key`, `firm`, `party`, `amount` (null where no price is published),
    `currency`, `wins` (a consortium wins for all its members), `decided` (1 where the winner is one
    of them), `year`, `day`, `market`, `region`, `buyer_id`. The latest bid of a bidder counts; of
    several at one instant the lowest.
    """
    terms = t.view("lot_terms").filter(nw.col("competitive"))
    valid = (nw.col("status") == "valid") & ~nw.col("firm").is_null()
    rows = (
        _in_force(t.view("bid_entries").filter(valid))
        .group_by("subject_key", "firm", "party")
        .agg(nw.col("amount").min(), nw.col("currency").min(), nw.col("wins").max())
        .join(
            terms.select("subject_key", "year", "day", "market", "region", "buyer_id"),
            on="subject_key", how="inner",
        )
    )  # fmt: skip
    return (
        rows.with_columns(nw.col("wins").max().over("subject_key", "party"))
        .with_columns(nw.col("wins").max().over("subject_key").alias("decided"))
        .sort("subject_key", "firm", "party")
    )


def _in_force(rows: Lazy) -> Lazy:
    """The latest bid of each bidder and lot; of several at one instant the lowest priced."""
    own = ["subject_key", "party"]
    last = nw.col("submitted_at").max().over(*own)
    lowest = nw.col("amount").min().over(*own)
    return rows.filter((nw.col("submitted_at") == last) | last.is_null()).filter(
        (nw.col("amount") == lowest) | lowest.is_null()
    )


@view("lot_bidders")
def lot_bidders(t: Tables) -> Lazy:
    """How many bidders each lot had: `subject_key`, `n_bidders`.

    Those with a valid bid on file, priced or not, one per economic bidder; an unpublished bidder is
    its own. Where no such bid is on file, the number the buyer stated; none of both: no row.
    """
    valid = t.view("bid_entries").filter(nw.col("status") == "valid")
    known = valid.filter(~nw.col("party").is_null()).select("subject_key", "party").unique()
    unknown = valid.filter(nw.col("party").is_null())
    filed = (
        nw.concat([known.select("subject_key"), unknown.select("subject_key")])
        .group_by("subject_key")
        .agg(nw.len().cast(nw.Int64).alias("_filed"))
    )
    return (
        t.view("lot_terms")
        .select("subject_key", "stated")
        .join(filed, on="subject_key", how="left")
        .with_columns(nw.coalesce(nw.col("_filed"), nw.col("stated")).alias("n_bidders"))
        .filter(nw.col("n_bidders") > 0)
        .select("subject_key", "n_bidders")
    )


@view("category_years")
def category_years(t: Tables) -> Lazy:
    """Every market and calendar year with a competitive lot: the rows of grain `category_y`."""
    return (
        t.view("lot_terms")
        .filter(nw.col("competitive"))
        .group_by("market", "year")
        .agg(nw.len().alias("n_lots"))
    )


def of_categories(t: Tables, aggregates: Lazy) -> Lazy:
    """Hang aggregates keyed by `market` and `year` on every category and year."""
    rows = t.view("category_years").join(t.lifted(aggregates), on=["market", "year"], how="left")
    return rows.with_columns(
        nw.col("market").alias("subject_key"),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
    )


def in_order(rows: Lazy, keys: list[str], *sums: pl.Expr) -> Lazy:
    """Group sorted rows and add their floats in that order, alike whoever is computed alongside."""
    found = collect(rows).group_by(keys, maintain_order=True).agg(*sums)
    return nw.from_native(found.lazy())


def one_currency() -> Check:
    """Amounts of several currencies are not comparable."""
    return nw.col("n_currencies") > 1, Reason.MISSING_INPUT


@view("lot_results")
def lot_results(t: Tables) -> Lazy:
    """Per lot with an opened bid: how many, the lowest two, the winning one.

    Columns: `subject_key`, `n_opened`, `n_currencies` (2 or more also where bids are not in the
    tender's currency), `low`, `second`, `n_low` (bids at the lowest amount), `win_bid`.
    """
    amount = nw.col("amount")
    placed = t.view("opened_bids").with_columns(
        amount.rank("ordinal").over("subject_key").cast(nw.Int64).alias("rank"),
        amount.min().over("subject_key").alias("low"),
    )
    return (
        placed.with_columns(
            nw.when(nw.col("rank") == 2).then(amount).alias("second"),
            (amount == nw.col("low")).cast(nw.Int64).alias("is_low"),
            nw.when(nw.col("wins") == 1).then(amount).alias("win_bid"),
        )
        .group_by("subject_key")
        .agg(
            nw.len().alias("n_opened"),
            nw.col("currency").n_unique().alias("_kinds"),
            nw.col("foreign").max().alias("_foreign"),
            nw.col("low").max(),
            nw.col("second").max(),
            nw.col("is_low").sum().alias("n_low"),
            nw.col("win_bid").min(),
        )
        .with_columns((nw.col("_kinds").cast(nw.Int64) + nw.col("_foreign")).alias("n_currencies"))
        .drop("_kinds", "_foreign")
    )


@base(
    name=OUTCOMES, grain="tender", tables=TABLES, attributes=ATTRIBUTES,
    peers=("market", "n_band", "method"),
)  # fmt: skip
def lot_outcomes(t: Tables) -> Lazy:
    """One row per tender and lot: opened bids, reserve, winning amount, time to bid."""
    counts = t.view("valid_bids").group_by("subject_key").agg(nw.len().alias("n_bids"))
    terms = t.view("lot_terms").select(
        "subject_key", "competitive", "reserve", "award_value", "submission_days"
    )
    results = t.view("lot_results")
    rows = terms.join(counts, on="subject_key", how="left").join(
        results, on="subject_key", how="left"
    )
    return with_lots(t, rows).with_columns(
        nw.col("n_opened").fill_null(0),
        nw.col("n_currencies").fill_null(0),
        nw.coalesce(nw.col("win_bid"), nw.col("award_value")).alias("win"),
    )


def not_competitive() -> Check:
    """Negotiated purchases and call-offs are no tenders."""
    return ~nw.col("competitive"), Reason.NOT_APPLICABLE
