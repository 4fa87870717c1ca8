"""Honest tenders: many trades, their buyers, who had work passed on, and what bids leave behind.

The demonstration's market has twelve categories. Screens that speak of a whole category and year
compare many of them, so trades are drawn here: bidders with costs of their own, dearer away from
home, a ceiling over every lot, the lowest bid wins. How many bids a lot draws, how far they lie
apart and how far below the ceiling they stay differs from trade to trade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.filings import clean, filed, widened
from benchmarks.detection.real import present
from benchmarks.detection.schemes import tendering, tendering_trades
from benchmarks.detection.schemes.planting import Scheme, World

YEAR = date(2025, 1, 6)
REGIONS = ("north", "east", "south", "west")
TENDERS, SUBCONTRACTS = ("firms", "tenders", "bids"), ("firms", "tenders", "bids", "subcontracts")
Random = np.random.Generator
Filings = Mapping[str, pl.DataFrame]


def trades(
    seed: int,
    *,
    count: int,
    lots: int,
    presence: tuple[float, float],
    buyers: int = 20,
    closeness: float = 1.0,
) -> Filings:
    """Tenders of one year in `count` trades of ten firms, `lots` or some more in each.

    Args:
        presence: chance that a firm bids at home and away.
        buyers: buying authorities, who buy in all trades.
        closeness: factor on the scatter of bids; 1 is 4 to 8 % of the price.
    """
    rng = np.random.default_rng([20260, seed, count, lots])
    tenders, bids, firms = [], [], []
    for number in range(count):
        mine = [f"f-{number:03d}-{k:02d}" for k in range(10)]
        made = _trade(rng, number, mine, int(lots * rng.uniform(1, 1.6)), presence, closeness)
        tenders.append(made[0].with_columns(buyer_id=pl.Series(
            [f"buyer-{b:02d}" for b in rng.integers(0, buyers, made[0].height)])))  # fmt: skip
        bids.append(made[1])
        firms += mine
    named = pl.DataFrame({"firm_id": firms, "name": firms, "country": "CN"})
    return {
        "firms": widened("firms", named),
        "tenders": widened(
            "tenders",
            pl.concat(tenders).with_columns(
                method=pl.lit("open"), award_rule=pl.lit("lowest"), currency=pl.lit("CNY")
            ),
        ),
        "bids": widened(
            "bids", pl.concat(bids).with_columns(currency=pl.lit("CNY"), status=pl.lit("valid"))
        ),
    }


def _trade(
    rng: Random,
    number: int,
    firms: list[str],
    lots: int,
    presence: tuple[float, float],
    closeness: float,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tenders and bids of one trade."""
    homes, places = rng.integers(0, len(REGIONS), (1, len(firms))), rng.integers(0, 4, (lots, 1))
    homes[0, :4] = np.arange(4)
    at_home = homes == places
    habit = presence[1] * rng.uniform(0.8, 1.2)
    bidding = rng.random((lots, len(firms))) < np.where(at_home, presence[0], habit)
    # A lot nobody wants goes to the firm next door.
    empty = ~bidding.any(axis=1)
    bidding[empty, places[empty, 0]] = True
    scatter = closeness * rng.uniform(0.04, 0.08)
    cost = rng.normal(0, scatter / 2, (1, len(firms))) + np.where(at_home, 0.0, scatter / 4)
    logs = np.log(rng.normal(0.9, 0.02)) + cost + rng.normal(0, scatter, (lots, len(firms)))
    worth = np.exp(rng.normal(13.5, 0.8, (lots, 1)))
    reserve = np.round(worth[:, 0], -3)
    # A bid above the ceiling is not handed in: the firm asks a little less than it.
    below = 1 - np.abs(rng.normal(0, 0.02, logs.shape))
    amounts = np.round(reserve[:, None] * np.minimum(np.exp(logs), below), 2)
    called = [YEAR + timedelta(days=int(d)) for d in rng.integers(0, 270, lots)]
    notice = np.where(rng.random(lots) < 0.08, rng.integers(9, 15, lots),
                      rng.integers(20, 45, lots))  # fmt: skip
    due = [c + timedelta(days=int(n)) for c, n in zip(called, notice, strict=True)]
    ids = [f"t-{number:03d}-{k:03d}" for k in range(lots)]
    lot, firm = np.nonzero(bidding)
    best = np.where(bidding, amounts, np.inf).argmin(axis=1)
    tenders = pl.DataFrame(
        {
            "tender_id": ids,
            "category": [f"trade-{number:03d}"] * lots,
            "region": [REGIONS[p] for p in places[:, 0]],
            "reserve_price": reserve,
            "published_at": [_noon(d) for d in called],
            "deadline_at": [_noon(d) for d in due],
            "awarded_at": [_noon(d + timedelta(days=20)) for d in due],
            "winner_id": [firms[b] for b in best],
            "award_value": amounts[np.arange(lots), best],
        }
    )
    bids = pl.DataFrame(
        {
            "tender_id": [ids[k] for k in lot],
            "bid_id": [f"b-{number:03d}-{k:03d}-{f:02d}" for k, f in zip(lot, firm, strict=True)],
            "bidder_id": [firms[f] for f in firm],
            "amount": amounts[lot, firm],
            "won": best[lot] == firm,
        }
    )
    return tenders, bids


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def bidding(seed: int) -> Filings:
    """Tenders and bids of the simulated market."""
    made = clean(seed)
    return {
        "firms": made["firms"],
        "tenders": widened("tenders", made["tenders"]),
        "bids": widened("bids", made["bids"]),
    }


