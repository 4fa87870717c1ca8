"""Rings told by who bids, wins and is paid: covers, turns, circles, shared hands, paid losers.

Members take the places of some honest bidders and, until the scheme touches them, the amounts
those had filed. What is drawn is drawn at every strength, so that the same tenders change first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.bids import LOT, _awarded, _grouped, _usable
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

COVER, WAVER = 1.05, 0.001
"""A cover's bid over the winner's, and the scatter of that."""
TURNS, TURN_MEMBERS = 24, 4
CIRCLE_TENDERS, CIRCLE_MEMBERS = 20, 5
TRACED_TENDERS, TRACED_MEMBERS = 12, 3
TRACES = ("ip_hash", "deposit_account_hash", "contact_hash", "doc_author_hash")
PASSED = (0.25, 0.15)
"""Parts of a contract that the two nearest losers get."""
SHORT_DAYS = 10
OWN_BIDS = 3
"""Members come from firms with no more bids than this of their own in the year."""


@dataclass(frozen=True)
class Ring:
    """Firms of one trade and year, and the lots the scheme uses, by day of award."""

    number: int
    firms: list[str]
    lots: list[pl.DataFrame]


def _rings(
    tables: Tables, rng: Random, count: int, firms: int, lots: int, least: int = 4
) -> Iterator[Ring]:
    """Draws rings, each in a trade and year of its own; none of its lots has a member bidding."""
    tenders, bids = tables["tenders"], tables["bids"]
    day = tenders.select(*LOT, day=pl.col("awarded_at").cast(pl.Date))
    usable = _usable(tenders, bids).join(day, on=LOT, nulls_equal=True)
    valid = bids.filter(pl.col("status").fill_null("valid") == "valid")
    placed = usable.join(valid, on=LOT, nulls_equal=True)
    columns = [*LOT, *(c for c in bids.columns if c not in LOT)]
    places = dict(placed.select(columns).group_by(LOT))
    busy = placed.group_by("category", "year", "bidder_id").len()
    free = busy.filter(pl.col("len") <= OWN_BIDS, ~pl.col("bidder_id").is_in(
        _grouped(tables).implode()))  # fmt: skip
    cells = usable.group_by("category", "year").len().filter(pl.col("len") >= lots).sort(
        "category", "year"
    )  # fmt: skip
    taken: set[str] = set()
    number = 0
    for cell in cells[rng.permutation(cells.height)].iter_rows(named=True):
        here = (pl.col("category") == cell["category"]) & (pl.col("year") == cell["year"])
        pool = sorted(set(free.filter(here)["bidder_id"]) - taken)
        if number == count or len(pool) < firms:
            continue
        members = [str(f) for f in rng.choice(pool, firms, replace=False)]
        mine = usable.filter(here).sort("day", *LOT)
        fit = [
            places[lot["tender_id"], lot["lot_id"]].sort("bidder_id", "bid_id")
            for lot in mine.iter_rows(named=True)
        ]
        fit = [p for p in fit if p.height >= least and not set(p["bidder_id"]) & set(members)]
        if len(fit) < lots:
            continue
        chosen = np.sort(rng.choice(len(fit), lots, replace=False))
        taken |= set(members)
        yield Ring(number, members, [fit[k][rng.permutation(fit[k].height)] for k in chosen])
        number += 1


def _written(tables: Tables, changed: list[pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The filings with these lots' bids in place of the honest ones; the lowest bid wins."""
    if not changed:
        return dict(tables)
    rigged = pl.concat(changed, how="vertical_relaxed")
    tenders = _awarded(tables["tenders"], rigged)
    won = tenders.select(*LOT, _who="winner_id")
    rigged = rigged.join(won, on=LOT, how="left", nulls_equal=True).with_columns(
        won=pl.col("bidder_id") == pl.col("_who")
    )
    others = tables["bids"].join(rigged.select(LOT).unique(), on=LOT, how="anti", nulls_equal=True)
    every = pl.concat([others, rigged.drop("_who")], how="diagonal_relaxed")
    return {**tables, "tenders": tenders, "bids": every}


def _events(changed: list[pl.DataFrame], *more: str) -> tuple[str, ...]:
    return tuple(sorted({part["tender_id"][0] for part in changed} | set(more)))


def _lowest_to(amounts: np.ndarray, place: int, among: int) -> np.ndarray:
    """Exchanges the lowest of the first amounts for that of one place."""
    found = amounts.copy()
    best = int(found[:among].argmin())
    found[[place, best]] = found[[best, place]]
    return found


