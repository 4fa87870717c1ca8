"""Public tenders and their bids: honest competition, with bid rings planted in it.

Honest bids scatter around the authority's estimate with a spread that belongs to the trade:
narrow for fuel and cement (public input prices), wide for services. Careless high bids, firms
with a plant next door, known ceilings, rounding habits and consortia make honest tenders messy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.firms import REGIONS, Firms
from detector.demo.labels import Labels
from detector.demo.rings import BID_TYPOLOGIES, RiggedBids, Ring, make_rings, rig
from detector.demo.size import Size
from detector.demo.timeline import (
    DAYS,
    Bools,
    Floats,
    Ints,
    dates,
    instants,
    numbered,
    stream,
    take,
)
from detector.demo.trades import TRADES

MAX_BIDDERS = 12


@dataclass(frozen=True, slots=True)
class Tenders:
    """Tenders (tender x lot), column by column; the row number is the tender in this module.

    `number` counts whole tenders: two lots of one tender share it. `lot` is 0 where there are
    no lots. `ring` is the ring that rigs the tender, or -1.
    """

    number: Ints
    lot: Ints
    trade: Ints
    region: Ints
    published: Floats
    deadline: Floats
    awarded: Floats
    estimate: Floats
    reserve: Floats
    ring: Ints


@dataclass(frozen=True, slots=True)
class Bids:
    """Bids in long form: tender row, bidder row, amount, validity, consortium number or -1."""

    tender: Ints
    bidder: Ints
    amount: Floats
    valid: Bools
    consortium: Ints


def make_procurement(
    seed: int, size: Size, firms: Firms, labels: Labels
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The `tenders` and `bids` tables."""
    rings = make_rings(seed, size, firms)
    tenders = _draw_tenders(seed, size, rings)
    honest = _honest_bids(seed, size, firms, tenders)
    rigged = rig(seed, firms, rings, tenders.ring, tenders.estimate, tenders.reserve)
    bids = _sorted(_with_rigged(honest, rigged, tenders))
    winner = _winners(seed, tenders, bids)
    keys = _tender_keys(tenders)
    _label(firms, rings, tenders, bids, keys, labels)
    return _tender_table(seed, firms, tenders, bids, winner, keys), _bid_table(
        seed, firms, tenders, bids, winner, keys
    )


def _draw_tenders(seed: int, size: Size, rings: tuple[Ring, ...]) -> Tenders:
    rng = stream(seed, "tenders")
    count = size.tenders
    number, lot = _draw_lots(rng, count)
    trade = rng.integers(0, len(TRADES), count)[number]
    region = rng.integers(0, size.regions, count)[number]
    awarded = rng.uniform(0.0, DAYS, count)[number]
    ring = np.full(count, -1)
    for scheme_number, scheme in enumerate(rings):
        rows = rng.choice(np.flatnonzero((ring < 0) & (lot == 0)), scheme.tenders, replace=False)
        ring[rows] = scheme_number
        trade[rows], region[rows] = scheme.trade, scheme.region
        awarded[rows] = rng.uniform(scheme.first_day, scheme.last_day, rows.size)
    scale = np.array([t.size for t in TRADES])[trade]
    estimate = np.round(10 ** rng.normal(scale, 0.35), -2)
    published = rng.random(count) < 0.45
    reserve = np.where(published, np.round(estimate * rng.uniform(1.08, 1.3, count), -2), np.nan)
    deadline = awarded - rng.uniform(5.0, 40.0, count)[number]
    published_on = deadline - rng.uniform(15.0, 45.0, count)[number]
    return Tenders(
        number, lot, trade, region, published_on, deadline, awarded, estimate, reserve, ring
    )