def traced(seed: int) -> Filings:
    """The simulated market's bids with the traces files leave, for Chinese tenders.

    Every firm has its own address, account, contact and author, and every bid its own text. Three
    firms in a hundred send from an address many share; one deposit in fifty is paid by one of
    forty guarantors, whoever the bidder is; one contact in a hundred is left out.
    """
    made, rng = bidding(seed), np.random.default_rng([20261, seed])
    bids = made["bids"].sort("tender_id", "lot_id", "bidder_id", "bid_id")
    firm = pl.col("bidder_id")
    names = made["firms"]["firm_id"]
    shared = names.filter(pl.Series(rng.random(names.len()) < 0.03))
    office = {f: f"ip-hall-{rng.integers(0, 12)}" for f in shared}
    guarantor = pl.Series([f"account-guarantor-{g}" for g in rng.integers(0, 40, bids.height)])
    bids = bids.with_columns(
        ip_hash=firm.replace_strict(office, default=pl.format("ip-{}", firm)),
        deposit_account_hash=pl.when(pl.Series(rng.random(bids.height) < 0.02))
        .then(guarantor)
        .otherwise(pl.format("account-{}", firm)),
        contact_hash=pl.when(pl.Series(rng.random(bids.height) >= 0.01)).then(
            pl.format("contact-{}", firm)
        ),
        doc_author_hash=pl.format("author-{}", firm),
        doc_simhash=pl.Series([rng.bytes(8).hex() for _ in range(bids.height)]),
    )
    return {
        **made,
        "bids": bids,
        "tenders": made["tenders"].with_columns(jurisdiction=pl.lit("CN")),
    }


