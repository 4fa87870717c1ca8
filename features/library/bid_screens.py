"""The aggregates every bid screen of a tender reads, computed in one pass (MON-BID-*)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import base
from features.operators import Lazy, month_end, nearest_whole
from features.tables import Tables
from features.vocabulary import Reason

BASE = "bid_screens"
TABLES = ("tenders", "bids")
ATTRIBUTES = ("tender_id", "market", "category", "region", "jurisdiction", "buyer_id", "method",
              "award_rule", "winner_id", "n_bids", "n_band")  # fmt: skip
INPUTS = ("bids.amount", "bids.status", "bids.bidder_id", "bids.consortium_id", "bids.currency",
          "firms.group_id", "tenders.currency")  # fmt: skip
EXCLUDED_METHODS = ("negotiated", "direct", "framework_calloff", "call_off")
IMHOF = "Imhof 2017, 2019; Imhof, Karagoek and Rutz 2018"

Check = tuple[nw.Expr, Reason]


@base(
    name=BASE, grain="tender", tables=TABLES, attributes=ATTRIBUTES,
    peers=("market", "n_band", "method"),
)  # fmt: skip
def bid_screens(t: Tables) -> Lazy:
    """One row per tender and lot, with bids sorted ascending b1 <= ... <= bn summarised."""
    return with_lots(t, _aggregates(t.view("valid_bids")))


def with_lots(t: Tables, aggregates: Lazy) -> Lazy:
    """Hang aggregates on every lot, those without a usable bid too."""
    band = (
        nw.when(nw.col("n_bids") <= 2).then(nw.lit("1-2"))
        .when(nw.col("n_bids") == 3).then(nw.lit("3"))
        .when(nw.col("n_bids") == 4).then(nw.lit("4"))
        .when(nw.col("n_bids") <= 6).then(nw.lit("5-6"))
        .when(nw.col("n_bids") <= 9).then(nw.lit("7-9"))
        # From ten bids on the screens hardly depend on their number, and how many bid is partly
        # what a ring decides: finer bands would compare rigged tenders with each other.
        .otherwise(nw.lit("10+"))
    )  # fmt: skip
    return (
        t.view("lots")
        .join(aggregates, on="subject_key", how="left")
        .with_columns(
            nw.col("n_bids").fill_null(0), month_end(nw.col("period_start")).alias("period_end")
        )
        .with_columns(band.alias("n_band"))
    )


def checks(least: int) -> tuple[Check, ...]:
    """Edge cases every price screen shares: procedure, currency, number of bids."""
    return (
        (nw.col("method").is_in(EXCLUDED_METHODS), Reason.NOT_APPLICABLE),
        (nw.col("n_currencies") > 1, Reason.MISSING_INPUT),
        (nw.col("n_bids") < least, Reason.TOO_FEW),
    )


def all_equal() -> Check:
    """Bids that are all the same have no shape."""
    return nw.col("b1") == nw.col("bn"), Reason.CONSTANT


def _aggregates(bids: Lazy) -> Lazy:
    return (
        _points(_placed(bids))
        .group_by("subject_key")
        .agg(
            nw.col("n").max().alias("n_bids"),
            nw.col("currency").n_unique().alias("n_currencies"),
            nw.col("mean").max(),
            nw.col("sd").max(),
            nw.col("low").max().alias("b1"),
            nw.col("second").max().alias("b2"),
            nw.col("high").max().alias("bn"),
            nw.col("loser").std(ddof=1).alias("loser_sd"),
            nw.col("gap").mean().alias("gap_mean"),
            nw.col("gap").std(ddof=1).alias("gap_sd"),
            nw.col("log_gap").mean().alias("log_gap_mean"),
            nw.col("log_gap").std(ddof=1).alias("log_gap_sd"),
            nw.col("d2").sum(),
            nw.col("d3").sum(),
            nw.col("d4").sum(),
            nw.col("ks_point").max().alias("ks_uniform"),
            nw.col("lit_point").max().alias("ks_lit"),
            nw.col("tied").mean().alias("tie_share"),
            nw.col("rounded").mean().alias("round_share"),
            nw.col("tied_digits").max(),
        )
    )


def _placed(bids: Lazy) -> Lazy:
    """Each bid with its place among the tender's bids and the tender's moments."""
    tender, amount = "subject_key", nw.col("amount")
    return bids.with_columns(
        amount.rank("ordinal").over(tender).cast(nw.Int64).alias("rank"),
        amount.count().over(tender).cast(nw.Int64).alias("n"),
        amount.mean().over(tender).alias("mean"),
        amount.std(ddof=1).over(tender).alias("sd"),
        amount.min().over(tender).alias("low"),
        amount.max().over(tender).alias("high"),
        amount.shift(1).over(tender, order_by="amount").alias("below"),
        nearest_whole(amount * 100).alias("cents"),
    )


def _points(placed: Lazy) -> Lazy:
    """Each bid's part in the screens: gaps, powers of deviations, distances, ties."""
    amount, rank, n = nw.col("amount"), nw.col("rank"), nw.col("n")
    # Deviations in units of the mean keep third and fourth powers in range for any currency.
    deviation = (amount - nw.col("mean")) / nw.col("mean")
    square = deviation * deviation
    interior = (rank > 1) & (rank < n)
    position = (amount - nw.col("low")) / (nw.col("high") - nw.col("low"))
    before, after = (rank - 2) / (n - 2), (rank - 1) / (n - 2)
    uniform = nw.max_horizontal(after - position, position - before)
    in_sd, plotted = amount / nw.col("sd"), rank / (n + 1)
    tied = nw.col("cents").count().over("subject_key", "cents") > 1
    return placed.with_columns(
        nw.when(rank == 2).then(amount).alias("second"),
        nw.when(rank >= 2).then(amount).alias("loser"),
        (amount - nw.col("below")).alias("gap"),
        (amount.log() - nw.col("below").log()).alias("log_gap"),
        square.alias("d2"),
        (square * deviation).alias("d3"),
        (square * square).alias("d4"),
        nw.when(interior).then(uniform).alias("ks_point"),
        (in_sd - plotted).abs().alias("lit_point"),
        tied.cast(nw.Float64).alias("tied"),
        _rounded().cast(nw.Float64).alias("rounded"),
        nw.when(tied).then(_digits()).alias("tied_digits"),
    )


def _digits() -> nw.Expr:
    """Significant digits of an amount, cents included."""
    return nw.col("cents").cast(nw.String).str.strip_chars("0").str.len_chars().cast(nw.Int64)


def _rounded() -> nw.Expr:
    """Whole amount with more trailing zeros than other digits."""
    text = nw.col("cents").cast(nw.String)
    whole = text.str.ends_with("00")
    zeros = text.str.len_chars().cast(nw.Int64) - 2 - _digits()
    return whole & (zeros > _digits())
