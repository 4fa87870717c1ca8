"""A whole trade agrees: it shares out regions, asks the ceiling, or keeps clear of the winner."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.bids import LOT
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

HUGGED, HUG_SCATTER = 0.985, 0.004
"""A ring asks 98.5 % of the ceiling, give or take."""
KNOWN = (0.001, 0.004)
"""How far below the ceiling the winner stays who was told it."""
CLEAR, CLEAR_FAR = 0.01, 0.03
"""Losers of a ring keep one to three per cent clear of its winner."""


def _trades(tables: Tables, rng: Random, count: int) -> pl.Series:
    """Trades by name of market, the same at every strength."""
    names = _marked(tables["tenders"])["_trade"].unique().sort()
    return names.gather(np.sort(rng.choice(names.len(), min(count, names.len()), replace=False)))


def _marked(tenders: pl.DataFrame) -> pl.DataFrame:
    return tenders.with_columns(_trade=pl.coalesce("market_id", "category"))


def _lots(tables: Tables, rng: Random, trades: pl.Series, strength: float) -> pl.DataFrame:
    """Lots of the trades with their terms: `luck`, and whether the scheme has reached them."""
    tenders = _marked(tables["tenders"]).sort(LOT)
    drawn = tenders.with_columns(luck=pl.Series(rng.random(tenders.height)))
    mine = drawn.filter(pl.col("_trade").is_in(trades.implode()))
    return mine.select(
        *LOT, "_trade", "luck", _region="region", _reserve="reserve_price",
        _held=pl.col("luck") < strength,
    )  # fmt: skip


def _of_lots(tables: Tables, lots: pl.DataFrame) -> pl.DataFrame:
    """Bids of the lots in a fixed order, with the terms of the lot."""
    joined = tables["bids"].join(lots, on=LOT, nulls_equal=True)
    return joined.sort(*LOT, "bidder_id", "bid_id")


def _written(tables: Tables, rigged: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Filings with these bids for their lots; the lowest valid bid wins."""
    bids, tenders = tables["bids"], tables["tenders"]
    valid = rigged.filter(pl.col("status").fill_null("valid") == "valid", pl.col("amount") > 0)
    best = valid.sort("amount", "bidder_id").group_by(LOT, maintain_order=True).agg(
        _who=pl.col("bidder_id").first(), _worth=pl.col("amount").first(),
    )  # fmt: skip
    others = bids.join(rigged.select(LOT).unique(), on=LOT, how="anti", nulls_equal=True)
    rigged = rigged.join(best, on=LOT, how="left", nulls_equal=True).with_columns(
        won=pl.col("bidder_id") == pl.col("_who")
    )
    joined = tenders.join(best, on=LOT, how="left", nulls_equal=True, maintain_order="left")
    awarded = joined.with_columns(
        winner_id=pl.coalesce("_who", "winner_id"), award_value=pl.coalesce("_worth", "award_value")
    ).drop("_who", "_worth")
    every = pl.concat([others, rigged.select(bids.columns)], how="vertical_relaxed")
    return {**tables, "tenders": awarded, "bids": every}


def _cases(trades: pl.Series) -> tuple[frozenset[str], ...]:
    return tuple(frozenset([trade]) for trade in trades)


