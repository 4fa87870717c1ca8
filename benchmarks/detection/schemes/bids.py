"""Bid rings: firms take over tenders with their honest bids, and draw those into a pattern.

At strength 0 the amounts of every tender are those that were filed, only the names are the ring's:
who bids with whom is as closed as in a ring, the prices are competition's. At 1 the amounts are
those of the simulator's ring, at the tender's own price level.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables, blend
from detector.demo.rings import Ring, _close, _covered, _patterned

LOT = ["tender_id", "lot_id"]
TENDERS_A_RING, LEAST_BIDS = 18, 4
KINDS: dict[str, tuple[tuple[str, ...], tuple[int, int], Callable[..., object]]] = {
    "complete": (("MON-BID-CV", "MON-BID-DISTANCE", "MON-BID-SHAPE", "MON-BID-KS"), (5, 7),
                 _covered),
    "incomplete": (("MON-BID-SUBGROUP",), (3, 5), _close),
    "patterned": (("MON-BID-IDENTICAL",), (4, 6), _patterned),
}  # fmt: skip
LEVEL = 1e8
"""Price level at which patterns are drawn: the simulator rounds to whole units."""


def rings(tables: Tables, strength: float, rng: Random, *, kind: str, count: int) -> Planted:
    """Plants `count` rings of one kind, each in eighteen tenders of one market and year.

    Rings form where there is a margin: in the half of the markets where honest bids differ most.
    Each ring has a market to itself, or a year of it where markets are too few, so that rings do
    not hide each other. Members belong to no economic group.
    """
    tenders, bids = tables["tenders"], tables["bids"]
    _, members, _ = KINDS[kind]
    lots = _usable(tenders, bids)
    cells = (
        lots.group_by("category", "year", maintain_order=True)
        .agg(pl.len(), spread=pl.col("cv").median())
        .filter(pl.col("len") >= 2 * TENDERS_A_RING)
        .filter(pl.col("spread") >= pl.col("spread").median())
    )
    grouped = _grouped(tables)
    order = cells[rng.permutation(cells.height)]
    first = order.unique("category", keep="first", maintain_order=True)
    apart = pl.concat([first, order.join(first, on=["category", "year"], how="anti")])
    cases, changed = [], []
    for number, cell in enumerate(apart.head(count).iter_rows(named=True)):
        mine = lots.filter(pl.col("category") == cell["category"], pl.col("year") == cell["year"])
        chosen = mine[rng.choice(mine.height, TENDERS_A_RING, replace=False)]
        pool = chosen.join(bids, on=LOT, nulls_equal=True)["bidder_id"].unique().sort()
        pool = pool.filter(~pool.is_in(grouped.implode()))
        firms = pool.gather(rng.choice(pool.len(), int(rng.integers(*members)), replace=False))
        cases.append(frozenset(firms))
        changed.append(_rigged(rng, chosen, bids, firms, strength, kind, number))
    if not changed:
        return Planted(dict(tables), ())
    rigged = pl.concat(changed)
    others = bids.join(rigged.select(LOT).unique(), on=LOT, how="anti", nulls_equal=True)
    every = pl.concat([others, rigged], how="diagonal_relaxed")
    planted = {**tables, "bids": every, "tenders": _awarded(tenders, rigged)}
    return Planted(planted, tuple(cases), tuple(rigged["tender_id"].unique().sort()))


def _grouped(tables: Tables) -> pl.Series:
    """Firms of economic groups, where filed: they are judged under the group's name."""
    if "firms" not in tables:
        return pl.Series([], dtype=pl.String)
    return tables["firms"].filter(pl.col("group_id").is_not_null())["firm_id"]