def cover(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets a firm cover for another in a share of the tenders both bid for.

    One pair a trade, of the two that bid most: where it covers, the other takes the lowest bid of
    the tender and the cover stays a steady part above it.
    """
    bids = tables["bids"].join(
        tables["tenders"].select(*LOT, "category"), on=LOT, nulls_equal=True
    ).sort(*LOT, "bidder_id")  # fmt: skip
    trades = bids["category"].unique().sort()
    chosen = trades.gather(np.sort(rng.choice(trades.len(), count, replace=False)))
    changed: list[pl.DataFrame] = []
    cases, winners = [], []
    for trade in chosen:
        mine = bids.filter(pl.col("category") == trade).drop("category")
        busy = mine["bidder_id"].value_counts().sort("count", "bidder_id", descending=[True, False])
        winner, loser = (str(f) for f in rng.permutation(busy["bidder_id"][:2].to_numpy()))
        lots = mine.partition_by(LOT, maintain_order=True)
        luck, waver = rng.random(len(lots)), rng.normal(COVER, WAVER, len(lots))
        for k, lot in enumerate(lots):
            who = lot["bidder_id"].to_list()
            if luck[k] >= strength or winner not in who or loser not in who:
                continue
            first = who.index(winner)
            amounts = _lowest_to(lot["amount"].to_numpy(), first, len(who))
            amounts[who.index(loser)] = round(amounts[first] * waver[k], 2)
            changed.append(lot.with_columns(amount=pl.Series(amounts)))
        cases.append(frozenset([loser]))
        winners.append(winner)
    return Planted(_written(tables, changed), tuple(cases), _events(changed, *winners))


def in_turns(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets four firms that bid among themselves win in turns in a share of their tenders."""
    changed: list[pl.DataFrame] = []
    cases = []
    for ring in _rings(tables, rng, count, TURN_MEMBERS, TURNS):
        luck = rng.random(TURNS)
        for k, lot in enumerate(ring.lots):
            mine = lot.head(TURN_MEMBERS)
            amounts = mine["amount"].to_numpy()
            if luck[k] < strength:
                amounts = _lowest_to(amounts, k % TURN_MEMBERS, TURN_MEMBERS)
            changed.append(
                mine.with_columns(bidder_id=pl.Series(ring.firms), amount=pl.Series(amounts))
            )
        cases.append(frozenset(ring.firms))
    return Planted(_written(tables, changed), tuple(cases), _events(changed))


def circle(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets five firms bid among themselves: each in a share of the circle's twenty tenders.

    As many of the outsiders stay away.
    """
    changed: list[pl.DataFrame] = []
    cases = []
    for ring in _rings(tables, rng, count, CIRCLE_MEMBERS, CIRCLE_TENDERS, CIRCLE_MEMBERS):
        luck = rng.random((CIRCLE_TENDERS, max(lot.height for lot in ring.lots)))
        for k, lot in enumerate(ring.lots):
            reached = luck[k, : lot.height] < strength
            who = lot["bidder_id"].to_list()
            for m in np.flatnonzero(reached[:CIRCLE_MEMBERS]):
                who[m] = ring.firms[m]
            stays = ~reached | (np.arange(lot.height) < CIRCLE_MEMBERS)
            changed.append(lot.with_columns(bidder_id=pl.Series(who)).filter(pl.Series(stays)))
        cases.append(frozenset(ring.firms))
    return Planted(_written(tables, changed), tuple(cases), _events(changed))


def one_hand(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Has the bids of three firms prepared by one hand: a share of their traces is its own."""
    changed: list[pl.DataFrame] = []
    cases = []
    for ring in _rings(tables, rng, count, TRACED_MEMBERS, TRACED_TENDERS):
        luck = rng.random((TRACED_TENDERS, TRACED_MEMBERS, len(TRACES)))
        for k, lot in enumerate(ring.lots):
            text = rng.integers(0, 2, 64)
            flips = rng.random((TRACED_MEMBERS, 64))
            mine, others = lot.head(TRACED_MEMBERS), lot.slice(TRACED_MEMBERS)
            left = {
                c: [
                    f"{c}-hand-{ring.number}" if luck[k, m, j] < strength else f"{c}-{firm}"
                    for m, firm in enumerate(ring.firms)
                ]
                for j, c in enumerate(TRACES)
            }
            # A text of its own differs in half of the bits, a copy in one of twenty.
            bits = text ^ (flips < 0.5 - 0.45 * strength)
            prints = [np.packbits(row.astype(np.uint8)).tobytes().hex() for row in bits]
            mine = mine.with_columns(
                bidder_id=pl.Series(ring.firms), doc_simhash=pl.Series(prints),
                **{c: pl.Series(v) for c, v in left.items()},
            )  # fmt: skip
            changed.append(pl.concat([mine, others]))
        cases.append(frozenset(ring.firms))
    return Planted(_written(tables, changed), tuple(cases), _events(changed))


def passed_back(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Passes a part of the contract to the two losers nearest to the winner."""
    tenders, bids = tables["tenders"], tables["bids"]
    lots = _usable(tenders, bids).select(LOT)
    awards = lots.join(tenders, on=LOT, nulls_equal=True).filter(
        pl.col("winner_id").is_not_null(), pl.col("award_value").is_not_null()
    ).sort(LOT)  # fmt: skip
    chosen = awards[np.sort(rng.choice(awards.height, count, replace=False))]
    names = ["tender_id", "lot_id", "winner_id", "sub_id", "value", "currency"]
    rows, cases, firms = [], [], []
    for award in chosen.iter_rows(named=True):
        ranked = bids.filter(
            pl.col("tender_id") == award["tender_id"], pl.col("lot_id").eq_missing(award["lot_id"]),
            pl.col("status") == "valid", pl.col("bidder_id") != award["winner_id"],
        ).sort("amount", "bidder_id")  # fmt: skip
        cases.append(frozenset([award["tender_id"]]))
        for sub, part in zip(ranked["bidder_id"][: len(PASSED)], PASSED, strict=True):
            firms.append(sub)
            value = round(part * strength * award["award_value"], 2)
            rows.append((*(award[c] for c in names[:3]), sub, value, award["currency"]))
    made = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    known = tables["subcontracts"]
    if strength:
        known = known.join(made, on=names[:4], how="anti", nulls_equal=True)
        known = pl.concat([known, made], how="diagonal_relaxed")
    winners = chosen["winner_id"].to_list()
    return Planted({**tables, "subcontracts": known}, tuple(cases), tuple({*firms, *winners}))


def kept_away(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Keeps rivals away from a share of a buyer's tenders, called for ten days only."""
    tenders, bids = tables["tenders"], tables["bids"]
    buyers = tenders["buyer_id"].unique().sort()
    chosen = buyers.gather(np.sort(rng.choice(buyers.len(), count, replace=False)))
    luck = pl.DataFrame({"tender_id": tenders["tender_id"], "_luck": rng.random(tenders.height)})
    mine = tenders.filter(pl.col("buyer_id").is_in(chosen.implode())).join(luck, on="tender_id")
    alone = mine.filter(pl.col("_luck") < strength)["tender_id"].implode()
    short = pl.col("tender_id").is_in(alone)
    hurried = pl.when(short).then(pl.col("published_at") + pl.duration(days=SHORT_DAYS)).otherwise(
        pl.col("deadline_at")
    )  # fmt: skip
    changed = {
        "tenders": tenders.with_columns(deadline_at=hurried),
        "bids": bids.filter(~short | pl.col("won")),
    }
    cases = tuple(frozenset([buyer]) for buyer in chosen)
    return Planted({**tables, **changed}, cases, tuple(mine["tender_id"]))


BIDDERS = ("bids", ("bidder_id",))


def traces(count: int) -> Scheme:
    """Shared preparation."""
    return Scheme(
        "one hand", ("MON-BID-DOCSIM",),
        "share of the traces of three firms in twelve tenders that are one hand's, and how far"
        " their texts are copies",
        BIDDERS, partial(one_hand, count=count),
    )  # fmt: skip


def covers(count: int) -> Scheme:
    """A firm that never means to win."""
    return Scheme(
        "cover firm", ("MON-BID-COVER",),
        "share of a pair's tenders (about 25) in which one bids 5 % above the other, the lowest",
        BIDDERS, partial(cover, count=count),
    )  # fmt: skip


def turns(count: int) -> Scheme:
    """Winning in turns."""
    return Scheme(
        "turns", ("MON-BID-ROTATION",),
        "share of the 24 tenders of four firms in which the one whose turn it is wins; at 0 they"
        " bid among themselves already",
        BIDDERS, partial(in_turns, count=count),
    )  # fmt: skip


def circles(count: int) -> Scheme:
    """A closed circle."""
    return Scheme(
        "circle", ("MON-BID-COBID",),
        "share of a circle's twenty tenders that each of five members bids for and others leave",
        BIDDERS, partial(circle, count=count),
    )  # fmt: skip


def paid_losers(count: int) -> Scheme:
    """Losers that are paid."""
    return Scheme(
        "paid losers", ("MON-BID-SUBCON",),
        "part of the contract passed to the two nearest losers, 1 is two fifths",
        ("tenders", ("tender_id", "lot_id")), partial(passed_back, count=count),
    )  # fmt: skip


def lonely_buyers(count: int) -> Scheme:
    """Bids kept away from a buyer."""
    return Scheme(
        "rivals kept away", ("MON-BID-SINGLE",),
        "share of a buyer's tenders with rivals kept away; at 0 a quarter draw one bid anyway",
        ("tenders", ("buyer_id",)), partial(kept_away, count=count), ("buyer",),
    )  # fmt: skip