def _draw_lots(rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
    """Tender number and lot of each row: about one row in twelve is in a tender of two lots."""
    second = np.zeros(count, dtype=np.bool_)
    second[1::2] = rng.random(count // 2) < 0.08
    number = rng.permutation(count)
    number[second] = number[np.flatnonzero(second) - 1]
    return number, 2 * second + np.append(second[1:], False)


def _honest_bids(seed: int, size: Size, firms: Firms, tenders: Tenders) -> Bids:
    """Bids of every tender that no ring rigs, drawn trade by trade and region by region."""
    rng = stream(seed, "bids")
    parts: list[tuple[Ints, Ints]] = []
    for number, trade in enumerate(TRADES):
        pool = firms.in_sector(trade.sector)
        appetite = rng.exponential(1.0, pool.size) + 0.1
        for place in range(size.regions):
            rows = np.flatnonzero(
                (tenders.trade == number) & (tenders.region == place) & (tenders.ring < 0)
            )
            near = appetite * np.where(firms.region[pool] == place, 1.0, 0.12)
            parts.append(_draw_bidders(rng, rows, pool, near, trade.bidders))
    tender = np.concatenate([t for t, _ in parts])
    bidder = np.concatenate([b for _, b in parts])
    amount = honest_amounts(rng, tenders, tender)
    roll = rng.random(tender.size)
    return Bids(tender, bidder, amount, roll > 0.03, np.full(tender.size, -1))


def _draw_bidders(
    rng: np.random.Generator, rows: Ints, pool: Ints, weight: Floats, mean: float
) -> tuple[Ints, Ints]:
    """Distinct bidders for each tender row, in proportion to a weight (Gumbel top-k)."""
    most = min(MAX_BIDDERS, pool.size)
    wanted = np.clip(2 + rng.negative_binomial(8, 8 / (6 + mean), rows.size), 2, most)
    luck = np.log(weight) + rng.gumbel(size=(rows.size, pool.size))
    chosen = np.argsort(-luck, axis=1)[:, :most]
    taken = np.arange(most) < wanted[:, None]
    return np.repeat(rows, wanted), pool[chosen[taken]]


def honest_amounts(rng: np.random.Generator, tenders: Tenders, tender: Ints) -> Floats:
    """Competitive amounts: estimate x level of the tender x scatter of the trade."""
    count, total = tender.size, tenders.trade.size
    spread = np.array([t.spread for t in TRADES])[tenders.trade] * np.exp(
        rng.normal(0.0, 0.35, total)
    )
    level = rng.normal(-0.05, 0.05, total)
    scatter = rng.normal(0.0, 1.0, count) + rng.exponential(0.25, count)
    careless = (rng.random(count) < 0.05) * rng.uniform(0.5, 3.0, count)
    nearby = (rng.random(count) < 0.03) * rng.uniform(0.5, 2.0, count)
    log_price = level[tender] + spread[tender] * (scatter + careless - nearby)
    amount = tenders.estimate[tender] * np.exp(log_price)
    ceiling = tenders.reserve[tender] * (1.0 - rng.exponential(0.012, count))
    return _rounded(rng, np.fmin(amount, ceiling))


def _rounded(rng: np.random.Generator, amount: Floats) -> Floats:
    """Bidders' habits: most file whole units, some round to four digits, some file cents."""
    habit = rng.random(amount.size)
    digit = 10.0 ** (np.floor(np.log10(amount)) - 3)
    coarse = np.round(amount / digit) * digit
    cents = np.where(habit > 0.7, np.round(amount, 2), np.round(amount))
    return np.where(habit < 0.15, coarse, cents)


def _with_rigged(honest: Bids, rigged: RiggedBids, tenders: Tenders) -> Bids:
    """Honest and rigged bids together; some honest works bids are filed by each of two partners."""
    size = np.bincount(honest.tender, minlength=tenders.trade.size)
    works = np.isin(tenders.trade[honest.tender], (0, 1))
    lead = np.flatnonzero(works & honest.valid & (size[honest.tender] >= 4))[::37]
    partner = np.roll(lead, 1)
    same = tenders.trade[honest.tender[lead]] == tenders.trade[honest.tender[partner]]
    fresh = same & (honest.bidder[lead] != honest.bidder[partner])
    lead, partner = lead[fresh], partner[fresh]
    pairs = honest.tender * np.int64(1_000_000) + honest.bidder
    known = np.isin(honest.tender[lead] * np.int64(1_000_000) + honest.bidder[partner], pairs)
    lead, partner = lead[~known], partner[~known]
    consortium = honest.consortium.copy()
    consortium[lead] = np.arange(lead.size)
    return Bids(
        tender=np.concatenate([honest.tender, honest.tender[lead], rigged.tender]),
        bidder=np.concatenate([honest.bidder, honest.bidder[partner], rigged.bidder]),
        amount=np.concatenate([honest.amount, honest.amount[lead], rigged.amount]),
        valid=np.concatenate(
            [honest.valid, np.ones(lead.size + rigged.tender.size, dtype=np.bool_)]
        ),
        consortium=np.concatenate(
            [consortium, np.arange(lead.size), np.full(rigged.tender.size, -1)]
        ),
    )


def _sorted(bids: Bids) -> Bids:
    order = np.lexsort((bids.bidder, bids.tender))
    return Bids(*(getattr(bids, name)[order] for name in Bids.__slots__))


def _winners(seed: int, tenders: Tenders, bids: Bids) -> Ints:
    """Bid row that wins each tender: the lowest valid bid, or the best value for some; else -1."""
    rng = stream(seed, "awards")
    best_value = _best_value(seed, tenders)
    quality = np.where(best_value[bids.tender], rng.normal(0.0, 0.06, bids.tender.size), 0.0)
    score = np.where(bids.valid, bids.amount * (1.0 - quality), np.inf)
    order = np.lexsort((score, bids.tender))
    first = np.searchsorted(bids.tender[order], np.arange(tenders.trade.size))
    winner = order[first]
    cancelled = (rng.random(tenders.trade.size) < 0.02) & (tenders.ring < 0)
    return np.where(cancelled | ~np.isfinite(score[winner]), -1, winner)


def _best_value(seed: int, tenders: Tenders) -> Bools:
    services = np.isin(tenders.trade, [4, 5, 8, 10])
    drawn = stream(seed, "award rules").random(tenders.trade.size)
    return (drawn < np.where(services, 0.35, 0.06)) & (tenders.ring < 0)


def _tender_keys(tenders: Tenders) -> pl.DataFrame:
    """`tender_id`, `lot_id` and the subject key of each row."""
    lots = pl.Series(["", "L1", "L2"]).gather(tenders.lot).replace("", None)
    frame = pl.DataFrame(
        {"tender_id": take(numbered("T-", tenders.lot.size, 5), tenders.number), "lot_id": lots}
    )
    key = pl.concat_str("tender_id", "lot_id", separator="/", ignore_nulls=True)
    return frame.with_columns(key=key)


def _tender_table(
    seed: int, firms: Firms, tenders: Tenders, bids: Bids, winner: Ints, keys: pl.DataFrame
) -> pl.DataFrame:
    rng = stream(seed, "tender table")
    count = tenders.trade.size
    none = np.where(winner < 0, np.nan, 0.0)
    rule = np.where(_best_value(seed, tenders), 1, 0)
    reserve = pl.Series(tenders.reserve).fill_nan(None)
    table = keys.select("tender_id", "lot_id").with_columns(
        buyer_id=_buyers(rng, tenders),
        category=take([t.cpv for t in TRADES], tenders.trade),
        region=take([r[0] for r in REGIONS], tenders.region),
        method=take(("open", "restricted"), (rng.random(count) < 0.15).astype(np.int64)),
        reserve_price=reserve,
        estimate=pl.Series(tenders.estimate),
        published_at=dates(tenders.published),
        deadline_at=dates(tenders.deadline),
        awarded_at=dates(tenders.awarded + none),
        winner_id=take(firms.ids, bids.bidder[winner]),
        award_value=pl.Series(bids.amount[winner]),
        award_criteria=take(("price", "price and quality"), rule),
        award_rule=take(("lowest", "best_value"), rule),
        currency=take([r[2] for r in REGIONS], tenders.region),
    )
    awarded = pl.col("awarded_at").is_not_null()
    return table.with_columns(
        pl.when(awarded).then("winner_id").alias("winner_id"),
        pl.when(awarded).then("award_value").alias("award_value"),
    ).sort("tender_id", "lot_id", nulls_last=False)


def _buyers(rng: np.random.Generator, tenders: Tenders) -> pl.Series:
    """Public buyers: a dozen in each region."""
    buyer = tenders.region * 12 + rng.integers(0, 12, tenders.region.size)[tenders.number]
    return take(numbered("PB-", len(REGIONS) * 12, 3), buyer)


def _bid_table(
    seed: int, firms: Firms, tenders: Tenders, bids: Bids, winner: Ints, keys: pl.DataFrame
) -> pl.DataFrame:
    rng = stream(seed, "bid table")
    count = bids.tender.size
    status = np.where(bids.valid, 0, np.where(rng.random(count) < 0.3, 2, 1))
    submitted = tenders.deadline[bids.tender] - rng.beta(1.0, 4.0, count) * 14.0
    won = np.zeros(count, dtype=np.bool_)
    won[winner[winner >= 0]] = True
    consortium = take(numbered("C-", int(bids.consortium.max()) + 2, 4), bids.consortium + 1)
    table = keys[bids.tender].select("tender_id", "lot_id").with_columns(
        bidder_id=take(firms.ids, bids.bidder),
        amount=pl.Series(np.round(bids.amount, 2)),
        currency=take([r[2] for r in REGIONS], tenders.region[bids.tender]),
        submitted_at=instants(submitted),
        status=take(("valid", "disqualified", "withdrawn"), status),
        consortium_id=consortium.zip_with(
            pl.Series(bids.consortium >= 0), pl.Series([None], dtype=pl.String)
        ),
        won=pl.Series(won),
    )  # fmt: skip
    shuffled = table[rng.permutation(count)]
    return shuffled.with_columns(bid_id=numbered("B-", count, 6))


def _label(
    firms: Firms,
    rings: tuple[Ring, ...],
    tenders: Tenders,
    bids: Bids,
    keys: pl.DataFrame,
    labels: Labels,
) -> None:
    members: list[Ints] = []
    for number, ring in enumerate(rings):
        rigged = keys["key"].gather(np.flatnonzero(tenders.ring == number))
        labels.planted("tender", rigged, ring.typologies, ring.name, ring.note)
        names = firms.ids.gather(ring.members)
        labels.planted("firm", names, ring.typologies, ring.name, ring.note)
        members.append(ring.members)
    honest = keys["key"].gather(np.flatnonzero(tenders.ring < 0))
    labels.honest("tender", honest, BID_TYPOLOGIES)
    rigged_bid = tenders.ring[bids.tender] >= 0
    clean = np.setdiff1d(bids.bidder, np.concatenate([*members, bids.bidder[rigged_bid]]))
    labels.honest("firm", firms.ids.gather(clean), BID_TYPOLOGIES)