def _usable(tenders: pl.DataFrame, bids: pl.DataFrame) -> pl.DataFrame:
    """Open tenders awarded on price with enough single bids: lot, market, year, spread."""
    valid = bids.filter(pl.col("status").fill_null("valid") == "valid", pl.col("amount") > 0)
    single = pl.col("consortium_id").is_null().all()
    sizes = valid.group_by(LOT).agg(
        n=pl.len(), single=single, firms=pl.col("bidder_id").n_unique(),
        cv=pl.col("amount").std() / pl.col("amount").mean(),
    )  # fmt: skip
    day = pl.col("awarded_at").cast(pl.Date)
    return (
        tenders.filter(
            pl.col("method").fill_null("open") == "open",
            pl.col("award_rule").fill_null("lowest") == "lowest",
            day.is_not_null(),
        )
        .join(sizes, on=LOT, nulls_equal=True)
        .filter(pl.col("n") >= LEAST_BIDS, "single", pl.col("firms") == pl.col("n"))
        .select(*LOT, "category", "cv", year=day.dt.year())
        .sort(LOT, nulls_last=False)
    )


def _rigged(
    rng: Random,
    lots: pl.DataFrame,
    bids: pl.DataFrame,
    firms: pl.Series,
    strength: float,
    kind: str,
    number: int,
) -> pl.DataFrame:
    """Bids of the ring's tenders: its members in the places of some bidders, outsiders kept."""
    places = firms.len()
    ring = Ring(f"{kind}-ring-{number + 1}", kind, (), 0, 0, np.arange(places), lots.height, 0, 1)
    pattern = KINDS[kind][2](rng, ring, np.arange(lots.height), np.full(lots.height, LEVEL))
    parts = []
    for row, lot in enumerate(lots.iter_rows(named=True)):
        here = pattern.tender == row  # type: ignore[attr-defined]
        shape = pattern.amount[here]  # type: ignore[attr-defined]
        who = pattern.bidder[here]  # type: ignore[attr-defined]
        mine = bids.filter(
            pl.col("tender_id") == lot["tender_id"], pl.col("lot_id").eq_missing(lot["lot_id"])
        ).filter(pl.col("status").fill_null("valid") == "valid")
        mine = mine[rng.permutation(mine.height)]
        own = mine.head(who.size)
        outside = mine.slice(who.size).filter(~pl.col("bidder_id").is_in(firms.implode()))
        outside = outside if kind == "incomplete" else outside.clear()
        amounts = _drawn_in(rng, own["amount"].to_numpy(), shape, strength)
        drawn = own.with_columns(
            bidder_id=firms.gather(who[: own.height]), amount=pl.Series(amounts)
        )
        parts.append(pl.concat([drawn, outside]))
    return pl.concat(parts)


def _drawn_in(rng: Random, honest: np.ndarray, shape: np.ndarray, strength: float) -> np.ndarray:
    """Honest amounts drawn into a pattern of their own mean; turns are kept as often as asked."""
    shape = shape[: honest.size]
    target = shape * (np.exp(np.log(honest).mean()) / np.exp(np.log(shape).mean()))
    if rng.random() < strength:
        honest = np.sort(honest)[np.argsort(np.argsort(target, kind="stable"), kind="stable")]
    return np.round(blend(honest, target, strength), 2)


def _awarded(tenders: pl.DataFrame, rigged: pl.DataFrame) -> pl.DataFrame:
    """Tenders of rings, won by the lowest bid."""
    best = rigged.sort("amount").group_by(LOT, maintain_order=True).agg(
        _who=pl.col("bidder_id").first(), _worth=pl.col("amount").first()
    )  # fmt: skip
    joined = tenders.join(best, on=LOT, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(
        winner_id=pl.coalesce("_who", "winner_id"), award_value=pl.coalesce("_worth", "award_value")
    ).drop("_who", "_worth")


def schemes(count: int) -> tuple[Scheme, ...]:
    """The three kinds of rings."""
    meaning = {
        "complete": "how far bids of 5 or 6 members move from honest ones to covers",
        "incomplete": "how far 3 or 4 members among outsiders move together",
        "patterned": "how far bids of 4 or 5 members move to even steps or equal amounts",
    }
    return tuple(
        Scheme(
            f"{kind} bid ring",
            typologies,
            meaning[kind],
            ("bids", ("bidder_id",)),
            partial(rings, kind=kind, count=count),
            ("firm", "group"),
        )
        for kind, (typologies, _, _) in KINDS.items()
    )
