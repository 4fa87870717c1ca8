"""Mergers: some between leaders of one market, most harmless."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from detector.demo.firms import Firms
from detector.demo.labels import Labels
from detector.demo.markets import Market, presence
from detector.demo.size import Size
from detector.demo.timeline import DAYS, Floats, Ints, dates, numbered, stream, take

_PLANTED_SHARE = 0.25
_JURISDICTIONS = ("CN", "EU", "US")


def make_deals(
    seed: int, size: Size, firms: Firms, markets: tuple[Market, ...], labels: Labels
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The `merger_notifications` and `deal_parties` tables."""
    rng = stream(seed, "deals")
    planted = _leading_pairs(rng, markets, round(size.deals * _PLANTED_SHARE))
    harmless = _harmless_pairs(rng, firms, markets, size.deals - len(planted))
    pairs = planted + harmless
    order = rng.permutation(len(pairs))
    acquirer = np.array([pairs[i][0] for i in order])
    target = np.array([pairs[i][1] for i in order])
    ids = numbered("D-", len(pairs), 3)
    is_planted = order < len(planted)
    notices = _notices(rng, firms, markets, ids, acquirer, target)
    labels.planted(
        "deal", ids.filter(pl.Series(is_planted)), ("MON-HHI-MERGER",), "leaders-merge",
        "a leader and one of its two nearest rivals",
    )  # fmt: skip
    labels.honest("deal", ids.filter(pl.Series(~is_planted)), ("MON-HHI-MERGER",))
    return notices, _parties(rng, firms, ids, acquirer, target)


def _leading_pairs(
    rng: np.random.Generator, markets: tuple[Market, ...], count: int
) -> list[tuple[int, int]]:
    """A leader of a concentrated market and another of its three largest, each pair once."""
    pairs = sorted(
        {
            (int(m.firms[a]), int(m.firms[b]))
            for m in markets
            if m.planted
            for a, b in ((0, 1), (0, 2), (1, 2))
            if a < m.leaders.size
        }
    )
    return [pairs[i] for i in rng.permutation(len(pairs))[:count]]


def _harmless_pairs(
    rng: np.random.Generator, firms: Firms, markets: tuple[Market, ...], count: int
) -> list[tuple[int, int]]:
    """Half between small firms of a scattered market, half with no market in common."""
    pairs: set[tuple[int, int]] = set()
    scattered = [m for m in markets if m.structure == "scattered"]
    while len(pairs) < count // 2:
        market = scattered[int(rng.integers(0, len(scattered)))]
        a, b = (int(f) for f in rng.choice(market.firms, 2, replace=False))
        common = presence(markets, a) & presence(markets, b)
        if not any(m.planted for m, both in zip(markets, common, strict=True) if both):
            pairs.add((a, b))
    inside = np.concatenate([m.firms for m in markets])
    outside = np.setdiff1d(np.flatnonzero(firms.independent()), inside)
    while len(pairs) < count:
        pairs.add((int(rng.choice(inside)), int(rng.choice(outside))))
    return sorted(pairs)


def _notices(
    rng: np.random.Generator,
    firms: Firms,
    markets: tuple[Market, ...],
    ids: pl.Series,
    acquirer: Ints,
    target: Ints,
) -> pl.DataFrame:
    count = ids.len()
    signed = rng.uniform(DAYS * 0.15, DAYS * 0.97, count)
    notified = signed + rng.uniform(3.0, 30.0, count)
    cleared = notified + rng.uniform(25.0, 150.0, count)
    implemented = cleared + rng.uniform(2.0, 60.0, count)
    overlaps = [
        json.dumps([m.id for m in markets if a in m.firms and b in m.firms])
        for a, b in zip(acquirer, target, strict=True)
    ]
    place = np.where(firms.region[acquirer] < 5, 0, np.where(firms.region[acquirer] < 7, 1, 2))
    return pl.DataFrame(
        {
            "deal_id": ids,
            "signed_on": dates(signed),
            "implemented_on": dates(_known(implemented)),
            "notified_on": dates(_known(notified)),
            "cleared_on": dates(_known(cleared)),
            "jurisdiction": take(_JURISDICTIONS, place),
            "currency": take(("CNY", "EUR", "USD"), place),
            "deal_value": np.round(np.exp(rng.normal(20.0, 1.2, count)), -4),
            "target_id": take(firms.ids, target),
            "overlap_market_ids": overlaps,
        }
    )


def _known(day: Floats) -> Floats:
    """What has not happened by the end of the period is not in the filing."""
    return np.where(day < DAYS, day, np.nan)


def _parties(
    rng: np.random.Generator, firms: Firms, ids: pl.Series, acquirer: Ints, target: Ints
) -> pl.DataFrame:
    party = np.stack([acquirer, target], axis=1).ravel()
    turnover = firms.frame.select("turnover_world", "turnover_domestic")[party]
    assets = turnover["turnover_world"].to_numpy() * rng.uniform(0.4, 2.5, party.size)
    return pl.DataFrame(
        {
            "deal_id": ids.gather(np.repeat(np.arange(ids.len()), 2)),
            "party_id": take(firms.ids, party),
            "turnover_world": turnover["turnover_world"],
            "turnover_domestic": turnover["turnover_domestic"],
            "assets": np.round(assets, -3),
            "fy": np.full(party.size, 2025, dtype=np.int64),
        }
    )
