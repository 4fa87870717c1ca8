"""Bid rings: who they are and how they bid.

The shapes come from the literature on detected cartels, not from any detector's limits.
Overcharge: bid rigging raises prices by roughly a tenth to a third (Connor and Bolotova 2006;
prices in Ticino fell by about a quarter to a third when the cartel ended, Imhof 2019).
Cover bids: the designated winner is a few per cent below a tight pack of covers, so the spread
is small and the first gap large against the others (Imhof 2019; Huber and Imhof 2019).
Incomplete rings meet outsiders who bid independently (Wallimann, Imhof and Huber 2022).
Patterned rings space their bids evenly or file the same amount.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detector.demo.firms import Firms
from detector.demo.size import Size
from detector.demo.timeline import DAYS, Bools, Floats, Ints, stream
from detector.demo.trades import POSTED_PRICE_SPREAD, TRADES

FAMILY = "MON-BID-*"
_COMPLETE = ("MON-BID-CV", "MON-BID-DISTANCE", "MON-BID-SHAPE", "MON-BID-KS")
BID_TYPOLOGIES = (FAMILY, *_COMPLETE, "MON-BID-SUBGROUP", "MON-BID-IDENTICAL")
"""What honest tenders and bidders must not show; the family stands for any of its members."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring: its members, where and when it rigs, and under what it should show."""

    name: str
    kind: str
    typologies: tuple[str, ...]
    trade: int
    region: int
    members: Ints
    tenders: int
    first_day: float
    last_day: float

    @property
    def note(self) -> str:
        """One sentence for the reader of the labels."""
        return f"{self.kind} ring of {self.members.size} firms, {self.tenders} tenders"


@dataclass(frozen=True, slots=True)
class RiggedBids:
    """Bids in rigged tenders, ring members' and outsiders', in long form."""

    tender: Ints
    bidder: Ints
    amount: Floats


