"""Whether the parties to a deal move together before it is cleared (MON-GUN-JUMPING)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy
from features.tables import Tables, collect
from features.timeseries import correlation
from features.vocabulary import Reason

_TYPOLOGY = "MON-GUN-JUMPING"
_PRICES, _BIDS = "deal_price_sync", "deal_bid_sync"
_DEALS = ("merger_notifications.signed_on", "merger_notifications.cleared_on",
          "deal_parties.party_id")  # fmt: skip
_SOURCE = "catalogue 3.A, MON-GUN-JUMPING R2; Regulation (EC) 139/2004, art. 7"
LEAST, BEFORE_DAYS = 20, 365
"""Observations needed on each side; days before signing that are compared."""

_KEY = ("deal_id", "party_a", "party_b")


@base(
    name=_PRICES, grain="deal", tables=("merger_notifications", "deal_parties", "listing_prices"),
)  # fmt: skip
def deal_price_sync(t: Tables) -> Lazy:
    """One row per signed deal: how the parties' prices of one product moved together.

    The parties are read as the firms they are, not as groups: the register may already show the
    target under its buyer. A step is the change of the logarithm of the day's lowest price
    between two days on which both parties showed one; of several products and pairs of parties
    the one with most steps on its thinner side counts.
    """
    pairs = _party_pairs(t)
    parties = t["deal_parties"].select(nw.col("party_id").alias("seller_id")).unique()
    theirs = t.view("net_prices").join(parties, on="seller_id", how="semi")
    daily = theirs.group_by("sku_id", "currency", "seller_id", "day").agg(
        nw.col("price").min().log().alias("level")
    )
    series = ("sku_id", "currency")
    both = _side_by_side(daily, pairs, (*series, "day"))
    rows = collect(both.filter(_looked_at("day"))).sort(*_KEY, *series, "day")
    steps = rows.with_columns(
        pl.col(c).diff().over(*_KEY, *series, pl.col("day") > pl.col("signed_on")).alias(c)
        for c in ("a", "b")
    ).drop_nulls(["a", "b"])
    return _best(t, steps, "sku_id")


@base(
    name=_BIDS, grain="deal",
    tables=("merger_notifications", "deal_parties", "tenders", "bids"),
)  # fmt: skip
def deal_bid_sync(t: Tables) -> Lazy:
    """One row per signed deal: how the parties' bids went together in tenders both bid for.

    A bid is read as the logarithm of its distance from the middle of the other bidders' bids, so
    that the size of the tender drops out; it needs another bidder.
    """
    pairs = _party_pairs(t)
    lots = t.view("lot_terms").filter(nw.col("competitive")).select("subject_key", "day")
    bids = (
        t.view("bid_entries")
        .filter((nw.col("status") == "valid") & (nw.col("amount") > 0))
        .filter(~nw.col("bidder_id").is_null())
        .group_by("subject_key", "currency", "bidder_id")
        .agg(nw.col("amount").min())
        .join(lots, on="subject_key", how="inner")
        .with_columns(nw.col("amount").log().alias("level"))
    )
    level = bids.select(
        "subject_key", "currency", nw.col("bidder_id").alias("seller_id"), "day", "level"
    )
    both = collect(
        _side_by_side(level, pairs, ("subject_key", "currency", "day")).filter(_looked_at("day"))
    )
    others = collect(level).rename({"level": "other"})
    middle = (
        both.join(others, on=["subject_key", "currency", "day"], how="inner")
        .filter(~pl.col("seller_id").is_in(pl.concat_list("party_a", "party_b")))
        .group_by(*_KEY, "subject_key", "currency")
        .agg(pl.col("other").median())
    )
    rows = (
        both.join(middle, on=[*_KEY, "subject_key", "currency"], how="inner")
        .with_columns(pl.col("a") - pl.col("other"), pl.col("b") - pl.col("other"))
        .sort(*_KEY, "day", "subject_key")
    )
    return _best(t, rows, "currency")


def _party_pairs(t: Tables) -> Lazy:
    """Pairs of parties of every signed deal, with the days of signing and of clearance.

    A deal not cleared is looked at until the day of the judgement.
    """
    as_of = nw.lit(t.context.as_of)
    deals = t["merger_notifications"].filter(~nw.col("signed_on").is_null())
    deals = deals.select("deal_id", "signed_on", nw.coalesce("cleared_on", as_of).alias("until"))
    party = t["deal_parties"].select("deal_id", "party_id").unique()
    one = deals.join(party.rename({"party_id": "party_a"}), on="deal_id", how="inner")
    two = party.rename({"party_id": "party_b"})
    return one.join(two, on="deal_id", how="inner").filter(nw.col("party_a") < nw.col("party_b"))


def _side_by_side(levels: Lazy, pairs: Lazy, on: tuple[str, ...]) -> Lazy:
    """Levels `a` and `b` of both parties, where both have one."""
    one = levels.rename({"seller_id": "party_a", "level": "a"})
    two = levels.rename({"seller_id": "party_b", "level": "b"})
    joined = pairs.join(one, on="party_a", how="inner")
    return joined.join(two, on=["party_b", *on], how="inner")


def _looked_at(day: str) -> nw.Expr:
    """Days from a year before signing to clearance."""
    since = nw.col("signed_on").dt.offset_by(f"-{BEFORE_DAYS}d").cast(nw.Date)
    return (nw.col(day) >= since) & (nw.col(day) <= nw.col("until"))


def _best(t: Tables, rows: pl.DataFrame, what: str) -> Lazy:
    """Every signed deal with its pair and series that has most observations on the thinner side.

    Columns: `about` (the series), `n_steps` (observations on the thinner side), `before` and
    `during` (correlations; null where a side does not move).
    """
    found = []
    for key, part in rows.group_by(*_KEY, what, maintain_order=True):
        later = (part["day"] > part["signed_on"]).to_numpy()
        a, b = part["a"].to_numpy(), part["b"].to_numpy()
        sides = [correlation(a[side], b[side]) for side in (~later, later)]
        found.append((key[0], key[3], int(min((~later).sum(), later.sum())), *sides))
    schema = {"deal_id": pl.String, "about": pl.String, "n_steps": pl.Int64,
              "before": pl.Float64, "during": pl.Float64}  # fmt: skip
    best = (
        pl.DataFrame(found, schema=schema, orient="row")
        .with_columns(pl.col("before", "during").fill_nan(None))
        .sort("n_steps", "about", descending=[True, False], maintain_order=True)
        .unique("deal_id", keep="first", maintain_order=True)
    )
    signed = t.view("deals").filter(~nw.col("signed_on").is_null())
    deals = collect(signed.select("deal_id", "subject_key", "period_start", "period_end"))
    rows = deals.join(best, on="deal_id", how="left")
    return nw.from_native(rows.with_columns(pl.col("n_steps").fill_null(0)).lazy())


def _change() -> Measure:
    still = nw.col("before").is_null() | nw.col("during").is_null()
    return measure(
        nw.col("during") - nw.col("before"),
        (nw.col("n_steps") < LEAST, Reason.TOO_FEW),
        (still, Reason.CONSTANT),
    )


@feature(
    name="pre_close_sync", typology=_TYPOLOGY, base=_PRICES,
    inputs=(*_DEALS, "listing_prices.net_price", "listing_prices.seller_id", "listing_prices.ts"),
    unit="change of correlation", direction="high", min_n=LEAST, n="n_steps", source=_SOURCE,
    uses_as_of=True, retrospective=True,
    title={"en": "parties' prices in step before clearance", "zh": "批准前交易方价格同步变化"},
)  # fmt: skip
def pre_close_sync() -> Measure:
    """Correlation of the parties' price changes from signing to clearance, less that before.

    Changes of the logarithm of the day's price between days on which both showed one; before: the
    year up to signing. At least 20 changes on each side; a side that never moves is `constant`.
    """
    return _change()


@feature(
    name="pre_close_bid_sync", typology=_TYPOLOGY, base=_BIDS,
    inputs=(*_DEALS, "bids.amount", "bids.bidder_id", "tenders.awarded_at"),
    unit="change of correlation", direction="high", min_n=LEAST, n="n_steps", source=_SOURCE,
    uses_as_of=True, retrospective=True,
    title={"en": "parties' bids in step before clearance", "zh": "批准前交易方报价同步变化"},
)  # fmt: skip
def pre_close_bid_sync() -> Measure:
    """Correlation of the parties' bids from signing to clearance, less that in the year before.

    A bid counts as its distance in logarithms from the middle of the other bidders' bids. At
    least 20 tenders on each side that both bid for and somebody else too.
    """
    return _change()