def shared_out(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Gives every firm a region: it leaves a share of the lots elsewhere alone.

    Where all bidders of a lot would stay away, the firm that holds the region bids in place of the
    one of them that asked least, at its price.
    """
    trades = _trades(tables, rng, count)
    lots = _lots(tables, rng, trades, strength)
    bids = _of_lots(tables, lots)
    bids = bids.with_columns(_luck=pl.Series(rng.random(bids.height)))
    homes, holders = _regions(bids)
    stays = (pl.col("_home") == pl.col("_region")) | (pl.col("_luck") >= strength)
    bids = (
        bids.join(homes, on=["_trade", "bidder_id"], maintain_order="left")
        .join(holders, on=["_trade", "_region"], maintain_order="left")
        .with_columns(_stays=stays)
    )
    left = ~pl.col("_stays").any().over(LOT)
    lowest = pl.col("amount") == pl.col("amount").min().over(LOT)
    kept = bids.with_columns(bidder_id=pl.when(left).then("_holder").otherwise("bidder_id")).filter(
        pl.col("_stays") | (lowest & left)
    )
    return Planted(_written(tables, kept), _cases(trades), tuple(lots["tender_id"]))


def _regions(bids: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Regions of the firms of each trade, where they bid most, and who holds each region.

    No region is left without a firm: the one that bids there most among those with company moves.
    """
    homes, holders = [], []
    for (trade,), part in bids.group_by("_trade", maintain_order=True):
        wide = part.pivot("_region", index="bidder_id", values="amount", aggregate_function="len")
        wide = wide.fill_null(0).sort("bidder_id")
        regions = sorted(c for c in wide.columns if c != "bidder_id")
        often = wide.select(regions).to_numpy()
        home = often.argmax(axis=1)
        for r in range(len(regions)):
            if not (home == r).any():
                company = np.bincount(home, minlength=len(regions))[home] > 1
                home[np.where(company, often[:, r], -1).argmax()] = r
        firms = wide["bidder_id"].to_list()
        for r, region in enumerate(regions):
            holders.append((trade, region, firms[np.where(home == r, often[:, r], -1).argmax()]))
        homes += [(trade, firm, regions[h]) for firm, h in zip(firms, home, strict=True)]
    return (
        pl.DataFrame(homes, schema=["_trade", "bidder_id", "_home"], orient="row"),
        pl.DataFrame(holders, schema=["_trade", "_region", "_holder"], orient="row"),
    )


def at_the_ceiling(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Draws the bids of whole trades up to the ceiling, in the order they had."""
    trades = _trades(tables, rng, count)
    bids = _of_lots(tables, _lots(tables, rng, trades, strength))
    low = pl.col("amount").min().over(LOT)
    asked = pl.Series(rng.normal(HUGGED, HUG_SCATTER, bids.height)).clip(0.9, 0.999)
    # One level a lot: the winner's; covers stay as far above it as the ceiling leaves room.
    level = asked.alias("_asked").to_frame().to_series()
    bids = bids.with_columns(_asked=level).with_columns(_top=pl.col("_asked").first().over(LOT))
    room = (1 - pl.col("_top")) * (1 - low / pl.col("amount"))
    planted = pl.col("_reserve") * (pl.col("_top") + room)
    moved = ((1 - strength) * pl.col("amount").log() + strength * planted.log()).exp().round(2)
    touched = pl.col("_reserve").is_not_null()
    changed = bids.with_columns(amount=pl.when(touched).then(moved).otherwise("amount"))
    events = tuple(changed["tender_id"].unique().sort())
    return Planted(_written(tables, changed), _cases(trades), events)


def told_the_ceiling(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets one firm of each trade know the ceiling of a share of the lots: it wins just below.

    It stands alone there, the others having been asked to stay above it or away.
    """
    trades = _trades(tables, rng, count)
    bids = _of_lots(tables, _lots(tables, rng, trades, strength))
    below = pl.Series(rng.uniform(*KNOWN, bids.height))
    first = pl.int_range(pl.len()).over(LOT) == 0
    bids = bids.with_columns(
        _price=(pl.col("_reserve") * (1 - below)).round(2), _first=first,
        _firm=pl.col("bidder_id").mode().sort().first().over("_trade"),
    )  # fmt: skip
    held = pl.col("_held") & pl.col("_reserve").is_not_null()
    changed = bids.filter(~held | pl.col("_first")).with_columns(
        amount=pl.when(held).then("_price").otherwise("amount"),
        bidder_id=pl.when(held).then("_firm").otherwise("bidder_id"),
        status=pl.when(held).then(pl.lit("valid")).otherwise("status"),
    )
    events = tuple(changed["tender_id"].unique().sort())
    return Planted(_written(tables, changed), _cases(trades), events)


def kept_clear(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Moves losing bids that came within a hundredth of the winner to one to three above it."""
    trades = _trades(tables, rng, count)
    bids = _of_lots(tables, _lots(tables, rng, trades, strength))
    away = pl.Series(rng.uniform(CLEAR, CLEAR_FAR, bids.height))
    scale = pl.coalesce("_reserve", pl.col("amount").min().over(LOT))
    # Ties are broken by place: one of them is the winner.
    place = pl.col("amount").rank("ordinal").over(LOT)
    low = pl.col("amount").min().over(LOT)
    near = (place > 1) & (pl.col("amount") - low < CLEAR * scale)
    moved = (low + away * scale).round(2)
    changed = bids.with_columns(
        amount=pl.when(pl.col("_held") & near).then(moved).otherwise("amount")
    )
    events = tuple(changed["tender_id"].unique().sort())
    return Planted(_written(tables, changed), _cases(trades), events)


TRADES = ("tenders", ("category", "market_id"))


def territories(count: int) -> Scheme:
    """Regions shared out."""
    return Scheme(
        "territories", ("MON-BID-ALLOC",),
        "share of the bids away from their region that the firms of a trade leave off",
        TRADES, partial(shared_out, count=count),
    )  # fmt: skip


def ceilings(count: int) -> Scheme:
    """A ring that asks the ceiling."""
    return Scheme(
        "ring at the ceiling", ("MON-BID-RESERVE",),
        "how far the bids of a trade move from honest ones to 98.5 % of the ceiling",
        TRADES, partial(at_the_ceiling, count=count),
    )  # fmt: skip


def leaks(count: int) -> Scheme:
    """A ceiling somebody told."""
    return Scheme(
        "leaked ceiling", ("MON-BID-RESERVE",),
        "share of a trade's lots won 0.1 to 0.4 % below the ceiling by the firm that knew it",
        TRADES, partial(told_the_ceiling, count=count),
    )  # fmt: skip


def gaps(count: int) -> Scheme:
    """No bid near the winner's."""
    return Scheme(
        "near bids missing", ("MON-BID-MISSING",),
        "share of a trade's lots whose losers keep one to three per cent clear of the winner",
        TRADES, partial(kept_clear, count=count),
    )  # fmt: skip
