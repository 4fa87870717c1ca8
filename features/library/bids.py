"""Preparation shared by the bid screens: one valid bid per economic bidder and lot."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import membership, view
from features.contracts import CONTRACTS
from features.jurisdictions import union_wide
from features.library.groups import with_group
from features.operators import Lazy, both, civil_day, month_start, pair_key, year_end, year_start
from features.tables import Tables

_NEVER = "0001-01-01"


def filed_bids(t: Tables) -> Lazy:
    """The filed bids; none where only tenders are filed, as registers of awards do."""
    found = t.get("bids")
    if found is not None:
        return found
    return t.lifted(pl.DataFrame(schema=CONTRACTS["bids"].dtypes))


@view("lots")
def lots(t: Tables) -> Lazy:
    """One row per tender and lot, filed as a tender or only seen in bids, with its event day.

    A tender filed without lots stands for each lot that bids name, and for itself only where a bid
    names no lot or no lot is known at all.
    """
    tenders = _tenders(t)
    named = nw.concat(
        [tenders.select("tender_id", "lot"), _lot(filed_bids(t)).select("tender_id", "lot")]
    ).unique()
    bid_days = (
        _lot(filed_bids(t))
        .group_by("tender_id", "lot")
        .agg(
            nw.col("submitted_at").min(),
            nw.col("recorded_at").min().alias("bid_recorded_at"),
            nw.len().alias("_bids"),
        )
    )
    lotless = nw.col("lot") == ""
    detail = ("category", "market_id", "region", "jurisdiction", "buyer_id", "method", "award_rule",
              "currency", "winner_id", "awarded_at", "deadline_at", "published_at",
              "recorded_at")  # fmt: skip
    head = tenders.filter(lotless).drop("lot").rename({c: f"{c}_head" for c in detail})
    joined = (
        named.join(tenders, on=["tender_id", "lot"], how="left")
        .join(head, on="tender_id", how="left")
        .join(bid_days, on=["tender_id", "lot"], how="left")
        .with_columns(nw.coalesce(nw.col(c), nw.col(f"{c}_head")).alias(c) for c in detail)
        .with_columns((~lotless).cast(nw.Int64).max().over("tender_id").alias("_has_lots"))
    )
    shell = lotless & (nw.col("_has_lots") == 1) & nw.col("_bids").is_null()
    day = civil_day(
        "awarded_at", "deadline_at", "published_at", "submitted_at", "recorded_at",
        "bid_recorded_at", fallback=t.context.as_of,
    )  # fmt: skip
    return joined.filter(~shell).select(
        both(nw.col("tender_id"), nw.col("lot")).alias("subject_key"),
        "tender_id",
        "lot",
        month_start(day).alias("period_start"),
        nw.coalesce(nw.col("market_id"), nw.col("category")).alias("market"),
        "category", "region", union_wide(nw.col("jurisdiction")).alias("jurisdiction"),
        "buyer_id", "method", "award_rule", "currency", "winner_id",
    )  # fmt: skip


def _lot(frame: Lazy) -> Lazy:
    """Lots as text; a missing lot is the empty one, so that it can be joined on."""
    return frame.with_columns(nw.coalesce(nw.col("lot_id"), nw.lit("")).alias("lot"))


def _tenders(t: Tables) -> Lazy:
    return _lot(t["tenders"]).select(
        "tender_id", "lot", "category", "market_id", "region", "jurisdiction", "buyer_id", "method",
        "award_rule", "currency", "winner_id", "awarded_at", "deadline_at", "published_at",
        "recorded_at",
    )  # fmt: skip


@view("bid_rows")
def bid_rows(t: Tables) -> Lazy:
    """Every valid bid with a positive amount, and who stands behind it.

    Columns: `subject_key`, `firm` (economic group, else bidder; null when not published),
    `party` (what counts as one bidder: consortium, else firm; null when unknown), `amount`,
    `currency`, `submitted`.
    """
    bids = _lot(filed_bids(t)).filter(
        (nw.coalesce(nw.col("status"), nw.lit("valid")) == "valid") & (nw.col("amount") > 0)
    )
    grouped = with_group(t, bids, "bidder_id", "firm")
    homes = t.view("lots").select(
        "tender_id", "lot", "subject_key", nw.col("currency").alias("_tender_currency")
    )
    joint = nw.concat_str([nw.lit("consortium "), nw.col("consortium_id")])
    return grouped.join(homes, on=["tender_id", "lot"], how="inner").select(
        "subject_key",
        "firm",
        nw.when(nw.col("consortium_id").is_null())
        .then(nw.col("firm"))
        .otherwise(joint)
        .alias("party"),
        "amount",
        nw.coalesce(nw.col("currency"), nw.col("_tender_currency"), nw.lit("")).alias("currency"),
        nw.coalesce(nw.col("submitted_at").cast(nw.String), nw.lit(_NEVER)).alias("submitted"),
    )


@view("valid_bids")
def valid_bids(t: Tables) -> Lazy:
    """One valid bid per economic bidder and lot: `subject_key`, `amount`, `currency`, sorted.

    The latest counts; of several at the same instant (or without one) the lowest. A bidder that
    is not published cannot be matched: each such row is its own bidder.
    """
    rows = t.view("bid_rows")
    known, unknown = ~nw.col("party").is_null(), nw.col("party").is_null()
    own = ["subject_key", "party"]
    latest = nw.col("submitted") == nw.col("submitted").max().over(*own)
    lowest = nw.col("amount") == nw.col("amount").min().over(*own)
    collapsed = (
        rows.filter(known)
        .filter(latest)
        .filter(lowest)
        .group_by("subject_key", "party", "amount")
        .agg(nw.col("currency").min())
    )
    kept = ("subject_key", "amount", "currency")
    return nw.concat([collapsed.select(*kept), rows.filter(unknown).select(*kept)]).sort(*kept)


def _bidders(t: Tables) -> Lazy:
    """Known firms per lot, with the bidder they count as, and the year of the lot."""
    years = t.view("lots").select("subject_key", "period_start")
    return (
        t.view("bid_rows")
        .filter(~nw.col("firm").is_null())
        .select("subject_key", "firm", "party")
        .unique()
        .join(years, on="subject_key", how="inner")
    )


def _rolled_up(rows: Lazy) -> Lazy:
    day = nw.col("period_start")
    return rows.select(
        nw.col("subject_key").alias("child_key"),
        day.alias("child_period_start"),
        "parent_key",
        year_start(day).alias("parent_period_start"),
        year_end(day).alias("parent_period_end"),
    )


@membership(child="tender", parent="firm_y", tables=("tenders", "bids"))
def firms_of_tender(t: Tables) -> Lazy:
    """A tender belongs to every known bidder (its group where known) in the calendar year."""
    return _rolled_up(_bidders(t).with_columns(nw.col("firm").alias("parent_key")))


@membership(child="tender", parent="pair_y", tables=("tenders", "bids"))
def pairs_of_tender(t: Tables) -> Lazy:
    """A tender belongs to every pair of known bidders that did not bid together."""
    bidders = _bidders(t)
    other = bidders.select("subject_key", nw.col("firm").alias("_b"), nw.col("party").alias("_p"))
    pairs = bidders.join(other, on="subject_key", how="inner").filter(
        (nw.col("firm") < nw.col("_b")) & (nw.col("party") != nw.col("_p"))
    )
    return _rolled_up(
        pairs.with_columns(pair_key(nw.col("firm"), nw.col("_b")).alias("parent_key"))
    )
