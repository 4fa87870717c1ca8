"""Simulated tenders without a scheme, awkward on purpose; and the same with a ring planted.

Screens of a tender depend on each other, on the market, and on who bids: a firm has a manner of its
own, so its tenders resemble each other. Firms bid where they are at home, so pairs meet often and
share tenders. Peers are few (markets by bands of bids), some screens are whole numbers with ties,
some are missing. Two years: the first is frozen as the reference, the second is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl

from features.catalogue import Feature, catalogue
from features.compute import FeatureFrame

FIRST, SECOND = date(2024, 1, 1), date(2025, 1, 1)
MONTHS = 12
SCREENS = (
    "bid_cv", "bid_spread", "bid_ks_uniform", "bid_rd", "bid_diffp", "bid_rdnor", "bid_rdalt",
    "bid_skew", "bid_kurt", "bid_cv_min3", "bid_tie_share", "bid_step_cv",
)  # fmt: skip
"""Inputs of the shipped bid models."""
DISPERSION = ("bid_cv", "bid_spread", "bid_ks_uniform", "bid_cv_min3", "bid_step_cv")
"""Screens that share most of what is common to a tender."""


@dataclass(frozen=True)
class World:
    """How awkward a market is.

    Attributes:
        likeness: share of the variance of a tender's common part that is its bidders' manner.
        common: share of the variance of a screen that is the tender's common part.
        ties: whether screens are rounded to a few values.
        missing: share of values that are unknown.
        skewed: whether manners are lopsided: a few firms differ a lot from all others.
        whole: whether both years are the reference, as where models are fitted by the first run.
        ring: firms that collude; 0 for none.
        strength: by how many standard deviations their tenders are tighter.
    """

    name: str
    firms: int = 60
    tenders: int = 400
    markets: int = 8
    likeness: float = 0.2
    common: float = 0.5
    ties: bool = False
    missing: float = 0.05
    skewed: bool = False
    whole: bool = False
    ring: int = 0
    strength: float = 2.5


@dataclass(frozen=True)
class Sample:
    """One draw of a world: tables by year, who bid where; firms of the ring and rigged tenders."""

    reference: FeatureFrame
    judged: FeatureFrame
    links: dict[tuple[str, str], pl.DataFrame]
    guilty: frozenset[str]


def draw(world: World, seed: int) -> Sample:
    """One market; equal seeds give equal markets."""
    rng = np.random.default_rng(seed)
    size = 2 * world.tenders
    busy = np.arange(1, world.markets + 1) / np.arange(1, world.markets + 1).sum()
    home = rng.choice(world.markets, world.firms, p=busy)
    market = rng.choice(world.markets, size, p=busy)
    bidders, rigged = _bidders(rng, world, home, market)
    manner = _manners(rng, world)
    common = _common(rng, world, bidders, manner, market)
    screens = {name: _screen(rng, world, name, common, rigged) for name in SCREENS}
    keys = [f"T{n:04}" for n in range(size)]
    month = np.arange(size) * 2 * MONTHS // size
    table = _table(keys, month, market, np.array([len(b) for b in bidders]), screens)
    later = pl.col("period_start") >= SECOND
    ring = frozenset(_firm(f) for f in range(world.ring))
    links = _links(keys[world.tenders :], month[world.tenders :], bidders[world.tenders :])
    known = table if world.whole else table.filter(~later)
    rings = frozenset(k for k, r in zip(keys, rigged, strict=True) if r)
    return Sample(_frame(known), _frame(table.filter(later)), links, ring | rings)


def _bidders(
    rng: np.random.Generator, world: World, home: np.ndarray, market: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """Firms at each tender, at home three times in four; which tenders a ring has to itself."""
    found, rigged = [], np.zeros(market.size, dtype=bool)
    near = [np.flatnonzero(home == m) for m in range(world.markets)]
    for tender, place in enumerate(market):
        number = int(rng.integers(3, 9))
        local = near[place] if near[place].size >= number else np.arange(world.firms)
        pool = local if rng.random() < 0.75 else np.arange(world.firms)
        found.append(np.sort(rng.choice(pool, number, replace=False)))
        # Rings meet in the year judged, at every eighth tender.
        if world.ring and tender >= world.tenders and tender % 8 == 0:
            rigged[tender], found[-1] = True, np.arange(world.ring)
    return found, rigged


def _manners(rng: np.random.Generator, world: World) -> np.ndarray:
    drawn = rng.standard_exponential(world.firms) - 1.0 if world.skewed else rng.normal(
        size=world.firms
    )  # fmt: skip
    return np.asarray(drawn)


def _common(
    rng: np.random.Generator,
    world: World,
    bidders: list[np.ndarray],
    manner: np.ndarray,
    market: np.ndarray,
) -> np.ndarray:
    """What the screens of a tender share: the manner of its bidders, its market, and chance."""
    mean = np.array([manner[b].sum() / np.sqrt(b.size) for b in bidders])
    place = rng.normal(size=world.markets)[market]
    noise = rng.normal(size=market.size)
    return np.asarray(
        np.sqrt(world.likeness) * mean + np.sqrt(1 - world.likeness) * noise + 0.5 * place
    )


def _screen(
    rng: np.random.Generator, world: World, name: str, common: np.ndarray, rigged: np.ndarray
) -> np.ndarray:
    """One screen; its suspicious end is the end declared in the catalogue."""
    share = world.common if name in DISPERSION else world.common / 3
    value = np.sqrt(share) * common + np.sqrt(1 - share) * rng.normal(size=common.size)
    value = value + world.strength * rigged
    if name == "bid_tie_share":
        value = np.maximum(0.0, np.round(value - 0.5))
    elif world.ties:
        value = np.round(value)
    value = value if _features()[name].direction == "high" else -value
    return np.where(rng.random(common.size) < world.missing, np.nan, value)


def _table(
    keys: list[str],
    month: np.ndarray,
    market: np.ndarray,
    bids: np.ndarray,
    screens: dict[str, np.ndarray],
) -> pl.DataFrame:
    start = [_month(int(m)) for m in month]
    table = pl.DataFrame(
        {
            "subject_key": keys,
            "period_start": start,
            "market": [f"M{m}" for m in market],
            "n_band": ["3-4" if n < 5 else "5-6" if n < 7 else "7+" for n in bids],
        }
    ).with_columns(period_end=pl.col("period_start").dt.month_end())
    columns = [pl.Series(name, values).fill_nan(None) for name, values in screens.items()]
    table = table.with_columns(columns)
    return table.with_columns(
        *(
            pl.when(pl.col(name).is_null()).then(pl.lit("missing_input")).alias(f"{name}__reason")
            for name in screens
        ),
        *(pl.lit(99, pl.Int64).alias(f"{name}__n") for name in screens),
    )


def _links(
    keys: list[str], month: np.ndarray, bidders: list[np.ndarray]
) -> dict[tuple[str, str], pl.DataFrame]:
    """Tenders of each firm and of each pair in the year judged."""
    firms = [(k, m, _firm(f)) for k, m, b in zip(keys, month, bidders, strict=True) for f in b]
    pairs = [
        (k, m, f"{_firm(a)}|{_firm(c)}")
        for k, m, b in zip(keys, month, bidders, strict=True)
        for a, c in combinations(b, 2)
    ]
    return {("tender", "firm_y"): _linked(firms), ("tender", "pair_y"): _linked(pairs)}


def _linked(rows: list[tuple[str, int, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "child_key": [r[0] for r in rows],
            "child_period_start": [_month(int(r[1])) for r in rows],
            "parent_key": [r[2] for r in rows],
        }
    ).with_columns(parent_period_start=pl.lit(SECOND), parent_period_end=pl.lit(date(2025, 12, 31)))


def _frame(table: pl.DataFrame) -> FeatureFrame:
    features = tuple(_features()[name] for name in SCREENS)
    return FeatureFrame("tender", table, features, ("market", "n_band"), ("market", "n_band"))


def _features() -> dict[str, Feature]:
    return {f.name: f for f in catalogue().of_grain("tender")}


def _firm(number: int) -> str:
    return f"F{number:03}"


def _month(number: int) -> date:
    return date(FIRST.year + number // MONTHS, number % MONTHS + 1, 1)


WORLDS = (
    World("independent tenders", likeness=0.0),
    World("tenders of a firm alike", likeness=0.2),
    World("very much alike", likeness=0.5),
    World("lopsided manners", likeness=0.3, skewed=True),
    World("ties and gaps", ties=True, missing=0.3),
    World("few firms and peers", firms=25, tenders=200, markets=4, likeness=0.4, skewed=True),
    World("a handful of firms", firms=9, tenders=60, markets=2, likeness=0.4, skewed=True),
    World("judged beside themselves", likeness=0.3, whole=True),
)
RINGS = (
    World("ring of 5, faint", ring=5, strength=0.8),
    World("ring of 5", ring=5, strength=1.5),
    World("ring of 5, plain", ring=5, strength=2.5),
    World("ring of 4 among 25 firms", firms=25, tenders=200, markets=4, ring=4, strength=1.5),
)