def passed_on(seed: int) -> Filings:
    """The simulated market with subcontracts of one award in three.

    A tenth to a third of the contract goes to one or two firms, mostly specialists that did not
    bid; one in twelve of them did, and lost.
    """
    made, rng = bidding(seed), np.random.default_rng([20262, seed])
    names = made["firms"]["firm_id"].to_numpy()
    losers = made["bids"].filter(~pl.col("won").fill_null(value=False)).group_by(
        "tender_id", "lot_id"
    ).agg(lost=pl.col("bidder_id").unique().sort())  # fmt: skip
    awards = (
        made["tenders"]
        .filter(pl.col("winner_id").is_not_null(), pl.col("award_value").is_not_null())
        .join(losers, on=["tender_id", "lot_id"], how="left", nulls_equal=True)
        .sort("tender_id", "lot_id")
    )
    rows = []
    for award in awards.filter(pl.Series(rng.random(awards.height) < 1 / 3)).iter_rows(named=True):
        for _ in range(int(rng.integers(1, 3))):
            lost = [f for f in award["lost"] or () if f != award["winner_id"]]
            own = rng.random() < 1 / 12 and lost
            sub = str(rng.choice(lost if own else names))
            if sub != award["winner_id"]:
                part = rng.uniform(0.1, 0.33) / 2
                rows.append((award["tender_id"], award["lot_id"], award["winner_id"], sub,
                             round(part * award["award_value"], 2), award["currency"]))  # fmt: skip
    columns = ["tender_id", "lot_id", "winner_id", "sub_id", "value", "currency"]
    subs = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    subs = subs.unique(columns[:4], keep="first", maintain_order=True)
    return {**made, "subcontracts": widened("subcontracts", subs)}


def japan(_: int) -> Filings:
    """Tenders of works in Japan outside those a ring was found in."""
    return filed("bids-japan", "tenders", "bids", honest="tender")


def tsuchiura(_: int) -> Filings:
    """A town's works auctions, a third of each year as a market of its own.

    Many markets are needed to plant in some. The auctions are known for bids that are missing close
    to the winner: they are not honest for certain.
    """
    found = dict(filed("bids-tsuchiura", "tenders", "bids"))
    year = pl.col("awarded_at").dt.year()
    third = pl.int_range(pl.len()).over(year) % 3
    tenders = found["tenders"].filter(year.is_between(2007, 2014)).sort("tender_id")
    tenders = tenders.with_columns(market_id=pl.format("works-{}-{}", year, third))
    kept = found["bids"].join(tenders.select("tender_id"), on="tender_id", how="semi")
    return {"tenders": tenders, "bids": kept}


def _world(
    name: str, tables: Callable[[int], Filings], *schemes: Scheme, subcontracts: bool = False
) -> World:
    return World(name, tables, schemes, drawn=True, order=SUBCONTRACTS if subcontracts else TENDERS)


MANY = partial(trades, count=200, lots=32, presence=(0.6, 0.35))
"""Enough trades for peers of a category and year."""
LARGE = partial(trades, count=220, lots=70, presence=(0.5, 0.35), closeness=0.3)
"""Larger trades with keen prices: near ties are common enough to be missed."""
KNOWN = partial(trades, count=60, lots=45, presence=(0.75, 0.6))
"""Trades in which the same firms meet again and again."""
BUYERS = partial(trades, count=12, lots=150, presence=(0.26, 0.24), buyers=70)
"""Little interest: a fifth or more of the tenders draw one bid."""

REAL: tuple[World, ...] = (
    _world("bids-japan", japan, tendering.turns(5)),
    _world("bids-japan", japan, tendering.circles(5)),
    _world("bids-tsuchiura", tsuchiura, tendering_trades.gaps(8)),
    _world("bids-tsuchiura", tsuchiura, tendering_trades.leaks(8)),
)
WORLDS: tuple[World, ...] = (
    *(world for world in REAL if present(world.name)),
    _world("bids with traces", traced, tendering.traces(10)),
    _world("bids with a cover", KNOWN, tendering.covers(12)),
    _world("bids in turns", bidding, tendering.turns(10)),
    _world("bids in a circle", bidding, tendering.circles(10)),
    _world("awards passed on", passed_on, tendering.paid_losers(20), subcontracts=True),
    _world("buyers with few bids", BUYERS, tendering.lonely_buyers(8)),
    _world("trades shared out", MANY, tendering_trades.territories(12)),
    _world("trades at the ceiling", MANY, tendering_trades.ceilings(8)),
    _world("trades that know the ceiling", MANY, tendering_trades.leaks(8)),
    _world("trades without near bids", LARGE, tendering_trades.gaps(6)),
)
