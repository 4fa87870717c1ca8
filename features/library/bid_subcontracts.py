"""Winners that pass work to those they beat (MON-BID-SUBCON)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import BIDS_IN, WINS_IN, not_competitive
from features.library.bid_screens import ATTRIBUTES, TABLES, with_lots
from features.library.groups import with_group
from features.operators import Lazy
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-SUBCON", "lot_subcontracts"
_SOURCE = "catalogue 3.B; OECD Guidelines for Fighting Bid Rigging"
_INPUTS = (*BIDS_IN, *WINS_IN, "tenders.award_value", "subcontracts.winner_id",
           "subcontracts.sub_id", "subcontracts.value", "subcontracts.currency")  # fmt: skip


@base(
    name=_BASE, grain="tender", tables=(*TABLES, "subcontracts"), attributes=ATTRIBUTES,
    peers=("market", "n_band", "method"),
)  # fmt: skip
def lot_subcontracts(t: Tables) -> Lazy:
    """One row per lot whose winner filed subcontracts; silence about them says nothing.

    A subcontract that names no lot is spread over all lots its winner won in the tender, by their
    value. A loser bid on the lot, whatever became of the bid, and is neither of the winner's group
    nor in its consortium.
    """
    subs = collect(_subcontracts(t))
    lots = collect(_decided(t)).join(subs, on=["tender_id", "winner"], how="semi")
    whole = pl.col("win").sum().over("tender_id", "winner")
    complete = pl.col("win").is_not_null().all().over("tender_id", "winner")
    lots = lots.with_columns(part=pl.when(complete).then(pl.col("win") / whole))
    named = subs.filter(pl.col("lot") != "").join(lots, on=["tender_id", "lot", "winner"])
    loose = subs.filter(pl.col("lot") == "").drop("lot").join(lots, on=["tender_id", "winner"])
    passed = pl.concat(
        [named.with_columns(part=pl.lit(1.0)).select(_PASSED), loose.select(_PASSED)]
    )
    passed = passed.with_columns(foreign=(pl.col("money") != pl.col("home")).fill_null(False))
    sums = _summed(passed.join(collect(_losers(t)), on=["subject_key", "sub"], how="left"))
    counts = t.view("valid_bids").group_by("subject_key").agg(nw.len().alias("n_bids"))
    terms = t.view("lot_terms").select("subject_key", "competitive")
    found = t.lifted(sums).join(terms, on="subject_key", how="left")
    rows = with_lots(t, found.join(counts, on="subject_key", how="left"))
    return rows.filter(~nw.col("n_subs").is_null())


_PASSED = ("subject_key", "sub", "value", "part", "money", "home", "win", "win_bid")


def _subcontracts(t: Tables) -> Lazy:
    """Subcontracts by economic group: `tender_id`, `lot`, `winner`, `sub`, `value`, `money`."""
    filed = with_group(t, with_group(t, t["subcontracts"], "winner_id", "winner"), "sub_id", "sub")
    return filed.filter(nw.col("sub") != nw.col("winner")).select(
        "tender_id",
        nw.coalesce(nw.col("lot_id"), nw.lit("")).alias("lot"),
        "winner",
        "sub",
        "value",
        nw.col("currency").alias("money"),
    )


def _decided(t: Tables) -> Lazy:
    """Lots with a known winner, the value of the contract and the winning bid."""
    marked = (
        t.view("bid_entries")
        .filter(nw.col("wins") == 1)
        .group_by("subject_key")
        .agg(nw.col("firm").min().alias("marked"), nw.col("amount").min().alias("win_bid"))
    )
    lots = t.view("lots").select("subject_key", "lot", nw.col("currency").alias("home"))
    terms = t.view("lot_terms").select("subject_key", "tender_id", "winner", "award_value")
    return (
        lots.join(terms, on="subject_key", how="inner")
        .join(marked, on="subject_key", how="left")
        .with_columns(
            nw.coalesce(nw.col("winner"), nw.col("marked")).alias("winner"),
            nw.coalesce(nw.col("award_value"), nw.col("win_bid")).alias("win"),
        )
        .filter(~nw.col("winner").is_null())
        .select("subject_key", "tender_id", "lot", "winner", "win", "win_bid", "home")
    )


def _losers(t: Tables) -> Lazy:
    """Known losing bidders of each lot and their lowest bid."""
    rows = t.view("bid_entries").filter(~nw.col("firm").is_null())
    return (
        rows.with_columns(
            nw.col("wins").max().over("subject_key", "party").alias("joint"),
            nw.col("wins").max().over("subject_key", "firm").alias("own"),
        )
        .filter((nw.col("joint") == 0) & (nw.col("own") == 0))
        .group_by("subject_key", "firm")
        .agg(nw.col("amount").min().alias("lost_at"), nw.len().alias("lost"))
        .rename({"firm": "sub"})
    )


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Per lot: what went to losers, to how many, and how near their bids had come."""
    lost = pl.col("lost").is_not_null()
    back = pl.col("value") * pl.col("part")
    # Sorted, so that money adds up to the last digit whoever is computed alongside.
    return (
        rows.sort("subject_key", "sub", "value", "part")
        .group_by("subject_key", maintain_order=True)
        .agg(
            n_subs=pl.col("sub").n_unique(),
            n_losers=pl.col("sub").filter(lost).n_unique(),
            loser_value=back.filter(lost).sum(),
            unpriced=back.filter(lost).is_null().sum(),
            foreign=pl.col("foreign").filter(lost).sum(),
            win=pl.col("win").first(),
            gap=(pl.col("lost_at") / pl.col("win_bid") - 1).abs().min(),
        )
    )


@feature(
    name="subcon_loser_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="n_subs", source=_SOURCE,
    title={"en": "contract value passed to losers", "zh": "分包给落标人的合同金额占比"},
)  # fmt: skip
def subcon_loser_share() -> Measure:
    """Value subcontracted to losing bidders over the contract value (the winning bid without one).

    Subcontracts inside the winner's group or consortium do not count.
    """
    unknown = (nw.col("unpriced") > 0) | (nw.col("foreign") > 0) | nw.col("win").is_null()
    value = nw.col("loser_value") / nw.col("win")
    return measure(value, not_competitive(), (unknown, Reason.MISSING_INPUT))


@feature(
    name="subcon_loser_count", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="firms",
    direction="high", n="n_subs", source=_SOURCE,
    title={"en": "losers that got work from the winner", "zh": "获得分包的落标人数"},
)  # fmt: skip
def subcon_loser_count() -> Measure:
    """Number of losing bidders (economic groups) among the winner's subcontractors."""
    return measure(nw.col("n_losers"), not_competitive())


@feature(
    name="subcon_loser_gap", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="low", n="n_losers", source=_SOURCE,
    title={"en": "distance of a paid loser to the winning bid", "zh": "获分包落标人与中标价差距"},
)  # fmt: skip
def subcon_loser_gap() -> Measure:
    """Smallest distance between the bid of a subcontracted loser and the winning bid, over it."""
    none = (nw.col("n_losers") == 0, Reason.NOT_APPLICABLE)
    return measure(nw.col("gap"), not_competitive(), none)