def make_rings(seed: int, size: Size, firms: Firms) -> tuple[Ring, ...]:
    """`size.rings` rings of each kind, every one in a trade of its own while trades last.

    Rings form where there is a margin to gain: not in trades with public input prices.
    """
    rng = stream(seed, "rings")
    wide = [i for i, t in enumerate(TRADES) if t.spread >= POSTED_PRICE_SPREAD]
    trades = rng.permutation(wide)
    plans = (
        ("complete", (FAMILY, *_COMPLETE), (5, 7), size.ring_tenders),
        ("incomplete", (FAMILY, "MON-BID-SUBGROUP"), (3, 5), (size.ring_tenders * 3) // 4),
        ("patterned", (FAMILY, "MON-BID-IDENTICAL"), (4, 6), max(3, size.ring_tenders // 3)),
    )
    rings: list[Ring] = []
    for kind, typologies, members, tenders in plans:
        for number in range(size.rings):
            trade = int(trades[len(rings) % trades.size])
            region = int(rng.integers(0, size.regions))
            pool = firms.in_sector(TRADES[trade].sector)
            alone = pool[firms.independent()[pool]]
            near = firms.region[alone] == region
            preferred = np.argsort(~near + 0.5 * rng.random(alone.size), kind="stable")
            start = float(rng.uniform(20.0, DAYS * 0.25))
            rings.append(
                Ring(
                    name=f"{kind}-ring-{number + 1}",
                    kind=kind,
                    typologies=typologies,
                    trade=trade,
                    region=region,
                    members=alone[preferred[: int(rng.integers(*members))]],
                    tenders=tenders,
                    first_day=start,
                    last_day=float(rng.uniform(start + DAYS * 0.55, DAYS)),
                )
            )
    return tuple(rings)


def rig(
    seed: int,
    firms: Firms,
    rings: tuple[Ring, ...],
    ring_of_tender: Ints,
    estimate: Floats,
    reserve: Floats,
) -> RiggedBids:
    """The bids of every rigged tender; a known ceiling holds for rings too."""
    parts: list[RiggedBids] = []
    for number, ring in enumerate(rings):
        rng = stream(seed, ring.name)
        rows = np.flatnonzero(ring_of_tender == number)
        fair = estimate[rows] * np.exp(rng.normal(-0.05, 0.05, rows.size))
        bids = _STYLES[ring.kind](rng, ring, rows, fair)
        if ring.kind == "incomplete":
            bids = _with_outsiders(rng, firms, ring, rows, fair, bids)
        parts.append(bids)
    joined = RiggedBids(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in RiggedBids.__slots__)
    )
    return _below_ceiling(joined, reserve)


def _below_ceiling(bids: RiggedBids, reserve: Floats) -> RiggedBids:
    """Scale all bids of a tender down together where the highest would pass the ceiling."""
    highest = np.zeros(reserve.size)
    np.maximum.at(highest, bids.tender, bids.amount)
    room = np.where(highest > reserve, 0.998 * reserve / np.maximum(highest, 1.0), 1.0)
    scaled = bids.amount * room[bids.tender]
    return RiggedBids(bids.tender, bids.bidder, np.round(scaled, 2))


def _covered(rng: np.random.Generator, ring: Ring, rows: Ints, fair: Floats) -> RiggedBids:
    """Complete ring: members win in turns, the others file covers in a tight pack above."""
    places = ring.members.size
    turn = np.arange(rows.size) + rng.integers(0, places)
    turn = np.where(rng.random(rows.size) < 0.12, rng.integers(0, places, rows.size), turn)
    winner = turn % places
    price = fair * (1.0 + rng.uniform(0.10, 0.33, rows.size))
    gap = rng.uniform(0.02, 0.08, (rows.size, 1))
    pack = rng.uniform(0.003, 0.015, (rows.size, 1)) * rng.uniform(-1.0, 1.0, (rows.size, places))
    amount = price[:, None] * (1.0 + gap + pack)
    amount[np.arange(rows.size), winner] = price
    absent = rng.random((rows.size, places)) < 0.06
    absent[np.arange(rows.size), winner] = False
    absent[absent.sum(axis=1) > places - 4] = False
    return _long(rows, ring.members, np.round(amount), ~absent)


def _close(rng: np.random.Generator, ring: Ring, rows: Ints, fair: Floats) -> RiggedBids:
    """Incomplete ring: it must stay near the market; one member reckons, the others add a little.

    The literature gives the direction (bids of the ring closer than any outsiders'), no figure.
    """
    places = ring.members.size
    price = fair * (1.0 + rng.uniform(0.0, 0.08, rows.size))
    steps = rng.uniform(0.0002, 0.0015, (rows.size, places)).cumsum(axis=1)
    amount = price[:, None] * (1.0 + rng.permuted(steps, axis=1))
    return _long(rows, ring.members, np.round(amount), np.ones(amount.shape, dtype=np.bool_))


def _patterned(rng: np.random.Generator, ring: Ring, rows: Ints, fair: Floats) -> RiggedBids:
    """Even steps, constant ratios or the same amount: each ring keeps to one habit."""
    places = ring.members.size
    price = np.round(fair * (1.0 + rng.uniform(0.08, 0.25, rows.size)), 2)[:, None]
    rank = rng.permuted(np.tile(np.arange(places), (rows.size, 1)), axis=1)
    step = rng.uniform(0.006, 0.03, (rows.size, 1))
    habit = int(ring.name[-1]) % 3
    if habit == 1:
        amount = price + rank * np.round(price * step, 2)
    elif habit == 2:
        amount = price * (1.0 + step) ** rank
    else:
        amount = price * (1.0 + step * (rank >= 1 + places // 3) + step * (rank == places - 1))
    return _long(rows, ring.members, np.round(amount, 2), np.ones(rank.shape, dtype=np.bool_))


_STYLES: dict[str, Callable[[np.random.Generator, Ring, Ints, Floats], RiggedBids]] = {
    "complete": _covered,
    "incomplete": _close,
    "patterned": _patterned,
}


def _long(rows: Ints, members: Ints, amount: Floats, present: Bools) -> RiggedBids:
    tender = np.broadcast_to(rows[:, None], amount.shape)
    bidder = np.broadcast_to(members, amount.shape)
    return RiggedBids(tender[present], bidder[present], amount[present])


def _with_outsiders(
    rng: np.random.Generator,
    firms: Firms,
    ring: Ring,
    rows: Ints,
    fair: Floats,
    bids: RiggedBids,
) -> RiggedBids:
    """Add two to six independent bidders of the same trade to each tender."""
    trade = firms.sector[ring.members[0]]
    pool = np.setdiff1d(np.flatnonzero(firms.sector == trade), ring.members)
    most = min(6, pool.size)
    chosen = np.argsort(rng.random((rows.size, pool.size)), axis=1)[:, :most]
    present = np.arange(most) < rng.integers(min(2, most), most + 1, rows.size)[:, None]
    scatter = rng.normal(0.06, TRADES[ring.trade].spread, (rows.size, most))
    amount = np.round(fair[:, None] * np.exp(scatter))
    tender = np.broadcast_to(rows[:, None], amount.shape)
    return RiggedBids(
        np.concatenate([bids.tender, tender[present]]),
        np.concatenate([bids.bidder, pool[chosen[present]]]),
        np.concatenate([bids.amount, amount[present]]),
    )
